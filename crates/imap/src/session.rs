//! The server's session: states, order of commands, questions and answers.

pub(crate) mod append;
pub(crate) mod authenticate;
pub(crate) mod capability;
pub(crate) mod clock;
pub(crate) mod close;
pub(crate) mod command;
pub(crate) mod completion;
pub(crate) mod copy;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod expunge;
pub(crate) mod fetch;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod lsub;
pub(crate) mod noop;
pub(crate) mod pending;
pub(crate) mod rename;
pub(crate) mod search;
pub(crate) mod select;
pub(crate) mod selected;
pub(crate) mod starttls;
pub(crate) mod status;
pub(crate) mod store;
pub(crate) mod subscribe;
pub(crate) mod sync;
pub(crate) mod verbs;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use posthouse_model::session::{CloseReason, QuestionId, Session, Step, TlsInfo, TlsMode};
use posthouse_model::{Instant, Uid};
use posthouse_sasl::{ChannelBindings, Mechanism};

use self::append::Appending;
use self::authenticate::SaslExchange;
use self::clock::Clock;
use self::pending::Pending;
use self::selected::SelectedMailbox;
use crate::answer::Answer;
use crate::extensions::enable::Enabled;
use crate::extensions::filters::Filters;
use crate::extensions::idle::Idling;
use crate::extensions::notify::Notify;
use crate::grammar::mailbox::NameEncoding;
use crate::input::InputReader;
use crate::limits::Limits;
use crate::question::Question;

/// What a listener decides for all its sessions.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name in the greeting and in the challenge of CRAM-MD5.
    pub host_name: String,
    /// When TLS is spoken. With [`TlsMode::Implicit`] the greeting waits for
    /// [`tls_established`](Session::tls_established).
    pub tls_mode: TlsMode,
    /// The SASL mechanisms that may be offered; what is offered depends on TLS. LOGIN is offered where PLAIN is.
    pub mechanisms: Vec<Mechanism>,
    /// What we say about ourselves in ID (RFC 2971), such as `name`.
    pub server_id: Vec<(String, String)>,
    /// Whether clients that logged in may send literals of any size without waiting (LITERAL+); LITERAL- otherwise,
    /// and before login in any case (RFC 7888).
    pub literal_plus: bool,
    /// Whether a client may log out and in again on one connection (RFC 8437 §8 wants this to be a choice).
    pub unauthenticate: bool,
    /// The limits.
    pub limits: Limits,
}

/// Command tags as the client made them up: `tag = 1*<any ASTRING-CHAR except "+">`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Tag(Arc<str>);

impl Tag {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a session is (RFC 9051 §3); a mailbox is selected when there is one in [`ImapSession::selected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Implicit TLS is not yet there.
    ExpectTls,
    /// Not authenticated.
    ExpectLogin,
    /// Authenticated, or selected.
    LoggedIn,
    /// The handshake that STARTTLS asked for is not yet done.
    ExpectHandshake,
    /// Logout, or thrown out.
    Closed,
}

/// What the next line from the client is.
#[expect(clippy::enum_variant_names, reason = "a state is named for what it awaits")]
#[derive(Debug, Default)]
pub(crate) enum Mode {
    /// A command.
    #[default]
    ExpectCommand,
    /// The response to a SASL challenge.
    ExpectSaslResponse(Box<SaslExchange>),
    /// `DONE`.
    ExpectDone(Idling),
    /// The octets of a message, and then the end of APPEND.
    ExpectMessage(Box<Appending>),
}

/// An IMAP session, as the server sees it.
#[derive(Debug)]
pub struct ImapSession {
    pub(crate) config: Arc<Config>,
    pub(crate) phase: Phase,
    pub(crate) mode: Mode,
    pub(crate) selected: Option<Box<SelectedMailbox>>,
    /// What the client hears of, once it has said so (NOTIFY).
    pub(crate) notify: Option<Box<Notify>>,
    pub(crate) enabled: Enabled,
    pub(crate) tls_active: bool,
    pub(crate) channel_bindings: Option<Box<ChannelBindings>>,
    /// Whether the client has shown a certificate that was verified.
    pub(crate) client_certificate: bool,
    pub(crate) reader: InputReader,
    pub(crate) clock: Clock,
    /// Output that is not yet a step.
    pub(crate) out: Vec<u8>,
    steps: VecDeque<Step<Question>>,
    open: Option<(QuestionId, Pending)>,
    last_question: u32,
    pub(crate) commands_before_login: u32,
    pub(crate) bad_commands: u32,
    pub(crate) failed_logins: u32,
    pub(crate) client_id_told: bool,
    /// What is sent and received is compressed.
    pub(crate) compressed: bool,
    /// The filters of the command that is being read, if it names any.
    pub(crate) filters: Option<Box<Filters>>,
    /// The lowest UID that the command works on, if it does not work on all that it names (MESSAGELIMIT).
    pub(crate) lowest_processed: Option<Uid>,
    ending: Option<CloseReason>,
}

impl ImapSession {
    /// A session with a client that has just connected. It greets, unless TLS comes first.
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        let implicit_tls = config.tls_mode == TlsMode::Implicit;
        let mut session = Self {
            config,
            phase: if implicit_tls { Phase::ExpectTls } else { Phase::ExpectLogin },
            mode: Mode::ExpectCommand,
            selected: None,
            notify: None,
            enabled: Enabled::default(),
            tls_active: false,
            channel_bindings: None,
            client_certificate: false,
            reader: InputReader::default(),
            clock: Clock::new(now),
            out: Vec::new(),
            steps: VecDeque::new(),
            open: None,
            last_question: 0,
            commands_before_login: 0,
            bad_commands: 0,
            failed_logins: 0,
            client_id_told: false,
            compressed: false,
            filters: None,
            lowest_processed: None,
            ending: None,
        };
        if !implicit_tls {
            session.greet();
        }
        session.set_alarm();
        session
    }

    /// The open mailbox changed. To be called while [`Question::Watch`] is on; what happens outside IDLE is told at
    /// the end of the next command and needs no call.
    pub fn mailbox_changed(&mut self, now: Instant) {
        if self.open.is_some() {
            if let Mode::ExpectDone(idling) = &mut self.mode {
                idling.changed = true;
            }
        } else if let Mode::ExpectDone(_) = self.mode {
            self.sync_while_idling();
        }
        self.after_event(now);
    }

    /// `* OK [CAPABILITY …] host …` (RFC 9051 §7.1.1, RFC 3501 §7.1)
    fn greet(&mut self) {
        self.out.extend_from_slice(b"* OK [CAPABILITY ");
        self.write_capabilities();
        self.out.extend_from_slice(b"] ");
        let config = Arc::clone(&self.config);
        self.out.extend_from_slice(config.host_name.as_bytes());
        self.out.extend_from_slice(b" at your service\r\n");
    }

    /// Whether the client has logged in.
    pub(crate) fn is_logged_in(&self) -> bool {
        self.phase == Phase::LoggedIn
    }

    /// How this client writes mailbox names.
    pub(crate) fn names(&self) -> NameEncoding {
        if self.enabled.utf8 || self.enabled.imap4rev2 { NameEncoding::Utf8 } else { NameEncoding::Utf7 }
    }

    /// Opens a question; the answer finds `pending`.
    pub(crate) fn ask(&mut self, question: Question, pending: Pending) {
        self.note_own_change(&question);
        self.last_question = self.last_question.wrapping_add(1);
        let id = QuestionId(self.last_question);
        self.open = Some((id, pending));
        self.push(Step::Ask(id, question));
    }

    /// Keeps the question open that has just been answered in part.
    pub(crate) fn keep_open(&mut self, pending: Pending) {
        self.open = Some((QuestionId(self.last_question), pending));
    }

    /// Adds a step behind all output so far.
    pub(crate) fn push(&mut self, step: Step<Question>) {
        self.flush();
        self.steps.push_back(step);
    }

    /// Makes the output so far a step.
    pub(crate) fn flush(&mut self) {
        if !self.out.is_empty() {
            let bytes = Bytes::from(std::mem::take(&mut self.out));
            self.steps.push_back(Step::Send(bytes));
        }
    }

    /// `* BYE text`, and the end.
    pub(crate) fn bye(&mut self, text: &str, reason: CloseReason) {
        if self.phase == Phase::Closed {
            return;
        }
        self.out.extend_from_slice(b"* BYE ");
        self.out.extend_from_slice(text.as_bytes());
        self.out.extend_from_slice(b"\r\n");
        self.close(reason);
    }

    /// The end, without a word.
    pub(crate) fn close(&mut self, reason: CloseReason) {
        if self.phase == Phase::Closed {
            return;
        }
        self.push(Step::Close(reason));
        self.phase = Phase::Closed;
        self.mode = Mode::ExpectCommand;
        self.selected = None;
        self.notify = None;
        self.open = None;
        self.reader.clear();
    }

    /// Whether a question is open.
    pub(crate) fn is_asking(&self) -> bool {
        self.open.is_some()
    }

    /// What follows each event: reading on, telling news, a wish to end, the alarm.
    pub(crate) fn after_event(&mut self, now: Instant) {
        self.read_commands(now);
        self.push_news();
        if let Some(reason) = self.ending.filter(|_| self.open.is_none()) {
            match self.phase {
                // Where TLS is about to begin, words in clear would only confuse.
                Phase::ExpectTls | Phase::ExpectHandshake => self.close(reason),
                _ if reason == CloseReason::SignedOut => self.bye("You may not use this service any more", reason),
                _ => self.bye("The server is going down", reason),
            }
        }
        self.set_alarm();
    }

    /// Asks to be woken, if the wish that the driver knows would come too late.
    fn set_alarm(&mut self) {
        let waits_for_answer = self.open.is_some();
        let deadline = if self.phase == Phase::Closed || waits_for_answer { None } else { Some(self.deadline()) };
        if let Some(at) = self.clock.alarm(deadline) {
            self.push(Step::WakeAt(at));
        }
    }
}

impl Session for ImapSession {
    type Question = Question;
    type Answer = Answer;

    fn receive(&mut self, bytes: &[u8], now: Instant) {
        match self.phase {
            Phase::Closed => return,
            // Clear text behind STARTTLS, or before implicit TLS, came from someone in between (CVE-2011-0411).
            Phase::ExpectTls | Phase::ExpectHandshake => return self.close(CloseReason::PipelinedStartTls),
            Phase::ExpectLogin | Phase::LoggedIn => {}
        }
        self.clock.heard(now);
        self.reader.push(bytes);
        self.after_event(now);
    }

    fn receive_eof(&mut self, _now: Instant) {
        let reason = if self.reader.in_command() || self.open.is_some() {
            CloseReason::ProtocolError
        } else {
            CloseReason::Quit
        };
        self.close(reason);
    }

    fn wake(&mut self, now: Instant) {
        self.clock.woken();
        if self.phase != Phase::Closed && self.open.is_none() {
            self.time_passed(now);
        }
        self.after_event(now);
    }

    fn answer(&mut self, id: QuestionId, answer: Answer, now: Instant) {
        match self.open.take() {
            Some((open, pending)) if open == id => {
                self.clock.heard(now);
                self.answered(pending, answer);
            }
            other => self.open = other,
        }
        self.after_event(now);
    }

    fn tls_established(&mut self, tls: TlsInfo, now: Instant) {
        let greets = match self.phase {
            Phase::ExpectTls => true,
            Phase::ExpectHandshake => false,
            _ => return,
        };
        self.phase = Phase::ExpectLogin;
        self.tls_active = true;
        self.client_certificate = tls.client_certificate.is_some();
        self.channel_bindings = Some(Box::new(ChannelBindings {
            tls_exporter: tls.tls_exporter,
            tls_server_end_point: tls.tls_server_end_point,
        }));
        self.clock.heard(now);
        if greets {
            self.greet();
        }
        self.after_event(now);
    }

    fn shut_down(&mut self, now: Instant) {
        self.ending = Some(CloseReason::Shutdown);
        self.after_event(now);
    }

    fn sign_out(&mut self, now: Instant) {
        self.ending = Some(CloseReason::SignedOut);
        self.after_event(now);
    }

    fn next(&mut self) -> Option<Step<Question>> {
        if self.steps.is_empty() {
            self.flush();
        }
        let step = self.steps.pop_front();
        if step.is_none() && self.steps.capacity() > 0 {
            self.steps = VecDeque::new();
        }
        step
    }

    fn wants_input(&self) -> bool {
        self.open.is_none() && matches!(self.phase, Phase::ExpectLogin | Phase::LoggedIn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a session holds while nothing happens, apart from the view of its mailbox.
    const IDLE_BYTES: usize = 512;

    #[test]
    fn an_idle_session_holds_little() {
        let config = Config {
            host_name: "h".to_owned(),
            tls_mode: TlsMode::None,
            mechanisms: Vec::new(),
            server_id: Vec::new(),
            literal_plus: true,
            unauthenticate: false,
            limits: Limits::default(),
        };
        let mut session = ImapSession::new(Arc::new(config), Instant(0));
        let command = format!("a LOGIN {} x\r\n", "x".repeat(4_000));
        session.receive(command.as_bytes(), Instant(0));
        while session.next().is_some() {}
        assert!(size_of::<ImapSession>() <= IDLE_BYTES, "{}", size_of::<ImapSession>());
        let held = session.out.capacity() + session.steps.capacity() + session.reader.capacity();
        assert_eq!(held, 0);
    }
}
