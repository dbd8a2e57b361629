//! Killed at random moments, again and again on the same store.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use posthouse_model::UnixMillis;
use posthouse_storage::{Mail, Queue, QueueFilter};

use crate::child;
use crate::house::{CHANGES_ENCRYPTION, House, MAILBOXES};
use crate::random::Random;

/// Says how many rounds there are to be.
const ROUNDS_VARIABLE: &str = "POSTHOUSE_CRASH_ROUNDS";
const ROUNDS: u64 = 30;
/// The same with a large queue, all of which is looked at in each round.
const LARGE_QUEUE_ROUNDS: u64 = 5;
/// Entries that wait in a large queue.
const WAITING_ENTRIES: usize = 100_000;
/// Recipients of each of its messages.
const WAITING_RECIPIENTS: usize = 1_000;
/// Most answers that a child gives before it is killed.
const MOST_ANSWERS: u64 = 150;

/// What children have said, of all rounds.
#[derive(Default)]
struct Said {
    /// Name of each text that was delivered, by mailbox and UID.
    delivered: BTreeMap<(usize, u32), String>,
    expunging: BTreeSet<(usize, u32)>,
    expunged: BTreeSet<(usize, u32)>,
    queued: BTreeSet<String>,
    sent: BTreeSet<String>,
    /// Highest UID that was answered in earlier rounds, of each mailbox.
    highest: [u32; MAILBOXES.len()],
}

impl Said {
    fn note(&mut self, line: &str, before: &[u32; MAILBOXES.len()]) {
        let words: Vec<&str> = line.split(' ').collect();
        let place = |mailbox: &str, uid: &str| (mailbox.parse().unwrap(), uid.parse().unwrap());
        match words[..] {
            ["delivered", name, mailbox, uid] => {
                let place: (usize, u32) = place(mailbox, uid);
                assert!(place.1 > before[place.0], "UID {} of mailbox {} came back", place.1, place.0);
                self.highest[place.0] = self.highest[place.0].max(place.1);
                let earlier = self.delivered.insert(place, name.to_owned());
                assert_eq!(earlier, None, "UID {} of mailbox {} twice", place.1, place.0);
            }
            ["expunging", mailbox, uid] => drop(self.expunging.insert(place(mailbox, uid))),
            ["expunged", mailbox, uid] => drop(self.expunged.insert(place(mailbox, uid))),
            ["queued", one, other] => self.queued.extend([one.to_owned(), other.to_owned()]),
            ["sent", name] => drop(self.sent.insert(name.to_owned())),
            _ => panic!("{line} was not expected"),
        }
    }
}

/// Starts a child, takes `answers` of its answers, kills it, and takes what it had still said.
fn suffer(directory: &Path, seed: u64, answers: u64, said: &mut Said) {
    let before = said.highest;
    let mut process = child::command("busy", directory, seed).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).split(b'\n').map_while(Result::ok);
    let mut next = || lines.find_map(|line| Some(String::from_utf8(line).ok()?.strip_prefix("= ")?.to_owned()));
    assert_eq!(next().as_deref(), Some("ready"));
    let mut taken = Vec::new();
    while (taken.len() as u64) < answers {
        taken.push(next().expect("the child goes on until it is killed"));
    }
    kill(&mut process);
    taken.extend(std::iter::from_fn(next));
    for line in taken {
        said.note(&line, &before);
    }
}

fn kill(process: &mut Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

async fn check(house: &House, directory: &Path, said: &Said) {
    house.expect_sound(directory).await;
    let mut reports = BTreeMap::<String, u32>::new();
    for mailbox in 0..MAILBOXES.len() {
        let messages: BTreeMap<u32, String> = house.messages(mailbox).await.into_iter().collect();
        for text in messages.values() {
            if let Some(name) = text.strip_prefix("report ") {
                *reports.entry(name.to_owned()).or_default() += 1;
            }
        }
        for (&(_, uid), name) in said.delivered.range((mailbox, 0)..(mailbox + 1, 0)) {
            let gone = said.expunged.contains(&(mailbox, uid));
            match messages.get(&uid) {
                Some(text) => assert!(text.starts_with(name) && !gone, "UID {uid} of {mailbox} is {text}"),
                None => assert!(said.expunging.contains(&(mailbox, uid)), "UID {uid} of {mailbox} ({name}) is lost"),
            }
        }
    }
    let entries = house.store.queue_entries(&QueueFilter::default(), None, usize::MAX).await.unwrap();
    let mut waiting = BTreeMap::<String, u32>::new();
    for entry in entries {
        *waiting.entry(entry.recipient.address.local_part.as_str().to_owned()).or_default() += 1;
    }
    let names: BTreeSet<&String> = said.queued.iter().chain(waiting.keys()).chain(reports.keys()).collect();
    for name in names {
        let count = |map: &BTreeMap<String, u32>| map.get(name).copied().unwrap_or(0);
        assert_eq!(count(&waiting) + count(&reports), 1, "{name}: waits {}, sent {}", count(&waiting), count(&reports));
        assert!(!said.sent.contains(name) || count(&reports) == 1, "{name} was sent and still waits");
    }
}

#[test]
fn what_was_acknowledged_outlives_the_process() {
    outlives(&tempfile::tempdir().unwrap(), ROUNDS);
}

/// The queue under load while very much waits in it: nothing that waits goes, comes twice or is counted wrongly.
#[test]
fn a_large_queue_outlives_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let house = House::open(directory.path()).await;
        for message in 0..WAITING_ENTRIES / WAITING_RECIPIENTS {
            let names: Vec<_> = (0..WAITING_RECIPIENTS).map(|at| format!("waits-{message}-{at}")).collect();
            let mut delivery = house.outgoing(&format!("waiting {message}"), &names);
            let recipients = delivery.queue.iter_mut().flat_map(|queue| &mut queue.recipients);
            recipients.for_each(|recipient| recipient.due_at = UnixMillis(i64::MAX));
            house.store.deliver(delivery).await.unwrap();
        }
        house.store.close().await;
    });
    outlives(&directory, LARGE_QUEUE_ROUNDS);
}

#[test]
fn what_was_acknowledged_outlives_the_process_while_encryption_changes() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(CHANGES_ENCRYPTION), "").unwrap();
    outlives(&directory, ROUNDS);
}

fn outlives(directory: &tempfile::TempDir, rounds: u64) {
    let rounds = std::env::var(ROUNDS_VARIABLE).map_or(rounds, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { House::open(directory.path()).await.store.close().await });
    let (mut random, mut said) = (Random::new(1), Said::default());
    for round in 0..rounds {
        suffer(directory.path(), round, random.below(MOST_ANSWERS), &mut said);
        runtime.block_on(async {
            let house = House::open(directory.path()).await;
            check(&house, directory.path(), &said).await;
            house.store.close().await;
        });
    }
    assert!(said.delivered.len() as u64 > rounds && said.sent.len() as u64 > rounds, "too little happened");
}
