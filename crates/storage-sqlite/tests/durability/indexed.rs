//! Killed while messages come and go and the index of words follows them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use posthouse_model::UidSet;
use posthouse_storage::search_index::TERM_KIND_BITS;
use posthouse_storage::{BodyKey, BodySlice, IndexBatch, IndexDocument, Mail, SearchIndex, Term, TermMatch, TermRange};

use crate::child::{self, say};
use crate::house::{House, MAILBOXES};
use crate::random::Random;

/// Says how many rounds there are to be, if not [`ROUNDS`].
const ROUNDS_VARIABLE: &str = "POSTHOUSE_CRASH_ROUNDS";
const ROUNDS: u64 = 12;
/// Most answers that a child gives before it is killed.
const MOST_ANSWERS: u64 = 80;
/// The terms' meaning: a message's number, once for each of these.
const TERMS_PER_MESSAGE: u64 = 40;
const VERSION: u32 = 7;
/// Messages that are added to the index at once.
const BATCH: usize = 8;
/// Steps of the indexer after which it forgets everything and begins anew.
const STEPS_TO_RESET: u64 = 60;

/// Works on the index until it is killed.
pub(crate) async fn index(house: Arc<House>, seed: u64) {
    say("ready");
    let tasks = [
        tokio::spawn(deliver(Arc::clone(&house), seed)),
        tokio::spawn(expunge(Arc::clone(&house), Random::new(seed))),
        tokio::spawn(follow(house)),
    ];
    for task in tasks {
        task.await.unwrap();
    }
}

async fn deliver(house: Arc<House>, seed: u64) {
    for number in 0.. {
        let text = format!("{}", seed * 1_000_000 + number);
        house.store.deliver(house.delivery(&text, number as usize % MAILBOXES.len())).await.unwrap();
        say("delivered");
    }
}

async fn expunge(house: Arc<House>, mut random: Random) {
    loop {
        let mailbox = house.mailboxes[random.below(MAILBOXES.len() as u64) as usize];
        let (_, records) = house.store.messages(house.account, mailbox).await.unwrap();
        let going: UidSet = records.iter().filter(|_| random.below(3) == 0).map(|record| record.uid).collect();
        house.store.expunge(house.account, mailbox, &going, false).await.unwrap();
        say("expunged");
    }
}

async fn follow(house: Arc<House>) {
    for step in 1.. {
        if step % STEPS_TO_RESET == 0 {
            house.store.reset_index(house.account).await.unwrap();
            say("reset");
        }
        add_some(&house).await;
        house.store.compact_index(house.account, VERSION, step % 5 == 0).await.unwrap();
        say("indexed");
    }
}

/// Adds the next messages to the index. False when it lacks none.
async fn add_some(house: &House) -> bool {
    let Some(next) = house.store.next_unindexed(house.account, VERSION, BATCH).await.unwrap() else { return false };
    let mut documents = Vec::new();
    for message in next.messages.iter().filter(|message| !message.is_indexed) {
        // Expunged since it was named: passed over.
        if let Some(number) = number(house, message.body).await {
            documents.push(IndexDocument { body: message.body, terms: terms(number), is_complete: true });
        }
    }
    let batch = IndexBatch { mailbox: next.mailbox, through: next.through, documents };
    house.store.add_to_index(house.account, VERSION, batch).await.unwrap();
    true
}

async fn number(house: &House, body: BodyKey) -> Option<u64> {
    let read = house.store.read(&[BodySlice { body, range: 0..u64::MAX }]).await.ok()?;
    Some(std::str::from_utf8(&read[0]).unwrap().parse().unwrap())
}

fn term(number: u64, at: u64) -> Term {
    (number * TERMS_PER_MESSAGE + at) << TERM_KIND_BITS
}

fn terms(number: u64) -> Vec<Term> {
    (0..TERMS_PER_MESSAGE).map(|at| term(number, at)).collect()
}

/// What the index knows of each message that is there: whether it finds it by its own number, and no other by it.
async fn check(house: &House, finished: bool) {
    let mut bodies = Vec::new();
    for mailbox in &house.mailboxes {
        let (_, records) = house.store.messages(house.account, *mailbox).await.unwrap();
        bodies.extend(records.iter().map(|record| record.body));
    }
    for (at, &body) in bodies.iter().enumerate() {
        let number = number(house, body).await.expect("it is there");
        let query = vec![TermRange { first: term(number, 3), last: term(number, 3), kinds: 1 }];
        let found = house.store.match_terms(house.account, VERSION, bodies.clone(), vec![query]).await.unwrap();
        for (other, found) in found.into_iter().enumerate() {
            match found {
                TermMatch::Unindexed => assert!(!finished, "{body:?} is not in the index"),
                found => assert_eq!(found, TermMatch::Meets(u64::from(other == at)), "{body:?}"),
            }
        }
    }
}

/// Starts a child, takes `answers` of its answers, and kills it. Returns how many steps of the index it spoke of.
fn suffer(directory: &Path, seed: u64, answers: u64) -> u64 {
    let mut process = child::command("index", directory, seed).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).split(b'\n').map_while(Result::ok);
    let mut next = || lines.find_map(|line| Some(String::from_utf8(line).ok()?.strip_prefix("= ")?.to_owned()));
    assert_eq!(next().as_deref(), Some("ready"));
    let said: Vec<_> = (0..answers).map(|_| next().expect("the child goes on until it is killed")).collect();
    process.kill().unwrap();
    process.wait().unwrap();
    said.iter().filter(|line| *line == "indexed").count() as u64
}

#[test]
fn the_index_of_words_is_right_after_each_kill() {
    let directory = tempfile::tempdir().unwrap();
    let rounds = std::env::var(ROUNDS_VARIABLE).map_or(ROUNDS, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { House::open(directory.path()).await.store.close().await });
    let (mut random, mut steps) = (Random::new(3), 0);
    for round in 0..rounds {
        steps += suffer(directory.path(), round, 10 + random.below(MOST_ANSWERS));
        runtime.block_on(async {
            let house = House::open(directory.path()).await;
            house.expect_sound(directory.path()).await;
            check(&house, false).await;
            if round % 3 == 0 {
                while add_some(&house).await {}
                check(&house, true).await;
                house.expect_sound(directory.path()).await;
            }
            house.store.close().await;
        });
    }
    assert!(steps > rounds, "too little happened");
}
