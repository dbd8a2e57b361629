//! The process that suffers.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::{env, fs};

use posthouse_model::{Uid, UidSet};
use posthouse_storage::{Claim, Mail, Queue, QueueEntry, Settlement, SettlementOutcome};

use crate::house::{House, MAILBOXES};
use crate::random::Random;

const ROLE: &str = "POSTHOUSE_TEST_ROLE";
const DIRECTORY: &str = "POSTHOUSE_TEST_DIRECTORY";
const SEED: &str = "POSTHOUSE_TEST_SEED";
/// Tasks of each kind that the process to be killed runs.
const TASKS: u64 = 4;

/// The command that starts the child in a role.
pub(crate) fn command(role: &str, directory: &std::path::Path, seed: u64) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "child::child", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env(DIRECTORY, directory).env(SEED, seed.to_string());
    command
}

/// Does nothing unless the environment gives it a role.
#[test]
fn child() {
    let Ok(role) = env::var(ROLE) else { return };
    let directory = PathBuf::from(env::var(DIRECTORY).unwrap());
    let seed = env::var(SEED).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let house = Arc::new(House::open(&directory).await);
        match role.as_str() {
            "busy" => busy(house, seed).await,
            "index" => crate::indexed::index(house, seed).await,
            "shuffle" => crate::shuffled::shuffle(house, seed).await,
            "three" => three(&house, &directory).await,
            other => panic!("{other} is no role"),
        }
    });
}

/// Tells the parent, in one write.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n= {line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Delivers three messages, and says of each what became of it.
async fn three(house: &House, directory: &std::path::Path) {
    fs::write(directory.join("arm"), "now").unwrap();
    for number in 0..3 {
        let text = format!("message {number} {}", "x".repeat(5000));
        match house.store.deliver(house.delivery(&text, 0)).await {
            Ok(delivered) => say(&format!("ok {number} {}", delivered.placed[0].uid)),
            Err(error) => say(&format!("failed {number} {error}")),
        }
    }
    house.store.close().await;
    say("closed");
}

/// Delivers, expunges, moves and empties the queue until it is killed.
async fn busy(house: Arc<House>, seed: u64) {
    say("ready");
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        tasks.push(tokio::spawn(deliver(Arc::clone(&house), seed, task)));
        tasks.push(tokio::spawn(submit(Arc::clone(&house), seed, task)));
    }
    tasks.push(tokio::spawn(send(Arc::clone(&house))));
    tasks.push(tokio::spawn(send(Arc::clone(&house))));
    tasks.push(tokio::spawn(expunge(Arc::clone(&house), seed)));
    for task in tasks {
        task.await.unwrap();
    }
}

async fn deliver(house: Arc<House>, seed: u64, task: u64) {
    let mut random = Random::new(seed ^ (task << 32));
    for number in 0.. {
        let mailbox = random.below(MAILBOXES.len() as u64) as usize;
        // Now and then the same text again, which shares a body.
        let text = format!("mail-{seed}-{task}-{} {}", number / 3, "x".repeat(random.below(2) as usize * 6000));
        let delivered = house.store.deliver(house.delivery(&text, mailbox)).await.unwrap();
        let name = text.split(' ').next().unwrap();
        say(&format!("delivered {name} {mailbox} {}", delivered.placed[0].uid));
    }
}

async fn submit(house: Arc<House>, seed: u64, task: u64) {
    for number in 0.. {
        let local_parts = [format!("q-{seed}-{task}-{number}-a"), format!("q-{seed}-{task}-{number}-b")];
        let text = format!("outgoing {number}");
        house.store.deliver(house.outgoing(&text, &local_parts)).await.unwrap();
        say(&format!("queued {} {}", local_parts[0], local_parts[1]));
    }
}

/// Leases the next entries.
async fn claim(house: &House) -> Vec<QueueEntry> {
    let mut claimed = Vec::new();
    for destination in house.store.ready_destinations(None, 3).await.unwrap() {
        let claim = Claim { destination, messages: 3, entries: 3 };
        claimed.extend(house.store.claim(vec![claim]).await.unwrap().remove(0).entries);
    }
    claimed
}

/// Claims entries and settles them with a report that names them.
async fn send(house: Arc<House>) {
    loop {
        let claimed = claim(&house).await;
        let names: Vec<_> =
            claimed.iter().map(|entry| entry.recipient.address.local_part.as_str().to_owned()).collect();
        let outcomes = claimed.iter().map(|entry| (entry.id, SettlementOutcome::Done)).collect();
        let reports = names.iter().map(|name| house.delivery(&format!("report {name}"), 0)).collect();
        house.store.settle(Settlement { outcomes, reports, trail: Vec::new() }).await.unwrap();
        for name in names {
            say(&format!("sent {name}"));
        }
        tokio::task::yield_now().await;
    }
}

/// Expunges mail from the second mailbox and moves some from the third to the second.
async fn expunge(house: Arc<House>, seed: u64) {
    let mut random = Random::new(seed ^ 0xe);
    loop {
        let (from, to) = (house.mailboxes[1], house.mailboxes[2]);
        let (_, records) = house.store.messages(house.account, from).await.unwrap();
        if let Some(record) = records.get(random.below(records.len().max(1) as u64) as usize) {
            let uids: UidSet = std::iter::once(record.uid).collect();
            say(&format!("expunging 1 {}", record.uid));
            house.store.expunge(house.account, from, &uids, false).await.unwrap();
            say(&format!("expunged 1 {}", record.uid));
        }
        let all: UidSet = (1..3).filter_map(Uid::new).collect();
        house.store.copy(house.account, to, &all, to).await.unwrap();
        tokio::task::yield_now().await;
    }
}
