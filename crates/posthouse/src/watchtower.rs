//! Looks at the house from time to time, and has what it sees judged ([`Conditions`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;
use posthouse_domain_policy::Resolver;
use posthouse_flow::alerts::{
    ACCOUNT_FROZEN, AlertThresholds, CertificateEnd, Conditions, DiskRoom, Measured, RESOLVER_FAILS,
};
use posthouse_model::Secret;
use posthouse_server::resolver::DnsResolver;
use posthouse_storage::{Directory, Queue, SendingWatch, Settings, StorageError};
use tokio::sync::watch;

use crate::house::House;

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(60);
/// Questions to DNS in each round while it seems to fail: enough for a judgement after a few of them.
const QUESTIONS: u64 = 3;
/// What it writes to see that the store can be written.
const HEARTBEAT: &str = "heartbeat";
/// How long the store may take for that.
const HEARTBEAT_PATIENCE: Duration = Duration::from_secs(30);

/// Who looks.
pub struct Watchtower {
    house: Arc<House>,
    dns: Arc<DnsResolver>,
    conditions: Conditions,
    began: Instant,
}

impl Watchtower {
    /// Somebody who looks at this house.
    pub fn new(house: Arc<House>, dns: Arc<DnsResolver>, thresholds: AlertThresholds) -> Self {
        Self { house, dns, conditions: Conditions::new(thresholds), began: Instant::now() }
    }

    /// Looks now and then, until `shutdown` becomes true.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        loop {
            self.review_frozen().await;
            self.ask_dns().await;
            let measured = self.measure().await;
            self.conditions.judge(&measured, self.house.flow.alerts());
            tokio::select! {
                _ = shutdown.wait_for(|is_over| *is_over) => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    /// Ends alerts about accounts that are gone, frozen as they were.
    async fn review_frozen(&self) {
        let Ok(freezes) = self.house.store.sending_freezes().await else { return };
        let mut addresses = Vec::with_capacity(freezes.len());
        for freeze in freezes {
            match self.house.store.account(freeze.account).await {
                Ok(account) => addresses.extend(account.map(|account| account.address.to_string())),
                Err(_) => return,
            }
        }
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        self.house.flow.alerts().clear_others(&ACCOUNT_FROZEN, &addresses);
    }

    /// While DNS seems to fail, asks it something: where nobody else does, nobody would notice that it is back.
    async fn ask_dns(&self) {
        let (standing, _) = self.house.flow.alerts().figures(&RESOLVER_FAILS);
        for _ in 0..standing * QUESTIONS {
            // What the answer is does not matter.
            let _ = self.dns.current_texts(&self.house.host_name).await;
        }
    }

    async fn measure(&self) -> Measured {
        let house = &self.house;
        let store_problem = self.write_heartbeat().await;
        let queue = match house.store.queue_counts().await {
            Ok(counts) => Some(counts),
            Err(error) => {
                tracing::error!(%error, "the queue cannot be counted");
                None
            }
        };
        let oldest_waiting = match &queue {
            Some(counts) => {
                let found = house.flow.oldest_waiting(counts, self.conditions.old_before(house.now())).await;
                found.inspect_err(|error| tracing::error!(%error, "the queue cannot be looked at")).unwrap_or_default()
            }
            None => None,
        };
        let certificates = house.certificates.library().certificates();
        let ends = certificates.iter().map(|certificate| {
            let facts = certificate.facts();
            let name = facts.subject_names.first().unwrap_or(&facts.fingerprint_sha256).clone();
            CertificateEnd { name, not_after: facts.not_after }
        });
        Measured {
            now: house.now(),
            running: self.began.elapsed(),
            queue,
            oldest_waiting,
            disk: self.disk(),
            certificates: ends.collect(),
            store_problem,
            lookups: self.dns.lookups(),
        }
    }

    /// Why the store cannot be written, if it cannot.
    async fn write_heartbeat(&self) -> Option<String> {
        let now = Secret::new(self.house.now().to_string());
        match tokio::time::timeout(HEARTBEAT_PATIENCE, self.house.store.put_setting(HEARTBEAT, now)).await {
            // It is about to close; nothing is wrong.
            Ok(Ok(()) | Err(StorageError::Closed)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("a write took longer than {} s", HEARTBEAT_PATIENCE.as_secs())),
        }
    }

    fn disk(&self) -> Option<DiskRoom> {
        let directory = &self.house.data_directory;
        match statvfs(directory) {
            Ok(figures) => Some(DiskRoom {
                directory: directory.display().to_string(),
                free_bytes: figures.blocks_available().saturating_mul(figures.fragment_size()),
                total_bytes: figures.blocks().saturating_mul(figures.fragment_size()),
            }),
            Err(error) => {
                tracing::warn!(%error, directory = %directory.display(), "the room on the disk cannot be found out");
                None
            }
        }
    }
}
