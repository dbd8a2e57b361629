//! A hundred clients that do a bit of everything, several of them in each mailbox.

use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use tokio::task::JoinSet;

use super::fill::{MESSAGE_OCTETS, fill_inbox};
use super::{Column, Effort, Scenario, Target, column, cpu_ms_each, percentile_ms};
use crate::connection::Mode;
use crate::imap::Imap;
use crate::message::Template;
use crate::server::{Role, Server};

/// Clients.
const CLIENTS: usize = 100;
/// Messages in each mailbox to begin with.
const MESSAGES: u64 = 200;

/// The load.
pub struct Mixed;

#[async_trait]
impl Scenario for Mixed {
    fn group(&self) -> &'static str {
        "Mixed IMAP work"
    }

    fn name(&self) -> String {
        format!("{CLIENTS} clients in 10 mailboxes, TLS")
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            column("commands/s", 0, Some(Target::TimesAtLeast(3.0))),
            column("p50 ms", 2, None),
            column("p99 ms", 2, None),
            column("CPU ms", 3, None),
        ]
    }

    fn is_possible(&self, server: &Server) -> bool {
        server.offers(Role::Imap, Mode::Implicit)
    }

    async fn run(&self, server: &Server, effort: &Effort) -> Result<Vec<f64>> {
        for account in server.recipients() {
            fill_inbox(server, account, MESSAGES, MESSAGE_OCTETS).await?;
        }
        let mut clients = Vec::new();
        for index in 0..CLIENTS {
            let account = &server.recipients()[index % server.recipients().len()];
            let mut imap = Imap::log_in(server, Mode::Implicit, account).await?;
            let messages = imap.select("INBOX").await?;
            clients.push(Client { imap, messages, random: 0x9E37_79B9_7F4A_7C15 ^ ((index as u64) << 20) });
        }
        let cpu_before = server.processes.cpu_time()?;
        let begin = Instant::now();
        let mut tasks = JoinSet::new();
        for client in clients {
            tasks.spawn(client.work(begin, effort.load));
        }
        let mut times = Vec::new();
        while let Some(done) = tasks.join_next().await {
            times.extend(done??);
        }
        let took = begin.elapsed().as_secs_f64();
        let cpu = server.processes.cpu_time()? - cpu_before;
        let count = times.len() as f64;
        let (p50, p99) = (percentile_ms(&mut times, 50), percentile_ms(&mut times, 99));
        Ok(vec![count / took, p50, p99, cpu_ms_each(cpu, count)])
    }
}

/// Somebody with a mailbox open.
struct Client {
    imap: Imap,
    /// Messages that it has been told of.
    messages: u64,
    random: u64,
}

impl Client {
    /// Works for a while; what each command took, in seconds.
    async fn work(mut self, begin: Instant, load: Duration) -> Result<Vec<f64>> {
        let template = Template::of_size(MESSAGE_OCTETS);
        let mut times = Vec::new();
        while begin.elapsed() < load {
            let command_begin = Instant::now();
            let untagged = match self.next() % 100 {
                0..10 => self.imap.append(&template.next_messages(1), true).await,
                kind => {
                    let command = self.command(kind);
                    self.imap.try_command(&command).await
                }
            };
            times.push(command_begin.elapsed().as_secs_f64());
            self.take_in(&untagged?);
        }
        Ok(times)
    }

    fn command(&mut self, kind: u64) -> String {
        let last = self.messages.max(1);
        let message = self.next() % last + 1;
        match kind {
            10..30 => {
                format!("FETCH {}:{last} (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)", last.saturating_sub(10).max(1))
            }
            30..45 => format!("FETCH {message} (UID BODY.PEEK[])"),
            45..55 => format!("STORE {message} +FLAGS (\\Seen)"),
            55..60 => format!("STORE {message} -FLAGS (\\Seen \\Flagged)"),
            60..65 => format!("STORE {message} +FLAGS.SILENT (\\Deleted)"),
            65..70 => "EXPUNGE".to_owned(),
            70..80 => "UID SEARCH UNSEEN UNDELETED".to_owned(),
            80..90 => "STATUS INBOX (MESSAGES UNSEEN UIDNEXT)".to_owned(),
            _ => "NOOP".to_owned(),
        }
    }

    /// What the server tells of the mailbox.
    fn take_in(&mut self, untagged: &[String]) {
        for line in untagged {
            let Some(rest) = line.strip_prefix("* ") else { continue };
            if let Some(count) = rest.strip_suffix(" EXISTS").and_then(|count| count.parse().ok()) {
                self.messages = count;
            } else if rest.ends_with(" EXPUNGE") {
                self.messages = self.messages.saturating_sub(1);
            }
        }
    }

    /// Numbers that look random and are the same in every run.
    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}
