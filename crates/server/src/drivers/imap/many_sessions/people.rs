//! Who is at the mailbox: its owner, and others with rights of their own.

use std::collections::BTreeSet;

use posthouse_model::Right::{DeleteMessages, Expunge, Insert, Seen, Write};
use posthouse_model::flag::FlagChange;
use posthouse_model::{Right, Rights};

use super::reference::FlagNames;

/// Somebody with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Whose INBOX it is.
    Owner,
    /// One who may do as much as the owner.
    Colleague,
    /// One whose rights change.
    Guest,
}

/// What the colleague may do.
pub(super) const COLLEAGUES_RIGHTS: &str = "lrswite";
/// What the guest may do, one after another. Reading is never withdrawn: to a session that may not read, the mailbox is
/// gone, as another test tries.
pub(super) const GUESTS_RIGHTS: [&str; 7] = ["lrs", "lr", "lrsw", "lrste", "lrswi", "lrt", "lrswite"];

impl Who {
    pub(super) const ALL: [Self; 3] = [Self::Owner, Self::Colleague, Self::Guest];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Owner => "ann",
            Self::Colleague => "bob",
            Self::Guest => "carl",
        }
    }

    /// What the mailbox is called.
    pub(super) fn mailbox(self) -> &'static str {
        if self == Self::Owner { "INBOX" } else { "Users/ann@example.org/INBOX" }
    }
}

/// What somebody may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct May(Rights);

impl May {
    pub(super) fn everything() -> Self {
        Self(Rights::ALL)
    }

    pub(super) fn only(letters: &str) -> Self {
        Self(Rights::parse(letters).unwrap())
    }

    pub(super) fn insert(self) -> bool {
        self.0.has(Insert)
    }

    pub(super) fn expunge(self) -> bool {
        self.0.has(Expunge)
    }

    pub(super) fn mark_seen(self) -> bool {
        self.0.has(Seen)
    }

    /// RFC 6851 §4.2
    pub(super) fn take_out(self) -> bool {
        self.0.has(DeleteMessages) && self.0.has(Expunge)
    }

    /// The same, of what is everybody's: whether one has seen a message is one's own affair.
    pub(super) fn of_others(self) -> Self {
        Self(Right::EACH.into_iter().filter(|&right| right != Seen && self.0.has(right)).collect())
    }

    fn change(self, flag: &str) -> bool {
        self.0.has(match flag {
            "\\Seen" => Seen,
            "\\Deleted" => DeleteMessages,
            _ => Write,
        })
    }

    /// RFC 4314 §4: a STORE fails when it may change none of what it names.
    pub(super) fn change_some(self, change: FlagChange, flags: &FlagNames) -> bool {
        if change == FlagChange::Replace || flags.is_empty() {
            return [Seen, DeleteMessages, Write].into_iter().any(|right| self.0.has(right));
        }
        flags.iter().any(|flag| self.change(flag))
    }

    /// Those of `flags` that may be set.
    pub(super) fn set(self, flags: &FlagNames) -> FlagNames {
        flags.iter().filter(|flag| self.change(flag)).cloned().collect()
    }

    /// What flags become.
    pub(super) fn changed(self, old: &FlagNames, change: FlagChange, flags: &FlagNames) -> FlagNames {
        let flags = self.set(flags);
        match change {
            FlagChange::Replace => {
                let kept: BTreeSet<_> = old.iter().filter(|flag| !self.change(flag)).cloned().collect();
                kept.union(&flags).cloned().collect()
            }
            FlagChange::Add => old.union(&flags).cloned().collect(),
            FlagChange::Remove => old.difference(&flags).cloned().collect(),
        }
    }
}
