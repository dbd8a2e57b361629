//! A client that believes what it hears, and minds what may be said.

use std::collections::{BTreeMap, BTreeSet};

use super::command::Key;
use super::order::Order;
use super::people::Who;
use super::reference::{FlagNames, Message, Reference};
use super::reply::{Node, Reply, Row, numbers};

/// What a client has enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Condstore,
    Qresync,
    Rev2,
    Rev2Qresync,
    UidOnly,
    UidOnlyQresync,
    Notify,
    NotifyDelayed,
    NotifyDelayedQresync,
    NotifyUidOnly,
}

impl Kind {
    pub(super) const ALL: [Self; 11] = [
        Self::Plain,
        Self::Condstore,
        Self::Qresync,
        Self::Rev2,
        Self::Rev2Qresync,
        Self::UidOnly,
        Self::UidOnlyQresync,
        Self::Notify,
        Self::NotifyDelayed,
        Self::NotifyDelayedQresync,
        Self::NotifyUidOnly,
    ];

    /// What enables it.
    pub(super) fn commands(self) -> &'static [&'static str] {
        const DELAYED: &str = "NOTIFY SET (selected-delayed (MessageNew (UID FLAGS) MessageExpunge FlagChange))";
        match self {
            Self::Plain => &[],
            Self::Condstore => &["ENABLE CONDSTORE"],
            Self::Qresync => &["ENABLE QRESYNC"],
            Self::Rev2 => &["ENABLE IMAP4rev2"],
            Self::Rev2Qresync => &["ENABLE IMAP4rev2 QRESYNC"],
            Self::UidOnly => &["ENABLE UIDONLY"],
            Self::UidOnlyQresync => &["ENABLE UIDONLY QRESYNC"],
            Self::Notify => &["NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange))"],
            Self::NotifyDelayed => &[DELAYED],
            Self::NotifyDelayedQresync => &["ENABLE QRESYNC", DELAYED],
            Self::NotifyUidOnly => &["ENABLE UIDONLY", DELAYED],
        }
    }

    pub(super) fn qresync(self) -> bool {
        matches!(self, Self::Qresync | Self::Rev2Qresync | Self::UidOnlyQresync | Self::NotifyDelayedQresync)
    }

    pub(super) fn uid_only(self) -> bool {
        matches!(self, Self::UidOnly | Self::UidOnlyQresync | Self::NotifyUidOnly)
    }

    /// Hears of everything while it says nothing.
    pub(super) fn notify(self) -> bool {
        matches!(self, Self::Notify | Self::NotifyDelayed | Self::NotifyDelayedQresync | Self::NotifyUidOnly)
    }
}

/// A message as the client knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub uid: u32,
    /// As far as it has been told.
    pub flags: Option<FlagNames>,
}

/// A result that is kept up to date.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub by_uid: bool,
    pub key: Key,
    /// As it was asked for; without one it is that of the mailbox.
    pub order: Option<Order>,
    /// Where not all messages were looked at, it is that of the messages from here on.
    pub lowest: u32,
    pub uids: Vec<u32>,
}

impl Kept {
    /// RFC 5267 §4.3.2: places are counted from 1, and 0 is anywhere.
    fn add(&mut self, place: usize, uids: &[u32]) {
        assert_eq!(place == 0, self.order.is_none());
        for (at, uid) in uids.iter().enumerate() {
            assert!(!self.uids.contains(uid), "UID {uid} is in the result already");
            match place.checked_sub(1) {
                None => self.uids.push(*uid),
                Some(place) => self.uids.insert(place + at, *uid),
            }
        }
    }

    fn remove(&mut self, place: usize, uids: &[u32]) {
        assert_eq!(place == 0, self.order.is_none());
        for uid in uids {
            let at = self.uids.iter().position(|known| known == uid).expect("what is in the result");
            assert!(place == 0 || at == place - 1, "UID {uid} is not at {place} of {:?}", self.uids);
            self.uids.remove(at);
        }
    }
}

/// The open mailbox as the client knows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    pub read_only: bool,
    pub view: Vec<Known>,
    pub last_uid: u32,
    /// It knows all up to here (RFC 7162 §6).
    pub modseq: u64,
    pub saved: BTreeSet<u32>,
    pub kept: BTreeMap<String, Kept>,
}

impl Open {
    pub(super) fn uids(&self) -> Vec<u32> {
        self.view.iter().map(|known| known.uid).collect()
    }

    /// What `key` finds, in the order that is wanted.
    pub(super) fn find(&self, key: &Key, order: Option<Order>, reference: &Reference) -> Vec<u32> {
        let found = key.find(self, reference);
        let mut found: Vec<&Message> = found.iter().filter_map(|&uid| reference.get(uid)).collect();
        if let Some(order) = order {
            order.sort(&mut found);
        }
        found.into_iter().map(|message| message.uid).collect()
    }

    /// The number of a message.
    pub(super) fn number_of(&self, uid: u32) -> Option<u32> {
        let at = self.view.iter().position(|known| known.uid == uid)?;
        Some(u32::try_from(at).unwrap() + 1)
    }
}

pub(super) struct Client {
    pub who: Who,
    pub kind: Kind,
    pub open: Option<Open>,
    /// The tag of its IDLE.
    pub idling: Option<String>,
    /// It is told of modification sequences.
    pub condstore: bool,
}

/// What a client heard, but for what it took into its view.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub condition: String,
    pub code: String,
    pub codes: Vec<String>,
    pub rows: Vec<Row>,
    pub found: Option<Vec<u32>>,
    pub threads: Option<Vec<Node>>,
    pub esearch: Option<Vec<(String, String)>>,
    pub vanished_earlier: Vec<u32>,
}

impl Heard {
    /// The value of a response code.
    pub(super) fn code(&self, name: &str) -> Option<&str> {
        let mut latest = std::iter::once(&self.code).chain(self.codes.iter().rev());
        latest.find_map(|code| code.strip_prefix(name)).map(str::trim_start)
    }
}

impl Client {
    pub(super) fn new(who: Who, kind: Kind) -> Self {
        let condstore = kind == Kind::Condstore || kind.qresync();
        Self { who, kind, open: None, idling: None, condstore }
    }

    /// Takes in what was said between two moments at which the mailbox was `reference`.
    pub(super) fn hear(&mut self, replies: Vec<Reply>, tag: &str, may_expunge: bool, reference: &Reference) -> Heard {
        let mut heard = Heard::default();
        let mut highest = None;
        for reply in replies {
            match reply {
                Reply::Continue | Reply::Other => {}
                Reply::Tagged { tag: of, condition, code } => {
                    assert_eq!((of.as_str(), heard.condition.as_str()), (tag, ""));
                    (heard.condition, heard.code) = (condition, code);
                }
                Reply::Told(code) => {
                    assert_eq!(heard.condition, "", "nothing comes behind the end");
                    heard.codes.push(code);
                }
                Reply::Exists(count) => self.exists(count, reference),
                Reply::Expunge(number) => {
                    assert!(may_expunge, "EXPUNGE where numbers may not change");
                    assert!(!self.kind.qresync() && !self.kind.uid_only(), "EXPUNGE instead of VANISHED");
                    let open = self.open.as_mut().unwrap();
                    let uid = open.view.get(number - 1).expect("a number that there is").uid;
                    self.gone(uid, reference);
                }
                Reply::Vanished { earlier: true, uids } => heard.vanished_earlier.extend(uids),
                Reply::Vanished { earlier: false, uids } => {
                    assert!(may_expunge, "VANISHED where numbers may not change");
                    assert!(self.kind.qresync() || self.kind.uid_only(), "VANISHED instead of EXPUNGE");
                    uids.into_iter().for_each(|uid| self.gone(uid, reference));
                }
                Reply::Row(row) => {
                    highest = highest.max(row.modseq);
                    let row = self.row(row, reference);
                    heard.rows.push(row);
                }
                Reply::Found(found) => assert_eq!(heard.found.replace(found), None),
                Reply::Threads(threads) => assert_eq!(heard.threads.replace(threads), None),
                Reply::Esearch { tag: of, data, by_uid } => {
                    self.update(&of, by_uid, &data);
                    if data.iter().all(|(name, _)| name != "ADDTO" && name != "REMOVEFROM") {
                        assert_eq!(heard.esearch.replace(data), None);
                    }
                }
            }
        }
        if !heard.condition.is_empty() {
            self.learn_modseq(&heard, highest);
        }
        heard
    }

    /// Messages come at the end, and in the order of their UIDs.
    fn exists(&mut self, count: usize, reference: &Reference) {
        let Some(open) = &mut self.open else { return };
        let new: Vec<_> = reference.messages.iter().filter(|message| message.uid > open.last_uid).collect();
        assert_eq!(count, open.view.len() + new.len(), "EXISTS");
        for message in new {
            open.last_uid = message.uid;
            open.view.push(Known { uid: message.uid, flags: None });
        }
    }

    fn gone(&mut self, uid: u32, reference: &Reference) {
        let open = self.open.as_mut().expect("an open mailbox");
        assert!(reference.get(uid).is_none(), "UID {uid} is still there");
        let at = open.view.iter().position(|known| known.uid == uid).expect("a message that was known");
        open.view.remove(at);
        open.saved.remove(&uid);
        for (tag, kept) in &open.kept {
            assert!(!kept.uids.contains(&uid), "UID {uid} went without leaving the result of {tag}");
        }
    }

    /// Whatever is told of a message is what is so, of the message that has this number.
    fn row(&mut self, mut row: Row, reference: &Reference) -> Row {
        let open = self.open.as_mut().expect("an open mailbox");
        assert_eq!(row.names_uid, self.kind.uid_only(), "{row:?}");
        let known = if row.names_uid {
            open.view.iter_mut().find(|known| known.uid == row.number)
        } else {
            open.view.get_mut(row.number as usize - 1)
        };
        let known = known.unwrap_or_else(|| panic!("a message that the client knows: {row:?}"));
        assert!(row.uid.is_none_or(|uid| uid == known.uid), "{row:?} is UID {}", known.uid);
        let message = reference.get(known.uid).unwrap_or_else(|| panic!("UID {} is gone: {row:?}", known.uid));
        assert!(row.flags.as_ref().is_none_or(|flags| *flags == message.flags), "{row:?} is {message:?}");
        assert!(row.modseq.is_none_or(|modseq| modseq == message.modseq), "{row:?} is {message:?}");
        assert!(row.text.as_ref().is_none_or(|text| *text == message.text), "{row:?} is {message:?}");
        if row.flags.is_some() {
            known.flags.clone_from(&row.flags);
        }
        row.number = known.uid;
        row
    }

    /// A result that is kept up to date begins, or changes.
    fn update(&mut self, tag: &str, by_uid: bool, data: &[(String, String)]) {
        let Some(open) = &mut self.open else { return };
        let Some(kept) = open.kept.get_mut(tag) else { return };
        assert_eq!(kept.by_uid, by_uid);
        for (name, value) in data {
            let words: Vec<&str> = value.split(' ').collect();
            let pairs: Vec<(usize, &str)> = match words.as_slice() {
                [all] => vec![(usize::from(kept.order.is_some()), all)],
                pairs => pairs.chunks(2).map(|pair| (pair[0].parse().unwrap(), pair[1])).collect(),
            };
            for (place, named) in pairs {
                let uid = |number: u32| if by_uid { number } else { open.view[number as usize - 1].uid };
                let uids: Vec<u32> = numbers(named).into_iter().map(uid).collect();
                match name.as_str() {
                    "ALL" | "ADDTO" => kept.add(place, &uids),
                    "REMOVEFROM" => kept.remove(place, &uids),
                    other => panic!("{other}"),
                }
            }
        }
    }

    /// RFC 7162 §6: a response code counts, and otherwise the highest that a row told.
    fn learn_modseq(&mut self, heard: &Heard, highest: Option<u64>) {
        let Some(open) = &mut self.open else { return };
        match heard.code("HIGHESTMODSEQ") {
            Some(code) => open.modseq = code.parse().unwrap(),
            None => open.modseq = open.modseq.max(highest.unwrap_or(0)),
        }
    }

    /// A client that knows all up to a modification sequence must not have missed what happened before.
    pub(super) fn check_modseq(&self, reference: &Reference) {
        let Some(open) = self.open.as_ref().filter(|_| self.kind.qresync()) else { return };
        for gone in reference.gone.iter().filter(|gone| gone.at <= open.modseq) {
            assert_eq!(open.number_of(gone.uid), None, "{gone:?} is not known at {}", open.modseq);
        }
        for message in reference.messages.iter().filter(|message| message.modseq <= open.modseq) {
            let known = open.view.iter().find(|known| known.uid == message.uid);
            let known = known.unwrap_or_else(|| panic!("{message:?} is not known at {}", open.modseq));
            assert!(known.flags.as_ref().is_none_or(|flags| *flags == message.flags), "{known:?} is {message:?}");
        }
    }

    /// It knows what there is.
    pub(super) fn check_converged(&self, reference: &Reference, expunges: bool) {
        let Some(open) = &self.open else { return };
        let there: Vec<_> = open.view.iter().filter(|known| expunges || reference.get(known.uid).is_some()).collect();
        assert_eq!(there.iter().map(|known| known.uid).collect::<Vec<_>>(), reference.uids());
        for (known, message) in there.iter().zip(&reference.messages) {
            assert!(known.flags.as_ref().is_none_or(|flags| *flags == message.flags), "{known:?} is {message:?}");
        }
        for (tag, kept) in &open.kept {
            let mut uids = kept.uids.clone();
            if kept.order.is_none() {
                uids.sort_unstable();
            }
            let mut expected = open.find(&kept.key, kept.order, reference);
            expected.retain(|uid| *uid >= kept.lowest);
            assert_eq!(uids, expected, "the result of {tag}");
        }
    }
}
