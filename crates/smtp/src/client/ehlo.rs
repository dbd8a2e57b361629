//! EHLO, and HELO for servers that know no better (RFC 5321 §4.1.1.1); LHLO (RFC 2033 §4.1).

use super::config::{ClientProtocol, ClientTlsMode};
use super::outcome::ClientFailure;
use super::reply::PeerReply;
use super::session::{ClientSession, State};
use crate::extension::{Extension, PeerExtensions};

impl ClientSession {
    pub(super) fn say_ehlo(&mut self) {
        let verb = match self.config.protocol {
            ClientProtocol::Smtp => "EHLO",
            ClientProtocol::Lmtp => "LHLO",
        };
        self.send_line(&format!("{verb} {}", self.config.host_name));
        self.expect(State::ExpectEhlo, self.config.timeouts.command);
    }

    pub(super) fn ehlo_answered(&mut self, reply: PeerReply) {
        if reply.code == 250 {
            self.extensions = PeerExtensions::parse(reply.lines.iter().skip(1).map(String::as_str));
            return self.introduced();
        }
        let old = reply.is_permanent() && self.config.protocol == ClientProtocol::Smtp;
        // Inside TLS, or where TLS or a login is a must, a server that knows no EHLO is of no use.
        let must_extend = self.tls.is_some()
            || self.config.authentication.is_some()
            || self.config.tls_mode == ClientTlsMode::Required;
        if old && !must_extend {
            // RFC 5321 §3.2: then HELO.
            self.send_line(&format!("HELO {}", self.config.host_name));
            return self.expect(State::ExpectHelo, self.config.timeouts.command);
        }
        if reply.is_temporary() || reply.is_permanent() { self.refused(reply) } else { self.unexpected(reply) }
    }

    pub(super) fn helo_answered(&mut self, reply: PeerReply) {
        match reply.code {
            250 => self.introduced(),
            _ if reply.is_temporary() || reply.is_permanent() => self.refused(reply),
            _ => self.unexpected(reply),
        }
    }

    /// Decides what comes between the introduction and the first message.
    fn introduced(&mut self) {
        let offered = self.extensions.offers(Extension::StartTls);
        match (self.config.tls_mode, self.tls.is_some()) {
            (ClientTlsMode::Required, false) if !offered => self.fail(ClientFailure::TlsNotOffered),
            (ClientTlsMode::Required | ClientTlsMode::Opportunistic, false) if offered => self.say_starttls(),
            _ => self.sign_in(),
        }
    }
}
