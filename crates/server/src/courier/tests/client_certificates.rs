//! Hosts that want to see a certificate of ours.

use posthouse_storage::routes::RouteCertificate;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

use super::peer::tls_requiring;
use super::*;

/// An authority, and a certificate for a client that it has signed.
fn client() -> (String, RouteCertificate) {
    let (mut parameters, key) = (CertificateParams::default(), KeyPair::generate().unwrap());
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(parameters, key);
    let (mut parameters, key) =
        (CertificateParams::new(vec!["own.example".to_owned()]).unwrap(), KeyPair::generate().unwrap());
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let chain = parameters.signed_by(&key, &issuer).unwrap().pem();
    (authority, RouteCertificate { chain, key: Secret::new(key.serialize_pem()) })
}

/// What a host says that only takes mail of those whom `authority` has certified.
async fn told(authority: &str, certificate: Option<RouteCertificate>, implicit: bool) -> Result<Vec<String>, String> {
    let made = demo_certificates(&[HOST.to_owned()], ALWAYS.0, ALWAYS.1).unwrap();
    let tls = tls_requiring(&made.server.certificate, &made.server.key, authority);
    let peer = Peer::start(Manners { tls: Some(tls), implicit, ..Manners::default() }).await;
    let mode = if implicit { HopTls::Implicit } else { HopTls::Verified };
    let hop = NextHop { certificate: certificate.map(Arc::new), ..hop(&peer, mode) };
    let courier = courier_trusting(&made.authority, |_| {});
    let told = carry_one(&courier, &hop, consignment(&["b@far.example"])).await;
    assert_eq!(peer.taken().len(), usize::from(told.is_ok()));
    told
}

#[tokio::test]
async fn a_certificate_is_shown() {
    let (authority, certificate) = client();
    for implicit in [false, true] {
        assert_eq!(told(&authority, Some(certificate.clone()), implicit).await, Ok(vec!["ok 250".to_owned()]));
    }
}

#[tokio::test]
async fn without_a_certificate_nobody_gets_in() {
    let (authority, _) = client();
    let (_, of_another) = client();
    for certificate in [None, Some(of_another)] {
        for implicit in [false, true] {
            let told = told(&authority, certificate.clone(), implicit).await.unwrap_err();
            assert!(told.starts_with("later TLS is required, but"), "{told}");
            assert!(told.contains("certificate") || told.contains("unknown_ca") || told.contains("decrypt"), "{told}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named() {
    let (authority, certificate) = client();
    let (_, another) = client();
    let mixed = RouteCertificate { key: another.key, ..certificate };
    let told = told(&authority, Some(mixed), false).await.unwrap_err();
    assert!(told.contains("cannot sign in: our certificate for this host cannot be used: "), "{told}");
    assert!(told.contains("does not belong to the certificate"), "{told}");
}
