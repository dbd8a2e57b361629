//! IMAP APPEND, each message in a command of its own, and many in one (RFC 3502).

use std::time::Instant;

use anyhow::Result;
use async_trait::async_trait;
use tokio::task::JoinSet;

use super::fill::MESSAGE_OCTETS;
use super::{Column, Effort, Scenario, Target, column, cpu_ms_each};
use crate::connection::Mode;
use crate::imap::Imap;
use crate::message::Template;
use crate::server::{APPENDED_ACCOUNT, Role, Server};

/// The load.
pub struct Append {
    connections: usize,
    /// Messages of one command.
    messages: u64,
}

/// The kinds.
pub fn all() -> impl Iterator<Item = Append> {
    [(1, 1), (10, 1), (1, 50)].into_iter().map(|(connections, messages)| Append { connections, messages })
}

#[async_trait]
impl Scenario for Append {
    fn group(&self) -> &'static str {
        "IMAP APPEND"
    }

    fn name(&self) -> String {
        let plural = if self.connections == 1 { "" } else { "s" };
        format!("4 KB, {} in a command, {} connection{plural}, TLS", self.messages, self.connections)
    }

    fn columns(&self) -> Vec<Column> {
        vec![column("messages/s", 0, Some(Target::TimesAtLeast(3.0))), column("CPU ms", 2, None)]
    }

    fn is_possible(&self, server: &Server) -> bool {
        server.offers(Role::Imap, Mode::Implicit)
    }

    async fn run(&self, server: &Server, effort: &Effort) -> Result<Vec<f64>> {
        let account = &server.accounts[APPENDED_ACCOUNT];
        let mut imap = Imap::log_in(server, Mode::Implicit, account).await?;
        imap.empty_inbox().await?;
        imap.log_out().await?;
        let cpu_before = server.processes.cpu_time()?;
        let begin = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..self.connections {
            let (server, account, messages, load) = (server.clone(), account.clone(), self.messages, effort.load);
            tasks.spawn(async move {
                let template = Template::of_size(MESSAGE_OCTETS);
                let mut imap = Imap::log_in(&server, Mode::Implicit, &account).await?;
                let mut appended = 0;
                while begin.elapsed() < load {
                    imap.append(&template.next_messages(messages), true).await?;
                    appended += messages;
                }
                anyhow::Ok(appended)
            });
        }
        let mut appended = 0;
        while let Some(done) = tasks.join_next().await {
            appended += done??;
        }
        let took = begin.elapsed().as_secs_f64();
        let cpu = server.processes.cpu_time()? - cpu_before;
        Ok(vec![appended as f64 / took, cpu_ms_each(cpu, appended as f64)])
    }
}
