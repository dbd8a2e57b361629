//! USER (RFC 1939 §7).

use posthouse_sasl::prepare_name;

use super::Session;
use crate::reply;

impl Session {
    /// Every name is welcome: that there is no such user is not told apart from a wrong password.
    pub(super) fn user(&mut self, name: &[u8]) {
        if let Err(refusal) = self.check_user_pass() {
            return self.reply_error(refusal);
        }
        match prepare_name(name) {
            Ok(name) => {
                self.user = Some(name);
                self.reply(reply::SEND_PASSWORD);
            }
            Err(_) => self.reply_error(reply::WRONG_CHARACTERS),
        }
    }

    /// USER and PASS send the password in clear, so they exist only inside TLS.
    pub(super) fn check_user_pass(&self) -> Result<(), &'static str> {
        match (self.tls.is_some(), self.config.user_pass) {
            (true, true) => Ok(()),
            (_, false) => Err(reply::NO_USER_PASS),
            (false, true) => Err(reply::TLS_REQUIRED),
        }
    }
}
