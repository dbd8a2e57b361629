//! Which hosts take a domain's mail, and in which order to try them (RFC 5321 §5.1).

use std::net::IpAddr;

use posthouse_model::Domain;
use thiserror::Error;

use crate::resolver::{LookupError, Proof, Resolver};

/// Most hosts of one domain that are tried in one attempt; the others are left out.
pub const MAX_MAIL_HOSTS: usize = 10;
/// Most addresses of one host that are tried in one attempt; the others are left out.
pub const MAX_ADDRESSES_PER_HOST: usize = 6;

/// A host to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailHost {
    /// Its name; an address literal for mail to one.
    pub name: Domain,
    /// Its preference; lower comes first.
    pub preference: u16,
    /// Its addresses, IPv6 and IPv4 by turns, at most [`MAX_ADDRESSES_PER_HOST`].
    pub addresses: Vec<IpAddr>,
    /// What DNSSEC says of them.
    pub proof: Proof,
}

/// The hosts that take a domain's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailHosts {
    /// In the order to try them; never empty.
    pub hosts: Vec<MailHost>,
    /// What DNSSEC says of the MX records; without any, of the addresses of the domain itself.
    pub proof: Proof,
    /// Whether there are MX records.
    pub has_mx: bool,
}

/// Why there is nowhere to take a domain's mail.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MailHostsError {
    /// The domain says that it takes no mail (RFC 7505).
    #[error("the domain {0} says that it accepts no mail (null MX)")]
    NullMx(Domain),
    /// There is no such domain.
    #[error("the domain {0} does not exist")]
    NoSuchDomain(Domain),
    /// The domain is there, but none of its mail hosts has an address.
    #[error("no mail host of {0} has an address")]
    NoAddress(Domain),
    /// By its MX records the domain's best mail host is this one, which does not know the domain.
    #[error("the best mail host of {0} is this host, which does not take its mail: mail would loop")]
    WeAreBest(Domain),
    /// DNS does not tell now.
    #[error("DNS does not say where {domain} takes its mail: {error}")]
    Unavailable {
        /// Whose records were asked for.
        domain: Domain,
        /// What went wrong.
        error: LookupError,
    },
}

impl MailHostsError {
    /// Whether asking again later may help.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// Finds the hosts that take mail for `domain`, in the order to try them. Hosts of one preference are shuffled by
/// `random` (RFC 5321 §5.1); hosts of the preference of `own_name`, and those behind it, are left out.
///
/// # Errors
/// When there is nowhere to take it, for good or for now.
pub async fn mail_hosts(
    resolver: &dyn Resolver,
    domain: &Domain,
    own_name: &Domain,
    random: u64,
) -> Result<MailHosts, MailHostsError> {
    if let Some(ip) = domain.as_ip() {
        let host = MailHost { name: domain.clone(), preference: 0, addresses: vec![ip], proof: Proof::Insecure };
        return Ok(MailHosts { hosts: vec![host], proof: Proof::Insecure, has_mx: false });
    }
    let (mut exchanges, of_mx) = match resolver.mx(domain).await {
        Ok(found) if found.records.iter().all(|record| record.exchange.is_none()) => {
            return Err(MailHostsError::NullMx(domain.clone()));
        }
        Ok(found) => {
            let named = found.records.into_iter().filter_map(|record| Some((record.preference, record.exchange?)));
            (named.collect::<Vec<_>>(), Some(found.proof))
        }
        // RFC 5321 §5.1: without MX records the domain itself is the one host.
        Err(LookupError::NoRecords) => (vec![(0, domain.clone())], None),
        Err(LookupError::NoSuchName) => return Err(MailHostsError::NoSuchDomain(domain.clone())),
        Err(error) => return Err(MailHostsError::Unavailable { domain: domain.clone(), error }),
    };
    order(&mut exchanges, random);
    if let Some(own) = exchanges.iter().find(|(_, host)| host == own_name).map(|(preference, _)| *preference) {
        exchanges.retain(|(preference, _)| *preference < own);
        if exchanges.is_empty() {
            return Err(MailHostsError::WeAreBest(domain.clone()));
        }
    }
    exchanges.truncate(MAX_MAIL_HOSTS);
    let hosts = with_addresses(resolver, domain, exchanges).await?;
    // That a signed zone has no MX records is proven, else the answer would have been bogus; and where the addresses of
    // the domain are signed, so is its zone.
    let proof = of_mx.or_else(|| hosts.first().map(|host| host.proof)).unwrap_or(Proof::Insecure);
    Ok(MailHosts { hosts, proof, has_mx: of_mx.is_some() })
}

async fn with_addresses(
    resolver: &dyn Resolver,
    domain: &Domain,
    exchanges: Vec<(u16, Domain)>,
) -> Result<Vec<MailHost>, MailHostsError> {
    let mut hosts = Vec::new();
    let mut passing = None;
    for (preference, name) in exchanges {
        match resolver.addresses(&name).await {
            Ok(found) => {
                hosts.push(MailHost { name, preference, addresses: by_turns(found.records), proof: found.proof });
            }
            Err(error) if error.is_negative() => {}
            Err(error) => passing = Some(error),
        }
    }
    match passing {
        _ if !hosts.is_empty() => Ok(hosts),
        Some(error) => Err(MailHostsError::Unavailable { domain: domain.clone(), error }),
        None => Err(MailHostsError::NoAddress(domain.clone())),
    }
}

/// Sorts by preference, and shuffles hosts of the same one.
fn order(exchanges: &mut [(u16, Domain)], random: u64) {
    let mut state = random;
    let mut next = || {
        // The step of splitmix64: enough to spread load, and no secret hangs on it.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    };
    for last in (1..exchanges.len()).rev() {
        let other = (next() % (last as u64 + 1)) as usize;
        exchanges.swap(last, other);
    }
    exchanges.sort_by_key(|(preference, _)| *preference);
}

/// IPv6 first, then IPv4, and so on by turns (RFC 8305 §4), so that one broken family costs one attempt.
fn by_turns(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let (v6, v4): (Vec<_>, Vec<_>) = addresses.into_iter().partition(IpAddr::is_ipv6);
    let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
    let mut mixed = Vec::new();
    loop {
        let (six, four) = (v6.next(), v4.next());
        if six.is_none() && four.is_none() {
            mixed.truncate(MAX_ADDRESSES_PER_HOST);
            return mixed;
        }
        mixed.extend(six);
        mixed.extend(four);
    }
}

#[cfg(test)]
mod tests;
