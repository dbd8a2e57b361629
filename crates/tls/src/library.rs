//! Which certificate a name gets.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::SignatureScheme;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::load::{LoadError, LoadedCertificate};

/// The certificate that was chosen for a connection.
pub type ChosenCertificate = Arc<LoadedCertificate>;

/// Where a certificate lies, and which names it is served for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificatePaths {
    /// The chain in PEM, the server's own certificate first.
    pub chain: PathBuf,
    /// The key in PEM; may be the same file.
    pub key: PathBuf,
    /// The names to serve it for; when empty, the names that stand in it.
    pub names: Vec<String>,
}

impl CertificatePaths {
    fn load(&self) -> Result<ChosenCertificate, LoadError> {
        let certificate = LoadedCertificate::from_files(&self.chain, &self.key)?;
        Ok(Arc::new(if self.names.is_empty() { certificate } else { certificate.serving(self.names.iter().cloned()) }))
    }
}

/// All certificates of the server, by name. Its content can be replaced while handshakes run;
/// each handshake sees the old or the new content, never a mixture.
///
/// A name gets the certificate that has exactly this name, else one with a wildcard for its
/// first label, else the default, which is the first certificate of the list. Where several
/// have the same name, the first that the client can verify (RSA or ECDSA) is taken.
#[derive(Debug, Default)]
pub struct CertificateLibrary {
    shelves: ArcSwap<Shelves>,
}

/// One state of the library.
#[derive(Debug, Default)]
struct Shelves {
    all: Vec<ChosenCertificate>,
    /// Lower-case names.
    exact: HashMap<String, Vec<ChosenCertificate>>,
    /// What follows `*.`, in lower case.
    wildcard: HashMap<String, Vec<ChosenCertificate>>,
}

impl CertificateLibrary {
    /// A library of these certificates, the default first. An empty one lets no handshake
    /// succeed.
    pub fn new(certificates: Vec<ChosenCertificate>) -> Self {
        Self { shelves: ArcSwap::from_pointee(Shelves::sorted(certificates)) }
    }

    /// A library of the certificates in these files, the default first.
    pub fn from_paths(paths: &[CertificatePaths]) -> Result<Self, LoadError> {
        let library = Self::default();
        library.reload_from(paths)?;
        Ok(library)
    }

    /// Replaces the whole content.
    pub fn replace(&self, certificates: Vec<ChosenCertificate>) {
        self.shelves.store(Arc::new(Shelves::sorted(certificates)));
    }

    /// Reads all files again and replaces the whole content, or changes nothing if one of them
    /// cannot be used.
    pub fn reload_from(&self, paths: &[CertificatePaths]) -> Result<(), LoadError> {
        let certificates = paths.iter().map(CertificatePaths::load).collect::<Result<Vec<_>, _>>()?;
        self.replace(certificates);
        Ok(())
    }

    /// All certificates, the default first.
    pub fn certificates(&self) -> Vec<ChosenCertificate> {
        self.shelves.load().all.clone()
    }

    /// The certificate for a name (in any case), or the default if the name is absent or
    /// unknown. `None` if the library is empty.
    pub fn certificate_for(&self, server_name: Option<&str>) -> Option<ChosenCertificate> {
        self.choose(server_name, |_| true)
    }

    /// The certificate for a ClientHello. A client that sends no name is treated as if it had
    /// sent `fallback_name`.
    pub fn certificate_for_hello(
        &self,
        hello: &ClientHello<'_>,
        fallback_name: Option<&str>,
    ) -> Option<ChosenCertificate> {
        let schemes = hello.signature_schemes();
        self.choose(hello.server_name().or(fallback_name), |certificate| can_verify(schemes, certificate))
    }

    fn choose(
        &self,
        server_name: Option<&str>,
        suits: impl Fn(&ChosenCertificate) -> bool,
    ) -> Option<ChosenCertificate> {
        let shelves = self.shelves.load();
        let candidates = server_name.map_or(&[][..], |name| shelves.named(name));
        candidates
            .iter()
            .find(|certificate| suits(certificate))
            .or_else(|| candidates.first())
            .or_else(|| shelves.all.first())
            .cloned()
    }
}

impl ResolvesServerCert for CertificateLibrary {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.certificate_for_hello(&client_hello, None).map(|certificate| certificate.certified_key().clone())
    }
}

impl Shelves {
    fn sorted(all: Vec<ChosenCertificate>) -> Self {
        let mut shelves = Self::default();
        for certificate in &all {
            for name in certificate.names() {
                let name = normalised(name);
                let shelf = match name.strip_prefix("*.") {
                    Some(parent) => shelves.wildcard.entry(parent.to_owned()),
                    None => shelves.exact.entry(name),
                };
                shelf.or_default().push(certificate.clone());
            }
        }
        shelves.all = all;
        shelves
    }

    /// The certificates for a name, without the default.
    fn named(&self, server_name: &str) -> &[ChosenCertificate] {
        let name = normalised(server_name);
        // RFC 6125 §6.4.3: a wildcard stands for exactly one label, the first.
        let by_wildcard = || name.split_once('.').and_then(|(_, parent)| self.wildcard.get(parent));
        self.exact.get(&name).or_else(by_wildcard).map_or(&[], Vec::as_slice)
    }
}

/// Lower case and without the dot of the root (RFC 6066 §3 sends names without it, but some
/// clients do send it).
fn normalised(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn can_verify(schemes: &[SignatureScheme], certificate: &ChosenCertificate) -> bool {
    certificate.certified_key().key.choose_scheme(schemes).is_some()
}
