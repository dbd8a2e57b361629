//! What follows a proof of identity, by whichever command: the maildrop is locked and opened (RFC 1939 §4).

use posthouse_model::session::CloseReason;

use super::{Session, State};
use crate::maildrop::Maildrop;
use crate::question::{Answer, MaildropRefusal, Question};
use crate::reply;

impl Session {
    pub(super) fn open_maildrop(&mut self, authentication_id: String, authorization_id: Option<String>) {
        self.ask(Question::OpenMaildrop { authentication_id, authorization_id }, State::AwaitMaildrop);
    }

    pub(super) fn maildrop_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Maildrop(Ok(opened)) => {
                let maildrop = Maildrop::new(opened.uid_validity, opened.entries, self.config.limits.messages);
                self.maildrop = Some(maildrop);
                self.reply_totals();
            }
            Answer::Maildrop(Err(MaildropRefusal::InUse)) => self.reply(reply::IN_USE),
            Answer::Maildrop(Err(MaildropRefusal::Denied)) => self.login_failed(),
            Answer::Maildrop(Err(MaildropRefusal::NoMaildrop)) => self.login_refused(reply::NO_MAILDROP),
            Answer::Maildrop(Err(MaildropRefusal::Expired)) => self.login_refused(reply::PASSWORD_EXPIRED),
            Answer::Maildrop(Err(MaildropRefusal::TooSoon)) => self.reply(reply::LOGIN_DELAY),
            _ => self.reply(reply::UNAVAILABLE),
        }
    }

    pub(super) fn login_failed(&mut self) {
        self.login_refused(reply::INVALID_CREDENTIALS);
    }

    fn login_refused(&mut self, words: &str) {
        self.reply(words);
        self.tally.authentication_failures += 1;
        if self.tally.authentication_failures >= self.config.limits.authentication_failures {
            self.close(CloseReason::AuthenticationFailures);
        }
    }
}
