//! The hosts that one attempt tries, and how much TLS each has to offer.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use posthouse_domain_policy::transport::{
    Dane, HostFacts, HostPolicy, MxProof, Reason, StsFact, TlsDemand, dane_of, decide,
};
use posthouse_domain_policy::{MailHost, Proof, Resolver, mail_hosts};
use posthouse_model::Domain;
use posthouse_storage::Detour;

use super::courier::{Cause, HopFailure, HopTls, NextHop};
use super::tls_problem::TlsProblem;
use crate::Flow;
use crate::options::{SmartHost, SmartHostTls};
use crate::smart_route::SmartRoute;

/// Most hosts and addresses that one attempt tries.
const MAX_HOPS_TRIED: usize = 12;

/// Where hosts take mail from others (RFC 5321 §4.5.4.2).
const SMTP_PORT: u16 = 25;

/// A host to try, and who says how much TLS it has to offer.
pub(super) struct Hop {
    pub next: NextHop,
    pub reason: Reason,
}

/// The hosts that have not failed yet, best first, and how the last one failed.
pub(super) struct Hops {
    flow: Arc<Flow>,
    resolver: Arc<dyn Resolver>,
    /// Whose mail it is.
    domain: Domain,
    require_tls: bool,
    mx: MxProof,
    proof: Proof,
    /// Hosts of which nothing is known yet but their addresses.
    hosts: VecDeque<MailHost>,
    /// The addresses of the host whose turn it is.
    usable: VecDeque<Hop>,
    begun: usize,
    last: HopFailure,
}

impl Hops {
    /// Finds the hosts that take mail for `domain`: those of the route, if it takes one.
    pub async fn find(
        flow: &Arc<Flow>,
        resolver: &Arc<dyn Resolver>,
        domain: &Domain,
        require_tls: bool,
        route: Option<&SmartRoute>,
    ) -> Self {
        let mut hops = Self::none(flow, resolver, domain, require_tls);
        let options = &flow.options;
        if let Some(route) = route {
            let hop = |host| Hop { next: smart_hop(host, require_tls), reason: Reason::Route };
            hops.usable = route.hosts.iter().take(MAX_HOPS_TRIED).map(hop).collect();
            return hops;
        }
        let random = flow.environment.random();
        match mail_hosts(&**resolver, domain, &options.host_name, random).await {
            Ok(found) => {
                hops.mx = match (found.has_mx, found.proof) {
                    (false, _) => MxProof::NoMx,
                    (true, Proof::Secure) => MxProof::Secure,
                    (true, Proof::Insecure) => MxProof::Insecure,
                };
                hops.proof = found.proof;
                hops.hosts = found.hosts.into();
            }
            Err(error) => hops.last.cause = Cause::MailHosts(error),
        }
        hops
    }

    /// The host that an administrator chose for some mail. What else is demanded for the domain is demanded of it.
    pub fn by(
        detour: &Detour,
        flow: &Arc<Flow>,
        resolver: &Arc<dyn Resolver>,
        domain: &Domain,
        require_tls: bool,
    ) -> Self {
        let mut hops = Self::none(flow, resolver, domain, require_tls);
        let policy = decide(&hops.facts(&Dane::Absent));
        let reason = policy.reason;
        if let Some(tls) = hops.tls(policy, &detour.host) {
            let (host, address) = (detour.host.clone(), detour.host.as_ip());
            let next = NextHop { port: detour.port, ..plain_hop(host, address, tls) };
            hops.usable.push_back(Hop { next, reason });
        }
        hops
    }

    fn none(flow: &Arc<Flow>, resolver: &Arc<dyn Resolver>, domain: &Domain, require_tls: bool) -> Self {
        Self {
            flow: Arc::clone(flow),
            resolver: Arc::clone(resolver),
            domain: domain.clone(),
            require_tls,
            mx: MxProof::NoMx,
            proof: Proof::Insecure,
            hosts: VecDeque::new(),
            usable: VecDeque::new(),
            begun: 0,
            last: HopFailure { cause: Cause::Internal("no host to try".to_owned()), host: String::new() },
        }
    }

    /// Whether there is nothing left to try.
    pub fn are_over(&self) -> bool {
        self.usable.is_empty() && (self.hosts.is_empty() || self.begun >= MAX_HOPS_TRIED)
    }

    /// The host to try next. What it has to offer is found out only when its turn comes.
    pub async fn next(&mut self) -> Option<&Hop> {
        while self.usable.is_empty() && self.begun < MAX_HOPS_TRIED {
            let host = self.hosts.pop_front()?;
            self.begin(host).await;
        }
        self.usable.front()
    }

    /// The host whose turn it is has failed.
    pub fn failed(&mut self, mut failure: HopFailure) {
        if let (Cause::Tls(problem), Some(hop)) = (&mut failure.cause, self.usable.front()) {
            problem.demanded_by = Some(hop.reason);
        }
        tracing::info!(host = %failure.host, cause = %failure.cause, "a mail host cannot be used");
        self.usable.pop_front();
        self.last = failure;
    }

    /// How the last one failed.
    pub fn last_failure(&self) -> &HopFailure {
        &self.last
    }

    async fn begin(&mut self, host: MailHost) {
        let policy = self.policy(&host).await;
        tracing::debug!(host = %host.name, demand = %policy.demand, reason = %policy.reason, "TLS that is asked for");
        let reason = policy.reason;
        let Some(tls) = self.tls(policy, &host.name) else { return };
        let port = self.flow.options.smtp_port;
        for address in host.addresses.into_iter().take(MAX_HOPS_TRIED - self.begun) {
            let next = NextHop { port, ..plain_hop(host.name.clone(), Some(address), tls.clone()) };
            self.usable.push_back(Hop { next, reason });
            self.begun += 1;
        }
    }

    /// The TLS that is demanded; `None` when the host is not to be used.
    fn tls(&mut self, policy: HostPolicy, host: &Domain) -> Option<HopTls> {
        Some(match policy.demand {
            TlsDemand::AsRouted | TlsDemand::Opportunistic => HopTls::Opportunistic,
            TlsDemand::Required => HopTls::Required,
            TlsDemand::Verified => HopTls::Verified,
            TlsDemand::Dane(set) => HopTls::Dane(set),
            TlsDemand::Refuse(refusal) => {
                let problem = TlsProblem { demanded_by: Some(policy.reason), ..TlsProblem::from(&refusal) };
                self.last = HopFailure { cause: Cause::Tls(problem), host: host.to_string() };
                tracing::info!(%host, cause = %self.last.cause, "a mail host cannot be used");
                return None;
            }
        })
    }

    async fn policy(&self, host: &MailHost) -> HostPolicy {
        let options = &self.flow.options;
        let dane = match options.use_dane {
            true => dane_of(&*self.resolver, self.proof, host, &self.domain, options.smtp_port).await,
            false => Dane::Absent,
        };
        decide(&self.facts(&dane))
    }

    fn facts<'a>(&self, dane: &'a Dane) -> HostFacts<'a> {
        let options = &self.flow.options;
        HostFacts {
            is_routed: false,
            require_tls: self.require_tls,
            mx: self.mx,
            dane,
            sts: StsFact::Absent,
            holds_floor: false,
            listed: options.destination_tls.get(&self.domain).copied(),
            default: options.default_tls,
        }
    }
}

/// A host about which nothing more is said, at the usual port.
fn plain_hop(host: Domain, address: Option<IpAddr>, tls: HopTls) -> NextHop {
    NextHop { host, address, port: SMTP_PORT, tls, login: None, certificate_name: None, max_messages: None }
}

pub(crate) fn smart_hop(host: &SmartHost, require_tls: bool) -> NextHop {
    let tls = match host.tls {
        SmartHostTls::Implicit => HopTls::Implicit,
        SmartHostTls::StartTls => HopTls::Verified,
        // RFC 8689 §4.2.1: the host has to prove who it is.
        _ if require_tls => HopTls::Verified,
        SmartHostTls::StartTlsUnverified => HopTls::Required,
        SmartHostTls::StartTlsOptional => HopTls::Opportunistic,
        SmartHostTls::None => HopTls::None,
    };
    let login = host.login.clone().filter(|_| tls != HopTls::None);
    NextHop {
        port: host.port,
        login,
        certificate_name: host.certificate_name.clone(),
        max_messages: host.max_messages,
        ..plain_hop(host.host.clone(), host.host.as_ip(), tls)
    }
}
