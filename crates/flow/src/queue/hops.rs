//! The hosts that one attempt tries, and how much TLS each has to offer.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use posthouse_domain_policy::transport::{
    Dane, HostFacts, HostPolicy, MxProof, Reason, Refusal, StsFact, StsMode, TlsDemand, dane_of, decide,
};
use posthouse_domain_policy::{MailHost, Proof, Resolver, mail_hosts};
use posthouse_model::{Domain, TlsWish};
use posthouse_storage::Detour;

use super::courier::{Cause, HopFailure, HopTls, NextHop, Protection};
use super::sts::StsFound;
use super::tls_outcomes::{FloorMode, Session, SessionPolicy};
use super::tls_problem::{TlsProblem, TlsProblemKind};
use crate::Flow;
use crate::alerts::TLS_FLOOR_LOST;
use crate::options::{SmartHost, SmartHostTls};
use crate::smart_route::SmartRoute;

/// Most hosts and addresses that one attempt tries.
const MAX_HOPS_TRIED: usize = 12;

/// A host to try, and who says how much TLS it has to offer.
pub(super) struct Hop {
    pub next: NextHop,
    pub reason: Reason,
    /// The policy of its domain that it is under; `None` where nothing is learnt about the domain: from a host that an
    /// administrator named, and from mail that is under no policy.
    published: Option<SessionPolicy>,
}

/// The hosts that have not failed yet, best first, and how the last one failed.
pub(super) struct Hops {
    flow: Arc<Flow>,
    resolver: Arc<dyn Resolver>,
    /// Whose mail it is.
    domain: Domain,
    wish: TlsWish,
    mx: MxProof,
    proof: Proof,
    sts: StsFound,
    /// Whether that has been asked for.
    asked_sts: bool,
    /// Whether the domain's hosts have always proven who they are.
    has_floor: bool,
    /// Hosts of which nothing is known yet but their addresses.
    hosts: VecDeque<MailHost>,
    /// The addresses of the host whose turn it is.
    usable: VecDeque<Hop>,
    /// Hosts that broke off within a message; they come after all others.
    passed_over: VecDeque<Hop>,
    /// Of them, those whose turn for the present message is to come.
    second_turns: usize,
    begun: usize,
    last: HopFailure,
}

impl Hops {
    /// Finds the hosts that take mail for `domain`: those of the route, if it takes one.
    pub async fn find(
        flow: &Arc<Flow>,
        resolver: &Arc<dyn Resolver>,
        domain: &Domain,
        wish: TlsWish,
        route: Option<&SmartRoute>,
    ) -> Self {
        let Some(route) = route else { return Self::find_by_dns(flow, resolver, domain, wish).await };
        let hop = |host| Hop { next: smart_hop(host, wish), reason: Reason::Route, published: None };
        let mut hops = Self::none(flow, resolver, domain, wish);
        hops.usable = route.hosts.iter().take(MAX_HOPS_TRIED).map(hop).collect();
        hops
    }

    /// The same, whatever routes there are.
    pub async fn find_by_dns(flow: &Arc<Flow>, resolver: &Arc<dyn Resolver>, domain: &Domain, wish: TlsWish) -> Self {
        let mut hops = Self::none(flow, resolver, domain, wish);
        let random = flow.environment.random();
        match mail_hosts(&**resolver, domain, &flow.options.host_name, random).await {
            Ok(found) => {
                hops.mx = match (found.has_mx, found.proof) {
                    (false, _) => MxProof::NoMx,
                    (true, Proof::Secure) => MxProof::Secure,
                    (true, Proof::Insecure) => MxProof::Insecure,
                };
                hops.proof = found.proof;
                hops.hosts = found.hosts.into();
                hops.has_floor = flow.has_floor(domain).await;
            }
            Err(error) => hops.last.cause = Cause::MailHosts(error),
        }
        hops
    }

    /// The host that an administrator chose for some mail. What else is demanded for the domain is demanded of it.
    pub fn by(detour: &Detour, flow: &Arc<Flow>, resolver: &Arc<dyn Resolver>, domain: &Domain, wish: TlsWish) -> Self {
        let mut hops = Self::none(flow, resolver, domain, wish);
        let policy = decide(&hops.facts(&Dane::Absent, StsFact::Absent));
        let reason = policy.reason;
        if let Some(tls) = hops.tls(policy, &detour.host) {
            let (host, address) = (detour.host.clone(), detour.host.as_ip());
            let next = NextHop::plain(host, address, detour.port, tls);
            hops.usable.push_back(Hop { next, reason, published: None });
        }
        hops
    }

    fn none(flow: &Arc<Flow>, resolver: &Arc<dyn Resolver>, domain: &Domain, wish: TlsWish) -> Self {
        Self {
            flow: Arc::clone(flow),
            resolver: Arc::clone(resolver),
            domain: domain.clone(),
            wish,
            mx: MxProof::NoMx,
            proof: Proof::Insecure,
            sts: StsFound::default(),
            asked_sts: false,
            has_floor: false,
            hosts: VecDeque::new(),
            usable: VecDeque::new(),
            passed_over: VecDeque::new(),
            second_turns: 0,
            begun: 0,
            last: HopFailure { cause: Cause::Internal("no host to try".to_owned()), host: String::new() },
        }
    }

    /// The hosts whose turn has not come, which are tried no more.
    pub fn take_hosts(&mut self) -> VecDeque<MailHost> {
        std::mem::take(&mut self.hosts)
    }

    /// Finds out the domain's MTA-STS policy, once. That may take as long as fetching it does.
    pub async fn ask_for_sts(&mut self) {
        if !std::mem::replace(&mut self.asked_sts, true)
            && let Some(policies) = &self.flow.sts
        {
            self.sts = policies.of(&self.domain).await;
        }
    }

    /// The domain's MTA-STS policy, as far as it was asked for.
    pub fn sts(&self) -> &StsFound {
        &self.sts
    }

    /// Whether the domain has MX records.
    pub fn has_mx(&self) -> bool {
        self.mx != MxProof::NoMx
    }

    /// What DNSSEC says of them, or of the domain's addresses.
    pub fn proof(&self) -> Proof {
        self.proof
    }

    /// Whether the domain's hosts have always proven who they are.
    pub fn has_floor(&self) -> bool {
        self.has_floor
    }

    /// Whether there is nothing left to try.
    pub fn are_over(&self) -> bool {
        self.usable.is_empty() && self.passed_over.is_empty() && (self.hosts.is_empty() || self.begun >= MAX_HOPS_TRIED)
    }

    /// Another message is to be tried at the hosts that are left, each once.
    pub fn begin_message(&mut self) {
        self.second_turns = self.passed_over.len();
    }

    /// The host to try next. What it has to offer is found out only when its turn comes.
    pub async fn next(&mut self) -> Option<&Hop> {
        while self.usable.is_empty() && self.begun < MAX_HOPS_TRIED {
            let Some(host) = self.hosts.pop_front() else { break };
            self.begin(host).await;
        }
        if self.usable.is_empty() && self.second_turns > 0 {
            self.second_turns -= 1;
            self.usable.extend(self.passed_over.pop_front());
        }
        self.usable.front()
    }

    /// The host whose turn it is broke off within a message. That may be for the message's sake, so it is not given up
    /// for others; but the hosts that have not done so go first (RFC 5321 §5.1: each is tried until one succeeds).
    pub fn broke_off(&mut self, host: &str, cause: &Cause) {
        tracing::info!(%host, %cause, "a mail host broke off");
        self.passed_over.extend(self.usable.pop_front());
    }

    /// The host whose turn it is has failed.
    pub fn failed(&mut self, mut failure: HopFailure) {
        if let (Cause::Tls(problem), Some(hop)) = (&mut failure.cause, self.usable.front()) {
            problem.demanded_by = Some(hop.reason);
        }
        tracing::info!(host = %failure.host, cause = %failure.cause, "a mail host cannot be used");
        if let Some(hop) = self.usable.pop_front() {
            if hop.reason == Reason::Floor {
                let words = format!("{} was to prove itself and did not: {}", hop.next.host, failure.cause);
                self.flow.note_downgrade(&self.domain, words);
            }
            self.note(&hop.next.host, hop.next.address, hop.published.as_ref(), Err(&failure.cause));
        }
        self.last = failure;
    }

    /// The host whose turn it is has carried something. Whether that was less than the domain has always had.
    pub fn carried(&self, protection: Protection) -> bool {
        let Some(hop) = self.usable.front().filter(|hop| hop.published.is_some()) else { return false };
        self.note(&hop.next.host, hop.next.address, hop.published.as_ref(), Ok(protection));
        let is_less = self.has_floor && protection != Protection::Verified;
        if is_less {
            let words = match protection {
                Protection::Clear => "in clear",
                _ => "inside TLS, but the host did not prove who it is",
            };
            self.flow.note_downgrade(&self.domain, format!("{} got mail {words}", hop.next.host));
            tracing::warn!(domain = %self.domain, host = %hop.next.host, ?protection, "a domain whose hosts have \
                always proven who they are got mail without: somebody may be on the way");
        } else if protection == Protection::Verified {
            self.flow.alerts.clear(&TLS_FLOOR_LOST, self.domain.as_str());
        }
        is_less
    }

    /// Counts a session for the domain's report.
    fn note(
        &self,
        mx_host: &Domain,
        address: Option<IpAddr>,
        policy: Option<&SessionPolicy>,
        result: Result<Protection, &Cause>,
    ) {
        let Some(policy) = policy else { return };
        let result = match result {
            Ok(protection) => Ok(protection),
            Err(Cause::Tls(problem)) => Err(problem.kind),
            // Who cannot be reached at all says nothing of TLS.
            Err(_) => return,
        };
        let receiving_ip = address.map_or_else(String::new, |address| address.to_string());
        self.flow.note_session(&Session { domain: &self.domain, policy, mx_host, receiving_ip, result });
    }

    /// How the last one failed.
    pub fn last_failure(&self) -> &HopFailure {
        &self.last
    }

    async fn begin(&mut self, host: MailHost) {
        let (_, policy) = self.policy(&host).await;
        tracing::debug!(host = %host.name, demand = %policy.demand, reason = %policy.reason, "TLS that is asked for");
        let reason = policy.reason;
        // What a domain demands, and what comes of that, is not to be learnt from mail to which it does not matter.
        let published = (self.wish != TlsWish::Optional).then(|| match (&policy.demand, &self.sts.policy) {
            (TlsDemand::Dane(set), _) => SessionPolicy::tlsa(set),
            (_, Some(policy)) if policy.mode != StsMode::None => SessionPolicy::sts(policy),
            _ => SessionPolicy::none(),
        });
        let Some(tls) = self.tls(policy, &host.name) else {
            return self.note(&host.name, None, published.as_ref(), Err(&self.last.cause));
        };
        let port = self.flow.options.smtp_port;
        for address in host.addresses.into_iter().take(MAX_HOPS_TRIED - self.begun) {
            let next = NextHop::plain(host.name.clone(), Some(address), port, tls.clone());
            self.usable.push_back(Hop { next, reason, published: published.clone() });
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
                let problem = TlsProblem { demanded_by: Some(policy.reason), ..self.problem(&refusal) };
                self.last = HopFailure { cause: Cause::Tls(problem), host: host.to_string() };
                tracing::info!(%host, cause = %self.last.cause, "a mail host cannot be used");
                return None;
            }
        })
    }

    /// A host that would be proven by a policy that cannot be had lacks that.
    fn problem(&self, refusal: &Refusal) -> TlsProblem {
        match (&self.sts.problem, refusal) {
            (Some(problem), Refusal::UnprovenHost) => {
                TlsProblem::new(TlsProblemKind::StsFetch, format!("{refusal}, for {problem}"))
            }
            _ => TlsProblem::from(refusal),
        }
    }

    /// What DANE says of a host, and what it has to offer.
    pub async fn policy(&mut self, host: &MailHost) -> (Dane, HostPolicy) {
        let options = &self.flow.options;
        let dane = match options.use_dane {
            true => dane_of(&*self.resolver, self.proof, host, &self.domain, options.smtp_port).await,
            false => Dane::Absent,
        };
        // RFC 8461 §2: where both are there, DANE decides; then the other need not be fetched. Nor need it where the
        // host is not to be used. Records none of which can be used demand no certificate (RFC 7672 §2.2), so a policy may.
        if self.wish != TlsWish::Optional && matches!(dane, Dane::Absent | Dane::Unusable) {
            self.ask_for_sts().await;
        }
        let policy = decide(&self.facts(&dane, self.sts.fact(&host.name)));
        (dane, policy)
    }

    fn facts<'a>(&self, dane: &'a Dane, sts: StsFact) -> HostFacts<'a> {
        let options = &self.flow.options;
        HostFacts {
            is_routed: false,
            wish: self.wish,
            mx: self.mx,
            dane,
            sts,
            holds_floor: self.has_floor && options.floor.mode == FloorMode::Refuse,
            listed: options.destination_tls.get(&self.domain).copied(),
            default: options.default_tls,
        }
    }
}

pub(crate) fn smart_hop(host: &SmartHost, wish: TlsWish) -> NextHop {
    let tls = match host.tls {
        SmartHostTls::Implicit => HopTls::Implicit,
        SmartHostTls::StartTls => HopTls::Verified,
        // RFC 8689 §4.2.1: the host has to prove who it is.
        _ if wish == TlsWish::Required => HopTls::Verified,
        SmartHostTls::StartTlsUnverified => HopTls::Required,
        SmartHostTls::StartTlsOptional => HopTls::Opportunistic,
        SmartHostTls::None => HopTls::None,
    };
    NextHop {
        login: host.login.clone().filter(|_| tls != HopTls::None),
        certificate: host.certificate.clone(),
        route: host.route.clone(),
        certificate_name: host.certificate_name.clone(),
        max_messages: host.max_messages,
        ..NextHop::plain(host.host.clone(), host.host.as_ip(), host.port, tls)
    }
}
