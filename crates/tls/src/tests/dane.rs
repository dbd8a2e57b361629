//! Servers whose certificates have to match TLSA records, and some whose do not.

use aws_lc_rs::digest;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;
use crate::provider;

const HOST: &str = "mx.test.example";

/// The record that fits a certificate.
fn association(der: &[u8], usage: DaneUsage, selector: DaneSelector, matching: DaneMatching) -> DaneAssociation {
    let (_, parsed) = X509Certificate::from_der(der).unwrap();
    let selected = match selector {
        DaneSelector::Certificate => der,
        DaneSelector::PublicKey => parsed.tbs_certificate.subject_pki.raw,
    };
    let data = match matching {
        DaneMatching::Full => selected.to_vec(),
        DaneMatching::Sha256 => digest::digest(&digest::SHA256, selected).as_ref().to_vec(),
        DaneMatching::Sha512 => digest::digest(&digest::SHA512, selected).as_ref().to_vec(),
    };
    DaneAssociation { usage, selector, matching, data }
}

const SELECTORS: [DaneSelector; 2] = [DaneSelector::Certificate, DaneSelector::PublicKey];
const MATCHINGS: [DaneMatching; 3] = [DaneMatching::Full, DaneMatching::Sha256, DaneMatching::Sha512];

fn leaf(certificate: &ChosenCertificate) -> Vec<u8> {
    certificate.certified_key().cert[0].to_vec()
}

/// A leaf and the authority behind it, as a server shows them.
fn chain(authority: &Authority, names: &[&str], not_before: u64, not_after: u64) -> ChosenCertificate {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(hosts(names)).unwrap();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    parameters.not_before = epoch + std::time::Duration::from_secs(not_before);
    parameters.not_after = epoch + std::time::Duration::from_secs(not_after);
    let signed = parameters.signed_by(&key, &authority.issuer).unwrap();
    loaded(&format!("{}{}", signed.pem(), authority.pem), &key.serialize_pem())
}

fn of_authority(certificate: &ChosenCertificate) -> DaneAssociation {
    let authority = &certificate.certified_key().cert[1];
    association(authority, DaneUsage::Authority, DaneSelector::PublicKey, DaneMatching::Sha256)
}

/// What becomes of a handshake, in words. The client trusts nobody else.
fn outcome(certificate: &ChosenCertificate, associations: Vec<DaneAssociation>, names: &[&str]) -> String {
    let client = ClientTls::new(&Authority::new().roots(), None).unwrap();
    let expectation = DaneExpectation { associations, names: hosts(names) };
    let attempt = client.attempt_dane(HOST, Arc::new(expectation), ClientProfile::Modern).unwrap();
    match handshake_attempt(&server_tls(vec![certificate.clone()]), &attempt) {
        Ok(connected) => TlsFacts::of_client(&connected.client, &attempt).verified.to_string(),
        Err(broken) => attempt.failure(&broken.as_io()).to_string(),
    }
}

const VERIFIED: &str = "verified by DANE";
const MISMATCH: &str = "the certificate does not match the host's TLSA records";

#[test]
fn the_hosts_own_certificate_in_every_way() {
    // RFC 7671 §5.1: self-signed, expired and for another name, and yet the right one.
    let own = certificate_between(&["other.example"], 0, DAY);
    let other = certificate(&[HOST]);
    for selector in SELECTORS {
        for matching in MATCHINGS {
            let fitting = association(&leaf(&own), DaneUsage::EndEntity, selector, matching);
            assert_eq!(outcome(&own, vec![fitting.clone()], &[HOST]), VERIFIED, "{fitting:?}");
            assert_eq!(outcome(&other, vec![fitting.clone()], &[HOST]), MISMATCH, "{fitting:?}");
            // One that fits is enough.
            let another = association(&leaf(&other), DaneUsage::EndEntity, selector, matching);
            assert_eq!(outcome(&own, vec![another, fitting], &[HOST]), VERIFIED);
        }
    }
}

#[test]
fn an_authority_in_every_way() {
    let authority = Authority::new();
    let good = chain(&authority, &[HOST], now() - DAY, now() + DAY);
    for selector in SELECTORS {
        for matching in MATCHINGS {
            let record = association(&good.certified_key().cert[1], DaneUsage::Authority, selector, matching);
            assert_eq!(outcome(&good, vec![record.clone()], &[HOST]), VERIFIED, "{record:?}");
            let stranger = chain(&Authority::new(), &[HOST], now() - DAY, now() + DAY);
            assert_eq!(outcome(&stranger, vec![record], &[HOST]), MISMATCH);
        }
    }
}

#[test]
fn below_an_authority_names_and_dates_count() {
    let authority = Authority::new();
    let good = chain(&authority, &["example"], now() - DAY, now() + DAY);
    // RFC 7672 §3.2.2: any of the names will do.
    assert_eq!(outcome(&good, vec![of_authority(&good)], &[HOST, "example"]), VERIFIED);
    assert_eq!(
        outcome(&good, vec![of_authority(&good)], &[HOST]),
        "the certificate is not for mx.test.example (it is for example)"
    );
    assert_eq!(outcome(&good, vec![of_authority(&good)], &[]), "the certificate is not for this host name");
    let expired = chain(&authority, &[HOST], 0, DAY);
    let words = outcome(&expired, vec![of_authority(&expired)], &[HOST]);
    assert_eq!(words, "the certificate has expired (valid until 1970-01-02T00:00:00Z)");
}

#[test]
fn an_authority_that_is_only_shown_proves_nothing() {
    // The attack: a stranger's certificate with the right authority beside it, which did not sign it.
    let authority = Authority::new();
    let good = chain(&authority, &[HOST], now() - DAY, now() + DAY);
    let key = KeyPair::generate().unwrap();
    let forged = CertificateParams::new(hosts(&[HOST])).unwrap().self_signed(&key).unwrap();
    let forged = loaded(&format!("{}{}", forged.pem(), authority.pem), &key.serialize_pem());
    let words = outcome(&forged, vec![of_authority(&good)], &[HOST]);
    assert_eq!(words, "the certificate's issuer is not trusted");
    // Nor does a record about an authority count for the host's own certificate the other way about.
    let as_own = DaneAssociation { usage: DaneUsage::EndEntity, ..of_authority(&good) };
    assert_eq!(outcome(&good, vec![as_own], &[HOST]), MISMATCH);
}

#[test]
fn a_self_signed_certificate_may_be_its_own_authority() {
    let own = certificate(&[HOST]);
    let record = association(&leaf(&own), DaneUsage::Authority, DaneSelector::Certificate, DaneMatching::Sha256);
    assert_eq!(outcome(&own, vec![record], &[HOST]), VERIFIED);
}

#[test]
fn a_server_that_has_not_the_key_does_not_get_by() {
    // The attack: the right certificate, shown by somebody who has another key.
    let own = certificate(&[HOST]);
    let record = association(&leaf(&own), DaneUsage::EndEntity, DaneSelector::Certificate, DaneMatching::Sha256);
    let thief = KeyPair::generate().unwrap();
    let signing = rustls::crypto::aws_lc_rs::sign::any_supported_type(
        &rustls::pki_types::PrivateKeyDer::try_from(thief.serialize_der()).unwrap(),
    )
    .unwrap();
    let stolen = rustls::sign::CertifiedKey::new(own.certified_key().cert.clone(), signing);
    let config = rustls::ServerConfig::builder_with_provider(provider::modern())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(stolen)));
    let client = ClientTls::new(&Authority::new().roots(), None).unwrap();
    let expectation = DaneExpectation { associations: vec![record], names: hosts(&[HOST]) };
    let attempt = client.attempt_dane(HOST, Arc::new(expectation), ClientProfile::Modern).unwrap();
    let mut client = ClientConnection::new(attempt.config(), attempt.server_name().clone()).unwrap();
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    carry(&mut client, &mut server).unwrap();
    let refused = carry(&mut server, &mut client).unwrap_err();
    assert_eq!(refused, rustls::CertificateError::BadSignature.into());
}
