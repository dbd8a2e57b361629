//! Our client and our server in one memory.

use std::sync::Arc;

use bytes::Bytes;
use posthouse_model::session::{CloseReason, Session, Step, TlsInfo, TlsMode};
use posthouse_model::time::Instant;
use posthouse_model::{Domain, JourneyId};
use posthouse_sasl as sasl;
use posthouse_sasl::{Mechanism, ScramVerifier};
use posthouse_testkit::transcript::Random;
use proptest::prelude::*;

use super::dialect::{authentication, client, message};
use crate::client::*;
use crate::server::{
    Answer, AuthenticationStart, AuthorizationAnswer, Question, RecipientRefusal, RecipientVerdict, SenderVerdict,
    ServerConfig, ServerSession, StoreMessage, StoreOutcome,
};

const NOW: Instant = Instant(0);

fn tls() -> TlsInfo {
    TlsInfo { version: "TLS1.3".to_owned(), tls_exporter: Some(vec![9; 32]), ..TlsInfo::default() }
}

/// What came of one message.
#[derive(Debug, Default)]
struct Result {
    outcomes: Vec<TransactionOutcome>,
    stored: Vec<(StoreMessage, Vec<u8>)>,
    client_end: Option<std::result::Result<(), ClientFailure>>,
    server_end: Option<CloseReason>,
}

/// Both sides, and the wires between them.
struct Pair {
    client: ClientSession,
    server: ServerSession,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    body: Vec<u8>,
    random: Random,
    result: Result,
}

impl Pair {
    fn new(client_config: ClientConfig, server_config: ServerConfig, seed: u64) -> Self {
        let peer = posthouse_model::session::Peer {
            remote: "192.0.2.7:40000".parse().unwrap(),
            local: "198.51.100.1:25".parse().unwrap(),
        };
        Self {
            client: ClientSession::new(client_config, NOW),
            server: ServerSession::new(Arc::new(server_config), peer, NOW),
            to_server: Vec::new(),
            to_client: Vec::new(),
            body: Vec::new(),
            random: Random::new(seed),
            result: Result::default(),
        }
    }

    /// Sends `messages` with `text` each, then says goodbye.
    fn run(mut self, mut messages: Vec<OutgoingMessage>, text: &[u8]) -> Result {
        let mut rest = Bytes::copy_from_slice(text);
        messages.reverse();
        loop {
            let mut moved = self.drain_server();
            while let Some(step) = self.client.next() {
                moved = true;
                match step {
                    ClientStep::Send(bytes) => self.to_server.extend_from_slice(&bytes),
                    ClientStep::StartTls | ClientStep::WakeAt(_) => {}
                    ClientStep::Ready => match messages.pop() {
                        Some(message) => {
                            rest = Bytes::copy_from_slice(text);
                            self.client.begin(message, NOW).unwrap();
                        }
                        None => self.client.quit(NOW),
                    },
                    ClientStep::NeedBody if rest.is_empty() => self.client.finish_body(NOW),
                    ClientStep::NeedBody => {
                        let length = 1 + self.random.below(rest.len().min(40));
                        self.client.supply_body(rest.split_to(length), NOW);
                    }
                    ClientStep::Outcome(outcome) => self.result.outcomes.push(outcome),
                    ClientStep::Close(end) => self.result.client_end = Some(end),
                }
            }
            moved |= self.carry();
            if !moved {
                return self.result;
            }
        }
    }

    /// Carries some bytes each way.
    fn carry(&mut self) -> bool {
        let mut moved = false;
        if self.server.wants_input() && !self.to_server.is_empty() {
            let length = 1 + self.random.below(self.to_server.len());
            let piece: Vec<u8> = self.to_server.drain(..length).collect();
            self.server.receive(&piece, NOW);
            moved = true;
        }
        if self.client.wants_input() && !self.to_client.is_empty() {
            let length = 1 + self.random.below(self.to_client.len());
            let piece: Vec<u8> = self.to_client.drain(..length).collect();
            self.client.receive(&piece, NOW);
            moved = true;
        }
        // Both have come to the handshake.
        if !self.client.wants_input() && !self.server.wants_input() && self.result.client_end.is_none() {
            assert!(self.to_client.is_empty() && self.to_server.is_empty());
            self.client.tls_established(tls(), NOW);
            self.server.tls_established(tls(), NOW);
            moved = true;
        }
        moved
    }

    fn drain_server(&mut self) -> bool {
        let mut moved = false;
        while let Some(step) = self.server.next() {
            moved = true;
            match step {
                Step::Send(bytes) => self.to_client.extend_from_slice(&bytes),
                Step::Body(bytes) => self.body.extend_from_slice(&bytes),
                Step::Ask(id, question) => {
                    if let Some(answer) = self.answer(question) {
                        self.server.answer(id, answer, NOW);
                    }
                }
                Step::StartTls | Step::StartCompression | Step::WakeAt(_) => {}
                Step::Close(reason) => self.result.server_end = Some(reason),
            }
        }
        moved
    }

    fn answer(&mut self, question: Question) -> Option<Answer> {
        Some(match question {
            Question::StartAuthentication { .. } => Answer::AuthenticationStart(AuthenticationStart::Permitted {
                nonce: [5; sasl::NONCE_BYTES],
                unix_time_seconds: 1,
            }),
            Question::Credentials(sasl::Question::ScramCredential { hash, .. }) => {
                let verifier =
                    ScramVerifier::derive(hash, b"p", b"some salt and more", std::num::NonZeroU32::new(4096).unwrap())
                        .unwrap();
                Answer::Credentials(sasl::Answer::ScramCredential { verifier, real: true })
            }
            Question::Credentials(_) => Answer::Credentials(sasl::Answer::Accepted),
            Question::Authorize(_) => Answer::Authorization(AuthorizationAnswer::Granted),
            Question::AcceptSender { .. } => Answer::Sender(SenderVerdict::Accepted),
            Question::AcceptRecipient { recipient, .. } if recipient.address.local_part.as_str() == "nobody" => {
                Answer::Recipient(RecipientVerdict::Refused(RecipientRefusal::NoSuchMailbox))
            }
            Question::AcceptRecipient { .. } => Answer::Recipient(RecipientVerdict::Accepted),
            Question::StoreMessage(message) => {
                self.result.stored.push((*message, std::mem::take(&mut self.body)));
                Answer::Store(StoreOutcome::Stored { journey: JourneyId(1) })
            }
            Question::AuthenticationFailed { .. } | Question::ClientChanged { .. } => return None,
            Question::MessageAborted => {
                self.body.clear();
                return None;
            }
        })
    }
}

fn host_name() -> Domain {
    Domain::parse("mail.example.org").unwrap()
}

fn delivered(outcome: &TransactionOutcome) -> Vec<bool> {
    outcome.recipients.iter().map(|recipient| matches!(recipient, DeliveryOutcome::Delivered(_))).collect()
}

#[test]
fn mail_goes_from_mx_to_mx() {
    for use_chunking in [false, true] {
        for seed in 0..20 {
            let config = client().with(|c| c.use_chunking = use_chunking).0;
            let text = b"Subject: x\r\n\r\n.\r\n..dots\r\n\r\n.".repeat(20);
            let messages = vec![message("x@d.example,nobody@d.example"), message("8bit dsn ü@d.example")];
            let result = Pair::new(config, ServerConfig::mx(host_name()), seed).run(messages, &text);
            assert_eq!(result.client_end, Some(Ok(())));
            assert_eq!(result.server_end, Some(CloseReason::Quit));
            let outcomes: Vec<_> = result.outcomes.iter().map(delivered).collect();
            assert_eq!(outcomes, [vec![true, false], vec![true]]);
            assert_eq!(result.stored.len(), 2);
            for (stored, body) in &result.stored {
                assert!(body.starts_with(&text), "seed {seed}");
                assert_eq!(stored.tls, Some(tls()));
            }
            assert_eq!(result.stored[0].0.protocol.keyword(), "ESMTPS");
            assert_eq!(result.stored[1].0.protocol.keyword(), "UTF8SMTPS");
            assert_eq!(result.stored[1].0.envelope.envelope_id.as_deref(), Some("x+2By"));
        }
    }
}

#[test]
fn every_mechanism_signs_in() {
    // We show no certificate to other servers, so there is no EXTERNAL.
    let unused = [Mechanism::External, Mechanism::CramMd5];
    for mechanism in Mechanism::ALL.into_iter().filter(|mechanism| !unused.contains(mechanism)) {
        for tls_mode in
            [(ClientTlsMode::Implicit, TlsMode::Implicit), (ClientTlsMode::Required, TlsMode::StartTlsRequired)]
        {
            let config = client().with(|c| {
                c.tls_mode = tls_mode.0;
                c.authentication = Some(authentication(&[mechanism]));
            });
            let server = ServerConfig::submission(host_name(), tls_mode.1);
            let result = Pair::new(config.0, server, 1).run(vec![message("x@d.example")], b"a\r\n");
            assert_eq!(result.client_end, Some(Ok(())), "{mechanism}");
            assert_eq!(result.stored.len(), 1);
            let identity = result.stored[0].0.identity.clone().unwrap();
            assert_eq!((identity.authentication_id.as_str(), identity.mechanism), ("u", mechanism));
            assert_eq!(result.stored[0].0.protocol.keyword(), "ESMTPSA");
        }
    }
}

#[test]
fn lmtp_works_too() {
    for use_chunking in [false, true] {
        let config = client().with(|c| {
            c.protocol = ClientProtocol::Lmtp;
            c.use_chunking = use_chunking;
        });
        let result = Pair::new(config.0, ServerConfig::lmtp(host_name()), 2)
            .run(vec![message("x@d.example,nobody@d.example,y@d.example")], b"a\r\n");
        assert_eq!(result.outcomes.iter().map(delivered).collect::<Vec<_>>(), [vec![true, false, true]]);
        assert_eq!(result.client_end, Some(Ok(())));
    }
}

proptest! {
    #[test]
    fn any_text_arrives(text in "[a.\r\n\u{e9}]{0,200}", use_chunking: bool, seed: u64) {
        let config = client().with(|c| c.use_chunking = use_chunking).0;
        let result = Pair::new(config, ServerConfig::mx(host_name()), seed).run(vec![message("8bit x@d.example")], text.as_bytes());
        prop_assert_eq!(result.client_end, Some(Ok(())));
        let body = String::from_utf8(result.stored[0].1.clone()).unwrap();
        let lines = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
        let arrived = if body == lines { body } else { body.strip_suffix("\r\n").unwrap_or_default().to_owned() };
        prop_assert_eq!(arrived, lines);
    }

    #[test]
    fn binary_text_arrives_as_it_is(text: Vec<u8>, seed: u64) {
        let config = client().0;
        let result = Pair::new(config, ServerConfig::mx(host_name()), seed).run(vec![message("binary x@d.example")], &text);
        prop_assert_eq!(result.client_end, Some(Ok(())));
        prop_assert_eq!(&result.stored[0].1, &text);
    }

    #[test]
    fn a_hostile_server_does_not_panic_us(wire in "[2-5][0-9]{2}[ -][a-z]{0,5}\r\n|\\PC{0,9}\r\n", more: Vec<u8>) {
        let mut session = ClientSession::new(client().0, NOW);
        for _ in 0..20 {
            if session.wants_input() {
                session.receive(wire.as_bytes(), NOW);
            }
            while let Some(step) = session.next() {
                match step {
                    ClientStep::Ready => session.begin(message("x@d.example"), NOW).unwrap(),
                    ClientStep::NeedBody => session.finish_body(NOW),
                    _ => {}
                }
            }
        }
        if session.wants_input() {
            session.receive(&more, NOW);
        }
    }
}
