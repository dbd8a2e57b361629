//! Sender Policy Framework (RFC 7208): whether a host may use a domain in its HELO or in a return path.
//!
//! [`check_host`] asks DNS through the [`Resolver`] and tells what came of it, errors included; what follows from it is
//! decided elsewhere. How much may be asked is bounded, since the domains are those of strangers.

mod evaluation;
mod macros;
mod record;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

pub use record::SpfSyntaxError;

use crate::Resolver;

/// Mechanisms and modifiers that ask DNS, in all records together (RFC 7208 §4.6.4).
pub const MAX_LOOKUPS: usize = 10;
/// Questions to which DNS had no answer (RFC 7208 §4.6.4).
pub const MAX_VOID_LOOKUPS: usize = 2;
/// Hosts of one `mx` mechanism whose addresses are asked for (RFC 7208 §4.6.4).
pub const MAX_MX_HOSTS: usize = 10;
/// Names of one address that are looked at (RFC 7208 §4.6.4).
pub const MAX_PTR_NAMES: usize = 10;
/// Octets of an explanation that are passed on.
pub const MAX_EXPLANATION_BYTES: usize = 512;

/// Who sends, and who is told.
#[derive(Clone, Copy, Debug)]
pub struct SpfQuestion<'a> {
    /// The address of the host.
    pub ip: IpAddr,
    /// What it said in HELO or EHLO.
    pub helo: &'a str,
    /// The part of the return path before the `@`; for an empty return path and for a check of HELO, `postmaster`
    /// (RFC 7208 §2.4).
    pub local_part: &'a str,
    /// The domain of the return path, or else that of HELO.
    pub domain: &'a str,
    /// The name of this host, for explanations.
    pub receiver: &'a str,
    /// Seconds since 1970, for explanations.
    pub unix_seconds: i64,
}

/// What SPF says (RFC 7208 §2.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpfResult {
    /// The domain says nothing, or there is no domain.
    None,
    /// It says that it says nothing.
    Neutral,
    /// The host may.
    Pass,
    /// The host may not; with the domain's own words, if it has any, which are a stranger's.
    Fail {
        /// ASCII, at most [`MAX_EXPLANATION_BYTES`].
        explanation: Option<String>,
    },
    /// Probably it may not.
    SoftFail,
    /// DNS could not be asked.
    TempError(String),
    /// What the domain says cannot be understood.
    PermError(String),
}

impl SpfResult {
    /// The keyword of Authentication-Results (RFC 8601 §2.7.2).
    #[must_use]
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::Pass => "pass",
            Self::Fail { .. } => "fail",
            Self::SoftFail => "softfail",
            Self::TempError(_) => "temperror",
            Self::PermError(_) => "permerror",
        }
    }
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TempError(why) | Self::PermError(why) => write!(f, "{} ({why})", self.keyword()),
            other => f.write_str(other.keyword()),
        }
    }
}

/// Asks what a domain says about a host (`check_host()`, RFC 7208 §4).
pub async fn check_host(resolver: &dyn Resolver, question: &SpfQuestion<'_>) -> SpfResult {
    evaluation::check_host(resolver, question).await
}

/// Whether a text is an SPF record, good or bad (RFC 7208 §4.5).
#[must_use]
pub fn is_spf_record(text: &str) -> bool {
    let (version, rest) = text.split_at_checked(record::VERSION.len()).unwrap_or_default();
    version.eq_ignore_ascii_case(record::VERSION) && (rest.is_empty() || rest.starts_with(' '))
}

/// Whether a record can be understood.
///
/// # Errors
/// Where it cannot.
pub fn check_record(text: &str) -> Result<(), SpfSyntaxError> {
    record::Record::parse(text).map(drop)
}
