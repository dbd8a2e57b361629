//! POP3 RETR of every message of a maildrop, one behind the other.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use async_trait::async_trait;

use super::fill::{MESSAGE_OCTETS, fill_inbox};
use super::{Column, Effort, Scenario, Target, column};
use crate::connection::Mode;
use crate::pop3::Pop3;
use crate::server::{RETRIEVED_ACCOUNT, Role, Server};

/// The load.
pub struct Retrieve {
    mode: Mode,
}

/// In clear and in TLS.
pub fn all() -> impl Iterator<Item = Retrieve> {
    [Mode::Plain, Mode::Implicit].into_iter().map(|mode| Retrieve { mode })
}

#[async_trait]
impl Scenario for Retrieve {
    fn group(&self) -> &'static str {
        "POP3 RETR"
    }

    fn name(&self) -> String {
        format!("messages of 4 KB, {}", self.mode.name())
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            column("messages/s", 0, Some(Target::TimesAtLeast(1.0))),
            column("MB/s", 0, None),
            column("CPU µs", 1, None),
        ]
    }

    fn is_possible(&self, server: &Server) -> bool {
        server.offers(Role::Pop3, self.mode)
    }

    async fn run(&self, server: &Server, effort: &Effort) -> Result<Vec<f64>> {
        let account = &server.accounts[RETRIEVED_ACCOUNT];
        fill_inbox(server, account, effort.retrieved_messages, MESSAGE_OCTETS).await?;
        let (mut messages, mut octets) = (0, 0);
        let (mut took, mut cpu) = (Duration::ZERO, Duration::ZERO);
        while took < effort.load {
            let mut pop3 = Pop3::log_in(server, self.mode, account).await?;
            let present = pop3.messages().await?;
            ensure!(present == effort.retrieved_messages, "{present} messages in the maildrop");
            let cpu_before = server.processes.cpu_time()?;
            let begin = Instant::now();
            for number in 1..=present {
                octets += pop3.retrieve(number).await?;
            }
            took += begin.elapsed();
            cpu += server.processes.cpu_time()? - cpu_before;
            messages += present;
            pop3.quit().await?;
        }
        let (messages, seconds) = (messages as f64, took.as_secs_f64());
        Ok(vec![messages / seconds, octets as f64 / 1e6 / seconds, cpu.as_secs_f64() * 1e6 / messages])
    }
}
