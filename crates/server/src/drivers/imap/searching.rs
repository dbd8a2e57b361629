//! What is to be found in a mailbox.

use posthouse_imap::{Answer, ImapSession, Question, Refusal, SearchNeed};
use posthouse_mailbox::{Mailbox, Progress, Rows};
use posthouse_model::search::Query;
use posthouse_model::session::QuestionId;
use posthouse_model::sort::{SortCriterion, ThreadAlgorithm};
use posthouse_model::{ModSeq, Uid, UidSet};
use tokio::time::{Instant, sleep_until};

use super::selected::FLAGS_AT_ONCE;
use super::{Answered, ImapDesk};
use crate::drivers::connection::{Channel, Ending};

/// Whether it is asked for a search in several mailboxes, one of a series for each of them.
pub(super) fn is_of_several(question: &Question) -> bool {
    matches!(question, Question::SearchOpen { .. } | Question::SearchOpened { .. })
}

impl ImapDesk {
    /// Answers a search, and from time to time before how far it is. Those in several mailboxes are timed as one, because
    /// many that are soon done take long together.
    pub(super) async fn search_and_tell(
        &mut self,
        id: QuestionId,
        question: Question,
        channel: &mut Channel<ImapSession>,
    ) -> Result<Answered, Ending> {
        let progress = Progress::default();
        let searched = self.searched.take();
        let every = self.listener.config.limits.progress_interval;
        let is_of_several = is_of_several(&question);
        let mut due = self.progress_due.unwrap_or_else(|| Instant::now() + every);
        let mut opened = None;
        let mut work = Box::pin(self.find(question, searched.as_deref(), &mut opened, &progress));
        let answered = loop {
            tokio::select! {
                biased;
                () = sleep_until(due) => {
                    let told = Answer::Progress { done: progress.done(), goal: progress.goal() };
                    channel.answer_part(id, told).await?;
                    // It is less than is worth a write, but the client waits for it.
                    channel.flush().await?;
                    due = Instant::now() + every;
                }
                answered = &mut work => break answered,
            }
        };
        drop(work);
        self.searched = opened;
        self.progress_due = is_of_several.then_some(due);
        Ok(answered)
    }

    async fn find(
        &self,
        question: Question,
        searched: Option<&Mailbox>,
        opened: &mut Option<Box<Mailbox>>,
        progress: &Progress,
    ) -> Answered {
        match question {
            Question::SearchOpen { mailbox } => {
                let mailbox = self.mailboxes().open(self.permit()?, &mailbox, true).await;
                let mailbox = opened.insert(Box::new(mailbox.map_err(|error| self.refuse(&error))?));
                let (uid_validity, uids) = (mailbox.uid_validity(), mailbox.snapshot().uids);
                Ok(Answer::SearchOpened { uid_validity, uids })
            }
            Question::Search { query, need, modseq } => {
                self.search(self.open_mailbox()?, &query, need, modseq, progress).await
            }
            Question::SearchOpened { query, need, modseq } => {
                self.search(searched.ok_or(Refusal::ServerBug)?, &query, need, modseq, progress).await
            }
            Question::Sort { query, criteria, need, modseq } => {
                self.sort(&query, &criteria, need, modseq, progress).await
            }
            Question::Thread { query, algorithm } => self.thread(&query, algorithm, progress).await,
            _ => Err(Refusal::ServerBug),
        }
    }

    async fn search(
        &self,
        mailbox: &Mailbox,
        query: &Query,
        need: SearchNeed,
        modseq: bool,
        progress: &Progress,
    ) -> Answered {
        let found = mailbox.search_and_count(query, self.now(), progress).await.map_err(|error| self.refuse(&error))?;
        let uids = match need {
            SearchNeed::All => found,
            SearchNeed::Ends { min, max } => ends(found.first(), found.last(), min, max).collect(),
        };
        let highest_modseq = if modseq { highest_modseq(mailbox, &uids) } else { None };
        Ok(Answer::Found { uids, highest_modseq })
    }

    async fn sort(
        &self,
        query: &Query,
        criteria: &[SortCriterion],
        need: SearchNeed,
        modseq: bool,
        progress: &Progress,
    ) -> Answered {
        let mailbox = self.open_mailbox()?;
        let found = mailbox.search_and_count(query, self.now(), progress).await.map_err(|error| self.refuse(&error))?;
        let sorted = mailbox.sort(&found, criteria, progress).await.map_err(|error| self.refuse(&error))?;
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

    async fn thread(&self, query: &Query, algorithm: ThreadAlgorithm, progress: &Progress) -> Answered {
        let mailbox = self.open_mailbox()?;
        let found = mailbox.search_and_count(query, self.now(), progress).await.map_err(|error| self.refuse(&error))?;
        let threads = mailbox.thread(&found, algorithm, progress).await;
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
