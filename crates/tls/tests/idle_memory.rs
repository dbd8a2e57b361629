//! Holds the memory of idle TLS connections down. Alone in its file, so that nothing else
//! allocates in its process.

#![allow(clippy::unwrap_used, reason = "the whole file is a test; the lint knows only test functions")]

use std::fs;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use posthouse_tls::{
    CertificateLibrary, ClientProfile, ClientTls, ClientTlsMode, LoadedCertificate, ServerTls, ServerTlsOptions,
    TrustRoots, self_signed,
};
use rustls::server::Acceptor;
use rustls::{ClientConnection, ConnectionCommon, ServerConnection};

const CONNECTIONS: usize = 500;

/// Twice what was measured, in bytes.
const BOUND_PER_CONNECTION: usize = 16 * 1024;

/// A socket with nothing to read.
struct Silent;

impl std::io::Read for Silent {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::WouldBlock.into())
    }
}

fn carry<From, To>(from: &mut ConnectionCommon<From>, to: &mut ConnectionCommon<To>) -> usize {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets().unwrap();
    }
    bytes.len()
}

fn connect(tls: &ServerTls, client: &ClientTls) -> ServerConnection {
    let attempt = client.attempt("mail.example", ClientTlsMode::Verified, ClientProfile::Modern).unwrap();
    let name = attempt.server_name().clone();
    let mut client = ClientConnection::new(attempt.config(), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    let mut acceptor = Acceptor::default();
    acceptor.read_tls(&mut hello.as_slice()).unwrap();
    let accepted = acceptor.accept().ok().flatten().unwrap();
    let (config, _) = tls.config_for(&accepted.client_hello()).unwrap();
    let mut server = accepted.into_connection(config).ok().unwrap();
    while carry(&mut server, &mut client) + carry(&mut client, &mut server) > 0 {}
    // A large record comes in and is read, a large one goes out; then all is silent.
    let large = vec![b'x'; 16_000];
    std::io::Write::write_all(&mut client.writer(), &large).unwrap();
    carry(&mut client, &mut server);
    std::io::Read::read_exact(&mut server.reader(), &mut large.clone()).unwrap();
    std::io::Write::write_all(&mut server.writer(), &large).unwrap();
    server.write_tls(&mut std::io::sink()).unwrap();
    server.read_tls(&mut Silent).unwrap_err();
    server
}

/// Bytes of private memory in use.
fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[test]
fn an_idle_connection_is_small() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let made = self_signed(&["mail.example".to_owned()], now - 60, now + 3600).unwrap();
    let pem = made.certificate.as_bytes();
    let certificate = LoadedCertificate::from_pem(pem, made.key.as_bytes()).unwrap();
    let library = Arc::new(CertificateLibrary::new(vec![Arc::new(certificate)]));
    let tls = ServerTls::new(library, ServerTlsOptions::default()).unwrap();
    let client = ClientTls::new(&TrustRoots::Pem(pem.to_vec()), None).unwrap();

    let warm_up: Vec<_> = (0..50).map(|_| connect(&tls, &client)).collect();
    let before = resident_bytes();
    let connections: Vec<_> = (0..CONNECTIONS).map(|_| connect(&tls, &client)).collect();
    let each = resident_bytes().saturating_sub(before) / CONNECTIONS;
    println!("an idle connection takes {each} bytes");
    assert!(each < BOUND_PER_CONNECTION, "{each}");
    assert!(each > size_of::<ServerConnection>(), "not measured: {each}");
    drop((warm_up, connections));
}
