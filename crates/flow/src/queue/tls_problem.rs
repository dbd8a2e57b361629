//! Why TLS towards a host, which somebody demands, cannot be had: one list for the report to the sender, the trail, the
//! log and the reports to the host's domain, which all use the same words.

use std::fmt;

use posthouse_domain_policy::transport::{Reason, Refusal};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsProblemKind {
    /// The host does not offer STARTTLS.
    NoStartTls,
    /// It offers STARTTLS, and refuses it.
    StartTlsRefused,
    /// The handshake failed; the detail has the alert, where one came.
    Handshake,
    /// The host has no version from TLS 1.2 upwards.
    VersionTooLow,
    /// The certificate is over, or not valid yet.
    Expired,
    /// The certificate is for other names.
    Name,
    /// No authority that is trusted stands behind the certificate.
    Untrusted,
    /// The certificate is signed by itself.
    SelfSigned,
    /// The certificate cannot be accepted for another reason.
    BadCertificate,
    /// The certificate does not match the TLSA records (RFC 7672).
    DaneMismatch,
    /// Whether there are TLSA records cannot be found out.
    DaneUnknown,
    /// TLSA records are required, and there are none that can be used.
    NoDane,
    /// The domain's MTA-STS policy cannot be had, and without it nothing proves that the host is the domain's.
    StsFetch,
    /// The domain's MTA-STS policy does not name the host (RFC 8461 §4.1).
    NotInStsPolicy,
    /// Nothing proves that the host is the domain's, which the sender asks for (RFC 8689 §4.2.1).
    UnprovenHost,
    /// TLS failed on our side.
    OurSide,
}

impl TlsProblemKind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::NoStartTls,
        Self::StartTlsRefused,
        Self::Handshake,
        Self::VersionTooLow,
        Self::Expired,
        Self::Name,
        Self::Untrusted,
        Self::SelfSigned,
        Self::BadCertificate,
        Self::DaneMismatch,
        Self::DaneUnknown,
        Self::NoDane,
        Self::StsFetch,
        Self::NotInStsPolicy,
        Self::UnprovenHost,
        Self::OurSide,
    ];

    /// The word that stands for it everywhere, and never changes.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoStartTls => "no-starttls",
            Self::StartTlsRefused => "starttls-refused",
            Self::Handshake => "handshake",
            Self::VersionTooLow => "tls-version",
            Self::Expired => "certificate-expired",
            Self::Name => "certificate-name",
            Self::Untrusted => "certificate-untrusted",
            Self::SelfSigned => "certificate-self-signed",
            Self::BadCertificate => "certificate-bad",
            Self::DaneMismatch => "dane-mismatch",
            Self::DaneUnknown => "dane-lookup",
            Self::NoDane => "dane-required",
            Self::StsFetch => "mta-sts-fetch",
            Self::NotInStsPolicy => "mta-sts-host",
            Self::UnprovenHost => "requiretls-host",
            Self::OurSide => "tls-internal",
        }
    }

    /// The result type of an SMTP TLS report (RFC 8460 §4.3).
    pub fn report_result(self) -> &'static str {
        match self {
            Self::NoStartTls | Self::StartTlsRefused => "starttls-not-supported",
            Self::Expired => "certificate-expired",
            Self::Name => "certificate-host-mismatch",
            Self::Untrusted | Self::SelfSigned => "certificate-not-trusted",
            Self::DaneUnknown => "dnssec-invalid",
            Self::NoDane => "dane-required",
            Self::StsFetch => "sts-policy-fetch-error",
            _ => "validation-failure",
        }
    }

    /// The detail of the enhanced status code (RFC 5248's registry): 7.10 "encryption needed", 7.5 "cryptographic failure".
    pub(super) fn status_detail(self) -> &'static str {
        match self {
            Self::NoStartTls | Self::StartTlsRefused => "7.10",
            // RFC 8689 §4.2.1 names no other code for a host that is not proven.
            Self::UnprovenHost | Self::StsFetch => "7.10",
            _ => "7.5",
        }
    }
}

/// What is wrong, with particulars, and who wants it otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsProblem {
    /// What.
    pub kind: TlsProblemKind,
    /// In a few words that stand for themselves, such as `the certificate has expired (valid until …)`.
    pub detail: String,
    /// Who demands TLS, where that is known.
    pub demanded_by: Option<Reason>,
}

impl TlsProblem {
    /// A problem of this kind, in these words.
    pub fn new(kind: TlsProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), demanded_by: None }
    }
}

impl From<&Refusal> for TlsProblem {
    fn from(refusal: &Refusal) -> Self {
        let kind = match refusal {
            Refusal::DaneUnknown(_) => TlsProblemKind::DaneUnknown,
            Refusal::NoDane => TlsProblemKind::NoDane,
            Refusal::NotInStsPolicy => TlsProblemKind::NotInStsPolicy,
            Refusal::UnprovenHost => TlsProblemKind::UnprovenHost,
        };
        Self::new(kind, refusal.to_string())
    }
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.demanded_by {
            // Who does not ask for TLS never lacks it.
            None | Some(Reason::TlsOptional) => "",
            Some(Reason::Route) => " by the route",
            Some(Reason::RequireTls) => " by the sender (REQUIRETLS)",
            Some(Reason::Dane) => " by the destination's DNS records (DANE)",
            Some(Reason::MtaSts) => " by the destination's MTA-STS policy",
            Some(Reason::Floor) => " because the destination has always had it",
            Some(Reason::Listed | Reason::Default) => " by the settings of this server",
        };
        write!(f, "TLS is required{by}, but {} [{}]", self.detail, self.kind.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own() {
        let mut codes: Vec<_> = TlsProblemKind::ALL.iter().map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), TlsProblemKind::ALL.len());
        let is_word = |code: &&str| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(codes.iter().all(is_word), "{codes:?}");
    }

    #[test]
    fn words_for_people() {
        let check = |demanded_by, expected: &str| {
            let detail = "the host does not offer STARTTLS";
            let problem = TlsProblem { demanded_by, ..TlsProblem::new(TlsProblemKind::NoStartTls, detail) };
            assert_eq!(problem.to_string(), expected);
        };
        check(None, "TLS is required, but the host does not offer STARTTLS [no-starttls]");
        check(
            Some(Reason::MtaSts),
            "TLS is required by the destination's MTA-STS policy, but the host does not offer STARTTLS [no-starttls]",
        );
    }
}
