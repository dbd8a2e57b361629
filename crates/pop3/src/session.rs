//! The server's session.
//!
//! ```text
//! ExpectTls ── handshake ──► ExpectCommand ── login, maildrop opened ──► ExpectCommand ── QUIT ──► Closed
//!     ▲            STLS          │  ▲            (maildrop: Some)            │  ▲
//!     └──────────────────────────┘  │                                        │  │ LIST, UIDL: Listing
//!                 AUTH: AwaitNonce, ExpectSaslResponse, AwaitSaslAnswer      │  │ RETR, TOP: AwaitMessage
//!                 PASS: AwaitLogin                 then: AwaitMaildrop       └──┘ QUIT after DELE: AwaitCommit
//! ```
//!
//! Commands are taken from the input only when [`next`](posthouse_model::session::Session::next) is called and what
//! was said before is on its way, so a client that pipelines and does not read costs one read buffer and one batch.

mod auth;
mod capa;
mod dele;
mod dispatch;
mod list;
mod login;
mod noop;
mod pass;
mod quit;
mod retr;
mod rset;
mod stat;
mod stls;
mod top;
mod uidl;
mod user;
mod utf8;

use std::fmt::Write as _;
use std::sync::Arc;

use posthouse_model::Secret;
use posthouse_model::session::{CloseReason, QuestionId, Session as SessionContract, Step, TlsInfo, TlsMode};
use posthouse_model::time::Instant;
use posthouse_sasl::{ChannelBindings, Mechanism, ServerExchange};

use crate::command::{Command, CommandError};
use crate::config::Config;
use crate::input::{Framed, Input, LineLimit};
use crate::maildrop::Maildrop;
use crate::outbox::Outbox;
use crate::question::{Answer, Question};
use crate::reply;
use list::Listing;
use retr::Transfer;

/// Replies are collected up to this many bytes before they are sent and more commands are taken.
const BATCH_BYTES: usize = 16_384;
/// The first octet of a TLS record that holds a ClientHello (RFC 8446 §5.1). No command begins with it.
const TLS_HANDSHAKE_RECORD: u8 = 0x16;

/// A POP3 session, seen by its driver through [`posthouse_model::session::Session`].
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    state: State,
    input: Input,
    outbox: Outbox,
    /// What to do when the outbox is empty.
    then: Option<Step<Question>>,
    open_question: Option<QuestionId>,
    last_question: u32,
    /// What TLS can be bound by; `None` outside TLS.
    tls: Option<ChannelBindings>,
    /// Whether the client has shown a certificate that was verified.
    client_certificate: bool,
    /// What the USER just before this command said.
    user: Option<String>,
    /// Whether the client issued UTF8.
    utf8: bool,
    /// The maildrop, from the login on.
    maildrop: Option<Maildrop>,
    tally: Tally,
    clock: Clock,
    end_of_input: bool,
    ending: Option<CloseReason>,
}

/// What the session waits for or is busy with.
#[derive(Debug)]
enum State {
    ExpectTls,
    ExpectCommand,
    AwaitNonce { mechanism: Mechanism, initial_response: Option<Secret> },
    ExpectSaslResponse(ServerExchange),
    AwaitSaslAnswer(ServerExchange),
    AwaitLogin { user: String },
    AwaitMaildrop,
    Listing(Listing),
    AwaitMessage(Transfer),
    AwaitCommit,
    Closed,
}

/// What the client did so far that is limited.
#[derive(Debug, Default)]
struct Tally {
    errors: u32,
    authentication_failures: u32,
    commands_before_login: u32,
    idle_commands: u32,
}

#[derive(Debug)]
struct Clock {
    now: Instant,
    started: Instant,
    /// When the client last did something that counts.
    active: Instant,
    /// The wish to be woken that the driver knows of.
    announced: Option<Instant>,
}

impl Session {
    /// A session on a connection that was just accepted. It greets at once, or with implicit TLS after the handshake.
    #[must_use]
    pub fn new(config: Arc<Config>, now: Instant) -> Self {
        let mut session = Self {
            config,
            state: State::ExpectTls,
            input: Input::default(),
            outbox: Outbox::default(),
            then: None,
            open_question: None,
            last_question: 0,
            tls: None,
            client_certificate: false,
            user: None,
            utf8: false,
            maildrop: None,
            tally: Tally::default(),
            clock: Clock { now, started: now, active: now, announced: None },
            end_of_input: false,
            ending: None,
        };
        if session.config.tls_mode != TlsMode::Implicit {
            session.greet();
        }
        session
    }

    /// Whether the question `id` is still open. While it is, [`Question::Retrieve`] takes more data; when TOP has all
    /// that it wants, it is not open any more although the message goes on.
    #[must_use]
    pub fn awaits(&self, id: QuestionId) -> bool {
        self.open_question == Some(id)
    }

    /// RFC 1939 §4. No angle brackets, which would promise APOP (RFC 2449 §6).
    fn greet(&mut self) {
        self.state = State::ExpectCommand;
        let _ = write!(self.outbox, "+OK {} POP3 server ready\r\n", self.config.host_name);
    }

    /// Sends one line.
    fn reply(&mut self, line: &str) {
        self.outbox.push_slice(line.as_bytes());
        self.outbox.push_slice(b"\r\n");
    }

    /// Refuses a command that a correct client would not have sent.
    fn reply_error(&mut self, line: &str) {
        self.reply(line);
        self.tally.errors += 1;
        if self.tally.errors >= self.config.limits.errors {
            self.reply(reply::TOO_MANY_ERRORS);
            self.close(CloseReason::TooManyErrors);
        }
    }

    fn ask(&mut self, question: Question, state: State) {
        self.last_question = self.last_question.wrapping_add(1);
        let id = QuestionId(self.last_question);
        self.open_question = Some(id);
        self.then = Some(Step::Ask(id, question));
        self.state = state;
    }

    fn close(&mut self, reason: CloseReason) {
        self.state = State::Closed;
        self.open_question = None;
        self.input.clear();
        self.user = None;
        self.maildrop = None;
        self.then = Some(Step::Close(reason));
    }

    /// Works until there is something to do for the driver, or nothing to do without more input.
    fn run(&mut self) {
        while self.then.is_none() && self.outbox.len() < BATCH_BYTES {
            let busy = match self.state {
                State::ExpectCommand | State::ExpectSaslResponse(_) => self.take_line(),
                State::Listing(_) => {
                    self.continue_listing();
                    true
                }
                _ => false,
            };
            if !busy {
                return;
            }
        }
    }

    /// Takes the next line; `false` if there is none yet.
    fn take_line(&mut self) -> bool {
        if let Some(reason) = self.ending {
            self.reply(match reason {
                CloseReason::SignedOut => reply::SIGNED_OUT,
                _ => reply::SHUTTING_DOWN,
            });
            self.close(reason);
            return true;
        }
        if self.tls.is_none() && self.input.line_start().first() == Some(&TLS_HANDSHAKE_RECORD) {
            self.close(CloseReason::WrongTransport);
            return true;
        }
        let limit = self.line_limit();
        let framed = match self.state {
            State::ExpectSaslResponse(_) => self.input.take_line(limit, |line| Taken::Response(Secret::new(line))),
            _ => {
                let utf8 = self.utf8;
                self.input.take_line(limit, |line| Taken::Command(Command::parse(line, utf8)))
            }
        };
        match framed {
            Framed::Incomplete if self.end_of_input => self.close(CloseReason::Quit),
            Framed::Incomplete => return false,
            Framed::Endless => {
                self.reply(reply::LINE_TOO_LONG);
                self.close(CloseReason::ProtocolError);
            }
            Framed::BareLineFeed => {
                self.reply(reply::BARE_LINE_FEED);
                self.close(CloseReason::ProtocolError);
            }
            Framed::TooLong => {
                self.clock.active = self.clock.now;
                self.state = State::ExpectCommand;
                self.user = None;
                self.reply_error(reply::LINE_TOO_LONG);
            }
            Framed::Line(taken) => {
                self.clock.active = self.clock.now;
                match taken {
                    Taken::Command(command) => self.command(command),
                    Taken::Response(line) => self.sasl_response(&line),
                }
            }
        }
        true
    }

    fn line_limit(&self) -> LineLimit {
        let limits = &self.config.limits;
        let is_sasl = matches!(self.state, State::ExpectSaslResponse(_))
            || self.input.line_start().get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"AUTH "));
        LineLimit {
            line_bytes: if is_sasl { limits.sasl_line_bytes } else { limits.command_bytes },
            skipped_bytes: limits.skipped_bytes,
        }
    }

    /// When the client has been silent for too long. It is not the client's fault when an answer takes its time, but
    /// the next piece of a message comes only when it has read the last.
    fn deadline(&self) -> Option<Instant> {
        let limits = &self.config.limits;
        match self.state {
            State::Closed => None,
            State::AwaitMessage(_) => Some(self.clock.active + limits.transfer_stall),
            _ if self.open_question.is_some() => None,
            _ if self.maildrop.is_none() => Some(self.clock.started + limits.login_time),
            _ => Some(self.clock.active + limits.silence),
        }
    }

    /// Something happened: the driver may have forgotten our wish.
    fn note(&mut self, now: Instant) {
        self.clock.now = now;
        self.clock.announced = None;
    }
}

/// What was made of a line.
enum Taken {
    Command(Result<Command, CommandError>),
    Response(Secret),
}

impl SessionContract for Session {
    type Question = Question;
    type Answer = Answer;

    fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.note(now);
        match self.state {
            State::Closed => {}
            // What was sent in clear before the handshake must not be taken for what was sent inside it
            // (RFC 2595 §4: the client waits).
            State::ExpectTls => self.close(CloseReason::PipelinedStartTls),
            _ => self.input.push(bytes),
        }
    }

    fn receive_eof(&mut self, now: Instant) {
        self.note(now);
        self.end_of_input = true;
        if let State::ExpectTls = self.state {
            self.close(CloseReason::Quit);
        }
    }

    fn wake(&mut self, now: Instant) {
        self.note(now);
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            // RFC 1939 §3: nothing is removed and nothing is said.
            self.close(CloseReason::Timeout);
        }
    }

    fn answer(&mut self, id: QuestionId, answer: Answer, now: Instant) {
        if !self.awaits(id) {
            return;
        }
        self.note(now);
        self.clock.active = now;
        if let State::AwaitMessage(_) = self.state {
            return self.transfer(answer);
        }
        self.open_question = None;
        match std::mem::replace(&mut self.state, State::ExpectCommand) {
            State::AwaitNonce { mechanism, initial_response } => {
                self.nonce(mechanism, initial_response.as_ref(), &answer);
            }
            State::AwaitSaslAnswer(exchange) => self.sasl_answer(exchange, answer),
            State::AwaitLogin { user } => self.login_answer(user, &answer),
            State::AwaitMaildrop => self.maildrop_answer(answer),
            State::AwaitCommit => self.commit_answer(&answer),
            state => self.state = state,
        }
    }

    fn tls_established(&mut self, tls: TlsInfo, now: Instant) {
        self.note(now);
        if !matches!(self.state, State::ExpectTls) {
            return;
        }
        self.client_certificate = tls.client_certificate.is_some();
        self.tls =
            Some(ChannelBindings { tls_exporter: tls.tls_exporter, tls_server_end_point: tls.tls_server_end_point });
        self.state = State::ExpectCommand;
        if self.config.tls_mode == TlsMode::Implicit {
            self.greet();
        }
    }

    fn shut_down(&mut self, now: Instant) {
        self.note(now);
        self.ending = Some(CloseReason::Shutdown);
        if let State::ExpectTls = self.state {
            self.close(CloseReason::Shutdown);
        }
    }

    fn sign_out(&mut self, now: Instant) {
        self.note(now);
        self.ending = Some(CloseReason::SignedOut);
    }

    fn next(&mut self) -> Option<Step<Question>> {
        self.run();
        if let Some(bytes) = self.outbox.pop() {
            return Some(Step::Send(bytes));
        }
        if let Some(step) = self.then.take() {
            return Some(step);
        }
        let deadline = self.deadline()?;
        if self.clock.announced == Some(deadline) {
            return None;
        }
        self.clock.announced = Some(deadline);
        Some(Step::WakeAt(deadline))
    }

    fn wants_input(&self) -> bool {
        matches!(self.state, State::ExpectCommand | State::ExpectSaslResponse(_))
            && self.open_question.is_none()
            && !self.end_of_input
            && self.ending.is_none()
    }
}
