//! Verifying a server by its TLSA records (RFC 6698, RFC 7671) as mail does it (RFC 7672 §3).
//!
//! The records are given; that they are authentic is the caller's business. The work for one chain is bounded by the
//! numbers of its certificates and of the names: each certificate is digested at most once in each way.

use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{Error, RootCertStore};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::failure::TlsFailure;

/// Most certificates of a chain that are looked at.
const MAX_CHAIN_CERTIFICATES: usize = 10;
/// Most records that are looked at.
const MAX_ASSOCIATIONS: usize = 64;
/// Most names that a certificate below a matching authority is tried for.
const MAX_NAMES: usize = 8;

/// What a record is about (RFC 7218 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DaneUsage {
    /// An authority in the chain that the server shows: DANE-TA(2).
    Authority,
    /// The server's own certificate: DANE-EE(3).
    EndEntity,
}

/// What of a certificate is compared (RFC 7218 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DaneSelector {
    /// All of it: Cert(0).
    Certificate,
    /// Its public key: SPKI(1).
    PublicKey,
}

/// How it is compared (RFC 7218 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DaneMatching {
    /// Octet by octet: Full(0).
    Full,
    /// SHA2-256(1).
    Sha256,
    /// SHA2-512(2).
    Sha512,
}

/// One usable TLSA record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DaneAssociation {
    /// What it is about.
    pub usage: DaneUsage,
    /// What is compared.
    pub selector: DaneSelector,
    /// How.
    pub matching: DaneMatching,
    /// What it is compared with.
    pub data: Vec<u8>,
}

/// What a server's certificate has to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaneExpectation {
    /// One of these has to match.
    pub associations: Vec<DaneAssociation>,
    /// The names, one of which a certificate below a matching authority has to be for (RFC 7672 §3.2.2).
    pub names: Vec<String>,
}

impl DaneExpectation {
    /// Whether the chain that a server shows is what was expected.
    pub(crate) fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<(), TlsFailure> {
        let of_usage = |usage| self.associations.iter().take(MAX_ASSOCIATIONS).filter(move |one| one.usage == usage);
        // RFC 7671 §5.1: the record stands for the certificate, whatever its names and dates.
        let mut leaf = Compared::new(end_entity);
        if of_usage(DaneUsage::EndEntity).any(|association| leaf.matches(association)) {
            return Ok(());
        }
        let mut failure = TlsFailure::DaneMismatch;
        let chain = std::iter::once(end_entity).chain(intermediates).take(MAX_CHAIN_CERTIFICATES);
        for certificate in chain {
            let mut compared = Compared::new(certificate);
            if !of_usage(DaneUsage::Authority).any(|association| compared.matches(association)) {
                continue;
            }
            match self.verify_below(certificate, end_entity, intermediates, now, algorithms) {
                Ok(()) => return Ok(()),
                // RFC 7671 §5.2: the authority is the right one, and what it signed is not; that says more.
                Err(error) => failure = TlsFailure::classify(&error),
            }
        }
        Err(failure)
    }

    /// Verifies chain and dates below a matching authority, and the name.
    fn verify_below(
        &self,
        authority: &CertificateDer<'_>,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<(), Error> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let intermediates = &intermediates[..intermediates.len().min(MAX_CHAIN_CERTIFICATES)];
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, intermediates, now, algorithms.all)?;
        let mut refused = Error::UnsupportedNameType;
        for name in self.names.iter().take(MAX_NAMES) {
            let Ok(name) = ServerName::try_from(name.as_str()) else { continue };
            match verify_server_name(&parsed, &name) {
                Ok(()) => return Ok(()),
                Err(error) if refused == Error::UnsupportedNameType => refused = error,
                Err(_) => {}
            }
        }
        Err(refused)
    }
}

/// A certificate with what was worked out of it so far.
struct Compared<'a> {
    certificate: &'a [u8],
    /// `None` where the certificate cannot be read.
    public_key: Option<&'a [u8]>,
    /// SHA-256 and SHA-512 of the certificate and of its key.
    digests: [Option<Arc<[u8]>>; 4],
}

impl<'a> Compared<'a> {
    fn new(certificate: &'a CertificateDer<'_>) -> Self {
        let parsed = X509Certificate::from_der(certificate).ok();
        let public_key = parsed.map(|(_, parsed)| parsed.tbs_certificate.subject_pki.raw);
        Self { certificate, public_key, digests: Default::default() }
    }

    fn matches(&mut self, association: &DaneAssociation) -> bool {
        let (selected, at) = match association.selector {
            DaneSelector::Certificate => (Some(self.certificate), 0),
            DaneSelector::PublicKey => (self.public_key, 2),
        };
        let Some(selected) = selected else { return false };
        let (algorithm, at) = match association.matching {
            DaneMatching::Full => return selected == association.data,
            DaneMatching::Sha256 => (&digest::SHA256, at),
            DaneMatching::Sha512 => (&digest::SHA512, at + 1),
        };
        let digest = self.digests[at].get_or_insert_with(|| digest::digest(algorithm, selected).as_ref().into());
        **digest == *association.data
    }
}
