//! Facts in, policy out: how much TLS one host of a domain has to offer, and who says so.

use std::fmt;
use std::sync::Arc;

use posthouse_model::TlsWish;
use thiserror::Error;

use super::dane::Dane;
use super::tlsa::TlsaSet;
use crate::resolver::LookupError;

/// How much TLS an administrator asks of a domain's hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DestinationTls {
    /// Encrypt where the host can, with whatever certificate; else send in clear.
    Opportunistic,
    /// Encrypt, with whatever certificate, or do not send.
    Required,
    /// Encrypt to a host whose certificate is valid and fits its name, or do not send.
    Verified,
    /// Encrypt to a host whose certificate matches its signed TLSA records, or do not send.
    DaneOnly,
}

/// How the host's name was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MxProof {
    /// By MX records that are signed.
    Secure,
    /// By MX records that anybody may have made.
    Insecure,
    /// The domain has none, and is the host itself.
    NoMx,
}

/// What the domain's MTA-STS policy says of the host (RFC 8461).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StsFact {
    /// There is no policy, or it is of the mode `none`.
    Absent,
    /// A policy that is being tested.
    Testing {
        /// Whether it names the host.
        names_host: bool,
    },
    /// A policy to be kept.
    Enforce {
        /// Whether it names the host.
        names_host: bool,
    },
}

/// What is known of a host and of the message for it.
#[derive(Clone, Debug)]
pub struct HostFacts<'a> {
    /// Whether an administrator named the host as the way to the domain. Then nothing else counts.
    pub is_routed: bool,
    /// What the sender asks for (RFC 8689).
    pub wish: TlsWish,
    /// How the host's name was found.
    pub mx: MxProof,
    /// What DANE says of it.
    pub dane: &'a Dane,
    /// What MTA-STS says of it.
    pub sts: StsFact,
    /// Whether the domain's hosts have always had a valid certificate, and are held to that.
    pub holds_floor: bool,
    /// What the administrator says of the domain.
    pub listed: Option<DestinationTls>,
    /// What the administrator says of all that are not listed.
    pub default: DestinationTls,
}

/// What a host has to offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsDemand {
    /// What stands in the route.
    AsRouted,
    /// STARTTLS where it works, else clear text.
    Opportunistic,
    /// STARTTLS, with whatever certificate.
    Required,
    /// STARTTLS, with a valid certificate for the host's name.
    Verified,
    /// STARTTLS, with a certificate that matches.
    Dane(Arc<TlsaSet>),
    /// Nothing it offers would do: it is not to be used.
    Refuse(Refusal),
}

impl TlsDemand {
    /// How strict it is.
    fn rank(&self) -> u8 {
        match self {
            Self::AsRouted | Self::Opportunistic => 0,
            Self::Required => 1,
            Self::Verified => 2,
            Self::Dane(_) => 3,
            Self::Refuse(_) => 4,
        }
    }
}

impl fmt::Display for TlsDemand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsRouted => f.write_str("as the route says"),
            Self::Opportunistic => f.write_str("TLS where it is offered"),
            Self::Required => f.write_str("TLS, with whatever certificate"),
            Self::Verified => f.write_str("TLS, with a valid certificate for the host's name"),
            Self::Dane(_) => f.write_str("TLS, with a certificate that matches the TLSA records"),
            Self::Refuse(refusal) => write!(f, "not used: {refusal}"),
        }
    }
}

/// Why a host is not to be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// RFC 7672 §2.1.2: whether the host has TLSA records cannot be found out.
    #[error("whether the host has TLSA records cannot be found out: {0}")]
    DaneUnknown(LookupError),
    /// The administrator wants DANE of this domain.
    #[error("the host has no signed TLSA records that can be used")]
    NoDane,
    /// RFC 8461 §4.1: the domain's policy does not name the host.
    #[error("the domain's MTA-STS policy does not name the host")]
    NotInStsPolicy,
    /// RFC 8689 §4.2.1: nothing proves that the host is the domain's.
    #[error("neither DNSSEC nor MTA-STS proves that the host is the domain's")]
    UnprovenHost,
}

/// Who makes a demand, in the order in which they are named when several make the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The administrator's route.
    Route,
    /// The sender, by REQUIRETLS.
    RequireTls,
    /// The sender, by `TLS-Required: No`, in place of all that the recipient's domain does or has done.
    TlsOptional,
    /// The domain, by DANE.
    Dane,
    /// The domain, by MTA-STS.
    MtaSts,
    /// Earlier deliveries.
    Floor,
    /// The administrator's list.
    Listed,
    /// The administrator's default.
    Default,
}

impl Reason {
    /// The word for it in trail, log and output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::RequireTls => "requiretls",
            Self::TlsOptional => "tls-optional",
            Self::Dane => "dane",
            Self::MtaSts => "mta-sts",
            Self::Floor => "floor",
            Self::Listed => "listed",
            Self::Default => "default",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a host has to offer, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPolicy {
    /// What it has to offer.
    pub demand: TlsDemand,
    /// Who says so.
    pub reason: Reason,
}

/// No demand.
const NOTHING: (Option<TlsDemand>, Reason) = (None, Reason::Default);

/// Decides how much TLS a host has to offer. An explicit route comes before everything; else the strictest demand wins.
pub fn decide(facts: &HostFacts<'_>) -> HostPolicy {
    if facts.is_routed {
        return HostPolicy { demand: TlsDemand::AsRouted, reason: Reason::Route };
    }
    let demands = match facts.wish {
        // RFC 8689 §8.4: as if neither DANE nor MTA-STS were known here. What the domain has always done is no more of a
        // demand than what it says.
        TlsWish::Optional => [(Some(TlsDemand::Opportunistic), Reason::TlsOptional), NOTHING, NOTHING, NOTHING],
        TlsWish::None | TlsWish::Required => [
            (require_tls(facts), Reason::RequireTls),
            (dane(facts), Reason::Dane),
            (mta_sts(facts), Reason::MtaSts),
            (facts.holds_floor.then_some(TlsDemand::Verified), Reason::Floor),
        ],
    };
    let of_administrator = [
        (facts.listed.map(|wanted| administrator(facts, wanted)), Reason::Listed),
        // What is said of a domain counts in place of what is said of all.
        (facts.listed.is_none().then(|| administrator(facts, facts.default)), Reason::Default),
    ];
    let demands = demands.into_iter().chain(of_administrator);
    let made = demands.filter_map(|(demand, reason)| Some(HostPolicy { demand: demand?, reason }));
    let strictest = made.reduce(|best, next| if next.demand.rank() > best.demand.rank() { next } else { best });
    strictest.unwrap_or(HostPolicy { demand: TlsDemand::Opportunistic, reason: Reason::Default })
}

fn require_tls(facts: &HostFacts<'_>) -> Option<TlsDemand> {
    let sts_names_host =
        matches!(facts.sts, StsFact::Enforce { names_host: true } | StsFact::Testing { names_host: true });
    // RFC 8689 §4.2.1: a host that unsigned MX records name has to stand in the domain's MTA-STS policy.
    match facts.mx == MxProof::Insecure && !sts_names_host {
        _ if facts.wish != TlsWish::Required => None,
        true => Some(TlsDemand::Refuse(Refusal::UnprovenHost)),
        false => Some(TlsDemand::Verified),
    }
}

fn dane(facts: &HostFacts<'_>) -> Option<TlsDemand> {
    match facts.dane {
        Dane::Absent => None,
        Dane::Unusable => Some(TlsDemand::Required),
        Dane::Usable(set) => Some(TlsDemand::Dane(Arc::clone(set))),
        Dane::Unknown(error) => Some(TlsDemand::Refuse(Refusal::DaneUnknown(error.clone()))),
    }
}

fn mta_sts(facts: &HostFacts<'_>) -> Option<TlsDemand> {
    match (facts.sts, facts.dane) {
        (StsFact::Absent | StsFact::Testing { .. }, _) => None,
        // RFC 8461 §2: where both are there, DANE decides.
        (StsFact::Enforce { .. }, Dane::Usable(_)) => None,
        (StsFact::Enforce { names_host: true }, _) => Some(TlsDemand::Verified),
        (StsFact::Enforce { names_host: false }, _) => Some(TlsDemand::Refuse(Refusal::NotInStsPolicy)),
    }
}

fn administrator(facts: &HostFacts<'_>, wanted: DestinationTls) -> TlsDemand {
    match wanted {
        DestinationTls::Opportunistic => TlsDemand::Opportunistic,
        DestinationTls::Required => TlsDemand::Required,
        DestinationTls::Verified => TlsDemand::Verified,
        DestinationTls::DaneOnly => match facts.dane {
            Dane::Usable(set) => TlsDemand::Dane(Arc::clone(set)),
            _ => TlsDemand::Refuse(Refusal::NoDane),
        },
    }
}

#[cfg(test)]
mod tests;
