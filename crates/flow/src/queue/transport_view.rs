//! What the queue would do with mail for a domain, and why, without sending any.

use std::sync::Arc;

use posthouse_domain_policy::transport::{Dane, HostPolicy, StsFact};
use posthouse_domain_policy::{MailHost, MailHostsError, Proof, Resolver};
use posthouse_model::{Domain, ReversePath, TlsWish};

use super::courier::Cause;
use super::hops::Hops;
use super::sts::StsFound;
use crate::Flow;

/// A host, what is known of it, and what it would have to offer.
#[derive(Clone, Debug)]
pub struct HostView {
    /// The host.
    pub host: MailHost,
    /// What DANE says of it.
    pub dane: Dane,
    /// What MTA-STS says of it.
    pub sts: StsFact,
    /// What it would have to offer, and who says so.
    pub policy: HostPolicy,
}

/// What is known of a domain.
#[derive(Clone, Debug)]
pub struct DomainView {
    /// The host that a route leads to; then the rest is only what would count without it.
    pub route: Option<Domain>,
    /// Whether the domain has MX records.
    pub has_mx: bool,
    /// What DNSSEC says of them, or of the domain's addresses.
    pub proof: Proof,
    /// Its MTA-STS policy.
    pub sts: StsFound,
    /// Whether its hosts have always proven who they are.
    pub has_floor: bool,
    /// Its hosts, in the order to try them.
    pub hosts: Vec<HostView>,
}

impl Flow {
    /// The host that a route leads to for ordinary mail to a domain, whoever sends it.
    pub fn routed_to(&self, domain: &Domain) -> Option<Domain> {
        let route = self.routes.find(&ReversePath::Null, None, domain)?;
        route.hosts.first().map(|host| host.host.clone())
    }

    /// What would be done with ordinary mail for a domain.
    ///
    /// # Errors
    /// When there is nowhere to take it.
    pub async fn transport_view(
        self: &Arc<Self>,
        resolver: &Arc<dyn Resolver>,
        domain: &Domain,
    ) -> Result<DomainView, MailHostsError> {
        let mut hops = Hops::find_by_dns(self, resolver, domain, TlsWish::None).await;
        if let Cause::MailHosts(error) = &hops.last_failure().cause {
            return Err(error.clone());
        }
        // Whoever looks wants to see it, whatever decides.
        hops.ask_for_sts().await;
        let mut hosts = Vec::new();
        for host in hops.take_hosts() {
            let (dane, policy) = hops.policy(&host).await;
            hosts.push(HostView { sts: hops.sts().fact(&host.name), host, dane, policy });
        }
        Ok(DomainView {
            route: self.routed_to(domain),
            has_mx: hops.has_mx(),
            proof: hops.proof(),
            sts: hops.sts().clone(),
            has_floor: hops.has_floor(),
            hosts,
        })
    }
}
