//! The server is killed at random moments under load, over and over. Whatever it acknowledged is there, once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use posthouse_interop::{ID_FIELD, LineStream, Options, Posthouse, Sink, free_port};

/// Environment variable that sets how often the server is killed.
const ROUNDS_VARIABLE: &str = "POSTHOUSE_KILL_ROUNDS";
const DEFAULT_ROUNDS: usize = 200;
/// The server lives at most so long in each round.
const LONGEST_LIFE: Duration = Duration::from_millis(250);
/// Connections that deliver at once, of each kind.
const CLIENTS: usize = 3;
/// Entries that wait beside all that, and how many recipients each of their messages has.
const BACKLOG: usize = 100_000;
const BACKLOG_RECIPIENTS: usize = 1000;
/// How often the server is killed with them, and how long it lives: so long that clients have signed in, and longer by
/// chance.
const BACKLOG_ROUNDS: usize = 12;
const SHORTEST_LIFE_WITH_BACKLOG: Duration = Duration::from_millis(600);
const LONGEST_LIFE_WITH_BACKLOG: Duration = Duration::from_millis(1800);
/// How long the last server may take to empty its queue.
const QUEUE_PATIENCE: Duration = Duration::from_secs(120);

/// What clients were told.
#[derive(Default)]
struct Ledger {
    next: AtomicUsize,
    /// Acknowledged, to a mailbox here.
    local: Mutex<HashSet<String>>,
    /// Acknowledged, to the sink by way of the queue.
    remote: Mutex<HashSet<String>>,
}

/// A linear congruential generator, so that a run can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn message(id: &str) -> String {
    format!("From: ann@example.test\r\nTo: x\r\nSubject: {id}\r\n{ID_FIELD}{id}\r\n\r\nA body of {id}.\r\n")
}

/// Delivers until the connection breaks.
fn deliver_by_smtp(port: u16, to: &str, ledger: &Ledger, acknowledged: &Mutex<HashSet<String>>) -> Result<()> {
    let mut smtp = LineStream::plain(port)?;
    smtp.smtp_reply()?;
    smtp.smtp("EHLO client.example")?;
    loop {
        let id = format!("m{}", ledger.next.fetch_add(1, Ordering::Relaxed));
        ensure!(smtp.smtp("MAIL FROM:<ann@corpus.example>")?.starts_with("250"));
        ensure!(smtp.smtp(&format!("RCPT TO:<{to}>"))?.starts_with("250"));
        ensure!(smtp.smtp("DATA")?.starts_with("354"));
        smtp.send_raw(message(&id).as_bytes())?;
        let reply = smtp.smtp(".")?;
        ensure!(reply.starts_with("250"), "{reply}");
        acknowledged.lock().expect("no client panics").insert(id);
    }
}

fn submit(server: &Access, ledger: &Ledger) -> Result<()> {
    let mut smtp = LineStream::tls(server.submission, &server.host, &server.ca)?;
    smtp.smtp_reply()?;
    smtp.smtp("EHLO client.example")?;
    let login = posthouse_interop::base64(format!("\0{}\0{}", server.address, server.password).as_bytes());
    ensure!(smtp.smtp(&format!("AUTH PLAIN {login}"))?.starts_with("235"));
    loop {
        let id = format!("m{}", ledger.next.fetch_add(1, Ordering::Relaxed));
        ensure!(smtp.smtp(&format!("MAIL FROM:<{}>", server.address))?.starts_with("250"));
        ensure!(smtp.smtp("RCPT TO:<somebody@far.example>")?.starts_with("250"));
        ensure!(smtp.smtp("DATA")?.starts_with("354"));
        let text = message(&id).replace("ann@example.test", &server.address);
        smtp.send_raw(text.as_bytes())?;
        let reply = smtp.smtp(".")?;
        ensure!(reply.starts_with("250"), "{reply}");
        ledger.remote.lock().expect("no client panics").insert(id);
    }
}

fn append(server: &Access, ledger: &Ledger) -> Result<()> {
    let mut imap = LineStream::tls(server.imap, &server.host, &server.ca)?;
    imap.line()?;
    imap.imap("a", &format!("LOGIN {} {}", server.address, server.password))?;
    loop {
        let id = format!("m{}", ledger.next.fetch_add(1, Ordering::Relaxed));
        let text = message(&id);
        let lines = imap.imap("b", &format!("APPEND INBOX {{{}+}}\r\n{text}", text.len()))?;
        ensure!(lines.last().is_some_and(|line| line.starts_with("b OK")), "{lines:?}");
        ledger.local.lock().expect("no client panics").insert(id);
    }
}

/// What clients need to know of one incarnation of the server.
struct Access {
    host: String,
    ca: std::path::PathBuf,
    mx: u16,
    submission: u16,
    imap: u16,
    address: String,
    password: String,
}

impl Access {
    fn of(server: &Posthouse) -> Self {
        Self {
            host: server.ready.host.clone(),
            ca: server.ca().to_owned(),
            mx: server.port("mx", "starttls-optional"),
            submission: server.port("submission", "implicit"),
            imap: server.port("imap", "implicit"),
            address: server.ann().address.clone(),
            password: server.ann().password.clone(),
        }
    }
}

fn start(data: &Path, sink: &Sink) -> Result<Posthouse> {
    let options = Options { data: Some(data.to_owned()), ..Options::default() };
    Posthouse::start_with(&options.with("--route").with(format!("127.0.0.1:{}", sink.port)))
}

/// Lets clients work until the server is killed.
fn one_life(server: Posthouse, ledger: &Arc<Ledger>, life: Duration) -> Result<()> {
    let access = Arc::new(Access::of(&server));
    let dead = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    let mut client = |work: fn(&Access, &Ledger) -> Result<()>| {
        let (access, ledger, dead) = (Arc::clone(&access), Arc::clone(ledger), Arc::clone(&dead));
        clients.push(std::thread::spawn(move || {
            let ended = work(&access, &ledger);
            // Before the server is dead, nothing may fail.
            if dead.load(Ordering::SeqCst) { Ok(()) } else { ended }
        }));
    };
    for _ in 0..CLIENTS {
        client(|access, ledger| deliver_by_smtp(access.mx, &access.address, ledger, &ledger.local));
        client(submit);
        client(append);
    }
    std::thread::sleep(life);
    dead.store(true, Ordering::SeqCst);
    server.kill()?;
    for client in clients {
        client.join().expect("no client panics")?;
    }
    Ok(())
}

/// Every UID with the id of its message.
fn inbox(server: &Posthouse) -> Result<Vec<(u32, String)>> {
    let access = Access::of(server);
    let mut imap = LineStream::tls(access.imap, &access.host, &access.ca)?;
    imap.line()?;
    imap.imap("a", &format!("LOGIN {} {}", access.address, access.password))?;
    imap.imap("b", "EXAMINE INBOX")?;
    let lines = imap.imap("c", "UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (X-Test-Id)])")?;
    let mut rows = Vec::new();
    for line in &lines {
        if !line.contains(" FETCH (") {
            continue;
        }
        let (_, rest) = line.split_once("UID ").context(line.clone())?;
        let uid = rest.split([' ', ')']).next().context("no UID")?.parse()?;
        let id = line.split_once(ID_FIELD).map(|(_, rest)| rest.lines().next().unwrap_or_default().trim().to_owned());
        rows.push((uid, id.unwrap_or_default()));
    }
    Ok(rows)
}

/// Checks what is in the mailbox against what was acknowledged and what was there before.
fn check(server: &Posthouse, ledger: &Ledger, seen: &mut BTreeMap<u32, String>) -> Result<()> {
    let rows = inbox(server)?;
    let mut times: HashMap<&str, usize> = HashMap::new();
    for (uid, id) in &rows {
        *times.entry(id).or_default() += 1;
        if let Some(before) = seen.insert(*uid, id.clone()) {
            ensure!(before == *id, "UID {uid} was {before} and is {id}");
        }
    }
    ensure!(rows.len() == seen.len(), "{} messages are gone", seen.len() - rows.len());
    ensure!(rows.windows(2).all(|pair| pair[0].0 < pair[1].0), "UIDs do not rise");
    for id in ledger.local.lock().expect("no client panics").iter() {
        ensure!(
            times.get(id.as_str()) == Some(&1),
            "{id} was acknowledged and is there {:?} times",
            times.get(id.as_str())
        );
    }
    let doubled: Vec<_> = times.iter().filter(|(id, count)| !id.is_empty() && **count > 1).collect();
    ensure!(doubled.is_empty(), "more than once: {doubled:?}");
    Ok(())
}

/// Nothing acknowledged may be missing at the sink, and what came twice must have come first on a connection on which
/// the server was killed before it took note of the 250.
fn check_sink(ledger: &Ledger, sink: &Sink) -> Result<()> {
    let begin = Instant::now();
    let waiting = || {
        let taken = sink.taken();
        ledger.remote.lock().expect("no client panics").iter().filter(|id| !taken.contains_key(*id)).count()
    };
    while waiting() > 0 {
        ensure!(begin.elapsed() < QUEUE_PATIENCE, "{} acknowledged messages never left the queue", waiting());
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A server that reaches the sink for `far.example` and nobody for `waiting.example`, which it tries again much later.
fn start_with_backlog(data: &Path, sink: &Sink, nobody: u16) -> Result<Posthouse> {
    let route = |domain: &str, host: &str, port: u16| {
        format!("[[outgoing.route]]\ndomain = \"{domain}\"\nhost = \"{host}\"\nport = {port}\ntls = \"none\"\n")
    };
    let settings = format!(
        "[sending_watch]\nenabled = false\n[queue]\nretry_after = [\"4h\"]\n{}{}",
        route("far.example", "[127.0.0.1]", sink.port),
        route("waiting.example", "[127.0.0.3]", nobody)
    );
    let options = Options { data: Some(data.to_owned()), ..Options::default() };
    Posthouse::start_with(&options.with_settings(settings))
}

/// Fills the queue with entries for a host that is not there.
fn fill(server: &Posthouse) -> Result<()> {
    let mut smtp = server.submission()?;
    for message in 0..BACKLOG / BACKLOG_RECIPIENTS {
        let to: Vec<String> = (0..BACKLOG_RECIPIENTS).map(|at| format!("u{message}-{at}@waiting.example")).collect();
        let to: Vec<&str> = to.iter().map(String::as_str).collect();
        server.submit_on(&mut smtp, &to, "", "Subject: wait\r\n\r\nHello.")?;
    }
    Ok(())
}

#[test]
fn killed_with_a_full_queue_it_loses_nothing_and_doubles_nothing() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let sink = Sink::start()?;
    let nobody = free_port()?;
    let start = || start_with_backlog(directory.path(), &sink, nobody);
    let server = start()?;
    fill(&server)?;
    server.kill()?;
    let ledger = Arc::new(Ledger::default());
    let mut seen = BTreeMap::new();
    let mut chance = Chance(20_261_122);
    for round in 0..BACKLOG_ROUNDS {
        let server = start().with_context(|| format!("start {round}"))?;
        let chosen = chance.below((LONGEST_LIFE_WITH_BACKLOG - SHORTEST_LIFE_WITH_BACKLOG).as_millis() as u64);
        let life = SHORTEST_LIFE_WITH_BACKLOG + Duration::from_millis(chosen);
        one_life(server, &ledger, life).with_context(|| format!("life {round}"))?;
    }
    let server = start()?;
    check(&server, &ledger, &mut seen)?;
    check_sink(&ledger, &sink)?;
    // What the sink has is settled soon; then the queue is the backlog and nothing else.
    let begin = Instant::now();
    loop {
        let summary = server.ask(&["queue", "summary", "--json"])?;
        let destinations = summary["destinations"].as_array().map_or(0, Vec::len);
        if destinations == 1 && summary["counts"]["entries"] == BACKLOG {
            break;
        }
        ensure!(begin.elapsed() < QUEUE_PATIENCE, "{summary}");
    }
    let handed_on = ledger.remote.lock().expect("no client panics").len();
    println!("{BACKLOG_ROUNDS} kills with {BACKLOG} entries waiting, {handed_on} handed on");
    ensure!(handed_on > 0, "nothing left the queue beside its backlog");
    let noted_twice = sink.taken().values().filter(|one| one.times_seen > 1).count();
    ensure!(noted_twice == 0, "{noted_twice} messages were handed on again although the 250 had been seen");
    server.stop()
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_doubles_nothing() -> Result<()> {
    let rounds = std::env::var(ROUNDS_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_ROUNDS);
    let directory = tempfile::tempdir()?;
    let sink = Sink::start()?;
    let ledger = Arc::new(Ledger::default());
    let mut seen = BTreeMap::new();
    let mut chance = Chance(20_261_121);
    for round in 0..rounds {
        let server = start(directory.path(), &sink).with_context(|| format!("start {round}"))?;
        check(&server, &ledger, &mut seen).with_context(|| format!("after {round} kills"))?;
        let life = Duration::from_millis(chance.below(LONGEST_LIFE.as_millis() as u64));
        one_life(server, &ledger, life).with_context(|| format!("life {round}"))?;
    }
    let server = start(directory.path(), &sink)?;
    check(&server, &ledger, &mut seen)?;
    check_sink(&ledger, &sink)?;
    server.stop()?;
    let taken = sink.taken();
    let doubled = taken.values().filter(|one| one.times > 1).count();
    let local = ledger.local.lock().expect("no client panics").len();
    println!("{rounds} kills, {local} kept here, {} handed on, {doubled} of them twice", taken.len());
    // What came twice may come again only because nobody had taken note of the first 250: else the client would have
    // said something more, or goodbye, on that connection.
    let noted_twice: Vec<_> = taken.iter().filter(|(_, one)| one.times_seen > 1).map(|(id, _)| id).collect();
    ensure!(noted_twice.is_empty(), "handed on again although the 250 had been seen: {noted_twice:?}");
    Ok(())
}
