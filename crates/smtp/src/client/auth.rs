//! AUTH (RFC 4954), at smart hosts.

use posthouse_model::Secret;
use posthouse_sasl::line::{Line, decode_line, encode_initial_response, encode_line};
use posthouse_sasl::{ChannelBindings, ClientContext, ClientExchange, Mechanism, choose};

use super::outcome::ClientFailure;
use super::reply::PeerReply;
use super::session::{ClientSession, State};
use crate::extension::Extension;

/// Longest command line, with its CRLF, in octets (RFC 5321 §4.5.3.1.4).
const MAX_COMMAND_BYTES: usize = 512;

impl ClientSession {
    /// Signs in if we have a login, else is ready.
    pub(super) fn sign_in(&mut self) {
        let Some(authentication) = &self.config.authentication else {
            return self.become_ready();
        };
        let bindings = self.tls.as_ref().map_or_else(ChannelBindings::default, |tls| ChannelBindings {
            tls_exporter: tls.tls_exporter.clone(),
            tls_server_end_point: tls.tls_server_end_point.clone(),
        });
        let context = ClientContext {
            offered: &self.extensions.mechanisms,
            allowed: &authentication.allowed,
            tls_active: self.tls.is_some(),
            client_certificate: false,
            channel_bindings: &bindings,
            nonce: authentication.nonce,
        };
        let Some(mechanism) = choose(&context).filter(|_| self.extensions.offers(Extension::Auth)) else {
            return self.fail(ClientFailure::NoMechanism);
        };
        match ClientExchange::start(mechanism, &authentication.credentials, &context) {
            Ok((exchange, initial_response)) => {
                self.exchange = Some(exchange);
                self.say_auth(mechanism, initial_response);
                self.expect(State::ExpectAuth, self.config.timeouts.command);
            }
            Err(failure) => self.fail(failure.into()),
        }
    }

    /// RFC 4954 §4: an initial response with which the command would be too long goes in answer to an empty challenge.
    fn say_auth(&mut self, mechanism: Mechanism, initial_response: Option<Secret>) {
        let command = format!("AUTH {mechanism}");
        let encoded = initial_response.as_ref().map(|response| encode_initial_response(response.expose()));
        match encoded.filter(|encoded| command.len() + 1 + encoded.len() + 2 <= MAX_COMMAND_BYTES) {
            Some(encoded) => self.send_line(&format!("{command} {encoded}")),
            None => {
                self.held_response = initial_response;
                self.send_line(&command);
            }
        }
    }

    pub(super) fn auth_answered(&mut self, reply: PeerReply) {
        match reply.code {
            334 => self.challenged(&reply),
            235 => match self.exchange.take().map(|exchange| exchange.finish(None)) {
                Some(Ok(())) => self.become_ready(),
                Some(Err(failure)) => self.fail(failure.into()),
                None => self.unexpected(reply),
            },
            _ if reply.is_temporary() || reply.is_permanent() => {
                let token_error = self.exchange.as_ref().and_then(|exchange| exchange.token_error());
                let token_error = token_error.map(str::to_owned);
                self.fail(ClientFailure::AuthenticationRefused { reply, token_error });
            }
            _ => self.unexpected(reply),
        }
    }

    fn challenged(&mut self, reply: &PeerReply) {
        if let Some(response) = self.held_response.take() {
            self.send_line(&encode_line(response.expose()));
            return self.expect(State::ExpectAuth, self.config.timeouts.command);
        }
        let text = reply.lines.first().map(|line| line.trim_end()).unwrap_or_default();
        let challenge = match decode_line(text.as_bytes()) {
            Ok(Line::Response(challenge)) => challenge,
            // quirk: some servers prompt for LOGIN in words; what they say does not matter there.
            Ok(Line::Cancel) | Err(_) => Secret::new(text.as_bytes()),
        };
        let Some(exchange) = &mut self.exchange else { return };
        match exchange.respond(challenge.expose()) {
            Ok(response) => {
                let encoded = encode_line(response.expose());
                self.send_line(&encoded);
                self.expect(State::ExpectAuth, self.config.timeouts.command);
            }
            Err(failure) => {
                self.send_line("*");
                self.fail(failure.into());
            }
        }
    }
}
