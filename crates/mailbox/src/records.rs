//! The messages of one mailbox, by UID, in chunks, so that no change costs work in proportion to the mailbox.

use posthouse_model::{Flags, ModSeq, SystemFlag, Uid};
use posthouse_storage::MessageRecord;

/// Most messages in a chunk. Removing one moves at most this many.
const CHUNK_MESSAGES: usize = 512;

#[derive(Debug)]
struct Chunk {
    records: Vec<MessageRecord>,
    unseen: usize,
}

impl Chunk {
    fn new(records: Vec<MessageRecord>) -> Self {
        let unseen = records.iter().filter(|record| is_unseen(record)).count();
        Self { records, unseen }
    }

    fn first(&self) -> Uid {
        self.records[0].uid
    }

    fn position(&self, uid: Uid) -> Result<usize, usize> {
        self.records.binary_search_by_key(&uid, |record| record.uid)
    }
}

fn is_unseen(record: &MessageRecord) -> bool {
    !record.flags.has(SystemFlag::Seen)
}

/// Messages by UID. No chunk is ever empty.
#[derive(Debug, Default)]
pub(crate) struct Records {
    chunks: Vec<Chunk>,
    count: usize,
}

impl Records {
    /// From records in rising order of UID.
    pub fn from_sorted(records: Vec<MessageRecord>) -> Self {
        let count = records.len();
        let mut chunks = Vec::with_capacity(count.div_ceil(CHUNK_MESSAGES));
        let mut rest = records.into_iter();
        loop {
            let piece: Vec<_> = rest.by_ref().take(CHUNK_MESSAGES).collect();
            if piece.is_empty() {
                return Self { chunks, count };
            }
            chunks.push(Chunk::new(piece));
        }
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.count
    }

    /// The chunk that has `uid`, if any has.
    fn chunk_of(&self, uid: Uid) -> Option<usize> {
        self.chunks.partition_point(|chunk| chunk.first() <= uid).checked_sub(1)
    }

    /// The message with this UID.
    pub fn get(&self, uid: Uid) -> Option<&MessageRecord> {
        let chunk = &self.chunks[self.chunk_of(uid)?];
        chunk.position(uid).ok().map(|at| &chunk.records[at])
    }

    /// Adds a message, or puts it in the place of the one with its UID, which is returned.
    pub fn put(&mut self, record: MessageRecord) -> Option<MessageRecord> {
        let Some(index) = self.chunk_of(record.uid) else {
            self.count += 1;
            match self.chunks.first_mut() {
                Some(first) if first.records.len() < CHUNK_MESSAGES => {
                    first.unseen += usize::from(is_unseen(&record));
                    first.records.insert(0, record);
                }
                _ => self.chunks.insert(0, Chunk::new(vec![record])),
            }
            return None;
        };
        let chunk = &mut self.chunks[index];
        chunk.unseen += usize::from(is_unseen(&record));
        match chunk.position(record.uid) {
            Ok(at) => {
                let old = std::mem::replace(&mut chunk.records[at], record);
                chunk.unseen -= usize::from(is_unseen(&old));
                Some(old)
            }
            Err(at) => {
                self.count += 1;
                chunk.records.insert(at, record);
                if chunk.records.len() > CHUNK_MESSAGES {
                    self.split(index);
                }
                None
            }
        }
    }

    /// Gives the message with this UID other flags; returns those it had.
    pub fn set_flags(&mut self, uid: Uid, flags: &Flags, modseq: ModSeq) -> Option<Flags> {
        let index = self.chunk_of(uid)?;
        let chunk = &mut self.chunks[index];
        let record = chunk.position(uid).ok().map(|at| &mut chunk.records[at])?;
        let was_unseen = is_unseen(record);
        record.modseq = modseq;
        let old = std::mem::replace(&mut record.flags, flags.clone());
        chunk.unseen = chunk.unseen + usize::from(is_unseen(record)) - usize::from(was_unseen);
        Some(old)
    }

    /// Full chunks at the end keep their messages together, since most messages come at the end.
    fn split(&mut self, index: usize) {
        let is_last = index + 1 == self.chunks.len();
        let chunk = &mut self.chunks[index];
        let at = if is_last { CHUNK_MESSAGES } else { chunk.records.len() / 2 };
        let tail = Chunk::new(chunk.records.split_off(at));
        chunk.unseen -= tail.unseen;
        self.chunks.insert(index + 1, tail);
    }

    /// Takes out the message with this UID.
    pub fn remove(&mut self, uid: Uid) -> Option<MessageRecord> {
        let index = self.chunk_of(uid)?;
        let chunk = &mut self.chunks[index];
        let at = chunk.position(uid).ok()?;
        let record = chunk.records.remove(at);
        chunk.unseen -= usize::from(is_unseen(&record));
        if chunk.records.is_empty() {
            self.chunks.remove(index);
        }
        self.count -= 1;
        Some(record)
    }

    /// Messages from `from` on, rising.
    pub fn iter_from(&self, from: Uid) -> impl Iterator<Item = &MessageRecord> {
        let index = self.chunk_of(from).unwrap_or(0);
        let skip = self.chunks.get(index).map_or(0, |chunk| chunk.records.partition_point(|record| record.uid < from));
        self.chunks[index.min(self.chunks.len())..].iter().flat_map(|chunk| &chunk.records).skip(skip)
    }

    /// The first message without \Seen.
    pub fn first_unseen(&self) -> Option<Uid> {
        let chunk = self.chunks.iter().find(|chunk| chunk.unseen > 0)?;
        chunk.records.iter().find(|record| is_unseen(record)).map(|record| record.uid)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use posthouse_model::{MessageId, UnixMillis};
    use posthouse_storage::BodyKey;
    use proptest::prelude::*;

    use super::*;

    fn record(uid: u32, seen: bool) -> MessageRecord {
        let mut flags = Flags::none();
        if seen {
            flags.insert(SystemFlag::Seen);
        }
        MessageRecord {
            uid: Uid::new(uid).unwrap(),
            modseq: ModSeq(1),
            flags,
            size_bytes: 1,
            internal_date: UnixMillis(0),
            saved_at: UnixMillis(0),
            message: MessageId(1),
            body: BodyKey(1),
        }
    }

    proptest! {
        #[test]
        fn behaves_like_a_plain_map(
            start in 0u32..1500,
            changes in prop::collection::vec((1u32..2000, 0u8..5), 0..300),
        ) {
            let first: Vec<_> = (1..=start).map(|uid| record(uid, uid % 7 != 0)).collect();
            let mut plain: BTreeMap<u32, bool> = first.iter().map(|r| (r.uid.value(), !is_unseen(r))).collect();
            let mut ours = Records::from_sorted(first);
            for (uid, what) in changes {
                if what > 2 {
                    let flags = record(uid, what == 3).flags;
                    let old = ours.set_flags(Uid::new(uid).unwrap(), &flags, ModSeq(9));
                    let was_seen = plain.get_mut(&uid).map(|seen| std::mem::replace(seen, what == 3));
                    prop_assert_eq!(old.map(|old| old.has(SystemFlag::Seen)), was_seen);
                } else if what == 2 {
                    prop_assert_eq!(ours.remove(Uid::new(uid).unwrap()).is_some(), plain.remove(&uid).is_some());
                } else {
                    let old = ours.put(record(uid, what == 1));
                    prop_assert_eq!(old.is_some(), plain.insert(uid, what == 1).is_some());
                }
            }
            prop_assert_eq!(ours.len(), plain.len());
            let listed: Vec<_> = ours.iter_from(Uid::MIN).map(|r| (r.uid.value(), !is_unseen(r))).collect();
            prop_assert_eq!(listed, plain.iter().map(|(u, s)| (*u, *s)).collect::<Vec<_>>());
            let unseen = plain.iter().find(|(_, seen)| !**seen).map(|(uid, _)| *uid);
            prop_assert_eq!(ours.first_unseen().map(Uid::value), unseen);
            for from in [1u32, 500, 512, 513, 1999] {
                let ours: Vec<_> = ours.iter_from(Uid::new(from).unwrap()).map(|r| r.uid.value()).collect();
                prop_assert_eq!(ours, plain.range(from..).map(|(u, _)| *u).collect::<Vec<_>>());
            }
        }
    }
}
