//! The sequence-number view: which UID stands at which sequence number, as this client has been told.

use posthouse_model::{Uid, UidSet};

/// UIDs that follow one another without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: u32,
    last: u32,
    /// Messages in the runs before this one.
    before: u32,
}

impl Run {
    fn len(self) -> u32 {
        self.last - self.first + 1
    }
}

/// The messages of the open mailbox in the order of their UIDs, numbered from 1 (RFC 9051 §2.3.1.2).
///
/// Kept as runs of UIDs with counts, so that it costs memory and time by the number of gaps and not of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SequenceView {
    runs: Vec<Run>,
}

impl SequenceView {
    /// A view of exactly `uids`. A mailbox holds fewer than 2³² messages because its UIDs do.
    pub fn new(uids: &UidSet) -> Self {
        let mut view = Self::default();
        for range in uids.ranges() {
            view.push(*range.start(), *range.end());
        }
        view.runs.shrink_to_fit();
        view
    }

    /// Number of messages.
    pub fn len(&self) -> u32 {
        self.runs.last().map_or(0, |run| run.before + run.len())
    }

    /// Whether there are no messages.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The last message's UID.
    pub fn last_uid(&self) -> Option<Uid> {
        self.runs.last().and_then(|run| Uid::new(run.last))
    }

    /// The UID at `sequence`, counted from 1.
    pub fn uid_at(&self, sequence: u32) -> Option<Uid> {
        let index = sequence.checked_sub(1)?;
        let after = self.runs.partition_point(|run| run.before <= index);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let offset = index - run.before;
        if offset < run.len() { Uid::new(run.first + offset) } else { None }
    }

    /// The sequence number of `uid`.
    pub fn sequence_of(&self, uid: Uid) -> Option<u32> {
        let value = uid.value();
        let after = self.runs.partition_point(|run| run.first <= value);
        let run = self.runs.get(after.checked_sub(1)?)?;
        (value <= run.last).then(|| run.before + (value - run.first) + 1)
    }

    /// All UIDs in it.
    pub fn uids(&self) -> UidSet {
        let mut set = UidSet::new();
        self.runs.iter().for_each(|run| insert(&mut set, run.first, run.last));
        set
    }

    /// The UIDs at the sequence numbers from `from` to `to`, both included; what lies past the end is left out.
    pub fn add_uids_between(&self, from: u32, to: u32, set: &mut UidSet) {
        let (from, to) = (from.max(1), to.min(self.len()));
        if from > to {
            return;
        }
        let start = self.runs.partition_point(|run| run.before + run.len() < from);
        for run in self.runs[start..].iter().take_while(|run| run.before < to) {
            let first = run.first + from.saturating_sub(run.before + 1);
            let last = run.first + (to - run.before - 1).min(run.len() - 1);
            insert(set, first, last);
        }
    }

    /// Of `uids` those that are in the view.
    pub fn known(&self, uids: &UidSet) -> UidSet {
        let mut set = UidSet::new();
        self.each_common(uids, |run, first, last| {
            let _ = run;
            insert(&mut set, first, last);
        });
        set
    }

    /// The sequence numbers of those of `uids` that are in the view, as rising ranges that do not touch.
    pub fn sequences_of(&self, uids: &UidSet) -> Vec<(u32, u32)> {
        let mut sequences: Vec<(u32, u32)> = Vec::new();
        self.each_common(uids, |run, first, last| {
            let (from, to) = (run.before + (first - run.first) + 1, run.before + (last - run.first) + 1);
            match sequences.last_mut() {
                Some(tail) if tail.1 + 1 == from => tail.1 = to,
                _ => sequences.push((from, to)),
            }
        });
        sequences
    }

    /// Adds messages at the end. UIDs only rise, so those at or below the last are known, or gone, and are left out.
    /// Returns how many were added.
    pub fn append(&mut self, uids: &UidSet) -> u32 {
        let before = self.len();
        let last = self.runs.last().map_or(0, |run| run.last);
        for range in uids.ranges().filter(|range| *range.end() > last) {
            self.push((*range.start()).max(last + 1), *range.end());
        }
        self.len() - before
    }

    /// Takes messages away. Returns the sequence numbers that they had, as rising ranges that do not touch.
    pub fn remove(&mut self, uids: &UidSet) -> Vec<(u32, u32)> {
        let gone = self.sequences_of(uids);
        if !gone.is_empty() {
            *self = Self::new(&self.uids().difference(uids));
        }
        gone
    }

    /// Adds a run, which lies behind all others.
    fn push(&mut self, first: u32, last: u32) {
        match self.runs.last_mut() {
            Some(tail) if tail.last.checked_add(1) == Some(first) => tail.last = last,
            _ => {
                let before = self.len();
                self.runs.push(Run { first, last, before });
            }
        }
    }

    /// Calls `found` with each stretch of UIDs that is both in a run and in `uids`, rising.
    fn each_common(&self, uids: &UidSet, mut found: impl FnMut(Run, u32, u32)) {
        for range in uids.ranges() {
            let start = self.runs.partition_point(|run| run.last < *range.start());
            for run in self.runs[start..].iter().take_while(|run| run.first <= *range.end()) {
                found(*run, run.first.max(*range.start()), run.last.min(*range.end()));
            }
        }
    }
}

fn insert(set: &mut UidSet, first: u32, last: u32) {
    if let (Some(first), Some(last)) = (Uid::new(first), Uid::new(last)) {
        set.insert_range(first, last);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(values: &BTreeSet<u32>) -> UidSet {
        values.iter().filter_map(|&value| Uid::new(value)).collect()
    }

    fn spread(ranges: &[(u32, u32)]) -> Vec<u32> {
        ranges.iter().flat_map(|&(from, to)| from..=to).collect()
    }

    fn check(view: &SequenceView, plain: &[u32]) {
        assert_eq!(view.len() as usize, plain.len());
        assert_eq!(view.is_empty(), plain.is_empty());
        assert_eq!(view.last_uid().map(Uid::value), plain.last().copied());
        for (index, &uid) in plain.iter().enumerate() {
            let sequence = u32::try_from(index).unwrap() + 1;
            assert_eq!(view.uid_at(sequence), Uid::new(uid));
            assert_eq!(view.sequence_of(Uid::new(uid).unwrap()), Some(sequence));
        }
        assert_eq!(view.uid_at(0), None);
        assert_eq!(view.uid_at(u32::try_from(plain.len()).unwrap() + 1), None);
        for uid in 1..100 {
            assert_eq!(view.sequence_of(Uid::new(uid).unwrap()).is_some(), plain.contains(&uid));
        }
        assert_eq!(view.uids().iter().map(Uid::value).collect::<Vec<_>>(), plain);
    }

    proptest! {
        #[test]
        fn behaves_like_a_plain_list(
            start in prop::collection::btree_set(1u32..80, 0..60),
            steps in prop::collection::vec((any::<bool>(), prop::collection::btree_set(1u32..100, 0..30)), 0..8),
            asked in prop::collection::btree_set(1u32..100, 0..40),
            from in 0u32..70, to in 0u32..70,
        ) {
            let mut view = SequenceView::new(&set(&start));
            let mut plain: Vec<u32> = start.into_iter().collect();
            for (append, uids) in steps {
                if append {
                    let new: Vec<u32> =
                        uids.iter().copied().filter(|uid| plain.last().is_none_or(|last| uid > last)).collect();
                    prop_assert_eq!(view.append(&set(&uids)) as usize, new.len());
                    plain.extend(new);
                } else {
                    let gone: Vec<u32> = (1u32..).zip(&plain).filter(|(_, uid)| uids.contains(uid)).map(|(n, _)| n).collect();
                    prop_assert_eq!(spread(&view.remove(&set(&uids))), gone);
                    plain.retain(|uid| !uids.contains(uid));
                }
                check(&view, &plain);
            }
            let known: Vec<u32> = plain.iter().copied().filter(|uid| asked.contains(uid)).collect();
            prop_assert_eq!(view.known(&set(&asked)).iter().map(Uid::value).collect::<Vec<_>>(), known);
            let numbers: Vec<u32> = (1u32..).zip(&plain).filter(|(_, uid)| asked.contains(uid)).map(|(n, _)| n).collect();
            prop_assert_eq!(spread(&view.sequences_of(&set(&asked))), numbers);
            let mut between = UidSet::new();
            view.add_uids_between(from, to, &mut between);
            let expected: Vec<u32> = (1u32..).zip(&plain).filter(|(n, _)| (from..=to).contains(n)).map(|(_, uid)| *uid).collect();
            prop_assert_eq!(between.iter().map(Uid::value).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_full_mailbox_is_one_run() {
        let mut view = SequenceView::new(&UidSet::all());
        assert_eq!(view.len(), u32::MAX);
        assert_eq!(view.uid_at(u32::MAX), Some(Uid::MAX));
        assert_eq!(view.append(&UidSet::all()), 0);
        assert_eq!(view.runs.len(), 1);
    }
}
