//! One connection to a host: does what the client's session says.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use posthouse_flow::{DeliveryResult, Protection, RecipientResult};
use posthouse_model::Domain;
use posthouse_model::session::TlsInfo;
use posthouse_model::time::Instant;
use posthouse_smtp::Extension;
use posthouse_smtp::client::{ClientConfig, ClientFailure, ClientSession, ClientStep, TransactionOutcome};
use posthouse_tls::{ClientAttempt, PeerVerification, TlsFacts, TlsFailure, client_channel_bindings};
use tokio_rustls::TlsConnector;

use super::MAX_MESSAGES_PER_CONNECTION;
use super::cause::kind_of;
use super::wire::{Progress, Wire};

/// Octets read at once. Replies are short.
const READ_BYTES: usize = 4096;
/// How long the end of a connection may take.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(1);

/// What a session is waiting for its driver to decide.
#[derive(Debug)]
pub(super) enum Event {
    /// Ready for a message.
    Ready,
    /// The next piece of the message is wanted.
    NeedBody,
    /// What became of the message.
    Outcome(TransactionOutcome),
    /// It is over.
    Closed(Result<(), ClientFailure>),
}

/// TLS for one connection, and how the handshake went.
pub(super) struct Handshake {
    pub attempt: ClientAttempt,
    pub time_limit: Duration,
    pub failure: Option<TlsFailure>,
}

/// One connection to a host.
pub(super) struct Connection {
    wire: Option<Wire>,
    pub(super) session: ClientSession,
    began: tokio::time::Instant,
    wake_at: Option<Instant>,
    handshake: Option<Handshake>,
    facts: Option<TlsFacts>,
    /// Whether what the session says can still be written.
    can_write: bool,
    /// Whether a key is to be derived from a password, which takes a while, before the session is ready.
    derives_keys: bool,
    buffer: Box<[u8]>,
    /// Host and address, for people.
    host: String,
    write_limit: Duration,
    messages: usize,
    max_messages: usize,
    is_over: bool,
}

impl Connection {
    /// `write_limit` is how long the host may take none of what is written.
    pub fn new(
        wire: Wire,
        session: ClientSession,
        handshake: Option<Handshake>,
        host: String,
        write_limit: Duration,
    ) -> Self {
        Self {
            wire: Some(wire),
            session,
            began: tokio::time::Instant::now(),
            wake_at: None,
            handshake,
            facts: None,
            can_write: true,
            derives_keys: false,
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            host,
            write_limit,
            messages: 0,
            max_messages: MAX_MESSAGES_PER_CONNECTION,
            is_over: false,
        }
    }

    /// Has the session work on another thread until it is ready, because it will derive keys.
    pub fn expect_key_derivation(&mut self) {
        self.derives_keys = true;
    }

    /// Has it carry no more messages than so many.
    pub fn limit_messages(&mut self, most: Option<usize>) {
        self.max_messages = most.unwrap_or(usize::MAX).min(MAX_MESSAGES_PER_CONNECTION);
    }

    /// What is known of TLS, inside it.
    pub fn tls_facts(&self) -> Option<&TlsFacts> {
        self.facts.as_ref()
    }

    /// How the handshake failed, if it did.
    pub fn tls_failure(&mut self) -> Option<TlsFailure> {
        self.handshake.as_mut().and_then(|handshake| handshake.failure.take())
    }

    pub fn now(&self) -> Instant {
        Instant(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Whether the host takes another message on this connection.
    pub fn takes_more(&self) -> bool {
        let theirs = self.session.extensions().max_messages.unwrap_or(usize::MAX);
        !self.is_over && self.messages < theirs.min(self.max_messages)
    }

    /// Whether it makes sense to keep the connection for later.
    pub fn can_be_kept(&self) -> bool {
        self.can_write && self.takes_more()
    }

    /// Whether a kept connection can be used: the host has neither closed it nor said anything.
    pub async fn is_alive(&mut self) -> bool {
        match &mut self.wire {
            Some(wire) => wire.is_quiet().await,
            None => false,
        }
    }

    pub fn count_message(&mut self) {
        self.messages += 1;
    }

    /// What is told of a message that went over this connection.
    pub fn result(&self, recipients: Vec<RecipientResult>) -> DeliveryResult {
        DeliveryResult {
            recipients,
            tls: self.facts.as_ref().map(words_of),
            protection: self.facts.as_ref().map_or(Protection::Clear, protection_of),
            host: self.host.clone(),
            offers_dsn: self.session.extensions().offers(Extension::Dsn),
            offers_deliver_by: self.session.extensions().offers(Extension::DeliverBy),
        }
    }

    /// Says goodbye, and waits for the answer as long as the session does.
    pub async fn quit(mut self) {
        if self.is_over {
            return;
        }
        self.session.quit(self.now());
        while !matches!(Box::pin(self.drive()).await, Event::Closed(_)) {}
    }

    /// Goes on until there is something to decide.
    pub async fn drive(&mut self) -> Event {
        loop {
            let Some(step) = self.session.next() else {
                self.wait().await;
                continue;
            };
            match step {
                ClientStep::Send(bytes) => self.send(bytes).await,
                ClientStep::StartTls => self.start_tls().await,
                ClientStep::WakeAt(at) => self.wake_at = Some(at),
                ClientStep::Ready => {
                    self.derives_keys = false;
                    return Event::Ready;
                }
                // The host's last words may still be there to be read.
                ClientStep::NeedBody if !self.can_write => self.wait().await,
                ClientStep::NeedBody => return Event::NeedBody,
                ClientStep::Outcome(outcome) => return Event::Outcome(outcome),
                ClientStep::Close(result) => {
                    self.close().await;
                    return Event::Closed(result);
                }
            }
        }
    }

    async fn close(&mut self) {
        self.is_over = true;
        if let Some(mut wire) = self.wire.take() {
            let last = async {
                use tokio::io::AsyncWriteExt as _;
                let _ = wire.shutdown().await;
            };
            // Nothing depends on it, so a host that does not read is not waited for.
            let _ = tokio::time::timeout(LAST_WORDS_LIMIT, last).await;
        }
    }

    /// Writes all of `bytes`, listening meanwhile.
    async fn send(&mut self, bytes: Bytes) {
        let mut rest = &bytes[..];
        // A session that is over may still have a last word; one that ends meanwhile has no use for the rest.
        let was_open = self.session.wants_input();
        while !rest.is_empty() && self.can_write && self.session.wants_input() == was_open {
            let Some(wire) = &mut self.wire else { return };
            let progress = tokio::time::timeout(self.write_limit, wire.write_or_read(rest, &mut self.buffer)).await;
            match progress {
                Ok(Ok(Progress::Wrote(0)) | Err(_)) => self.can_write = false,
                Ok(Ok(Progress::Wrote(count))) => rest = &rest[count..],
                Ok(Ok(Progress::Read(count))) => {
                    self.can_write = count > 0;
                    self.take_input(count).await;
                }
                Err(_) if was_open => self.wake(),
                Err(_) => self.can_write = false,
            }
        }
    }

    /// Waits for the host, or for the time at which the session wants to be woken.
    async fn wait(&mut self) {
        let until = self.wake_instant();
        let Some(wire) = &mut self.wire else { return self.session.receive_eof(self.now()) };
        match tokio::time::timeout_at(until, wire.flush_and_read(&mut self.buffer)).await {
            Ok(Ok(count)) => self.take_input(count).await,
            Ok(Err(error)) => {
                // In TLS 1.3 a host says only now what it thinks of our certificate.
                if let (Some(handshake), Some(_)) = (&mut self.handshake, error.get_ref()) {
                    handshake.failure = Some(TlsFailure::classify_io(&error));
                }
                let now = self.now();
                self.session.receive_eof(now);
            }
            Err(_) => self.wake(),
        }
    }

    async fn take_input(&mut self, count: usize) {
        let now = self.now();
        if count == 0 {
            return self.session.receive_eof(now);
        }
        if !self.derives_keys {
            return self.session.receive(&self.buffer[..count], now);
        }
        let input = Bytes::copy_from_slice(&self.buffer[..count]);
        // A session that will never get anything keeps the place of the one that is away.
        let stand_in = ClientSession::new(ClientConfig::new(Domain::literal(Ipv4Addr::LOCALHOST.into())), now);
        let mut session = std::mem::replace(&mut self.session, stand_in);
        let worked = tokio::task::spawn_blocking(move || {
            session.receive(&input, now);
            session
        });
        match worked.await {
            Ok(session) => self.session = session,
            Err(_) => self.session.receive_eof(now),
        }
    }

    fn wake(&mut self) {
        let now = self.now();
        self.wake_at = None;
        self.session.wake(now);
    }

    fn wake_instant(&self) -> tokio::time::Instant {
        /// Longer than any limit of a session.
        const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
        let after = self.wake_at.map_or(LONGEST_WAIT, |at| Duration::from_millis(at.0));
        self.began + after
    }

    async fn start_tls(&mut self) {
        let outcome = match (self.wire.take(), &mut self.handshake) {
            (Some(Wire::Clear(stream)), Some(handshake)) => {
                let connector = TlsConnector::from(handshake.attempt.config());
                let shaken = Box::pin(connector.connect(handshake.attempt.server_name().clone(), stream));
                match tokio::time::timeout(handshake.time_limit, shaken).await {
                    Ok(Ok(stream)) => Ok(stream),
                    Ok(Err(error)) => Err(handshake.attempt.failure(&error)),
                    Err(_) => Err(TlsFailure::IoDuringHandshake { kind: std::io::ErrorKind::TimedOut }),
                }
            }
            _ => Err(TlsFailure::Internal { detail: "no handshake was prepared".to_owned() }),
        };
        let now = self.now();
        match (outcome, &mut self.handshake) {
            (Ok(stream), Some(handshake)) => {
                let (_, connection) = stream.get_ref();
                let facts = TlsFacts::of_client(connection, &handshake.attempt);
                let bindings = client_channel_bindings(connection);
                let info = TlsInfo {
                    version: facts.version.to_owned(),
                    cipher_suite: facts.cipher_suite.to_owned(),
                    server_name: facts.server_name.clone(),
                    tls_exporter: bindings.tls_exporter,
                    tls_server_end_point: bindings.tls_server_end_point,
                    client_certificate: None,
                };
                self.facts = Some(facts);
                self.wire = Some(Wire::Tls(Box::new(stream)));
                self.session.tls_established(info, now);
            }
            (Ok(_), None) => self.session.tls_failed(now),
            (Err(failure), handshake) => {
                if let Some(handshake) = handshake {
                    handshake.failure = Some(failure);
                }
                self.session.tls_failed(now);
            }
        }
    }

    /// Shakes hands before the first byte (RFC 8314 §3).
    pub async fn start_tls_at_once(&mut self) {
        self.start_tls().await;
    }
}

fn protection_of(facts: &TlsFacts) -> Protection {
    match &facts.verified {
        PeerVerification::Verified | PeerVerification::VerifiedByDane => Protection::Verified,
        PeerVerification::Failed(failure) => Protection::Encrypted(Some(kind_of(failure))),
        PeerVerification::NoCertificate => Protection::Encrypted(None),
    }
}

/// What is told of TLS, such as `TLS1.3 TLS_AES_256_GCM_SHA384, certificate verified`.
fn words_of(facts: &TlsFacts) -> String {
    match &facts.verified {
        PeerVerification::NoCertificate => format!("{facts}, no certificate"),
        other => format!("{facts}, certificate {other}"),
    }
}
