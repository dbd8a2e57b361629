//! Connections that wait in IDLE.

use anyhow::Result;
use tokio::task::JoinSet;

use crate::connection::Mode;
use crate::imap::Imap;
use crate::server::{Account, Server};

/// Connections that are opened at once.
const OPENED_AT_ONCE: usize = 16;

/// Opens so many connections in TLS, each in IDLE in the INBOX of one of the accounts in turn.
pub async fn idle_in(server: &Server, accounts: &[Account], count: usize) -> Result<Vec<Imap>> {
    let mut tasks = JoinSet::new();
    for first in 0..OPENED_AT_ONCE {
        let (server, accounts) = (server.clone(), accounts.to_vec());
        tasks.spawn(async move {
            let mut opened = Vec::new();
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
