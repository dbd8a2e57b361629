//! Lets the client play the transcripts that servers play, with the roles changed.

use std::collections::VecDeque;

use bytes::Bytes;
use posthouse_model::session::{CloseReason, QuestionId, Session, Step, TlsInfo};
use posthouse_model::time::Instant;
use posthouse_model::{Address, DeliverBy, Domain, DsnNotify, DsnReturn, Envelope, Recipient, ReversePath, Secret};
use posthouse_sasl::{Credentials, Mechanism, NONCE_BYTES};
use posthouse_testkit::transcript::{self, Dialect, Split};

use crate::client::*;
use crate::command::ByValue;

/// What the driver does at `Ready` and `NeedBody`.
pub(super) enum Move {
    Begin(Box<OutgoingMessage>),
    Supply(Bytes),
    Finish,
    Abort,
    Quit,
}

/// A client session in the clothes of a server session.
pub(super) struct Reversed {
    session: ClientSession,
    steps: VecDeque<Step<String>>,
}

impl Session for Reversed {
    type Question = String;
    type Answer = Move;

    fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.session.receive(bytes, now);
    }
    fn receive_eof(&mut self, now: Instant) {
        self.session.receive_eof(now);
    }
    fn wake(&mut self, now: Instant) {
        self.session.wake(now);
    }
    fn answer(&mut self, _: QuestionId, answer: Move, now: Instant) {
        match answer {
            Move::Begin(message) => self.session.begin(*message, now).unwrap(),
            Move::Supply(piece) => self.session.supply_body(piece, now),
            Move::Finish => self.session.finish_body(now),
            Move::Abort => self.session.abort_body(now),
            Move::Quit => self.session.quit(now),
        }
    }
    fn tls_established(&mut self, tls: TlsInfo, now: Instant) {
        self.session.tls_established(tls, now);
    }
    /// Stands for a handshake that fails.
    fn shut_down(&mut self, now: Instant) {
        self.session.tls_failed(now);
    }
    fn next(&mut self) -> Option<Step<String>> {
        if let Some(step) = self.steps.pop_front() {
            return Some(step);
        }
        let ask = |words: String| Step::Ask(QuestionId(0), words);
        Some(match self.session.next()? {
            ClientStep::Send(bytes) => Step::Send(bytes),
            ClientStep::StartTls => Step::StartTls,
            ClientStep::WakeAt(at) => Step::WakeAt(at),
            ClientStep::Ready => ask("ready".to_owned()),
            ClientStep::NeedBody => ask("body".to_owned()),
            ClientStep::Outcome(outcome) => ask(describe(&outcome)),
            ClientStep::Close(Ok(())) => Step::Close(CloseReason::Quit),
            ClientStep::Close(Err(failure)) => {
                self.steps.push_back(Step::Close(CloseReason::ProtocolError));
                ask(format!("failed: {failure}"))
            }
        })
    }
    fn wants_input(&self) -> bool {
        self.session.wants_input()
    }
}

fn describe(outcome: &TransactionOutcome) -> String {
    let cause = |cause: &Cause| match cause {
        Cause::Reply { stage, reply } => format!("{stage:?} {reply}"),
        Cause::Connection { stage, .. } => format!("{stage:?} connection"),
        other => format!("{other:?}"),
    };
    let mut words: Vec<String> = outcome
        .recipients
        .iter()
        .map(|recipient| match recipient {
            DeliveryOutcome::Delivered(reply) => format!("delivered {reply}"),
            DeliveryOutcome::Temporary(why) => format!("temporary {}", cause(why)),
            DeliveryOutcome::Permanent(why) => format!("permanent {}", cause(why)),
        })
        .collect();
    if outcome.uncertain {
        words.push("uncertain".to_owned());
    }
    words.join(" | ")
}

/// A client under test.
#[derive(Clone)]
pub(super) struct Client(pub(super) ClientConfig);

pub(super) fn client() -> Client {
    Client(ClientConfig::new(Domain::parse("c.example").unwrap()))
}

pub(super) fn authentication(allowed: &[Mechanism]) -> ClientAuthentication {
    let credentials =
        Credentials { authentication_id: "u".to_owned(), authorization_id: None, password: Secret::new("p") };
    ClientAuthentication { credentials, allowed: allowed.to_vec(), nonce: [3; NONCE_BYTES] }
}

impl Client {
    pub(super) fn with(mut self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        change(&mut self.0);
        self
    }

    /// Replays a script in which `S:` is the server, as everywhere, although the client is under test.
    #[track_caller]
    pub(super) fn check(&self, script: &str) {
        transcript::check(self, &reverse(script));
    }

    #[track_caller]
    pub(super) fn check_whole(&self, script: &str) {
        transcript::check_split(self, &reverse(script), Split::Whole);
    }

    /// Replays a script behind an EHLO to which the server offers `extensions`.
    #[track_caller]
    pub(super) fn check_offered(&self, extensions: &[&str], script: &str) {
        let mut offer = String::from("S: 220 s.example\nC: EHLO c.example\nS: 250-s.example\n");
        for extension in extensions {
            offer += &format!("S: 250-{extension}\n");
        }
        self.check(&format!("{offer}S: 250 XYZZY\n{script}"));
    }
}

/// Exchanges the two sides.
fn reverse(script: &str) -> String {
    let lines = script.lines().map(|line| {
        let line = line.trim_start();
        match line.split_at_checked(1) {
            Some(("C", rest)) if rest.starts_with([':', '>']) => format!("S{rest}\n"),
            Some(("S", rest)) if rest.starts_with([':', '>']) => format!("C{rest}\n"),
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

/// `a@b.example,c@d.example` with words before it: `8bit`, `utf8`, `binary`, `requiretls`, `dsn`, `never`,
/// `by=60;R`.
pub(super) fn message(words: &str) -> OutgoingMessage {
    let mut words = words.split(' ').rev();
    let mut envelope = Envelope::new(ReversePath::Address(Address::parse("a@b.example").unwrap()));
    for address in words.next().unwrap().split(',') {
        envelope.recipients.push(Recipient::new(Address::parse(address).unwrap()));
    }
    let mut message = OutgoingMessage {
        envelope,
        size_bytes: 10,
        has_8bit: false,
        is_binary: false,
        needs_smtputf8: false,
        deliver_by: None,
    };
    for word in words {
        match word {
            "8bit" => message.has_8bit = true,
            "utf8" => message.needs_smtputf8 = true,
            "binary" => message.is_binary = true,
            _ if word.starts_with("by=") => {
                let (seconds, mode) = word["by=".len()..].split_once(';').unwrap();
                let (mode, trace) = DeliverBy::read_mode(mode).unwrap();
                message.deliver_by = Some(ByValue { seconds: seconds.parse().unwrap(), mode, trace });
            }
            "never" => message.envelope.recipients.iter_mut().for_each(|one| one.notify = Some(DsnNotify::NEVER)),
            "requiretls" => message.envelope.require_tls = true,
            "dsn" => {
                message.envelope.dsn_return = Some(DsnReturn::Headers);
                message.envelope.envelope_id = Some("x+2By".to_owned());
                message.envelope.recipients[0].notify = Some(DsnNotify { success: true, failure: true, delay: false });
                message.envelope.recipients[0].original = Some("rfc822;o@b.example".to_owned());
            }
            other => panic!("{other}"),
        }
    }
    message
}

impl Dialect for Client {
    type Session = Reversed;

    fn start(&self) -> Reversed {
        Reversed { session: ClientSession::new(self.0.clone(), Instant(0)), steps: VecDeque::new() }
    }

    fn describe(&self, question: &String) -> String {
        question.clone()
    }

    fn answer(&self, words: &str) -> Move {
        match words.split_once(' ') {
            Some(("send", rest)) => Move::Begin(Box::new(message(rest))),
            Some(("text", rest)) => Move::Supply(rest.replace("\\r", "\r").replace("\\n", "\n").into()),
            _ => match words {
                "end" => Move::Finish,
                "abort" => Move::Abort,
                "quit" => Move::Quit,
                other => panic!("no such answer: {other}"),
            },
        }
    }
}
