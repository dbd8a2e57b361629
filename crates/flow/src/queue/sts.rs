//! The port through which the queue asks for MTA-STS policies (RFC 8461).

use std::sync::Arc;

use async_trait::async_trait;
use posthouse_domain_policy::transport::{StsFact, StsMode, StsPolicy};
use posthouse_model::Domain;
use thiserror::Error;

/// Why a policy that a domain announces could not be had. Then the one that is kept counts, or none.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StsProblem {
    /// It could not be fetched; the words say why.
    #[error("its MTA-STS policy cannot be fetched: {0}")]
    Fetch(String),
    /// The certificate of the host that serves it does not hold up.
    #[error("its MTA-STS policy cannot be fetched: {0}")]
    Certificate(String),
    /// It is no policy.
    #[error("its MTA-STS policy cannot be used: {0}")]
    Invalid(String),
}

impl StsProblem {
    /// The result type of an SMTP TLS report (RFC 8460 §4.3.2.2).
    pub fn report_result(&self) -> &'static str {
        match self {
            Self::Fetch(_) => "sts-policy-fetch-error",
            Self::Certificate(_) => "sts-webpki-invalid",
            Self::Invalid(_) => "sts-policy-invalid",
        }
    }
}

/// What is known of a domain's policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StsFound {
    /// The policy that counts.
    pub policy: Option<Arc<StsPolicy>>,
    /// Why it is not the one that the domain announces.
    pub problem: Option<StsProblem>,
}

impl StsFound {
    /// What the policy says of a host.
    pub fn fact(&self, host: &Domain) -> StsFact {
        match &self.policy {
            Some(policy) if policy.mode == StsMode::Enforce => StsFact::Enforce { names_host: policy.names(host) },
            Some(policy) if policy.mode == StsMode::Testing => StsFact::Testing { names_host: policy.names(host) },
            _ => StsFact::Absent,
        }
    }
}

/// Knows the policies of domains.
#[async_trait]
pub trait StsPolicies: Send + Sync + 'static {
    /// What is known of a domain's policy. May take as long as fetching it does.
    async fn of(&self, domain: &Domain) -> StsFound;
}
