//! Memory of connections that do nothing but idle, in TLS.

use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use tokio::time::sleep;

use super::idling::idle_in;
use super::{Column, Effort, Scenario, Target, column};
use crate::connection::Mode;
use crate::server::{Role, Server};

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
        drop(idle_in(server, server.recipients(), server.recipients().len()).await?);
        sleep(SETTLING).await;
        let before = server.processes.resident_octets()?;
        let begin = Instant::now();
        let connections = idle_in(server, server.recipients(), effort.idle_connections).await?;
        let took = begin.elapsed();
        sleep(SETTLING).await;
        let after = server.processes.resident_octets()?;
        let processes = server.processes.ids()?.len();
        let count = connections.len() as f64;
        drop(connections);
        Ok(vec![(after as f64 - before as f64) / 1024.0 / count, count, count / took.as_secs_f64(), processes as f64])
    }
}
