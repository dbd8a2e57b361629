//! What clients do.

use std::collections::BTreeSet;

use posthouse_model::flag::FlagChange;
use proptest::prelude::*;

use super::client::{Kind, Open};
use super::order::Order;
use super::people::{GUESTS_RIGHTS, Who};
use super::reference::{FlagNames, Message, Reference};
use super::reply::set;

/// Sets of flags that are used.
const MARKS: [&[&str]; 6] = [&["\\Seen"], &["\\Deleted"], &["\\Deleted", "$a"], &["\\Seen", "$a"], &["$a", "$b"], &[]];
/// Minutes in which messages were sent.
const MINUTES: u8 = 5;
/// A word that some messages have.
pub(super) const WORDS: [&str; 2] = ["pears", "apples"];

pub(super) fn marks(at: usize) -> FlagNames {
    MARKS[at % MARKS.len()].iter().map(|&flag| flag.to_owned()).collect()
}

/// Messages of the open mailbox.
#[derive(Clone, Debug)]
pub(super) enum Which {
    All,
    Saved,
    /// Places, or UIDs.
    Some(Vec<u32>),
}

impl Which {
    /// How it is said, and the UIDs of those that the client knows.
    pub(super) fn say(&self, open: &Open, by_uid: bool) -> (String, Vec<u32>) {
        let all = open.uids();
        match self {
            Self::Saved => ("$".to_owned(), open.saved.iter().copied().collect()),
            Self::Some(uids) if by_uid && !uids.is_empty() => {
                let named: BTreeSet<u32> = uids.iter().map(|uid| uid + 1).collect();
                (set(named.iter().copied()), all.into_iter().filter(|uid| named.contains(uid)).collect())
            }
            Self::Some(places) if !places.is_empty() && !all.is_empty() => {
                let places: BTreeSet<usize> = places.iter().map(|&place| place as usize % all.len()).collect();
                let numbers = places.iter().map(|&place| u32::try_from(place).unwrap() + 1);
                (set(numbers), places.iter().map(|&place| all[place]).collect())
            }
            Self::All | Self::Some(_) => ("1:*".to_owned(), all),
        }
    }
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(super) enum Key {
    All,
    Flag(&'static str),
    Word(usize),
    Uids(Vec<u32>),
    Numbers(Which),
    /// Those that changed after so many steps before the last.
    Modseq(u64),
    Not(Box<Key>),
    Or(Box<Key>, Box<Key>),
}

impl Key {
    pub(super) fn say(&self, open: &Open, highest: u64) -> String {
        match self {
            Self::All => "ALL".to_owned(),
            Self::Flag(flag) => match flag.strip_prefix('\\') {
                Some(name) => name.to_uppercase(),
                None => format!("KEYWORD {flag}"),
            },
            Self::Word(word) => format!("SUBJECT {}", WORDS[*word]),
            Self::Uids(uids) => format!("UID {}", set(uids.iter().map(|uid| uid + 1))),
            Self::Numbers(which) => which.say(open, false).0,
            Self::Modseq(back) => format!("MODSEQ {}", highest.saturating_sub(*back)),
            Self::Not(key) => format!("NOT {}", key.say(open, highest)),
            Self::Or(one, other) => format!("OR {} {}", one.say(open, highest), other.say(open, highest)),
        }
    }

    /// What is found, of the messages that the client knows and that are still there.
    pub(super) fn find(&self, open: &Open, reference: &Reference) -> BTreeSet<u32> {
        let known = open.uids();
        let there = reference.messages.iter().filter(|message| known.contains(&message.uid));
        there.filter(|message| self.meets(message, open, reference.highest)).map(|message| message.uid).collect()
    }

    fn meets(&self, message: &Message, open: &Open, highest: u64) -> bool {
        match self {
            Self::All => true,
            Self::Flag(flag) => message.flags.contains(*flag),
            Self::Word(word) => message.text.contains(WORDS[*word]),
            Self::Uids(uids) => uids.contains(&(message.uid - 1)),
            Self::Numbers(which) => which.say(open, false).1.contains(&message.uid),
            Self::Modseq(back) => message.modseq >= highest.saturating_sub(*back),
            Self::Not(key) => !key.meets(message, open, highest),
            Self::Or(one, other) => one.meets(message, open, highest) || other.meets(message, open, highest),
        }
    }

    /// Whether it says the same at any time.
    pub(super) fn is_steady(&self) -> bool {
        match self {
            Self::All | Self::Flag(_) | Self::Word(_) | Self::Uids(_) => true,
            Self::Numbers(_) | Self::Modseq(_) => false,
            Self::Not(key) => key.is_steady(),
            Self::Or(one, other) => one.is_steady() && other.is_steady(),
        }
    }

    /// Whether it looks at some messages only, whatever they are like.
    pub(super) fn names_messages(&self) -> bool {
        matches!(self, Self::Uids(_) | Self::Numbers(_))
    }

    pub(super) fn names_numbers(&self) -> bool {
        match self {
            Self::Numbers(_) => true,
            Self::Not(key) => key.names_numbers(),
            Self::Or(one, other) => one.names_numbers() || other.names_numbers(),
            _ => false,
        }
    }

    pub(super) fn names_modseq(&self) -> bool {
        match self {
            Self::Modseq(_) => true,
            Self::Not(key) => key.names_modseq(),
            Self::Or(one, other) => one.names_modseq() || other.names_modseq(),
            _ => false,
        }
    }
}

/// What a FETCH asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Items {
    Flags,
    UidFlagsModseq,
    /// Which marks it as seen.
    Text,
    PeekText,
    /// Those that changed after so many steps before the last.
    ChangedSince(u64),
    /// Likewise, and those that went.
    Vanished(u64),
}

/// How a result is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Plain,
    Sorted(Order),
    All,
    Save,
    MinMax,
    MinMaxCount,
    Update,
    SortedUpdate(Order),
}

impl Wanted {
    /// Whether the result is to be kept up to date.
    pub(super) fn updates(self) -> bool {
        matches!(self, Self::Update | Self::SortedUpdate(_))
    }

    pub(super) fn order(self) -> Option<Order> {
        match self {
            Self::Sorted(order) | Self::SortedUpdate(order) => Some(order),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Command {
    Append {
        marks: usize,
        word: usize,
        minute: u8,
        /// Which of the messages that there are it answers, if any.
        answers: Option<u32>,
    },
    Store {
        by_uid: bool,
        which: Which,
        change: FlagChange,
        silent: bool,
        marks: usize,
        unchanged_since: Option<u64>,
    },
    Fetch {
        by_uid: bool,
        which: Which,
        items: Items,
    },
    Search {
        by_uid: bool,
        key: Key,
        wanted: Wanted,
    },
    Thread {
        by_uid: bool,
        key: Key,
        by_references: bool,
    },
    Copy {
        by_uid: bool,
        which: Which,
        within: bool,
    },
    Move {
        by_uid: bool,
        which: Which,
        within: bool,
    },
    Expunge,
    UidExpunge(Which),
    Noop,
    Idle,
    Close,
    Unselect,
    Open {
        read_only: bool,
    },
    /// The connection is lost, and the client comes again, with what it knew.
    Resume {
        known_uids: bool,
        matches: bool,
    },
    /// The owner changes what the guest may do.
    Grant(usize),
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![
        4 => prop::collection::vec(0u32..24, 1..5).prop_map(Which::Some),
        2 => Just(Which::All),
        1 => Just(Which::Saved),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    let leaf = prop_oneof![
        Just(Key::All),
        prop::sample::select(&["\\Seen", "\\Deleted", "$a", "$b"][..]).prop_map(Key::Flag),
        (0..WORDS.len()).prop_map(Key::Word),
        prop::collection::vec(0u32..24, 1..5).prop_map(Key::Uids),
        which().prop_map(Key::Numbers),
        (0u64..8).prop_map(Key::Modseq),
    ];
    leaf.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|key| Key::Not(Box::new(key))),
            (inner.clone(), inner).prop_map(|(one, other)| Key::Or(Box::new(one), Box::new(other))),
        ]
    })
}

fn items() -> impl Strategy<Value = Items> {
    prop_oneof![
        Just(Items::Flags),
        Just(Items::UidFlagsModseq),
        Just(Items::Text),
        Just(Items::PeekText),
        (0u64..8).prop_map(Items::ChangedSince),
        (0u64..8).prop_map(Items::Vanished),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let order = || prop::sample::select(&Order::ALL[..]);
    prop_oneof![
        Just(Wanted::Plain),
        order().prop_map(Wanted::Sorted),
        Just(Wanted::All),
        Just(Wanted::Save),
        Just(Wanted::MinMax),
        Just(Wanted::MinMaxCount),
        Just(Wanted::Update),
        order().prop_map(Wanted::SortedUpdate),
    ]
}

fn change() -> impl Strategy<Value = FlagChange> {
    prop::sample::select(&[FlagChange::Add, FlagChange::Remove, FlagChange::Replace][..])
}

pub(super) fn who() -> impl Strategy<Value = Who> {
    prop::sample::select(&Who::ALL[..])
}

pub(super) fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(&Kind::ALL[..])
}

pub(super) fn command() -> impl Strategy<Value = Command> {
    let by_uid = any::<bool>;
    prop_oneof![
        6 => (0..MARKS.len(), 0..WORDS.len(), 0..MINUTES, prop::option::of(0u32..24)).prop_map(
            |(marks, word, minute, answers)| Command::Append { marks, word, minute, answers },
        ),
        6 => (by_uid(), which(), change(), any::<bool>(), 0..MARKS.len(), prop::option::weighted(0.3, 0u64..6)).prop_map(
            |(by_uid, which, change, silent, marks, unchanged_since)| {
                Command::Store { by_uid, which, change, silent, marks, unchanged_since }
            },
        ),
        5 => (by_uid(), which(), items()).prop_map(|(by_uid, which, items)| Command::Fetch { by_uid, which, items }),
        5 => (by_uid(), key(), wanted()).prop_map(|(by_uid, key, wanted)| Command::Search { by_uid, key, wanted }),
        2 => (by_uid(), key(), any::<bool>())
            .prop_map(|(by_uid, key, by_references)| Command::Thread { by_uid, key, by_references }),
        1 => (by_uid(), which(), any::<bool>())
            .prop_map(|(by_uid, which, within)| Command::Copy { by_uid, which, within }),
        1 => (by_uid(), which(), any::<bool>())
            .prop_map(|(by_uid, which, within)| Command::Move { by_uid, which, within }),
        3 => Just(Command::Expunge),
        1 => which().prop_map(Command::UidExpunge),
        3 => Just(Command::Noop),
        2 => Just(Command::Idle),
        1 => Just(Command::Close),
        1 => Just(Command::Unselect),
        1 => any::<bool>().prop_map(|read_only| Command::Open { read_only }),
        2 => (any::<bool>(), any::<bool>())
            .prop_map(|(known_uids, matches)| Command::Resume { known_uids, matches }),
        1 => (0..GUESTS_RIGHTS.len()).prop_map(Command::Grant),
    ]
}
