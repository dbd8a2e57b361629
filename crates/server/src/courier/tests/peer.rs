//! A mail host on loopback that answers as a test tells it to.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What to do at a command; `None` for what a host ordinarily does.
pub type Answer = Option<Deed>;

/// Decides that: gets the number of the connection, from one, and the command line or one of the places below.
pub type Answering = dyn Fn(usize, &str) -> Answer + Send + Sync;

/// What a host does out of the ordinary.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    /// Says this.
    Say(&'static str),
    /// Says this and closes the connection.
    SayAndClose(&'static str),
    /// Says this, and then nothing any more.
    SayAndStop(&'static str),
    /// Closes the connection.
    Close,
    /// Never says anything any more.
    Silence,
}

/// A place in the conversation that has no command line of its own.
pub const GREETING: &str = "(greeting)";
pub const TEXT_BEGINS: &str = "(text begins)";
pub const TEXT_ENDS: &str = "(text ends)";

/// How a host behaves.
pub struct Manners {
    /// Offered in its reply to EHLO; STARTTLS comes by itself.
    pub extensions: Vec<&'static str>,
    /// Its certificate and key; none, no TLS.
    pub tls: Option<Arc<ServerConfig>>,
    /// Whether it speaks TLS from the first byte.
    pub implicit: bool,
    /// What follows the reply to STARTTLS in clear.
    pub injected: &'static str,
    /// So many first handshakes fail.
    pub broken_handshakes: usize,
    /// What is out of the ordinary.
    pub answer: Box<Answering>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            extensions: vec!["PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "DSN"],
            tls: None,
            implicit: false,
            injected: "",
            broken_handshakes: 0,
            answer: Box::new(|_, _| None),
        }
    }
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub in_tls: bool,
    pub recipients: usize,
    pub text: String,
}

/// What happened.
#[derive(Default)]
pub struct Log {
    pub connections: usize,
    pub commands: Vec<String>,
    pub taken: Vec<Taken>,
}

/// A running host; it ends when dropped.
pub struct Peer {
    pub address: SocketAddr,
    log: Arc<Mutex<Log>>,
    _task: JoinSet<()>,
}

impl Peer {
    pub async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Log::default()));
        let mut task = JoinSet::new();
        let (manners, shared) = (Arc::new(manners), Arc::clone(&log));
        task.spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut log = shared.lock();
                    log.connections += 1;
                    log.connections
                };
                let (manners, log) = (Arc::clone(&manners), Arc::clone(&shared));
                conversations.spawn(async move {
                    let _ = converse(Box::new(stream), number, &manners, &log).await;
                });
            }
        });
        Self { address, log, _task: task }
    }

    pub fn connections(&self) -> usize {
        self.log.lock().connections
    }

    pub fn commands(&self) -> Vec<String> {
        self.log.lock().commands.clone()
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.log.lock().taken.clone()
    }

    pub fn has_seen(&self, command: &str) -> bool {
        self.log.lock().commands.iter().any(|line| line.starts_with(command))
    }
}

/// A server's TLS from certificate and key in PEM.
pub fn tls_of(certificate: &str, key: &str) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
}

/// The same, which takes nobody whom the authority in `clients` has not certified.
pub fn tls_requiring(certificate: &str, key: &str, clients: &str) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(clients.as_bytes()).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap())
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

struct Conversation<'a> {
    io: BufReader<Box<dyn Io>>,
    number: usize,
    manners: &'a Manners,
    log: &'a Mutex<Log>,
    in_tls: bool,
    recipients: usize,
}

/// Ends the conversation.
struct Over;

impl From<std::io::Error> for Over {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

async fn converse(io: Box<dyn Io>, number: usize, manners: &Manners, log: &Mutex<Log>) -> Result<(), Over> {
    let mut talk = Conversation { io: BufReader::new(io), number, manners, log, in_tls: false, recipients: 0 };
    if manners.implicit {
        talk = talk.shake_hands().await?;
    }
    talk.say_or(GREETING, "220 peer.example ready").await?;
    loop {
        let mut line = String::new();
        if talk.io.read_line(&mut line).await? == 0 {
            return Err(Over);
        }
        let line = line.trim_end().to_owned();
        log.lock().commands.push(line.clone());
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => {
                let mut reply = "250-peer.example".to_owned();
                let starttls = manners.tls.is_some() && !talk.in_tls;
                for extension in manners.extensions.iter().copied().chain(starttls.then_some("STARTTLS")) {
                    reply += &format!("\r\n250-{extension}");
                }
                reply += "\r\n250 HELP";
                talk.say_or(&line, &reply).await?;
            }
            "STARTTLS" => {
                let reply = format!("220 go{}", manners.injected);
                if talk.say_or(&line, &reply).await? == Said::Ordinary {
                    talk = talk.shake_hands().await?;
                }
            }
            "RCPT" => {
                if talk.say_or(&line, "250 2.1.5 recipient ok").await? == Said::Ordinary {
                    talk.recipients += 1;
                }
            }
            "DATA" => {
                if talk.say_or(&line, "354 go ahead").await? == Said::Ordinary {
                    talk.take_text().await?;
                }
            }
            "BDAT" => {
                let words: Vec<&str> = line.split(' ').collect();
                let mut chunk = vec![0; words[1].parse().unwrap()];
                talk.io.read_exact(&mut chunk).await?;
                if words.get(2).is_some() {
                    talk.take(String::from_utf8_lossy(&chunk).into_owned());
                }
                talk.say_or(&line, "250 2.0.0 chunk ok").await?;
            }
            "QUIT" => {
                talk.say_or(&line, "221 bye").await?;
                return Err(Over);
            }
            _ => {
                talk.say_or(&line, "250 2.0.0 ok").await?;
            }
        }
    }
}

#[derive(PartialEq)]
enum Said {
    Ordinary,
    Else,
}

impl Conversation<'_> {
    async fn say_or(&mut self, place: &str, ordinary: &str) -> Result<Said, Over> {
        match (self.manners.answer)(self.number, place) {
            None => self.say(ordinary).await.map(|()| Said::Ordinary),
            Some(Deed::Say(line)) => self.say(line).await.map(|()| Said::Else),
            Some(Deed::SayAndClose(line)) => {
                self.say(line).await?;
                Err(Over)
            }
            Some(Deed::SayAndStop(line)) => {
                self.say(line).await?;
                std::future::pending().await
            }
            Some(Deed::Close) => Err(Over),
            Some(Deed::Silence) => std::future::pending().await,
        }
    }

    async fn say(&mut self, line: &str) -> Result<(), Over> {
        self.io.write_all(format!("{line}\r\n").as_bytes()).await?;
        Ok(self.io.flush().await?)
    }

    async fn take_text(&mut self) -> Result<(), Over> {
        let mut text = String::new();
        loop {
            let mut line = Vec::new();
            if self.io.read_until(b'\n', &mut line).await? == 0 {
                return Err(Over);
            }
            match (self.manners.answer)(self.number, TEXT_BEGINS).filter(|_| text.is_empty()) {
                None => {}
                Some(Deed::Silence) => std::future::pending().await,
                Some(_) => return Err(Over),
            }
            if line == b".\r\n" {
                break;
            }
            let line = String::from_utf8_lossy(&line).into_owned();
            text += line.strip_prefix('.').unwrap_or(&line);
        }
        if (self.manners.answer)(self.number, TEXT_ENDS).is_none() {
            self.take(text);
        }
        self.say_or(TEXT_ENDS, "250 2.0.0 taken").await.map(|_| ())
    }

    fn take(&mut self, text: String) {
        let taken = Taken { in_tls: self.in_tls, recipients: std::mem::take(&mut self.recipients), text };
        self.log.lock().taken.push(taken);
    }

    async fn shake_hands(self) -> Result<Self, Over> {
        if self.number <= self.manners.broken_handshakes {
            return Err(Over);
        }
        let config = self.manners.tls.clone().ok_or(Over)?;
        let stream = TlsAcceptor::from(config).accept(self.io.into_inner()).await?;
        Ok(Self { io: BufReader::new(Box::new(stream)), in_tls: true, ..self })
    }
}
