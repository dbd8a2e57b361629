//! IMAP FETCH of every message of a mailbox, on one connection.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use async_trait::async_trait;

use super::fill::{MESSAGE_OCTETS, fill_inbox};
use super::{Column, Effort, Scenario, Target, column};
use crate::connection::Mode;
use crate::imap::Imap;
use crate::server::{FETCHED_ACCOUNT, Role, Server};

/// One kind of FETCH.
pub struct Fetch {
    what: &'static str,
    items: &'static str,
    mode: Mode,
}

/// The kinds.
pub fn all() -> impl Iterator<Item = Fetch> {
    let kinds = [
        ("flags", "(FLAGS)"),
        ("envelopes", "(FLAGS UID ENVELOPE BODYSTRUCTURE)"),
        ("header fields", "BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)]"),
        ("bodies", "BODY.PEEK[]"),
    ];
    kinds.into_iter().flat_map(|(what, items)| {
        [Mode::Plain, Mode::Implicit].into_iter().map(move |mode| Fetch { what, items, mode })
    })
}

#[async_trait]
impl Scenario for Fetch {
    fn group(&self) -> &'static str {
        "IMAP FETCH 1:*"
    }

    fn name(&self) -> String {
        format!("{}, {}", self.what, self.mode.name())
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            column("messages/s", 0, Some(Target::TimesAtLeast(1.5))),
            column("MB/s in literals", 0, None),
            column("CPU µs", 1, None),
        ]
    }

    fn is_possible(&self, server: &Server) -> bool {
        server.offers(Role::Imap, self.mode)
    }

    async fn run(&self, server: &Server, effort: &Effort) -> Result<Vec<f64>> {
        let account = &server.accounts[FETCHED_ACCOUNT];
        fill_inbox(server, account, effort.fetched_messages, MESSAGE_OCTETS).await?;
        let mut imap = Imap::log_in(server, self.mode, account).await?;
        imap.select("INBOX").await?;
        // The first one fills caches and is not counted.
        imap.fetch_all(self.items).await?;
        let cpu_before = server.processes.cpu_time()?;
        let (mut messages, mut octets, mut took) = (0, 0, Duration::ZERO);
        while took < effort.load {
            let begin = Instant::now();
            let fetched = imap.fetch_all(self.items).await?;
            took += begin.elapsed();
            ensure!(fetched.responses == effort.fetched_messages, "{} FETCH responses", fetched.responses);
            messages += fetched.responses;
            octets += fetched.literal_octets;
        }
        let cpu = server.processes.cpu_time()? - cpu_before;
        imap.log_out().await?;
        let (messages, seconds) = (messages as f64, took.as_secs_f64());
        Ok(vec![messages / seconds, octets as f64 / 1e6 / seconds, cpu.as_secs_f64() * 1e6 / messages])
    }
}
