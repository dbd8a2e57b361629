//! AUTH (RFC 5034, RFC 1734): a SASL exchange.
//!
//! ```text
//! challenge = "+" SP [base64] CRLF
//! response  = [base64] CRLF / "*" CRLF
//! ```

use posthouse_model::Secret;
use posthouse_model::session::TlsMode;
use posthouse_sasl::{
    ChannelBindings, Failure, FailureKind, Mechanism, ServerContext, ServerExchange, ServerStep, TlsChannel,
    encode_line, offer,
};

use super::{Session, State};
use crate::question::{Answer, Question};
use crate::reply;

impl Session {
    pub(super) fn auth(&mut self, mechanism: Option<Mechanism>, initial_response: Option<Secret>) {
        let offered = self.offered_mechanisms();
        match mechanism {
            Some(mechanism) if offered.contains(&mechanism) => {
                self.ask(Question::Nonce, State::AwaitNonce { mechanism, initial_response });
            }
            Some(_) if self.tls.is_none() && self.config.tls_mode != TlsMode::None => {
                self.reply_error(reply::TLS_REQUIRED);
            }
            _ => self.reply_error(reply::MECHANISM_NOT_OFFERED),
        }
    }

    /// The mechanisms that may be used at this moment.
    pub(super) fn offered_mechanisms(&self) -> Vec<Mechanism> {
        match &self.tls {
            Some(bindings) => {
                let channel = TlsChannel { bindings, client_certificate: self.client_certificate };
                offer(&self.config.mechanisms, Some(channel))
            }
            None if self.config.tls_mode == TlsMode::StartTlsRequired => Vec::new(),
            None => offer(&self.config.mechanisms, None),
        }
    }

    pub(super) fn nonce(&mut self, mechanism: Mechanism, initial_response: Option<&Secret>, answer: &Answer) {
        let Answer::Nonce { bytes, unix_time_seconds } = *answer else {
            return self.reply(reply::UNAVAILABLE);
        };
        let outside_tls = ChannelBindings::default();
        let context = ServerContext {
            channel_bindings: self.tls.as_ref().unwrap_or(&outside_tls),
            advertised: &self.offered_mechanisms(),
            host_name: &self.config.host_name,
            nonce: bytes,
            unix_time_seconds,
            carries_success_data: false,
        };
        let initial_response = initial_response.map(Secret::expose);
        let (exchange, step) = ServerExchange::start_encoded(mechanism, &context, initial_response);
        self.sasl_step(exchange, step);
    }

    pub(super) fn sasl_response(&mut self, line: &Secret) {
        if let State::ExpectSaslResponse(mut exchange) = std::mem::replace(&mut self.state, State::ExpectCommand) {
            let step = exchange.respond_encoded(line.expose());
            self.sasl_step(exchange, step);
        }
    }

    pub(super) fn sasl_answer(&mut self, mut exchange: ServerExchange, answer: Answer) {
        let answer = match answer {
            Answer::Sasl(answer) => answer,
            _ => posthouse_sasl::Answer::TemporarilyUnavailable,
        };
        let step = exchange.answer(answer);
        self.sasl_step(exchange, step);
    }

    fn sasl_step(&mut self, exchange: ServerExchange, step: ServerStep) {
        match step {
            ServerStep::Challenge(challenge) => {
                // RFC 5034 §4: the space is there even if nothing follows.
                self.reply(&format!("+ {}", encode_line(&challenge)));
                self.state = State::ExpectSaslResponse(exchange);
            }
            ServerStep::Ask(question) => self.ask(Question::Sasl(question), State::AwaitSaslAnswer(exchange)),
            ServerStep::Success { authentication_id, authorization_id, server_final: _ } => {
                self.open_maildrop(authentication_id, authorization_id);
            }
            ServerStep::Failure(failure) => self.sasl_failure(&failure),
        }
    }

    fn sasl_failure(&mut self, failure: &Failure) {
        match failure.kind() {
            FailureKind::Credentials => self.login_failed(),
            FailureKind::Cancelled => self.reply(reply::CANCELLED),
            FailureKind::NotOffered => self.reply_error(reply::MECHANISM_NOT_OFFERED),
            FailureKind::TooLong => self.reply_error(reply::LINE_TOO_LONG),
            FailureKind::Syntax => self.reply_error(reply::MALFORMED_RESPONSE),
            FailureKind::Temporary | FailureKind::Internal => self.reply(reply::UNAVAILABLE),
        }
    }
}
