//! AUTHENTICATE (RFC 9051 §6.2.2) with an initial response (RFC 4959).

use posthouse_model::Secret;
use posthouse_model::session::CloseReason;
use posthouse_sasl::{
    ChannelBindings, FailureKind, Mechanism, NONCE_BYTES, ServerContext, ServerExchange, ServerStep, encode_line,
};

use super::completion::Completion;
use super::pending::Pending;
use super::verbs::Invocation;
use super::{ImapSession, Mode, Phase, Tag};
use crate::answer::Answer;
use crate::grammar::{CommandError, Parsed};
use crate::question::{Entry, Question};
use crate::refusal::Refusal;

/// An exchange that waits for the client or for the house.
#[derive(Debug)]
pub(crate) struct SaslExchange {
    tag: Tag,
    exchange: ServerExchange,
}

/// AUTHENTICATE before its exchange begins.
#[derive(Debug)]
pub(crate) struct Beginning {
    tag: Tag,
    mechanism: Mechanism,
    /// As it came: base64, or `=` for an empty one.
    initial_response: Option<Secret>,
}

/// `authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]`
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let name = arguments.atom()?;
    let initial_response = if arguments.take(b' ') {
        Some(Secret::new(arguments.take_while(|byte| byte.is_ascii_graphic())))
    } else {
        None
    };
    arguments.end()?;
    let offered = session.offered_mechanisms();
    let Some(mechanism) = name.parse::<Mechanism>().ok().filter(|mechanism| offered.contains(mechanism)) else {
        let known_but_clear = !session.tls_active && name.parse::<Mechanism>().is_ok_and(Mechanism::is_cleartext);
        if known_but_clear {
            return Err(CommandError::PrivacyRequired);
        }
        session.complete(command.tag, Completion::no("That mechanism is not offered here"));
        return Ok(());
    };
    let beginning = Beginning { tag: command.tag.clone(), mechanism, initial_response };
    session.ask(Question::SaslStart, Pending::SaslStart(Box::new(beginning)));
    Ok(())
}

impl ImapSession {
    /// Nonce and time have come.
    pub(crate) fn sasl_start_answered(&mut self, beginning: Beginning, answer: Answer) {
        let Answer::SaslStart { nonce, unix_time_seconds } = answer else {
            return self.answered_oddly(&beginning.tag, answer);
        };
        let Beginning { tag, mechanism, initial_response } = beginning;
        let decoded = initial_response.map(|encoded| posthouse_sasl::decode_initial_response(encoded.expose()));
        match decoded.transpose() {
            Ok(response) => {
                let response = response.as_ref().map(Secret::expose);
                self.start_exchange(&tag, mechanism, response, nonce, unix_time_seconds);
            }
            Err(_) => self.complete(&tag, Completion::bad("The initial response is not base64")),
        }
    }

    /// Begins the exchange with the decoded initial response.
    pub(crate) fn start_exchange(
        &mut self,
        tag: &Tag,
        mechanism: Mechanism,
        initial_response: Option<&[u8]>,
        nonce: [u8; NONCE_BYTES],
        unix_time_seconds: u64,
    ) {
        let none = ChannelBindings::default();
        let advertised = self.offered_mechanisms();
        let context = ServerContext {
            channel_bindings: self.channel_bindings.as_deref().unwrap_or(&none),
            advertised: &advertised,
            host_name: &self.config.host_name,
            nonce,
            unix_time_seconds,
            carries_success_data: false,
        };
        let (exchange, step) = ServerExchange::start(mechanism, &context, initial_response);
        self.follow(SaslExchange { tag: tag.clone(), exchange }, step);
    }

    /// The client's line came.
    pub(crate) fn on_sasl_response(&mut self, mut sasl: SaslExchange, line: &[u8]) {
        let step = sasl.exchange.respond_encoded(line);
        self.follow(sasl, step);
    }

    /// The house answered.
    pub(crate) fn sasl_answered(&mut self, mut sasl: SaslExchange, answer: Answer) {
        match answer {
            Answer::Sasl(answer) => {
                let step = sasl.exchange.answer(answer);
                self.follow(sasl, step);
            }
            Answer::Refused(refusal) => self.login_refused(&sasl.tag, refusal),
            other => self.answered_oddly(&sasl.tag, other),
        }
    }

    fn follow(&mut self, sasl: SaslExchange, step: ServerStep) {
        match step {
            ServerStep::Challenge(challenge) => {
                self.out.extend_from_slice(b"+ ");
                self.out.extend_from_slice(encode_line(&challenge).as_bytes());
                self.out.extend_from_slice(b"\r\n");
                self.mode = Mode::ExpectSaslResponse(Box::new(sasl));
            }
            ServerStep::Ask(question) => self.ask(Question::Sasl(question), Pending::Sasl(Box::new(sasl))),
            ServerStep::Success { authentication_id, authorization_id, server_final: _ } => {
                let entry = Entry { authentication_id, authorization_id, mechanism: sasl.exchange.mechanism() };
                self.ask(Question::Enter(entry), Pending::Enter(sasl.tag));
            }
            ServerStep::Failure(failure) => self.exchange_failed(&sasl.tag, failure.kind()),
        }
    }

    fn exchange_failed(&mut self, tag: &Tag, kind: FailureKind) {
        match kind {
            FailureKind::NotOffered => self.complete(tag, Completion::no("That mechanism is not offered here")),
            // RFC 9051 §6.2.2: a cancelled exchange is answered BAD, and so is one that cannot be read.
            FailureKind::Cancelled => self.complete(tag, Completion::bad("Cancelled")),
            FailureKind::TooLong => self.complete(tag, Completion::bad("The response is too long")),
            FailureKind::Syntax => self.complete(tag, Completion::bad("The response cannot be read")),
            FailureKind::Credentials => self.login_refused(tag, Refusal::AuthenticationFailed),
            FailureKind::Temporary | FailureKind::Internal => self.login_refused(tag, Refusal::Unavailable),
        }
    }

    /// The house decided about the account.
    pub(crate) fn enter_answered(&mut self, tag: &Tag, answer: Answer) {
        match answer {
            Answer::Done => {
                self.phase = Phase::LoggedIn;
                if !self.config.unauthenticate {
                    self.channel_bindings = None;
                }
                let code = self.capability_code();
                self.complete(tag, Completion::ok("Logged in").with_code(code));
            }
            Answer::Refused(refusal) => self.login_refused(tag, refusal),
            other => self.answered_oddly(tag, other),
        }
    }

    /// `NO`, and the end after too many.
    fn login_refused(&mut self, tag: &Tag, refusal: Refusal) {
        self.complete(tag, Completion::refused(refusal));
        // What the client cannot help does not count against it.
        if matches!(refusal, Refusal::Unavailable | Refusal::Limit | Refusal::ServerBug) {
            return;
        }
        self.failed_logins += 1;
        if self.failed_logins >= self.config.limits.failed_logins {
            self.bye("Too many failed logins", CloseReason::AuthenticationFailures);
        }
    }
}
