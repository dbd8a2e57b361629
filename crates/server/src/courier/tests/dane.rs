//! Hosts whose certificates have to match TLSA records, and attackers between us and them.

use std::sync::Arc;

use aws_lc_rs::digest;
use posthouse_domain_policy::transport::{TlsaRecord, TlsaSet};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::*;

/// `3 0 1` for a certificate in PEM.
fn record_of(certificate: &str) -> TlsaRecord {
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let data = digest::digest(&digest::SHA256, &der).as_ref().to_vec();
    TlsaRecord { usage: 3, selector: 0, matching: 1, data }
}

fn demand(records: &[TlsaRecord]) -> HopTls {
    HopTls::Dane(Arc::new(TlsaSet::new(records, Domain::parse(HOST).unwrap(), vec![]).unwrap()))
}

/// A host with a certificate that nobody but its TLSA record vouches for.
fn host() -> (Manners, TlsaRecord) {
    let made = self_signed(&["whatever.example".to_owned()], ALWAYS.0, ALWAYS.1).unwrap();
    let tls = tls_of(&made.certificate, &made.key);
    (Manners { tls: Some(tls), ..Manners::default() }, record_of(&made.certificate))
}

/// What is told of TLS, or the failure. Nothing may have been taken where there is one.
async fn outcome(manners: Manners, records: &[TlsaRecord]) -> Result<String, String> {
    let peer = Peer::start(manners).await;
    let carried = courier().carry(&hop(&peer, demand(records)), vec![consignment(&["bob@far.example"])]).await;
    if carried.is_err() {
        assert_eq!((peer.taken(), peer.has_seen("MAIL")), (vec![], false));
    }
    let carried = carried.map_err(|failure| failure.cause.to_string())?;
    Ok(carried[0].tls.clone().unwrap_or("clear".to_owned()))
}

#[tokio::test]
async fn the_right_host() {
    let (manners, record) = host();
    let told = outcome(manners, &[record]).await;
    assert_eq!(told, Ok("TLS1.3 TLS_AES_256_GCM_SHA384, certificate verified by DANE".to_owned()));
}

#[tokio::test]
async fn another_host() {
    let (manners, _) = host();
    let (_, record) = host();
    let expected = "TLS is required, but the certificate does not match the host's TLSA records [dane-mismatch]";
    assert_eq!(outcome(manners, &[record]).await, Err(expected.to_owned()));
}

#[tokio::test]
async fn starttls_is_stripped_refused_or_broken_on_the_way() {
    let (stripped, record) = host();
    let stripped = Manners { tls: None, ..stripped };
    let told = outcome(stripped, std::slice::from_ref(&record)).await;
    assert_eq!(told, Err("TLS is required, but the host does not offer STARTTLS [no-starttls]".to_owned()));

    let (refusing, record) = host();
    let answer = |_: usize, line: &str| (line == "STARTTLS").then_some(Deed::Say("454 4.7.0 TLS not available"));
    let told = outcome(Manners { answer: Box::new(answer), ..refusing }, &[record]).await.unwrap_err();
    assert!(told.ends_with(" [starttls-refused]"), "{told}");

    let (breaking, record) = host();
    let told = outcome(Manners { broken_handshakes: 9, ..breaking }, &[record]).await.unwrap_err();
    assert!(told.ends_with(" [handshake]"), "{told}");
}

#[tokio::test]
async fn a_connection_of_other_demands_is_not_used_again() {
    let (manners, record) = host();
    let peer = Peer::start(manners).await;
    let courier = courier();
    let carry = async |tls| courier.carry(&hop(&peer, tls), vec![consignment(&["bob@far.example"])]).await;
    carry(HopTls::Required).await.unwrap();
    assert_eq!(courier.idle_connections(), 1);
    let (_, stranger) = host();
    carry(demand(&[stranger])).await.unwrap_err();
    carry(demand(std::slice::from_ref(&record))).await.unwrap();
    carry(demand(&[record])).await.unwrap();
    assert_eq!(peer.connections(), 3);
}
