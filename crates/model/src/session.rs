//! The contract between a protocol session and its driver.
//!
//! A session is a state machine without I/O. Its driver feeds it what happens and does what it says:
//!
//! ```text
//! session.receive(bytes)   session.wake(now)   session.answer(id, answer)
//! session.next() -> Some(Send | Ask | Body | StartTls | StartCompression | WakeAt | Close) | None
//! ```
//!
//! The driver calls `next` until it returns `None`; only then does it read from the socket again, and only when
//! the session [wants input](Session::wants_input). While a question is open a session takes no further command,
//! so what a client pipelines waits in the socket, and memory stays bounded by one read buffer.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::time::Instant;

/// Names one question of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId(pub u32);

/// What the driver has to do next. `Debug` shows the length of what goes over the wire, never the octets.
#[derive(PartialEq, Eq)]
pub enum Step<Q> {
    /// Write these bytes. Consecutive sends may be joined into one write.
    Send(Bytes),
    /// Find the answer and bring it back by `answer`.
    Ask(QuestionId, Q),
    /// A piece of the message that the client is transferring, in order and already unstuffed.
    Body(Bytes),
    /// Flush, then start the TLS handshake; call `tls_established` when it is done.
    StartTls,
    /// Flush, then compress all that is sent, and decompress all that is received, by DEFLATE. The session goes on at
    /// once; asked for only while no input is left that was received before.
    StartCompression,
    /// Call `wake` at this time unless something happens before; replaces any earlier wish.
    WakeAt(Instant),
    /// Flush, then close the connection.
    Close(CloseReason),
}

impl<Q: fmt::Debug> fmt::Debug for Step<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(bytes) => write!(f, "Send({} octets)", bytes.len()),
            Self::Body(bytes) => write!(f, "Body({} octets)", bytes.len()),
            Self::Ask(id, question) => f.debug_tuple("Ask").field(id).field(question).finish(),
            Self::StartTls => f.write_str("StartTls"),
            Self::StartCompression => f.write_str("StartCompression"),
            Self::WakeAt(at) => f.debug_tuple("WakeAt").field(at).finish(),
            Self::Close(reason) => f.debug_tuple("Close").field(reason).finish(),
        }
    }
}

/// Why a session ends. For the log, and so that the driver knows whether to count it against the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client said goodbye.
    Quit,
    /// The client was silent, or too slow, for longer than the limit of its state.
    Timeout,
    /// Too many errors, or too many commands that did nothing.
    TooManyErrors,
    /// Bytes in clear text behind STARTTLS (CVE-2011-0411 family).
    PipelinedStartTls,
    /// The client broke the protocol beyond repair.
    ProtocolError,
    /// Looks like TLS on a plain port, or the other way round.
    WrongTransport,
    /// The server is going down.
    Shutdown,
    /// Authentication failed too often.
    AuthenticationFailures,
    /// Who signed in may not do so any more.
    SignedOut,
}

/// A protocol session, seen by its driver. Answers and notices differ by protocol and are methods of each session.
pub trait Session {
    /// What the session asks.
    type Question;
    /// What the driver answers.
    type Answer;

    /// Takes bytes from the peer. Call only while [`Self::wants_input`] is true.
    fn receive(&mut self, bytes: &[u8], now: Instant);

    /// The peer closed its side.
    fn receive_eof(&mut self, now: Instant);

    /// Time has passed.
    fn wake(&mut self, now: Instant);

    /// Brings the answer to the question `id`. An answer to a question that is not open is ignored.
    fn answer(&mut self, id: QuestionId, answer: Self::Answer, now: Instant);

    /// The handshake that [`Step::StartTls`] asked for, or implicit TLS, is complete.
    fn tls_established(&mut self, tls: TlsInfo, now: Instant);

    /// The server wants to end: say so politely at the next moment the protocol allows.
    fn shut_down(&mut self, now: Instant);

    /// Who signed in may not use this service any more: say so and end, at the next moment the protocol allows.
    fn sign_out(&mut self, now: Instant) {
        self.shut_down(now);
    }

    /// The next thing to do; `None` when there is nothing until something happens.
    fn next(&mut self) -> Option<Step<Self::Question>>;

    /// Whether the session can take more bytes now.
    fn wants_input(&self) -> bool;
}

/// Who is on the other side, as far as the connection itself tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The client, after PROXY protocol if a trusted proxy spoke it.
    pub remote: SocketAddr,
    /// The address of ours that it reached.
    pub local: SocketAddr,
}

/// What a session needs to know about the TLS under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsInfo {
    /// For people and `Received` fields, such as `TLS1.3`.
    pub version: String,
    /// The suite's IANA name, such as `TLS_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
    /// The name the client asked for.
    pub server_name: Option<String>,
    /// Channel binding `tls-exporter` (RFC 9266), on TLS 1.3.
    pub tls_exporter: Option<Vec<u8>>,
    /// Channel binding `tls-server-end-point` (RFC 5929 §4).
    pub tls_server_end_point: Option<Vec<u8>>,
    /// What the other side proved by a certificate that was asked for and held up; `None` if it showed none.
    pub client_certificate: Option<ClientCertificate>,
}

/// What a client's certificate proves, once its chain and its dates have been verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The mail addresses of its subject alternative names (rfc822Name, RFC 5280 §4.2.1.6), as they stand in it.
    pub addresses: Vec<String>,
}

/// When a listener speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// From the first byte.
    Implicit,
    /// After STARTTLS or STLS, before which nothing of weight is answered.
    StartTlsRequired,
    /// After STARTTLS or STLS, if the client wants.
    StartTlsOptional,
    /// Never.
    None,
}
