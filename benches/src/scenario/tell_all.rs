//! How long it takes until every one of many idling clients knows of one message.

use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::fill::MESSAGE_OCTETS;
use super::idling::idle_in;
use super::{Column, Effort, Scenario, column, cpu_ms_each};
use crate::connection::Mode;
use crate::imap::Imap;
use crate::message::Template;
use crate::server::{Role, Server, WATCHED_ACCOUNT};

/// How long the server may settle before it is asked for something.
const SETTLING: Duration = Duration::from_secs(2);

/// The load.
pub struct TellAll;

#[async_trait]
impl Scenario for TellAll {
    fn group(&self) -> &'static str {
        "One message, many in IDLE"
    }

    fn name(&self) -> String {
        "all in one mailbox, TLS".to_owned()
    }

    fn columns(&self) -> Vec<Column> {
        vec![column("ms until the last knows", 1, None), column("connections", 0, None), column("CPU ms each", 3, None)]
    }

    fn is_possible(&self, server: &Server) -> bool {
        server.offers(Role::Imap, Mode::Implicit)
    }

    fn is_measured_once(&self) -> bool {
        true
    }

    async fn run(&self, server: &Server, effort: &Effort) -> Result<Vec<f64>> {
        let account = &server.accounts[WATCHED_ACCOUNT];
        // With the sender they are as many as may be open.
        let idling = idle_in(server, std::slice::from_ref(account), effort.idle_connections.saturating_sub(1)).await?;
        let count = idling.len() as f64;
        sleep(SETTLING).await;
        let mut sender = Imap::log_in(server, Mode::Implicit, account).await?;
        let cpu_before = server.processes.cpu_time()?;
        let begin = Instant::now();
        sender.append(&Template::of_size(MESSAGE_OCTETS).next_messages(1), false).await?;
        let mut waiting = JoinSet::new();
        for mut imap in idling {
            waiting.spawn(async move { imap.pushed_exists().await.map(|_| imap) });
        }
        // They stay open until the last has been told.
        let told = waiting.join_all().await;
        let took = begin.elapsed();
        let told = told.into_iter().collect::<Result<Vec<Imap>>>()?;
        let cpu = server.processes.cpu_time()? - cpu_before;
        drop(told);
        Ok(vec![took.as_secs_f64() * 1000.0, count, cpu_ms_each(cpu, count)])
    }
}
