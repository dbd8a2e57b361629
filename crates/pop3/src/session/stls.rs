//! STLS (RFC 2595 §4).

use posthouse_model::session::{CloseReason, Step, TlsMode};

use super::{Session, State};
use crate::reply;

impl Session {
    pub(super) fn stls(&mut self) {
        if self.tls.is_some() {
            return self.reply_error(reply::TLS_ACTIVE);
        }
        if !self.offers_stls() {
            return self.reply_error(reply::NO_STLS);
        }
        // RFC 6856 §2.1: a client must not issue STLS after UTF8, so nobody is missing what would be forgotten.
        if self.utf8 {
            return self.reply_error(reply::STLS_AFTER_UTF8);
        }
        // Whoever sends clear text behind STLS wants it to be executed inside TLS (CVE-2011-0411 and its kin).
        if !self.input.is_empty() {
            return self.close(CloseReason::PipelinedStartTls);
        }
        self.reply(reply::BEGIN_TLS);
        self.then = Some(Step::StartTls);
        self.state = State::ExpectTls;
    }

    /// Whether STLS is permitted at this moment, which is what its capability says.
    pub(super) fn offers_stls(&self) -> bool {
        let available = matches!(self.config.tls_mode, TlsMode::StartTlsRequired | TlsMode::StartTlsOptional);
        available && self.tls.is_none() && self.maildrop.is_none()
    }
}
