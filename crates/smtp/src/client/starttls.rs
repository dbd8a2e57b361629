//! STARTTLS (RFC 3207).

use super::config::ClientTlsMode;
use super::outcome::ClientFailure;
use super::reply::PeerReply;
use super::session::{ClientSession, ClientStep, State};

impl ClientSession {
    pub(super) fn say_starttls(&mut self) {
        self.send_line("STARTTLS");
        self.expect(State::ExpectStartTls, self.config.timeouts.command);
    }

    pub(super) fn starttls_answered(&mut self, reply: PeerReply) {
        if reply.code == 220 {
            if !self.input.is_empty() {
                // Whoever put replies here in clear wanted them to be believed inside TLS.
                return self.fail(ClientFailure::InjectedPlaintext);
            }
            self.push(ClientStep::StartTls);
            return self.expect(State::ExpectTls, self.config.timeouts.tls_handshake);
        }
        if !reply.is_temporary() && !reply.is_permanent() {
            return self.unexpected(reply);
        }
        match self.config.tls_mode {
            // RFC 3207 §4.1: the client decides; opportunistic means to go on in clear.
            ClientTlsMode::Opportunistic => self.sign_in(),
            _ => self.fail(ClientFailure::TlsRefused(reply)),
        }
    }
}
