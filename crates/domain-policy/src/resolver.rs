//! The port through which the house asks DNS.

use std::net::IpAddr;

use async_trait::async_trait;
use posthouse_model::Domain;
use thiserror::Error;

use crate::transport::TlsaRecord;

/// What DNSSEC says about an answer (RFC 4035 §4.3); the weaker comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Not signed, or the resolver does not validate.
    Insecure,
    /// Signed, and the signatures hold up to a trust anchor.
    Secure,
}

/// Records with their proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records<T> {
    /// The records; never empty.
    pub records: Vec<T>,
    /// What DNSSEC says about them.
    pub proof: Proof,
}

/// An MX record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MxRecord {
    /// Lower is preferred.
    pub preference: u16,
    /// The host; `None` for the root, which says "no mail here" (RFC 7505 §3).
    pub exchange: Option<Domain>,
}

/// Why there is no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LookupError {
    /// The name does not exist.
    #[error("the name does not exist")]
    NoSuchName,
    /// The name exists, but has no records of this type.
    #[error("the name has no such records")]
    NoRecords,
    /// The answer is signed and the signatures are wrong.
    #[error("the answer fails DNSSEC validation")]
    Bogus,
    /// No server answered, or none in time, or one answered that it cannot.
    #[error("DNS does not answer: {0}")]
    Unavailable(String),
}

impl LookupError {
    /// Whether DNS said that there is nothing, as opposed to saying nothing.
    pub fn is_negative(&self) -> bool {
        matches!(self, Self::NoSuchName | Self::NoRecords)
    }
}

/// Asks DNS.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// MX records of a domain, in any order.
    async fn mx(&self, domain: &Domain) -> Result<Records<MxRecord>, LookupError>;
    /// AAAA and A records of a host; the error of both when neither has any.
    async fn addresses(&self, host: &Domain) -> Result<Records<IpAddr>, LookupError>;
    /// TXT records of a name, each with its strings put together (RFC 7208 §3.3).
    async fn texts(&self, name: &Domain) -> Result<Records<String>, LookupError>;
    /// The same as DNS has them now, whatever it said before: for those who have just published them, and may have asked
    /// too early.
    async fn current_texts(&self, name: &Domain) -> Result<Records<String>, LookupError>;

    /// The name that `name` is an alias of (CNAME), one step; [`LookupError::NoRecords`] where it is none.
    async fn alias(&self, _name: &Domain) -> Result<Records<Domain>, LookupError> {
        Err(LookupError::NoRecords)
    }

    /// TLSA records of a name such as `_25._tcp.mx.example.org`. With [`Proof::Insecure`] they mean nothing. That there
    /// are none is told only where that is proven, or where the zone is not signed.
    async fn tlsa(&self, _name: &Domain) -> Result<Records<TlsaRecord>, LookupError> {
        Err(LookupError::NoRecords)
    }

    /// The names of an address (PTR records), in any order. They say what the owner of the address likes; whether they
    /// lead back to it has to be asked.
    async fn names(&self, _ip: IpAddr) -> Result<Records<Domain>, LookupError> {
        Err(LookupError::NoRecords)
    }
}
