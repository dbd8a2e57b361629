//! Sessions at one mailbox, the clients behind them, and the plain list beside it.

use std::collections::BTreeSet;
use std::sync::Arc;

use posthouse_model::flag::FlagChange;
use posthouse_storage::Storage;

use super::client::{Client, Heard, Kept, Kind, Known, Open};
use super::command::{Command, Items, Key, WORDS, Wanted, Which, marks};
use super::reference::{Effect, Reference, changed};
use super::reply::{numbers, replies, set};
use super::seat::{Post, Seat};

pub(super) struct World {
    post: Post,
    seats: Vec<(Seat, Client)>,
    reference: Reference,
    commands: u32,
}

impl World {
    pub(super) async fn build(store: Arc<dyn Storage>, kinds: &[Kind]) -> Self {
        let post = Post::open(store).await;
        let mut world = Self { post, seats: Vec::new(), reference: Reference::default(), commands: 0 };
        (_, world.reference.highest) = world.post.inbox();
        for &kind in kinds {
            let seat = world.post.seat().await;
            world.seats.push((seat, Client::new(kind)));
            world.enable(world.seats.len() - 1).await;
        }
        world
    }

    async fn enable(&mut self, at: usize) {
        for command in self.seats[at].1.kind.commands() {
            let heard = self.say(at, command, true, Effect::Nothing).await;
            assert_eq!(heard.condition, "OK");
        }
    }

    /// Everybody asks for news, and then knows all.
    pub(super) async fn settle(&mut self) {
        for at in 0..self.seats.len() {
            self.run(at, &Command::Noop).await;
        }
    }

    /// What one client does, and what the others hear of it.
    pub(super) async fn run(&mut self, at: usize, command: &Command) {
        if let Some(tag) = self.seats[at].1.idling.take() {
            let heard = self.exchange(at, "DONE\r\n", &tag, true, Effect::Nothing).await;
            assert_eq!(heard.condition, "OK");
            self.seats[at].1.check_converged(&self.reference, true);
        }
        if self.seats[at].1.open.is_none() && !matches!(command, Command::Append { .. } | Command::Resume { .. }) {
            let read_only = matches!(command, Command::Open { read_only: true });
            self.select(at, read_only, "", None).await;
        }
        match command {
            Command::Append { marks: flags, word } => self.append(at, *flags, *word).await,
            Command::Store { by_uid, which, change, silent, marks, unchanged_since } => {
                self.store(at, *by_uid, which, (*change, *silent, *marks), *unchanged_since).await;
            }
            Command::Fetch { by_uid, which, items } => self.fetch(at, *by_uid, which, *items).await,
            Command::Search { by_uid, key, wanted } => self.search(at, *by_uid, key, *wanted).await,
            Command::Copy { by_uid, which, within } => self.copy(at, *by_uid, which, *within, "COPY").await,
            Command::Move { by_uid, which, within } => self.copy(at, *by_uid, which, *within, "MOVE").await,
            Command::Expunge => self.expunge(at, None).await,
            Command::UidExpunge(which) => self.expunge(at, Some(which)).await,
            Command::Noop => self.noop(at).await,
            Command::Idle => self.idle(at).await,
            Command::Close => self.close(at, "CLOSE").await,
            Command::Unselect => self.close(at, "UNSELECT").await,
            Command::Open { read_only } => self.select(at, *read_only, "", None).await,
            Command::Resume { known_uids, matches } => self.resume(at, *known_uids, *matches).await,
        }
        for (_, client) in &self.seats {
            client.check_modseq(&self.reference);
            let at_once = client.idling.is_some() || client.kind == Kind::Notify;
            if at_once || client.kind.notify() {
                client.check_converged(&self.reference, at_once);
            }
        }
    }

    /// A command and its end.
    async fn say(&mut self, at: usize, text: &str, may_expunge: bool, effect: Effect) -> Heard {
        self.commands += 1;
        let tag = format!("t{}", self.commands);
        let heard = self.exchange(at, &format!("{tag} {text}\r\n"), &tag, may_expunge, effect).await;
        assert!(!heard.condition.is_empty(), "no end of {text}");
        heard
    }

    /// Lets a client say something, takes over what comes of it, and lets all hear.
    async fn exchange(&mut self, at: usize, text: &str, tag: &str, may_expunge: bool, effect: Effect) -> Heard {
        let output = self.seats[at].0.say(text).await;
        let before = self.reference.messages.clone();
        self.reference.apply(&effect);
        let (there, highest) = self.post.inbox();
        self.reference.learn(&before, &there, highest);
        let (_, client) = &mut self.seats[at];
        let heard = client.hear(replies(&output), tag, may_expunge, &self.reference);
        for (seat, client) in &mut self.seats {
            let output = seat.listen().await;
            let idles = client.idling.is_some();
            assert!(output.is_empty() || idles || client.kind.notify(), "{output}");
            client.hear(replies(&output), "", idles || client.kind == Kind::Notify, &self.reference);
        }
        heard
    }

    fn open(&self, at: usize) -> &Open {
        self.seats[at].1.open.as_ref().expect("an open mailbox")
    }

    fn kind(&self, at: usize) -> Kind {
        self.seats[at].1.kind
    }

    /// Those of `uids` that are there.
    fn present(&self, uids: &[u32]) -> Vec<u32> {
        uids.iter().copied().filter(|&uid| self.reference.get(uid).is_some()).collect()
    }

    async fn append(&mut self, at: usize, flags: usize, word: usize) {
        let text = format!("Subject: {} {}\r\n\r\nx\r\n", WORDS[word], self.commands);
        let flags = marks(flags);
        let names = flags.iter().cloned().collect::<Vec<_>>().join(" ");
        let command = format!("APPEND INBOX ({names}) {{{}+}}\r\n{text}", text.len());
        let uid = self.reference.next_uid();
        let heard = self.say(at, &command, true, Effect::Append { text, flags }).await;
        assert_eq!(heard.condition, "OK");
        assert!(heard.code.ends_with(&format!(" {uid}")), "{heard:?}");
    }

    async fn store(
        &mut self,
        at: usize,
        by_uid: bool,
        which: &Which,
        (change, silent, flags): (FlagChange, bool, usize),
        back: Option<u64>,
    ) {
        let by_uid = by_uid || self.kind(at).uid_only();
        let (named, uids) = which.say(self.open(at), by_uid);
        let flags = marks(flags);
        let since = back.map(|back| self.reference.highest.saturating_sub(back));
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
        let old = self.reference.messages.clone();
        let is_modified = |uid: &u32| {
            let modseq = old.iter().find(|one| one.uid == *uid).map(|one| one.modseq);
            modseq.is_some_and(|modseq| since.is_some_and(|since| modseq > since))
        };
        let effect = if read_only {
            Effect::Nothing
        } else {
            let flags = flags.clone();
            Effect::Store { uids: uids.clone(), change, flags, unchanged_since: since }
        };
        let heard = self.say(at, &text, by_uid, effect).await;
        if read_only {
            assert_eq!(heard.condition, "NO");
            return;
        }
        assert_eq!(heard.condition, "OK", "{text}");
        let (_, client) = &mut self.seats[at];
        client.condstore |= since.is_some();
        let open = client.open.as_mut().unwrap();
        let modified: BTreeSet<u32> = heard.code("MODIFIED").map(numbers).unwrap_or_default().into_iter().collect();
        let numbered = |uid: u32| if by_uid { Some(uid) } else { open.number_of(uid) };
        let expected: BTreeSet<u32> = uids.iter().copied().filter(is_modified).filter_map(numbered).collect();
        assert_eq!(modified, expected, "MODIFIED");
        for known in open.view.iter_mut().filter(|known| uids.contains(&known.uid) && !is_modified(&known.uid)) {
            let row = heard.rows.iter().find(|row| row.number == known.uid);
            if self.reference.get(known.uid).is_none() {
                continue;
            }
            if silent {
                // What it did itself it knows; what others did it would have been told.
                if row.is_none_or(|row| row.flags.is_none()) {
                    known.flags = match (&known.flags, change) {
                        (_, FlagChange::Replace) => Some(flags.clone()),
                        (old, change) => old.as_ref().map(|old| changed(old, change, &flags)),
                    };
                }
                // RFC 7162 §3.1.3
                assert!(since.is_none() || row.is_some_and(|row| row.modseq.is_some()), "{text}: {known:?}");
            } else {
                assert!(row.is_some_and(|row| row.flags.is_some()), "{text}: {known:?}");
            }
        }
        client.check_converged(&self.reference, false);
    }

    async fn fetch(&mut self, at: usize, by_uid: bool, which: &Which, items: Items) {
        let vanished = matches!(items, Items::Vanished(_)) && self.kind(at).qresync();
        let by_uid = by_uid || self.kind(at).uid_only() || vanished;
        let (named, uids) = which.say(self.open(at), by_uid);
        let since = match items {
            Items::ChangedSince(back) | Items::Vanished(back) => {
                Some(self.reference.highest.saturating_sub(back).max(1))
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
        let there = self.present(&uids);
        let changed = |uid: &u32| since.is_none_or(|since| self.reference.get(*uid).unwrap().modseq > since);
        let expected: Vec<u32> = there.iter().copied().filter(changed).collect();
        let sees = items == Items::Text && !self.open(at).read_only;
        let effect = match sees {
            true => {
                Effect::Store { uids: there.clone(), change: FlagChange::Add, flags: marks(0), unchanged_since: None }
            }
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
        for uid in expected {
            let whole = heard.rows.iter().filter(|row| row.number == uid).any(|row| match items {
                Items::Text | Items::PeekText => row.text.is_some(),
                Items::Flags => row.flags.is_some(),
                _ => row.flags.is_some() && row.modseq.is_some(),
            });
            assert!(whole, "{text}: no answer about UID {uid}: {heard:?}");
        }
        if vanished {
            let known = |uid: u32| {
                if named == "1:*" {
                    true
                } else if named == "$" {
                    uids.contains(&uid)
                } else {
                    numbers(&named).contains(&uid)
                }
            };
            for gone in self.reference.gone.iter().filter(|gone| gone.after >= since.unwrap() && known(gone.uid)) {
                assert!(heard.vanished_earlier.contains(&gone.uid), "{text}: {gone:?}");
            }
            let back = heard.vanished_earlier.iter().find(|&&uid| self.reference.get(uid).is_some());
            assert_eq!(back, None, "{text}");
        }
    }

    async fn search(&mut self, at: usize, by_uid: bool, key: &Key, wanted: Wanted) {
        let kind = self.kind(at);
        let by_uid = by_uid || kind.uid_only();
        let key = if kind.uid_only() && key.names_numbers() { &Key::All } else { key };
        let steady = key.is_steady() && self.open(at).kept.len() < 8;
        let wanted = if wanted == Wanted::Update && !steady { Wanted::All } else { wanted };
        let (verb, options) = match wanted {
            Wanted::Plain => ("SEARCH", ""),
            Wanted::Sorted => ("SORT (REVERSE ARRIVAL) UTF-8", ""),
            Wanted::All => ("SEARCH", "RETURN (ALL) "),
            Wanted::Save => ("SEARCH", "RETURN (SAVE) "),
            Wanted::MinMax => ("SEARCH", "RETURN (MIN MAX) "),
            Wanted::MinMaxCount => ("SEARCH", "RETURN (MIN MAX COUNT) "),
            Wanted::Update => ("SEARCH", "RETURN (UPDATE ALL) "),
        };
        let text = format!("{}{verb} {options}{}", uid(by_uid), key.say(self.open(at), self.reference.highest));
        let found = key.find(self.open(at), &self.reference);
        let number = |uid: &u32| if by_uid { *uid } else { self.open(at).number_of(*uid).unwrap() };
        let expected: Vec<u32> = found.iter().map(number).collect();
        if wanted == Wanted::Update {
            let tag = format!("t{}", self.commands + 1);
            let kept = Kept { by_uid, key: key.clone(), uids: BTreeSet::new() };
            self.seats[at].1.open.as_mut().unwrap().kept.insert(tag, kept);
        }
        let heard = self.say(at, &text, by_uid, Effect::Nothing).await;
        assert_eq!(heard.condition, "OK", "{text}");
        let (_, client) = &mut self.seats[at];
        client.condstore |= key.names_modseq();
        let open = client.open.as_mut().unwrap();
        let data = |name: &str| {
            let data = heard.esearch.as_ref().unwrap_or_else(|| panic!("{text}: {heard:?}"));
            data.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        match wanted {
            Wanted::Plain if kind != Kind::Rev2 && kind != Kind::Rev2Qresync => {
                assert_eq!(heard.found, Some(expected), "{text}");
            }
            Wanted::Sorted => {
                let mut sorted = heard.found.unwrap();
                sorted.sort_unstable();
                assert_eq!(sorted, expected, "{text}");
            }
            Wanted::Save => {
                open.saved = found.into_iter().filter(|uid| open.number_of(*uid).is_some()).collect();
            }
            Wanted::MinMax | Wanted::MinMaxCount => {
                assert_eq!(data("MIN"), expected.first().map(ToString::to_string), "{text}");
                assert_eq!(data("MAX"), expected.last().map(ToString::to_string), "{text}");
                let count = (wanted == Wanted::MinMaxCount).then(|| expected.len().to_string());
                assert_eq!(data("COUNT"), count, "{text}");
            }
            Wanted::Plain | Wanted::All | Wanted::Update => {
                assert_eq!(data("ALL").map(|all| numbers(&all)).unwrap_or_default(), expected, "{text}");
            }
        }
    }

    async fn copy(&mut self, at: usize, by_uid: bool, which: &Which, within: bool, verb: &str) {
        let by_uid = by_uid || self.kind(at).uid_only();
        let (named, uids) = which.say(self.open(at), by_uid);
        let to = if within { "INBOX" } else { "Away" };
        let text = format!("{}{verb} {named} {to}", uid(by_uid));
        let there = self.present(&uids);
        let refused = verb == "MOVE" && self.open(at).read_only;
        let effect = match (verb, within) {
            _ if refused => Effect::Nothing,
            ("MOVE", true) => Effect::MoveWithin(uids),
            ("MOVE", false) => Effect::Remove(uids),
            (_, true) => Effect::Copy(uids),
            (_, false) => Effect::Nothing,
        };
        let next = self.reference.next_uid();
        let heard = self.say(at, &text, true, effect).await;
        assert_eq!(heard.condition, if refused { "NO" } else { "OK" }, "{text}");
        if refused {
            return;
        }
        let pairs = heard.code("COPYUID").map(|code| code.split(' ').skip(1).map(numbers).collect::<Vec<_>>());
        match pairs {
            None => assert!(there.is_empty(), "{text}: {heard:?}"),
            Some(pairs) => {
                assert_eq!(pairs[0], there, "{text}");
                assert_eq!(pairs[1].len(), there.len(), "{text}");
                assert!(!within || pairs[1][0] == next, "{text}: {heard:?}");
            }
        }
        self.seats[at].1.check_converged(&self.reference, true);
    }

    async fn expunge(&mut self, at: usize, which: Option<&Which>) {
        let read_only = self.open(at).read_only;
        let (text, uids) = match which {
            None => ("EXPUNGE".to_owned(), None),
            Some(which) => {
                let (named, uids) = which.say(self.open(at), true);
                (format!("UID EXPUNGE {named}"), Some(uids))
            }
        };
        let nothing = uids.as_ref().is_some_and(Vec::is_empty);
        let effect = if read_only { Effect::Nothing } else { Effect::Expunge(uids) };
        let heard = self.say(at, &text, true, effect).await;
        assert_eq!(heard.condition, if read_only && !nothing { "NO" } else { "OK" }, "{text}");
        if heard.condition == "OK" {
            self.seats[at].1.check_converged(&self.reference, true);
        }
    }

    async fn noop(&mut self, at: usize) {
        let heard = self.say(at, "NOOP", true, Effect::Nothing).await;
        assert_eq!(heard.condition, "OK");
        self.seats[at].1.check_converged(&self.reference, true);
    }

    async fn idle(&mut self, at: usize) {
        self.commands += 1;
        let tag = format!("t{}", self.commands);
        self.exchange(at, &format!("{tag} IDLE\r\n"), &tag, true, Effect::Nothing).await;
        self.seats[at].1.idling = Some(tag);
        self.seats[at].1.check_converged(&self.reference, true);
    }

    async fn close(&mut self, at: usize, verb: &str) {
        let open = self.seats[at].1.open.take().unwrap();
        let expunges = verb == "CLOSE" && !open.read_only;
        let effect = if expunges { Effect::Expunge(None) } else { Effect::Nothing };
        let heard = self.say(at, verb, false, effect).await;
        assert_eq!(heard.condition, "OK");
    }

    /// Opens the mailbox; with what the client knew of it, if it says so.
    async fn select(&mut self, at: usize, read_only: bool, parameters: &str, knew: Option<(Open, bool)>) {
        let verb = if read_only { "EXAMINE" } else { "SELECT" };
        let view = self.reference.messages.iter().map(|message| Known { uid: message.uid, flags: None });
        let view: Vec<Known> = view.collect();
        let last_uid = self.reference.next_uid() - 1;
        let open = Open { read_only, view, last_uid, ..Open::default() };
        self.seats[at].1.open = Some(open);
        let heard = self.say(at, &format!("{verb} INBOX{parameters}"), false, Effect::Nothing).await;
        assert_eq!(heard.condition, "OK");
        assert_eq!(heard.code("HIGHESTMODSEQ"), Some(self.reference.highest.to_string().as_str()));
        let Some((mut knew, hears_of_new)) = knew else { return };
        let still_there = |known: &Known| self.reference.get(known.uid).is_some();
        assert!(!heard.vanished_earlier.iter().any(|&uid| self.reference.get(uid).is_some()), "{heard:?}");
        knew.view.retain(|known| !heard.vanished_earlier.contains(&known.uid));
        assert!(knew.view.iter().all(still_there), "{:?} is not what there is after {heard:?}", knew.view);
        let open = self.seats[at].1.open.as_mut().unwrap();
        for known in open.view.iter_mut().filter(|known| known.flags.is_none()) {
            let before = knew.view.iter().find(|before| before.uid == known.uid);
            let told = before.is_some() || !hears_of_new || heard.rows.iter().any(|row| row.number == known.uid);
            assert!(told, "{known:?} is new");
            known.flags = before.and_then(|before| before.flags.clone());
        }
        self.seats[at].1.check_converged(&self.reference, true);
    }

    async fn resume(&mut self, at: usize, known_uids: bool, matches: bool) {
        let kind = self.kind(at);
        let seat = self.post.seat().await;
        let (_, old) = std::mem::replace(&mut self.seats[at], (seat, Client::new(kind)));
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

fn uid(by_uid: bool) -> &'static str {
    if by_uid { "UID " } else { "" }
}
