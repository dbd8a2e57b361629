//! The host: its addresses, and whether their names lead back to it.

use std::net::IpAddr;

use posthouse_model::Domain;

use super::Finding;
use crate::Resolver;

/// This host, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnHost {
    /// What it calls itself.
    pub name: Domain,
    /// Where it is, by DNS.
    pub addresses: Vec<IpAddr>,
}

/// Looks the host up, and its addresses.
pub async fn survey_host(resolver: &dyn Resolver, name: &Domain) -> (OwnHost, Vec<Finding>) {
    let subject = format!("{name}, addresses");
    let mut host = OwnHost { name: name.clone(), addresses: Vec::new() };
    match resolver.addresses(name).await {
        Ok(found) => host.addresses = found.records,
        Err(error) if error.is_negative() => {
            let advice = "publish an A record, and an AAAA record if the host has IPv6, with its public addresses";
            return (host, vec![Finding::failure(subject, error.to_string(), advice)]);
        }
        Err(error) => return (host, vec![Finding::silent(subject, &error)]),
    }
    let mut findings = Vec::new();
    if let Ok(alias) = resolver.alias(name).await
        && let Some(target) = alias.records.first()
    {
        let advice = "give it addresses of its own: a name in MX records must not be an alias (RFC 2181 §10.3)";
        findings.push(Finding::failure(format!("{name}, alias"), format!("it is an alias of {target}"), advice));
    }
    let listed = host.addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
    findings.push(match host.addresses.iter().find(|address| !is_public(**address)) {
        Some(address) => {
            let advice = "publish the addresses at which others reach this host";
            Finding::failure(subject, format!("{address} cannot be reached from elsewhere"), advice)
        }
        None => Finding::good(subject, listed),
    });
    for &address in host.addresses.iter().filter(|address| is_public(**address)) {
        findings.push(survey_name(resolver, name, address).await);
    }
    (host, findings)
}

/// Whether an address is named after the host. Large receivers take nothing from addresses of which that is not so.
async fn survey_name(resolver: &dyn Resolver, name: &Domain, address: IpAddr) -> Finding {
    let subject = format!("{address}, reverse name");
    let advice = || format!("ask whoever gave you the address to have its PTR record say {name}");
    match resolver.names(address).await {
        Ok(found) if found.records.contains(name) => Finding::good(subject, name.to_string()),
        Ok(found) => {
            let names = found.records.iter().map(Domain::to_string).collect::<Vec<_>>().join(", ");
            Finding::failure(subject, format!("it is called {names}, not {name}"), advice())
        }
        Err(error) if error.is_negative() => Finding::failure(subject, "it has none", advice()),
        Err(error) => Finding::silent(subject, &error),
    }
}

/// Whether others can reach an address.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()),
        IpAddr::V6(v6) => {
            !(v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local())
        }
    }
}
