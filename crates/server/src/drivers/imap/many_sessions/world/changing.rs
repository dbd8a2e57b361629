//! What clients do to the mailbox.

use std::collections::BTreeSet;

use posthouse_model::flag::FlagChange;

use super::super::client::Heard;
use super::super::command::{Which, marks};
use super::super::reference::Effect;
use super::super::reply::numbers;
use super::{World, uid};

impl World {
    pub(super) async fn store(
        &mut self,
        at: usize,
        by_uid: bool,
        which: &Which,
        (change, silent, flags): (FlagChange, bool, usize),
        back: Option<u64>,
    ) {
        let by_uid = by_uid || self.kind(at).uid_only();
        let (named, uids) = which.say(self.open(at), by_uid);
        let (uids, lowest) = self.within_limit(uids);
        let flags = marks(flags);
        let since = back.map(|back| self.reference(at).highest.saturating_sub(back));
        let condition = since.map(|since| format!("(UNCHANGEDSINCE {since}) ")).unwrap_or_default();
        let sign = match change {
            FlagChange::Add => "+",
            FlagChange::Remove => "-",
            FlagChange::Replace => "",
        };
        let names = flags.iter().cloned().collect::<Vec<_>>().join(" ");
        let quiet = if silent { ".SILENT" } else { "" };
        let text = format!("{}STORE {named} {condition}{sign}FLAGS{quiet} ({names})", uid(by_uid));
        let read_only = self.open(at).read_only;
        let old = self.reference(at).messages.clone();
        let is_modified = |uid: &u32| {
            let modseq = old.iter().find(|one| one.uid == *uid).map(|one| one.modseq);
            modseq.is_some_and(|modseq| since.is_some_and(|since| modseq > since))
        };
        let may = self.may(at);
        let refused = read_only || (!uids.is_empty() && !may.change_some(change, &flags));
        let effect = if refused {
            Effect::Nothing
        } else {
            let uids = uids.iter().copied().filter(|uid| !is_modified(uid)).collect();
            Effect::Store { uids, change, flags: flags.clone() }
        };
        let heard = self.say(at, &text, by_uid, effect).await;
        if refused {
            assert_eq!(heard.condition, "NO", "{text}");
            return;
        }
        assert_eq!(heard.condition, "OK", "{text}");
        self.check_limit(&text, &heard, lowest);
        let (_, client) = &mut self.seats[at];
        let reference = &self.references[client.who as usize];
        client.condstore |= since.is_some();
        let open = client.open.as_mut().unwrap();
        let modified: BTreeSet<u32> = heard.code("MODIFIED").map(numbers).unwrap_or_default().into_iter().collect();
        let numbered = |uid: u32| if by_uid { Some(uid) } else { open.number_of(uid) };
        let expected: BTreeSet<u32> = uids.iter().copied().filter(is_modified).filter_map(numbered).collect();
        assert_eq!(modified, expected, "MODIFIED");
        for known in open.view.iter_mut().filter(|known| uids.contains(&known.uid) && !is_modified(&known.uid)) {
            let row = heard.rows.iter().find(|row| row.number == known.uid);
            if reference.get(known.uid).is_none() {
                continue;
            }
            if silent {
                // What it did itself it knows; what others did it would have been told.
                if row.is_none_or(|row| row.flags.is_none()) {
                    known.flags = known.flags.as_ref().map(|old| may.changed(old, change, &flags));
                }
                // RFC 7162 §3.1.3
                assert!(since.is_none() || row.is_some_and(|row| row.modseq.is_some()), "{text}: {known:?}");
            } else {
                assert!(row.is_some_and(|row| row.flags.is_some()), "{text}: {known:?}");
            }
        }
        client.check_converged(reference, false);
    }

    pub(super) async fn copy(&mut self, at: usize, by_uid: bool, which: &Which, within: bool) {
        let by_uid = by_uid || self.kind(at).uid_only();
        let (named, uids) = which.say(self.open(at), by_uid);
        let text = format!("{}COPY {named} {}", uid(by_uid), self.target(at, within));
        let (_, lowest) = self.within_limit(uids.clone());
        let refused = lowest.is_some() || (!uids.is_empty() && within && !self.may(at).insert());
        let effect = if within && !refused { Effect::Copy(uids.clone()) } else { Effect::Nothing };
        let next = self.reference(at).next_uid();
        let there = self.present(at, &uids);
        let heard = self.say(at, &text, true, effect).await;
        assert_eq!(heard.condition, if refused { "NO" } else { "OK" }, "{text}");
        self.check_limit(&text, &heard, lowest);
        if !refused {
            self.check_copied(at, &text, &heard, &there, within.then_some(next));
        }
    }

    pub(super) async fn move_messages(&mut self, at: usize, by_uid: bool, which: &Which, within: bool) {
        let by_uid = by_uid || self.kind(at).uid_only();
        let (named, uids) = which.say(self.open(at), by_uid);
        let text = format!("{}MOVE {named} {}", uid(by_uid), self.target(at, within));
        let (uids, lowest) = self.within_limit(uids);
        let may = self.may(at);
        let forbidden = !may.take_out() || (within && !may.insert());
        let refused = self.open(at).read_only || (!uids.is_empty() && forbidden);
        let effect = match within {
            _ if refused => Effect::Nothing,
            true => Effect::MoveWithin(uids.clone()),
            false => Effect::Remove(uids.clone()),
        };
        let next = self.reference(at).next_uid();
        let there = self.present(at, &uids);
        let heard = self.say(at, &text, true, effect).await;
        assert_eq!(heard.condition, if refused { "NO" } else { "OK" }, "{text}");
        if !refused {
            self.check_limit(&text, &heard, lowest);
            self.check_copied(at, &text, &heard, &there, within.then_some(next));
        }
    }

    fn target(&self, at: usize, within: bool) -> &'static str {
        if within { self.seats[at].1.who.mailbox() } else { "Away" }
    }

    /// What was there is told, with the UIDs that it got, of which the first may be known.
    fn check_copied(&self, at: usize, text: &str, heard: &Heard, there: &[u32], next: Option<u32>) {
        let pairs = heard.code("COPYUID").map(|code| code.split(' ').skip(1).map(numbers).collect::<Vec<_>>());
        match pairs {
            None => assert!(there.is_empty(), "{text}: {heard:?}"),
            Some(pairs) => {
                assert_eq!(pairs[0], there, "{text}");
                assert_eq!(pairs[1].len(), there.len(), "{text}");
                assert!(next.is_none_or(|next| pairs[1][0] == next), "{text}: {heard:?}");
            }
        }
        self.check_converged(at);
    }

    pub(super) async fn expunge(&mut self, at: usize, which: Option<&Which>) {
        let (read_only, may) = (self.open(at).read_only, self.may(at));
        let mut lowest = None;
        let (text, uids) = match which {
            None => ("EXPUNGE".to_owned(), None),
            Some(which) => {
                let (named, uids) = which.say(self.open(at), true);
                let (uids, limited) = self.within_limit(uids);
                lowest = limited;
                (format!("UID EXPUNGE {named}"), Some(uids))
            }
        };
        let nothing = uids.as_ref().is_some_and(Vec::is_empty);
        let effect = if read_only || !may.expunge() { Effect::Nothing } else { Effect::Expunge(uids) };
        let heard = self.say(at, &text, true, effect).await;
        assert_eq!(heard.condition, if (read_only || !may.expunge()) && !nothing { "NO" } else { "OK" }, "{text}");
        if heard.condition == "OK" {
            self.check_limit(&text, &heard, lowest);
            self.check_converged(at);
        }
    }

    pub(super) async fn close(&mut self, at: usize, verb: &str) {
        let may = self.may(at);
        let open = self.seats[at].1.open.take().unwrap();
        let expunges = verb == "CLOSE" && !open.read_only && may.expunge();
        let effect = if expunges { Effect::Expunge(None) } else { Effect::Nothing };
        let heard = self.say(at, verb, false, effect).await;
        assert_eq!(heard.condition, "OK");
    }
}
