//! Finding messages.
//!
//! A query is judged with what is known, cheapest first: the record in memory, then what was stored at delivery, then
//! the header, then the body. Each step leaves the next only the messages that are still undecided.

mod text;

use posthouse_mime::Structure;
use posthouse_model::search::Query;
use posthouse_model::{ThreadId, UidSet, UnixDay, UnixMillis};
use posthouse_storage::{MessageRecord, Named, ParsedMessage, StorageError};

use crate::content::decode;
use crate::conversation::thread_of;
use crate::fetch::{BatchBound, Rows};
use crate::{Mailbox, MailboxError};

/// Messages judged at once.
const SEARCH_BATCH: BatchBound = BatchBound { messages: 256, size_bytes: u64::MAX };
const SECONDS_PER_DAY: i64 = 86_400;

/// What is known of a message so far.
struct Known<'a> {
    record: &'a MessageRecord,
    now: UnixMillis,
    parsed: Option<(&'a ParsedMessage, &'a Structure)>,
    header: Option<&'a [u8]>,
    whole: Option<&'a [u8]>,
}

impl Mailbox {
    /// The messages that meet `query`.
    ///
    /// # Errors
    /// When the store cannot be read or is damaged.
    pub async fn search(&self, query: &Query, now: UnixMillis) -> Result<UidSet, MailboxError> {
        let mut found = UidSet::new();
        let mut rows = Rows::new(candidates(query), None);
        loop {
            let batch = self.next_rows(&mut rows, SEARCH_BATCH);
            if batch.is_empty() {
                return Ok(found);
            }
            let mut undecided = Vec::new();
            for record in batch {
                match judge(query, &Known { record: &record, now, parsed: None, header: None, whole: None }) {
                    Some(true) => found.insert(record.uid),
                    Some(false) => {}
                    None => undecided.push(record),
                }
            }
            if !undecided.is_empty() {
                self.look_closer(query, now, &undecided, &mut found).await?;
            }
        }
    }

    async fn look_closer(
        &self,
        query: &Query,
        now: UnixMillis,
        records: &[MessageRecord],
        found: &mut UidSet,
    ) -> Result<(), MailboxError> {
        for (record, parsed) in self.parsed_of(records).await? {
            match self.judge_closely(query, now, record, &parsed).await {
                Ok(true) => found.insert(record.uid),
                Ok(false) => {}
                Err(error) if is_body_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What is stored beside `records`. Messages that others expunge meanwhile are left out.
    async fn parsed_of<'a>(
        &self,
        records: &'a [MessageRecord],
    ) -> Result<Vec<(&'a MessageRecord, ParsedMessage)>, MailboxError> {
        let keys: Vec<_> = records.iter().map(|record| record.body).collect();
        match self.store.parsed(&keys).await {
            Ok(parsed) => Ok(records.iter().zip(parsed).collect()),
            Err(StorageError::NotFound(Named::Body)) => {
                let mut left = Vec::with_capacity(records.len());
                for record in records {
                    match self.store.parsed(&[record.body]).await {
                        Ok(parsed) => left.extend(parsed.into_iter().map(|parsed| (record, parsed))),
                        Err(StorageError::NotFound(Named::Body)) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok(left)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads of one message what it takes to decide.
    async fn judge_closely(
        &self,
        query: &Query,
        now: UnixMillis,
        record: &MessageRecord,
        parsed: &ParsedMessage,
    ) -> Result<bool, MailboxError> {
        let structure = decode(parsed)?;
        let mut known = Known { record, now, parsed: Some((parsed, &structure)), header: None, whole: None };
        if let Some(verdict) = judge(query, &known) {
            return Ok(verdict);
        }
        let header = self.read_octets(record, 0..structure.root().header.end).await?;
        known.header = Some(&header);
        if let Some(verdict) = judge(query, &known) {
            return Ok(verdict);
        }
        let whole = self.read_octets(record, 0..record.size_bytes).await?;
        known.whole = Some(&whole);
        Ok(judge(query, &known).unwrap_or(false))
    }
}

/// Whether the message went while it was being looked at.
fn is_body_gone(error: &MailboxError) -> bool {
    matches!(error, MailboxError::Storage(StorageError::NotFound(Named::Body)))
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
        Query::SentBefore(day) => sent_day(known).map(|sent| sent < *day),
        Query::SentOn(day) => sent_day(known).map(|sent| sent == *day),
        Query::SentSince(day) => sent_day(known).map(|sent| sent >= *day),
        Query::ModSeq(modseq) => Some(record.modseq >= *modseq),
        Query::EmailId(id) => Some(record.message == *id),
        Query::ThreadId(id) => Some(thread(known)? == *id),
        Query::SavedBefore(day) => Some(day_of(record.saved_at.seconds()) < *day),
        Query::SavedOn(day) => Some(day_of(record.saved_at.seconds()) == *day),
        Query::SavedSince(day) => Some(day_of(record.saved_at.seconds()) >= *day),
        Query::Header(name, needle) => text::header_has(name, needle, known.parsed?.1, known.header),
        Query::Body(needle) => Some(text::body_has(needle, known.parsed?.1, known.whole?)),
        Query::Text(needle) => match text::any_header_has(needle, known.parsed?.1, known.header?) {
            true => Some(true),
            false => Some(text::body_has(needle, known.parsed?.1, known.whole?)),
        },
    }
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

/// The conversation as it was stored, or else from the header.
fn thread(known: &Known<'_>) -> Option<ThreadId> {
    let (parsed, structure) = known.parsed?;
    parsed.thread.or_else(|| Some(thread_of(structure, known.header?)))
}

/// The day of the `Date` field, and of INTERNALDATE where that cannot be read (RFC 5256 §2.2).
fn sent_day(known: &Known<'_>) -> Option<UnixDay> {
    let (parsed, _) = known.parsed?;
    Some(day_of(parsed.sent_local_seconds.unwrap_or_else(|| known.record.internal_date.seconds())))
}
