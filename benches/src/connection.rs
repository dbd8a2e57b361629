//! A connection to a server, in clear or in TLS, read by lines and by counted octets.
//!
//! It copies nothing that it does not have to, so that the client takes little of the machine that it shares with
//! the server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use memchr::{memchr, memmem};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::server::Server;

/// How long a server may take to say something.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// Octets of the buffer at first; idle connections need no more.
const SMALLEST_BUFFER: usize = 4 << 10;
/// Octets of the buffer at most, and so of one line.
const LARGEST_BUFFER: usize = 256 << 10;
/// How many addresses of loopback the connections come from, as if from so many hosts.
const CLIENT_ADDRESSES: u32 = 200;

static NEXT_CLIENT: AtomicU32 = AtomicU32::new(0);

/// How a connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Plain,
    /// After STARTTLS.
    StartTls,
    /// From the first octet.
    Implicit,
}

impl Mode {
    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Plain => "plain",
            Mode::StartTls => "STARTTLS",
            Mode::Implicit => "TLS",
        }
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection.
pub struct Connection {
    stream: Stream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Connection {
    /// Connects to a port of loopback, in TLS from the first octet if `mode` says so.
    pub async fn open(server: &Server, port: u16, mode: Mode) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        let client = NEXT_CLIENT.fetch_add(1, Ordering::Relaxed) % CLIENT_ADDRESSES;
        let last = u8::try_from(client + 1).context("fewer than 256 addresses")?;
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 1, last), 0)))?;
        let stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        stream.set_nodelay(true)?;
        let connection = Self { stream: Stream::Plain(stream), buffer: vec![0; SMALLEST_BUFFER], start: 0, end: 0 };
        if mode == Mode::Implicit { connection.start_tls(server).await } else { Ok(connection) }
    }

    /// Goes on in TLS.
    pub async fn start_tls(self, server: &Server) -> Result<Self> {
        let Stream::Plain(stream) = self.stream else { bail!("the connection is in TLS already") };
        if self.start != self.end {
            bail!("the server spoke before the TLS handshake");
        }
        let name = ServerName::try_from(server.tls_name.clone())?;
        let stream = timeout(READ_TIMEOUT, server.connector.connect(name, stream)).await??;
        Ok(Self { stream: Stream::Tls(Box::new(stream)), ..self })
    }

    /// Sends all of `octets`.
    pub async fn send(&mut self, octets: &[u8]) -> Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(octets).await?,
            Stream::Tls(stream) => {
                stream.write_all(octets).await?;
                stream.flush().await?;
            }
        }
        Ok(())
    }

    /// The next line without its end.
    pub async fn line(&mut self) -> Result<&[u8]> {
        let mut scanned = 0;
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[self.start + scanned..self.end]) {
                let begin = self.start;
                let end = begin + scanned + at;
                self.start = end + 1;
                let line = &self.buffer[begin..end];
                return Ok(line.strip_suffix(b"\r").unwrap_or(line));
            }
            scanned = self.end - self.start;
            self.fill().await?;
        }
    }

    /// The next line without its end, as text.
    pub async fn text_line(&mut self) -> Result<String> {
        Ok(String::from_utf8_lossy(self.line().await?).into_owned())
    }

    /// Passes over `count` octets.
    pub async fn skip(&mut self, mut count: usize) -> Result<()> {
        loop {
            let here = count.min(self.end - self.start);
            self.start += here;
            count -= here;
            if count == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// Passes over everything up to and with `terminator`; the number of octets before it.
    pub async fn skip_through(&mut self, terminator: &[u8]) -> Result<usize> {
        let mut passed = 0;
        loop {
            let waiting = &self.buffer[self.start..self.end];
            if let Some(at) = memmem::find(waiting, terminator) {
                self.start += at + terminator.len();
                return Ok(passed + at);
            }
            // What may be the beginning of the terminator stays.
            let done = waiting.len().saturating_sub(terminator.len() - 1);
            self.start += done;
            passed += done;
            self.fill().await?;
        }
    }

    /// Reads more behind what is there.
    async fn fill(&mut self) -> Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            if self.end >= LARGEST_BUFFER {
                bail!("a line of more than {LARGEST_BUFFER} octets");
            }
            self.buffer.resize(self.end * 2, 0);
        }
        let room = &mut self.buffer[self.end..];
        let room_octets = room.len();
        let read = match &mut self.stream {
            Stream::Plain(stream) => timeout(READ_TIMEOUT, stream.read(room)).await,
            Stream::Tls(stream) => timeout(READ_TIMEOUT, stream.read(room)).await,
        };
        let octets = read.context("the server says nothing")??;
        if octets == 0 {
            bail!("the server closed the connection");
        }
        self.end += octets;
        if octets == room_octets && self.buffer.len() < LARGEST_BUFFER {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        Ok(())
    }
}
