//! The maildrop as one session sees it: numbered when it was opened, with marks of deletion (RFC 1939 §4, §5).

use posthouse_model::{Uid, UidValidity};

use crate::command::MessageNumber;

/// A message of a maildrop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its UID in the INBOX.
    pub uid: Uid,
    /// Its size in octets as it is sent, that is with every line end counted as CRLF, and without the dots that are
    /// stuffed (RFC 1939 §11).
    pub size_bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    size_bytes: u64,
    uid: Uid,
    deleted: bool,
}

impl Slot {
    fn entry(self) -> Entry {
        Entry { uid: self.uid, size_bytes: self.size_bytes }
    }
}

/// The messages of a session, by number.
#[derive(Debug)]
pub(crate) struct Maildrop {
    uid_validity: UidValidity,
    slots: Vec<Slot>,
    remaining_messages: usize,
    remaining_bytes: u64,
}

impl Maildrop {
    /// Numbers the first `limit` of `entries`.
    pub(crate) fn new(uid_validity: UidValidity, mut entries: Vec<Entry>, limit: usize) -> Self {
        entries.truncate(limit);
        let slots: Vec<_> =
            entries.into_iter().map(|Entry { uid, size_bytes }| Slot { size_bytes, uid, deleted: false }).collect();
        let mut maildrop = Self { uid_validity, slots, remaining_messages: 0, remaining_bytes: 0 };
        maildrop.unmark_all();
        maildrop
    }

    /// How many messages are not marked as deleted.
    pub(crate) fn remaining_messages(&self) -> usize {
        self.remaining_messages
    }

    /// The octets of the messages that are not marked as deleted.
    pub(crate) fn remaining_bytes(&self) -> u64 {
        self.remaining_bytes
    }

    /// The message of a number, if there is one and it is not marked as deleted.
    pub(crate) fn message(&self, number: MessageNumber) -> Option<Entry> {
        let slot = self.slots.get(index(number))?;
        (!slot.deleted).then(|| slot.entry())
    }

    /// The first message, not marked as deleted, whose index (its number less one) is at least `index`.
    pub(crate) fn at_or_after(&self, index: usize) -> Option<(usize, Entry)> {
        let slots = self.slots.get(index..)?;
        let offset = slots.iter().position(|slot| !slot.deleted)?;
        Some((index + offset, slots[offset].entry()))
    }

    /// Marks a message as deleted; `false` if there is no such message or it is marked already.
    pub(crate) fn mark_deleted(&mut self, number: MessageNumber) -> bool {
        match self.slots.get_mut(index(number)) {
            Some(slot) if !slot.deleted => {
                slot.deleted = true;
                self.remaining_messages -= 1;
                self.remaining_bytes = self.remaining_bytes.saturating_sub(slot.size_bytes);
                true
            }
            _ => false,
        }
    }

    /// Takes every mark away.
    pub(crate) fn unmark_all(&mut self) {
        if self.remaining_messages == self.slots.len() {
            return;
        }
        for slot in &mut self.slots {
            slot.deleted = false;
        }
        self.remaining_messages = self.slots.len();
        self.remaining_bytes = self.slots.iter().fold(0, |sum, slot| sum.saturating_add(slot.size_bytes));
    }

    /// The messages marked as deleted.
    pub(crate) fn deleted(&self) -> Vec<Uid> {
        self.slots.iter().filter(|slot| slot.deleted).map(|slot| slot.uid).collect()
    }

    /// The first part of every unique-id. With the UID it names a message for ever: at most 21 octets, all of them
    /// within 0x21 to 0x7E (RFC 1939 §7).
    pub(crate) fn uid_validity(&self) -> UidValidity {
        self.uid_validity
    }
}

fn index(number: MessageNumber) -> usize {
    usize::try_from(number.0.get() - 1).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn maildrop(sizes: &[u64], limit: usize) -> Maildrop {
        let entries = (1..).zip(sizes).map(|(uid, &size_bytes)| Entry { uid: Uid::new(uid).unwrap(), size_bytes });
        Maildrop::new(UidValidity(NonZeroU32::MIN), entries.collect(), limit)
    }

    fn number(value: u32) -> MessageNumber {
        MessageNumber(NonZeroU32::new(value).unwrap())
    }

    #[test]
    fn marks_change_the_totals_and_go_away() {
        let mut maildrop = maildrop(&[120, 200, 3], 9);
        assert!(maildrop.mark_deleted(number(2)));
        assert!(!maildrop.mark_deleted(number(2)));
        assert!(!maildrop.mark_deleted(number(4)));
        assert!(!maildrop.mark_deleted(number(u32::MAX)));
        assert_eq!((maildrop.remaining_messages(), maildrop.remaining_bytes()), (2, 123));
        assert_eq!(maildrop.message(number(2)), None);
        assert_eq!(maildrop.at_or_after(1).unwrap().0, 2);
        assert_eq!(maildrop.deleted(), [Uid::new(2).unwrap()]);
        maildrop.unmark_all();
        assert_eq!((maildrop.remaining_messages(), maildrop.remaining_bytes()), (3, 323));
        assert!(maildrop.deleted().is_empty());
    }

    #[test]
    fn a_long_maildrop_is_cut_and_huge_sizes_do_not_overflow() {
        let maildrop = maildrop(&[u64::MAX, u64::MAX, 1], 2);
        assert_eq!((maildrop.remaining_messages(), maildrop.remaining_bytes()), (2, u64::MAX));
        assert_eq!(maildrop.message(number(3)), None);
    }

    #[test]
    fn a_mark_costs_no_memory() {
        assert_eq!(size_of::<Slot>(), 16);
    }
}
