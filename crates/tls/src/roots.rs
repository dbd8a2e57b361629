//! Whom we trust when we verify the certificate of a server that we connect to.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};

use crate::facts::CertificateFacts;
use crate::load::{CertificateProblem, LoadError, read_pem_file};

/// The most certificates in a file of trusted ones. The Web's public authorities are some 150.
const MAX_TRUSTED_CERTIFICATES: usize = 2000;

/// Whom to trust, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustRoots {
    /// The authorities that the operating system trusts; Mozilla's list, as compiled in, on a
    /// host that has none (a bare container).
    ///
    /// `rustls-platform-verifier` logs each failed verification as an error, even where it is
    /// none to us: turn its target off (`rustls_platform_verifier=off`).
    Platform,
    /// The certificates of a PEM file and no others: authorities, or servers' own (then the
    /// name is still checked, and so are the dates).
    PemFile(PathBuf),
    /// The same, from PEM text.
    Pem(Vec<u8>),
}

/// Whom we trust in fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustSource {
    /// The operating system's authorities.
    Platform,
    /// Mozilla's authorities, because the operating system gave none, for this reason.
    Mozilla(String),
    /// So many certificates given by configuration.
    Configured(usize),
}

impl fmt::Display for TrustSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("the operating system's authorities"),
            Self::Mozilla(reason) => write!(f, "the built-in list of Mozilla ({reason})"),
            Self::Configured(count) => write!(f, "{count} configured certificates"),
        }
    }
}

/// The roots cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The file of the configuration.
    #[error(transparent)]
    File(#[from] LoadError),
    /// The text of the configuration.
    #[error("the configured roots: {0}")]
    Text(CertificateProblem),
    /// The verifier cannot be made from them.
    #[error("the trusted certificates cannot be used: {0}")]
    Verifier(#[from] VerifierBuilderError),
}

/// Reads a PEM file of trusted certificates, for verifying the certificates of clients.
pub fn roots_from_file(path: &Path) -> Result<Arc<RootCertStore>, RootsError> {
    Ok(Arc::new(store_of(&certificates_of_file(path)?).map_err(RootsError::Text)?))
}

/// The verifier that a configuration of roots leads to.
#[derive(Debug)]
pub(crate) struct Trust {
    verifier: Arc<dyn ServerCertVerifier>,
    /// Certificates that are trusted as they are, even where webpki would not take them as a
    /// server's (such as a self-signed one that calls itself an authority).
    pinned: Vec<CertificateDer<'static>>,
    source: TrustSource,
}

impl Trust {
    pub(crate) fn new(roots: &TrustRoots, provider: Arc<CryptoProvider>) -> Result<Self, RootsError> {
        match roots {
            TrustRoots::Platform => {
                let verifier = rustls_platform_verifier::Verifier::new(provider.clone());
                Self::of_platform(verifier.map(|it| Arc::new(it) as _), provider)
            }
            TrustRoots::PemFile(path) => Self::configured(certificates_of_file(path)?, provider),
            TrustRoots::Pem(pem) => Self::configured(certificates_of_pem(pem).map_err(RootsError::Text)?, provider),
        }
    }

    /// The platform's verifier, or Mozilla's list if there is none.
    pub(crate) fn of_platform(
        verifier: Result<Arc<dyn ServerCertVerifier>, Error>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, RootsError> {
        let (verifier, source) = match verifier {
            Ok(verifier) => (verifier, TrustSource::Platform),
            Err(error) => {
                let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
                (webpki_verifier(roots, provider)?, TrustSource::Mozilla(error.to_string()))
            }
        };
        Ok(Self { verifier, pinned: Vec::new(), source })
    }

    fn configured(
        certificates: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, RootsError> {
        let store = store_of(&certificates).map_err(RootsError::Text)?;
        Ok(Self {
            verifier: webpki_verifier(store, provider)?,
            source: TrustSource::Configured(certificates.len()),
            pinned: certificates,
        })
    }

    pub(crate) fn source(&self) -> &TrustSource {
        &self.source
    }

    /// Verifies chain, dates and name.
    pub(crate) fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<(), Error> {
        let result = self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match result.map(|_: ServerCertVerified| ()) {
            Err(_) if self.pinned.contains(end_entity) => {
                verify_dates(end_entity, now)?;
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)
            }
            result => result,
        }
    }
}

fn verify_dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let facts =
        CertificateFacts::of_der(certificate).map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let not_before = u64::try_from(facts.not_before).unwrap_or(0);
    let not_after = u64::try_from(facts.not_after).unwrap_or(0);
    let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    if now.as_secs() > not_after {
        Err(CertificateError::ExpiredContext { time: now, not_after: at(not_after) }.into())
    } else if now.as_secs() < not_before {
        Err(CertificateError::NotValidYetContext { time: now, not_before: at(not_before) }.into())
    } else {
        Ok(())
    }
}

fn webpki_verifier(
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, VerifierBuilderError> {
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    Ok(builder.build()?)
}

fn certificates_of_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    read_pem_file(path)
        .and_then(|pem| certificates_of_pem(&pem))
        .map_err(|problem| LoadError { path: path.to_owned(), problem })
}

fn certificates_of_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateProblem> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .take(MAX_TRUSTED_CERTIFICATES + 1)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| CertificateProblem::BadPem(error.to_string()))?;
    match certificates.len() {
        0 => Err(CertificateProblem::NoCertificate),
        1..=MAX_TRUSTED_CERTIFICATES => {
            // Tells early, and with its position, what the store would refuse.
            store_of(&certificates).map(|_| certificates)
        }
        _ => Err(CertificateProblem::ChainTooLong { limit: MAX_TRUSTED_CERTIFICATES }),
    }
}

fn store_of(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, CertificateProblem> {
    let mut store = RootCertStore::empty();
    for (index, certificate) in certificates.iter().enumerate() {
        store.add(certificate.clone()).map_err(|error| CertificateProblem::Unreadable {
            number: index + 1,
            error: crate::UnreadableCertificate(error.to_string()),
        })?;
    }
    Ok(store)
}
