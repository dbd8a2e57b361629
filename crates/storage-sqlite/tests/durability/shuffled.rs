//! Killed while flags change, messages move, go and come back, and mailboxes are renamed and removed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use posthouse_model::flag::FlagChange;
use posthouse_model::{Flags, MailboxId, MailboxName, Uid, UidSet};
use posthouse_storage::{BodySlice, Delivery, FlagsWanted, Mail, MailboxRecord, Placement, Recovery};

use crate::child::{self, say};
use crate::house::{House, NOW};
use crate::random::Random;

/// Says how many rounds there are to be, if not [`ROUNDS`].
const ROUNDS_VARIABLE: &str = "POSTHOUSE_CRASH_ROUNDS";
const ROUNDS: u64 = 12;
/// Most answers that a child gives before it is killed.
const MOST_ANSWERS: u64 = 120;
/// Messages of each kind.
const MESSAGES: u32 = 20;
/// Mailboxes, each with what is done to it. That to be renamed has a number behind its name.
const KINDS: [&str; 4] = ["Flagged", "Moved", "Expunged", "Renamed-0"];
/// How often the mailbox of what is expunged goes as a whole.
const REMOVAL_EVERY: u64 = 5;

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

fn one(uid: Uid) -> UidSet {
    std::iter::once(uid).collect()
}

async fn mailbox(house: &House, text: &str) -> MailboxId {
    house.store.mailbox(house.account, &name(text)).await.unwrap().expect("it is there").id
}

/// Makes the mailboxes, with messages in them.
async fn prepare(house: &House) {
    for kind in KINDS {
        let mailbox = house.store.create_mailbox(house.account, &name(kind), None).await.unwrap().id;
        for number in 0..MESSAGES {
            let placement = Placement { account: house.account, mailbox, flags: Flags::none(), internal_date: NOW };
            let delivery = house.delivery(&format!("{kind} {number}"), 0);
            house.store.deliver(Delivery { placements: vec![placement], ..delivery }).await.unwrap();
        }
    }
    house.store.create_mailbox(house.account, &name("Aside"), None).await.unwrap();
}

/// Shuffles until it is killed.
pub(crate) async fn shuffle(house: Arc<House>, seed: u64) {
    house.store.keep_expunged(true);
    say("ready");
    let tasks = [
        tokio::spawn(flag(Arc::clone(&house), Random::new(seed))),
        tokio::spawn(move_about(Arc::clone(&house), Random::new(seed ^ 1))),
        tokio::spawn(lose_and_find(Arc::clone(&house), Random::new(seed ^ 2))),
        tokio::spawn(rename(house, seed)),
    ];
    for task in tasks {
        task.await.unwrap();
    }
}

async fn flag(house: Arc<House>, mut random: Random) {
    let mailbox = mailbox(&house, "Flagged").await;
    loop {
        let uid = Uid::new(1 + random.below(u64::from(MESSAGES)) as u32).unwrap();
        let flags = Flags::from_bits(random.below(32) as u8);
        say(&format!("flagging {uid} {}", flags.bits()));
        let wanted =
            FlagsWanted { uids: one(uid), change: FlagChange::Replace, flags: flags.clone(), unchanged_since: None };
        house.store.store_flags(house.account, mailbox, wanted).await.unwrap();
        say(&format!("flagged {uid} {}", flags.bits()));
    }
}

async fn move_about(house: Arc<House>, mut random: Random) {
    let places = [mailbox(&house, "Moved").await, mailbox(&house, "Aside").await];
    loop {
        let from = random.below(2) as usize;
        let (_, records) = house.store.messages(house.account, places[from]).await.unwrap();
        if let Some(record) = records.get(random.below(u64::from(MESSAGES)) as usize) {
            house.store.move_messages(house.account, places[from], &one(record.uid), places[1 - from]).await.unwrap();
            say("moved");
        }
        tokio::task::yield_now().await;
    }
}

async fn lose_and_find(house: Arc<House>, mut random: Random) {
    let name = name("Expunged");
    for round in 1.. {
        let there = house.store.mailbox(house.account, &name).await.unwrap();
        if let Some(MailboxRecord { id, .. }) = there {
            if round % REMOVAL_EVERY == 0 {
                house.store.delete_mailbox(house.account, id).await.unwrap();
            } else {
                let (_, records) = house.store.messages(house.account, id).await.unwrap();
                let going: UidSet = records.iter().filter(|_| random.below(2) == 0).map(|record| record.uid).collect();
                house.store.expunge(house.account, id, &going, false).await.unwrap();
            }
            say("lost");
        }
        let kept = house.store.expunged(house.account, None, 100).await.unwrap();
        let keys = kept.iter().filter(|_| random.below(4) > 0).map(|message| message.key).collect();
        house.store.put_back(house.account, house.account, keys).await.unwrap();
        say("found");
    }
}

async fn rename(house: Arc<House>, seed: u64) {
    let records = house.store.mailboxes(house.account).await.unwrap();
    let id = records.iter().find(|one| one.name.as_str().starts_with("Renamed-")).unwrap().id;
    for number in 1.. {
        let text = format!("Renamed-{seed}-{number}");
        say(&format!("renaming {text}"));
        house.store.rename_mailboxes(house.account, vec![(id, name(&text))]).await.unwrap();
        say(&format!("renamed {text}"));
    }
}

/// What children have said: what is so, and what may be so because nobody was told.
#[derive(Default)]
struct Said {
    flags: BTreeMap<u32, BTreeSet<u8>>,
    names: BTreeSet<String>,
    answers: BTreeMap<String, u64>,
}

impl Said {
    fn note(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        *self.answers.entry(words[0].to_owned()).or_default() += 1;
        match words[..] {
            ["flagging", uid, bits] => {
                let may_be = self.flags.entry(uid.parse().unwrap()).or_insert_with(|| BTreeSet::from([0]));
                may_be.insert(bits.parse().unwrap());
            }
            ["flagged", uid, bits] => {
                self.flags.insert(uid.parse().unwrap(), BTreeSet::from([bits.parse().unwrap()]));
            }
            ["renaming", text] => drop(self.names.insert(text.to_owned())),
            ["renamed", text] => self.names = BTreeSet::from([text.to_owned()]),
            ["moved" | "lost" | "found"] => {}
            _ => panic!("{line} was not expected"),
        }
    }
}

/// Starts a child, takes `answers` of its answers, kills it, and takes what it had still said.
fn suffer(directory: &Path, seed: u64, answers: u64, said: &mut Said) {
    let mut process = child::command("shuffle", directory, seed).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).split(b'\n').map_while(Result::ok);
    let mut next = || lines.find_map(|line| Some(String::from_utf8(line).ok()?.strip_prefix("= ")?.to_owned()));
    assert_eq!(next().as_deref(), Some("ready"));
    for _ in 0..answers {
        said.note(&next().expect("the child goes on until it is killed"));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    while let Some(line) = next() {
        said.note(&line);
    }
}

async fn texts(house: &House, text: &str) -> Vec<String> {
    let Some(record) = house.store.mailbox(house.account, &name(text)).await.unwrap() else { return Vec::new() };
    let (_, records) = house.store.messages(house.account, record.id).await.unwrap();
    bodies(house, records.iter().map(|record| record.body)).await
}

async fn bodies(house: &House, keys: impl Iterator<Item = posthouse_storage::BodyKey>) -> Vec<String> {
    let slices: Vec<_> = keys.map(|body| BodySlice { body, range: 0..u64::MAX }).collect();
    let read = house.store.read(&slices).await.unwrap();
    read.iter().map(|body| String::from_utf8(body.to_vec()).unwrap()).collect()
}

fn all_of(kind: &str) -> Vec<String> {
    let mut all: Vec<String> = (0..MESSAGES).map(|number| format!("{kind} {number}")).collect();
    all.sort();
    all
}

async fn check(house: &House, directory: &Path, said: &Said) {
    house.expect_sound(directory).await;
    let flagged = mailbox(house, "Flagged").await;
    for record in house.store.messages(house.account, flagged).await.unwrap().1 {
        let unchanged = BTreeSet::from([0]);
        let may_be = said.flags.get(&record.uid.value()).unwrap_or(&unchanged);
        let flags = record.flags.bits();
        assert!(may_be.contains(&flags), "UID {} has {flags}, said was {may_be:?}", record.uid);
    }
    let mut moved = [texts(house, "Moved").await, texts(house, "Aside").await].concat();
    moved.sort();
    assert_eq!(moved, all_of("Moved"));
    let kept = house.store.expunged(house.account, None, 500).await.unwrap();
    let mut lost = bodies(house, kept.iter().map(|message| message.record.body)).await;
    lost.extend(texts(house, "Expunged").await);
    lost.sort();
    assert_eq!(lost, all_of("Expunged"));
    let records = house.store.mailboxes(house.account).await.unwrap();
    let renamed: Vec<&MailboxRecord> = records.iter().filter(|one| one.name.as_str().starts_with("Renamed-")).collect();
    assert_eq!((renamed.len(), renamed[0].messages), (1, MESSAGES));
    let is_said = said.names.is_empty() || said.names.contains(renamed[0].name.as_str());
    assert!(is_said, "{} was not said: {:?}", renamed[0].name, said.names);
}

#[test]
fn what_was_shuffled_is_whole_after_each_kill() {
    let rounds = std::env::var(ROUNDS_VARIABLE).map_or(ROUNDS, |text| text.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let house = House::open(directory.path()).await;
        prepare(&house).await;
        house.store.close().await;
    });
    let (mut random, mut said) = (Random::new(7), Said::default());
    for round in 0..rounds {
        suffer(directory.path(), round, random.below(MOST_ANSWERS), &mut said);
        runtime.block_on(async {
            let house = House::open(directory.path()).await;
            check(&house, directory.path(), &said).await;
            house.store.close().await;
        });
    }
    for kind in ["flagged", "moved", "lost", "found", "renamed"] {
        assert!(said.answers.get(kind).is_some_and(|count| *count > rounds), "too little was {kind}");
    }
}
