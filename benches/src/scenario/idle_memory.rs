//! Memory of connections that do nothing but idle, in TLS.

use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Column, Effort, Scenario, Target, column};
use crate::connection::Mode;
use crate::imap::Imap;
use crate::server::{Role, Server};

/// Connections that are opened at once.
const OPENED_AT_ONCE: usize = 16;
/// How long the server may settle before its memory is read.
const SETTLING: Duration = Duration::from_secs(2);

/// The load.
pub struct IdleMemory;

#[async_trait]
impl Scenario for IdleMemory {
    fn group(&self) -> &'static str {
        "Idle IMAP connections"
    }

    fn name(&self) -> String {
        "in IDLE, TLS".to_owned()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            column("KB each", 1, Some(Target::AtMost(60.0))),
            column("connections", 0, None),
            column("opened/s", 0, None),
            column("processes", 0, None),
        ]
    }

    fn is_possible(&self, server: &Server) -> bool {
        server.offers(Role::Imap, Mode::Implicit)
    }

    fn is_measured_once(&self) -> bool {
        true
    }

    async fn run(&self, server: &Server, effort: &Effort) -> Result<Vec<f64>> {
        // What signing in and opening a mailbox for the first time takes is not of the connections.
        drop(open(server, server.recipients().len()).await?);
        sleep(SETTLING).await;
        let before = server.processes.resident_octets()?;
        let begin = Instant::now();
        let connections = open(server, effort.idle_connections).await?;
        let took = begin.elapsed();
        sleep(SETTLING).await;
        let after = server.processes.resident_octets()?;
        let processes = server.processes.ids()?.len();
        let count = connections.len() as f64;
        drop(connections);
        Ok(vec![(after as f64 - before as f64) / 1024.0 / count, count, count / took.as_secs_f64(), processes as f64])
    }
}

async fn open(server: &Server, count: usize) -> Result<Vec<Imap>> {
    let mut tasks = JoinSet::new();
    for first in 0..OPENED_AT_ONCE {
        let server = server.clone();
        tasks.spawn(async move {
            let mut opened = Vec::new();
            let accounts = server.recipients();
            for index in (first..count).step_by(OPENED_AT_ONCE) {
                let mut imap = Imap::log_in(&server, Mode::Implicit, &accounts[index % accounts.len()]).await?;
                imap.select("INBOX").await?;
                imap.idle().await?;
                opened.push(imap);
            }
            anyhow::Ok(opened)
        });
    }
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        all.extend(done??);
    }
    Ok(all)
}
