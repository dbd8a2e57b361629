//! The server's side of a handshake.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, VerifierBuilderError, WebPkiClientVerifier,
};
use rustls::sign::SingleCertAndKey;
use rustls::{RootCertStore, ServerConfig};

use crate::library::{CertificateLibrary, ChosenCertificate};
use crate::provider;

/// The most bytes of encrypted records that a connection may hold unsent, for
/// `ServerConnection::set_buffer_limit`: two full records, so that one can be sent while the
/// next is made. (The library's own bound is 64 KB, which a thousand slow readers would fill.)
pub const UNSENT_RECORDS_LIMIT: usize = 2 * (16 * 1024 + 256);

/// How many TLS 1.3 tickets a client gets where tickets are on. A mail client opens a handful
/// of connections side by side, and a ticket is good for one of them.
const TICKETS_PER_HANDSHAKE: usize = 2;

/// How many configurations of certificates that are no longer in the library are kept before
/// they are swept out.
const STALE_CONFIGURATIONS: usize = 16;

/// SHA-256 over a whole certificate chain.
type ChainDigest = [u8; 32];

/// What a listener decides about its handshakes.
#[derive(Debug, Clone, Default)]
pub struct ServerTlsOptions {
    /// The application protocols (RFC 7301) that are accepted, the preferred first. Empty: the
    /// client's list is ignored. Otherwise a client that names none of them is refused, which
    /// is what stops one protocol's client from being led to another's port.
    pub alpn: Vec<Vec<u8>>,
    /// Whether sessions can be resumed by tickets. Off on role mx: some sending servers abort
    /// when TLS 1.3 tickets arrive before their first command. Where client certificates are
    /// asked for there are none in any case: a certificate is verified when a session begins,
    /// and one that has ended since, or whose authority is no longer trusted, must not go on.
    pub session_tickets: bool,
    /// Ask the client for a certificate (SASL EXTERNAL), and verify it against these roots. A
    /// client without one is let in; one with a certificate that does not verify is not.
    pub client_certificates: Option<Arc<RootCertStore>>,
    /// The name whose certificate a client gets that sends no name; else the default's.
    pub fallback_name: Option<String>,
}

/// A listener's TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ServerTlsError {
    /// The roots for client certificates are not usable.
    #[error("the authorities for client certificates cannot be used: {0}")]
    ClientRoots(#[from] VerifierBuilderError),
    /// The cryptographic library refused the set-up.
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] rustls::Error),
}

/// There is no certificate to answer a client with, or its configuration cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NoCertificate {
    /// The certificate library is empty.
    #[error("the server has no certificate")]
    EmptyLibrary,
    /// The keys for session tickets could not be made (no random bytes).
    #[error("session tickets cannot be made: {0}")]
    Tickets(rustls::Error),
}

/// How one listener shakes hands: TLS 1.2 and 1.3, forward-secret AEAD suites, the certificate
/// by the name that the client asks for.
#[derive(Debug)]
pub struct ServerTls {
    library: Arc<CertificateLibrary>,
    options: ServerTlsOptions,
    current: RwLock<Configurations>,
}

/// What handshakes use until the authorities for client certificates change.
#[derive(Debug)]
struct Configurations {
    /// Everything but the certificate and its ticket keys.
    template: Arc<ServerConfig>,
    /// Whether sessions can be resumed by tickets.
    tickets: bool,
    /// One configuration for each certificate chain. Ticket keys are therefore one
    /// certificate's own, and a session is never resumed under another certificate, whose
    /// `tls-server-end-point` the client would not know.
    by_certificate: HashMap<ChainDigest, Arc<ServerConfig>>,
}

impl Configurations {
    fn new(
        library: &Arc<CertificateLibrary>,
        options: &ServerTlsOptions,
        client_certificates: Option<&Arc<RootCertStore>>,
    ) -> Result<Self, ServerTlsError> {
        Ok(Self {
            template: Arc::new(template(provider::modern(), library.clone(), &options.alpn, client_certificates)?),
            tickets: options.session_tickets && client_certificates.is_none(),
            by_certificate: HashMap::new(),
        })
    }
}

impl ServerTls {
    /// Sets up a listener's TLS with the certificates of `library`, as they are at the time of
    /// each handshake.
    pub fn new(library: Arc<CertificateLibrary>, options: ServerTlsOptions) -> Result<Self, ServerTlsError> {
        let configurations = Configurations::new(&library, &options, options.client_certificates.as_ref())?;
        Ok(Self { library, options, current: RwLock::new(configurations) })
    }

    /// Asks for client certificates, and verifies them against these roots from the next
    /// handshake on. Connections that are there stay as they are.
    pub fn replace_client_authorities(&self, roots: &Arc<RootCertStore>) -> Result<(), ServerTlsError> {
        let configurations = Configurations::new(&self.library, &self.options, Some(roots))?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = configurations;
        Ok(())
    }

    /// The configuration for a client, from its ClientHello, and the certificate that it will
    /// be shown. Use it with an acceptor that hands out the ClientHello first; keep the
    /// certificate for [`channel_bindings`](crate::channel_bindings()).
    pub fn config_for(&self, hello: &ClientHello<'_>) -> Result<(Arc<ServerConfig>, ChosenCertificate), NoCertificate> {
        let chosen = self
            .library
            .certificate_for_hello(hello, self.options.fallback_name.as_deref())
            .ok_or(NoCertificate::EmptyLibrary)?;
        let config = self.config_of(&chosen)?;
        Ok((config, chosen))
    }

    /// A configuration that chooses the certificate by itself, for uses that need no channel
    /// binding (HTTP). It follows the library too, and has no session tickets.
    pub fn self_choosing_config(&self) -> Arc<ServerConfig> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).template.clone()
    }

    fn config_of(&self, chosen: &ChosenCertificate) -> Result<Arc<ServerConfig>, NoCertificate> {
        let digest = chosen.chain_digest();
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = current.by_certificate.get(digest) {
            return Ok(config.clone());
        }
        drop(current);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // Another handshake may have been faster; its ticket keys are in use already.
        let config = match current.by_certificate.get(digest) {
            Some(config) => config.clone(),
            None => {
                let made = Arc::new(make_config(&current.template, current.tickets, chosen)?);
                current.by_certificate.insert(*digest, made.clone());
                made
            }
        };
        self.sweep(&mut current.by_certificate, digest);
        Ok(config)
    }

    /// Forgets the configurations of certificates that have left the library, once there are
    /// many of them. `in_use` stays in any case.
    fn sweep(&self, known: &mut HashMap<ChainDigest, Arc<ServerConfig>>, in_use: &ChainDigest) {
        let certificates = self.library.certificates();
        if known.len() <= certificates.len() + STALE_CONFIGURATIONS {
            return;
        }
        let current: HashSet<&ChainDigest> = certificates.iter().map(|each| each.chain_digest()).collect();
        known.retain(|digest, _| digest == in_use || current.contains(digest));
    }
}

fn make_config(
    template: &ServerConfig,
    tickets: bool,
    chosen: &ChosenCertificate,
) -> Result<ServerConfig, NoCertificate> {
    let mut config = template.clone();
    config.cert_resolver = Arc::new(SingleCertAndKey::from(chosen.certified_key().clone()));
    if tickets {
        config.ticketer = Ticketer::new().map_err(NoCertificate::Tickets)?;
        config.send_tls13_tickets = TICKETS_PER_HANDSHAKE;
    }
    Ok(config)
}

/// A configuration without sessions, whose certificate comes from `resolver`.
fn template(
    provider: Arc<CryptoProvider>,
    resolver: Arc<dyn ResolvesServerCert>,
    alpn: &[Vec<u8>],
    client_certificates: Option<&Arc<RootCertStore>>,
) -> Result<ServerConfig, ServerTlsError> {
    let builder = ServerConfig::builder_with_provider(provider.clone())
        // RFC 8996: neither TLS 1.0 nor TLS 1.1.
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let builder = match client_certificates {
        Some(roots) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(roots.clone(), provider).allow_unauthenticated().build()?,
        ),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(resolver);
    config.alpn_protocols = alpn.to_vec();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

#[cfg(test)]
impl ServerTls {
    /// How many configurations are kept.
    pub(crate) fn known_configurations(&self) -> usize {
        self.current.read().unwrap_or_else(PoisonError::into_inner).by_certificate.len()
    }
}
