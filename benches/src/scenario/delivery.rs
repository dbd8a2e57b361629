//! SMTP to mailbox: what counts is what can be seen in the mailbox.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Column, Effort, Scenario, Target, column, cpu_ms_each, percentile_ms};
use crate::connection::Mode;
use crate::imap::Imap;
use crate::message::Template;
use crate::server::{Role, Server};
use crate::smtp::Smtp;

/// How often the mailboxes are looked at once the last message has been accepted.
const POLL: Duration = Duration::from_millis(20);
/// How long accepted messages may take to appear.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(120);

/// One load: a number of connections that send messages of a size one behind the other.
pub struct Delivery {
    connections: usize,
    kilobytes: usize,
    mode: Mode,
}

/// The loads.
pub fn all() -> impl Iterator<Item = Delivery> {
    [4, 64].into_iter().flat_map(|kilobytes| {
        [1, 10, 50].into_iter().flat_map(move |connections| {
            [Mode::Plain, Mode::StartTls].into_iter().map(move |mode| Delivery { connections, kilobytes, mode })
        })
    })
}

#[async_trait]
impl Scenario for Delivery {
    fn group(&self) -> &'static str {
        "SMTP to mailbox"
    }

    fn name(&self) -> String {
        let Self { connections, kilobytes, mode } = self;
        let plural = if *connections == 1 { "" } else { "s" };
        format!("{kilobytes} KB, {connections} connection{plural}, {}", mode.name())
    }

    fn columns(&self) -> Vec<Column> {
        let many = self.connections > 1;
        let rate = Target::TimesAtLeast(if many { 10.0 } else { 1.0 });
        vec![
            column("in mailbox/s", 0, Some(rate)),
            column("accepted/s", 0, None),
            column("p50 ms", 1, None),
            column("p99 ms", 1, None),
            column("CPU ms", 2, many.then_some(Target::TimesAtMost(0.1))),
        ]
    }

    fn is_possible(&self, server: &Server) -> bool {
        server.offers(Role::Mx, self.mode)
    }

    async fn run(&self, server: &Server, effort: &Effort) -> Result<Vec<f64>> {
        let mut watch = MailboxWatch::open(server).await?;
        watch.empty().await?;
        let mut clients = Vec::new();
        for _ in 0..self.connections {
            clients.push(Smtp::open(server, self.mode).await?);
        }
        let cpu_before = server.processes.cpu_time()?;
        let begin = Instant::now();
        let (clients, mut times) = send(clients, server, self.kilobytes, begin + effort.load).await?;
        let accepted_after = begin.elapsed();
        watch.wait_for(times.len() as u64).await?;
        let visible_after = begin.elapsed();
        let cpu = server.processes.cpu_time()? - cpu_before;
        for client in clients {
            client.quit().await?;
        }
        watch.close().await?;
        let messages = times.len() as f64;
        Ok(vec![
            messages / visible_after.as_secs_f64(),
            messages / accepted_after.as_secs_f64(),
            percentile_ms(&mut times, 50),
            percentile_ms(&mut times, 99),
            cpu_ms_each(cpu, messages),
        ])
    }
}

/// Sends on every connection until `end`; the connections, and what each message took, in seconds.
async fn send(clients: Vec<Smtp>, server: &Server, kilobytes: usize, end: Instant) -> Result<(Vec<Smtp>, Vec<f64>)> {
    let template = Arc::new(Template::of_size(kilobytes * 1024));
    let mut tasks = JoinSet::new();
    for (index, mut client) in clients.into_iter().enumerate() {
        let (server, template) = (server.clone(), Arc::clone(&template));
        tasks.spawn(async move {
            let mut times = Vec::new();
            let mut recipients = server.recipients().iter().cycle().skip(index);
            while Instant::now() < end {
                let Some(recipient) = recipients.next() else { bail!("no recipients") };
                let delivered = client.deliver(&server, &recipient.address, &template).await?;
                times.push(delivered.took.as_secs_f64());
            }
            Ok((client, times))
        });
    }
    let (mut clients, mut times) = (Vec::new(), Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (client, of_one) = done??;
        clients.push(client);
        times.extend(of_one);
    }
    Ok((clients, times))
}

/// Sees how many messages there are in the mailboxes of the recipients.
pub struct MailboxWatch {
    connections: Vec<Imap>,
}

impl MailboxWatch {
    /// Logs in to every account that mail is delivered to.
    pub async fn open(server: &Server) -> Result<Self> {
        let mut connections = Vec::new();
        for account in server.recipients() {
            connections.push(Imap::log_in(server, Mode::Implicit, account).await?);
        }
        Ok(Self { connections })
    }

    /// Removes all messages.
    pub async fn empty(&mut self) -> Result<()> {
        for connection in &mut self.connections {
            connection.empty_inbox().await?;
        }
        Ok(())
    }

    /// Waits until all mailboxes together hold `count` messages.
    pub async fn wait_for(&mut self, count: u64) -> Result<()> {
        let begin = Instant::now();
        loop {
            let mut present = 0;
            for connection in &mut self.connections {
                present += connection.inbox_messages().await?;
            }
            if present == count {
                return Ok(());
            }
            if present > count || begin.elapsed() > DRAIN_TIMEOUT {
                bail!("{count} messages were accepted and {present} are in the mailboxes");
            }
            sleep(POLL).await;
        }
    }

    /// Logs out.
    pub async fn close(self) -> Result<()> {
        for connection in self.connections {
            connection.log_out().await?;
        }
        Ok(())
    }
}
