//! PASS (RFC 1939 §7).

use posthouse_model::Secret;
use posthouse_sasl::prepare_password;

use super::{Session, State};
use crate::question::{Answer, LoginRefusal, Question};
use crate::reply;

impl Session {
    /// `user` is what the command just before said.
    pub(super) fn pass(&mut self, user: Option<String>, password: &Secret) {
        if let Err(refusal) = self.check_user_pass() {
            return self.reply_error(refusal);
        }
        let Some(user) = user else {
            return self.reply_error(reply::USER_FIRST);
        };
        match prepare_password(password.expose()) {
            Ok(password) => {
                let question = Question::Login { user: user.clone(), password };
                self.ask(question, State::AwaitLogin { user });
            }
            // What cannot be prepared was never set as anyone's password.
            Err(_) => self.login_failed(),
        }
    }

    pub(super) fn login_answer(&mut self, user: String, answer: &Answer) {
        match answer {
            Answer::Login(Ok(())) => self.open_maildrop(user, None),
            Answer::Login(Err(LoginRefusal::InvalidCredentials)) => self.login_failed(),
            Answer::Login(Err(LoginRefusal::TooSoon)) => self.reply(reply::LOGIN_DELAY),
            _ => self.reply(reply::UNAVAILABLE),
        }
    }
}
