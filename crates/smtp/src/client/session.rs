//! The machine: input, output, time, and what is awaited.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use posthouse_model::Secret;
use posthouse_model::session::TlsInfo;
use posthouse_model::time::Instant;
use posthouse_sasl::ClientExchange;
use thiserror::Error;

use super::config::{ClientConfig, ClientTlsMode};
use super::outcome::{Cause, ClientFailure, Stage, TransactionOutcome};
use super::reply::{PeerReply, ReplyReader};
use super::transaction::{OutgoingMessage, Transaction};
use crate::extension::PeerExtensions;

/// What the driver has to do next.
#[derive(PartialEq, Eq)]
pub enum ClientStep {
    /// Write these bytes. Consecutive sends may be joined into one write.
    Send(Bytes),
    /// Flush, then start the TLS handshake; call `tls_established` or `tls_failed`.
    StartTls,
    /// Call `wake` at this time unless something happens before; replaces any earlier wish.
    WakeAt(Instant),
    /// Ready for a message: call `begin` or `quit`.
    Ready,
    /// Call `supply_body` with the next piece of the message, `finish_body` behind the last, or `abort_body`. Before
    /// that, what was to be sent should have been written, so that memory stays bounded.
    NeedBody,
    /// What became of the message that was begun.
    Outcome(TransactionOutcome),
    /// Flush, then close the connection; with the reason, unless we said goodbye.
    Close(Result<(), ClientFailure>),
}

/// `begin` was called on a session that is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the session is not ready for a message")]
pub struct NotReady;

impl fmt::Debug for ClientStep {
    /// Of what is sent only the length: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(bytes) => write!(f, "Send({} bytes)", bytes.len()),
            Self::StartTls => f.write_str("StartTls"),
            Self::WakeAt(at) => write!(f, "WakeAt({at:?})"),
            Self::Ready => f.write_str("Ready"),
            Self::NeedBody => f.write_str("NeedBody"),
            Self::Outcome(outcome) => write!(f, "Outcome({outcome:?})"),
            Self::Close(result) => write!(f, "Close({result:?})"),
        }
    }
}

/// The client's side of one connection.
pub struct ClientSession {
    pub(super) config: ClientConfig,
    pub(super) now: Instant,
    pub(super) state: State,
    pub(super) tls: Option<TlsInfo>,
    pub(super) extensions: PeerExtensions,
    pub(super) exchange: Option<ClientExchange>,
    /// What the exchange begins with, when it is to go in answer to the first challenge.
    pub(super) held_response: Option<Secret>,
    pub(super) transaction: Option<Transaction>,
    pub(super) input: BytesMut,
    pub(super) needs_body: bool,
    greeting: Option<PeerReply>,
    replies: ReplyReader,
    steps: VecDeque<ClientStep>,
    output: BytesMut,
    deadline: Option<Instant>,
    announced: Option<Instant>,
    quit_wanted: bool,
}

/// What the session awaits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    ExpectGreeting,
    ExpectEhlo,
    ExpectHelo,
    ExpectStartTls,
    ExpectTls,
    ExpectAuth,
    /// The driver: `begin` or `quit`.
    Ready,
    /// Replies to MAIL and RCPT.
    ExpectEnvelope,
    /// The reply to DATA.
    ExpectDataGo,
    /// The driver: the text behind DATA.
    DataText,
    /// The driver, or replies to chunks.
    Chunks,
    /// The final reply, or as many as there are recipients.
    ExpectFinal,
    ExpectReset,
    ExpectQuit,
    Closed,
}

impl State {
    fn stage(self) -> Stage {
        match self {
            Self::ExpectGreeting => Stage::Greeting,
            Self::ExpectEhlo | Self::ExpectHelo => Stage::Ehlo,
            Self::ExpectStartTls | Self::ExpectTls => Stage::Tls,
            Self::ExpectAuth => Stage::Auth,
            Self::Ready | Self::Closed => Stage::Idle,
            Self::ExpectEnvelope => Stage::Rcpt,
            Self::ExpectDataGo => Stage::Data,
            Self::DataText | Self::Chunks => Stage::Body,
            Self::ExpectFinal => Stage::EndOfBody,
            Self::ExpectReset => Stage::Reset,
            Self::ExpectQuit => Stage::Quit,
        }
    }
}

impl fmt::Debug for ClientSession {
    /// Without what is on the wire, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSession")
            .field("state", &self.state)
            .field("tls", &self.tls.is_some())
            .field("extensions", &self.extensions)
            .finish_non_exhaustive()
    }
}

impl ClientSession {
    /// A session on a connection that was just made. With [`ClientTlsMode::Implicit`] it awaits
    /// [`Self::tls_established`], otherwise the server's greeting.
    #[must_use]
    pub fn new(config: ClientConfig, now: Instant) -> Self {
        let implicit = config.tls_mode == ClientTlsMode::Implicit;
        let mut session = Self {
            config,
            now,
            state: State::ExpectGreeting,
            tls: None,
            extensions: PeerExtensions::default(),
            exchange: None,
            held_response: None,
            transaction: None,
            input: BytesMut::new(),
            needs_body: false,
            greeting: None,
            replies: ReplyReader::default(),
            steps: VecDeque::new(),
            output: BytesMut::new(),
            deadline: None,
            announced: None,
            quit_wanted: false,
        };
        if implicit {
            session.expect(State::ExpectTls, session.config.timeouts.tls_handshake);
        } else {
            session.expect(State::ExpectGreeting, session.config.timeouts.greeting);
        }
        session
    }

    /// What the server offers, as of its last reply to EHLO.
    #[must_use]
    pub fn extensions(&self) -> &PeerExtensions {
        &self.extensions
    }

    /// The server's greeting.
    #[must_use]
    pub fn greeting(&self) -> Option<&PeerReply> {
        self.greeting.as_ref()
    }

    /// The TLS around the session.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_ref()
    }

    /// Whether the session takes bytes now; during a handshake and at the end it does not.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        !matches!(self.state, State::ExpectTls | State::Closed)
    }

    /// Takes bytes from the server.
    pub fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.now = now;
        match self.state {
            State::Closed => return,
            State::ExpectTls => return self.fail(ClientFailure::InjectedPlaintext),
            _ => self.input.extend_from_slice(bytes),
        }
        while !matches!(self.state, State::Closed | State::ExpectTls) {
            match self.replies.take(&mut self.input) {
                Ok(Some(reply)) => self.take_reply(reply),
                Ok(None) => break,
                Err(error) => self.fail(error.into()),
            }
        }
    }

    /// The server closed its side.
    pub fn receive_eof(&mut self, now: Instant) {
        self.now = now;
        if self.state == State::ExpectQuit {
            // All that mattered is done.
            return self.close(Ok(()));
        }
        self.fail(ClientFailure::ConnectionLost(self.state.stage()));
    }

    /// Time has passed.
    pub fn wake(&mut self, now: Instant) {
        self.now = now;
        self.announced = None;
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        if self.state == State::ExpectQuit {
            return self.close(Ok(()));
        }
        self.fail(ClientFailure::Timeout(self.state.stage()));
    }

    /// The handshake is complete, and the certificate good enough.
    pub fn tls_established(&mut self, tls: TlsInfo, now: Instant) {
        self.now = now;
        if self.state != State::ExpectTls {
            return;
        }
        self.tls = Some(tls);
        if self.config.tls_mode == ClientTlsMode::Implicit {
            self.expect(State::ExpectGreeting, self.config.timeouts.greeting);
        } else {
            // RFC 3207 §4.2: what was learnt in clear is forgotten.
            self.extensions = PeerExtensions::default();
            self.say_ehlo();
        }
    }

    /// The handshake failed, or the certificate is not good enough.
    pub fn tls_failed(&mut self, now: Instant) {
        self.now = now;
        self.fail(ClientFailure::TlsHandshake);
    }

    /// Begins a message.
    ///
    /// # Errors
    /// If the session is not ready, as [`ClientStep::Ready`] tells.
    pub fn begin(&mut self, message: OutgoingMessage, now: Instant) -> Result<(), NotReady> {
        if self.state != State::Ready {
            return Err(NotReady);
        }
        self.now = now;
        self.begin_transaction(message);
        Ok(())
    }

    /// Says goodbye, at once or as soon as nothing is going on.
    pub fn quit(&mut self, now: Instant) {
        self.now = now;
        self.quit_wanted = true;
        if self.state == State::Ready {
            self.say_quit();
        }
    }

    /// The next thing to do; `None` when there is nothing until something happens.
    #[expect(clippy::should_implement_trait, reason = "the name of the same method in the contract of sessions")]
    pub fn next(&mut self) -> Option<ClientStep> {
        if self.steps.is_empty() {
            self.flush();
        }
        if let Some(step) = self.steps.pop_front() {
            return Some(step);
        }
        if std::mem::take(&mut self.needs_body) {
            return Some(ClientStep::NeedBody);
        }
        let deadline = self.deadline?;
        if self.announced.is_some_and(|announced| announced <= deadline) {
            return None;
        }
        self.announced = Some(deadline);
        Some(ClientStep::WakeAt(deadline))
    }

    fn take_reply(&mut self, reply: PeerReply) {
        const SERVICE_CLOSING: u16 = 421;
        if reply.code == SERVICE_CLOSING && !matches!(self.state, State::ExpectGreeting | State::ExpectQuit) {
            return self.fail(ClientFailure::ServiceClosing(reply));
        }
        match self.state {
            State::ExpectGreeting => {
                self.greeting = Some(reply.clone());
                self.greeted(reply);
            }
            State::ExpectEhlo => self.ehlo_answered(reply),
            State::ExpectHelo => self.helo_answered(reply),
            State::ExpectStartTls => self.starttls_answered(reply),
            State::ExpectAuth => self.auth_answered(reply),
            State::ExpectEnvelope => self.envelope_answered(reply),
            State::ExpectDataGo => self.data_answered(reply),
            State::Chunks => self.chunk_answered(reply),
            State::ExpectFinal => self.final_answered(reply),
            State::ExpectReset => self.reset_answered(reply),
            State::ExpectQuit => self.close(Ok(())),
            State::DataText => self.interrupted(reply),
            State::Ready | State::ExpectTls | State::Closed => self.unexpected(reply),
        }
    }

    pub(super) fn unexpected(&mut self, reply: PeerReply) {
        self.fail(ClientFailure::UnexpectedReply { stage: self.state.stage(), reply });
    }

    pub(super) fn refused(&mut self, reply: PeerReply) {
        self.fail(ClientFailure::Refused { stage: self.state.stage(), reply });
    }

    /// Ready for the next message, unless the driver has had enough.
    pub(super) fn become_ready(&mut self) {
        self.state = State::Ready;
        self.deadline = None;
        if self.quit_wanted {
            self.say_quit();
        } else {
            self.push(ClientStep::Ready);
        }
    }

    /// Awaits something for at most `timeout`.
    pub(super) fn expect(&mut self, state: State, timeout: Duration) {
        self.state = state;
        self.deadline = Some(self.now + timeout);
    }

    /// Adds a command line to the output.
    pub(super) fn send_line(&mut self, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    pub(super) fn send_bytes(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.push(ClientStep::Send(bytes));
        }
    }

    /// Adds a step behind all that is to be sent before it.
    pub(super) fn push(&mut self, step: ClientStep) {
        self.flush();
        self.steps.push_back(step);
    }

    fn flush(&mut self) {
        if !self.output.is_empty() {
            self.steps.push_back(ClientStep::Send(self.output.split().freeze()));
        }
    }

    /// Ends the session because of `failure`. A message that was begun has its outcome first.
    pub(super) fn fail(&mut self, failure: ClientFailure) {
        if self.state == State::Closed {
            return;
        }
        let stage = self.state.stage();
        if let Some(transaction) = self.transaction.take() {
            let cause = match &failure {
                ClientFailure::ServiceClosing(reply) => Cause::Reply { stage, reply: reply.clone() },
                other => Cause::Connection { stage, failure: Box::new(other.clone()) },
            };
            self.push(ClientStep::Outcome(transaction.into_outcome(&cause)));
        }
        self.close(Err(failure));
    }

    pub(super) fn close(&mut self, result: Result<(), ClientFailure>) {
        if self.state == State::Closed {
            return;
        }
        // What the driver has not yet been told is no longer true.
        self.steps.retain(|step| *step != ClientStep::Ready);
        self.push(ClientStep::Close(result));
        self.state = State::Closed;
        self.deadline = None;
        self.needs_body = false;
        self.input = BytesMut::new();
    }
}
