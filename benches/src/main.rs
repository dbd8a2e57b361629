//! `posthouse-bench`: the same load on Posthouse and on Postfix with Dovecot, in one run, and how they compare.
//!
//! Both servers run side by side on loopback, and each scenario is put on one, then on the other, so that what else
//! the machine does falls on both. The client is our own and light; it shares the machine with the servers.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

mod connection;
mod disk;
mod imap;
mod message;
mod options;
mod pop3;
mod process_tree;
mod queue;
mod results;
mod scenario;
mod server;
mod smtp;
mod table;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use disk::sync_latency;
use options::{Options, Side};
use process_tree::ProcessTree;
use results::{Outcome, Row};
use scenario::{Effort, Scenario};
use server::Server;
use server::peer::Peer;
use server::posthouse::Posthouse;

/// The longest that one scenario may take on one server, whatever it waits for, but for what follows.
const SCENARIO_TIMEOUT: Duration = Duration::from_mins(5);
/// How much longer it may take for each message of the large mailbox: to put it there, or to come to rest afterwards.
const TIMEOUT_PER_MESSAGE: Duration = Duration::from_millis(2);

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // The servers end with the future that owns them.
    tokio::select! {
        result = run(&options) => result,
        _ = terminate.recv() => anyhow::bail!("terminated"),
        _ = interrupt.recv() => anyhow::bail!("interrupted"),
    }
}

async fn run(options: &Options) -> Result<()> {
    if options.queue {
        return leave(options).await;
    }
    let scenarios: Vec<Box<dyn Scenario>> = scenario::all()
        .into_iter()
        .filter(|one| options.selects(&format!("{}: {}", one.group(), one.name())))
        .collect();
    ensure!(!scenarios.is_empty(), "no row has a name that holds {:?}", options.filters);
    let directory = tempfile::Builder::new().prefix("posthouse-bench-").tempdir_in(&options.data)?;
    let before = machine(directory.path())?;
    let (_processes, servers) = start(options, directory.path())?;
    let begin = Instant::now();
    let rows = measure(&scenarios, &servers, options).await;
    println!("{before}\n{}", table::markdown(&rows));
    println!("Afterwards: {}", machine(directory.path())?);
    println!("Measured in {:.0} s, median of {} rounds.", begin.elapsed().as_secs_f64(), options.rounds());
    if let Some(file) = &options.out {
        std::fs::write(file, table::tab_separated(&rows)).with_context(|| format!("{}", file.display()))?;
    }
    ensure!(rows.iter().all(|row| row.sides.iter().all(|side| side.failure.is_none())), "not all could be measured");
    Ok(())
}

/// Measures what leaves.
async fn leave(options: &Options) -> Result<()> {
    let directory = tempfile::Builder::new().prefix("posthouse-bench-").tempdir_in(&options.data)?;
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    println!("{}\n", machine(directory.path())?);
    let (options, place) = (options.clone(), directory.path().to_owned());
    tokio::task::spawn_blocking(move || queue::run(&options, &place)).await??;
    println!("\nAfterwards: {}", machine(directory.path())?);
    Ok(())
}

/// What the machine can do at this moment.
fn machine(directory: &Path) -> Result<String> {
    let disk = sync_latency(directory)?;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let cores = std::thread::available_parallelism()?;
    Ok(format!(
        "{cores} cores, load {load}; append of 4 KB and fdatasync: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms.",
        disk.per_second, disk.p50_ms, disk.p99_ms
    ))
}

/// What has to be kept for as long as the servers are to run.
type Processes = (Option<Posthouse>, Option<Peer>);

fn start(options: &Options, directory: &Path) -> Result<(Processes, [Option<Server>; 2])> {
    // The peer's processes change users and have to pass through.
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory, everybody)?;
    let mut processes = (None, None);
    let mut servers = [None, None];
    if options.includes(Side::Posthouse) {
        let (process, server) = Posthouse::start(&options.posthouse(), &directory.join("posthouse"))?;
        (processes.0, servers[0]) = (Some(process), Some(server));
    }
    if options.includes(Side::Peer) {
        let (process, server) = Peer::start(&directory.join("peer"), options.mail_format)?;
        (processes.1, servers[1]) = (Some(process), Some(server));
    }
    Ok((processes, servers))
}

async fn measure(scenarios: &[Box<dyn Scenario>], servers: &[Option<Server>; 2], options: &Options) -> Vec<Row> {
    let effort = options.effort();
    let mut rows = Vec::new();
    for scenario in scenarios {
        let name = format!("{}: {}", scenario.group(), scenario.name());
        if let Some(server) = servers.iter().flatten().find(|server| !scenario.is_possible(server)) {
            eprintln!("{name}: left out, because {} has no such door", server.name);
            continue;
        }
        let mut sides = [Outcome::default(), Outcome::default()];
        let rounds = if scenario.is_measured_once() { 1 } else { options.rounds() };
        for round in 0..rounds {
            // Who was first is second the next time.
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for side in order {
                let Some(server) = &servers[side] else { continue };
                measure_once(scenario.as_ref(), &name, server, &effort, &mut sides[side]).await;
            }
        }
        rows.push(Row { group: scenario.group(), name: scenario.name(), columns: scenario.columns(), sides });
    }
    rows
}

async fn measure_once(scenario: &dyn Scenario, name: &str, server: &Server, effort: &Effort, outcome: &mut Outcome) {
    if outcome.failure.is_some() {
        return;
    }
    let (begin, client) = (Instant::now(), ProcessTree::of(vec![std::process::id()]));
    let client_before = client.cpu_time_of_roots();
    let at_most = SCENARIO_TIMEOUT + TIMEOUT_PER_MESSAGE * u32::try_from(effort.large_messages).unwrap_or(u32::MAX);
    let measured = tokio::time::timeout(at_most, scenario.run(server, effort)).await;
    match measured.context("it takes too long").and_then(|result| result) {
        Ok(figures) => {
            let text: Vec<String> = scenario
                .columns()
                .iter()
                .zip(&figures)
                .map(|(column, value)| format!("{} {value:.*}", column.name, column.decimals))
                .collect();
            let client_cores = (client.cpu_time_of_roots() - client_before).div_duration_f64(begin.elapsed());
            eprintln!("{name}: {}: {} (client: {client_cores:.2} cores)", server.name, text.join(", "));
            outcome.rounds.push(figures);
        }
        Err(error) => {
            eprintln!("{name}: {} failed: {error:#}", server.name);
            outcome.failure = Some(format!("{error:#}"));
        }
    }
}
