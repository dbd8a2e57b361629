//! How much TLS the hosts of a domain have to offer: facts in, policy out.
//!
//! [`dane_of`] asks DNS for what DANE (RFC 7672) says of a host. [`decide`] is a pure function of that and of whatever
//! else is known: the strictest demand wins, and the policy says who made it. A fact that cannot be had is never taken
//! for one that is absent: the host is not used.

mod dane;
mod policy;
mod tlsa;

pub use dane::{Dane, MAX_HOST_ALIASES, dane_of};
pub use policy::{DestinationTls, HostFacts, HostPolicy, MxProof, Reason, Refusal, StsFact, TlsDemand, decide};
pub use tlsa::{MAX_FULL_ASSOCIATION_BYTES, MAX_TLSA_RECORDS, TlsaRecord, TlsaSet};
