//! What clients look for, and in which order.

use super::super::client::{Heard, Kept, Kind};
use super::super::command::{Key, Wanted};
use super::super::order::{answered, by_subject, id};
use super::super::reference::{Effect, Message};
use super::super::reply::{Node, numbers};
use super::{World, uid};

/// Most results that a client keeps.
const KEPT: usize = 8;

impl World {
    pub(super) async fn search(&mut self, at: usize, by_uid: bool, key: &Key, wanted: Wanted) {
        let kind = self.kind(at);
        let by_uid = by_uid || kind.uid_only();
        let key = if kind.uid_only() && key.names_numbers() { &Key::All } else { key };
        let steady = key.is_steady() && self.open(at).kept.len() < KEPT;
        let wanted = if wanted.updates() && !steady { Wanted::All } else { wanted };
        let looked_for = key.say(self.open(at), self.reference(at).highest);
        let text = match wanted {
            Wanted::Plain => format!("SEARCH {looked_for}"),
            Wanted::Sorted(order) => format!("SORT {} UTF-8 {looked_for}", order.say()),
            Wanted::All => format!("SEARCH RETURN (ALL) {looked_for}"),
            Wanted::Save => format!("SEARCH RETURN (SAVE) {looked_for}"),
            Wanted::MinMax => format!("SEARCH RETURN (MIN MAX) {looked_for}"),
            Wanted::MinMaxCount => format!("SEARCH RETURN (MIN MAX COUNT) {looked_for}"),
            Wanted::Update => format!("SEARCH RETURN (UPDATE ALL) {looked_for}"),
            Wanted::SortedUpdate(order) => format!("SORT RETURN (UPDATE ALL) {} UTF-8 {looked_for}", order.say()),
        };
        let text = format!("{}{text}", uid(by_uid));
        let found = self.open(at).find(key, wanted.order(), self.reference(at));
        let numbers_of = |uids: &[u32]| -> Vec<u32> {
            uids.iter().map(|&uid| if by_uid { uid } else { self.open(at).number_of(uid).unwrap() }).collect()
        };
        let expected = numbers_of(&found);
        let known = self.open(at).uids();
        let tag = format!("t{}", self.commands + 1);
        if wanted.updates() {
            let kept = Kept { by_uid, key: key.clone(), order: wanted.order(), lowest: 0, uids: Vec::new() };
            self.seats[at].1.open.as_mut().unwrap().kept.insert(tag.clone(), kept);
        }
        let pairs: Vec<(u32, u32)> = found.iter().copied().zip(expected).collect();
        let heard = self.say(at, &text, by_uid, Effect::Nothing).await;
        if wanted.order().is_some() && self.is_too_much(at, &text, &heard, key, &known) {
            self.seats[at].1.open.as_mut().unwrap().kept.remove(&tag);
            return;
        }
        assert_eq!(heard.condition, "OK", "{text}");
        let lowest = self.lowest_looked_at(&text, &heard, &known);
        self.check_expunge_issued(at, by_uid, &text, &heard);
        let (found, expected): (Vec<u32>, Vec<u32>) = pairs.into_iter().filter(|(uid, _)| *uid >= lowest).unzip();
        let (_, client) = &mut self.seats[at];
        client.condstore |= key.names_modseq();
        let open = client.open.as_mut().unwrap();
        let data = |name: &str| {
            let data = heard.esearch.as_ref().unwrap_or_else(|| panic!("{text}: {heard:?}"));
            data.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        if let Some(kept) = open.kept.get_mut(&tag) {
            kept.lowest = lowest;
        }
        match wanted {
            Wanted::Plain if kind != Kind::Rev2 && kind != Kind::Rev2Qresync => {
                assert_eq!(heard.found, Some(expected), "{text}");
            }
            Wanted::Sorted(_) => assert_eq!(heard.found, Some(expected), "{text}"),
            Wanted::Save => {
                open.saved = found.into_iter().filter(|uid| open.number_of(*uid).is_some()).collect();
            }
            Wanted::MinMax | Wanted::MinMaxCount => {
                assert_eq!(data("MIN"), expected.first().map(ToString::to_string), "{text}");
                assert_eq!(data("MAX"), expected.last().map(ToString::to_string), "{text}");
                let count = (wanted == Wanted::MinMaxCount).then(|| expected.len().to_string());
                assert_eq!(data("COUNT"), count, "{text}");
            }
            Wanted::Plain | Wanted::All | Wanted::Update | Wanted::SortedUpdate(_) => {
                assert_eq!(data("ALL").map(|all| numbers(&all)).unwrap_or_default(), expected, "{text}");
            }
        }
    }

    pub(super) async fn thread(&mut self, at: usize, by_uid: bool, key: &Key, by_references: bool) {
        let by_uid = by_uid || self.kind(at).uid_only();
        let key = if self.kind(at).uid_only() && key.names_numbers() { &Key::All } else { key };
        let algorithm = if by_references { "REFERENCES" } else { "ORDEREDSUBJECT" };
        let looked_for = key.say(self.open(at), self.reference(at).highest);
        let text = format!("{}THREAD {algorithm} UTF-8 {looked_for}", uid(by_uid));
        let known = self.open(at).uids();
        let found: Vec<Message> = {
            let reference = self.reference(at);
            let found = self.open(at).find(key, None, reference);
            found.into_iter().filter_map(|uid| reference.get(uid).cloned()).collect()
        };
        let number = |uid: u32| {
            let at = known.iter().position(|known| *known == uid).unwrap();
            if by_uid { uid } else { u32::try_from(at).unwrap() + 1 }
        };
        let heard = self.say(at, &text, by_uid, Effect::Nothing).await;
        if self.is_too_much(at, &text, &heard, key, &known) {
            return;
        }
        assert_eq!(heard.condition, "OK", "{text}");
        self.check_expunge_issued(at, by_uid, &text, &heard);
        self.seats[at].1.condstore |= key.names_modseq();
        let threads = heard.threads.unwrap_or_else(|| panic!("{text}: no answer"));
        if by_references {
            check_references(&found, &threads, number);
        } else {
            let leaf = |uid: &u32| Node { number: Some(number(*uid)), answers: Vec::new() };
            let thread = |uids: Vec<u32>| Node { answers: uids[1..].iter().map(leaf).collect(), ..leaf(&uids[0]) };
            let expected: Vec<Node> = by_subject(found.iter().collect()).into_iter().map(thread).collect();
            assert_eq!(threads, expected, "{text}");
        }
    }

    /// RFC 9738 §3.1: what is done as a whole or not at all is refused when it looks at too many messages. A session
    /// that knows of messages that are gone, which the client does not, may count fewer than the client.
    fn is_too_much(&self, at: usize, text: &str, heard: &Heard, key: &Key, known: &[u32]) -> bool {
        let Some(limit) = self.limit.map(|limit| limit.get() as usize) else { return false };
        if heard.condition == "NO" {
            assert_eq!(heard.code("MESSAGELIMIT"), Some(limit.to_string().as_str()), "{text}");
            assert!(known.len() > limit, "{text}");
            return true;
        }
        assert!(key.names_messages() || self.present(at, known).len() <= limit, "{text}: {heard:?}");
        false
    }

    /// From which message on a search looked; 0 for all. As with [`Self::is_too_much`], the client may think that those
    /// are more than the limit.
    fn lowest_looked_at(&self, text: &str, heard: &Heard, known: &[u32]) -> u32 {
        let (Some(limit), Some(code)) = (self.limit, heard.code("MESSAGELIMIT")) else {
            return 0;
        };
        let (told, lowest) = code.split_once(' ').unwrap_or_else(|| panic!("{text}: {code}"));
        let lowest = lowest.parse().unwrap();
        assert_eq!(told, limit.to_string(), "{text}");
        assert!(known.iter().filter(|uid| **uid >= lowest).count() >= limit.get() as usize, "{text}: {code}");
        lowest
    }

    /// RFC 5530 §3: a client whose numbers stay learns that the result lacks messages that have gone.
    fn check_expunge_issued(&self, at: usize, by_uid: bool, text: &str, heard: &Heard) {
        let known = self.open(at).uids();
        let gone = self.present(at, &known).len() < known.len();
        assert!(!by_uid || !gone, "{text}");
        assert_eq!(heard.code("EXPUNGEISSUED").is_some(), gone, "{text}: {heard:?}");
    }
}

/// Every message stands in one place; an answer stands below what it answers, if that is there once.
fn check_references(found: &[Message], threads: &[Node], number: impl Fn(u32) -> u32) {
    let mut told: Vec<u32> = threads.iter().flat_map(Node::numbers).collect();
    told.sort_unstable();
    assert_eq!(told, found.iter().map(|message| number(message.uid)).collect::<Vec<_>>());
    let once = |sought: &str| {
        let mut with: Vec<_> = found.iter().filter(|message| id(message) == sought).collect();
        with.pop().filter(|_| with.is_empty())
    };
    for message in found.iter().filter(|message| once(id(message)).is_some()) {
        let Some(parent) = answered(message).and_then(once) else { continue };
        let node = threads.iter().find_map(|thread| thread.find(number(parent.uid))).unwrap();
        assert!(node.numbers().contains(&number(message.uid)), "{message:?} does not stand below {parent:?}");
    }
}
