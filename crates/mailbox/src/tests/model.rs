//! Random commands from several handles on one mailbox, beside a plain list of messages and flags.

use posthouse_model::ModSeq;
use posthouse_model::flag::FlagChange;
use proptest::prelude::*;

use super::*;
use crate::{BatchBound, Rows};

const HANDLES: usize = 3;
const MARKS: [&str; 5] = ["\\Seen", "\\Deleted", "\\Seen $a", "$a $b", ""];

#[derive(Clone, Debug)]
enum Command {
    Append { marks: usize },
    Store { which: Vec<u32>, change: usize, marks: usize },
    Expunge { which: Option<Vec<u32>> },
    Remove { which: Vec<u32> },
    CopyWithin { which: Vec<u32> },
    MoveWithin { which: Vec<u32> },
    MoveAway { which: Vec<u32> },
    Sync,
}

fn command() -> impl Strategy<Value = Command> {
    let which = || prop::collection::vec(1u32..25, 0..6);
    prop_oneof![
        4 => (0..MARKS.len()).prop_map(|marks| Command::Append { marks }),
        3 => (which(), 0usize..3, 0..MARKS.len())
            .prop_map(|(which, change, marks)| Command::Store { which, change, marks }),
        1 => prop::option::of(which()).prop_map(|which| Command::Expunge { which }),
        1 => which().prop_map(|which| Command::Remove { which }),
        1 => which().prop_map(|which| Command::CopyWithin { which }),
        1 => which().prop_map(|which| Command::MoveWithin { which }),
        1 => which().prop_map(|which| Command::MoveAway { which }),
        4 => Just(Command::Sync),
    ]
}

/// The plain list, and what is written down of what it has shown.
#[derive(Default)]
struct Reference {
    messages: Vec<(u32, Flags)>,
    last_uid: u32,
}

impl Reference {
    fn add(&mut self, flags: Flags) {
        self.last_uid += 1;
        self.messages.push((self.last_uid, flags));
    }

    fn copy(&mut self, which: &[u32]) {
        let copies: Vec<_> = self.messages.iter().filter(|(uid, _)| which.contains(uid)).cloned().collect();
        copies.into_iter().for_each(|(_, flags)| self.add(flags));
    }

    fn remove(&mut self, goes: impl Fn(u32, &Flags) -> bool) {
        self.messages.retain(|(uid, flags)| !goes(*uid, flags));
    }
}

/// A handle and what its holder has been told so far.
pub struct Follower {
    pub mailbox: Mailbox,
    pub view: Vec<(u32, Flags)>,
    modseq: ModSeq,
}

impl Follower {
    pub async fn open(house: &House) -> Self {
        let mailbox = house.inbox().await;
        Self { mailbox, view: Vec::new(), modseq: ModSeq(0) }
    }

    /// Brings the view up to date with what the mailbox tells of changes, and with nothing else.
    pub async fn sync(&mut self) {
        let changes = self.mailbox.changes_since(self.modseq).await.unwrap();
        self.view.retain(|(value, _)| !changes.vanished.contains(uid(*value)));
        let bound = BatchBound { messages: 3, size_bytes: u64::MAX };
        let mut rows = Rows::new(changes.added.clone(), None);
        let mut news: Vec<_> = changes.changed.iter().map(|row| (row.0.value(), row.1.clone())).collect();
        loop {
            let batch = self.mailbox.next_rows(&mut rows, bound);
            if batch.is_empty() {
                break;
            }
            news.extend(batch.into_iter().map(|record| (record.uid.value(), record.flags)));
        }
        for (uid, flags) in news {
            match self.view.binary_search_by_key(&uid, |row| row.0) {
                Ok(at) => self.view[at].1 = flags,
                Err(at) => self.view.insert(at, (uid, flags)),
            }
        }
        self.modseq = changes.highest_modseq;
    }
}

async fn carry_out(house: &House, mailbox: &Mailbox, reference: &mut Reference, command: &Command) {
    match command {
        Command::Append { marks } => {
            let uid = house.append("INBOX", "Subject: x\r\n\r\nx\r\n", MARKS[*marks]).await;
            reference.add(flags(MARKS[*marks]));
            assert_eq!(uid.value(), reference.last_uid);
        }
        Command::Store { which, change, marks } => {
            let change = [FlagChange::Replace, FlagChange::Add, FlagChange::Remove][*change];
            let outcome = mailbox.store_flags(&uids(which), change, &flags(MARKS[*marks]), None).await.unwrap();
            let touched = reference.messages.iter_mut().filter(|(uid, _)| which.contains(uid));
            let mut expected = Vec::new();
            for (uid, old) in touched {
                *old = change.apply(old, &flags(MARKS[*marks]));
                expected.push((*uid, old.clone()));
            }
            let rows: Vec<_> = outcome.rows.into_iter().map(|row| (row.0.value(), row.1)).collect();
            assert_eq!(rows, expected);
        }
        Command::Expunge { which } => {
            mailbox.expunge(which.as_deref().map(uids).as_ref()).await.unwrap();
            let marked = |flags: &Flags| flags.has(SystemFlag::Deleted);
            reference.remove(|uid, flags| marked(flags) && which.as_ref().is_none_or(|which| which.contains(&uid)));
        }
        Command::Remove { which } => {
            mailbox.remove(&uids(which)).await.unwrap();
            reference.remove(|uid, _| which.contains(&uid));
        }
        Command::CopyWithin { which } => {
            mailbox.copy_to(&house.mailboxes, &uids(which), &name("INBOX")).await.unwrap();
            reference.copy(which);
        }
        Command::MoveWithin { which } => {
            mailbox.move_to(&house.mailboxes, &uids(which), &name("INBOX")).await.unwrap();
            let last = reference.last_uid;
            reference.copy(which);
            reference.remove(|uid, _| uid <= last && which.contains(&uid));
        }
        Command::MoveAway { which } => {
            mailbox.move_to(&house.mailboxes, &uids(which), &name("away")).await.unwrap();
            reference.remove(|uid, _| which.contains(&uid));
        }
        Command::Sync => {}
    }
}

async fn check_figures(house: &House, mailbox: &Mailbox, reference: &Reference) {
    let snapshot = mailbox.snapshot();
    let values: Vec<_> = reference.messages.iter().map(|row| row.0).collect();
    let first_unseen = reference.messages.iter().find(|(_, flags)| !flags.has(SystemFlag::Seen));
    let keywords: std::collections::BTreeSet<_> =
        reference.messages.iter().flat_map(|(_, flags)| flags.keywords().iter().cloned()).collect();
    assert_eq!(snapshot.uids, uids(&values));
    assert_eq!(snapshot.uid_next, u64::from(reference.last_uid) + 1);
    assert_eq!(snapshot.first_unseen.map(Uid::value), first_unseen.map(|row| row.0));
    assert_eq!(snapshot.keywords, keywords.into_iter().collect::<Vec<_>>());
    let status = house.mailboxes.status(&house.ann, &name("INBOX")).await.unwrap();
    let count = |flag, set| reference.messages.iter().filter(|(_, flags)| flags.has(flag) == set).count() as u32;
    assert_eq!(status.messages as usize, values.len());
    assert_eq!((status.unseen, status.deleted), (count(SystemFlag::Seen, false), count(SystemFlag::Deleted, true)));
    assert_eq!(status.highest_modseq, snapshot.highest_modseq);
}

async fn run(commands: Vec<(usize, Command)>) {
    let house = House::open().await;
    house.mailboxes.create(&house.ann, &name("away"), None).await.unwrap();
    let mut reference = Reference::default();
    let mut followers = Vec::new();
    for _ in 0..HANDLES {
        followers.push(Follower::open(&house).await);
    }
    for (which, command) in commands {
        let follower = &mut followers[which];
        carry_out(&house, &follower.mailbox, &mut reference, &command).await;
        check_figures(&house, &follower.mailbox, &reference).await;
        if matches!(command, Command::Sync) {
            follower.sync().await;
            assert_eq!(follower.view, reference.messages);
        }
    }
    for follower in &mut followers {
        follower.sync().await;
        assert_eq!(follower.view, reference.messages);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_handle_converges_to_the_plain_list(
        commands in prop::collection::vec((0..HANDLES, command()), 0..60),
    ) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(commands));
    }
}
