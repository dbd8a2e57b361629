//! Mailboxes with a known number of messages, filled once and then left as they are.

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use crate::connection::Mode;
use crate::imap::Imap;
use crate::message::Template;
use crate::server::{Account, Server};

/// Octets of a message, if nothing else is said. A literal of this size may be sent without a wait everywhere (RFC 7888 §5).
pub const MESSAGE_OCTETS: usize = 4096;
/// Messages that are sent before an answer is waited for.
const BATCH: u64 = 50;
/// Connections that append at once to a server which takes one message in a command.
const APPENDING_CONNECTIONS: u64 = 16;

/// Makes INBOX hold exactly `count` messages of `octets` each.
pub async fn fill_inbox(server: &Server, account: &Account, count: u64, octets: usize) -> Result<()> {
    let mut imap = Imap::log_in(server, Mode::Implicit, account).await?;
    if imap.inbox_messages().await? == count {
        return imap.log_out().await;
    }
    imap.empty_inbox().await?;
    let capabilities = imap.command("CAPABILITY").await?.join(" ");
    // RFC 3502
    if capabilities.contains("MULTIAPPEND") {
        append(&mut imap, count, octets, true).await?;
    } else {
        append_side_by_side(server, account, count, octets).await?;
    }
    let present = imap.inbox_messages().await?;
    ensure!(present == count, "{count} messages were appended and {present} are there");
    imap.log_out().await
}

async fn append_side_by_side(server: &Server, account: &Account, count: u64, octets: usize) -> Result<()> {
    let mut tasks = JoinSet::new();
    for index in 0..APPENDING_CONNECTIONS {
        let share = count / APPENDING_CONNECTIONS + u64::from(index < count % APPENDING_CONNECTIONS);
        let (server, account) = (server.clone(), account.clone());
        tasks.spawn(async move {
            let mut imap = Imap::log_in(&server, Mode::Implicit, &account).await?;
            append(&mut imap, share, octets, false).await?;
            imap.log_out().await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

async fn append(imap: &mut Imap, mut count: u64, octets: usize, in_one_command: bool) -> Result<()> {
    let template = Template::of_size(octets);
    while count > 0 {
        let batch = count.min(BATCH);
        imap.append(&template.next_messages(batch), in_one_command).await?;
        count -= batch;
    }
    Ok(())
}
