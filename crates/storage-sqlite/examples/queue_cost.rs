//! What a queue costs that waits, and a store with such a queue for other measurements.
//!
//! ```sh
//! cargo run --release -p posthouse-storage-sqlite --example queue_cost [DIRECTORY]
//! queue_cost fill STORE NOW LATER DESTINATIONS
//! ```
//!
//! The first measures what it takes to find out that nothing is due, to take one message out and to settle it, with
//! 1,000 and with 1,000,000 entries that wait, and how soon such a store is open again. It makes its stores in DIRECTORY,
//! or in the system's temporary one. The second makes a store with NOW messages of 4 KB that are due and LATER that wait
//! for a day, for so many destinations `d0.example`, `d1.example`, … from a hundred senders.

#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use posthouse_model::{Address, BodyType, Domain, JourneyId, Recipient, ReversePath, UnixMillis};
use posthouse_storage::{
    Body, Claim, Delivery, Mail, ParsedMessage, Queue, QueueSubmission, QueuedMessage, QueuedRecipient, Settlement,
    SettlementOutcome,
};
use posthouse_storage_sqlite::{Options, SqliteStorage};

const OCTETS: usize = 4 * 1024;
const SENDERS: u64 = 100;
/// Deliveries under way at once while a store is filled.
const AT_ONCE: u64 = 500;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often each thing is done.
const TIMES: u32 = 500;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [word, store, now, later, destinations] = &arguments[..]
        && word == "fill"
    {
        let store = SqliteStorage::open(store, Options::default())?;
        fill(&store, 0, now.parse()?, destinations.parse()?, Duration::ZERO).await?;
        fill(&store, now.parse()?, later.parse()?, destinations.parse()?, DAY).await?;
        store.close().await;
        return Ok(());
    }
    let parent = arguments.first().map_or_else(env::temp_dir, PathBuf::from);
    let directory = parent.join(format!("posthouse-queue-cost-{}", std::process::id()));
    println!("waiting  nothing due µs  claim and settle µs  open ms");
    for waiting in [1_000, 1_000_000] {
        let measured = measure(&directory, waiting).await;
        fs::remove_dir_all(&directory)?;
        measured?;
    }
    Ok(())
}

async fn measure(directory: &Path, waiting: u64) -> Result<(), Failure> {
    let store = SqliteStorage::open(directory, Options::default())?;
    fill(&store, 0, waiting, 1000, DAY).await?;
    fill(&store, waiting, u64::from(TIMES), 10, Duration::ZERO).await?;
    store.close().await;
    drop(store);
    let begun = Instant::now();
    let store = SqliteStorage::open(directory, Options::default())?;
    let open = begun.elapsed();
    let begun = Instant::now();
    for _ in 0..TIMES {
        store.ripen(now(), 500).await?;
    }
    let idle = begun.elapsed() / TIMES;
    let begun = Instant::now();
    let mut claimed = 0;
    while claimed < TIMES {
        for destination in store.ready_destinations(None, 100).await? {
            let claims = vec![Claim { destination, messages: 1, entries: 1 }];
            let entries = store.claim(claims).await?.remove(0).entries;
            claimed += u32::try_from(entries.len())?;
            let outcomes = entries.iter().map(|entry| (entry.id, SettlementOutcome::Done)).collect();
            store.settle(Settlement { outcomes, reports: Vec::new(), trail: Vec::new() }).await?;
        }
    }
    let each = begun.elapsed() / TIMES;
    println!("{waiting:>7}  {:>14}  {:>19}  {:>7}", idle.as_micros(), each.as_micros(), open.as_millis());
    store.close().await;
    Ok(())
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Queues `count` messages, numbered from `first`, due after `wait`.
async fn fill(
    store: &Arc<SqliteStorage>,
    first: u64,
    count: u64,
    destinations: u64,
    wait: Duration,
) -> Result<(), Failure> {
    let mut text = b"From: ann@example.org\r\nSubject: hello\r\n\r\n".to_vec();
    text.resize(OCTETS - 2, b'x');
    for line in text[60..].chunks_mut(72) {
        if let Some(last) = line.last_chunk_mut::<2>() {
            *last = *b"\r\n";
        }
    }
    text.extend_from_slice(b"\r\n");
    let body = Body::from_bytes(text);
    let mut tasks = Vec::new();
    for task in 0..AT_ONCE.min(count) {
        let (store, body) = (Arc::clone(store), body.clone());
        tasks.push(tokio::spawn(async move {
            for number in (first + task..first + count).step_by(usize::try_from(AT_ONCE)?) {
                store.deliver(delivery(number, destinations, wait, body.clone())?).await?;
            }
            Ok::<_, Failure>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

fn delivery(number: u64, destinations: u64, wait: Duration, body: Body) -> Result<Delivery, Failure> {
    let now = now();
    let destination = format!("d{}.example", number % destinations);
    let message = QueuedMessage {
        journey: JourneyId(number << 20),
        sender: ReversePath::Address(Address::parse(&format!("user{}@example.org", number % SENDERS))?),
        body_type: BodyType::SevenBit,
        smtputf8: false,
        tls: posthouse_model::TlsWish::None,
        may_sign: false,
        forwarded_by: None,
        submitter: None,
        dsn_return: None,
        envelope_id: None,
        size_bytes: body.size_bytes,
        received_at: now,
        future_release: None,
        awaits_release: false,
        deliver_by: None,
    };
    let recipient = QueuedRecipient {
        recipient: Recipient::new(Address::parse(&format!("u{number}@{destination}"))?),
        destination: Domain::parse(&destination)?,
        due_at: now + wait,
        expires_at: now + 5 * DAY,
        deadline: None,
        held: None,
    };
    let queue = Some(QueueSubmission { message, recipients: vec![recipient] });
    Ok(Delivery { body, parsed: ParsedMessage::default(), placements: Vec::new(), queue, trail: Vec::new() })
}
