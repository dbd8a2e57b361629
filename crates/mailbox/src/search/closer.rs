//! Looking into messages that the records and the index leave undecided.
//!
//! While one group is searched the next is read. Of a message only the header is read if that decides, and of a large
//! one only the parts that are text.

use std::sync::Arc;

use bytes::Bytes;
use posthouse_mime::{RawHeader, Structure, header_end};
use posthouse_model::search::Query;
use posthouse_model::{ThreadId, Uid, UnixMillis};
use posthouse_storage::{Beginning, BodyKey, BodySlice, Header, MessageRecord, Named, StorageError};

use super::reading::{SMALL_MESSAGE_BYTES, fields_of, on_a_thread, read_body, read_header, read_large_body};
use super::text::{Facts, Search, TextKeys};
use super::{Known, judge, sent_day};
use crate::content::decode_structure;
use crate::conversation::thread_of;
use crate::headers::{header_extent, message_extent};
use crate::{Mailbox, MailboxError};

/// Messages looked at more closely at once.
const GROUP_MESSAGES: usize = 512;
/// Octets of bodies that are read at once.
const GROUP_BYTES: u64 = 2 * 1024 * 1024;

/// What a search looks for.
pub(super) struct Sought {
    pub query: Query,
    pub now: UnixMillis,
    pub keys: Arc<TextKeys>,
    pub asks_for_thread: bool,
    /// Whether it asks for something of which texts tell nothing, and records neither.
    pub asks_beside_texts: bool,
}

/// A message that is looked at more closely, and what is known about it.
pub(super) struct Closer {
    pub record: MessageRecord,
    pub facts: Facts,
}

/// Messages that are looked at together.
#[derive(Default)]
pub(super) struct Group {
    messages: Vec<Closer>,
    /// Octets of those whose bodies are read.
    size_bytes: u64,
}

/// A message of which something was read: its beginning, or only its header, with nothing beside it.
struct Opened {
    record: MessageRecord,
    facts: Facts,
    /// The conversation, if it was found in the header.
    thread: Option<ThreadId>,
    beginning: Option<Beginning>,
    octets: Bytes,
}

/// What reading a group came to: those that meet the query, and those of which more has to be read.
#[derive(Default)]
struct Judged {
    met: Vec<Uid>,
    open: Vec<Opened>,
}

impl Opened {
    fn of_header(closer: Closer, octets: Bytes) -> Self {
        Self { record: closer.record, facts: closer.facts, thread: None, beginning: None, octets }
    }

    fn of_beginning(closer: Closer, mut beginning: Beginning) -> Self {
        let octets = std::mem::take(&mut beginning.octets);
        Self { beginning: Some(beginning), ..Self::of_header(closer, octets) }
    }

    /// The conversation as it was stored, or else from the header.
    fn thread(&self) -> Option<ThreadId> {
        self.beginning.as_ref().and_then(|beginning| beginning.thread).or(self.thread)
    }

    fn structure(&self) -> Result<Structure, MailboxError> {
        decode_structure(self.beginning.as_ref().map_or(&[], |beginning| &beginning.structure))
    }
}

impl Sought {
    fn judge(&self, one: &Opened) -> Option<bool> {
        let sent = one.beginning.as_ref().map(|beginning| sent_day(beginning.sent_local_seconds, &one.record));
        let (Opened { record, facts, .. }, thread) = (one, one.thread());
        judge(&self.query, &Known { record, now: self.now, sent, thread, keys: &self.keys, facts })
    }

    fn lacks_header(&self, one: &Opened) -> bool {
        (self.asks_for_thread && one.thread().is_none()) || self.keys.lacks_header(&one.facts)
    }

    /// Looks into a header.
    fn look_into_header<'a>(&self, one: &mut Opened, fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) {
        let mut search = Search::new(&self.keys, std::mem::take(&mut one.facts), true);
        read_header(fields, &mut search);
        one.facts = search.finish();
    }

    /// Looks into what was read of a message until it is decided or more has to be read.
    fn look(&self, one: &mut Opened) -> Result<Option<bool>, MailboxError> {
        let octets = one.octets.clone();
        let is_whole = octets.len() as u64 >= one.record.size_bytes;
        let header = match one.beginning {
            None if !octets.is_empty() => RawHeader::measured(&octets),
            _ => match RawHeader::of(&octets, is_whole) {
                Some(header) => header,
                None => return Ok(None),
            },
        };
        self.keys.add_fields(&header, &mut one.facts);
        let mut verdict = self.judge(one);
        if verdict.is_none() && self.lacks_header(one) {
            self.look_into_header(one, header.fields().map(|field| (field.name, field.value)));
            if self.asks_for_thread && one.thread().is_none() {
                one.thread = Some(thread_of(&one.structure()?, &octets));
            }
            verdict = self.judge(one);
        }
        if verdict.is_none() && is_whole && one.beginning.is_some() {
            let mut search = Search::new(&self.keys, std::mem::take(&mut one.facts), false);
            read_body(&one.structure()?, &octets, &mut search);
            one.facts = search.finish();
            verdict = self.judge(one);
        }
        Ok(verdict)
    }

    fn look_at_all(&self, opened: Vec<Opened>) -> Result<Judged, MailboxError> {
        let mut judged = Judged::default();
        for mut one in opened {
            match self.look(&mut one)? {
                Some(true) => judged.met.push(one.record.uid),
                Some(false) => {}
                None => judged.open.push(Opened { octets: Bytes::new(), ..one }),
            }
        }
        Ok(judged)
    }

    /// Whether all of a message is read at once.
    fn reads_whole(&self, one: &Closer) -> bool {
        one.record.size_bytes <= SMALL_MESSAGE_BYTES && self.keys.lacks_body(&one.facts)
    }
}

impl Group {
    /// Whether another message is too much.
    pub(super) fn is_full(&self) -> bool {
        self.messages.len() >= GROUP_MESSAGES || self.size_bytes >= GROUP_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Adds a message.
    pub(super) fn push(&mut self, sought: &Sought, one: Closer) {
        self.size_bytes += if sought.reads_whole(&one) { one.record.size_bytes } else { 0 };
        self.messages.push(one);
    }
}

impl Mailbox {
    /// Looks into one group after the other. Returns the messages that meet the query.
    pub(super) async fn look_closer(
        &self,
        sought: &Arc<Sought>,
        mut next_group: impl FnMut() -> Option<Group>,
    ) -> Result<Vec<Uid>, MailboxError> {
        let mut met = Vec::new();
        let Some(first) = next_group() else { return Ok(met) };
        let mut ready = Some(self.open_group(sought, first).await?);
        while let Some(opened) = ready.take() {
            let looking = Arc::clone(sought);
            let look = on_a_thread(move || looking.look_at_all(opened));
            let next = async {
                match next_group() {
                    Some(group) => self.open_group(sought, group).await.map(Some),
                    None => Ok(None),
                }
            };
            let (judged, next) = tokio::join!(look, next);
            let judged = judged??;
            met.extend(judged.met);
            for one in judged.open {
                let uid = one.record.uid;
                match self.look_into_long(sought, one).await {
                    Ok(meets) => met.extend(meets.then_some(uid)),
                    Err(MailboxError::Storage(StorageError::NotFound(Named::Body))) => {}
                    Err(error) => return Err(error),
                }
            }
            ready = next?;
        }
        Ok(met)
    }

    /// Reads of each message what it takes, if that is not much. Messages that are gone are left out.
    async fn open_group(&self, sought: &Sought, group: Group) -> Result<Vec<Opened>, MailboxError> {
        let (whole, others): (Vec<_>, Vec<_>) = group.messages.into_iter().partition(|one| sought.reads_whole(one));
        let mut opened = Vec::with_capacity(whole.len() + others.len());
        if !whole.is_empty() {
            let read = self.store.beginnings(&bodies_of(&whole), message_extent).await?;
            opened.extend(whole.into_iter().zip(read).filter_map(|(one, read)| Some(Opened::of_beginning(one, read?))));
        }
        if !others.is_empty() {
            opened.extend(self.open_headers(sought, others).await?);
        }
        Ok(opened)
    }

    async fn open_headers(&self, sought: &Sought, messages: Vec<Closer>) -> Result<Vec<Opened>, MailboxError> {
        let bodies = bodies_of(&messages);
        if sought.asks_beside_texts {
            let read = messages.into_iter().zip(self.store.beginnings(&bodies, header_extent).await?);
            return Ok(read.filter_map(|(one, read)| Some(Opened::of_beginning(one, read?))).collect());
        }
        let read = messages.into_iter().zip(self.store.headers(&bodies, header_end).await?);
        let opened = read.filter_map(|(one, header)| match header {
            Header::Whole(octets) => Some(Opened::of_header(one, octets)),
            Header::Long => Some(Opened::of_header(one, Bytes::new())),
            Header::Gone => None,
        });
        Ok(opened.collect())
    }

    /// Whether a message with a long header or a large body meets the query.
    async fn look_into_long(&self, sought: &Arc<Sought>, mut one: Opened) -> Result<bool, MailboxError> {
        let body = one.record.body;
        if one.beginning.is_none() {
            one.beginning = self.store.beginnings(&[body], |_| 0).await?.pop().flatten();
            if one.beginning.is_none() {
                return Ok(false);
            }
        }
        if let Some(verdict) = sought.judge(&one) {
            return Ok(verdict);
        }
        let structure = Arc::new(one.structure()?);
        if sought.lacks_header(&one) {
            let range = 0..structure.root().header.end;
            let read = self.store.read(&[BodySlice { body, range }]).await?;
            let (looking, of_header) = (Arc::clone(sought), Arc::clone(&structure));
            one = on_a_thread(move || {
                let octets = read.into_iter().next().unwrap_or_default();
                looking.look_into_header(&mut one, fields_of(&of_header, &octets));
                if looking.asks_for_thread && one.thread().is_none() {
                    one.thread = Some(thread_of(&of_header, &octets));
                }
                one
            })
            .await?;
        }
        if let Some(verdict) = sought.judge(&one) {
            return Ok(verdict);
        }
        let search = Search::new(&sought.keys, std::mem::take(&mut one.facts), false);
        let large_reads = self.room().large_reads();
        one.facts = read_large_body(&self.store, body, &structure, search, large_reads).await?.finish();
        Ok(sought.judge(&one) == Some(true))
    }
}

fn bodies_of(messages: &[Closer]) -> Vec<BodyKey> {
    messages.iter().map(|one| one.record.body).collect()
}
