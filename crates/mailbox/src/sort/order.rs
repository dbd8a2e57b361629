//! Keys of many messages in one stretch of memory, and the order that they make.

use posthouse_model::Uid;
use posthouse_model::sort::{SortCriterion, SortKey};
use posthouse_storage::MessageRecord;

use super::keys::{SortKeys, Text};

/// Octets of all keys of one sort together.
const MAX_ORDER_BYTES: usize = 512 * 1024 * 1024;

/// What comes after a text, so that a text stands before those that it begins. No text has it.
const END_OF_TEXT: u8 = 0;

/// A message and where its key is. The first octets of the key are at hand, because most comparisons end there.
#[derive(Clone, Copy, Debug)]
struct Entry {
    beginning: u64,
    start: u32,
    length: u32,
    uid: u32,
}

/// Messages with their keys. Keys are octets that compare as the messages do, whatever the criteria are.
#[derive(Debug)]
pub(super) struct Order {
    criteria: Vec<SortCriterion>,
    entries: Vec<Entry>,
    keys: Vec<u8>,
}

/// More keys than [`MAX_ORDER_BYTES`].
#[derive(Debug)]
pub(super) struct TooMuch;

impl Order {
    /// Nothing so far, to be sorted by these criteria.
    pub fn new(criteria: &[SortCriterion]) -> Self {
        let mut distinct: Vec<SortCriterion> = Vec::with_capacity(criteria.len());
        for criterion in criteria {
            // Messages that are equal by a key are so in both directions.
            if !distinct.iter().any(|one| one.key == criterion.key) {
                distinct.push(*criterion);
            }
        }
        Self { criteria: distinct, entries: Vec::new(), keys: Vec::new() }
    }

    /// Whether messages can be told apart without what is stored beside them.
    pub fn needs_records_only(&self) -> bool {
        self.criteria.iter().all(|criterion| matches!(criterion.key, SortKey::Arrival | SortKey::Size))
    }

    /// Adds a message.
    pub fn push(&mut self, record: &MessageRecord, keys: &SortKeys<'_>) -> Result<(), TooMuch> {
        let start = self.keys.len();
        for criterion in &self.criteria {
            let from = self.keys.len();
            match criterion.key {
                SortKey::Arrival => push_number(&mut self.keys, record.internal_date.0),
                SortKey::Date => push_number(&mut self.keys, sent_seconds(record, keys)),
                SortKey::Size => self.keys.extend_from_slice(&record.size_bytes.to_be_bytes()),
                SortKey::Subject => push_text(&mut self.keys, keys.text(Text::Subject)),
                SortKey::From => push_text(&mut self.keys, keys.text(Text::From)),
                SortKey::To => push_text(&mut self.keys, keys.text(Text::To)),
                SortKey::Cc => push_text(&mut self.keys, keys.text(Text::Cc)),
                SortKey::DisplayFrom => push_text(&mut self.keys, keys.text(Text::DisplayFrom)),
                SortKey::DisplayTo => push_text(&mut self.keys, keys.text(Text::DisplayTo)),
            }
            if criterion.reverse {
                self.keys[from..].iter_mut().for_each(|octet| *octet = !*octet);
            }
        }
        if self.keys.len() > MAX_ORDER_BYTES {
            return Err(TooMuch);
        }
        let key = &self.keys[start..];
        let mut beginning = [0; size_of::<u64>()];
        let at_hand = key.len().min(beginning.len());
        beginning[..at_hand].copy_from_slice(&key[..at_hand]);
        self.entries.push(Entry {
            beginning: u64::from_be_bytes(beginning),
            start: u32::try_from(start).map_err(|_| TooMuch)?,
            length: u32::try_from(key.len()).map_err(|_| TooMuch)?,
            uid: record.uid.value(),
        });
        Ok(())
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The messages in order; those that are equal in the order of the mailbox (RFC 5256 §3).
    pub fn sorted(self) -> Vec<Uid> {
        let Self { mut entries, keys, .. } = self;
        let key = |entry: &Entry| &keys[entry.start as usize..][..entry.length as usize];
        entries.sort_unstable_by(|one, other| {
            let by_key = one.beginning.cmp(&other.beginning).then_with(|| key(one).cmp(key(other)));
            by_key.then(one.uid.cmp(&other.uid))
        });
        entries.iter().filter_map(|entry| Uid::new(entry.uid)).collect()
    }
}

/// RFC 5256 §2.2: when the message was sent, and when it arrived if that is not known.
pub(crate) fn sent_seconds(record: &MessageRecord, keys: &SortKeys<'_>) -> i64 {
    keys.sent_seconds.unwrap_or_else(|| record.internal_date.seconds())
}

/// A number with its sign such that octets compare as numbers do.
fn push_number(keys: &mut Vec<u8>, number: i64) {
    keys.extend_from_slice(&(number.cast_unsigned() ^ (1 << 63)).to_be_bytes());
}

fn push_text(keys: &mut Vec<u8>, text: &[u8]) {
    keys.extend(text.iter().copied().filter(|octet| *octet != END_OF_TEXT));
    keys.push(END_OF_TEXT);
}
