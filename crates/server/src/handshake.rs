//! The server's side of a TLS handshake on a socket.

use std::io;
use std::time::Duration;

use posthouse_model::session::{ClientCertificate, TlsInfo};
use posthouse_tls::server::UNSENT_RECORDS_LIMIT;
use posthouse_tls::{FirstBytes, NoCertificate, PeerVerification, ServerTls, TlsFacts, channel_bindings, sniff};
use rustls::server::Acceptor;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::drivers::ending::close_cleanly;

/// How many bytes are looked at to see what a client speaks.
const SNIFFED_BYTES: usize = 12;

/// Why there is no TLS. Its words are for the log and name the likely mistake of the client.
#[derive(Debug, Error)]
pub(crate) enum HandshakeError {
    /// Text where TLS was due.
    #[error(
        "the client sent plain text where TLS begins with the first byte; \
         it is probably set to \"STARTTLS\" or \"no encryption\" and should be set to \"SSL/TLS\""
    )]
    PlainText,
    /// A PROXY header from an address that is not trusted with it.
    #[error("the client sent a PROXY header; if it is a load balancer of ours, list its address as a trusted proxy")]
    ProxyHeader,
    /// SSL 2 or something older than TLS.
    #[error("the client speaks SSL 2, which nobody should")]
    SslV2,
    /// Nothing came, or not enough.
    #[error("the client did not finish the TLS handshake in time; it may wait for a greeting in plain text")]
    Timeout,
    /// We have no certificate.
    #[error("no certificate: {0}")]
    NoCertificate(#[from] NoCertificate),
    /// The library says no.
    #[error("the TLS handshake failed: {0}")]
    Failed(io::Error),
    /// The client went away.
    #[error("the client closed the connection during the TLS handshake")]
    Closed,
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(error),
        }
    }
}

/// A connection inside TLS and what its session needs to know of it.
pub(crate) struct Established {
    pub(crate) stream: Box<TlsStream<TcpStream>>,
    pub(crate) info: TlsInfo,
}

/// Shakes hands on a port where TLS begins with the first byte.
pub(crate) async fn accept_implicit(
    socket: TcpStream,
    tls: &ServerTls,
    limit: Duration,
) -> Result<Established, HandshakeError> {
    let deadline = Instant::now() + limit;
    let mut first = [0; SNIFFED_BYTES];
    let count = timeout_at(deadline, socket.peek(&mut first)).await.map_err(|_| HandshakeError::Timeout)??;
    let mistake = match sniff(&first[..count]) {
        _ if count == 0 => return Err(HandshakeError::Closed),
        FirstBytes::PlainText => HandshakeError::PlainText,
        FirstBytes::ProxyHeader => HandshakeError::ProxyHeader,
        FirstBytes::SslV2 => HandshakeError::SslV2,
        FirstBytes::TlsRecord | FirstBytes::Unknown | FirstBytes::NeedMore => {
            return timeout_at(deadline, shake(socket, tls)).await.unwrap_or(Err(HandshakeError::Timeout));
        }
    };
    close_cleanly(socket).await;
    Err(mistake)
}

/// Shakes hands after STARTTLS. The caller has read no byte behind that command.
pub(crate) async fn accept_upgrade(
    socket: TcpStream,
    tls: &ServerTls,
    limit: Duration,
) -> Result<Established, HandshakeError> {
    timeout(limit, shake(socket, tls)).await.unwrap_or(Err(HandshakeError::Timeout))
}

async fn shake(socket: TcpStream, tls: &ServerTls) -> Result<Established, HandshakeError> {
    let start = LazyConfigAcceptor::new(Acceptor::default(), socket).await?;
    let (config, chosen) = tls.config_for(&start.client_hello())?;
    let limit_buffer = |connection: &mut rustls::ServerConnection| {
        connection.set_buffer_limit(Some(UNSENT_RECORDS_LIMIT));
    };
    let stream = Box::new(start.into_stream_with(config, limit_buffer).await?);
    let connection = stream.get_ref().1;
    let facts = TlsFacts::of_server(connection);
    let bindings = channel_bindings(connection, &chosen);
    let client_certificate = match (facts.verified, facts.peer_certificate) {
        (PeerVerification::Verified, Some(certificate)) => {
            Some(ClientCertificate { addresses: certificate.mail_addresses })
        }
        _ => None,
    };
    let info = TlsInfo {
        version: facts.version.to_owned(),
        cipher_suite: facts.cipher_suite.to_owned(),
        server_name: facts.server_name,
        tls_exporter: bindings.tls_exporter,
        tls_server_end_point: bindings.tls_server_end_point,
        client_certificate,
    };
    Ok(Established { stream, info })
}
