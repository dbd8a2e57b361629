//! From signed TLSA records to what a handshake expects.

use posthouse_domain_policy::transport::{TlsaRecord, TlsaSet};
use posthouse_tls::{DaneAssociation, DaneExpectation, DaneMatching, DaneSelector, DaneUsage};

/// What the certificate of a host with these records has to match.
pub(super) fn expectation_of(set: &TlsaSet) -> DaneExpectation {
    DaneExpectation {
        associations: set.records().iter().filter_map(association_of).collect(),
        names: set.names().iter().map(ToString::to_string).collect(),
    }
}

/// RFC 7218 §2: the numbers. A set has no others, and what is none of them matches nothing.
fn association_of(record: &TlsaRecord) -> Option<DaneAssociation> {
    let usage = match record.usage {
        2 => DaneUsage::Authority,
        3 => DaneUsage::EndEntity,
        _ => return None,
    };
    let selector = match record.selector {
        0 => DaneSelector::Certificate,
        1 => DaneSelector::PublicKey,
        _ => return None,
    };
    let matching = match record.matching {
        0 => DaneMatching::Full,
        1 => DaneMatching::Sha256,
        2 => DaneMatching::Sha512,
        _ => return None,
    };
    Some(DaneAssociation { usage, selector, matching, data: record.data.clone() })
}
