//! Finding messages.
//!
//! A query is judged with what is known, cheapest first: the record in memory, then what the index of words says, then
//! what was stored at delivery, then the header, then the text of the body. Each step leaves the next only the
//! messages that are still undecided. The index is never believed about a message that it does not know: such a one
//! is read, so that a message is found by the next command after it came.

mod fold;
mod indexer;
mod reading;
mod room;
mod terms;
mod text;

use std::sync::Arc;

use posthouse_mime::Structure;
use posthouse_model::search::Query;
use posthouse_model::{ThreadId, Uid, UidSet, UnixDay, UnixMillis};
use posthouse_storage::{BodyKey, BodySlice, MessageRecord, Named, ParsedMessage, StorageError, TermMatch};

pub use indexer::{IndexWhen, Indexer, IndexerOptions};
pub(crate) use room::SearchRoom;

use crate::content::decode;
use crate::conversation::thread_of;
use crate::fetch::{BatchBound, Rows};
use crate::{Mailbox, MailboxError, Progress};
use reading::{SMALL_MESSAGE_BYTES, on_a_thread, read_body, read_header, read_large_body, read_slices};
use terms::TERMS_VERSION;
use text::{Facts, Scope, Search, TextKeys};

/// Messages judged at once with what is in memory.
const SEARCH_BATCH: BatchBound = BatchBound { messages: 256, size_bytes: u64::MAX };
/// Messages looked at more closely at once.
const CLOSER_MESSAGES: usize = 64;
/// Octets of bodies that are read at once.
const BODIES_READ_BYTES: u64 = 2 * 1024 * 1024;
/// So few messages are read without asking the index.
const TOO_FEW_TO_ASK: usize = 2;
const SECONDS_PER_DAY: i64 = 86_400;

/// What is known of a message so far.
struct Known<'a> {
    record: &'a MessageRecord,
    now: UnixMillis,
    parsed: Option<&'a ParsedMessage>,
    /// The conversation, if it was found in the header.
    thread: Option<ThreadId>,
    keys: &'a TextKeys,
    facts: &'a [Option<bool>],
}

/// A message that is being looked at more closely.
struct Closer {
    record: MessageRecord,
    facts: Facts,
    parsed: ParsedMessage,
    thread: Option<ThreadId>,
    structure: Arc<Structure>,
}

/// A search under way.
struct Searching<'a> {
    query: &'a Query,
    now: UnixMillis,
    keys: Arc<TextKeys>,
    asks_for_thread: bool,
    found: UidSet,
}

impl Searching<'_> {
    /// Judges a message with what is in memory and what the index says.
    fn judge(&self, record: &MessageRecord, facts: &[Option<bool>]) -> Option<bool> {
        let known = Known { record, now: self.now, parsed: None, thread: None, keys: &self.keys, facts };
        judge(self.query, &known)
    }

    fn judge_closer(&self, closer: &Closer) -> Option<bool> {
        let Closer { record, facts, parsed, thread, .. } = closer;
        let (parsed, thread) = (Some(parsed), *thread);
        judge(self.query, &Known { record, now: self.now, parsed, thread, keys: &self.keys, facts })
    }

    /// Whether the header has to be read.
    fn lacks_header(&self, closer: &Closer) -> bool {
        self.keys.lacks_header(&closer.facts) || (self.asks_for_thread && closer.parsed.thread.is_none())
    }

    /// Takes out of `closer` what is decided.
    fn settle(&mut self, closer: &mut Vec<Closer>) {
        let mut met = Vec::new();
        closer.retain(|one| match self.judge_closer(one) {
            None => true,
            verdict => {
                met.extend((verdict == Some(true)).then_some(one.record.uid));
                false
            }
        });
        met.into_iter().for_each(|uid| self.found.insert(uid));
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
        let asks_for_thread = asks_for_thread(query);
        let mut searching = Searching { query, now, keys, asks_for_thread, found: UidSet::new() };
        let undecided = self.judge_records(&mut searching);
        let matched = self.ask_index(&searching.keys, &undecided).await?;
        let mut closer = Vec::new();
        progress.begin(undecided.len() as u64);
        for ((uid, _), matched) in undecided.into_iter().zip(matched) {
            progress.add(1);
            let Some(record) = self.record(uid) else { continue };
            let facts = searching.keys.facts(matched);
            match searching.judge(&record, &facts) {
                Some(true) => searching.found.insert(uid),
                Some(false) => {}
                None => closer.push((record, facts)),
            }
            if closer.len() >= CLOSER_MESSAGES {
                self.look_closer(&mut searching, std::mem::take(&mut closer)).await?;
            }
        }
        self.look_closer(&mut searching, closer).await?;
        Ok(searching.found)
    }

    /// Judges every message with what is in memory, and returns those that need more.
    fn judge_records(&self, searching: &mut Searching<'_>) -> Vec<(Uid, BodyKey)> {
        let nothing = searching.keys.facts(TermMatch::Unindexed);
        let mut undecided = Vec::new();
        let mut rows = Rows::new(candidates(searching.query), None);
        loop {
            let batch = self.next_rows(&mut rows, SEARCH_BATCH);
            if batch.is_empty() {
                return undecided;
            }
            for record in batch {
                match searching.judge(&record, &nothing) {
                    Some(true) => searching.found.insert(record.uid),
                    Some(false) => {}
                    None => undecided.push((record.uid, record.body)),
                }
            }
        }
    }

    async fn ask_index(&self, keys: &TextKeys, undecided: &[(Uid, BodyKey)]) -> Result<Vec<TermMatch>, MailboxError> {
        if keys.queries().is_empty() || undecided.len() <= TOO_FEW_TO_ASK {
            return Ok(vec![TermMatch::Unindexed; undecided.len()]);
        }
        let account = self.owner();
        let bodies = undecided.iter().map(|(_, body)| *body).collect();
        let matched = self.store.match_terms(account, TERMS_VERSION, bodies, keys.queries().to_vec()).await?;
        if matched.contains(&TermMatch::Unindexed) {
            self.room().wish(account);
        }
        Ok(matched)
    }

    /// Reads of messages what it takes to decide.
    async fn look_closer(
        &self,
        searching: &mut Searching<'_>,
        records: Vec<(MessageRecord, Facts)>,
    ) -> Result<(), MailboxError> {
        let mut closer = self.parsed_of(searching, records).await?;
        searching.settle(&mut closer);
        self.look_into_headers(searching, &mut closer).await?;
        searching.settle(&mut closer);
        let (small, large): (Vec<_>, Vec<_>) =
            closer.into_iter().partition(|one| one.record.size_bytes <= SMALL_MESSAGE_BYTES);
        self.look_into_small(searching, small).await?;
        for one in large {
            self.look_into_large(searching, one).await?;
        }
        Ok(())
    }

    /// Adds what was worked out about messages at delivery. Those that others expunge meanwhile are left out.
    async fn parsed_of(
        &self,
        searching: &Searching<'_>,
        records: Vec<(MessageRecord, Facts)>,
    ) -> Result<Vec<Closer>, MailboxError> {
        let keys: Vec<_> = records.iter().map(|(record, _)| record.body).collect();
        let parsed: Vec<_> = match self.store.parsed(&keys).await {
            Ok(parsed) => parsed.into_iter().map(Some).collect(),
            Err(StorageError::NotFound(Named::Body)) => {
                let mut left = Vec::with_capacity(keys.len());
                for key in keys {
                    left.push(match self.store.parsed(&[key]).await {
                        Ok(parsed) => parsed.into_iter().next(),
                        Err(StorageError::NotFound(Named::Body)) => None,
                        Err(error) => return Err(error.into()),
                    });
                }
                left
            }
            Err(error) => return Err(error.into()),
        };
        let mut closer = Vec::with_capacity(records.len());
        for ((record, mut facts), parsed) in records.into_iter().zip(parsed) {
            let Some(parsed) = parsed else { continue };
            let structure = Arc::new(decode(&parsed)?);
            searching.keys.add_structure(&structure, &mut facts);
            closer.push(Closer { record, facts, parsed, thread: None, structure });
        }
        Ok(closer)
    }

    /// Reads headers, of those of which it may decide something.
    async fn look_into_headers(&self, searching: &Searching<'_>, closer: &mut Vec<Closer>) -> Result<(), MailboxError> {
        let all = std::mem::take(closer);
        let (lacking, mut rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| searching.lacks_header(one));
        let header = |one: &Closer| one.structure.root().header.end;
        for group in groups(lacking, header) {
            rest.extend(self.search_octets(searching, group, true, header).await?);
        }
        *closer = rest;
        Ok(())
    }

    async fn look_into_small(&self, searching: &mut Searching<'_>, small: Vec<Closer>) -> Result<(), MailboxError> {
        let whole = |one: &Closer| one.record.size_bytes;
        for group in groups(small, whole) {
            let mut read = self.search_octets(searching, group, false, whole).await?;
            searching.settle(&mut read);
        }
        Ok(())
    }

    /// Reads the first octets of messages and searches them. Messages that are gone are left out.
    async fn search_octets(
        &self,
        searching: &Searching<'_>,
        group: Vec<Closer>,
        in_header: bool,
        length: impl Fn(&Closer) -> u64,
    ) -> Result<Vec<Closer>, MailboxError> {
        let slices = group.iter().map(|one| BodySlice { body: one.record.body, range: 0..length(one) }).collect();
        let octets = read_slices(&self.store, slices).await?;
        let keys = Arc::clone(&searching.keys);
        let searched = on_a_thread(move || {
            let there = group.into_iter().zip(octets).filter_map(|(one, octets)| Some((one, octets?)));
            let search = |(mut one, octets): (Closer, bytes::Bytes)| {
                let mut search = Search::new(&keys, std::mem::take(&mut one.facts), in_header);
                match in_header {
                    true => read_header(&one.structure, &octets, &mut search),
                    false => read_body(&one.structure, &octets, &mut search),
                }
                one.facts = search.finish();
                if in_header && one.parsed.thread.is_none() {
                    one.thread = Some(thread_of(&one.structure, &octets));
                }
                one
            };
            there.map(search).collect()
        });
        Ok(searched.await?)
    }

    async fn look_into_large(&self, searching: &mut Searching<'_>, mut one: Closer) -> Result<(), MailboxError> {
        let search = Search::new(&searching.keys, std::mem::take(&mut one.facts), false);
        let large_reads = self.room().large_reads();
        match read_large_body(&self.store, one.record.body, &one.structure, search, large_reads).await {
            Ok(search) => {
                one.facts = search.finish();
                searching.settle(&mut vec![one]);
                Ok(())
            }
            Err(StorageError::NotFound(Named::Body)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Messages in groups that are read at once.
fn groups(messages: Vec<Closer>, length: impl Fn(&Closer) -> u64) -> Vec<Vec<Closer>> {
    let mut groups: Vec<Vec<Closer>> = Vec::new();
    let mut size = u64::MAX;
    for message in messages {
        let more = length(&message);
        match groups.last_mut().filter(|_| size.saturating_add(more) <= BODIES_READ_BYTES) {
            Some(group) => {
                size += more;
                group.push(message);
            }
            None => {
                size = more;
                groups.push(vec![message]);
            }
        }
    }
    groups
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
        Query::Header(name, needle) => fact(known, &Scope::Field(name.clone()), needle),
        Query::Body(needle) => fact(known, &Scope::Body, needle),
        Query::Text(needle) => {
            let places = [Scope::Header, Scope::Body].map(|scope| fact(known, &scope, needle));
            every(places.into_iter().map(|has| has.map(|has| !has))).map(|none| !none)
        }
    }
}

fn asks_for_thread(query: &Query) -> bool {
    match query {
        Query::And(all) | Query::Or(all) => all.iter().any(asks_for_thread),
        Query::Not(one) => asks_for_thread(one),
        Query::ThreadId(_) => true,
        _ => false,
    }
}

/// Whether the message has a text of the query.
fn fact(known: &Known<'_>, scope: &Scope, needle: &str) -> Option<bool> {
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

/// The conversation as it was stored, or else from the header.
fn thread(known: &Known<'_>) -> Option<ThreadId> {
    known.parsed?.thread.or(known.thread)
}

/// The day of the `Date` field, and of INTERNALDATE where that cannot be read (RFC 5256 §2.2).
fn sent_day(known: &Known<'_>) -> Option<UnixDay> {
    Some(day_of(known.parsed?.sent_local_seconds.unwrap_or_else(|| known.record.internal_date.seconds())))
}
