//! The days of `Date` fields, as far as they have been asked for, of an opened mailbox.

use std::collections::BTreeMap;

use posthouse_model::{Uid, UnixDay};

/// UIDs that share a chunk.
const CHUNK_UIDS: u32 = 512;
/// Most chunks, of 2 KB each. What has no room is looked up each time.
const MAX_CHUNKS: usize = 8192;
/// Stands for a day that is not known.
const UNKNOWN: i32 = i32::MIN;

/// The day on which each message was sent. It never changes, and UIDs never come back, so nothing has to be taken out.
#[derive(Debug, Default)]
pub(crate) struct SentDays {
    chunks: BTreeMap<u32, Box<[i32; CHUNK_UIDS as usize]>>,
}

impl SentDays {
    /// The day, if it is known.
    pub(super) fn of(&self, uid: Uid) -> Option<UnixDay> {
        let day = self.chunks.get(&(uid.value() / CHUNK_UIDS))?[(uid.value() % CHUNK_UIDS) as usize];
        (day != UNKNOWN).then_some(UnixDay(day))
    }

    /// Takes in a day, if there is room.
    pub(super) fn learn(&mut self, uid: Uid, day: UnixDay) {
        let chunk = uid.value() / CHUNK_UIDS;
        if self.chunks.len() < MAX_CHUNKS || self.chunks.contains_key(&chunk) {
            let days = self.chunks.entry(chunk).or_insert_with(|| Box::new([UNKNOWN; CHUNK_UIDS as usize]));
            days[(uid.value() % CHUNK_UIDS) as usize] = day.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(value: u32) -> Uid {
        Uid::new(value).unwrap()
    }

    #[test]
    fn days_are_known_once_they_are_learnt() {
        let mut days = SentDays::default();
        for (at, day) in [(1, 0), (511, -1), (512, 20_000), (u32::MAX, 7)] {
            assert_eq!(days.of(uid(at)), None);
            days.learn(uid(at), UnixDay(day));
            assert_eq!(days.of(uid(at)), Some(UnixDay(day)));
        }
        assert_eq!(days.of(uid(2)), None);
    }

    #[test]
    fn there_is_room_for_so_many_only() {
        let mut days = SentDays::default();
        let distant = (0..MAX_CHUNKS as u32 + 1).map(|at| uid(at * CHUNK_UIDS + 1));
        distant.clone().for_each(|uid| days.learn(uid, UnixDay(1)));
        assert_eq!(distant.filter(|uid| days.of(*uid).is_some()).count(), MAX_CHUNKS);
        days.learn(uid(2), UnixDay(2));
        assert_eq!(days.of(uid(2)), Some(UnixDay(2)));
    }
}
