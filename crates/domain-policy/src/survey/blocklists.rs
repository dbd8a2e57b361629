//! Whether lists of bad senders have the host (RFC 5782).

use std::net::IpAddr;

use posthouse_model::Domain;

use super::{Finding, OwnHost};
use crate::Resolver;
use crate::address_labels::address_labels;

/// A list that can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocklist {
    /// Below which name it answers.
    pub zone: &'static str,
    /// Where to read why an address is on it, and how it is taken off.
    pub page: &'static str,
}

/// The lists that many receivers go by.
pub const BLOCKLISTS: [Blocklist; 3] = [
    Blocklist { zone: "zen.spamhaus.org", page: "https://check.spamhaus.org" },
    Blocklist { zone: "bl.spamcop.net", page: "https://www.spamcop.net/bl.shtml" },
    Blocklist { zone: "b.barracudacentral.org", page: "https://www.barracudacentral.org/lookups" },
];

/// Asks lists about each address of the host.
pub async fn survey_blocklists(resolver: &dyn Resolver, host: &OwnHost, lists: &[Blocklist]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for &address in &host.addresses {
        for list in lists {
            findings.push(ask(resolver, address, list).await);
        }
    }
    findings
}

async fn ask(resolver: &dyn Resolver, address: IpAddr, list: &Blocklist) -> Finding {
    let subject = format!("{address}, {}", list.zone);
    let Ok(name) = Domain::parse(&format!("{}.{}", reversed(address), list.zone)) else {
        return Finding::advice(subject, "cannot be asked", "ask by hand");
    };
    match resolver.addresses(&name).await {
        Ok(found) if found.records.iter().any(is_listing) => Finding::failure(
            subject,
            "the address is on the list",
            format!("see {} for why, and how to get off it", list.page),
        ),
        // Lists answer 127.255.255.* to those whom they do not answer, such as users of large public resolvers.
        Ok(_) => Finding::advice(
            subject,
            "the list does not answer this DNS server",
            "let posthouse use a DNS server of your own",
        ),
        Err(error) if error.is_negative() => Finding::good(subject, "not listed"),
        Err(error) => Finding::silent(subject, &error),
    }
}

/// RFC 5782 §2.1: an address in 127.0.0.0/8 says so; 127.0.0.1 must not, and the last ones are errors by custom.
fn is_listing(answer: &IpAddr) -> bool {
    matches!(answer, IpAddr::V4(v4) if v4.octets()[0] == 127 && v4.octets()[1] == 0 && v4.octets() != [127, 0, 0, 1])
}

/// The address as lists are asked for it (RFC 5782 §2.1, §2.4).
fn reversed(address: IpAddr) -> String {
    let mut labels = address_labels(address);
    labels.reverse();
    labels.join(".")
}
