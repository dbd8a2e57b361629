//! How long after a delivery a client in IDLE is told of it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::delivery::MailboxWatch;
use super::{Column, Effort, Scenario, Target, column, percentile_ms};
use crate::connection::Mode;
use crate::imap::Imap;
use crate::message::Template;
use crate::server::{RECIPIENTS, Role, Server};
use crate::smtp::Smtp;

/// Octets of each message.
const MESSAGE_OCTETS: usize = 4096;
/// How long a push may take.
const PUSH_TIMEOUT: Duration = Duration::from_secs(10);

/// An EXISTS that came by itself.
struct Push {
    recipient: usize,
    exists: u64,
    at: Instant,
}

/// The load: one delivery at a time, each to somebody who idles.
pub struct IdleLatency;

#[async_trait]
impl Scenario for IdleLatency {
    fn group(&self) -> &'static str {
        "Delivery to IDLE"
    }

    fn name(&self) -> String {
        "4 KB, one at a time, TLS".to_owned()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            column("250 to EXISTS, p50 ms", 2, None),
            column("250 to EXISTS, p99 ms", 2, Some(Target::AtMost(10.0))),
            column("end of data to EXISTS, p50 ms", 2, None),
            column("end of data to EXISTS, p99 ms", 2, None),
        ]
    }

    fn is_possible(&self, server: &Server) -> bool {
        server.offers(Role::Mx, Mode::Plain) && server.offers(Role::Imap, Mode::Implicit)
    }

    fn is_measured_once(&self) -> bool {
        true
    }

    async fn run(&self, server: &Server, effort: &Effort) -> Result<Vec<f64>> {
        let mut watch = MailboxWatch::open(server).await?;
        watch.empty().await?;
        watch.close().await?;
        let (told, mut pushes) = unbounded_channel();
        let mut tasks = JoinSet::new();
        for (index, account) in server.recipients().iter().enumerate() {
            let mut imap = Imap::log_in(server, Mode::Implicit, account).await?;
            imap.select("INBOX").await?;
            imap.idle().await?;
            let told = told.clone();
            tasks.spawn(async move {
                while let Ok(exists) = imap.pushed_exists().await {
                    if told.send(Push { recipient: index, exists, at: Instant::now() }).is_err() {
                        return;
                    }
                }
            });
        }
        let template = Template::of_size(MESSAGE_OCTETS);
        let mut smtp = Smtp::open(server, Mode::Plain).await?;
        let (mut after_reply, mut after_data) = (Vec::new(), Vec::new());
        for number in 0..effort.pushes {
            let recipient = number % RECIPIENTS;
            let exists = (number / RECIPIENTS + 1) as u64;
            let delivered = smtp.deliver(server, &server.recipients()[recipient].address, &template).await?;
            let pushed = timeout(PUSH_TIMEOUT, push_of(&mut pushes, recipient, exists));
            let pushed = pushed.await.context("no EXISTS in time")??;
            after_reply.push(signed_seconds(delivered.answered, pushed));
            after_data.push(signed_seconds(delivered.sent, pushed));
        }
        smtp.quit().await?;
        tasks.abort_all();
        Ok(vec![
            percentile_ms(&mut after_reply, 50),
            percentile_ms(&mut after_reply, 99),
            percentile_ms(&mut after_data, 50),
            percentile_ms(&mut after_data, 99),
        ])
    }
}

/// When the server told `recipient` that there are `exists` messages.
async fn push_of(pushes: &mut UnboundedReceiver<Push>, recipient: usize, exists: u64) -> Result<Instant> {
    loop {
        let push = pushes.recv().await.context("IDLE ended")?;
        if push.recipient == recipient && push.exists == exists {
            return Ok(push.at);
        }
    }
}

/// The time from one moment to another, negative when the other was first: a server may push before it replies.
fn signed_seconds(from: Instant, to: Instant) -> f64 {
    if to >= from { (to - from).as_secs_f64() } else { -(from - to).as_secs_f64() }
}
