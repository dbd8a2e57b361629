//! What is to be found in the mailbox that is open.

use posthouse_imap::{Answer, SearchNeed};
use posthouse_mailbox::{Mailbox, Rows};
use posthouse_model::search::Query;
use posthouse_model::sort::{SortCriterion, ThreadAlgorithm};
use posthouse_model::{ModSeq, Uid, UidSet};

use super::selected::FLAGS_AT_ONCE;
use super::{Answered, ImapDesk};

impl ImapDesk {
    pub(super) async fn search(&self, query: &Query, need: SearchNeed, modseq: bool) -> Answered {
        let mailbox = self.open_mailbox()?;
        let found = mailbox.search(query, self.now()).await.map_err(|error| self.refuse(&error))?;
        let uids = match need {
            SearchNeed::All => found,
            SearchNeed::Ends { min, max } => ends(found.first(), found.last(), min, max).collect(),
        };
        let highest_modseq = if modseq { highest_modseq(mailbox, &uids) } else { None };
        Ok(Answer::Found { uids, highest_modseq })
    }

    pub(super) async fn sort(
        &self,
        query: &Query,
        criteria: &[SortCriterion],
        need: SearchNeed,
        modseq: bool,
    ) -> Answered {
        let mailbox = self.open_mailbox()?;
        let found = mailbox.search(query, self.now()).await.map_err(|error| self.refuse(&error))?;
        let sorted = mailbox.sort(&found, criteria).await.map_err(|error| self.refuse(&error))?;
        let mut uids: Vec<Uid> = match need {
            SearchNeed::All => sorted,
            SearchNeed::Ends { min, max } => ends(sorted.first().copied(), sorted.last().copied(), min, max).collect(),
        };
        uids.dedup();
        let highest_modseq = if modseq {
            let mut rising = uids.clone();
            rising.sort_unstable();
            highest_modseq(mailbox, &rising.into_iter().collect())
        } else {
            None
        };
        Ok(Answer::Sorted { uids, highest_modseq })
    }

    pub(super) async fn thread(&self, query: &Query, algorithm: ThreadAlgorithm) -> Answered {
        let mailbox = self.open_mailbox()?;
        let found = mailbox.search(query, self.now()).await.map_err(|error| self.refuse(&error))?;
        let threads = mailbox.thread(&found, algorithm).await;
        threads.map(Answer::Threaded).map_err(|error| self.refuse(&error))
    }
}

/// The first and the last of what was found, as far as they are wanted.
fn ends(first: Option<Uid>, last: Option<Uid>, min: bool, max: bool) -> impl Iterator<Item = Uid> {
    first.filter(|_| min).into_iter().chain(last.filter(|_| max))
}

fn highest_modseq(mailbox: &Mailbox, uids: &UidSet) -> Option<ModSeq> {
    let mut highest = None;
    let mut rows = Rows::new(uids.clone(), None);
    loop {
        let batch = mailbox.next_rows(&mut rows, FLAGS_AT_ONCE);
        if batch.is_empty() {
            return highest;
        }
        highest = highest.max(batch.iter().map(|record| record.modseq).max());
    }
}
