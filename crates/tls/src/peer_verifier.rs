//! The verifier of one outgoing connection: decides by the mode, and remembers what it saw.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use crate::client::{ClientProfile, ClientTlsMode};
use crate::dane::DaneExpectation;
use crate::facts::CertificateFacts;
use crate::failure::TlsFailure;
use crate::roots::Trust;
use crate::session_facts::PeerVerification;
use crate::weak_signature::{self, SignedIn};

/// What verifying the certificate of one connection said.
#[derive(Debug, Default)]
pub(crate) struct VerificationRecord(Mutex<Option<PeerVerification>>);

impl VerificationRecord {
    pub(crate) fn read(&self) -> Option<PeerVerification> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write(&self, verification: PeerVerification) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(verification);
    }

    /// Takes a success back, but keeps the first failure.
    fn write_failure(&self, failure: TlsFailure) {
        let mut record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*record, Some(PeerVerification::Failed(_))) {
            *record = Some(PeerVerification::Failed(failure));
        }
    }
}

#[derive(Debug)]
pub(crate) struct PeerVerifier {
    pub(crate) trust: Arc<Trust>,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
    pub(crate) mode: ClientTlsMode,
    pub(crate) profile: ClientProfile,
    /// What the certificate has to match; then neither trust nor the name that was asked for count.
    pub(crate) dane: Option<Arc<DaneExpectation>>,
    pub(crate) record: Arc<VerificationRecord>,
}

impl PeerVerifier {
    /// Gives a signature that the strict verifier refused for the certificate's sake a second
    /// chance, unless the certificate matters.
    fn reconsider(
        &self,
        version: SignedIn,
        strict: Result<HandshakeSignatureValid, Error>,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let Err(error @ Error::InvalidCertificate(_)) = &strict else {
            return strict;
        };
        let is_signed = || {
            let (scheme, signature) = (signed.scheme, signed.signature());
            weak_signature::verifies(version, message, certificate, scheme, signature)
        };
        if self.mode == ClientTlsMode::Verified || !is_signed() {
            return strict;
        }
        self.record.write_failure(TlsFailure::classify(error));
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(dane) = &self.dane {
            return match dane.verify(end_entity, intermediates, now, &self.algorithms) {
                Ok(()) => {
                    self.record.write(PeerVerification::VerifiedByDane);
                    Ok(ServerCertVerified::assertion())
                }
                Err(failure) => {
                    self.record.write(PeerVerification::Failed(failure));
                    Err(CertificateError::ApplicationVerificationFailure.into())
                }
            };
        }
        let result = self.trust.verify(end_entity, intermediates, server_name, ocsp_response, now);
        self.record.write(match &result {
            Ok(()) => PeerVerification::Verified,
            Err(error) => PeerVerification::Failed(diagnose(error, end_entity)),
        });
        match result {
            Err(error) if self.mode == ClientTlsMode::Verified => Err(error),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let strict = verify_tls12_signature(message, cert, dss, &self.algorithms);
        self.reconsider(SignedIn::Tls12, strict, message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let strict = verify_tls13_signature(message, cert, dss, &self.algorithms);
        self.reconsider(SignedIn::Tls13, strict, message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.algorithms.supported_schemes();
        if self.profile == ClientProfile::Compatible {
            schemes.retain(|scheme| !is_beyond_short_rsa_keys(*scheme));
        }
        schemes
    }
}

/// The RSA schemes that we can only verify with keys from 2,048 bits upwards. A server that
/// knows these picks them, even where its key is shorter; so an old server is not told.
fn is_beyond_short_rsa_keys(scheme: SignatureScheme) -> bool {
    matches!(
        scheme,
        SignatureScheme::RSA_PSS_SHA256
            | SignatureScheme::RSA_PSS_SHA384
            | SignatureScheme::RSA_PSS_SHA512
            | SignatureScheme::RSA_PKCS1_SHA384
    )
}

/// Names the cause, with the certificate at hand: an unknown issuer may be the certificate
/// itself, and webpki says of a self-signed authority only that it is no server's certificate.
fn diagnose(error: &Error, end_entity: &CertificateDer<'_>) -> TlsFailure {
    let may_be_self_signed =
        matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_)));
    let is_self_signed = || CertificateFacts::of_der(end_entity).is_ok_and(|facts| facts.is_self_signed);
    if may_be_self_signed && is_self_signed() { TlsFailure::SelfSigned } else { TlsFailure::classify(error) }
}
