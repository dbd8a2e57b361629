//! Mail hosts as nobody wants them, on real sockets: each does one thing wrong, and everything else well.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::CertificateFiles;
use crate::process::{free_port, wait_for_port};

/// Between two octets of one who trickles.
const TRICKLE: Duration = Duration::from_millis(50);
/// Octets of a message that one who drops connections reads before.
const READ_BEFORE_DROPPING: usize = 2000;
/// A TLS record with the fatal alert "handshake failure" (RFC 8446 §6.2).
const FATAL_ALERT: &[u8] = b"\x15\x03\x01\x00\x02\x02\x28";

/// What a host does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Nothing wrong; TLS where asked to.
    Good,
    /// Knows no STARTTLS.
    NoStartTls,
    /// Offers STARTTLS, and answers it with 454.
    RefusesStartTls,
    /// Answers STARTTLS with 220, and the handshake by hanging up.
    BreaksHandshake,
    /// Answers the handshake with an alert.
    AlertsHandshake,
    /// Puts a reply in clear behind its 220 to STARTTLS.
    InjectsBehindStartTls,
    /// Has TLS 1.1 and nothing newer.
    OldTls,
    /// Accepts connections and says nothing.
    Silent,
    /// Sends an octet of its greeting now and then, and never ends it.
    Trickles,
    /// Sends line after line of a greeting that has no last one.
    GreetsForEver,
    /// Greets with 554.
    Unwelcoming,
    /// Reads part of a message and hangs up.
    DropsInText,
    /// Reads a message whole, and never answers.
    SilentAfterText,
    /// Answers the third MAIL of each connection with 421, and hangs up.
    BusyAtThird,
}

/// A message that such a host took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenMessage {
    /// To whom.
    pub recipients: Vec<String>,
    /// On its how manieth connection, from 1.
    pub connection: usize,
    /// Whether inside TLS.
    pub in_tls: bool,
}

/// A running host. Its threads end with the process.
#[derive(Clone)]
pub struct MisbehavingHost {
    manner: Manner,
    tls: Arc<ServerConfig>,
    old_tls: Option<Arc<OldTls>>,
    taken: Arc<Mutex<Vec<TakenMessage>>>,
    connections: Arc<AtomicUsize>,
}

impl MisbehavingHost {
    /// Starts one on an address of loopback.
    ///
    /// # Errors
    /// When the address is taken, or the certificate cannot be used.
    pub fn start(address: Ipv4Addr, port: u16, manner: Manner, certificate: &CertificateFiles) -> Result<Self> {
        let chain = CertificateDer::pem_file_iter(certificate.chain())?.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(certificate.key())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let tls = Arc::new(builder.with_no_client_auth().with_single_cert(chain, key)?);
        let old_tls = match manner {
            Manner::OldTls => Some(Arc::new(OldTls::start(certificate)?)),
            _ => None,
        };
        let listener = TcpListener::bind((address, port)).with_context(|| format!("{address}:{port}"))?;
        let host = Self { manner, tls, old_tls, taken: Arc::default(), connections: Arc::default() };
        let shared = host.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let host = shared.clone();
                // However a conversation ends, the next one is not concerned.
                std::thread::spawn(move || drop(host.serve(stream)));
            }
        });
        Ok(host)
    }

    /// What it took.
    pub fn taken(&self) -> MutexGuard<'_, Vec<TakenMessage>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connections that were made to it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn serve(&self, socket: TcpStream) -> Result<()> {
        let connection = self.connections.fetch_add(1, Ordering::SeqCst) + 1;
        socket.set_nodelay(true)?;
        let mut talk = Talk { io: BufReader::new(Box::new(socket.try_clone()?)), socket, in_tls: false };
        match self.manner {
            Manner::Silent => return talk.wait_for_end(),
            Manner::Trickles => return talk.trickle(b"220-I"),
            Manner::GreetsForEver => loop {
                talk.say("220-welcome")?;
            },
            Manner::Unwelcoming => talk.say("554 5.7.1 no mail from you")?,
            _ => talk.say("220 host.example ESMTP")?,
        }
        self.converse(talk, connection)
    }

    fn converse(&self, mut talk: Talk, connection: usize) -> Result<()> {
        let mut recipients = Vec::new();
        let mut messages = 0;
        loop {
            let line = talk.line()?;
            let (verb, argument) = line.split_at(line.find([' ', ':']).unwrap_or(line.len()));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => talk.say(self.offer(talk.in_tls))?,
                "STARTTLS" => talk = self.start_tls(talk)?,
                "MAIL" => {
                    messages += 1;
                    recipients.clear();
                    if self.manner == Manner::BusyAtThird && messages == 3 {
                        talk.say("421 4.3.2 too busy, come back")?;
                        return talk.hang_up();
                    }
                    talk.say("250 2.1.0 ok")?;
                }
                "RCPT" => {
                    let address = argument.split(['<', '>']).nth(1).context("no address")?;
                    recipients.push(address.to_owned());
                    talk.say("250 2.1.5 ok")?;
                }
                "DATA" => {
                    talk.say("354 go on")?;
                    match self.manner {
                        Manner::DropsInText => {
                            talk.io.read_exact(&mut vec![0; READ_BEFORE_DROPPING])?;
                            return talk.hang_up();
                        }
                        Manner::SilentAfterText => {
                            talk.text()?;
                            return talk.wait_for_end();
                        }
                        _ => talk.text()?,
                    }
                    let recipients = std::mem::take(&mut recipients);
                    self.taken().push(TakenMessage { recipients, connection, in_tls: talk.in_tls });
                    talk.say("250 2.0.0 taken")?;
                }
                "QUIT" => {
                    talk.say("221 2.0.0 bye")?;
                    return talk.hang_up();
                }
                _ => talk.say("250 2.0.0 ok")?,
            }
        }
    }

    fn offer(&self, in_tls: bool) -> &'static str {
        if in_tls || self.manner == Manner::NoStartTls {
            "250-host.example\r\n250 PIPELINING"
        } else {
            "250-host.example\r\n250-PIPELINING\r\n250 STARTTLS"
        }
    }

    fn start_tls(&self, mut talk: Talk) -> Result<Talk> {
        match self.manner {
            Manner::RefusesStartTls => {
                talk.say("454 4.7.0 TLS is out of order")?;
                return Ok(talk);
            }
            Manner::InjectsBehindStartTls => {
                talk.say("220 go ahead\r\n250 2.0.0 so it was said")?;
                talk.wait_for_end()?;
            }
            _ => talk.say("220 go ahead")?,
        }
        if matches!(self.manner, Manner::BreaksHandshake | Manner::AlertsHandshake) {
            // The beginning of what the client says, so that what follows is not taken for part of the reply in clear.
            talk.socket.read_exact(&mut [0; 5])?;
            if self.manner == Manner::AlertsHandshake {
                talk.socket.write_all(FATAL_ALERT)?;
                talk.wait_for_end()?;
            }
            talk.hang_up()?;
        }
        if let Some(old) = &self.old_tls {
            old.pass_on(&talk.socket)?;
            bail!("the conversation ended in TLS");
        }
        let mut connection = ServerConnection::new(Arc::clone(&self.tls))?;
        let mut socket = talk.socket.try_clone()?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        let io: Box<dyn ReadWrite> = Box::new(StreamOwned::new(connection, socket));
        Ok(Talk { io: BufReader::new(io), socket: talk.socket, in_tls: true })
    }
}

trait ReadWrite: Read + Write + Send {}
impl<T: Read + Write + Send> ReadWrite for T {}

/// One side of a conversation.
struct Talk {
    io: BufReader<Box<dyn ReadWrite>>,
    socket: TcpStream,
    in_tls: bool,
}

impl Talk {
    fn say(&mut self, line: &str) -> Result<()> {
        let io = self.io.get_mut();
        io.write_all(format!("{line}\r\n").as_bytes())?;
        Ok(io.flush()?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.io.read_line(&mut line)? == 0 {
            bail!("the client went away");
        }
        Ok(line.trim_end().to_owned())
    }

    /// Reads to the final dot.
    fn text(&mut self) -> Result<()> {
        while self.line()? != "." {}
        Ok(())
    }

    fn hang_up(&self) -> Result<()> {
        Ok(self.socket.shutdown(Shutdown::Both)?)
    }

    /// Says nothing until the client has gone.
    fn wait_for_end(&mut self) -> Result<()> {
        while self.io.read(&mut [0; 1024])? > 0 {}
        Ok(())
    }

    /// An octet at a time, the last one over and over, until the client has gone.
    fn trickle(&mut self, octets: &[u8]) -> Result<()> {
        self.socket.set_read_timeout(Some(TRICKLE))?;
        let (last, first) = octets.split_last().context("something to say")?;
        for octet in first.iter().chain(std::iter::repeat(last)) {
            match self.socket.read(&mut [0; 1]) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    self.socket.write_all(&[*octet])?;
                }
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        Ok(())
    }
}

/// An `openssl s_server` that has no TLS newer than 1.1.
struct OldTls {
    child: Child,
    port: u16,
}

impl OldTls {
    fn start(certificate: &CertificateFiles) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("openssl");
        command.args(["s_server", "-quiet", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
        command.arg("-accept").arg(format!("127.0.0.1:{port}"));
        command.arg("-cert").arg(certificate.chain()).arg("-key").arg(certificate.key());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let server = Self { child, port };
        wait_for_port(port)?;
        Ok(server)
    }

    /// Carries octets between a client and the server until either ends.
    fn pass_on(&self, client: &TcpStream) -> Result<()> {
        let server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)))?;
        let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
        let there = std::thread::spawn(move || {
            drop(std::io::copy(&mut from, &mut to));
            drop(to.shutdown(Shutdown::Write));
        });
        let (mut from, mut to) = (server, client.try_clone()?);
        drop(std::io::copy(&mut from, &mut to));
        client.shutdown(Shutdown::Both)?;
        drop(there.join());
        Ok(())
    }
}

impl Drop for OldTls {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
