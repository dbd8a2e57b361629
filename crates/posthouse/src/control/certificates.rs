//! The certificates that the server shows.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, shape};
use crate::house::House;

/// What is asked about certificates.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificatesRequest {
    /// Read the files again: a list of [`CertificateView`], as they are then.
    Reload,
    /// A list of [`CertificateView`].
    List,
}

/// A certificate, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct CertificateView {
    /// Hosts it is for.
    pub names: Vec<String>,
    /// SHA-256 of the certificate.
    pub fingerprint_sha256: String,
    /// When it ends, in seconds since 1970.
    pub not_after: i64,
    /// Whether nobody but itself vouches for it.
    pub is_self_signed: bool,
}

pub fn answer(request: &CertificatesRequest, house: &House) -> Result<Value, Refusal> {
    if matches!(request, CertificatesRequest::Reload) {
        house.reload_certificates()?;
    }
    let certificates = house.certificates.library().certificates();
    let views = certificates.iter().map(|certificate| {
        let facts = certificate.facts();
        CertificateView {
            names: facts.subject_names.clone(),
            fingerprint_sha256: facts.fingerprint_sha256.clone(),
            not_after: facts.not_after,
            is_self_signed: facts.is_self_signed,
        }
    });
    shape(views.collect::<Vec<_>>())
}
