//! An opened mailbox in memory, shared by all who have it open, following the store's commits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};

use parking_lot::{RwLock, RwLockReadGuard};
use posthouse_model::{AccountId, Flags, Keyword, MailboxId, ModSeq, Uid, UidSet, UidValidity};
use posthouse_storage::{MailboxChange, MailboxDelta, MailboxRecord, MessageRecord};
use tokio::sync::watch;

use crate::own_seen::OwnSeen;
use crate::records::Records;
use crate::search::SentDays;

/// Most ranges of UIDs in the log of recent changes. Whoever is further behind is brought up to date from the records
/// and the store.
const MAX_LOG_RANGES: usize = 4096;

/// A recent change, without what the records say anyway.
#[derive(Debug)]
enum LogEntry {
    Added(UidSet),
    Changed(UidSet),
    Vanished(UidSet),
}

impl LogEntry {
    /// Ranges that it takes room for.
    fn ranges(&self) -> usize {
        let (Self::Added(uids) | Self::Changed(uids) | Self::Vanished(uids)) = self;
        uids.range_count().max(1)
    }
}

/// What is in memory of a mailbox.
#[derive(Debug)]
pub(crate) struct State {
    pub records: Records,
    pub uids: UidSet,
    pub highest_modseq: ModSeq,
    pub uid_next: u64,
    keywords: BTreeMap<Keyword, usize>,
    /// Changes after `log_since`, in order.
    log: VecDeque<(ModSeq, LogEntry)>,
    log_since: ModSeq,
    /// Ranges in it.
    log_ranges: usize,
    /// What the records had taken in when they were read.
    baseline: ModSeq,
    pub deleted: bool,
}

/// What changed after some modification sequence, as UIDs.
#[derive(Debug, Default)]
pub(crate) struct LoggedChanges {
    pub added: UidSet,
    pub changed: UidSet,
    pub vanished: UidSet,
}

/// A mailbox that somebody has open.
#[derive(Debug)]
pub(crate) struct Followed {
    pub mailbox: MailboxId,
    pub uid_validity: UidValidity,
    state: RwLock<State>,
    /// Commits that came while the records were still being read; `None` once they are in place.
    early: parking_lot::Mutex<Option<Vec<MailboxChange>>>,
    /// Those who have it open and do not own it.
    readers: parking_lot::Mutex<Vec<Weak<OwnSeen>>>,
    changed: watch::Sender<ModSeq>,
    /// When messages were sent, as far as searches wanted to know.
    pub sent_days: RwLock<SentDays>,
}

impl Followed {
    /// A mailbox whose records are still to be [installed](Self::install). It takes commits from now on.
    pub fn expecting(record: &MailboxRecord) -> Self {
        let state = State {
            records: Records::default(),
            uids: UidSet::new(),
            highest_modseq: ModSeq(0),
            uid_next: u64::from(record.uid_next.value()),
            keywords: BTreeMap::new(),
            log: VecDeque::new(),
            log_since: ModSeq(0),
            log_ranges: 0,
            baseline: ModSeq(0),
            deleted: false,
        };
        Self {
            mailbox: record.id,
            uid_validity: record.uid_validity,
            state: RwLock::new(state),
            early: parking_lot::Mutex::new(Some(Vec::new())),
            readers: parking_lot::Mutex::default(),
            changed: watch::channel(ModSeq(0)).0,
            sent_days: RwLock::default(),
        }
    }

    /// Puts the records in place, and then what was committed since they were read.
    pub fn install(&self, record: &MailboxRecord, records: Vec<MessageRecord>) {
        let mut early = self.early.lock();
        {
            let mut state = self.state.write();
            state.uids = records.iter().map(|record| record.uid).collect();
            for record in &records {
                state.count_keywords(&Flags::none(), &record.flags);
            }
            state.records = Records::from_sorted(records);
            state.highest_modseq = record.highest_modseq;
            state.log_since = record.highest_modseq;
            state.baseline = record.highest_modseq;
            state.uid_next = u64::from(record.uid_next.value());
            for change in early.take().unwrap_or_default() {
                state.apply(&change);
            }
        }
        self.changed.send_replace(self.state.read().highest_modseq);
    }

    /// Whether the records are in place.
    pub fn is_loaded(&self) -> bool {
        self.early.lock().is_none()
    }

    /// Takes in committed changes, all at once.
    pub fn commit(&self, changes: &[MailboxChange]) {
        if let Some(early) = self.early.lock().as_mut() {
            early.extend_from_slice(changes);
            return;
        }
        let readers: Vec<_> = self.readers.lock().iter().filter_map(Weak::upgrade).collect();
        let highest = {
            let mut state = self.state.write();
            changes.iter().for_each(|change| state.apply(change));
            readers.iter().for_each(|reader| reader.commit(changes));
            state.highest_modseq
        };
        let own = |change: &MailboxChange| match &change.delta {
            MailboxDelta::Seen { by, .. } => Some(*by),
            _ => None,
        };
        // What one reader has seen is no news to the others.
        let for_all = changes.iter().any(|change| own(change).is_none());
        if for_all {
            self.changed.send_replace(highest);
        }
        for reader in readers {
            if for_all || changes.iter().any(|change| own(change) == Some(reader.by)) {
                reader.tell(highest);
            }
        }
    }

    /// Somebody who reads it without owning it: known already, or from now on.
    pub fn reader(&self, by: AccountId) -> Arc<OwnSeen> {
        let mut readers = self.readers.lock();
        readers.retain(|reader| reader.strong_count() > 0);
        if let Some(known) = readers.iter().filter_map(Weak::upgrade).find(|reader| reader.by == by) {
            return known;
        }
        let reader = Arc::new(OwnSeen::expecting(by));
        readers.push(Arc::downgrade(&reader));
        reader
    }

    pub fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read()
    }

    pub fn watch(&self) -> watch::Receiver<ModSeq> {
        self.changed.subscribe()
    }
}

impl State {
    fn apply(&mut self, change: &MailboxChange) {
        if change.modseq <= self.baseline && !matches!(change.delta, MailboxDelta::Deleted) {
            return;
        }
        match &change.delta {
            MailboxDelta::Added(records) => {
                records.iter().for_each(|record| self.add(record));
                self.log(change.modseq, LogEntry::Added(records.iter().map(|record| record.uid).collect()));
            }
            MailboxDelta::Flags(rows) => {
                let there = rows.iter().filter(|(uid, flags, modseq)| self.set_flags(*uid, flags, *modseq));
                let changed = there.map(|(uid, ..)| *uid).collect();
                self.log(change.modseq, LogEntry::Changed(changed));
            }
            MailboxDelta::Vanished(uids) => self.remove(change.modseq, uids),
            MailboxDelta::Deleted => self.deleted = true,
            // Nothing in the mailbox is another, and the store's own record says so, too. What readers have seen is with
            // them.
            MailboxDelta::Created | MailboxDelta::Renamed | MailboxDelta::Seen { .. } => return,
        }
        self.highest_modseq = self.highest_modseq.max(change.modseq);
    }

    fn log(&mut self, modseq: ModSeq, entry: LogEntry) {
        self.log_ranges += entry.ranges();
        self.log.push_back((modseq, entry));
        while self.log_ranges > MAX_LOG_RANGES {
            let Some((modseq, entry)) = self.log.pop_front() else { break };
            self.log_ranges -= entry.ranges();
            self.log_since = modseq;
        }
    }

    fn add(&mut self, record: &MessageRecord) {
        self.uid_next = self.uid_next.max(u64::from(record.uid.value()) + 1);
        self.uids.insert(record.uid);
        let old = self.records.put(record.clone());
        self.count_keywords(old.as_ref().map_or(&Flags::none(), |old| &old.flags), &record.flags);
    }

    /// Whether the message is there.
    fn set_flags(&mut self, uid: Uid, flags: &Flags, modseq: ModSeq) -> bool {
        let Some(old) = self.records.set_flags(uid, flags, modseq) else { return false };
        self.count_keywords(&old, flags);
        true
    }

    fn remove(&mut self, modseq: ModSeq, uids: &UidSet) {
        for uid in uids.intersection(&self.uids).iter() {
            if let Some(record) = self.records.remove(uid) {
                self.count_keywords(&record.flags, &Flags::none());
            }
        }
        self.uids = self.uids.difference(uids);
        self.log(modseq, LogEntry::Vanished(uids.clone()));
    }

    fn count_keywords(&mut self, old: &Flags, new: &Flags) {
        for keyword in new.keywords() {
            *self.keywords.entry(keyword.clone()).or_default() += 1;
        }
        for keyword in old.keywords() {
            if let Some(count) = self.keywords.get_mut(keyword) {
                *count -= 1;
                if *count == 0 {
                    self.keywords.remove(keyword);
                }
            }
        }
    }

    /// Keywords that some message has, sorted.
    pub fn keywords(&self) -> Vec<Keyword> {
        self.keywords.keys().cloned().collect()
    }

    /// What changed after `since`; `None` when the log does not reach back so far.
    pub fn changes_since(&self, since: ModSeq) -> Option<LoggedChanges> {
        if since < self.log_since {
            return None;
        }
        let mut changes = LoggedChanges::default();
        let start = self.log.partition_point(|(modseq, _)| *modseq <= since);
        for (_, entry) in self.log.range(start..) {
            let (set, uids) = match entry {
                LogEntry::Added(uids) => (&mut changes.added, uids),
                LogEntry::Changed(uids) => (&mut changes.changed, uids),
                LogEntry::Vanished(uids) => (&mut changes.vanished, uids),
            };
            uids.ranges().for_each(|range| {
                if let (Some(first), Some(last)) = (Uid::new(*range.start()), Uid::new(*range.end())) {
                    set.insert_range(first, last);
                }
            });
        }
        changes.added = changes.added.difference(&changes.vanished);
        changes.changed = changes.changed.difference(&changes.vanished).difference(&changes.added);
        Some(changes)
    }
}
