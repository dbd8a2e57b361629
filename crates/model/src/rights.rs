//! What somebody may do with a mailbox (RFC 4314 §2.1).

use std::fmt;

use thiserror::Error;

use crate::flag::FlagChange;
use crate::{Flags, SystemFlag};

/// One right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Right {
    /// `l`: the mailbox is seen in lists.
    Lookup = 1,
    /// `r`: it can be opened, and its figures asked for.
    Read = 1 << 1,
    /// `s`: \Seen is kept.
    Seen = 1 << 2,
    /// `w`: flags other than \Seen and \Deleted can be changed.
    Write = 1 << 3,
    /// `i`: messages can be put in.
    Insert = 1 << 4,
    /// `p`: mail can be sent to it.
    Post = 1 << 5,
    /// `k`: mailboxes can be made below it.
    Create = 1 << 6,
    /// `x`: it can be deleted and renamed.
    DeleteMailbox = 1 << 7,
    /// `t`: \Deleted can be changed.
    DeleteMessages = 1 << 8,
    /// `e`: messages with \Deleted can be expunged.
    Expunge = 1 << 9,
    /// `a`: who may do what can be changed.
    Administer = 1 << 10,
}

impl Right {
    /// All of them, in the order in which they are listed to clients.
    pub const EACH: [Self; 11] = [
        Self::Lookup,
        Self::Read,
        Self::Seen,
        Self::Write,
        Self::Insert,
        Self::Post,
        Self::Create,
        Self::DeleteMailbox,
        Self::DeleteMessages,
        Self::Expunge,
        Self::Administer,
    ];

    /// The letter that stands for it.
    pub fn letter(self) -> char {
        match self {
            Self::Lookup => 'l',
            Self::Read => 'r',
            Self::Seen => 's',
            Self::Write => 'w',
            Self::Insert => 'i',
            Self::Post => 'p',
            Self::Create => 'k',
            Self::DeleteMailbox => 'x',
            Self::DeleteMessages => 't',
            Self::Expunge => 'e',
            Self::Administer => 'a',
        }
    }
}

/// A set of rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rights(u16);

/// Why a text is no set of rights.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is not one of the rights lrswipkxtea")]
pub struct UnknownRight(pub char);

impl Rights {
    /// No right at all.
    pub const NONE: Self = Self(0);
    /// Every right; what the owner of a mailbox has.
    pub const ALL: Self = Self((1 << 11) - 1);
    /// What the old right `c` stands for. RFC 4314 §2.1.1 leaves open whether `x` belongs here or to `d`.
    pub const OLD_CREATE: Self = Self(Right::Create as u16 | Right::DeleteMailbox as u16);
    /// What the old right `d` stands for (RFC 4314 §2.1.1).
    pub const OLD_DELETE: Self = Self(Right::DeleteMessages as u16 | Right::Expunge as u16);

    /// Reads letters, in any order and with repetitions; `c` and `d` stand for what they did in RFC 2086. Any other
    /// character is an error: no right is silently left out (RFC 4314 §3.1).
    pub fn parse(letters: &str) -> Result<Self, UnknownRight> {
        letters.chars().try_fold(Self::NONE, |rights, letter| {
            let more = match letter {
                'c' => Self::OLD_CREATE,
                'd' => Self::OLD_DELETE,
                letter => {
                    let known = Right::EACH.into_iter().find(|right| right.letter() == letter);
                    Self::from(known.ok_or(UnknownRight(letter))?)
                }
            };
            Ok(rights.union(more))
        })
    }

    /// As the sum of [`Right`] values; unknown bits are dropped.
    pub fn from_bits(bits: u16) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The sum of [`Right`] values.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// Whether `right` is in the set.
    pub fn has(self, right: Right) -> bool {
        self.0 & right as u16 != 0
    }

    /// Whether all of `other` are in the set.
    pub fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in the set.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is no right.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The rights of both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The rights without those of `other`.
    #[must_use]
    pub fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Which flags they let somebody change (RFC 4314 §4).
    pub fn flag_scope(self) -> FlagScope {
        FlagScope {
            seen: self.has(Right::Seen),
            deleted: self.has(Right::DeleteMessages),
            others: self.has(Right::Write),
        }
    }
}

impl From<Right> for Rights {
    fn from(right: Right) -> Self {
        Self(right as u16)
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        rights.into_iter().fold(Self::NONE, |set, right| set.union(right.into()))
    }
}

/// As IMAP writes them: the old rights `c` and `d` follow when any of what they stand for is there (RFC 4314 §2.1.1).
impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for right in Right::EACH.into_iter().filter(|right| self.has(*right)) {
            write!(f, "{}", right.letter())?;
        }
        if self.meets(Self::OLD_CREATE) {
            f.write_str("c")?;
        }
        if self.meets(Self::OLD_DELETE) {
            f.write_str("d")?;
        }
        Ok(())
    }
}

/// How SETACL changes rights (RFC 4314 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RightsChange {
    /// Exactly these.
    Replace,
    /// `+`: these too.
    Add,
    /// `-`: not these.
    Remove,
}

impl RightsChange {
    /// What `old` becomes when `rights` are applied in this way.
    pub fn apply(self, old: Rights, rights: Rights) -> Rights {
        match self {
            Self::Replace => rights,
            Self::Add => old.union(rights),
            Self::Remove => old.difference(rights),
        }
    }
}

/// Flags that somebody may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagScope {
    /// \Seen.
    pub seen: bool,
    /// \Deleted.
    pub deleted: bool,
    /// All others, keywords included.
    pub others: bool,
}

impl FlagScope {
    /// Every flag.
    pub const ALL: Self = Self { seen: true, deleted: true, others: true };

    /// What `old` becomes when `flags` are applied as far as the scope reaches; the rest stays as it is.
    pub fn apply(self, change: FlagChange, old: &Flags, flags: &Flags) -> Flags {
        let wanted = change.apply(old, flags);
        if self == Self::ALL {
            return wanted;
        }
        let mut result = if self.others { wanted.clone() } else { old.clone() };
        for (flag, within) in [(SystemFlag::Seen, self.seen), (SystemFlag::Deleted, self.deleted)] {
            let from = if within { &wanted } else { old };
            if from.has(flag) { result.insert(flag) } else { result.remove(flag) }
        }
        result
    }

    /// Those of `flags` that are in the scope.
    pub fn of(self, flags: &Flags) -> Flags {
        self.apply(FlagChange::Replace, &Flags::none(), flags)
    }

    /// Whether `change` by `flags` is about any flag of the scope. Replacing is about all flags.
    pub fn allows_some(self, change: FlagChange, flags: &Flags) -> bool {
        if change == FlagChange::Replace || flags.is_empty() {
            return self.seen || self.deleted || self.others;
        }
        !self.of(flags).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Rights::parse(text).map(|rights| rights.to_string()), Ok(expected.to_owned()), "{text}");
    }

    #[test]
    fn rights_are_read_and_written() {
        check("", "");
        check("lr", "lr");
        check("rl", "lr");
        check("lrswipkxtea", "lrswipkxteacd");
        check("c", "kxc");
        check("d", "ted");
        check("lrswida", "lrswitead");
        check("kk", "kc");
        check("t", "td");
        assert_eq!(Rights::parse("lrswipkxtea"), Ok(Rights::ALL));
    }

    #[test]
    fn unknown_rights_are_errors() {
        for (text, bad) in [("lrQ", 'Q'), ("q", 'q'), ("l r", ' '), ("l0", '0'), ("+l", '+'), ("é", 'é')] {
            assert_eq!(Rights::parse(text), Err(UnknownRight(bad)), "{text}");
        }
    }

    #[test]
    fn rights_change() {
        let rights = |text| Rights::parse(text).unwrap();
        assert_eq!(RightsChange::Replace.apply(rights("lr"), rights("s")), rights("s"));
        assert_eq!(RightsChange::Add.apply(rights("lr"), rights("rs")), rights("lrs"));
        assert_eq!(RightsChange::Remove.apply(rights("lr"), rights("rs")), rights("l"));
    }

    #[test]
    fn flags_change_as_far_as_the_scope_reaches() {
        let flags = |bits: u8| Flags::from_bits(bits);
        let (seen, deleted, draft) = (SystemFlag::Seen as u8, SystemFlag::Deleted as u8, SystemFlag::Draft as u8);
        let scope = |text| Rights::parse(text).unwrap().flag_scope();
        for (rights, change, old, by, expected) in [
            ("swt", FlagChange::Replace, seen, draft, draft),
            ("wt", FlagChange::Replace, seen, draft, seen | draft),
            ("s", FlagChange::Replace, seen | deleted, draft, deleted),
            ("t", FlagChange::Add, 0, seen | deleted | draft, deleted),
            ("w", FlagChange::Remove, seen | deleted | draft, seen | deleted | draft, seen | deleted),
            ("lr", FlagChange::Replace, seen, 0, seen),
        ] {
            assert_eq!(scope(rights).apply(change, &flags(old), &flags(by)), flags(expected), "{rights} {change:?}");
        }
        assert!(scope("t").allows_some(FlagChange::Add, &flags(deleted | draft)));
        assert!(!scope("t").allows_some(FlagChange::Add, &flags(draft)));
        assert!(scope("t").allows_some(FlagChange::Replace, &flags(draft)));
        assert!(!scope("lr").allows_some(FlagChange::Replace, &flags(draft)));
    }
}
