//! Asking DNS: the [`Resolver`] port over hickory.
//!
//! Names are always taken as complete: no search list, no `/etc/hosts`. Whether an answer is authentic is only told
//! where validation is switched on; the AD bit of a server is never believed, since it says nothing of the way to it.

mod answer;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig as Upstream, ServerOrderingStrategy,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::dnssec::TrustAnchors;
use hickory_resolver::proto::rr::{Name, RecordType};
use posthouse_domain_policy::transport::TlsaRecord;
use posthouse_domain_policy::{LookupError, MxRecord, Proof, Records, Resolver};
use posthouse_flow::alerts::Lookups;
use posthouse_model::Domain;
use thiserror::Error;

use answer::{
    MAX_ALIASES, alias_target_of, both_families, hosts_of, is_aliased, is_silence, mail_exchanges_of, pointers_of,
    texts_of, tlsa_of, why,
};

/// Answers kept, of whatever size; beyond it the least used go.
const CACHED_ANSWERS: u64 = 4096;
/// Longest time an answer is kept, whatever its time to live.
const LONGEST_CACHED: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest time the absence of a record is kept (RFC 2308 §5 suggests one to three hours).
const LONGEST_CACHED_ABSENCE: Duration = Duration::from_secs(60 * 60);

/// Which servers are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ResolverConfig {
    /// Those of the operating system (`/etc/resolv.conf`), read once.
    #[default]
    System,
    /// These, in this order, over UDP and, where an answer does not fit, TCP.
    Servers(Vec<SocketAddr>),
}

/// How they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverOptions {
    /// How long one attempt waits for an answer.
    pub attempt_timeout: Duration,
    /// How often a question is asked again after an attempt that got no answer.
    pub retries: usize,
    /// Whether signatures are checked up to the root (RFC 4035). Without it every answer counts as
    /// [`Proof::Insecure`].
    pub validate: bool,
    /// A file of DNSKEY records to check signatures up to, in place of the root's keys.
    pub trust_anchors: Option<PathBuf>,
}

impl Default for ResolverOptions {
    fn default() -> Self {
        Self { attempt_timeout: Duration::from_secs(5), retries: 2, validate: false, trust_anchors: None }
    }
}

/// Why DNS cannot be asked at all.
#[derive(Debug, Error)]
pub enum ResolverError {
    /// The list of servers is empty.
    #[error("the list of DNS servers is empty")]
    NoServers,
    /// The operating system's settings cannot be read.
    #[error("the DNS settings of this host cannot be read: {0}")]
    System(NetError),
    /// The library refused the set-up.
    #[error("DNS cannot be set up: {0}")]
    Library(NetError),
    /// The file of trust anchors cannot be used.
    #[error("the DNS trust anchors in {path} cannot be used: {problem}")]
    TrustAnchors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// Asks DNS servers, and keeps what they said for as long as they allow.
#[derive(Clone, Debug)]
pub struct DnsResolver {
    resolver: TokioResolver,
    patience: Duration,
    validate: bool,
    counts: Arc<Counts>,
}

/// Questions since the start.
#[derive(Debug, Default)]
struct Counts {
    asked: AtomicU64,
    unanswered: AtomicU64,
}

impl DnsResolver {
    /// Gets ready; asks nothing yet.
    ///
    /// # Errors
    /// When there is nobody to ask.
    pub fn new(config: &ResolverConfig, options: &ResolverOptions) -> Result<Self, ResolverError> {
        let mut builder = match config {
            ResolverConfig::System => TokioResolver::builder_tokio().map_err(ResolverError::System)?,
            ResolverConfig::Servers(servers) if servers.is_empty() => return Err(ResolverError::NoServers),
            ResolverConfig::Servers(servers) => {
                let upstream = Upstream::from_name_servers(servers.iter().map(name_server).collect());
                let mut builder = TokioResolver::builder_with_config(upstream, TokioRuntimeProvider::default());
                builder.options_mut().server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
                builder
            }
        };
        if let Some(path) = &options.trust_anchors {
            let unusable = |problem: String| ResolverError::TrustAnchors { path: path.clone(), problem };
            let anchors = TrustAnchors::from_file(path).map_err(|error| unusable(error.to_string()))?;
            builder = builder.with_trust_anchor(Arc::new(anchors));
        }
        let settings = builder.options_mut();
        settings.timeout = options.attempt_timeout;
        settings.attempts = options.retries;
        settings.validate = options.validate;
        settings.cache_size = CACHED_ANSWERS;
        settings.positive_max_ttl = Some(LONGEST_CACHED);
        settings.negative_max_ttl = Some(LONGEST_CACHED_ABSENCE);
        settings.use_hosts_file = ResolveHosts::Never;
        settings.preserve_intermediates = true;
        let resolver = builder.build().map_err(ResolverError::Library)?;
        // One question may take several: each alias, and keys where signatures are checked. They share this time.
        let rounds = u32::try_from(options.retries).unwrap_or(u32::MAX).saturating_add(2);
        let patience = options.attempt_timeout.saturating_mul(rounds);
        Ok(Self { resolver, patience, validate: options.validate, counts: Arc::default() })
    }

    /// How many questions there were, and to how many no server said anything at all.
    pub fn lookups(&self) -> Lookups {
        let Counts { asked, unanswered } = &*self.counts;
        Lookups { asked: asked.load(Ordering::Relaxed), unanswered: unanswered.load(Ordering::Relaxed) }
    }

    async fn ask(&self, name: &Name, kind: RecordType) -> Result<Lookup, LookupError> {
        self.counts.asked.fetch_add(1, Ordering::Relaxed);
        let found = tokio::time::timeout(self.patience, self.resolver.lookup(name.clone(), kind)).await;
        if found.as_ref().map_or(true, |found| found.as_ref().is_err_and(is_silence)) {
            self.counts.unanswered.fetch_add(1, Ordering::Relaxed);
        }
        match found {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(why(&error)),
            Err(_) => Err(LookupError::Unavailable("no answer in time".to_owned())),
        }
    }

    /// Asks for records, and where the name is an alias, for each step of the way: an answer that comes from what the
    /// library kept may have lost the proof of some of them, and nothing must seem less signed for that.
    async fn ask_along<T>(
        &self,
        name: &Name,
        kind: RecordType,
        read: fn(&Lookup, &Name, bool) -> Result<Records<T>, LookupError>,
    ) -> Result<Records<T>, LookupError> {
        let found = self.ask(name, kind).await?;
        if !self.validate || !is_aliased(&found, name, kind) {
            return read(&found, name, self.validate);
        }
        let (mut end, mut proof) = (name.clone(), Proof::Secure);
        for _ in 0..MAX_ALIASES {
            match self.alias_of(&end).await {
                Ok(step) => {
                    proof = proof.min(step.proof);
                    let Some(target) = step.records.into_iter().next() else { break };
                    end = target;
                }
                Err(error) if error.is_negative() => break,
                Err(error) => return Err(error),
            }
        }
        let mut records = read(&self.ask(&end, kind).await?, &end, true)?;
        records.proof = records.proof.min(proof);
        Ok(records)
    }

    async fn alias_of(&self, name: &Name) -> Result<Records<Name>, LookupError> {
        alias_target_of(&self.ask(name, RecordType::CNAME).await?, name, self.validate)
    }

    async fn family(&self, name: &Name, kind: RecordType) -> Result<Records<IpAddr>, LookupError> {
        self.ask_along(name, kind, hosts_of).await
    }
}

#[async_trait]
impl Resolver for DnsResolver {
    async fn mx(&self, domain: &Domain) -> Result<Records<MxRecord>, LookupError> {
        let Some(name) = name_of(domain) else { return Err(LookupError::NoRecords) };
        self.ask_along(&name, RecordType::MX, mail_exchanges_of).await
    }

    async fn addresses(&self, host: &Domain) -> Result<Records<IpAddr>, LookupError> {
        if let Some(ip) = host.as_ip() {
            return Ok(Records { records: vec![ip], proof: Proof::Insecure });
        }
        let Some(name) = name_of(host) else { return Err(LookupError::NoSuchName) };
        let (v6, v4) = tokio::join!(self.family(&name, RecordType::AAAA), self.family(&name, RecordType::A));
        both_families(v6, v4)
    }

    async fn texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        let Some(name) = name_of(name) else { return Err(LookupError::NoRecords) };
        texts_of(&self.ask(&name, RecordType::TXT).await?, &name, self.validate)
    }

    async fn current_texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        if let Some(name) = name_of(name) {
            self.resolver.clear_lookup_cache(name, RecordType::TXT);
        }
        self.texts(name).await
    }

    async fn alias(&self, name: &Domain) -> Result<Records<Domain>, LookupError> {
        let Some(name) = name_of(name) else { return Err(LookupError::NoRecords) };
        let found = self.alias_of(&name).await?;
        let target = found.records.first().and_then(|target| Domain::parse(&target.to_ascii()).ok());
        let target = target.ok_or_else(|| LookupError::Unavailable("the name is an alias of no host".to_owned()))?;
        Ok(Records { records: vec![target], proof: found.proof })
    }

    async fn tlsa(&self, name: &Domain) -> Result<Records<TlsaRecord>, LookupError> {
        // Without validation there is nothing to be had, so nobody is asked.
        let Some(name) = name_of(name).filter(|_| self.validate) else { return Err(LookupError::NoRecords) };
        self.ask_along(&name, RecordType::TLSA, tlsa_of).await
    }

    async fn names(&self, ip: IpAddr) -> Result<Records<Domain>, LookupError> {
        let name = Name::from(ip);
        self.ask_along(&name, RecordType::PTR, pointers_of).await
    }
}

fn name_server(at: &SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    connections.iter_mut().for_each(|connection| connection.port = at.port());
    NameServerConfig::new(at.ip(), true, connections)
}

/// The complete name of a domain; `None` for an address literal.
fn name_of(domain: &Domain) -> Option<Name> {
    let mut name = Name::from_ascii(domain.as_str()).ok().filter(|_| domain.as_ip().is_none())?;
    name.set_fqdn(true);
    Some(name)
}
