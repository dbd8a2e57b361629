//! Sets of UIDs as sorted, disjoint ranges.

use std::fmt;
use std::ops::RangeInclusive;

use crate::id::Uid;

/// A set of UIDs. Its size in memory follows the number of gaps, not of members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UidSet {
    /// Sorted, disjoint and not adjacent.
    ranges: Vec<(u32, u32)>,
}

impl UidSet {
    /// The empty set.
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// Every UID there can be.
    pub fn all() -> Self {
        Self { ranges: vec![(1, u32::MAX)] }
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Number of members.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|&(from, to)| u64::from(to - from) + 1).sum()
    }

    /// Number of ranges, which is what the set costs.
    pub fn range_count(&self) -> usize {
        self.ranges.len()
    }

    /// The ranges, rising.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = RangeInclusive<u32>> + '_ {
        self.ranges.iter().map(|&(from, to)| from..=to)
    }

    /// The members, rising.
    pub fn iter(&self) -> impl Iterator<Item = Uid> + '_ {
        self.ranges().flatten().filter_map(Uid::new)
    }

    /// The smallest member.
    pub fn first(&self) -> Option<Uid> {
        self.ranges.first().and_then(|&(from, _)| Uid::new(from))
    }

    /// The largest member.
    pub fn last(&self) -> Option<Uid> {
        self.ranges.last().and_then(|&(_, to)| Uid::new(to))
    }

    /// Whether `uid` is a member.
    pub fn contains(&self, uid: Uid) -> bool {
        let value = uid.value();
        let after = self.ranges.partition_point(|&(from, _)| from <= value);
        after > 0 && self.ranges[after - 1].1 >= value
    }

    /// Adds one UID. Adding in rising order costs nothing to speak of.
    pub fn insert(&mut self, uid: Uid) {
        self.insert_range(uid, uid);
    }

    /// Adds all from `first` to `last`, in whichever order they are given.
    pub fn insert_range(&mut self, first: Uid, last: Uid) {
        let (mut from, mut to) = (first.value().min(last.value()), first.value().max(last.value()));
        if let Some(tail) = self.ranges.last_mut()
            && from >= tail.0
        {
            if from <= tail.1.saturating_add(1) {
                tail.1 = tail.1.max(to);
            } else {
                self.ranges.push((from, to));
            }
            return;
        }
        let start = self.ranges.partition_point(|&(_, end)| end.saturating_add(1) < from);
        let end = self.ranges.partition_point(|&(begin, _)| begin <= to.saturating_add(1));
        if start < end {
            from = from.min(self.ranges[start].0);
            to = to.max(self.ranges[end - 1].1);
        }
        self.ranges.splice(start..end, [(from, to)]);
    }

    /// Members of both.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Self::new();
        let (mut left, mut right) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        while let (Some(&&(a, b)), Some(&&(c, d))) = (left.peek(), right.peek()) {
            if a.max(c) <= b.min(d) {
                both.ranges.push((a.max(c), b.min(d)));
            }
            if b < d {
                left.next()
            } else {
                right.next()
            };
        }
        both
    }

    /// Members of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (mut all, fewer) =
            if self.ranges.len() < other.ranges.len() { (other.clone(), self) } else { (self.clone(), other) };
        for &(from, to) in &fewer.ranges {
            if let (Some(first), Some(last)) = (Uid::new(from), Uid::new(to)) {
                all.insert_range(first, last);
            }
        }
        all
    }

    /// Members of `self` that are not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        let mut rest = Self::new();
        let mut holes = other.ranges.iter().peekable();
        for &(mut from, to) in &self.ranges {
            while holes.next_if(|&&(_, end)| end < from).is_some() {}
            let mut ahead = holes.clone();
            let mut open = true;
            while let Some(&(hole_from, hole_to)) = ahead.next_if(|&&(begin, _)| begin <= to) {
                if hole_from > from {
                    rest.ranges.push((from, hole_from - 1));
                }
                if hole_to >= to {
                    open = false;
                    break;
                }
                from = hole_to + 1;
            }
            if open {
                rest.ranges.push((from, to));
            }
        }
        rest
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        let mut set = Self::new();
        uids.into_iter().for_each(|uid| set.insert(uid));
        set
    }
}

/// As IMAP writes it: `1:5,7`. The empty set prints as nothing.
impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, &(from, to)) in self.ranges.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            if from == to {
                write!(f, "{comma}{from}")?;
            } else {
                write!(f, "{comma}{from}:{to}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(values: &BTreeSet<u32>) -> UidSet {
        values.iter().filter_map(|&v| Uid::new(v)).collect()
    }

    fn model(set: &UidSet) -> BTreeSet<u32> {
        set.iter().map(Uid::value).collect()
    }

    proptest! {
        #[test]
        fn behaves_like_a_plain_set(
            ranges in prop::collection::vec((1u32..60, 1u32..60), 0..12),
            other in prop::collection::btree_set(1u32..60, 0..30),
        ) {
            let mut ours = UidSet::new();
            let mut plain = BTreeSet::new();
            for (a, b) in ranges {
                ours.insert_range(Uid::new(a).unwrap(), Uid::new(b).unwrap());
                plain.extend(a.min(b)..=a.max(b));
            }
            prop_assert_eq!(model(&ours), plain.clone());
            prop_assert_eq!(ours.len(), plain.len() as u64);
            prop_assert_eq!(&ours, &set(&plain));
            let theirs = set(&other);
            prop_assert_eq!(model(&ours.intersection(&theirs)), &plain & &other);
            prop_assert_eq!(model(&ours.difference(&theirs)), &plain - &other);
            prop_assert_eq!(model(&ours.union(&theirs)), &plain | &other);
            for value in 1..60 {
                prop_assert_eq!(ours.contains(Uid::new(value).unwrap()), plain.contains(&value));
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_hold() {
        let mut all = UidSet::all();
        all.insert(Uid::MAX);
        assert_eq!(all.to_string(), "1:4294967295");
        assert_eq!(all.len(), u64::from(u32::MAX));
        assert!(all.difference(&UidSet::all()).is_empty());
    }
}
