//! The machine: input, output, time, and what is awaited.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::BytesMut;
use posthouse_model::session::{CloseReason, Peer, QuestionId, Session, Step, TlsInfo, TlsMode};
use posthouse_model::time::{Instant, UnixMillis};
use posthouse_sasl::ServerExchange;

use super::bdat::Chunk;
use super::config::ServerConfig;
use super::line::{Line, LineReader};
use super::question::{Answer, Identity, Question};
use super::transaction::Transaction;
use super::xclient::Neighbour;
use crate::limits::{AUTH_LINE_BYTES, COMMAND_LINE_BYTES};
use crate::reply::{self, Reply};

/// The first octet of a TLS record that holds a handshake (RFC 8446 §5.1).
const TLS_HANDSHAKE_RECORD: u8 = 0x16;
/// The start of a line that AUTH begins, for its longer limit.
const AUTH_VERB: &[u8] = b"AUTH ";

/// The server's side of one connection.
pub struct ServerSession {
    pub(super) config: Arc<ServerConfig>,
    pub(super) peer: Peer,
    pub(super) now: Instant,
    pub(super) input: BytesMut,
    pub(super) state: State,
    pub(super) tls: Option<TlsInfo>,
    pub(super) identity: Option<Identity>,
    pub(super) helo: Option<Helo>,
    pub(super) transaction: Option<Transaction>,
    pub(super) exchange: Option<ServerExchange>,
    pub(super) counters: Counters,
    pub(super) neighbour: Neighbour,
    lines: LineReader,
    /// What the date was at some time of the session, if it is known.
    calendar: Option<(Instant, UnixMillis)>,
    any_line: bool,
    steps: VecDeque<Step<Question>>,
    output: BytesMut,
    last_question: u32,
    deadline: Option<Instant>,
    announced: Option<Instant>,
    ending: Option<CloseReason>,
    at_eof: bool,
}

/// What the session awaits.
#[derive(Debug)]
pub(super) enum State {
    /// A command.
    ExpectCommand,
    /// The client's response to a challenge.
    ExpectAuthResponse,
    /// The driver's answer.
    ExpectAnswer(QuestionId, Pending),
    /// The TLS handshake.
    ExpectTls,
    /// The text behind DATA.
    ExpectText,
    /// The octets of a chunk.
    ExpectChunk(Chunk),
    /// Nothing.
    Closed,
}

/// What an answer is for.
#[derive(Debug)]
pub(super) enum Pending {
    AuthenticationStart(Box<crate::command::AuthCommand>, posthouse_sasl::Mechanism),
    Credentials,
    Authorization(Identity),
    Sender(Box<posthouse_model::Envelope>),
    Recipient(Box<posthouse_model::Recipient>),
    Store { recipients: usize },
}

/// How the client has introduced itself.
#[derive(Clone, Debug)]
pub(super) struct Helo {
    pub(super) name: String,
    pub(super) extended: bool,
}

/// What is held against the limits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) errors: usize,
    pub(super) refused_recipients: usize,
    pub(super) idle_commands: usize,
    pub(super) authentication_failures: usize,
    pub(super) messages: usize,
}

impl fmt::Debug for ServerSession {
    /// Without what is on the wire, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSession")
            .field("peer", &self.peer)
            .field("state", &self.state)
            .field("helo", &self.helo)
            .field("identity", &self.identity)
            .field("transaction", &self.transaction)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl ServerSession {
    /// A session on a connection that was just made. In [`TlsMode::Implicit`] it awaits
    /// [`tls_established`](Session::tls_established); otherwise the greeting is the first step.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>, peer: Peer, now: Instant) -> Self {
        let implicit = config.tls_mode == TlsMode::Implicit;
        let mut session = Self {
            config,
            peer,
            now,
            input: BytesMut::new(),
            state: State::ExpectCommand,
            tls: None,
            identity: None,
            helo: None,
            transaction: None,
            exchange: None,
            counters: Counters::default(),
            neighbour: Neighbour::default(),
            lines: LineReader::default(),
            calendar: None,
            any_line: false,
            steps: VecDeque::new(),
            output: BytesMut::new(),
            last_question: 0,
            deadline: None,
            announced: None,
            ending: None,
            at_eof: false,
        };
        if implicit {
            session.expect_tls();
        } else {
            session.greet();
        }
        session
    }

    /// Tells the session what the date is now. Without it nothing that has to do with dates is offered.
    #[must_use]
    pub fn with_date(mut self, date: UnixMillis) -> Self {
        self.calendar = Some((self.now, date));
        self
    }

    /// The date, if it is known.
    pub(super) fn date(&self) -> Option<UnixMillis> {
        self.calendar.map(|(at, date)| date + self.now.since(at))
    }

    /// What the client called itself, once it did.
    #[must_use]
    pub fn helo(&self) -> Option<&str> {
        self.helo.as_ref().map(|helo| helo.name.as_str())
    }

    /// The TLS around the session.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_ref()
    }

    /// Who the client has shown to be.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Whether nothing is going on that a client would lose if the connection went away.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::ExpectCommand) && self.transaction.is_none()
    }

    pub(super) fn greet(&mut self) {
        let greeting = reply::greeting(self.config.host_name.as_str(), self.config.is_lmtp());
        self.send(&greeting);
        self.expect_command();
    }

    /// Awaits the next command, for a full command timeout.
    pub(super) fn expect_command(&mut self) {
        self.state = State::ExpectCommand;
        self.deadline = Some(self.now + self.config.limits.command_timeout);
    }

    pub(super) fn expect_auth_response(&mut self) {
        self.state = State::ExpectAuthResponse;
        self.deadline = Some(self.now + self.config.limits.command_timeout);
    }

    pub(super) fn expect_tls(&mut self) {
        self.state = State::ExpectTls;
        self.deadline = Some(self.now + self.config.limits.tls_handshake_timeout);
    }

    pub(super) fn expect_by(&mut self, state: State, deadline: Instant) {
        self.state = state;
        self.deadline = Some(deadline);
    }

    /// Adds a reply to the output.
    pub(super) fn send(&mut self, reply: &Reply) {
        reply.write_to(&mut self.output);
    }

    /// Sends the reply that ends a command, holds errors against the client, and awaits the next command.
    pub(super) fn finish_command(&mut self, reply: &Reply) {
        self.send(reply);
        self.expect_command();
        if reply.is_error() {
            self.counters.errors += 1;
            self.close_if_beyond(self.counters.errors, self.config.limits.errors);
        }
    }

    /// Like [`Self::finish_command`], for commands that bring no message nearer.
    pub(super) fn finish_idle_command(&mut self, reply: &Reply) {
        self.counters.idle_commands += 1;
        self.finish_command(reply);
        self.close_if_beyond(self.counters.idle_commands, self.config.limits.commands_without_progress);
    }

    pub(super) fn close_if_beyond(&mut self, count: usize, limit: usize) {
        if count >= limit && !matches!(self.state, State::Closed) {
            self.send(&reply::too_many_errors());
            self.close(CloseReason::TooManyErrors);
        }
    }

    /// Adds a step behind all that is to be sent before it.
    pub(super) fn push(&mut self, step: Step<Question>) {
        self.flush();
        self.steps.push_back(step);
    }

    fn flush(&mut self) {
        if !self.output.is_empty() {
            self.steps.push_back(Step::Send(self.output.split().freeze()));
        }
    }

    /// Asks, and takes no input until the answer is there.
    pub(super) fn ask(&mut self, question: Question, pending: Pending) {
        let id = self.next_question();
        self.push(Step::Ask(id, question));
        self.state = State::ExpectAnswer(id, pending);
        self.deadline = None;
    }

    /// Tells the driver something that needs no answer.
    pub(super) fn notify(&mut self, notice: Question) {
        let id = self.next_question();
        self.push(Step::Ask(id, notice));
    }

    fn next_question(&mut self) -> QuestionId {
        self.last_question = self.last_question.wrapping_add(1);
        QuestionId(self.last_question)
    }

    /// Ends the session. What was left of the input is never looked at.
    pub(super) fn close(&mut self, reason: CloseReason) {
        if matches!(self.state, State::Closed) {
            return;
        }
        self.abort_transaction();
        self.push(Step::Close(reason));
        self.state = State::Closed;
        self.deadline = None;
        self.input = BytesMut::new();
    }

    /// Works through the input until something is awaited that is not in it.
    fn advance(&mut self) {
        loop {
            if let Some(reason) = self.ending
                && matches!(self.state, State::ExpectCommand | State::ExpectAuthResponse)
            {
                self.send(&match reason {
                    CloseReason::SignedOut => reply::signed_out(),
                    _ => reply::shutting_down(),
                });
                self.close(reason);
            }
            let progressed = match self.state {
                State::ExpectCommand | State::ExpectAuthResponse => self.take_line(),
                State::ExpectText => self.take_text(),
                State::ExpectChunk(_) => self.take_chunk(),
                State::ExpectAnswer(..) | State::ExpectTls | State::Closed => return,
            };
            if !progressed {
                break;
            }
        }
        if self.at_eof {
            // A client that goes without QUIT in the middle of something may have lost its line; it is no crime, but
            // no goodbye either.
            let reason =
                if self.is_idle() && self.input.is_empty() { CloseReason::Quit } else { CloseReason::ProtocolError };
            self.close(reason);
        }
    }

    /// Takes one line; whether there was one.
    fn take_line(&mut self) -> bool {
        let Some(&first) = self.input.first() else { return false };
        if !self.any_line && (first == TLS_HANDSHAKE_RECORD || !first.is_ascii()) {
            // A ClientHello of TLS, or of SSLv2 whose length has its highest bit set.
            self.close(CloseReason::WrongTransport);
            return true;
        }
        let limit = match self.state {
            State::ExpectAuthResponse => AUTH_LINE_BYTES,
            _ if self.input.get(..AUTH_VERB.len()).is_some_and(|verb| verb.eq_ignore_ascii_case(AUTH_VERB)) => {
                AUTH_LINE_BYTES
            }
            _ => COMMAND_LINE_BYTES,
        };
        let Some(line) = self.lines.take(&mut self.input, limit, self.config.limits.discarded_line_bytes) else {
            return false;
        };
        self.any_line = true;
        match line {
            Line::Whole(line) if matches!(self.state, State::ExpectAuthResponse) => self.auth_response(&line),
            Line::Whole(line) => self.command(&line),
            Line::BareLineFeed => self.broken_line(&reply::bare_line_feed()),
            Line::TooLong if matches!(self.state, State::ExpectAuthResponse) => {
                self.broken_line(&reply::response_too_long());
            }
            Line::TooLong => self.broken_line(&reply::line_too_long()),
            Line::DiscardedTooMuch => self.close(CloseReason::ProtocolError),
        }
        true
    }

    fn broken_line(&mut self, reply: &Reply) {
        self.exchange = None;
        self.finish_command(reply);
    }

    pub(super) fn timed_out(&mut self) {
        if !matches!(self.state, State::ExpectTls) {
            self.send(&reply::timeout());
        }
        self.close(CloseReason::Timeout);
    }
}

impl Session for ServerSession {
    type Question = Question;
    type Answer = Answer;

    fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.now = now;
        match self.state {
            State::Closed => {}
            // The driver should not have read. Whatever it is, it came in clear behind STARTTLS.
            State::ExpectTls => self.close(CloseReason::PipelinedStartTls),
            _ => {
                self.input.extend_from_slice(bytes);
                self.advance();
            }
        }
    }

    fn receive_eof(&mut self, now: Instant) {
        self.now = now;
        self.at_eof = true;
        if matches!(self.state, State::ExpectTls) {
            self.close(CloseReason::ProtocolError);
        }
        self.advance();
    }

    fn wake(&mut self, now: Instant) {
        self.now = now;
        self.announced = None;
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.timed_out();
        }
    }

    fn answer(&mut self, id: QuestionId, answer: Answer, now: Instant) {
        self.now = now;
        let State::ExpectAnswer(open, _) = &self.state else { return };
        if *open != id {
            return;
        }
        let State::ExpectAnswer(_, pending) = std::mem::replace(&mut self.state, State::ExpectCommand) else { return };
        match (pending, answer) {
            (Pending::AuthenticationStart(command, mechanism), answer) => {
                self.authentication_start(&command, mechanism, &answer);
            }
            (Pending::Credentials, answer) => self.credentials_answered(answer),
            (Pending::Authorization(identity), answer) => self.authorized(identity, &answer),
            (Pending::Sender(envelope), answer) => self.sender_judged(*envelope, &answer),
            (Pending::Recipient(recipient), answer) => self.recipient_judged(*recipient, &answer),
            (Pending::Store { recipients }, answer) => self.message_stored(recipients, &answer),
        }
        self.advance();
    }

    fn tls_established(&mut self, tls: TlsInfo, now: Instant) {
        self.now = now;
        if !matches!(self.state, State::ExpectTls) {
            return;
        }
        self.begin_inside_tls(tls);
        if self.config.tls_mode == TlsMode::Implicit {
            self.greet();
        } else {
            self.expect_command();
        }
        self.advance();
    }

    fn shut_down(&mut self, now: Instant) {
        self.now = now;
        self.ending = Some(CloseReason::Shutdown);
        if matches!(self.state, State::ExpectTls) {
            self.close(CloseReason::Shutdown);
        }
        self.advance();
    }

    fn sign_out(&mut self, now: Instant) {
        self.now = now;
        self.ending = Some(CloseReason::SignedOut);
        self.advance();
    }

    fn next(&mut self) -> Option<Step<Question>> {
        if self.steps.is_empty() {
            self.flush();
        }
        if let Some(step) = self.steps.pop_front() {
            return Some(step);
        }
        // A later deadline need not be told: the session is woken too early, and says then when to wake it again.
        let deadline = self.deadline?;
        if self.announced.is_some_and(|announced| announced <= deadline) {
            return None;
        }
        self.announced = Some(deadline);
        Some(Step::WakeAt(deadline))
    }

    fn wants_input(&self) -> bool {
        !self.at_eof && !matches!(self.state, State::ExpectAnswer(..) | State::ExpectTls | State::Closed)
    }
}

impl ServerSession {
    /// Forgets all that was said in clear (RFC 3207 §4.2).
    fn begin_inside_tls(&mut self, tls: TlsInfo) {
        self.tls = Some(tls);
        self.input = BytesMut::new();
        self.lines.reset();
        // What looks like a TLS record inside TLS is only nonsense.
        self.any_line = true;
        self.forget_client();
        self.forget_neighbours_words();
        self.counters.idle_commands = 0;
    }

    /// As if nothing had been said yet.
    pub(super) fn forget_client(&mut self) {
        self.helo = None;
        self.identity = None;
        self.abort_transaction();
    }

    /// Octets that are held in memory between two calls, for tests of bounds.
    #[cfg(test)]
    pub(super) fn buffered_bytes(&self) -> usize {
        self.input.len() + self.output.len()
    }
}
