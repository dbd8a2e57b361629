//! The mailbox as a plain list, as one of those sees it who may read it.

use std::collections::BTreeSet;

use posthouse_model::flag::FlagChange;

use super::people::May;

/// Flags by their names.
pub(super) type FlagNames = BTreeSet<String>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub uid: u32,
    pub text: String,
    pub flags: FlagNames,
    pub modseq: u64,
}

/// A message that went, and the modification sequences between which it did: after the first, at the second at the
/// latest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone {
    pub uid: u32,
    pub after: u64,
    pub at: u64,
}

/// What a command does to the mailbox.
#[derive(Clone, Debug, Default)]
pub(super) enum Effect {
    #[default]
    Nothing,
    Append {
        text: String,
        flags: FlagNames,
    },
    Store {
        uids: Vec<u32>,
        change: FlagChange,
        flags: FlagNames,
    },
    Copy(Vec<u32>),
    MoveWithin(Vec<u32>),
    Remove(Vec<u32>),
    /// Of all, or of some.
    Expunge(Option<Vec<u32>>),
}

impl Effect {
    /// Whether somebody may be told of a message in which, for them, nothing changed: for all know that it was touched,
    /// and not all that somebody has seen it.
    fn touches(&self, uid: u32) -> bool {
        matches!(self, Self::Store { uids, .. } if uids.contains(&uid))
    }
}

/// The plain list.
#[derive(Default)]
pub(super) struct Reference {
    pub messages: Vec<Message>,
    pub gone: Vec<Gone>,
    pub highest: u64,
    last_uid: u32,
}

impl Reference {
    /// Nothing, at this modification sequence.
    pub(super) fn empty(highest: u64) -> Self {
        Self { highest, ..Self::default() }
    }

    pub(super) fn get(&self, uid: u32) -> Option<&Message> {
        self.messages.iter().find(|message| message.uid == uid)
    }

    pub(super) fn uids(&self) -> Vec<u32> {
        self.messages.iter().map(|message| message.uid).collect()
    }

    /// The UID of the next message.
    pub(super) fn next_uid(&self) -> u32 {
        self.last_uid + 1
    }

    /// What somebody does who `may` do so much, in the eyes of whose list it is.
    pub(super) fn apply(&mut self, effect: &Effect, may: May) {
        match effect {
            Effect::Nothing => {}
            Effect::Append { text, flags } => self.add(text.clone(), may.set(flags)),
            Effect::Store { uids, change, flags } => {
                for message in self.messages.iter_mut().filter(|one| uids.contains(&one.uid)) {
                    message.flags = may.changed(&message.flags, *change, flags);
                }
            }
            Effect::Copy(uids) => self.copy(uids, may),
            Effect::MoveWithin(uids) => {
                let last = self.last_uid;
                self.copy(uids, may);
                self.remove(|message| message.uid <= last && uids.contains(&message.uid));
            }
            Effect::Remove(uids) => self.remove(|message| uids.contains(&message.uid)),
            Effect::Expunge(uids) => self.remove(|message| {
                message.flags.contains("\\Deleted") && uids.as_ref().is_none_or(|uids| uids.contains(&message.uid))
            }),
        }
    }

    /// Takes over the modification sequences of what there really is, which has to be what there should be. `by_other`
    /// did `effect`, and not whose list it is.
    pub(super) fn learn(&mut self, before: &[Message], there: &[Message], highest: u64, by_other: Option<&Effect>) {
        let figures = |messages: &[Message]| -> Vec<_> {
            messages.iter().map(|message| (message.uid, message.flags.clone())).collect()
        };
        assert_eq!(figures(there), figures(&self.messages), "the mailbox is not what it should be");
        for (message, real) in self.messages.iter_mut().zip(there) {
            let old = before.iter().find(|one| one.uid == message.uid);
            match old.filter(|old| old.flags == message.flags) {
                Some(old) if real.modseq == old.modseq => {}
                Some(_) if by_other.is_some_and(|effect| effect.touches(message.uid)) => {
                    assert!(real.modseq > self.highest);
                }
                Some(_) => panic!("UID {} did not change", message.uid),
                None => assert!(real.modseq > self.highest, "UID {} changed", message.uid),
            }
            assert!(real.modseq <= highest);
            message.modseq = real.modseq;
        }
        assert!(highest >= self.highest);
        for gone in self.gone.iter_mut().filter(|gone| gone.at == u64::MAX) {
            assert!(highest > self.highest, "UID {} went", gone.uid);
            gone.at = highest;
        }
        self.highest = highest;
    }

    fn add(&mut self, text: String, flags: FlagNames) {
        self.last_uid += 1;
        self.messages.push(Message { uid: self.last_uid, text, flags, modseq: u64::MAX });
    }

    fn copy(&mut self, uids: &[u32], may: May) {
        let copies: Vec<_> = self.messages.iter().filter(|message| uids.contains(&message.uid)).cloned().collect();
        copies.into_iter().for_each(|message| self.add(message.text, may.set(&message.flags)));
    }

    fn remove(&mut self, goes: impl Fn(&Message) -> bool) {
        let after = self.highest;
        let going = self.messages.iter().filter(|message| goes(message));
        self.gone.extend(going.map(|message| Gone { uid: message.uid, after, at: u64::MAX }));
        self.messages.retain(|message| !goes(message));
    }
}
