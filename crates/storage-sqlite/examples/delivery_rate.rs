//! Measures durable deliveries: rate, latency and CPU, in a closed loop.
//!
//! ```sh
//! cargo run --release -p posthouse-storage-sqlite --example delivery_rate [DIRECTORY [encrypted]]
//! ```
//!
//! The store is made in a directory of its own inside DIRECTORY, the system's temporary one if none is given. What
//! the disk does has the last word, so compare runs on one machine.

#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

use posthouse_model::{
    AccountId, Address, Domain, Flags, JourneyId, MailboxId, MailboxName, TrailEvent, TrailKind, UnixMillis,
};
use posthouse_storage::{Body, BodySlice, Delivery, Directory, Mail, NewAccount, NewDomain, ParsedMessage, Placement};
use posthouse_storage_sqlite::{MasterKey, Options, SqliteStorage};

/// How long each combination runs.
const RUN: Duration = Duration::from_secs(4);
const ACCOUNTS: usize = 50;
/// Messages in the mailbox that is listed.
const LISTED: usize = 100_000;
/// The kernel's unit of CPU time in /proc, per second (`USER_HZ` on Linux).
const TICKS_PER_SECOND: f64 = 100.0;

type Mailboxes = Vec<(AccountId, MailboxId)>;

fn main() -> Result<(), Box<dyn Error>> {
    let parent = env::args().nth(1).map_or_else(env::temp_dir, PathBuf::from);
    let directory = parent.join(format!("posthouse-delivery-rate-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let measured = runtime.block_on(measure(&directory));
    fs::remove_dir_all(&directory)?;
    measured
}

async fn measure(directory: &std::path::Path) -> Result<(), Box<dyn Error>> {
    println!("producers  octets  deliveries/s   p50 ms   p99 ms   max ms  CPU µs each");
    for octets in [4 * 1024, 64 * 1024] {
        for producers in [1, 10, 64] {
            let path = directory.join(format!("{producers}-{octets}"));
            let store = open(&path).await?;
            let mailboxes = populate(&store).await?;
            rate(&store, &mailboxes, producers, octets).await?;
            store.close().await;
            fs::remove_dir_all(path)?;
        }
    }
    let store = open(&directory.join("listed")).await?;
    let mailboxes = populate(&store).await?;
    listing(&store, mailboxes[0]).await
}

/// A new store, encrypted if the second argument says so.
async fn open(path: &std::path::Path) -> Result<Arc<SqliteStorage>, Box<dyn Error>> {
    let is_encrypted = env::args().nth(2).is_some_and(|word| word == "encrypted");
    let options = Options { master_key: is_encrypted.then(MasterKey::generate), ..Options::default() };
    let store = SqliteStorage::open(path, options)?;
    if is_encrypted {
        store.enable_encryption().await?;
    }
    Ok(store)
}

async fn populate(store: &SqliteStorage) -> Result<Mailboxes, Box<dyn Error>> {
    let created_at = UnixMillis(0);
    let name = Domain::parse("example.org")?;
    store.create_domain(NewDomain { name, catch_all: None, subaddress_separator: None, created_at }).await?;
    let mut mailboxes = Vec::new();
    for number in 0..ACCOUNTS {
        let account = NewAccount {
            address: Address::parse(&format!("user{number}@example.org"))?,
            display_name: String::new(),
            administrator: false,
            credential: None,
            mailboxes: vec![(MailboxName::inbox(), None)],
            created_at,
        };
        let account = store.create_account(account).await?.id;
        mailboxes.extend(store.mailboxes(account).await?.iter().map(|mailbox| (account, mailbox.id)));
    }
    Ok(mailboxes)
}

async fn rate(
    store: &Arc<SqliteStorage>,
    mailboxes: &Mailboxes,
    producers: usize,
    octets: usize,
) -> Result<(), Box<dyn Error>> {
    let (begun, cpu) = (Instant::now(), cpu_seconds()?);
    let tasks: Vec<_> = (0..producers)
        .map(|producer| {
            let (store, mailboxes) = (Arc::clone(store), mailboxes.clone());
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while begun.elapsed() < RUN {
                    let number = waits.len() * producers + producer;
                    let wanted = delivery(number as u64, mailboxes[number % mailboxes.len()], octets);
                    let asked = Instant::now();
                    store.deliver(wanted).await?;
                    waits.push(asked.elapsed());
                }
                Ok::<_, posthouse_storage::StorageError>(waits)
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await??);
    }
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    waits.sort_unstable();
    let count = waits.len();
    let at = |share: f64| waits[((count - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
    let (each, rate) = (cpu * 1e6 / count as f64, count as f64 / wall);
    println!("{producers:9}  {octets:6}  {rate:12.0}  {p50:7.2}  {p99:7.2}  {max:7.2}  {each:11.0}");
    Ok(())
}

fn delivery(number: u64, (account, mailbox): (AccountId, MailboxId), octets: usize) -> Delivery {
    let mut text = format!("Subject: {number}\r\n\r\n").into_bytes();
    text.resize(octets, b'x');
    let sender = Address::parse("someone@elsewhere.example").expect("it is an address");
    // Journeys begin with the time in the real house too, so they rise.
    let event = |kind| TrailEvent::new(JourneyId(number << 20), UnixMillis(number as i64), kind).about(&sender);
    let fact = "TLS1.3 TLS_AES_256_GCM_SHA384 X25519MLKEM768";
    Delivery {
        body: Body::from_bytes(text),
        parsed: ParsedMessage {
            structure: vec![b's'; 300].into(),
            envelope: vec![b'e'; 400].into(),
            body: vec![b'b'; 100].into(),
            bodystructure: vec![b'b'; 150].into(),
            sent_local_seconds: Some(0),
            preview: Some("p".repeat(200)),
            thread: None,
            sort_keys: vec![b'k'; 150].into(),
        },
        placements: vec![Placement { account, mailbox, flags: Flags::none(), internal_date: UnixMillis(0) }],
        queue: None,
        trail: vec![event(TrailKind::Received).fact("tls", fact), event(TrailKind::Delivered)],
    }
}

async fn listing(store: &Arc<SqliteStorage>, (account, mailbox): (AccountId, MailboxId)) -> Result<(), Box<dyn Error>> {
    let mut first = delivery(0, (account, mailbox), 4096);
    first.placements = vec![first.placements[0].clone(); 1000];
    for _ in 0..LISTED / 1000 {
        store.deliver(first.clone()).await?;
    }
    for _ in 0..3 {
        let begun = Instant::now();
        let (_, messages) = store.messages(account, mailbox).await?;
        println!("listing {} messages: {:.1} ms", messages.len(), begun.elapsed().as_secs_f64() * 1000.0);
    }
    let (_, messages) = store.messages(account, mailbox).await?;
    let slices: Vec<_> = messages.iter().map(|one| BodySlice { body: one.body, range: 0..4096 }).collect();
    let begun = Instant::now();
    for chunk in slices.chunks(100) {
        store.read(chunk).await?;
    }
    println!("reading {} bodies of 4 KB: {:.0} ms", slices.len(), begun.elapsed().as_secs_f64() * 1000.0);
    Ok(())
}

/// CPU time that this process has used, user and system.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    // Fields 14 and 15 of proc(5); the first after the name is field 3.
    let ticks = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / TICKS_PER_SECOND)
}
