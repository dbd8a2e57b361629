//! A client that believes what it is told ends up with what the house has, whatever happens in between.

use std::collections::BTreeMap;

use posthouse_imap::{Answer, Changes, FlagRow, ImapSession, Question};
use posthouse_model::flag::FlagChange;
use posthouse_model::session::{Session, Step};
use posthouse_model::{Flags, Instant, ModSeq, SystemFlag, Uid, UidSet};
use proptest::prelude::*;

use crate::dialect::{Imap, enabled, selected};

/// A mailbox as plain as can be.
#[derive(Default)]
struct House {
    messages: BTreeMap<Uid, (Flags, ModSeq, ModSeq)>,
    expunged: Vec<(Uid, ModSeq)>,
    next_uid: u32,
    modseq: u64,
}

impl House {
    fn tick(&mut self) -> ModSeq {
        self.modseq += 1;
        ModSeq(self.modseq)
    }

    fn add(&mut self) {
        let now = self.tick();
        let uid = Uid::new(self.next_uid).unwrap();
        self.next_uid += 1;
        self.messages.insert(uid, (Flags::none(), now, now));
    }

    /// The UID at some place, if there are messages.
    fn pick(&self, at: usize) -> Option<Uid> {
        self.messages.keys().nth(at % self.messages.len().max(1)).copied()
    }

    fn remove(&mut self, uid: Uid) {
        let now = self.tick();
        self.messages.remove(&uid);
        self.expunged.push((uid, now));
    }

    fn flag(&mut self, uid: Uid, change: FlagChange, flags: &Flags) -> Option<FlagRow> {
        let now = self.tick();
        let entry = self.messages.get_mut(&uid)?;
        entry.0 = change.apply(&entry.0, flags);
        entry.1 = now;
        Some(FlagRow { uid, flags: entry.0.clone(), modseq: now })
    }

    fn changes(&self, since: ModSeq) -> Changes {
        let rows = self.messages.iter().filter(|(_, (_, changed, _))| *changed > since);
        Changes {
            added: self.messages.iter().filter(|(_, (.., added))| *added > since).map(|(uid, _)| *uid).collect(),
            changed: rows
                .map(|(uid, (flags, modseq, _))| FlagRow { uid: *uid, flags: flags.clone(), modseq: *modseq })
                .collect(),
            vanished: self.expunged.iter().filter(|(_, at)| *at > since).map(|(uid, _)| *uid).collect(),
            highest_modseq: ModSeq(self.modseq),
            new_keywords: Vec::new(),
            rights: None,
        }
    }

    fn answer(&mut self, question: Question) -> Vec<Answer> {
        vec![match question {
            Question::Sync { since } => Answer::Changes(Box::new(self.changes(since))),
            Question::Store { uids, change, flags, .. } => {
                let rows: Vec<_> = uids.iter().filter_map(|uid| self.flag(uid, change, &flags)).collect();
                let others = vec![ModSeq(0); rows.len()];
                Answer::Stored { rows, others, modified: UidSet::new(), missing: UidSet::new() }
            }
            Question::Expunge { .. } => {
                let deleted: Vec<_> =
                    self.messages.iter().filter(|(_, m)| m.0.has(SystemFlag::Deleted)).map(|(uid, _)| *uid).collect();
                deleted.into_iter().for_each(|uid| self.remove(uid));
                Answer::Done
            }
            Question::Fetch(fetch) => {
                let row = |uid| {
                    let (flags, modseq, _) = self.messages.get(&uid)?;
                    Some(posthouse_imap::FetchRow::of(uid, *modseq, flags.clone()))
                };
                let rows = fetch.uids.iter().filter_map(row).collect();
                return vec![Answer::FetchRows(rows), Answer::FetchDone { missing: UidSet::new() }];
            }
            _ => Answer::Done,
        }]
    }
}

/// A client that knows of each message its flags, and its UID once it was told.
#[derive(Default)]
struct Client {
    messages: Vec<(Option<u32>, Option<String>)>,
}

impl Client {
    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = words.get(1).and_then(|word| word.parse::<usize>().ok());
        match (number, words.get(2).copied()) {
            (Some(count), Some("EXISTS")) => {
                assert!(count >= self.messages.len(), "{line}");
                self.messages.resize(count, (None, None));
            }
            (Some(at), Some("EXPUNGE")) => drop(self.messages.remove(at - 1)),
            (Some(at), Some("FETCH")) => {
                let message = &mut self.messages[at - 1];
                if let Some((_, rest)) = line.split_once("UID ") {
                    let uid: u32 = rest.split([' ', ')']).next().unwrap().parse().unwrap();
                    assert!(message.0.is_none_or(|known| known == uid), "{line}");
                    message.0 = Some(uid);
                }
                if let Some((_, rest)) = line.split_once("FLAGS (") {
                    message.1 = Some(rest.split(')').next().unwrap().to_owned());
                }
            }
            (None, _) if words[1] == "VANISHED" => {
                let gone = crate::dialect::uids(words[2]);
                self.messages.retain(|(uid, _)| !gone.contains(Uid::new(uid.expect("a UID")).unwrap()));
            }
            _ => {}
        }
    }
}

fn run(session: &mut ImapSession, house: &mut House, client: &mut Client, command: &str) {
    session.receive(command.as_bytes(), Instant(0));
    let mut heard = Vec::new();
    while let Some(step) = session.next() {
        match step {
            Step::Ask(id, question) => {
                for answer in house.answer(question) {
                    session.answer(id, answer, Instant(0));
                }
            }
            Step::Send(bytes) => heard.extend_from_slice(&bytes),
            _ => {}
        }
    }
    String::from_utf8(heard).unwrap().lines().for_each(|line| client.hear(line));
}

proptest! {
    #[test]
    fn the_client_knows_what_there_is(
        steps in prop::collection::vec((0usize..9, any::<usize>()), 0..60),
        qresync in any::<bool>(),
    ) {
        let kind = if qresync { Imap { selected: Some("1:4"), ..enabled("QRESYNC") } } else { selected("1:4") };
        let mut session = kind.session();
        let mut house = House { next_uid: 1, modseq: 90, ..House::default() };
        (0..4).for_each(|_| house.add());
        house.modseq = 100;
        let mut client = Client { messages: (1..5).map(|uid| (Some(uid), Some(String::new()))).collect() };
        let mut flags = Flags::none();
        flags.insert(SystemFlag::Deleted);
        for (kind, at) in steps {
            let command = match kind {
                0 | 1 => { house.add(); String::new() }
                2 => { if let Some(uid) = house.pick(at) { house.remove(uid); } String::new() }
                3 => { if let Some(uid) = house.pick(at) { house.flag(uid, FlagChange::Add, &flags); } String::new() }
                4 => format!("a STORE 1:* {}FLAGS{} (\\Seen)\r\n", ["", "+", "-"][at % 3], [".SILENT", ""][at % 2]),
                5 if at % 5 == 0 => "a EXPUNGE\r\n".to_owned(),
                5 => "a UID FETCH 1:* (FLAGS)\r\n".to_owned(),
                6 => "a FETCH 1:* (UID FLAGS)\r\n".to_owned(),
                7 => "a SEARCH ALL\r\n".to_owned(),
                _ => "a NOOP\r\n".to_owned(),
            };
            let silent = command.contains(".SILENT");
            run(&mut session, &mut house, &mut client, &command);
            if silent || qresync {
                // What a client does not hear it asks for: its own silent changes, and UIDs of what is new.
                run(&mut session, &mut house, &mut client, "b NOOP\r\n");
                run(&mut session, &mut house, &mut client, "b UID FETCH 1:* (FLAGS)\r\n");
            }
        }
        run(&mut session, &mut house, &mut client, "c NOOP\r\n");
        run(&mut session, &mut house, &mut client, "d UID FETCH 1:* (UID)\r\n");
        let uids: Vec<_> = house.messages.keys().map(|uid| Some(uid.value())).collect();
        prop_assert_eq!(client.messages.iter().map(|(uid, _)| *uid).collect::<Vec<_>>(), uids);
        for ((_, told), (flags, ..)) in client.messages.iter().zip(house.messages.values()) {
            let names: Vec<_> = flags.system().map(SystemFlag::name).collect();
            // Flags of new messages are not told unasked.
            prop_assert!(told.as_ref().is_none_or(|told| *told == names.join(" ")), "{:?} {:?}", told, names);
        }
    }
}
