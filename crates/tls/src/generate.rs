//! Certificates that the server makes for itself: for the first start, and for a demonstration.

use std::fmt;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use zeroize::Zeroizing;

/// The last second of the year 9999, in Unix time; X.509 knows no later date.
const LAST_X509_SECOND: u64 = 253_402_300_799;

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// There is no name to make it for.
    #[error("a certificate needs at least one host name")]
    NoHost,
    /// A name cannot stand in a certificate.
    #[error("`{0}` is not a host name or IP address that a certificate can hold")]
    BadHost(String),
    /// The dates make no sense, or X.509 cannot express them.
    #[error("a certificate cannot be valid from {not_before} to {not_after} (Unix time)")]
    BadDates {
        /// The first second of validity, in Unix time.
        not_before: u64,
        /// The last second of validity, in Unix time.
        not_after: u64,
    },
    /// The cryptographic library failed.
    #[error("the certificate cannot be made: {0}")]
    Library(#[from] rcgen::Error),
}

/// A certificate and its private key, both in PEM.
pub struct GeneratedPem {
    /// The certificate.
    pub certificate: String,
    /// The private key (PKCS #8, not encrypted).
    pub key: Zeroizing<String>,
}

impl fmt::Debug for GeneratedPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratedPem").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// A throw-away authority's certificate and a server certificate signed by it. The authority's
/// key is forgotten at once, so it can never sign anything else.
#[derive(Debug)]
pub struct DemoCertificates {
    /// The authority's certificate in PEM, for clients to trust.
    pub authority: String,
    /// The server's certificate and key.
    pub server: GeneratedPem,
}

/// Makes a self-signed certificate (ECDSA P-256) for host names or IP addresses, the first of
/// which becomes the common name. `not_before` and `not_after` are Unix times.
pub fn self_signed(hosts: &[String], not_before: u64, not_after: u64) -> Result<GeneratedPem, GenerateError> {
    let parameters = server_parameters(hosts, not_before, not_after)?;
    let key = KeyPair::generate()?;
    Ok(GeneratedPem { certificate: parameters.self_signed(&key)?.pem(), key: Zeroizing::new(key.serialize_pem()) })
}

/// Makes an authority and a server certificate signed by it (ECDSA P-256, both valid between
/// the same Unix times).
pub fn demo_certificates(hosts: &[String], not_before: u64, not_after: u64) -> Result<DemoCertificates, GenerateError> {
    let mut server_parameters = server_parameters(hosts, not_before, not_after)?;
    server_parameters.use_authority_key_identifier_extension = true;
    let mut parameters = dated_parameters(not_before, not_after)?;
    parameters.distinguished_name = named(&format!("Posthouse demo authority of {}", hosts[0]));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let authority = parameters.self_signed(&authority_key)?;
    let server_key = KeyPair::generate()?;
    let server = server_parameters.signed_by(&server_key, &Issuer::new(parameters, authority_key))?;
    Ok(DemoCertificates {
        authority: authority.pem(),
        server: GeneratedPem { certificate: server.pem(), key: Zeroizing::new(server_key.serialize_pem()) },
    })
}

fn server_parameters(hosts: &[String], not_before: u64, not_after: u64) -> Result<CertificateParams, GenerateError> {
    let first = hosts.first().ok_or(GenerateError::NoHost)?;
    if let Some(bad) = hosts.iter().find(|host| !can_stand_in_a_certificate(host)) {
        return Err(GenerateError::BadHost(bad.clone()));
    }
    let mut parameters = dated_parameters(not_before, not_after)?;
    parameters.subject_alt_names = CertificateParams::new(hosts)?.subject_alt_names;
    parameters.distinguished_name = named(first);
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(parameters)
}

fn dated_parameters(not_before: u64, not_after: u64) -> Result<CertificateParams, GenerateError> {
    if not_before > not_after || not_after > LAST_X509_SECOND {
        return Err(GenerateError::BadDates { not_before, not_after });
    }
    let epoch = date_time_ymd(1970, 1, 1);
    let mut parameters = CertificateParams::default();
    parameters.not_before = epoch + Duration::from_secs(not_before);
    parameters.not_after = epoch + Duration::from_secs(not_after);
    Ok(parameters)
}

/// A distinguished name of only a common name. RFC 5280 §A.1 allows it 64 characters; the
/// names that count are the alternative ones.
fn named(common_name: &str) -> DistinguishedName {
    const MAX_COMMON_NAME_CHARACTERS: usize = 64;
    let mut name = DistinguishedName::new();
    let shortened: String = common_name.chars().take(MAX_COMMON_NAME_CHARACTERS).collect();
    name.push(DnType::CommonName, shortened);
    name
}

/// Whether a DNS name (with a wildcard label in front perhaps) or an IP address can be written
/// into a certificate that clients will read back the same. An international name has to come
/// in its ASCII form.
fn can_stand_in_a_certificate(host: &str) -> bool {
    let name = host.strip_prefix("*.").unwrap_or(host);
    rustls::pki_types::ServerName::try_from(name).is_ok()
}
