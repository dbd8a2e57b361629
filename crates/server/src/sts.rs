//! Keeping other domains' MTA-STS policies: fetched when mail goes there, refreshed before they end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthouse_domain_policy::transport::{
    MAX_STS_POLICY_BYTES, StsAnnouncement, StsPolicy, StsStep, announced_sts, sts_step,
};
use posthouse_domain_policy::{LookupError, Resolver};
use posthouse_flow::{Environment, StsFound, StsPolicies, StsProblem};
use posthouse_model::{Domain, UnixMillis};
use posthouse_storage::{Storage, StorageError, StsRecord};
use tokio::sync::watch;

use crate::https::{HttpsClient, HttpsError};

/// Where a policy is (RFC 8461 §3.3).
const POLICY_PATH: &str = "/.well-known/mta-sts.txt";
/// How long a policy that could not be fetched is not asked for again (RFC 8461 §3.3 suggests five minutes).
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5 * 60);
/// Most domains whose failure is remembered.
const MAX_FAILURES: usize = 10_000;
/// How often policies are looked through for those to refresh.
const REFRESH_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// The age from which a policy is refreshed, whether mail goes there or not (RFC 8461 §10.2 asks for less than it
/// counts; that of a day counts once more).
const REFRESH_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Policies read at once.
const PAGE: usize = 200;

/// Keeps policies.
pub struct StsKeeper {
    store: Arc<dyn Storage>,
    resolver: Arc<dyn Resolver>,
    https: HttpsClient,
    environment: Arc<dyn Environment>,
    failures: Mutex<HashMap<Domain, (UnixMillis, StsProblem)>>,
}

impl StsKeeper {
    /// Gets ready; asks nobody yet.
    pub fn new(
        store: Arc<dyn Storage>,
        resolver: Arc<dyn Resolver>,
        https: HttpsClient,
        environment: Arc<dyn Environment>,
    ) -> Self {
        Self { store, resolver, https, environment, failures: Mutex::default() }
    }

    /// What a domain announces now.
    pub async fn announcement(&self, domain: &Domain) -> StsAnnouncement {
        let Ok(name) = Domain::parse(&format!("_mta-sts.{domain}")) else { return StsAnnouncement::Absent };
        match self.resolver.texts(&name).await {
            Ok(found) => announced_sts(&found.records).map_or(StsAnnouncement::Absent, StsAnnouncement::Id),
            Err(LookupError::NoRecords | LookupError::NoSuchName) => StsAnnouncement::Absent,
            Err(_) => StsAnnouncement::Unknown,
        }
    }

    /// Fetches the policy of a domain.
    ///
    /// # Errors
    /// When it cannot be had, or used.
    pub async fn fetch(&self, domain: &Domain) -> Result<StsPolicy, StsProblem> {
        let host = Domain::parse(&format!("mta-sts.{domain}")).map_err(|_| fetch_problem(&"the domain is too long"))?;
        let response = self.https.get(&host, POLICY_PATH, MAX_STS_POLICY_BYTES).await.map_err(|error| match error {
            HttpsError::Tls(failure) if failure.is_about_certificate() => StsProblem::Certificate(failure.to_string()),
            other => fetch_problem(&other),
        })?;
        // RFC 8461 §3.3: nothing but 200 counts, and redirects are not followed.
        if response.status != 200 {
            return Err(fetch_problem(&format!("the host answers {}", response.status)));
        }
        // RFC 8461 §3.2: so that nobody who may leave files at a host can leave a policy.
        if response.media_type.as_deref() != Some("text/plain") {
            return Err(StsProblem::Invalid("it is not served as text/plain".to_owned()));
        }
        StsPolicy::parse(&response.body).map_err(|error| StsProblem::Invalid(error.to_string()))
    }

    /// Refreshes policies before they end, until told to stop.
    pub async fn run(self: Arc<Self>, mut is_over: watch::Receiver<bool>) {
        while !*is_over.borrow_and_update() {
            if let Err(error) = self.refresh(&is_over).await {
                tracing::warn!(%error, "MTA-STS policies cannot be refreshed now");
            }
            tokio::select! {
                () = tokio::time::sleep(REFRESH_INTERVAL) => {}
                changed = is_over.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn refresh(&self, is_over: &watch::Receiver<bool>) -> Result<(), StorageError> {
        let mut after: Option<Domain> = None;
        loop {
            let page = self.store.sts_policies(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.domain.clone());
            for record in page {
                if *is_over.borrow() {
                    return Ok(());
                }
                self.refresh_one(record).await?;
            }
        }
    }

    async fn refresh_one(&self, record: StsRecord) -> Result<(), StorageError> {
        let now = self.environment.now();
        if record.expires_at <= now {
            return self.store.forget_sts_policy(&record.domain).await;
        }
        if record.fetched_at + REFRESH_AGE > now {
            return Ok(());
        }
        let StsAnnouncement::Id(id) = self.announcement(&record.domain).await else { return Ok(()) };
        match self.fetch(&record.domain).await {
            Ok(policy) => self.keep(&record.domain, &id, &policy).await,
            Err(problem) => {
                tracing::info!(domain = %record.domain, %problem, "a policy that is kept cannot be refreshed");
                Ok(())
            }
        }
    }

    async fn keep(&self, domain: &Domain, id: &str, policy: &StsPolicy) -> Result<(), StorageError> {
        let now = self.environment.now();
        let expires_at = now + Duration::from_secs(policy.max_age_seconds);
        let (domain, id, policy) = (domain.clone(), id.to_owned(), policy.text());
        self.store.put_sts_policy(StsRecord { domain, id, policy, fetched_at: now, expires_at }).await
    }

    /// Fetches a policy and keeps it; one that failed a moment ago is not asked for again.
    async fn fetch_once(&self, domain: &Domain, id: &str) -> Result<StsPolicy, StsProblem> {
        let now = self.environment.now();
        if let Some((until, problem)) = self.failures.lock().get(domain)
            && now < *until
        {
            return Err(problem.clone());
        }
        let fetched = self.fetch(domain).await;
        match &fetched {
            Ok(policy) => {
                tracing::info!(%domain, id, mode = policy.mode.word(), "an MTA-STS policy was fetched");
                self.failures.lock().remove(domain);
                if let Err(error) = self.keep(domain, id, policy).await {
                    tracing::error!(%domain, %error, "an MTA-STS policy cannot be kept");
                }
            }
            Err(problem) => {
                tracing::warn!(%domain, %problem, "a domain announces a policy that cannot be had");
                self.remember_failure(domain, now, problem);
            }
        }
        fetched
    }

    fn remember_failure(&self, domain: &Domain, now: UnixMillis, problem: &StsProblem) {
        let mut failures = self.failures.lock();
        if failures.len() >= MAX_FAILURES {
            failures.retain(|_, (until, _)| now < *until);
        }
        if failures.len() < MAX_FAILURES {
            failures.insert(domain.clone(), (now + PAUSE_AFTER_FAILURE, problem.clone()));
        }
    }
}

#[async_trait]
impl StsPolicies for StsKeeper {
    async fn of(&self, domain: &Domain) -> StsFound {
        if domain.as_ip().is_some() {
            return StsFound::default();
        }
        let now = self.environment.now();
        let record = match self.store.sts_policy(domain).await {
            Ok(record) => record.filter(|record| now < record.expires_at),
            Err(error) => {
                tracing::error!(%domain, %error, "the MTA-STS policy that is kept cannot be read");
                None
            }
        };
        let kept = || {
            let policy = record.as_ref().and_then(|record| StsPolicy::parse(record.policy.as_bytes()).ok());
            policy.map(Arc::new)
        };
        let announced = self.announcement(domain).await;
        match (sts_step(record.as_ref().map(|record| record.id.as_str()), &announced), &announced) {
            (StsStep::UseKept, _) => StsFound { policy: kept(), problem: None },
            (StsStep::Fetch, StsAnnouncement::Id(id)) => match self.fetch_once(domain, id).await {
                Ok(policy) => StsFound { policy: Some(Arc::new(policy)), problem: None },
                Err(problem) => StsFound { policy: kept(), problem: Some(problem) },
            },
            (StsStep::Fetch | StsStep::NoPolicy, _) => StsFound::default(),
        }
    }
}

fn fetch_problem(words: &dyn ToString) -> StsProblem {
    StsProblem::Fetch(words.to_string())
}

#[cfg(test)]
mod tests;
