//! Loading, choosing, generating and storing certificates.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

const WEAK_CERTIFICATE: &[u8] = include_bytes!("../../tests/data/weak-rsa.crt");
const WEAK_KEY: &[u8] = include_bytes!("../../tests/data/weak-rsa.key");
const OLD_CERTIFICATE: &[u8] = include_bytes!("../../tests/data/version-1.crt");
const OLD_KEY: &[u8] = include_bytes!("../../tests/data/version-1.key");
const ENCRYPTED_KEY: &[u8] = include_bytes!("../../tests/data/encrypted.key");
const PSS_CERTIFICATE: &[u8] = include_bytes!("../../tests/data/rsa-pss.crt");
const SHA1_CERTIFICATE: &[u8] = include_bytes!("../../tests/data/ecdsa-sha1.crt");

fn check_refused(chain: &[u8], key: &[u8], expected: &str) {
    let problem = LoadedCertificate::from_pem(chain, key).unwrap_err();
    assert_eq!(problem.to_string(), expected);
}

#[test]
fn refuses_what_cannot_be_served_and_says_why() {
    let good = self_signed(&hosts(&["a.example"]), 0, now() + DAY).unwrap();
    let other = self_signed(&hosts(&["b.example"]), 0, now() + DAY).unwrap();
    let (chain, key) = (good.certificate.as_bytes(), good.key.as_bytes());
    check_refused(b"", key, "contains no certificate (-----BEGIN CERTIFICATE-----)");
    check_refused(key, key, "contains no certificate (-----BEGIN CERTIFICATE-----)");
    check_refused(chain, b"", "contains no private key (-----BEGIN PRIVATE KEY-----)");
    check_refused(chain, chain, "contains no private key (-----BEGIN PRIVATE KEY-----)");
    check_refused(chain, other.key.as_bytes(), "the private key does not belong to the certificate");
    let reversed = format!("{}{}", other.certificate, good.certificate);
    check_refused(
        reversed.as_bytes(),
        key,
        "the private key does not belong to the certificate (it belongs to certificate 2 of the \
         file; the server's own must come first)",
    );
    check_refused(WEAK_CERTIFICATE, WEAK_KEY, "the RSA key has 1024 bits, at least 2048 are required");
    check_refused(
        OLD_CERTIFICATE,
        ENCRYPTED_KEY,
        "the private key is encrypted; store it without a password, readable by the server only",
    );
    let many = good.certificate.repeat(17);
    check_refused(many.as_bytes(), key, "contains more than 16 certificates");
    let broken = LoadedCertificate::from_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key);
    assert!(matches!(broken, Err(CertificateProblem::Unreadable { number: 1, .. })), "{broken:?}");
}

#[test]
fn errors_name_the_file_at_fault() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("mail.crt"), dir.path().join("mail.key"));
    let check = |expected: &str| {
        let error = LoadedCertificate::from_files(&chain, &key).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("mail.crt: cannot be read: No such file");
    let good = self_signed(&hosts(&["a.example"]), 0, now() + DAY).unwrap();
    fs::write(&chain, &good.certificate).unwrap();
    check("mail.key: cannot be read: No such file");
    let other = self_signed(&hosts(&["a.example"]), 0, now() + DAY).unwrap();
    fs::write(&key, other.key.as_bytes()).unwrap();
    check("mail.key: the private key does not belong to the certificate");
    fs::write(&chain, vec![b'x'; 1024 * 1024 + 1]).unwrap();
    check("mail.crt: is larger than 1048576 bytes");
    fs::write(&chain, format!("{}{}", *good.key, good.certificate)).unwrap();
    LoadedCertificate::from_files(&chain, &chain).unwrap();
}

#[test]
fn an_expired_certificate_is_loaded_with_a_warning() {
    let expired = certificate_between(&["a.example"], 1000, 2000);
    assert_eq!(expired.facts().warnings(2000 + 1), [CertificateWarning::Expired(2000), CertificateWarning::SelfSigned]);
    assert_eq!(CertificateWarning::Expired(0).to_string(), "expired on 1970-01-01T00:00:00Z");
    assert!(expired.facts().warnings(1500).contains(&CertificateWarning::ExpiresSoon(2000)));
    assert!(expired.facts().warnings(999).contains(&CertificateWarning::NotYetValid(1000)));
}

#[test]
fn facts_are_read() {
    let certificate = certificate_between(&["Mail.Example", "*.mail.example", "::1"], 60, 7200);
    let facts = certificate.facts();
    assert_eq!(facts.subject_names, ["mail.example", "*.mail.example", "::1"]);
    assert_eq!((facts.not_before, facts.not_after), (60, 7200));
    assert_eq!(facts.key_type, KeyType::Ecdsa("P-256"));
    assert!(facts.is_self_signed && !facts.is_authority && facts.has_alternative_names);
    assert_eq!(facts.fingerprint_sha256.len(), 64);
    assert_eq!(facts.issuer, "CN=Mail.Example");
    assert!(facts.is_for("MAIL.example.") && facts.is_for("x.mail.example") && facts.is_for("::1"));
    assert!(!facts.is_for("y.x.mail.example") && !facts.is_for("example") && !facts.is_for(""));

    let old = LoadedCertificate::from_pem(OLD_CERTIFICATE, OLD_KEY).unwrap();
    assert_eq!(old.facts().subject_names, ["old.example"]);
    assert!(old.facts().warnings(0).contains(&CertificateWarning::NoAlternativeNames));
    assert!(!format!("{old:?}").contains("PRIVATE"));
}

#[test]
fn the_end_point_hash_follows_the_signature() {
    use aws_lc_rs::digest::{SHA256, SHA384, digest};
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let check = |pem: &[u8], algorithm| {
        let der = CertificateDer::from_pem_slice(pem).unwrap();
        let expected = digest(algorithm, &der);
        assert_eq!(tls_server_end_point(&der).as_deref(), Some(expected.as_ref()));
    };
    check(OLD_CERTIFICATE, &SHA256);
    check(PSS_CERTIFICATE, &SHA384);
    check(SHA1_CERTIFICATE, &SHA256);
    check(&signed_with(&rcgen::PKCS_ECDSA_P384_SHA384), &SHA384);
    let ed25519 = CertificateDer::from_pem_slice(&signed_with(&rcgen::PKCS_ED25519)).unwrap();
    assert_eq!(tls_server_end_point(&ed25519), None);
    assert_eq!(tls_server_end_point(b"no certificate"), None);
}

fn signed_with(algorithm: &'static rcgen::SignatureAlgorithm) -> Vec<u8> {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let parameters = CertificateParams::new(hosts(&["a.example"])).unwrap();
    parameters.self_signed(&key).unwrap().pem().into_bytes()
}

#[test]
fn names_choose_exact_then_wildcard_then_default() {
    let default = certificate(&["default.example"]);
    let wildcard = certificate(&["*.example.org"]);
    let exact = certificate(&["mail.example.org"]);
    let library = CertificateLibrary::new(vec![default.clone(), wildcard.clone(), exact.clone()]);
    let check = |name: Option<&str>, expected: &ChosenCertificate| {
        let chosen = library.certificate_for(name).unwrap();
        assert_eq!(chosen.names(), expected.names(), "{name:?}");
    };
    check(Some("mail.example.org"), &exact);
    check(Some("MAIL.Example.ORG."), &exact);
    check(Some("imap.example.org"), &wildcard);
    check(Some("a.imap.example.org"), &default);
    check(Some("example.org"), &default);
    check(Some("elsewhere.example"), &default);
    check(None, &default);
    assert!(CertificateLibrary::default().certificate_for(Some("a.example")).is_none());
}

#[test]
fn a_reload_that_fails_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("a.crt"), dir.path().join("a.key"));
    let write = |names: &[&str]| {
        let made = self_signed(&hosts(names), 0, now() + DAY).unwrap();
        fs::write(&chain, made.certificate).unwrap();
        fs::write(&key, made.key.as_bytes()).unwrap();
    };
    let paths = CertificatePaths { chain: chain.clone(), key: key.clone(), names: vec![] };
    let assigned = CertificatePaths { names: hosts(&["extra.example"]), ..paths.clone() };
    write(&["a.example"]);
    let library = CertificateLibrary::from_paths(&[paths.clone(), assigned]).unwrap();
    let first = library.certificate_for(Some("a.example")).unwrap();
    assert_eq!(library.certificate_for(Some("extra.example")).unwrap().names(), ["extra.example"]);

    fs::write(&key, "").unwrap();
    library.reload_from(std::slice::from_ref(&paths)).unwrap_err();
    assert_eq!(library.certificates().len(), 2);

    write(&["a.example"]);
    library.reload_from(&[paths]).unwrap();
    let second = library.certificate_for(Some("a.example")).unwrap();
    assert_ne!(first.facts().fingerprint_sha256, second.facts().fingerprint_sha256);
    assert_eq!(library.certificates().len(), 1);
}

#[test]
fn generation_refuses_nonsense() {
    let check = |names: &[&str], from, until, expected: &str| {
        let error = self_signed(&hosts(names), from, until).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(&[], 0, 1, "a certificate needs at least one host name");
    check(&["mail example"], 0, 1, "`mail example` is not a host name or IP address that a certificate can hold");
    check(&["a.example"], 2, 1, "a certificate cannot be valid from 2 to 1 (Unix time)");
    assert!(self_signed(&hosts(&["a.example"]), 0, u64::MAX).is_err());
}

#[test]
fn files_are_made_once_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("tls");
    let names = hosts(&["mail.example", "127.0.0.1"]);
    let made = ensure_files(&dir, &names, now()).unwrap();
    assert!(made.is_new);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&made.key), 0o600);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 2);

    let again = ensure_files(&dir, &names, now()).unwrap();
    assert!(!again.is_new);
    let fingerprint = |files: &SelfSignedFiles| files.certificate.facts().fingerprint_sha256.clone();
    assert_eq!(fingerprint(&made), fingerprint(&again));

    let other_name = ensure_files(&dir, &hosts(&["other.example"]), now()).unwrap();
    assert!(other_name.is_new);
    let near_its_end = ensure_files(&dir, &hosts(&["other.example"]), now() + 790 * DAY).unwrap();
    assert!(near_its_end.is_new);

    // A crash after the key was written, before the certificate was.
    fs::remove_file(&made.chain).unwrap();
    assert!(ensure_files(&dir, &names, now()).unwrap().is_new);

    fs::write(&made.key, "not a key").unwrap();
    let error = ensure_files(&dir, &names, now()).unwrap_err();
    assert!(error.to_string().contains("self-signed.key: contains no private key"), "{error}");
    assert_eq!(fs::read(&made.key).unwrap(), b"not a key");

    let missing_parent = dir.join("no").join("tls");
    let error = ensure_files(&missing_parent, &names, now()).unwrap_err();
    assert!(error.to_string().contains("no/tls: cannot be written"), "{error}");
}

#[test]
fn demo_files_verify_against_their_authority() {
    let dir = tempfile::tempdir().unwrap();
    let names = hosts(&["demo.posthouse.test", "localhost", "127.0.0.1"]);
    let files = ensure_demo_files(dir.path(), &names, now()).unwrap();
    assert!(files.is_new);
    let again = ensure_demo_files(dir.path(), &names, now()).unwrap();
    assert!(!again.is_new);
    let tls = server_tls(vec![again.certificate]);
    let client = ClientTls::new(&TrustRoots::PemFile(files.authority.clone()), None).unwrap();
    for host in ["localhost", "127.0.0.1", "demo.posthouse.test"] {
        let attempt = client.attempt(host, ClientTlsMode::Verified, ClientProfile::Modern).unwrap();
        handshake_attempt(&tls, &attempt).unwrap();
        assert_eq!(attempt.verification(), PeerVerification::Verified);
    }
    fs::remove_file(&files.authority).unwrap();
    assert!(ensure_demo_files(dir.path(), &names, now()).unwrap().is_new);
}
