//! A conversation with a server.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use posthouse_model::Secret;
use posthouse_sasl::ChannelBindings;
use posthouse_tls::{ClientProfile, ClientTls, ClientTlsMode, TlsFailure, client_channel_bindings};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::response::{Decoder, Garbled, Response};
use crate::limits::MAX_MESSAGE_BYTES;

/// How long connecting and shaking hands may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// How long a server may say nothing while something is expected of it, and how long it may not read.
const SILENCE_LIMIT: Duration = Duration::from_secs(300);
/// Octets that are read at once.
const READ_BYTES: usize = 64 * 1024;
/// Most responses to one command, besides those that were announced.
const MAX_RESPONSES: usize = 100_000;

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first octet.
    Tls,
    /// TLS after STARTTLS.
    StartTls,
    /// None.
    Clear {
        /// Whether that may be although the server is on another machine.
        dangerous_anywhere: bool,
    },
}

/// A server, and who we are there.
#[derive(Clone, Debug)]
pub struct ImapServer {
    /// Its name, which its certificate has to have, or its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub protection: Protection,
    /// Whom we trust.
    pub tls: Arc<ClientTls>,
    /// Who signs in.
    pub login: String,
    /// With this password.
    pub password: Secret,
}

/// Why a server cannot be used.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// It cannot be reached, or the connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// TLS failed, its certificate perhaps.
    #[error("TLS: {0}")]
    Tls(TlsFailure),
    /// It speaks in another way.
    #[error(transparent)]
    Garbled(#[from] Garbled),
    /// Nobody but this machine may be spoken to in clear.
    #[error("without TLS only a server on this machine is spoken to, unless you say otherwise")]
    Clear,
    /// It does not let us in.
    #[error("the server does not let {login} in: {why}")]
    Refused {
        /// Whom.
        login: String,
        /// Why, in its words or ours.
        why: String,
    },
    /// It does not do what was asked.
    #[error("the server says: {0}")]
    No(String),
}

impl ConnectError {
    /// Whether another connection may help.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Io(_))
    }
}

/// In clear or in TLS.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A conversation with a server that has let us in.
pub(super) struct Connection {
    wire: Box<dyn Wire>,
    decoder: Decoder,
    buffer: Vec<u8>,
    last_tag: u32,
    /// How many responses there may be until the next command is sent.
    responses_left: usize,
    pub capabilities: Vec<String>,
}

impl Connection {
    /// Connects and signs in.
    pub async fn open(server: &ImapServer) -> Result<Self, ConnectError> {
        let stream = dial(server).await?;
        let mut connection = Self {
            wire: Box::new(stream),
            decoder: Decoder::new(MAX_MESSAGE_BYTES),
            buffer: vec![0; READ_BYTES],
            last_tag: 0,
            responses_left: MAX_RESPONSES,
            capabilities: Vec::new(),
        };
        let mut bindings = ChannelBindings::default();
        if server.protection == Protection::Tls {
            (connection, bindings) = connection.shake_hands(server).await?;
        }
        let greeting = connection.response().await?;
        let is_welcome = greeting.begins(&["*", "OK"]);
        if !is_welcome && !greeting.begins(&["*", "PREAUTH"]) {
            return Err(ConnectError::No(greeting.words()));
        }
        if server.protection == Protection::StartTls {
            // RFC 9051 §11.1: who is in already, before TLS, is not who we mean.
            if !is_welcome {
                return Err(ConnectError::No("we are known before TLS".to_owned()));
            }
            connection.command("STARTTLS").await?;
            if !connection.decoder.is_empty() {
                return Err(Garbled("octets in clear after STARTTLS").into());
            }
            (connection, bindings) = connection.shake_hands(server).await?;
        }
        connection.ask_capabilities().await?;
        if is_welcome {
            let is_protected = !matches!(server.protection, Protection::Clear { .. });
            super::sign_in::sign_in(&mut connection, server, &bindings, is_protected).await?;
            connection.ask_capabilities().await?;
        }
        Ok(connection)
    }

    async fn shake_hands(self, server: &ImapServer) -> Result<(Self, ChannelBindings), ConnectError> {
        let attempt = server.tls.attempt(&server.host, ClientTlsMode::Verified, ClientProfile::Modern);
        let attempt = attempt.map_err(ConnectError::Tls)?;
        let connecting = TlsConnector::from(attempt.config()).connect(attempt.server_name().clone(), self.wire);
        let stream = tokio::time::timeout(CONNECT_LIMIT, connecting).await.map_err(io::Error::from)?;
        let stream = stream.map_err(|error| ConnectError::Tls(attempt.failure(&error)))?;
        let found = client_channel_bindings(stream.get_ref().1);
        let bindings =
            ChannelBindings { tls_exporter: found.tls_exporter, tls_server_end_point: found.tls_server_end_point };
        Ok((Self { wire: Box::new(stream), ..self }, bindings))
    }

    async fn ask_capabilities(&mut self) -> Result<(), ConnectError> {
        let responses = self.command("CAPABILITY").await?;
        let told = responses.iter().filter(|response| response.begins(&["*", "CAPABILITY"]));
        let words = told.flat_map(|response| response.tokens.iter().skip(2)).filter_map(|token| token.octets());
        self.capabilities = words.map(|word| String::from_utf8_lossy(word).to_ascii_uppercase()).collect();
        Ok(())
    }

    pub fn has(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|one| one == capability)
    }

    /// Sends a command and gives what is said to it, once it is done.
    pub async fn command(&mut self, command: &str) -> Result<Vec<Response>, ConnectError> {
        let tag = self.send(command).await?;
        let mut responses = Vec::new();
        loop {
            let response = self.response().await?;
            if let Some(outcome) = outcome(&response, &tag) {
                responses.push(response);
                return outcome.map(|()| responses);
            }
            responses.push(response);
        }
    }

    /// Sends a command, and gives its tag.
    pub async fn send(&mut self, command: &str) -> Result<String, ConnectError> {
        self.send_expecting(command, 0).await
    }

    /// Likewise, for a command that is answered by so many responses, as far as the server has said.
    pub async fn send_expecting(&mut self, command: &str, responses: usize) -> Result<String, ConnectError> {
        self.responses_left = responses.saturating_add(MAX_RESPONSES);
        self.last_tag += 1;
        let tag = format!("p{}", self.last_tag);
        self.write(format!("{tag} {command}\r\n").as_bytes()).await?;
        Ok(tag)
    }

    pub async fn write(&mut self, octets: &[u8]) -> Result<(), ConnectError> {
        let writing = async {
            self.wire.write_all(octets).await?;
            self.wire.flush().await
        };
        Ok(tokio::time::timeout(SILENCE_LIMIT, writing).await.map_err(io::Error::from)??)
    }

    /// The next response.
    pub async fn response(&mut self) -> Result<Response, ConnectError> {
        loop {
            if let Some(response) = self.decoder.next_response()? {
                // Who never comes to an end would keep us for ever.
                self.responses_left = self.responses_left.checked_sub(1).ok_or(Garbled("more and more responses"))?;
                if response.begins(&["*", "BYE"]) {
                    let why = format!("the server ends the connection: {}", response.words());
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, why).into());
                }
                return Ok(response);
            }
            let reading = self.wire.read(&mut self.buffer);
            match tokio::time::timeout(SILENCE_LIMIT, reading).await.map_err(io::Error::from)?? {
                0 => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection").into());
                }
                count => self.decoder.feed(&self.buffer[..count]),
            }
        }
    }
}

/// What a response says about the command with this tag, if it does.
pub(super) fn outcome(response: &Response, tag: &str) -> Option<Result<(), ConnectError>> {
    if !response.tokens.first()?.is(tag) {
        return None;
    }
    Some(match response.tokens.get(1) {
        Some(status) if status.is("OK") => Ok(()),
        _ => Err(ConnectError::No(response.words())),
    })
}

async fn dial(server: &ImapServer) -> Result<TcpStream, ConnectError> {
    let host = server.host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, server.port)],
        Err(_) => tokio::net::lookup_host((host, server.port)).await?.collect(),
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address"));
    for address in addresses {
        if let Protection::Clear { dangerous_anywhere: false } = server.protection
            && !address.ip().is_loopback()
        {
            return Err(ConnectError::Clear);
        }
        match tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(elapsed) => last = elapsed.into(),
        }
    }
    Err(last.into())
}

/// A string as a command takes it; `None` if only a literal can carry it.
pub(super) fn quoted(text: &str) -> Option<String> {
    let can_be = text.bytes().all(|b| (0x20..0x7f).contains(&b));
    can_be.then(|| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}
