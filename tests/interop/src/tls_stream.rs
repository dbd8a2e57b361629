//! A line-by-line connection of our own, for what no client program would send.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// How long one read or write may take.
const IO_TIMEOUT: Duration = Duration::from_secs(30);

trait ReadWrite: Read + Write + Send {}
impl<T: Read + Write + Send> ReadWrite for T {}

/// A connection to a server, in clear or in TLS.
pub struct LineStream {
    inner: BufReader<Box<dyn ReadWrite>>,
    socket: TcpStream,
}

/// A client configuration that trusts one certificate authority.
///
/// # Errors
/// When the file has none.
pub fn trust(ca: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca)? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

impl LineStream {
    /// Connects in clear.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn plain(port: u16) -> Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_read_timeout(Some(IO_TIMEOUT))?;
        socket.set_write_timeout(Some(IO_TIMEOUT))?;
        socket.set_nodelay(true)?;
        let stream: Box<dyn ReadWrite> = Box::new(socket.try_clone()?);
        Ok(Self { inner: BufReader::new(stream), socket })
    }

    /// Connects in TLS.
    ///
    /// # Errors
    /// When nobody answers, or the certificate does not hold up.
    pub fn tls(port: u16, host: &str, ca: &Path) -> Result<Self> {
        Self::plain(port)?.start_tls(host, ca)
    }

    /// Goes on in TLS, after STARTTLS or STLS was answered.
    ///
    /// # Errors
    /// When the handshake fails, or clear text is left over.
    pub fn start_tls(self, host: &str, ca: &Path) -> Result<Self> {
        if !self.inner.buffer().is_empty() {
            bail!("the server sent {:?} in clear behind its answer", self.inner.buffer());
        }
        let name = ServerName::try_from(host.to_owned())?;
        let mut connection = ClientConnection::new(trust(ca)?, name)?;
        let mut socket = self.socket.try_clone()?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        let stream: Box<dyn ReadWrite> = Box::new(StreamOwned::new(connection, socket));
        Ok(Self { inner: BufReader::new(stream), socket: self.socket })
    }

    /// Sends a line; CRLF is added.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, line: &str) -> Result<()> {
        self.send_raw(format!("{line}\r\n").as_bytes())
    }

    /// Sends octets as they are.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send_raw(&mut self, octets: &[u8]) -> Result<()> {
        let stream = self.inner.get_mut();
        stream.write_all(octets)?;
        Ok(stream.flush()?)
    }

    /// The next line without CRLF; empty at the end of the connection.
    ///
    /// # Errors
    /// When nothing comes in time.
    pub fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        self.inner.read_until(b'\n', &mut line)?;
        Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Reads exactly `count` octets.
    ///
    /// # Errors
    /// When the connection ends before.
    pub fn octets(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut octets = vec![0; count];
        self.inner.read_exact(&mut octets)?;
        Ok(octets)
    }

    /// The last line of an SMTP reply, whose lines before it are passed over.
    ///
    /// # Errors
    /// When the connection ends, or what comes is no reply.
    pub fn smtp_reply(&mut self) -> Result<String> {
        loop {
            let line = self.line()?;
            match line.as_bytes().get(3) {
                Some(b' ') => return Ok(line),
                Some(b'-') => {}
                None if line.len() == 3 => return Ok(line),
                _ => bail!("not a reply: {line:?}"),
            }
        }
    }

    /// Sends a line and returns the last line of the SMTP reply to it.
    ///
    /// # Errors
    /// As [`Self::send`] and [`Self::smtp_reply`].
    pub fn smtp(&mut self, line: &str) -> Result<String> {
        self.send(line)?;
        self.smtp_reply().with_context(|| format!("after {line:?}"))
    }

    /// A multi-line POP3 response after its first line, dots undone (RFC 1939 §3).
    ///
    /// # Errors
    /// When the connection ends before its end.
    pub fn dot_lines(&mut self) -> Result<Vec<u8>> {
        let mut octets = Vec::new();
        loop {
            let begin = octets.len();
            if self.inner.read_until(b'\n', &mut octets)? == 0 {
                bail!("the connection ended within a response");
            }
            if &octets[begin..] == b".\r\n" {
                octets.truncate(begin);
                return Ok(octets);
            }
            if octets[begin] == b'.' {
                octets.remove(begin);
            }
        }
    }

    /// Sends an IMAP command under `tag` and returns everything up to its tagged response, literals included.
    ///
    /// # Errors
    /// When the connection ends before that.
    pub fn imap(&mut self, tag: &str, command: &str) -> Result<Vec<String>> {
        self.imap_after(tag, &format!("{tag} {command}"))
    }

    /// Sends the rest of an IMAP command and returns everything up to the tagged response, literals included.
    ///
    /// # Errors
    /// When the connection ends before that.
    pub fn imap_after(&mut self, tag: &str, rest: &str) -> Result<Vec<String>> {
        self.send(rest)?;
        let mut lines = Vec::new();
        loop {
            let mut line = self.line()?;
            while let Some(length) = literal_length(&line) {
                let literal = self.octets(length)?;
                line.push_str(&String::from_utf8_lossy(&literal));
                line.push_str(&self.line()?);
            }
            if line.is_empty() {
                bail!("the connection ended after {rest:?}: {lines:?}");
            }
            let is_last = line.starts_with(&format!("{tag} "));
            lines.push(line);
            if is_last {
                return Ok(lines);
            }
        }
    }
}

fn literal_length(line: &str) -> Option<usize> {
    let (_, rest) = line.rsplit_once('{')?;
    rest.strip_suffix('}')?.parse().ok()
}
