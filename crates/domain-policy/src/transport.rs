//! How much TLS the hosts of a domain have to offer: facts in, policy out.
//!
//! [`dane_of`] asks DNS for what DANE (RFC 7672) says of a host. [`decide`] is a pure function of that and of whatever
//! else is known: the strictest demand wins, and the policy says who made it. A fact that cannot be had is never taken
//! for one that is absent: the host is not used.

mod dane;
mod gzip;
mod policy;
mod received_report;
mod reporting;
mod sts;
mod tls_report;
mod tlsa;

pub use dane::{Dane, MAX_HOST_ALIASES, dane_of};
pub use gzip::{NotGzip, gunzip, gzip};
pub use policy::{DestinationTls, HostFacts, HostPolicy, MxProof, Reason, Refusal, StsFact, TlsDemand, decide};
pub use received_report::{MAX_REPORT_NAME_BYTES, ReportForm};
pub use reporting::{MAX_REPORT_PLACES, ReportPlace, report_places};
pub use sts::{
    MAX_STS_AGE_SECONDS, MAX_STS_PATTERNS, MAX_STS_POLICY_BYTES, StsAnnouncement, StsMode, StsPolicy, StsPolicyError,
    StsStep, announced_sts, sts_step,
};
pub use tls_report::{
    DateRange, FailureDetail, MAX_TLS_REPORT_BYTES, PolicyResult, ReportedPolicy, SessionCount, Summary, TlsReport,
    TlsReportError,
};
pub use tlsa::{MAX_FULL_ASSOCIATION_BYTES, MAX_TLSA_RECORDS, TlsaRecord, TlsaSet};
