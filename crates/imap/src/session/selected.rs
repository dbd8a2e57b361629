//! The open mailbox, as far as the client has been told of it.

use posthouse_model::search::Query;
use posthouse_model::{Keyword, MailboxId, MailboxName, ModSeq, Rights, Uid, UidSet, UidValidity};

use crate::extensions::context::Context;
use crate::question::SearchNeed;
use crate::view::SequenceView;

/// The open mailbox.
#[derive(Debug)]
pub(crate) struct SelectedMailbox {
    /// Which mailbox it is.
    pub(crate) id: MailboxId,
    /// Its name when it was opened.
    pub(crate) name: MailboxName,
    pub(crate) uid_validity: UidValidity,
    /// Which message has which number.
    pub(crate) view: SequenceView,
    /// Opened by EXAMINE, or not writable.
    pub(crate) read_only: bool,
    /// What the user may do, as the client has been told.
    pub(crate) rights: Rights,
    /// Everything up to here is in `view`, `vanished` or has been told.
    pub(crate) known_modseq: ModSeq,
    /// Messages that are gone but still have numbers, because the client could not be told yet.
    pub(crate) vanished: UidSet,
    /// The client has to think that it knows no more than this, since `vanished` has not been told.
    pub(crate) held_back: Option<ModSeq>,
    /// What `$` stands for (RFC 5182 §2.1).
    pub(crate) saved: UidSet,
    /// Keywords that the client has been told of.
    pub(crate) keywords: Vec<Keyword>,
    /// Flags that this command has told already, rising by UID, each with the modification sequence that they had.
    pub(crate) told: Vec<(Uid, ModSeq)>,
    /// Results that the client is told the changes of (RFC 5267 §4.3).
    pub(crate) contexts: Vec<Context>,
    /// What came or changed, and is not yet looked at for `contexts`; empty while there are none.
    pub(crate) unsettled: UidSet,
}

impl SelectedMailbox {
    /// What `query` finds among the messages that the client knows.
    pub(crate) fn known_only(&self, query: Query) -> Query {
        let known = self.view.uids().difference(&self.vanished);
        Query::And(vec![Query::Uids(known), query])
    }

    /// Likewise, where it makes a difference to look there only: a result is otherwise reduced to what the client
    /// knows when it is told, but the first, the last and the highest modification sequence of a longer one are not
    /// those of the shorter.
    pub(crate) fn as_known(&self, query: Query, need: SearchNeed, modseq: bool) -> Query {
        if need == SearchNeed::All && !modseq { query } else { self.known_only(query) }
    }

    /// Whether the client knows the flags that `uid` has had since `modseq`.
    pub(crate) fn was_told(&self, uid: Uid, modseq: ModSeq) -> bool {
        self.told.binary_search_by_key(&uid, |(told, _)| *told).is_ok_and(|at| self.told[at].1 >= modseq)
    }

    /// Remembers that the client has been told. UIDs come rising within a command.
    pub(crate) fn tell(&mut self, uid: Uid, modseq: ModSeq) {
        match self.told.last() {
            Some((last, _)) if *last >= uid => {
                if let Ok(at) = self.told.binary_search_by_key(&uid, |(told, _)| *told) {
                    self.told[at].1 = modseq;
                }
            }
            _ => self.told.push((uid, modseq)),
        }
    }
}
