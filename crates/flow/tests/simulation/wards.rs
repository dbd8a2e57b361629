//! What may not be tried, from when to when.

use std::collections::HashMap;
use std::time::Duration;

use posthouse_model::UnixMillis;

/// A message and one of its recipients.
pub type Key = (u64, String);

/// What is under way, or about to be, when its sender is frozen may still go: for as long as one delivery works.
pub const UNDER_WAY: Duration = Duration::from_secs(5);

/// Why something may not be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its sender wants it to go later.
    Later,
    /// An administrator holds it, or it is held because its sender is frozen.
    Held,
    /// Its sender is frozen.
    Frozen,
    /// It is returned, or dropped.
    Over,
}

/// A time in which something may not be tried.
#[derive(Clone, Copy, Debug)]
pub struct Ward {
    pub why: Why,
    pub from: UnixMillis,
    /// `None` while nobody knows.
    pub until: Option<UnixMillis>,
}

impl Ward {
    /// Whether an attempt at this time breaks it.
    fn forbids(&self, at: UnixMillis) -> bool {
        let begins = if self.why == Why::Frozen { self.from + UNDER_WAY } else { self.from };
        at >= begins && self.until.is_none_or(|until| at < until)
    }
}

/// All such times.
#[derive(Default)]
pub struct Wards(HashMap<Key, Vec<Ward>>);

impl Wards {
    pub fn begin(&mut self, key: &Key, ward: Ward) {
        self.0.entry(key.clone()).or_default().push(ward);
    }

    /// Ends what holds a recipient back for this reason.
    pub fn end(&mut self, key: &Key, why: Why, now: UnixMillis) {
        for ward in self.of_mut(key).iter_mut().filter(|ward| ward.why == why) {
            ward.until = Some(ward.until.map_or(now, |until| until.min(now)));
        }
    }

    /// Nothing came of a message after all.
    pub fn forget(&mut self, message: u64) {
        self.0.retain(|(number, _), _| *number != message);
    }

    /// Why an attempt may not be made.
    pub fn forbidding(&self, key: &Key, now: UnixMillis) -> Option<Ward> {
        self.0.get(key)?.iter().find(|ward| ward.forbids(now)).copied()
    }

    /// What held a recipient back, and what will, earliest first.
    pub fn of(&self, key: &Key) -> Vec<Ward> {
        let mut wards = self.0.get(key).cloned().unwrap_or_default();
        wards.sort_by_key(|ward| ward.from);
        wards
    }

    fn of_mut(&mut self, key: &Key) -> &mut [Ward] {
        self.0.get_mut(key).map_or(&mut [], Vec::as_mut_slice)
    }
}
