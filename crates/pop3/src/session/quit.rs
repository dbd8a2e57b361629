//! QUIT: the end, and before it the UPDATE state (RFC 1939 §4, §6).

use posthouse_model::session::CloseReason;

use super::{Session, State};
use crate::maildrop::Maildrop;
use crate::question::{Answer, Question};
use crate::reply;

impl Session {
    pub(super) fn quit(&mut self) {
        let delete = self.maildrop.as_ref().map(Maildrop::deleted).unwrap_or_default();
        if delete.is_empty() {
            self.reply(reply::BYE);
            self.close(CloseReason::Quit);
        } else {
            self.ask(Question::Commit { delete }, State::AwaitCommit);
        }
    }

    /// RFC 1939 §6: whether the removal was successful or not, the connection is closed.
    pub(super) fn commit_answer(&mut self, answer: &Answer) {
        match answer {
            Answer::Committed { not_removed: 0 } => self.reply(reply::BYE),
            _ => self.reply(reply::NOT_ALL_REMOVED),
        }
        self.close(CloseReason::Quit);
    }
}
