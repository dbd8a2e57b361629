//! A client that speaks lines.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use posthouse_sasl::ChannelBindings;
use posthouse_tls::{ClientProfile, ClientTls, ClientTlsMode, client_channel_bindings};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::house::HOST;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(3600);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// One connection, from the client's side.
pub(crate) struct Client {
    plain: Option<TcpStream>,
    tls: Option<Box<dyn Stream>>,
    read: Vec<u8>,
    client_tls: Arc<ClientTls>,
    bindings: ChannelBindings,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, client_tls: Arc<ClientTls>) -> Self {
        let plain = TcpStream::connect(address).await.unwrap();
        plain.set_nodelay(true).unwrap();
        Self { plain: Some(plain), tls: None, read: Vec::new(), client_tls, bindings: ChannelBindings::default() }
    }

    /// Shakes hands.
    pub(crate) async fn begin_tls(&mut self) {
        self.try_tls().await.unwrap();
    }

    pub(crate) async fn try_tls(&mut self) -> io::Result<()> {
        assert!(self.read.is_empty(), "{}", self.read.escape_ascii());
        let attempt = self.client_tls.attempt(HOST, ClientTlsMode::Verified, ClientProfile::Modern).unwrap();
        let connector = TlsConnector::from(attempt.config());
        let stream = connector.connect(attempt.server_name().clone(), self.plain.take().unwrap()).await?;
        let bindings = client_channel_bindings(stream.get_ref().1);
        self.bindings = ChannelBindings {
            tls_exporter: bindings.tls_exporter,
            tls_server_end_point: bindings.tls_server_end_point,
        };
        self.tls = Some(Box::new(stream));
        Ok(())
    }

    /// What a sign-in can be bound by.
    pub(crate) fn channel_bindings(&self) -> ChannelBindings {
        self.bindings.clone()
    }

    fn stream(&mut self) -> &mut dyn Stream {
        match (&mut self.tls, &mut self.plain) {
            (Some(tls), _) => tls,
            (None, Some(plain)) => plain,
            (None, None) => panic!("not connected"),
        }
    }

    /// Sends bytes as they are.
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        self.try_send(bytes).await.unwrap();
    }

    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream().write_all(bytes).await?;
        self.stream().flush().await
    }

    /// Sends a line.
    pub(crate) async fn send(&mut self, line: &str) {
        self.send_raw(format!("{line}\r\n").as_bytes()).await;
    }

    async fn fill(&mut self) -> io::Result<usize> {
        let mut buffer = vec![0; 16 * 1024];
        let count = timeout(PATIENCE, self.stream().read(&mut buffer)).await.expect("the server says nothing")?;
        self.read.extend_from_slice(&buffer[..count]);
        Ok(count)
    }

    /// The next line, without its CRLF; `None` at the end of the connection.
    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Some(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            if self.fill().await.unwrap_or(0) == 0 {
                assert!(self.read.is_empty(), "cut off: {}", self.read.escape_ascii());
                return None;
            }
        }
    }

    /// The next line has to start like this.
    pub(crate) async fn expect(&mut self, start: &str) -> String {
        let line = self.line().await;
        let line = line.unwrap_or_else(|| panic!("the connection ended instead of `{start}`"));
        assert!(line.starts_with(start), "`{line}` instead of `{start}`");
        line
    }

    /// All lines up to one that starts like this.
    pub(crate) async fn until(&mut self, start: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await.unwrap_or_else(|| panic!("no `{start}` after {lines:#?}"));
            let found = line.starts_with(start);
            lines.push(line);
            if found {
                return lines;
            }
        }
    }

    /// So many octets.
    pub(crate) async fn octets(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            assert_ne!(self.fill().await.unwrap(), 0, "the connection ended");
        }
        self.read.drain(..count).collect()
    }

    /// The connection has to end, without another word.
    pub(crate) async fn expect_end(&mut self) {
        assert_eq!(self.line().await, None);
    }

    /// Likewise, and not by a reset.
    pub(crate) async fn expect_clean_end(&mut self) {
        assert_eq!(self.fill().await.unwrap(), 0);
    }

    /// The connection has to end; says what was still sent.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await.unwrap_or(0) > 0 {}
        std::mem::take(&mut self.read)
    }

    /// EHLO and a whole message, up to its end; the reply to that is left.
    pub(crate) async fn hand_over(&mut self, from: &str, to: &str, message: &str) {
        self.send("EHLO client.example").await;
        self.until("250 ").await;
        self.send(&format!("MAIL FROM:<{from}>")).await;
        self.expect("250 ").await;
        self.send(&format!("RCPT TO:<{to}>")).await;
        self.expect("250 ").await;
        self.send("DATA").await;
        self.expect("354 ").await;
        self.send_raw(message.as_bytes()).await;
        self.send(".").await;
    }
}
