//! What a client makes of the certificates it is shown.

use super::*;
use crate::provider;
use crate::roots::Trust;

const HOST: &str = "mx.test.example";

fn attempt(roots: &TrustRoots, mode: ClientTlsMode) -> ClientAttempt {
    let client = ClientTls::new(roots, None).unwrap();
    client.attempt(HOST, mode, ClientProfile::Modern).unwrap()
}

/// The certificate verifies in every mode.
fn check_verified(roots: &TrustRoots, certificate: &ChosenCertificate) {
    let tls = server_tls(vec![certificate.clone()]);
    for mode in [ClientTlsMode::Opportunistic, ClientTlsMode::Required, ClientTlsMode::Verified] {
        let attempt = attempt(roots, mode);
        let connected = handshake_attempt(&tls, &attempt).unwrap();
        let facts = TlsFacts::of_client(&connected.client, &attempt);
        assert_eq!(facts.verified, PeerVerification::Verified, "{mode:?}");
        assert_eq!(facts.peer_certificate.as_ref(), Some(certificate.facts()));
    }
}

/// The certificate does not verify for that cause: strict connections fail with it, the others
/// stand and report it.
fn check_cause(roots: &TrustRoots, certificate: &ChosenCertificate, cause: &str) {
    let tls = server_tls(vec![certificate.clone()]);
    for mode in [ClientTlsMode::Opportunistic, ClientTlsMode::Required] {
        let attempt = attempt(roots, mode);
        let connected = handshake_attempt(&tls, &attempt).unwrap();
        let facts = TlsFacts::of_client(&connected.client, &attempt);
        assert_eq!(facts.verified.to_string(), format!("not verified: {cause}"));
        assert_eq!(facts.version, "TLS1.3");
    }
    let attempt = attempt(roots, ClientTlsMode::Verified);
    let broken = handshake_attempt(&tls, &attempt).err().expect("must not verify");
    assert!(matches!(broken, Broken::Client(_)), "{broken:?}");
    let failure = attempt.failure(&broken.as_io());
    assert_eq!(failure.to_string(), cause);
    assert!(failure.is_about_certificate());
}

#[test]
fn a_good_chain_verifies() {
    let authority = Authority::new();
    check_verified(&authority.roots(), &authority.sign(&[HOST]));
    check_verified(&authority.roots(), &authority.sign(&["*.test.example"]));
}

#[test]
fn a_configured_server_certificate_verifies_itself() {
    let (own, roots) = trusted_certificate_between(&[HOST], now() - DAY, now() + DAY);
    check_verified(&roots, &own);
    let (wrong_name, roots) = trusted_certificate_between(&["other.example"], now() - DAY, now() + DAY);
    check_cause(&roots, &wrong_name, "the certificate is not for mx.test.example (it is for other.example)");
    let (expired, roots) = trusted_certificate_between(&[HOST], 0, 86400);
    check_cause(&roots, &expired, "the certificate has expired (valid until 1970-01-02T00:00:00Z)");
}

#[test]
fn a_self_signed_authority_can_be_configured_as_a_server() {
    let mut parameters = CertificateParams::new(hosts(&[HOST])).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = parameters.self_signed(&key).unwrap().pem();
    let own = loaded(&pem, &key.serialize_pem());
    check_verified(&TrustRoots::Pem(pem.into_bytes()), &own);
    check_cause(&Authority::new().roots(), &own, "the certificate is self-signed");
}

#[test]
fn each_cause_is_named() {
    let authority = Authority::new();
    let roots = authority.roots();
    check_cause(&roots, &certificate(&[HOST]), "the certificate is self-signed");
    check_cause(&roots, &Authority::new().sign(&[HOST]), "the certificate's issuer is not trusted");
    check_cause(
        &roots,
        &authority.sign(&["a.example", "b.example"]),
        "the certificate is not for mx.test.example (it is for a.example, b.example)",
    );
    check_cause(
        &roots,
        &authority.sign_between(&[HOST], 0, 86400),
        "the certificate has expired (valid until 1970-01-02T00:00:00Z)",
    );
    check_cause(
        &roots,
        &authority.sign_between(&[HOST], 4_102_444_800, 4_102_448_400),
        "the certificate is not valid yet (valid from 2100-01-01T00:00:00Z)",
    );
}

#[test]
fn an_old_certificate_is_no_obstacle_to_encryption() {
    let old = Arc::new(
        LoadedCertificate::from_pem(
            include_bytes!("../../tests/data/version-1.crt"),
            include_bytes!("../../tests/data/version-1.key"),
        )
        .unwrap(),
    );
    check_cause(&Authority::new().roots(), &old, "the certificate is self-signed");

    let tls = server_tls(vec![old]);
    let client = ClientTls::new(&Authority::new().roots(), None).unwrap();
    let attempt = client.attempt(HOST, ClientTlsMode::Required, ClientProfile::Compatible).unwrap();
    let connected = handshake_attempt(&tls, &attempt).unwrap();
    assert_eq!(TlsFacts::of_client(&connected.client, &attempt).version, "TLS1.2");
}

#[test]
fn an_opportunistic_handshake_never_fails_for_the_name_behind_the_certificate() {
    let attempt = attempt(&Authority::new().roots(), ClientTlsMode::Opportunistic);
    handshake_attempt(&server_tls(vec![certificate(&[HOST])]), &attempt).unwrap();
    assert_eq!(attempt.verification(), PeerVerification::Failed(TlsFailure::SelfSigned));
    let bad_signature = rustls::CertificateError::BadSignature.into();
    let failure = attempt.failure(&Broken::Client(bad_signature).as_io());
    assert!(matches!(failure, TlsFailure::BadCertificate { .. }), "{failure}");
    assert!(failure.may_be_an_old_peer());
}

#[test]
fn the_compatible_profile_is_small_and_classical() {
    let authority = Authority::new();
    let tls = server_tls(vec![authority.sign(&[HOST])]);
    let client = ClientTls::new(&authority.roots(), None).unwrap();
    let attempt = client.attempt(HOST, ClientTlsMode::Verified, ClientProfile::Compatible).unwrap();
    let connected = handshake_attempt(&tls, &attempt).unwrap();
    let facts = TlsFacts::of_client(&connected.client, &attempt);
    assert_eq!(facts.to_string(), "TLS1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    assert_eq!(facts.key_exchange, Some("x25519"));

    let mut hello = Vec::new();
    let mut fresh = ClientConnection::new(attempt.config(), attempt.server_name().clone()).unwrap();
    fresh.write_tls(&mut hello).unwrap();
    assert!(hello.len() < 512, "{}", hello.len());
}

#[test]
fn nothing_is_resumed() {
    let authority = Authority::new();
    let library = Arc::new(CertificateLibrary::new(vec![authority.sign(&[HOST])]));
    let options = ServerTlsOptions { session_tickets: true, ..ServerTlsOptions::default() };
    let tls = ServerTls::new(library, options).unwrap();
    let client = ClientTls::new(&authority.roots(), None).unwrap();
    for _ in 0..3 {
        let attempt = client.attempt(HOST, ClientTlsMode::Verified, ClientProfile::Modern).unwrap();
        let connected = handshake_attempt(&tls, &attempt).unwrap();
        assert!(!TlsFacts::of_client(&connected.client, &attempt).is_resumed);
    }
}

#[test]
fn plain_text_and_old_versions_are_recognised() {
    let check = |answer: &[u8], expected: TlsFailure| {
        let attempt = attempt(&Authority::new().roots(), ClientTlsMode::Opportunistic);
        let mut client = ClientConnection::new(attempt.config(), attempt.server_name().clone()).unwrap();
        client.write_tls(&mut Vec::new()).unwrap();
        let mut answer = answer;
        client.read_tls(&mut answer).unwrap();
        let error = client.process_new_packets().unwrap_err();
        assert_eq!(TlsFailure::classify(&error), expected, "{error:?}");
    };
    check(b"220 mx.example ESMTP\r\n", TlsFailure::ProtocolMismatch);
    check(&[21, 3, 1, 0, 2, 2, 70], TlsFailure::VersionTooLow);
    check(&[21, 3, 3, 0, 2, 2, 40], TlsFailure::Handshake { alert: "handshake_failure".into() });
    // A ServerHello of TLS 1.0 with TLS_RSA_WITH_AES_128_CBC_SHA.
    let mut server_hello = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
    server_hello.extend([7; 32]);
    server_hello.extend([0, 0, 0x2f, 0]);
    check(&server_hello, TlsFailure::VersionTooLow);
}

#[test]
fn impossible_names_are_refused_before_connecting() {
    let client = ClientTls::new(&Authority::new().roots(), None).unwrap();
    let refused = |host: &str| client.attempt(host, ClientTlsMode::Opportunistic, ClientProfile::Modern).unwrap_err();
    assert_eq!(refused("two words").to_string(), "two words cannot be the name of a TLS server");
    assert_eq!(refused("a\nb").to_string(), "a\\nb cannot be the name of a TLS server");
    assert!(matches!(refused(""), TlsFailure::BadHostName { .. }));
    for host in ["mx.example.", "192.0.2.1", "2001:db8::1", "under_score.example"] {
        client.attempt(host, ClientTlsMode::Opportunistic, ClientProfile::Modern).unwrap();
    }
}

#[test]
fn roots_are_checked_when_read() {
    let check = |roots: TrustRoots, expected: &str| {
        let error = ClientTls::new(&roots, None).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(TrustRoots::Pem(b"nothing".to_vec()), "contains no certificate");
    check(TrustRoots::PemFile("/nonexistent/ca.pem".into()), "/nonexistent/ca.pem: cannot be read");
    let authority = Authority::new();
    let client = ClientTls::new(&authority.roots(), None).unwrap();
    assert_eq!(client.trust_source(), &TrustSource::Configured(1));
}

#[test]
fn a_host_without_roots_gets_the_built_in_list() {
    let none = Err(rustls::Error::General("no roots".to_owned()));
    let trust = Trust::of_platform(none, provider::modern()).unwrap();
    assert!(matches!(trust.source(), TrustSource::Mozilla(_)));
    // Whatever this host has, outgoing TLS can be set up.
    ClientTls::new(&TrustRoots::Platform, None).unwrap();
}
