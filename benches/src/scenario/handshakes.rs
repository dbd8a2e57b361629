//! Full TLS handshakes on the IMAPS port, up to the greeting.

use std::time::Instant;

use anyhow::Result;
use async_trait::async_trait;
use tokio::task::JoinSet;

use super::{Column, Effort, Scenario, Target, column, cpu_ms_each, percentile_ms};
use crate::connection::Mode;
use crate::imap::Imap;
use crate::server::{Role, Server};

/// Handshakes at once.
const AT_ONCE: usize = 8;

/// The load.
pub struct Handshakes;

#[async_trait]
impl Scenario for Handshakes {
    fn group(&self) -> &'static str {
        "TLS handshakes"
    }

    fn name(&self) -> String {
        format!("IMAPS, {AT_ONCE} at once, to the greeting")
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            column("handshakes/s", 0, Some(Target::TimesAtLeast(10.0))),
            column("p50 ms", 1, None),
            column("p99 ms", 1, None),
            column("CPU ms", 2, None),
        ]
    }

    fn is_possible(&self, server: &Server) -> bool {
        server.offers(Role::Imap, Mode::Implicit)
    }

    async fn run(&self, server: &Server, effort: &Effort) -> Result<Vec<f64>> {
        let cpu_before = server.processes.cpu_time()?;
        let begin = Instant::now();
        let end = begin + effort.load;
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            let server = server.clone();
            tasks.spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < end {
                    let begin = Instant::now();
                    drop(Imap::open(&server, Mode::Implicit).await?);
                    times.push(begin.elapsed().as_secs_f64());
                }
                anyhow::Ok(times)
            });
        }
        let mut times = Vec::new();
        while let Some(done) = tasks.join_next().await {
            times.extend(done??);
        }
        let took = begin.elapsed();
        let cpu = server.processes.cpu_time()? - cpu_before;
        let handshakes = times.len() as f64;
        Ok(vec![
            handshakes / took.as_secs_f64(),
            percentile_ms(&mut times, 50),
            percentile_ms(&mut times, 99),
            cpu_ms_each(cpu, handshakes),
        ])
    }
}
