//! CAPA (RFC 2449 §5).

use std::fmt::Write as _;

use super::Session;
use crate::reply;

impl Session {
    /// What can be used before the login is announced after it too (RFC 2449 §5), all but STLS, which says that it is
    /// permitted now (RFC 2595 §4).
    pub(super) fn capa(&mut self) {
        if self.maildrop.is_some() && !self.count_idle_command() {
            return;
        }
        self.reply(reply::CAPABILITIES);
        for capability in ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "UTF8", "EXPIRE NEVER"] {
            self.reply(capability);
        }
        if self.check_user_pass().is_ok() {
            self.reply("USER");
        }
        let mechanisms = self.offered_mechanisms();
        if !mechanisms.is_empty() {
            self.outbox.push_slice(b"SASL");
            for mechanism in mechanisms {
                let _ = write!(self.outbox, " {mechanism}");
            }
            self.reply("");
        }
        if self.offers_stls() {
            self.reply("STLS");
        }
        if let Some(delay) = self.config.login_delay {
            let _ = write!(self.outbox, "LOGIN-DELAY {}\r\n", delay.as_secs());
        }
        if let Some(implementation) = &self.config.implementation {
            let _ = write!(self.outbox, "IMPLEMENTATION {implementation}\r\n");
        }
        self.reply(reply::END);
    }
}
