//! What DANE says of a mail host (RFC 7672 §2.2): TLSA records, asked for under signed answers only.

use std::sync::Arc;

use posthouse_model::Domain;

use super::tlsa::TlsaSet;
use crate::mail_hosts::MailHost;
use crate::resolver::{LookupError, Proof, Resolver};

/// Longest chain of aliases from a mail host to its addresses that is followed.
pub const MAX_HOST_ALIASES: usize = 8;

/// What DANE says of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dane {
    /// Nothing: the way to the host is not signed, or it has no TLSA records.
    Absent,
    /// There are records, and none can be used: TLS is required, with whatever certificate (RFC 7672 §2.2).
    Unusable,
    /// The host's certificate has to match.
    Usable(Arc<TlsaSet>),
    /// Whether there are records cannot be found out, so that the host is not to be used (RFC 7672 §2.1.2).
    Unknown(LookupError),
}

/// The names at which records are looked for, and what is known of the addresses.
struct Way {
    /// Where aliases led, if there are any and all are signed.
    expanded: Option<Domain>,
    /// Whether the records of the host's own name may be looked for.
    may_ask_host: bool,
}

/// Asks what DANE says of a host that takes mail for `next_hop`. `mx` is the proof of the MX records that named it, or,
/// where there are none, of the host's addresses.
pub async fn dane_of(resolver: &dyn Resolver, mx: Proof, host: &MailHost, next_hop: &Domain, port: u16) -> Dane {
    // RFC 7672 §2.2.1: where the MX records are not signed, anybody may have put the host's name there.
    if mx == Proof::Insecure || host.name.as_ip().is_some() {
        return Dane::Absent;
    }
    let way = match way_to(resolver, host).await {
        Ok(way) => way,
        Err(error) => return Dane::Unknown(error),
    };
    let own = way.may_ask_host.then_some(&host.name);
    // RFC 7672 §2.2.2: first where the aliases lead, then the host's own name.
    for base in way.expanded.iter().chain(own) {
        let Ok(name) = Domain::parse(&format!("_{port}._tcp.{base}")) else { continue };
        match resolver.tlsa(&name).await {
            Ok(found) if found.proof == Proof::Secure => {
                let names = vec![host.name.clone(), next_hop.clone()];
                let set = TlsaSet::new(&found.records, base.clone(), names);
                return set.map_or(Dane::Unusable, |set| Dane::Usable(Arc::new(set)));
            }
            // RFC 7672 §2.1.1: an answer that is not signed is none.
            Ok(_) => {}
            Err(error) if error.is_negative() => {}
            // RFC 7672 §2.1.2: an attacker who can keep the answer away must gain nothing by it.
            Err(error) => return Dane::Unknown(error),
        }
    }
    Dane::Absent
}

/// Follows the aliases of a host.
async fn way_to(resolver: &dyn Resolver, host: &MailHost) -> Result<Way, LookupError> {
    let mut name = host.name.clone();
    let mut first = None;
    let mut is_signed = true;
    for _ in 0..MAX_HOST_ALIASES {
        match resolver.alias(&name).await {
            Ok(found) => {
                let Some(target) = found.records.into_iter().next() else { break };
                first.get_or_insert(found.proof);
                is_signed &= found.proof == Proof::Secure;
                name = target;
            }
            Err(error) if error.is_negative() => break,
            Err(error) => return Err(error),
        }
    }
    let Some(first) = first else {
        // RFC 7672 §2.2.2: no records are looked for below a zone that is not signed.
        return Ok(Way { expanded: None, may_ask_host: host.proof == Proof::Secure });
    };
    // What is known of an alias' addresses depends on the way they were asked for, so the end is asked by itself.
    let end = match resolver.addresses(&name).await {
        Ok(found) => found.proof,
        Err(error) if error.is_negative() => Proof::Insecure,
        Err(error) => return Err(error),
    };
    let expanded = (is_signed && end == Proof::Secure).then_some(name);
    // RFC 7672 §2.2.2: the host's own name counts where it is signed that it is an alias, wherever that leads.
    Ok(Way { expanded, may_ask_host: first == Proof::Secure })
}

#[cfg(test)]
mod tests;
