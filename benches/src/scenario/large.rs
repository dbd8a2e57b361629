//! What commands cost in a mailbox of very many messages.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;

use super::fill::fill_inbox;
use super::{Column, Effort, Scenario, Target, column, cpu_ms_each, percentile_ms};
use crate::connection::Mode;
use crate::imap::Imap;
use crate::message::Template;
use crate::server::{LARGE_ACCOUNT, Role, Server};

/// Octets of each message.
const MESSAGE_OCTETS: usize = 1500;
/// Messages whose flags one STORE changes.
const STORED: u64 = 10_000;
/// Messages that changed since a client looked last.
const CHANGED: u64 = 1_000;
/// How long a server may take to come to rest after the first search.
const REST_TIMEOUT: Duration = Duration::from_mins(15);
/// What the first search looks for, in messages of which nobody has searched any before.
const FIRST_SEARCH: &str = "BODY \"read them before Thursday\"";

/// The command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    SelectWarm,
    SelectCold,
    NewMessage,
    Store,
    Resync,
    SearchFirst,
    Search { name: &'static str, key: &'static str },
}

/// The load.
pub struct Large {
    what: What,
}

/// The kinds.
pub fn all() -> impl Iterator<Item = Large> {
    let searches = [
        ("a flag that half have", "SEEN"),
        ("a date", "SINCE 1-Jan-2000 SMALLER 1000000"),
        ("a date in the header", "SENTSINCE 1-Jan-2000"),
        ("a subject that few have", "SUBJECT \"abc\""),
        ("a header field not in the envelope", "HEADER Received \"relay.sender\""),
        ("a word that no body has", "BODY \"quarrelsome\""),
        ("a word that all bodies have", "BODY \"Thursday\""),
        ("a phrase that all bodies have", "BODY \"read them before Thursday\""),
    ];
    let searches = searches.into_iter().map(|(name, key)| What::Search { name, key });
    let others = [What::SelectWarm, What::SelectCold, What::NewMessage, What::Store, What::Resync, What::SearchFirst];
    others.into_iter().chain(searches).map(|what| Large { what })
}

#[async_trait]
impl Scenario for Large {
    fn group(&self) -> &'static str {
        "IMAP in a large mailbox"
    }

    fn name(&self) -> String {
        match self.what {
            What::SelectWarm => "SELECT, open before".to_owned(),
            What::SelectCold => "SELECT, never opened before".to_owned(),
            What::NewMessage => "APPEND, and NOOP of somebody who has it open".to_owned(),
            What::Store => format!("STORE of {STORED} flags"),
            What::Resync => format!("SELECT with QRESYNC after {CHANGED} changes"),
            What::SearchFirst => "SEARCH for a phrase, the first search of all".to_owned(),
            What::Search { name, .. } => format!("SEARCH for {name}"),
        }
    }

    fn columns(&self) -> Vec<Column> {
        let target = match self.what {
            What::Search { .. } | What::NewMessage => Some(Target::TimesAtMost(0.33)),
            _ => Some(Target::TimesAtMost(1.0)),
        };
        vec![column("ms", 2, target), column("CPU ms", 2, None)]
    }

    fn is_possible(&self, server: &Server) -> bool {
        server.offers(Role::Imap, Mode::Implicit)
    }

    fn is_measured_once(&self) -> bool {
        self.what == What::SearchFirst
    }

    async fn run(&self, server: &Server, effort: &Effort) -> Result<Vec<f64>> {
        let account = &server.accounts[LARGE_ACCOUNT];
        fill_inbox(server, account, effort.large_messages, MESSAGE_OCTETS).await?;
        let imap = Imap::log_in(server, Mode::Implicit, account).await?;
        let mut load = Load { imap, round: 0, measure: Measure { server, times: Vec::new(), cpu: Duration::ZERO } };
        let messages = load.imap.select("INBOX").await?;
        match self.what {
            What::SelectWarm => load.repeat(effort.load, |_| "SELECT INBOX".to_owned()).await?,
            What::SelectCold => load.select_cold().await?,
            What::NewMessage => load.new_messages(effort.load, messages).await?,
            What::Store => {
                let last = STORED.min(messages);
                let store = |round| {
                    format!("STORE 1:{last} {}FLAGS.SILENT (\\Flagged)", if round % 2 == 0 { '+' } else { '-' })
                };
                load.repeat(effort.load, store).await?;
            }
            What::Resync => load.resync(effort.load, CHANGED.min(messages)).await?,
            What::SearchFirst => drop(load.timed(&format!("SEARCH RETURN (COUNT) {FIRST_SEARCH}")).await?),
            What::Search { name, key } => {
                if name.contains("flag") {
                    load.imap.command(&format!("STORE 1:{} +FLAGS.SILENT (\\Seen)", messages.div_ceil(2))).await?;
                }
                // Who searches for the first time sets an indexer to work. What counts is what comes after.
                load.imap.command(&format!("SEARCH RETURN (COUNT) {key}")).await?;
                server.rest(REST_TIMEOUT).await?;
                load.repeat(effort.load, |_| format!("SEARCH RETURN (COUNT) {key}")).await?;
            }
        }
        let Load { imap, mut measure, .. } = load;
        imap.log_out().await?;
        let count = measure.times.len() as f64;
        Ok(vec![percentile_ms(&mut measure.times, 50), cpu_ms_each(measure.cpu, count)])
    }
}

/// One client at work.
struct Load<'s> {
    imap: Imap,
    round: u64,
    measure: Measure<'s>,
}

/// What it took.
struct Measure<'s> {
    server: &'s Server,
    /// Of each command, in seconds.
    times: Vec<f64>,
    cpu: Duration,
}

impl Load<'_> {
    /// Sends a command again and again; the first, which fills caches, is not counted.
    async fn repeat(&mut self, load: Duration, command: impl Fn(u64) -> String) -> Result<()> {
        self.imap.command(&command(1)).await?;
        let begin = Instant::now();
        while begin.elapsed() < load || self.measure.times.is_empty() {
            self.timed(&command(self.round)).await?;
            self.round += 1;
        }
        Ok(())
    }

    async fn timed(&mut self, command: &str) -> Result<Vec<String>> {
        let cpu_before = self.measure.server.processes.cpu_time()?;
        let begin = Instant::now();
        let untagged = self.imap.command(command).await?;
        self.measure.times.push(begin.elapsed().as_secs_f64());
        self.measure.cpu += self.measure.server.processes.cpu_time()? - cpu_before;
        Ok(untagged)
    }

    /// A copy of the mailbox that nobody has opened yet.
    async fn select_cold(&mut self) -> Result<()> {
        self.imap.command("CREATE Cold").await?;
        self.imap.command("COPY 1:* Cold").await?;
        self.timed("SELECT Cold").await?;
        self.imap.command("UNSELECT").await?;
        self.imap.command("DELETE Cold").await?;
        Ok(())
    }

    async fn new_messages(&mut self, load: Duration, before: u64) -> Result<()> {
        let server = self.measure.server;
        let mut sender = Imap::log_in(server, Mode::Implicit, &server.accounts[LARGE_ACCOUNT]).await?;
        let template = Template::of_size(MESSAGE_OCTETS);
        let loading = Instant::now();
        while loading.elapsed() < load || self.measure.times.is_empty() {
            let message = template.next_messages(1);
            let cpu_before = server.processes.cpu_time()?;
            let begin = Instant::now();
            sender.append(&message, true).await?;
            let told = self.imap.command("NOOP").await?;
            self.measure.times.push(begin.elapsed().as_secs_f64());
            self.measure.cpu += server.processes.cpu_time()? - cpu_before;
            ensure!(told.iter().any(|line| line.ends_with(" EXISTS")), "NOOP told nothing of a new message");
        }
        sender.log_out().await?;
        self.imap.command(&format!("STORE {}:* +FLAGS.SILENT (\\Deleted)", before + 1)).await?;
        self.imap.command("EXPUNGE").await?;
        Ok(())
    }

    async fn resync(&mut self, load: Duration, changed: u64) -> Result<()> {
        self.imap.command("UNSELECT").await?;
        self.imap.command("ENABLE QRESYNC").await?;
        let untagged = self.imap.command("SELECT INBOX").await?;
        let code = |name: &str| {
            let value = untagged.iter().find_map(|line| line.split_once(name)?.1.split(']').next());
            value.map(|value| value.trim().to_owned()).with_context(|| format!("SELECT tells no {name}"))
        };
        let (validity, modseq) = (code("[UIDVALIDITY")?, code("[HIGHESTMODSEQ")?);
        for sign in ['+', '-'] {
            self.imap.command(&format!("STORE 1:{changed} {sign}FLAGS.SILENT (\\Answered)")).await?;
        }
        self.repeat(load, |_| format!("SELECT INBOX (QRESYNC ({validity} {modseq}))")).await
    }
}
