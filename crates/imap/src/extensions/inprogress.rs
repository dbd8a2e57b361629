//! INPROGRESS (RFC 9585): how far a command is that takes its time.

use crate::response::token::{number, string};
use crate::session::pending::Pending;
use crate::session::{ImapSession, Tag};

impl ImapSession {
    /// Tells the client how far the house is with what it was asked, and goes on waiting. Of a search in several
    /// mailboxes it tells how many of them are done, because messages would be counted from nothing in each.
    ///
    /// ```text
    /// resp-text-code   =/ "INPROGRESS" [SP "(" inprogress-tag SP inprogress-state ")"]
    /// inprogress-tag    = quoted / nil
    /// inprogress-state  = (nil SP nil) / (number SP nil) / (number SP nz-number)
    /// ```
    pub(crate) fn tell_progress(&mut self, pending: Pending, done: u64, goal: u64) {
        self.out.extend_from_slice(b"* OK [INPROGRESS (");
        match pending.tag() {
            Some(tag) => string(&mut self.out, tag.as_str().as_bytes()),
            None => self.out.extend_from_slice(b"NIL"),
        }
        let (done, goal) = match &pending {
            Pending::MultiSearch(searching) => searching.mailboxes_done().unwrap_or((done, goal)),
            _ => (done, goal),
        };
        // RFC 9585 §4: what is done is no more than the goal, and it only grows.
        match (done, goal) {
            (0, 0) => self.out.extend_from_slice(b" NIL NIL"),
            (done, 0) => {
                self.out.push(b' ');
                number(&mut self.out, done);
                self.out.extend_from_slice(b" NIL");
            }
            (done, goal) => {
                self.out.push(b' ');
                number(&mut self.out, done.min(goal));
                self.out.push(b' ');
                number(&mut self.out, goal);
            }
        }
        self.out.extend_from_slice(b")] Still at it\r\n");
        self.flush();
        self.keep_open(pending);
    }
}

impl Pending {
    /// The command that waits, if it is one that may take its time.
    fn tag(&self) -> Option<&Tag> {
        match self {
            Self::Search(searching) => Some(searching.tag()),
            Self::Sort(sorting) => Some(sorting.tag()),
            Self::Thread(threading) => Some(threading.tag()),
            Self::MultiSearch(searching) => Some(searching.tag()),
            _ => None,
        }
    }
}
