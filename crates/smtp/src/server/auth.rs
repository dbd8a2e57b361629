//! AUTH (RFC 4954).

use posthouse_model::session::CloseReason;
use posthouse_sasl::server::{Failure, FailureKind};
use posthouse_sasl::{Mechanism, ServerContext, ServerExchange, ServerStep, encode_line};

use super::config::AuthenticationPolicy;
use super::question::{Answer, AuthenticationStart, AuthorizationAnswer, AuthorizationRefusal, Identity, Question};
use super::session::{Pending, ServerSession};
use crate::command::AuthCommand;
use crate::reply;

impl ServerSession {
    pub(super) fn auth_command(&mut self, command: AuthCommand) {
        let extended = self.helo.as_ref().is_some_and(|helo| helo.extended);
        let off = self.config.authentication == AuthenticationPolicy::Off;
        if off || !extended || self.identity.is_some() || self.transaction.is_some() {
            return self.finish_command(&reply::auth_out_of_order());
        }
        let Ok(mechanism) = command.mechanism.parse::<Mechanism>() else {
            return self.finish_command(&reply::mechanism_unknown());
        };
        let configured = self.config.mechanisms.contains(&mechanism);
        if configured && mechanism.is_cleartext() && self.tls.is_none() {
            return self.finish_command(&reply::encryption_required());
        }
        if !self.offered_mechanisms().contains(&mechanism) {
            return self.finish_command(&reply::mechanism_unknown());
        }
        let pending = Pending::AuthenticationStart(Box::new(command), mechanism);
        self.ask(Question::StartAuthentication { mechanism }, pending);
    }

    pub(super) fn authentication_start(&mut self, command: &AuthCommand, mechanism: Mechanism, answer: &Answer) {
        let Answer::AuthenticationStart(AuthenticationStart::Permitted { nonce, unix_time_seconds }) = *answer else {
            return self.finish_command(&reply::authentication_unavailable());
        };
        let (exchange, step) = ServerExchange::start_encoded(
            mechanism,
            &ServerContext {
                channel_bindings: &self.channel_bindings(),
                advertised: &self.offered_mechanisms(),
                host_name: self.config.host_name.as_str(),
                nonce,
                unix_time_seconds,
                carries_success_data: false,
            },
            command.initial_response.as_ref().map(posthouse_model::Secret::expose),
        );
        self.exchange = Some(exchange);
        self.follow_exchange(step);
    }

    /// Takes the client's line in the middle of an exchange.
    pub(super) fn auth_response(&mut self, line: &[u8]) {
        let Some(exchange) = &mut self.exchange else {
            return self.finish_command(&reply::local_error());
        };
        let step = exchange.respond_encoded(line);
        self.follow_exchange(step);
    }

    pub(super) fn credentials_answered(&mut self, answer: Answer) {
        let answer = match answer {
            Answer::Credentials(answer) => answer,
            _ => posthouse_sasl::Answer::TemporarilyUnavailable,
        };
        let Some(exchange) = &mut self.exchange else {
            return self.finish_command(&reply::local_error());
        };
        let step = exchange.answer(answer);
        self.follow_exchange(step);
    }

    fn follow_exchange(&mut self, step: ServerStep) {
        match step {
            ServerStep::Challenge(challenge) => {
                self.send(&reply::challenge(encode_line(&challenge)));
                self.expect_auth_response();
            }
            ServerStep::Ask(question) => self.ask(Question::Credentials(question), Pending::Credentials),
            ServerStep::Success { authentication_id, authorization_id, server_final: _ } => {
                let Some(exchange) = self.exchange.take() else {
                    return self.finish_command(&reply::local_error());
                };
                let identity = Identity { authentication_id, authorization_id, mechanism: exchange.mechanism() };
                self.ask(Question::Authorize(identity.clone()), Pending::Authorization(identity));
            }
            ServerStep::Failure(failure) => self.exchange_failed(failure),
        }
    }

    pub(super) fn authorized(&mut self, identity: Identity, answer: &Answer) {
        let refusal = match answer {
            Answer::Authorization(AuthorizationAnswer::Granted) => {
                self.identity = Some(identity);
                self.counters.idle_commands = 0;
                return self.finish_command(&reply::authenticated());
            }
            Answer::Authorization(AuthorizationAnswer::Refused(refusal)) => *refusal,
            _ => AuthorizationRefusal::TemporaryFailure,
        };
        self.send(&reply::authorization(refusal));
        self.count_authentication_failure();
    }

    fn exchange_failed(&mut self, failure: Failure) {
        let mechanism = self.exchange.take().map(|exchange| exchange.mechanism());
        let kind = failure.kind();
        let answer = match kind {
            FailureKind::NotOffered => reply::mechanism_unknown(),
            FailureKind::Cancelled => reply::authentication_cancelled(),
            FailureKind::TooLong => reply::response_too_long(),
            FailureKind::Syntax => reply::response_unreadable(),
            FailureKind::Credentials => reply::credentials_invalid(),
            FailureKind::Temporary | FailureKind::Internal => reply::authentication_unavailable(),
        };
        if let Some(mechanism) = mechanism.filter(|_| matches!(kind, FailureKind::Credentials | FailureKind::Internal))
        {
            self.notify(Question::AuthenticationFailed { mechanism, failure });
        }
        self.send(&answer);
        self.count_authentication_failure();
    }

    /// Every exchange that was begun and did not succeed counts, so that nobody can hold password hashing at work.
    fn count_authentication_failure(&mut self) {
        self.expect_command();
        self.counters.authentication_failures += 1;
        if self.counters.authentication_failures >= self.config.limits.authentication_failures {
            self.send(&reply::too_many_authentication_failures());
            self.close(CloseReason::AuthenticationFailures);
        }
    }
}
