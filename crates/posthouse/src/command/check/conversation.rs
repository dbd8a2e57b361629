//! A connection to one of the server's listeners, as a client has it: lines, and TLS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use posthouse_tls::{ClientProfile, ClientTls, ClientTlsMode, TlsFacts};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::control::status::ListenerView;

/// How long the server may take for one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// Longest line of an answer, in octets.
const MAX_LINE_BYTES: u64 = 64 * 1024;
/// Most lines of one answer.
const MAX_LINES: usize = 10_000;

/// A stream in clear or in TLS.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection to a listener.
pub struct Conversation {
    stream: BufReader<Box<dyn Stream>>,
    /// What is known of its TLS, once there is some.
    pub tls: Option<TlsFacts>,
}

/// Where to connect to reach what listens on `address`.
pub fn reachable(address: &str) -> anyhow::Result<SocketAddr> {
    let address: SocketAddr = address.parse()?;
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    Ok(SocketAddr::new(ip, address.port()))
}

async fn in_time<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let outcome = tokio::time::timeout(ANSWER_LIMIT, work).await;
    outcome.unwrap_or_else(|_| bail!("there was no answer within {} seconds", ANSWER_LIMIT.as_secs()))
}

impl Conversation {
    /// Connects, with TLS as the listener has it, and reads the greeting. Gives its last line.
    ///
    /// # Errors
    /// When the server does not answer as it should.
    pub async fn open(listener: &ListenerView, address: &str, tls: &ClientTls) -> anyhow::Result<(Self, String)> {
        let address = reachable(address)?;
        let stream = in_time(async { Ok(TcpStream::connect(address).await?) }).await.context("no connection")?;
        stream.set_nodelay(true)?;
        let mut conversation = Self { stream: BufReader::new(Box::new(stream)), tls: None };
        if listener.tls == "implicit" {
            conversation = conversation.encrypt(&listener.host_name, tls).await?;
        }
        let greeting = conversation.greeting(&listener.role, &listener.host_name).await.context("no greeting")?;
        if listener.tls.starts_with("starttls") {
            conversation.ask_for_tls(&listener.role).await.context("STARTTLS")?;
            conversation = conversation.encrypt(&listener.host_name, tls).await?;
        }
        if matches!(listener.role.as_str(), "mx" | "submission") {
            conversation.smtp("EHLO localhost", 250).await.context("EHLO")?;
        }
        Ok((conversation, greeting))
    }

    async fn greeting(&mut self, role: &str, host: &str) -> anyhow::Result<String> {
        match role {
            "imap" | "pop3" => {
                let line = self.line().await?;
                ensure!(line.starts_with("* OK") || line.starts_with("+OK"), "it greets with: {line}");
                Ok(line)
            }
            "https" | "health" => {
                self.send(&format!("GET /health/ready HTTP/1.1\r\nHost: {host}\r\n")).await?;
                let line = self.line().await?;
                // A listener for others tells them nothing about our health.
                let expected = if role == "health" { "HTTP/1.1 200" } else { "HTTP/1.1 404" };
                ensure!(line.starts_with(expected), "it answers: {line}");
                Ok(line)
            }
            _ => self.smtp_reply(220).await,
        }
    }

    async fn ask_for_tls(&mut self, role: &str) -> anyhow::Result<()> {
        match role {
            "imap" => self.imap("s", "STARTTLS").await.map(drop),
            "pop3" => self.pop3("STLS").await.map(drop),
            "lmtp" => {
                self.smtp("LHLO localhost", 250).await?;
                self.smtp("STARTTLS", 220).await.map(drop)
            }
            _ => {
                self.smtp("EHLO localhost", 250).await?;
                self.smtp("STARTTLS", 220).await.map(drop)
            }
        }
    }

    async fn encrypt(self, host: &str, tls: &ClientTls) -> anyhow::Result<Self> {
        let host = host.trim_matches(['[', ']']).trim_start_matches("IPv6:");
        let attempt = tls.attempt(host, ClientTlsMode::Required, ClientProfile::Modern)?;
        let connector = TlsConnector::from(attempt.config());
        let plain = self.stream.into_inner();
        let handshake = async {
            connector
                .connect(attempt.server_name().clone(), plain)
                .await
                .map_err(|error| anyhow!("the TLS handshake failed: {}", attempt.failure(&error)))
        };
        let stream = in_time(handshake).await?;
        let facts = TlsFacts::of_client(stream.get_ref().1, &attempt);
        Ok(Self { stream: BufReader::new(Box::new(stream)), tls: Some(facts) })
    }

    /// One line, without its end.
    async fn line(&mut self) -> anyhow::Result<String> {
        in_time(async {
            let mut line = Vec::new();
            (&mut self.stream).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await?;
            ensure!(line.ends_with(b"\n"), "the connection ended");
            Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
        })
        .await
    }

    async fn send(&mut self, line: &str) -> anyhow::Result<()> {
        in_time(async {
            self.stream.write_all(line.as_bytes()).await?;
            self.stream.write_all(b"\r\n").await?;
            Ok(self.stream.flush().await?)
        })
        .await
    }

    async fn smtp_reply(&mut self, expected: u16) -> anyhow::Result<String> {
        for _ in 0..MAX_LINES {
            let line = self.line().await?;
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            ensure!(line.starts_with(&expected.to_string()), "it answers: {line}");
            return Ok(line);
        }
        bail!("the answer does not end")
    }

    /// Sends a command of SMTP and expects a reply with this code.
    ///
    /// # Errors
    /// When another comes.
    pub async fn smtp(&mut self, command: &str, expected: u16) -> anyhow::Result<String> {
        self.send(command).await?;
        self.smtp_reply(expected).await
    }

    /// Sends a command of IMAP and expects OK. Gives all lines before it.
    ///
    /// # Errors
    /// When something else comes.
    pub async fn imap(&mut self, tag: &str, command: &str) -> anyhow::Result<Vec<String>> {
        self.send(&format!("{tag} {command}")).await?;
        let mut lines = Vec::new();
        while lines.len() < MAX_LINES {
            let line = self.line().await?;
            match line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
                Some(rest) if rest.starts_with("OK") => return Ok(lines),
                Some(rest) => bail!("it answers: {rest}"),
                None => lines.push(line),
            }
        }
        bail!("the answer does not end")
    }

    /// Sends a command of POP3 and expects +OK. Gives the line.
    ///
    /// # Errors
    /// When something else comes.
    pub async fn pop3(&mut self, command: &str) -> anyhow::Result<String> {
        self.send(command).await?;
        let line = self.line().await?;
        ensure!(line.starts_with("+OK"), "it answers: {line}");
        Ok(line)
    }

    /// The lines that follow a +OK, up to the one with a dot.
    ///
    /// # Errors
    /// When they do not end.
    pub async fn pop3_lines(&mut self) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        while lines.len() < MAX_LINES {
            match self.line().await?.as_str() {
                "." => return Ok(lines),
                line => lines.push(line.to_owned()),
            }
        }
        bail!("the answer does not end")
    }
}
