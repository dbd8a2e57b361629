//! Random commands of the owner and two readers, beside plain sets.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const READERS: usize = 2;

#[derive(Clone, Debug)]
enum Command {
    Append,
    Seen { who: usize, which: u32, seen: bool },
    Flagged { who: usize, which: u32 },
    Expunge { which: u32 },
    Sync { who: usize },
    Reopen { who: usize },
}

fn command() -> impl Strategy<Value = Command> {
    let who = || 0..=READERS;
    prop_oneof![
        3 => Just(Command::Append),
        6 => (who(), 1u32..12, any::<bool>()).prop_map(|(who, which, seen)| Command::Seen { who, which, seen }),
        2 => (who(), 1u32..12).prop_map(|(who, which)| Command::Flagged { who, which }),
        1 => (1u32..12).prop_map(|which| Command::Expunge { which }),
        4 => who().prop_map(|who| Command::Sync { who }),
        1 => who().prop_map(|who| Command::Reopen { who }),
    ]
}

/// What one session has been told.
struct Session {
    mailbox: Mailbox,
    known: BTreeMap<u32, String>,
    since: ModSeq,
}

impl Session {
    fn open(mailbox: Mailbox) -> Self {
        let since = mailbox.snapshot().highest_modseq;
        let mut session = Self { mailbox, known: BTreeMap::new(), since };
        session.look(&UidSet::all());
        session
    }

    /// Takes down flags, as FETCH would tell them.
    fn look(&mut self, which: &UidSet) {
        for record in self.mailbox.next_rows(&mut Rows::new(which.clone(), None), ALL) {
            self.known.insert(record.uid.value(), shown(record.uid, &record.flags));
        }
    }

    async fn sync(&mut self) {
        let changes = self.mailbox.changes_since(self.since).await.unwrap();
        changes.vanished.iter().for_each(|uid| drop(self.known.remove(&uid.value())));
        for (uid, flags, modseq) in &changes.changed {
            assert!(*modseq > self.since && *modseq <= changes.highest_modseq);
            self.known.insert(uid.value(), shown(*uid, flags));
        }
        self.look(&changes.added);
        self.since = changes.highest_modseq;
    }
}

#[derive(Default)]
struct Plain {
    last: u32,
    flagged: BTreeSet<u32>,
    seen: [BTreeSet<u32>; READERS + 1],
    there: BTreeSet<u32>,
}

impl Plain {
    fn sight(&self, who: usize) -> BTreeMap<u32, String> {
        let one = |number: &u32| {
            let mut all = Flags::none();
            if self.flagged.contains(number) {
                all.insert(SystemFlag::Flagged);
            }
            if self.seen[who].contains(number) {
                all.insert(SystemFlag::Seen);
            }
            (*number, shown(uid(*number), &all))
        };
        self.there.iter().map(one).collect()
    }
}

async fn play(commands: Vec<Command>) {
    let house = House::open().await;
    let carl = account(&house.store, &house.identity, "carl@example.org").await;
    house.grant("INBOX", "bob", "lrswte").await;
    house.grant("INBOX", "carl", "lrsw").await;
    let open = async |who: usize| {
        let (permit, at) = match who {
            0 => (&house.ann, MailboxName::inbox()),
            1 => (&house.bob, anns("INBOX")),
            _ => (&carl, anns("INBOX")),
        };
        Session::open(house.mailboxes.open(permit, &at, false).await.unwrap())
    };
    let mut sessions = [open(0).await, open(1).await, open(2).await];
    let mut plain = Plain::default();
    for command in commands {
        match command {
            Command::Append => {
                house.append("INBOX", "a: b\r\n\r\n", "").await;
                plain.last += 1;
                plain.there.insert(plain.last);
            }
            Command::Seen { who, which, seen } => {
                let change = if seen { FlagChange::Add } else { FlagChange::Remove };
                store(&sessions[who].mailbox, which, change, "\\Seen").await;
                if seen && plain.there.contains(&which) {
                    plain.seen[who].insert(which);
                } else {
                    plain.seen[who].remove(&which);
                }
            }
            Command::Flagged { who, which } => {
                store(&sessions[who].mailbox, which, FlagChange::Add, "\\Flagged").await;
                if plain.there.contains(&which) {
                    plain.flagged.insert(which);
                }
            }
            Command::Expunge { which } => {
                sessions[1].mailbox.remove(&uids(&[which])).await.unwrap();
                plain.there.remove(&which);
            }
            Command::Sync { who } => {
                sessions[who].sync().await;
                assert_eq!(sessions[who].known, plain.sight(who));
            }
            Command::Reopen { who } => sessions[who] = open(who).await,
        }
    }
    for (who, session) in sessions.iter_mut().enumerate() {
        session.sync().await;
        assert_eq!(session.known, plain.sight(who));
        let unseen = plain.there.difference(&plain.seen[who]).count();
        let at = if who == 0 { MailboxName::inbox() } else { anns("INBOX") };
        let permit = [&house.ann, &house.bob, &carl][who];
        let record = house.mailboxes.status(permit, &at).await.unwrap();
        assert_eq!((record.unseen as usize, record.highest_modseq), (unseen, session.since));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_reader_sees_what_they_have_done(commands in prop::collection::vec(command(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(commands));
    }
}
