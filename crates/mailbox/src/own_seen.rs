//! What a reader who is not the owner has seen of an opened mailbox, in memory: shared by all of the reader's sessions
//! that have it open, and laid over the records that all readers share.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::{RwLock, RwLockReadGuard};
use posthouse_model::{AccountId, Flags, ModSeq, Uid, UidSet};
use posthouse_storage::seen_by::with_seen;
use posthouse_storage::{MailboxChange, MailboxDelta, MessageRecord, SeenRecord, SeenRow};
use tokio::sync::watch;

/// What a reader has seen.
#[derive(Debug, Default)]
pub(crate) struct SeenState {
    rows: BTreeMap<Uid, SeenRow>,
    by_modseq: BTreeSet<(ModSeq, Uid)>,
    pub highest_modseq: ModSeq,
    /// Commits that came while the rows were still being read; `None` once they are in place.
    early: Option<Vec<SeenRow>>,
}

/// A reader of an opened mailbox.
#[derive(Debug)]
pub(crate) struct OwnSeen {
    pub by: AccountId,
    state: RwLock<SeenState>,
    changed: watch::Sender<ModSeq>,
}

impl OwnSeen {
    /// A reader whose rows are still to be [installed](Self::install). It takes commits from now on.
    pub fn expecting(by: AccountId) -> Self {
        let state = SeenState { early: Some(Vec::new()), ..SeenState::default() };
        Self { by, state: RwLock::new(state), changed: watch::channel(ModSeq(0)).0 }
    }

    /// Puts the rows in place, and then what was committed since they were read.
    pub fn install(&self, record: SeenRecord) {
        let mut state = self.state.write();
        let early = state.early.take().unwrap_or_default();
        state.highest_modseq = record.highest_modseq;
        record.rows.into_iter().for_each(|row| state.put(row));
        early.into_iter().filter(|row| row.modseq > record.highest_modseq).for_each(|row| state.put(row));
    }

    /// Whether the rows are in place.
    pub fn is_loaded(&self) -> bool {
        self.state.read().early.is_none()
    }

    /// Takes in what of committed changes is the reader's. The caller holds the lock of what all readers share, so that
    /// nobody sees one without the other.
    pub fn commit(&self, changes: &[MailboxChange]) {
        let mut state = self.state.write();
        for change in changes {
            match &change.delta {
                MailboxDelta::Seen { by, rows } if *by == self.by => match &mut state.early {
                    Some(early) => early.extend_from_slice(rows),
                    None => rows.iter().for_each(|row| state.put(*row)),
                },
                MailboxDelta::Vanished(uids) => state.remove(uids),
                _ => {}
            }
        }
    }

    /// Wakes whoever watches.
    pub fn tell(&self, modseq: ModSeq) {
        self.changed.send_replace(modseq);
    }

    /// Call only with the lock of what all readers share held.
    pub fn read(&self) -> RwLockReadGuard<'_, SeenState> {
        self.state.read()
    }

    pub fn watch(&self) -> watch::Receiver<ModSeq> {
        self.changed.subscribe()
    }
}

impl SeenState {
    fn put(&mut self, row: SeenRow) {
        if let Some(old) = self.rows.insert(row.uid, row) {
            self.by_modseq.remove(&(old.modseq, row.uid));
        }
        self.by_modseq.insert((row.modseq, row.uid));
        self.highest_modseq = self.highest_modseq.max(row.modseq);
    }

    fn remove(&mut self, uids: &UidSet) {
        for range in uids.ranges() {
            let (Some(first), Some(last)) = (Uid::new(*range.start()), Uid::new(*range.end())) else { continue };
            let gone: Vec<_> = self.rows.range(first..=last).map(|(_, row)| *row).collect();
            for row in gone {
                self.rows.remove(&row.uid);
                self.by_modseq.remove(&(row.modseq, row.uid));
            }
        }
    }

    /// Whether the reader has seen a message.
    pub fn has(&self, uid: Uid) -> bool {
        self.rows.get(&uid).is_some_and(|row| row.seen)
    }

    /// The last change of a message, as the reader sees it.
    pub fn modseq_of(&self, record: &MessageRecord) -> ModSeq {
        self.rows.get(&record.uid).map_or(record.modseq, |row| record.modseq.max(row.modseq))
    }

    /// A message's flags, as the reader sees them.
    pub fn flags_of(&self, record: &MessageRecord) -> Flags {
        with_seen(record.flags.clone(), self.has(record.uid))
    }

    /// A message as the reader sees it.
    pub fn record(&self, record: &MessageRecord) -> MessageRecord {
        MessageRecord { flags: self.flags_of(record), modseq: self.modseq_of(record), ..record.clone() }
    }

    /// Messages that the reader has said something about after `since`.
    pub fn changed_since(&self, since: ModSeq) -> UidSet {
        let from = (ModSeq(since.0.saturating_add(1)), Uid::MIN);
        let mut uids: Vec<_> = self.by_modseq.range(from..).map(|(_, uid)| *uid).collect();
        uids.sort_unstable();
        uids.into_iter().collect()
    }

    /// The first message that the reader has not seen.
    pub fn first_unseen(&self, present: &UidSet) -> Option<Uid> {
        let mut seen = self.rows.values().filter(|row| row.seen).map(|row| row.uid).peekable();
        present.iter().find(|uid| {
            while seen.next_if(|seen| seen < uid).is_some() {}
            seen.peek() != Some(uid)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(value: u32) -> Uid {
        Uid::new(value).unwrap()
    }

    fn row(number: u32, seen: bool, modseq: u64) -> SeenRow {
        SeenRow { uid: uid(number), seen, modseq: ModSeq(modseq) }
    }

    #[test]
    fn rows_are_found_in_every_way() {
        let mut state = SeenState::default();
        for one in [row(1, true, 5), row(3, true, 6), row(2, true, 7), row(2, false, 8)] {
            state.put(one);
        }
        assert!(state.has(uid(1)) && !state.has(uid(2)) && state.has(uid(3)) && !state.has(uid(4)));
        assert_eq!(state.changed_since(ModSeq(5)).to_string(), "2:3");
        assert_eq!(state.changed_since(ModSeq(u64::MAX)).to_string(), "");
        let present: UidSet = [1, 3, 4, 5].into_iter().map(uid).collect();
        assert_eq!(state.first_unseen(&present), Some(uid(4)));
        state.remove(&UidSet::all());
        assert_eq!((state.changed_since(ModSeq(0)).to_string().as_str(), state.highest_modseq), ("", ModSeq(8)));
        assert_eq!(state.first_unseen(&present), Some(uid(1)));
    }
}
