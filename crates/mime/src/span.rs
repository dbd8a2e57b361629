//! A run of octets in the raw message.

use std::ops::Range;

/// Octets `start..end` of the raw message, counted from its first octet. `start <= end` always holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first octet.
    pub start: u64,
    /// The octet after the last.
    pub end: u64,
}

impl Span {
    /// The octets from `start` up to, not including, `end`; empty where `end` lies before `start`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: start as u64, end: end.max(start) as u64 }
    }

    /// The number of octets.
    #[must_use]
    pub fn len(self) -> u64 {
        self.end - self.start
    }

    /// Whether there are no octets.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The same octets as a range for slicing.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        let end = usize::try_from(self.end).unwrap_or(usize::MAX);
        usize::try_from(self.start).unwrap_or(usize::MAX)..end
    }

    /// The octets themselves; what lies beyond the end of `raw` is left out, so that a structure read with the wrong
    /// message gives wrong octets but never a panic.
    #[must_use]
    pub fn of(self, raw: &[u8]) -> &[u8] {
        let range = self.range();
        let end = range.end.min(raw.len());
        &raw[range.start.min(end)..end]
    }
}
