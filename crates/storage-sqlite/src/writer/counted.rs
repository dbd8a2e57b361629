//! Counts that the writer keeps between commits, and writes once for each batch.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// Counts by what they are of.
#[derive(Debug)]
pub(super) struct Counted<K, V> {
    counts: HashMap<K, V>,
    unwritten: BTreeSet<K>,
    /// What the request under way has changed, and how it was before.
    before: Vec<(K, V)>,
}

impl<K, V> Default for Counted<K, V> {
    fn default() -> Self {
        Self { counts: HashMap::new(), unwritten: BTreeSet::new(), before: Vec::new() }
    }
}

impl<K: Copy + Eq + Hash + Ord, V: Copy> Counted<K, V> {
    /// The count of `key`, which is read if it is not known.
    pub(super) fn of<E>(&mut self, key: K, read: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        match self.counts.get(&key) {
            Some(count) => Ok(*count),
            None => Ok(*self.counts.entry(key).or_insert(read()?)),
        }
    }

    /// Sets a count that is known.
    pub(super) fn set(&mut self, key: K, count: V) {
        if let Some(before) = self.counts.insert(key, count) {
            self.before.push((key, before));
        }
        self.unwritten.insert(key);
    }

    /// Its row is gone.
    pub(super) fn forget(&mut self, key: K) {
        if let Some(before) = self.counts.remove(&key) {
            self.before.push((key, before));
        }
    }

    /// A request begins.
    pub(super) fn begin(&mut self) {
        self.before.clear();
    }

    /// The request under way is taken back.
    pub(super) fn take_back(&mut self) {
        for (key, before) in self.before.drain(..).rev() {
            self.counts.insert(key, before);
        }
    }

    /// What has to be written. It is considered written.
    pub(super) fn take_unwritten(&mut self) -> Vec<(K, V)> {
        let unwritten = std::mem::take(&mut self.unwritten);
        unwritten.into_iter().filter_map(|key| self.counts.get(&key).map(|count| (key, *count))).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_back_is_as_it_was() {
        let mut counted = Counted::<u8, u32>::default();
        assert_eq!(counted.of(1, || Ok::<_, ()>(5)), Ok(5));
        counted.set(1, 6);
        counted.begin();
        counted.set(1, 7);
        counted.forget(1);
        counted.take_back();
        assert_eq!(counted.take_unwritten(), [(1, 6)]);
        assert_eq!(counted.take_unwritten(), []);
        counted.forget(1);
        assert_eq!(counted.of(1, || Err("gone")), Err("gone"));
    }
}
