//! One request over one connection.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use posthouse_domain_policy::{LookupError, Resolver};
use posthouse_model::Domain;
use posthouse_tls::{ClientProfile, ClientTls, ClientTlsMode, TlsFailure};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::is_public;
use super::response::{MAX_FRAMING_BYTES, Response, ResponseError, response_of};

/// Where HTTPS is when nothing else is said (RFC 9110 §4.2.2).
const HTTPS_PORT: u16 = 443;
/// Most addresses of a host that are tried.
const MAX_ADDRESSES: usize = 4;
/// Octets read at once.
const READ_BYTES: usize = 8192;
/// Most octets of a response's head, which come on top of its body.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// What we call ourselves.
const USER_AGENT: &str = concat!("Posthouse/", env!("CARGO_PKG_VERSION"));

/// How requests are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpsOptions {
    /// How long a request may take, from the first question to DNS to the last octet.
    pub timeout: Duration,
    /// Where HTTPS is where a URL names no port.
    pub port: u16,
    /// Whether to follow names to addresses that are not public. For tests, and networks that have no others.
    pub may_be_private: bool,
}

impl Default for HttpsOptions {
    fn default() -> Self {
        // RFC 8461 §3.3 suggests a minute; a message may be waiting.
        Self { timeout: Duration::from_secs(30), port: HTTPS_PORT, may_be_private: false }
    }
}

/// Why there is no response.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HttpsError {
    /// What is to be fetched has no usable URL.
    #[error("the URL cannot be used")]
    BadUrl,
    /// The host has no address.
    #[error("the addresses of the host cannot be found: {0}")]
    Lookup(LookupError),
    /// All of its addresses are of this host or of networks that are not public.
    #[error("the host's address {0} is not public")]
    NotPublic(IpAddr),
    /// Without TLS, nobody but this host is talked to.
    #[error("{0} is not an address of this host")]
    NotHere(IpAddr),
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// No connection.
    #[error("the host cannot be reached ({0})")]
    Connect(io::ErrorKind),
    /// TLS failed, or the certificate is not what it has to be.
    #[error("{0}")]
    Tls(TlsFailure),
    /// The connection broke.
    #[error("the connection broke ({0})")]
    Lost(io::ErrorKind),
    /// What came is no response, or too long.
    #[error("{0}")]
    Response(#[from] ResponseError),
}

/// Makes requests.
#[derive(Clone)]
pub struct HttpsClient {
    resolver: Arc<dyn Resolver>,
    tls: Arc<ClientTls>,
    options: HttpsOptions,
}

impl HttpsClient {
    /// Gets ready; connects to nobody yet.
    pub fn new(resolver: Arc<dyn Resolver>, tls: Arc<ClientTls>, options: HttpsOptions) -> Self {
        Self { resolver, tls, options }
    }

    /// Fetches what `host` has at `path`, whose body may be `limit` octets long.
    ///
    /// # Errors
    /// When there is no response. One that says that something went wrong is a response.
    pub async fn get(&self, host: &Domain, path: &str, limit: usize) -> Result<Response, HttpsError> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {USER_AGENT}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        );
        self.within_time(self.exchange(host, self.options.port, request.into_bytes(), limit)).await
    }

    /// Hands `body` to a URL. What it answers may be `limit` octets long.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post(&self, url: &str, media_type: &str, body: &[u8], limit: usize) -> Result<Response, HttpsError> {
        let (host, port, path) = parts_of(url).ok_or(HttpsError::BadUrl)?;
        let port = port.unwrap_or(self.options.port);
        let authority = if port == HTTPS_PORT { host.to_string() } else { format!("{host}:{port}") };
        let request = post_request(&authority, &path, media_type, body);
        self.within_time(self.exchange(&host, port, request, limit)).await
    }

    async fn within_time(
        &self,
        exchange: impl Future<Output = Result<Response, HttpsError>>,
    ) -> Result<Response, HttpsError> {
        Box::pin(tokio::time::timeout(self.options.timeout, exchange)).await.unwrap_or(Err(HttpsError::Timeout))
    }

    async fn exchange(&self, host: &Domain, port: u16, request: Vec<u8>, limit: usize) -> Result<Response, HttpsError> {
        let stream = self.connect(host, port).await?;
        let attempt = self.tls.attempt(host.as_str(), ClientTlsMode::Verified, ClientProfile::Modern);
        let attempt = attempt.map_err(HttpsError::Tls)?;
        let connector = TlsConnector::from(attempt.config());
        let connecting = Box::pin(connector.connect(attempt.server_name().clone(), stream));
        let mut stream = connecting.await.map_err(|error| HttpsError::Tls(attempt.failure(&error)))?;
        talk(&mut stream, &request, limit).await
    }

    async fn connect(&self, host: &Domain, port: u16) -> Result<TcpStream, HttpsError> {
        let found = self.resolver.addresses(host).await.map_err(HttpsError::Lookup)?;
        let may_use = |address: &IpAddr| self.options.may_be_private || is_public(*address);
        let mut last = found
            .records
            .first()
            .map_or(HttpsError::Lookup(LookupError::NoRecords), |address| HttpsError::NotPublic(*address));
        for address in found.records.into_iter().filter(may_use).take(MAX_ADDRESSES) {
            match TcpStream::connect(SocketAddr::new(address, port)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = HttpsError::Connect(error.kind()),
            }
        }
        Err(last)
    }
}

/// Hands `body` to a server on this host, without TLS. What it answers may be `limit` octets long, and all of it may take
/// `timeout`.
///
/// # Errors
/// When there is no response, or the address is not of this host.
pub async fn post_here(
    address: SocketAddr,
    path: &str,
    media_type: &str,
    body: &[u8],
    limit: usize,
    timeout: Duration,
) -> Result<Response, HttpsError> {
    if !address.ip().is_loopback() {
        return Err(HttpsError::NotHere(address.ip()));
    }
    let request = post_request(&address.to_string(), path, media_type, body);
    let exchange = async {
        let connected = TcpStream::connect(address).await;
        let mut stream = connected.map_err(|error| HttpsError::Connect(error.kind()))?;
        talk(&mut stream, &request, limit).await
    };
    tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(HttpsError::Timeout))
}

fn post_request(authority: &str, path: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: {USER_AGENT}\r\nContent-Type: {media_type}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// Sends a request and reads the response, whose body may be `limit` octets long.
async fn talk(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &[u8],
    limit: usize,
) -> Result<Response, HttpsError> {
    let lost = |error: io::Error| HttpsError::Lost(error.kind());
    stream.write_all(request).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let (mut octets, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
    loop {
        let count = match stream.read(&mut buffer).await {
            Ok(count) => count,
            // Some servers close without saying so inside TLS; whether all has come is seen from the answer.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            Err(error) => return Err(lost(error)),
        };
        octets.extend_from_slice(&buffer[..count]);
        if let Some(response) = response_of(&octets, count == 0, limit)? {
            return Ok(response);
        }
        if octets.len() > MAX_HEAD_BYTES + limit + MAX_FRAMING_BYTES {
            return Err(ResponseError::BodyTooLong(limit).into());
        }
    }
}

/// Host, port and path of an HTTPS URL (RFC 9110 §4.2.2). One with a user or a password is none.
fn parts_of(url: &str) -> Option<(Domain, Option<u16>, String)> {
    let is_https = url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    let rest =
        &url.get(8..)?.split('#').next().filter(|_| is_https && url.bytes().all(|byte| byte.is_ascii_graphic()))?;
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) if rest.as_bytes()[at] == b'/' => (&rest[..at], rest[at..].to_owned()),
        Some(at) => (&rest[..at], format!("/{}", &rest[at..])),
        None => (*rest, "/".to_owned()),
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (authority, None),
    };
    let host = Domain::parse(host).ok().filter(|host| host.as_ip().is_none())?;
    Some((host, port, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let check = |url: &str, expected: Option<(&str, Option<u16>, &str)>| {
            let found = parts_of(url);
            let found = found.as_ref().map(|(host, port, path)| (host.as_str(), *port, path.as_str()));
            assert_eq!(found, expected, "{url}");
        };
        check("https://r.example/v1?x#y", Some(("r.example", None, "/v1?x")));
        check("HTTPS://R.example", Some(("r.example", None, "/")));
        check("https://r.example:8443?x", Some(("r.example", Some(8443), "/?x")));
        for bad in [
            "http://r.example/",
            "https:/",
            "https://",
            "https://u:p@r.example/",
            "https://r.example:x/",
            "https://[::1]/",
            "https://r.example/a b",
            "https://r.example/\r\nX: y",
            "ö",
        ] {
            check(bad, None);
        }
    }
}
