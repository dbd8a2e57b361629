//! What leaves: from a queue that is full to a sink, beside Postfix; and what a large queue costs at the start.
//!
//! Both servers are given the same messages while nothing can leave, and then are let loose on Postfix's own
//! `smtp-sink`, which takes everything. Destinations are domains that are routed to addresses of the loopback network.
//! Postfix keeps its durable defaults; the clock runs from the moment at which its queue manager is started, and from
//! the moment at which Posthouse is, until either queue is empty.

mod peer;
mod posthouse;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::options::{Options, Side};
use peer::Peer;
use posthouse::Posthouse;

/// To how many destinations mail goes, table row by table row.
const DESTINATIONS: [usize; 3] = [1, 10, 100];
/// Octets of a message.
const MESSAGE_OCTETS: usize = 4096;
/// How often is looked whether a queue is empty.
const POLL: Duration = Duration::from_millis(100);
/// How long that may take.
const DRAIN_TIMEOUT: Duration = Duration::from_mins(10);
/// Destinations of the backlog, and how many of its messages are due.
const BACKLOG_DESTINATIONS: usize = 100;
const BACKLOG_DUE: u64 = 1_000;

/// The sink. It ends when this is dropped.
struct Sink {
    child: Child,
    port: u16,
}

impl Sink {
    fn start() -> Result<Self> {
        let port = free_port()?;
        let child = Command::new("/usr/sbin/smtp-sink")
            .args(["-u", "nobody", &format!("0.0.0.0:{port}"), "1000"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("smtp-sink cannot be started: run `cargo xtask bench`, which installs it")?;
        Ok(Self { child, port })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address behind a destination.
fn address(destination: usize) -> String {
    format!("127.0.0.{}", destination + 2)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until `left` says that nothing is; how long that took.
fn drained(begin: Instant, mut left: impl FnMut() -> Result<u64>) -> Result<Duration> {
    while left()? > 0 {
        if begin.elapsed() > DRAIN_TIMEOUT {
            bail!("{} messages are in the queue still", left()?);
        }
        std::thread::sleep(POLL);
    }
    Ok(begin.elapsed())
}

/// Measures, and prints the tables.
pub fn run(options: &Options, directory: &Path) -> Result<()> {
    let filler = options.queue_filler();
    println!(
        "### Queue to sink, messages of 4 KB\n\n| destinations | Posthouse /s | Postfix /s | ratio |\n|---|---|---|---|"
    );
    for destinations in DESTINATIONS {
        let [mut ours, mut theirs] = [Vec::new(), Vec::new()];
        for round in 0..options.rounds() {
            let place = directory.join(format!("{destinations}-{round}"));
            if options.includes(Side::Posthouse) {
                ours.push(of_posthouse(options, &filler, &place.join("posthouse"), destinations)?);
            }
            if options.includes(Side::Peer) {
                theirs.push(of_peer(options, &place.join("peer"), destinations)?);
            }
            eprintln!("{destinations} destinations: {ours:.0?} beside {theirs:.0?} a second");
        }
        let (ours, theirs) = (median(&mut ours), median(&mut theirs));
        println!("| {destinations} | {ours:.0} | {theirs:.0} | {:.1} |", ours / theirs);
    }
    if options.includes(Side::Posthouse) && options.backlog > BACKLOG_DUE {
        backlog(options, &filler, &directory.join("backlog"))?;
    }
    Ok(())
}

fn of_posthouse(options: &Options, filler: &Path, directory: &Path, destinations: usize) -> Result<f64> {
    let sink = Sink::start()?;
    let posthouse = Posthouse::prepare(options.posthouse(), directory, destinations, sink.port)?;
    posthouse.fill(filler, options.queue_messages, 0, destinations)?;
    let begin = Instant::now();
    let running = posthouse.start()?;
    let took = drained(begin, || running.waiting())?;
    Ok(options.queue_messages as f64 / took.as_secs_f64())
}

fn of_peer(options: &Options, directory: &Path, destinations: usize) -> Result<f64> {
    let sink = Sink::start()?;
    let peer = Peer::start(directory, destinations, sink.port)?;
    peer.fill(options.queue_messages, destinations)?;
    let begin = Instant::now();
    peer.let_go()?;
    let took = drained(begin, || peer.waiting())?;
    Ok(options.queue_messages as f64 / took.as_secs_f64())
}

/// A server that starts with a large queue.
fn backlog(options: &Options, filler: &Path, directory: &Path) -> Result<()> {
    let sink = Sink::start()?;
    let posthouse = Posthouse::prepare(options.posthouse(), directory, BACKLOG_DESTINATIONS, sink.port)?;
    posthouse.fill(filler, BACKLOG_DUE, options.backlog - BACKLOG_DUE, BACKLOG_DESTINATIONS)?;
    let begin = Instant::now();
    let running = posthouse.start()?;
    let ready = begin.elapsed();
    while running.waiting()? == options.backlog {
        std::thread::sleep(Duration::from_millis(10));
    }
    let first = begin.elapsed();
    let later = options.backlog - BACKLOG_DUE;
    drained(begin, || Ok(running.waiting()?.saturating_sub(later)))?;
    println!(
        "\nWith {} entries in the queue, {BACKLOG_DUE} of them due: ready after {:.2} s, first deliveries done after \
         {:.2} s, all that was due after {:.2} s; memory at its highest {:.0} MiB.",
        options.backlog,
        ready.as_secs_f64(),
        first.as_secs_f64(),
        begin.elapsed().as_secs_f64(),
        running.peak_mebibytes()?
    );
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Where a program that was built with this one is.
pub fn beside_this(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap_or_default();
    path.set_file_name("examples");
    path.join(name)
}
