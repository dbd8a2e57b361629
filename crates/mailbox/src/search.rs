//! Finding messages.
//!
//! A query is judged with what is known, cheapest first: the record in memory, then what the index of words says, then
//! what was stored at delivery, then the header, then the text of the body. Each step leaves the next only the
//! messages that are still undecided. The index is never believed about a message that it does not know: such a one
//! is read, so that a message is found by the next command after it came.

mod closer;
mod fold;
mod indexer;
mod needle;
mod reading;
mod room;
mod sent_days;
mod terms;
mod text;

use std::sync::Arc;

use posthouse_model::search::Query;
use posthouse_model::{ThreadId, Uid, UidSet, UnixDay, UnixMillis};
use posthouse_storage::{BodyKey, MessageRecord, TermMatch};

pub use indexer::{IndexWhen, Indexer, IndexerOptions};
use room::LateWish;
pub(crate) use room::SearchRoom;
pub(crate) use sent_days::SentDays;

use crate::fetch::{BatchBound, Rows};
use crate::{Mailbox, MailboxError, Progress};
use closer::{Closer, Group, Sought};
use terms::TERMS_VERSION;
use text::{Scope, TextKeys};

/// Messages judged at once with what is in memory.
const SEARCH_BATCH: BatchBound = BatchBound { messages: 256, size_bytes: u64::MAX };
/// Messages whose day of sending is asked for at once.
const DAYS_ASKED: usize = 2048;
/// So few messages are read without asking the index.
const TOO_FEW_TO_ASK: usize = 2;
const SECONDS_PER_DAY: i64 = 86_400;

/// What is known of a message so far.
struct Known<'a> {
    record: &'a MessageRecord,
    now: UnixMillis,
    sent: Option<UnixDay>,
    thread: Option<ThreadId>,
    keys: &'a TextKeys,
    facts: &'a [Option<bool>],
}

impl Sought {
    /// Judges a message with what is in memory and what the index says.
    fn judge_record(&self, record: &MessageRecord, sent: Option<UnixDay>, facts: &[Option<bool>]) -> Option<bool> {
        judge(&self.query, &Known { record, now: self.now, sent, thread: None, keys: &self.keys, facts })
    }
}

impl Mailbox {
    /// The messages that meet `query`.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub async fn search(&self, query: &Query, now: UnixMillis) -> Result<UidSet, MailboxError> {
        self.search_and_count(query, now, &Progress::default()).await
    }

    /// Likewise, and counts the messages that it has to look at more closely.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn search_and_count(
        &self,
        query: &Query,
        now: UnixMillis,
        progress: &Progress,
    ) -> Result<UidSet, MailboxError> {
        self.rights().await?;
        let keys = Arc::new(TextKeys::of(query));
        let asks_for_thread = asks_for(query, &|one| matches!(one, Query::ThreadId(_)));
        let asks_for_sent = asks_for(query, &is_about_sent);
        let asks_beside_texts = asks_for_sent || asks_for_thread;
        let sought = Arc::new(Sought { query: query.clone(), now, keys, asks_for_thread, asks_beside_texts });
        let mut found = UidSet::new();
        let mut undecided = self.judge_records(&sought, &mut found);
        progress.begin(undecided.len() as u64);
        if asks_for_sent {
            self.learn_sent_days(&undecided).await?;
        }
        let (matched, _wish) = self.ask_index(&sought.keys, &undecided).await?;
        let mut matched = matched.into_iter();
        let mut rest = undecided.drain(..);
        let next_group = || {
            let mut group = Group::default();
            let sight = self.sight();
            let days = self.followed.sent_days.read();
            for (uid, _) in rest.by_ref() {
                progress.add(1);
                let facts = sought.keys.facts(matched.next().unwrap_or(TermMatch::Unindexed));
                let Some(record) = sight.state.records.get(uid).map(|record| sight.record(record)) else { continue };
                match sought.judge_record(&record, days.of(uid), &facts) {
                    Some(true) => found.insert(uid),
                    Some(false) => {}
                    None => group.push(&sought, Closer { record, facts }),
                }
                if group.is_full() {
                    break;
                }
            }
            (!group.is_empty()).then_some(group)
        };
        let met = self.look_closer(&sought, next_group).await?;
        met.into_iter().for_each(|uid| found.insert(uid));
        Ok(found)
    }

    /// Judges every message with what is in memory, and returns those that need more.
    fn judge_records(&self, sought: &Sought, found: &mut UidSet) -> Vec<(Uid, BodyKey)> {
        let nothing = sought.keys.facts(TermMatch::Unindexed);
        let mut undecided = Vec::new();
        let mut rows = Rows::new(candidates(&sought.query), None);
        loop {
            let batch = self.next_rows(&mut rows, SEARCH_BATCH);
            if batch.is_empty() {
                return undecided;
            }
            let days = self.followed.sent_days.read();
            for record in batch {
                match sought.judge_record(&record, days.of(record.uid), &nothing) {
                    Some(true) => found.insert(record.uid),
                    Some(false) => {}
                    None => undecided.push((record.uid, record.body)),
                }
            }
        }
    }

    /// Has the days of `Date` fields in memory, so that they are asked for once.
    async fn learn_sent_days(&self, messages: &[(Uid, BodyKey)]) -> Result<(), MailboxError> {
        for some in messages.chunks(DAYS_ASKED) {
            let bodies: Vec<_> = some.iter().map(|(_, body)| *body).collect();
            let sent = self.store.sent(&bodies).await?;
            let sight = self.sight();
            let mut days = self.followed.sent_days.write();
            for ((uid, _), sent) in some.iter().zip(sent) {
                if let Some(record) = sight.state.records.get(*uid) {
                    days.learn(*uid, sent_day(sent, record));
                }
            }
        }
        Ok(())
    }

    /// What the index says of each message, and the wish that it knew them all, if it does not.
    async fn ask_index(
        &self,
        keys: &TextKeys,
        undecided: &[(Uid, BodyKey)],
    ) -> Result<(Vec<TermMatch>, Option<LateWish<'_>>), MailboxError> {
        if keys.queries().is_empty() || undecided.len() <= TOO_FEW_TO_ASK {
            return Ok((vec![TermMatch::Unindexed; undecided.len()], None));
        }
        let account = self.owner();
        let bodies = undecided.iter().map(|(_, body)| *body).collect();
        let matched = self.store.match_terms(account, TERMS_VERSION, bodies, keys.queries().to_vec()).await?;
        let wish = matched.contains(&TermMatch::Unindexed).then(|| self.room().wish_afterwards(account));
        Ok((matched, wish))
    }
}

/// A set that has every message that can meet `query`, so that the others need not be looked at.
fn candidates(query: &Query) -> UidSet {
    match query {
        Query::Uids(uids) => uids.clone(),
        Query::And(all) => all.iter().fold(UidSet::all(), |set, one| set.intersection(&candidates(one))),
        _ => UidSet::all(),
    }
}

/// Whether the message meets the query; `None` if more must be known to tell.
fn judge(query: &Query, known: &Known<'_>) -> Option<bool> {
    let record = known.record;
    match query {
        Query::All => Some(true),
        Query::And(all) => every(all.iter().map(|one| judge(one, known))),
        Query::Or(any) => every(any.iter().map(|one| judge(one, known).map(|met| !met))).map(|none| !none),
        Query::Not(one) => judge(one, known).map(|met| !met),
        Query::Uids(uids) => Some(uids.contains(record.uid)),
        Query::Flag(flag) => Some(record.flags.has(*flag)),
        Query::Keyword(keyword) => Some(record.flags.has_keyword(keyword)),
        Query::Larger(size) => Some(record.size_bytes > *size),
        Query::Smaller(size) => Some(record.size_bytes < *size),
        Query::ReceivedBefore(day) => Some(day_of(record.internal_date.seconds()) < *day),
        Query::ReceivedOn(day) => Some(day_of(record.internal_date.seconds()) == *day),
        Query::ReceivedSince(day) => Some(day_of(record.internal_date.seconds()) >= *day),
        Query::Younger(seconds) => Some(age_seconds(known) <= i64::from(*seconds)),
        Query::Older(seconds) => Some(age_seconds(known) >= i64::from(*seconds)),
        Query::SentBefore(day) => known.sent.map(|sent| sent < *day),
        Query::SentOn(day) => known.sent.map(|sent| sent == *day),
        Query::SentSince(day) => known.sent.map(|sent| sent >= *day),
        Query::ModSeq(modseq) => Some(record.modseq >= *modseq),
        Query::EmailId(id) => Some(record.message == *id),
        Query::ThreadId(id) => Some(known.thread? == *id),
        Query::SavedBefore(day) => Some(day_of(record.saved_at.seconds()) < *day),
        Query::SavedOn(day) => Some(day_of(record.saved_at.seconds()) == *day),
        Query::SavedSince(day) => Some(day_of(record.saved_at.seconds()) >= *day),
        Query::Header(name, needle) => fact(known, Scope::Field(name), needle),
        Query::Body(needle) => fact(known, Scope::Body, needle),
        Query::Text(needle) => {
            let places = [Scope::Header, Scope::Body].map(|scope| fact(known, scope, needle));
            every(places.into_iter().map(|has| has.map(|has| !has))).map(|none| !none)
        }
    }
}

/// Whether some part of a query is of a kind.
fn asks_for(query: &Query, kind: &impl Fn(&Query) -> bool) -> bool {
    match query {
        Query::And(all) | Query::Or(all) => all.iter().any(|one| asks_for(one, kind)),
        Query::Not(one) => asks_for(one, kind),
        one => kind(one),
    }
}

fn is_about_sent(query: &Query) -> bool {
    matches!(query, Query::SentBefore(_) | Query::SentOn(_) | Query::SentSince(_))
}

/// Whether the message has a text of the query.
fn fact(known: &Known<'_>, scope: Scope<&str>, needle: &str) -> Option<bool> {
    known.facts.get(known.keys.number(scope, needle)?).copied().flatten()
}

/// Whether all are true, in the logic of things that may be unknown: one false is enough.
fn every(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(true);
    for verdict in verdicts {
        match verdict {
            Some(false) => return Some(false),
            None => all = None,
            Some(true) => {}
        }
    }
    all
}

/// Days are those of UTC, the zone in which INTERNALDATE is given out.
fn day_of(seconds: i64) -> UnixDay {
    UnixDay(i32::try_from(seconds.div_euclid(SECONDS_PER_DAY)).unwrap_or(i32::MAX))
}

fn age_seconds(known: &Known<'_>) -> i64 {
    known.now.seconds() - known.record.internal_date.seconds()
}

/// The day of the `Date` field, and of INTERNALDATE where that cannot be read (RFC 5256 §2.2).
fn sent_day(sent_local_seconds: Option<i64>, record: &MessageRecord) -> UnixDay {
    day_of(sent_local_seconds.unwrap_or_else(|| record.internal_date.seconds()))
}
