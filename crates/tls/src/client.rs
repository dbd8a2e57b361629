//! The client's side of a handshake: outgoing mail.

use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, Error};

use crate::dane::DaneExpectation;
use crate::failure::TlsFailure;
use crate::library::ChosenCertificate;
use crate::peer_verifier::{PeerVerifier, VerificationRecord};
use crate::provider;
use crate::roots::{RootsError, Trust, TrustRoots, TrustSource};
use crate::session_facts::PeerVerification;

/// What a destination asks of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientTlsMode {
    /// Encrypt if possible: any certificate will do (RFC 7435). The caller may deliver in
    /// clear if the handshake fails.
    Opportunistic,
    /// Encrypt in any case: any certificate will do, but there is no delivery in clear. On the
    /// wire the same as opportunistic.
    Required,
    /// Encrypt, with the server that has the name: chain, dates and name must verify.
    Verified,
}

/// How a handshake is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientProfile {
    /// TLS 1.3 and 1.2, post-quantum key exchange first. For the first attempt.
    Modern,
    /// TLS 1.2 with classical groups and PKCS #1 signatures, in a small ClientHello, for a
    /// second attempt where [`TlsFailure::may_be_an_old_peer`] says that it may help. Outside
    /// of [`ClientTlsMode::Verified`] it takes RSA keys from 1,024 bits upwards.
    Compatible,
}

/// Outgoing TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientTlsError {
    /// The trusted certificates cannot be used.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// The cryptographic library refused the set-up.
    #[error("outgoing TLS cannot be set up: {0}")]
    Library(#[from] Error),
}

/// How we shake hands as a client. Trusted certificates are read once, when it is made; make
/// another to read them again.
#[derive(Debug)]
pub struct ClientTls {
    trust: Arc<Trust>,
    modern: ClientConfig,
    compatible: ClientConfig,
}

/// One connection's configuration, and what verifying its server said.
#[derive(Debug)]
pub struct ClientAttempt {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    mode: ClientTlsMode,
    record: Arc<VerificationRecord>,
}

impl ClientTls {
    /// Sets up outgoing TLS. `own_certificate` is shown to servers that ask for one.
    pub fn new(roots: &TrustRoots, own_certificate: Option<&ChosenCertificate>) -> Result<Self, ClientTlsError> {
        let modern = provider::modern();
        let trust = Arc::new(Trust::new(roots, modern.clone())?);
        let both = [&rustls::version::TLS13, &rustls::version::TLS12];
        let make = |provider, versions: &[_], profile| {
            let verifier = Arc::new(PeerVerifier {
                trust: trust.clone(),
                algorithms: modern.signature_verification_algorithms,
                // A template's verifier is strict, should it ever be used as it is.
                mode: ClientTlsMode::Verified,
                profile,
                dane: None,
                record: Arc::default(),
            });
            template(provider, versions, verifier, own_certificate)
        };
        Ok(Self {
            modern: make(modern.clone(), &both, ClientProfile::Modern)?,
            compatible: make(provider::compatible(), &both[1..], ClientProfile::Compatible)?,
            trust,
        })
    }

    /// Whom this trusts in fact.
    pub fn trust_source(&self) -> &TrustSource {
        self.trust.source()
    }

    /// Prepares one connection to the server of that name (or IP address).
    ///
    /// # Errors
    /// [`TlsFailure::BadHostName`] for what is neither.
    pub fn attempt(
        &self,
        host: &str,
        mode: ClientTlsMode,
        profile: ClientProfile,
    ) -> Result<ClientAttempt, TlsFailure> {
        self.attempt_by(host, mode, profile, None)
    }

    /// Prepares one connection to a server whose certificate has to match TLSA records. `host` is the name at which
    /// they were found (RFC 7672 §3.2.1).
    ///
    /// # Errors
    /// [`TlsFailure::BadHostName`] for what is neither a name nor an address.
    pub fn attempt_dane(
        &self,
        host: &str,
        dane: Arc<DaneExpectation>,
        profile: ClientProfile,
    ) -> Result<ClientAttempt, TlsFailure> {
        self.attempt_by(host, ClientTlsMode::Verified, profile, Some(dane))
    }

    fn attempt_by(
        &self,
        host: &str,
        mode: ClientTlsMode,
        profile: ClientProfile,
        dane: Option<Arc<DaneExpectation>>,
    ) -> Result<ClientAttempt, TlsFailure> {
        // RFC 6066 §3: the name is sent without the dot of the root.
        let name = host.strip_suffix('.').unwrap_or(host);
        let server_name = ServerName::try_from(name)
            .map_err(|_| TlsFailure::BadHostName { host: host.escape_default().to_string() })?
            .to_owned();
        let mut config = match profile {
            ClientProfile::Modern => self.modern.clone(),
            ClientProfile::Compatible => self.compatible.clone(),
        };
        let record = Arc::<VerificationRecord>::default();
        let algorithms = config.crypto_provider().signature_verification_algorithms;
        config.dangerous().set_certificate_verifier(Arc::new(PeerVerifier {
            trust: self.trust.clone(),
            algorithms,
            mode,
            profile,
            dane,
            record: record.clone(),
        }));
        Ok(ClientAttempt { config: Arc::new(config), server_name, mode, record })
    }
}

impl ClientAttempt {
    /// Shows this certificate to the server, if it asks for one, in the place of any other of ours.
    #[must_use]
    pub fn showing(mut self, certificate: &ChosenCertificate) -> Self {
        let resolver = SingleCertAndKey::from(certificate.certified_key().clone());
        Arc::make_mut(&mut self.config).client_auth_cert_resolver = Arc::new(resolver);
        self
    }

    /// The configuration to connect with. Use it once: it holds this connection's record.
    pub fn config(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }

    /// The name to connect with.
    pub fn server_name(&self) -> &ServerName<'static> {
        &self.server_name
    }

    /// What verifying the server's certificate said, or would have said.
    pub fn verification(&self) -> PeerVerification {
        self.record.read().unwrap_or(PeerVerification::NoCertificate)
    }

    /// Why the handshake failed, given the error that it ended with. Knows more than
    /// [`TlsFailure::classify_io`] does, for it has seen the certificate.
    pub fn failure(&self, error: &io::Error) -> TlsFailure {
        let failure = TlsFailure::classify_io(error);
        // In the other modes a certificate that does not verify ends no handshake.
        let may_be_known = self.mode == ClientTlsMode::Verified && failure.is_about_certificate();
        match self.verification() {
            PeerVerification::Failed(cause) if may_be_known => cause,
            _ => failure,
        }
    }
}

fn template(
    provider: Arc<CryptoProvider>,
    versions: &[&'static rustls::SupportedProtocolVersion],
    verifier: Arc<dyn ServerCertVerifier>,
    own_certificate: Option<&ChosenCertificate>,
) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match own_certificate {
        Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own.certified_key().clone()))),
        None => builder.with_no_client_auth(),
    };
    // A resumed session shows no certificate, so nothing could be said about it. Connections
    // are reused for several messages instead.
    config.resumption = Resumption::disabled();
    Ok(config)
}
