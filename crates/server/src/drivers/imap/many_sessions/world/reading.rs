//! What clients read: messages, and the mailbox when it is opened.

use posthouse_model::flag::FlagChange;

use super::super::client::{Client, Known, Open};
use super::super::command::{Items, Which, marks};
use super::super::reference::Effect;
use super::super::reply::{numbers, set};
use super::{World, uid};

impl World {
    pub(super) async fn fetch(&mut self, at: usize, by_uid: bool, which: &Which, items: Items) {
        let vanished = matches!(items, Items::Vanished(_)) && self.kind(at).qresync();
        let by_uid = by_uid || self.kind(at).uid_only() || vanished;
        let (named, uids) = which.say(self.open(at), by_uid);
        let (uids, lowest) = self.within_limit(uids);
        let since = match items {
            Items::ChangedSince(back) | Items::Vanished(back) => {
                Some(self.reference(at).highest.saturating_sub(back).max(1))
            }
            _ => None,
        };
        let (asked, modifier) = match items {
            Items::Flags => ("FLAGS", String::new()),
            Items::UidFlagsModseq => ("(UID FLAGS MODSEQ)", String::new()),
            Items::Text => ("(UID BODY[])", String::new()),
            Items::PeekText => ("(UID BODY.PEEK[])", String::new()),
            Items::Vanished(_) if vanished => ("FLAGS", format!(" (CHANGEDSINCE {} VANISHED)", since.unwrap())),
            Items::ChangedSince(_) | Items::Vanished(_) => ("FLAGS", format!(" (CHANGEDSINCE {})", since.unwrap())),
        };
        let text = format!("{}FETCH {named} {asked}{modifier}", uid(by_uid));
        let there = self.present(at, &uids);
        let changed = |uid: &u32| since.is_none_or(|since| self.reference(at).get(*uid).unwrap().modseq > since);
        let expected: Vec<u32> = there.iter().copied().filter(changed).collect();
        let sees = items == Items::Text && !self.open(at).read_only && self.may(at).mark_seen();
        let effect = match sees {
            true => Effect::Store { uids: there.clone(), change: FlagChange::Add, flags: marks(0) },
            false => Effect::Nothing,
        };
        let heard = self.say(at, &text, by_uid, effect).await;
        let (_, client) = &mut self.seats[at];
        client.condstore |= since.is_some() || items == Items::UidFlagsModseq;
        if by_uid || there.len() == uids.len() {
            assert_eq!(heard.condition, "OK", "{text}");
        } else {
            assert_eq!((heard.condition.as_str(), heard.code.as_str()), ("NO", "EXPUNGEISSUED"), "{text}");
        }
        self.check_limit(&text, &heard, lowest);
        for uid in expected {
            let whole = heard.rows.iter().filter(|row| row.number == uid).any(|row| match items {
                Items::Text | Items::PeekText => row.text.is_some(),
                Items::Flags => row.flags.is_some(),
                _ => row.flags.is_some() && row.modseq.is_some(),
            });
            assert!(whole, "{text}: no answer about UID {uid}: {heard:?}");
        }
        if vanished && lowest.is_none() {
            let known = |uid: u32| {
                if named == "1:*" {
                    true
                } else if named == "$" {
                    uids.contains(&uid)
                } else {
                    numbers(&named).contains(&uid)
                }
            };
            for gone in self.reference(at).gone.iter().filter(|gone| gone.after >= since.unwrap() && known(gone.uid)) {
                assert!(heard.vanished_earlier.contains(&gone.uid), "{text}: {gone:?}");
            }
            let back = heard.vanished_earlier.iter().find(|&&uid| self.reference(at).get(uid).is_some());
            assert_eq!(back, None, "{text}");
        }
    }

    /// Opens the mailbox; with what the client knew of it, if it says so.
    pub(super) async fn select(&mut self, at: usize, read_only: bool, parameters: &str, knew: Option<(Open, bool)>) {
        let verb = if read_only { "EXAMINE" } else { "SELECT" };
        let view = self.reference(at).messages.iter().map(|message| Known { uid: message.uid, flags: None });
        let view: Vec<Known> = view.collect();
        let last_uid = self.reference(at).next_uid() - 1;
        let open = Open { read_only, view, last_uid, ..Open::default() };
        self.seats[at].1.open = Some(open);
        let heard = self
            .say(at, &format!("{verb} {}{parameters}", self.seats[at].1.who.mailbox()), false, Effect::Nothing)
            .await;
        assert_eq!(heard.condition, "OK");
        assert_eq!(heard.code("HIGHESTMODSEQ"), Some(self.reference(at).highest.to_string().as_str()));
        let Some((mut knew, hears_of_new)) = knew else { return };
        let still_there = |known: &Known| self.reference(at).get(known.uid).is_some();
        assert!(!heard.vanished_earlier.iter().any(|&uid| self.reference(at).get(uid).is_some()), "{heard:?}");
        knew.view.retain(|known| !heard.vanished_earlier.contains(&known.uid));
        assert!(knew.view.iter().all(still_there), "{:?} is not what there is after {heard:?}", knew.view);
        let open = self.seats[at].1.open.as_mut().unwrap();
        for known in open.view.iter_mut().filter(|known| known.flags.is_none()) {
            let before = knew.view.iter().find(|before| before.uid == known.uid);
            let told = before.is_some() || !hears_of_new || heard.rows.iter().any(|row| row.number == known.uid);
            assert!(told, "{known:?} is new");
            known.flags = before.and_then(|before| before.flags.clone());
        }
        self.check_converged(at);
    }

    pub(super) async fn resume(&mut self, at: usize, known_uids: bool, matches: bool) {
        let (who, kind) = (self.seats[at].1.who, self.kind(at));
        let seat = self.post.seat(who).await;
        let (_, old) = std::mem::replace(&mut self.seats[at], (seat, Client::new(who, kind)));
        self.enable(at).await;
        let Some(knew) = old.open else { return };
        if !kind.qresync() || knew.modseq == 0 {
            return self.select(at, knew.read_only, "", None).await;
        }
        let uids = if known_uids && !knew.view.is_empty() { format!(" {}", set(knew.uids())) } else { String::new() };
        let pairs = if matches && !knew.view.is_empty() && !kind.uid_only() {
            format!(
                " (1:{} {})",
                knew.view.len(),
                knew.uids().iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
            )
        } else {
            String::new()
        };
        let validity = self.post.uid_validity();
        let parameters = format!(" (QRESYNC ({validity} {}{uids}{pairs}))", knew.modseq);
        // What came since it was last there lies outside of what it says it knows.
        let hears_of_new = uids.is_empty();
        self.select(at, knew.read_only, &parameters, Some((knew, hears_of_new))).await;
    }
}
