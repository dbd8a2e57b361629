//! Handshakes in memory: bytes are carried between the two sides by hand.

mod certificates;
mod client;
mod dane;
mod server;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PublicKeyData};
use rustls::pki_types::ServerName;
use rustls::server::Acceptor;
use rustls::{ClientConfig, ClientConnection, ConnectionCommon, ServerConnection};

use crate::*;

const DAY: u64 = 24 * 60 * 60;

/// The most rounds of a handshake before a test calls it stuck.
const MAX_ROUNDS: usize = 20;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn hosts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A self-signed certificate that is valid now.
fn certificate(names: &[&str]) -> ChosenCertificate {
    certificate_between(names, now() - DAY, now() + 90 * DAY)
}

fn certificate_between(names: &[&str], not_before: u64, not_after: u64) -> ChosenCertificate {
    trusted_certificate_between(names, not_before, not_after).0
}

fn loaded(chain: &str, key: &str) -> ChosenCertificate {
    Arc::new(LoadedCertificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap())
}

/// A self-signed certificate, and the configuration that trusts it.
fn trusted_certificate_between(names: &[&str], not_before: u64, not_after: u64) -> (ChosenCertificate, TrustRoots) {
    let made = self_signed(&hosts(names), not_before, not_after).unwrap();
    (loaded(&made.certificate, &made.key), TrustRoots::Pem(made.certificate.into_bytes()))
}

/// An authority that signs what a test asks for.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let name = format!("Authority {}", facts::fingerprint_sha256(key.subject_public_key_info().as_slice()));
        parameters.distinguished_name.push(rcgen::DnType::CommonName, &name[..40]);
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(parameters, key) }
    }

    fn roots(&self) -> TrustRoots {
        TrustRoots::Pem(self.pem.clone().into_bytes())
    }

    fn sign(&self, names: &[&str]) -> ChosenCertificate {
        self.sign_between(names, now() - DAY, now() + 90 * DAY)
    }

    fn sign_between(&self, names: &[&str], not_before: u64, not_after: u64) -> ChosenCertificate {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(hosts(names)).unwrap();
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        parameters.not_before = epoch + std::time::Duration::from_secs(not_before);
        parameters.not_after = epoch + std::time::Duration::from_secs(not_after);
        let signed = parameters.signed_by(&key, &self.issuer).unwrap();
        loaded(&signed.pem(), &key.serialize_pem())
    }
}

fn server_tls(certificates: Vec<ChosenCertificate>) -> ServerTls {
    let library = Arc::new(CertificateLibrary::new(certificates));
    ServerTls::new(library, ServerTlsOptions::default()).unwrap()
}

/// Both ends of an established connection.
struct Connected {
    client: ClientConnection,
    server: ServerConnection,
    chosen: ChosenCertificate,
}

/// Which side gave up, and why.
#[derive(Debug)]
enum Broken {
    Client(rustls::Error),
    Server(rustls::Error),
}

impl Broken {
    fn as_io(&self) -> std::io::Error {
        let (Self::Client(error) | Self::Server(error)) = self;
        std::io::Error::new(std::io::ErrorKind::InvalidData, error.clone())
    }
}

fn handshake_attempt(tls: &ServerTls, attempt: &ClientAttempt) -> Result<Connected, Broken> {
    handshake(tls, attempt.config(), attempt.server_name().clone())
}

fn handshake(tls: &ServerTls, config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Connected, Broken> {
    let mut client = ClientConnection::new(config, name).map_err(Broken::Client)?;
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    let mut acceptor = Acceptor::default();
    acceptor.read_tls(&mut hello.as_slice()).unwrap();
    let accepted = acceptor.accept().map_err(|(error, _)| Broken::Server(error))?.unwrap();
    let (config, chosen) = tls.config_for(&accepted.client_hello()).unwrap();
    let mut server = match accepted.into_connection(config) {
        Ok(server) => server,
        Err((error, mut alert)) => {
            let mut bytes = Vec::new();
            alert.write_all(&mut bytes).unwrap();
            client.read_tls(&mut bytes.as_slice()).unwrap();
            client.process_new_packets().unwrap_err();
            return Err(Broken::Server(error));
        }
    };
    for _ in 0..MAX_ROUNDS {
        let moved = carry(&mut server, &mut client).map_err(Broken::Client)?
            + carry(&mut client, &mut server).map_err(Broken::Server)?;
        if moved == 0 {
            assert!(!client.is_handshaking() && !server.is_handshaking());
            return Ok(Connected { client, server, chosen });
        }
    }
    panic!("the handshake does not end");
}

/// Carries all waiting bytes from one side to the other; returns how many.
fn carry<From, To>(from: &mut ConnectionCommon<From>, to: &mut ConnectionCommon<To>) -> Result<usize, rustls::Error> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets()?;
    }
    Ok(bytes.len())
}
