//! What became of a message, and of a connection.

use posthouse_sasl as sasl;
use thiserror::Error;

use super::reply::{PeerReply, ReplyError};

/// Where in the conversation something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The greeting.
    Greeting,
    /// EHLO, HELO or LHLO.
    Ehlo,
    /// STARTTLS or the handshake.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA, before the text.
    Data,
    /// The text.
    Body,
    /// The end of the text: the server has all of it.
    EndOfBody,
    /// RSET.
    Reset,
    /// Between messages.
    Idle,
    /// QUIT.
    Quit,
}

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The other server has taken responsibility.
    Delivered(PeerReply),
    /// Not now; it may be tried again.
    Temporary(Cause),
    /// Never, there.
    Permanent(Cause),
}

/// Why a recipient was not delivered to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The other server said so.
    Reply {
        /// To what.
        stage: Stage,
        /// What it said.
        reply: PeerReply,
    },
    /// The connection failed.
    Connection {
        /// When.
        stage: Stage,
        /// How.
        failure: Box<ClientFailure>,
    },
    /// The message has octets beyond 127 and the server does not offer 8BITMIME (RFC 6152 §3).
    Needs8BitMime,
    /// The message is binary and the server does not offer both CHUNKING and BINARYMIME (RFC 3030 §3).
    NeedsBinaryMime,
    /// An address or the header is beyond ASCII and the server does not offer SMTPUTF8 (RFC 6531 §3.2).
    NeedsSmtpUtf8,
    /// The message demands REQUIRETLS, and the server does not offer it or the connection has no TLS (RFC 8689 §4.2.1).
    NeedsRequireTls,
    /// The message is to be returned unless it is delivered in time, and the server does not offer DELIVERBY, or only with
    /// more time than there is (RFC 2852 §4.1.4.1).
    NeedsDeliverBy,
    /// The server announces a smaller limit (RFC 1870 §6.1).
    TooLarge {
        /// Its limit, in octets.
        limit_bytes: u64,
    },
    /// More recipients than the server takes at once (RFC 9422); they have to go in another transaction.
    TooManyRecipients {
        /// Its limit.
        limit: usize,
    },
    /// The driver could not supply the text.
    BodyUnavailable,
}

/// What became of a message: one entry for each recipient, in the order of the envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionOutcome {
    /// One entry for each recipient.
    pub recipients: Vec<DeliveryOutcome>,
    /// Whether the server got the whole message and its final reply was not seen: it may have been delivered, and to
    /// send it again may double it.
    pub uncertain: bool,
}

/// Why a session failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClientFailure {
    /// The server does not want us.
    #[error("the server refuses at {stage:?}: {reply}")]
    Refused {
        /// When it said so.
        stage: Stage,
        /// What it said.
        reply: PeerReply,
    },
    /// The server goes away: 421 (RFC 5321 §3.8).
    #[error("the server closes the connection: {0}")]
    ServiceClosing(PeerReply),
    /// TLS is required and STARTTLS is not offered.
    #[error("the server does not offer STARTTLS")]
    TlsNotOffered,
    /// TLS is required and STARTTLS is refused.
    #[error("the server refuses STARTTLS: {0}")]
    TlsRefused(PeerReply),
    /// The handshake failed; why, the driver knows.
    #[error("the TLS handshake failed")]
    TlsHandshake,
    /// Bytes in clear text behind the reply to STARTTLS: someone on the way put them there (CVE-2021-38371 family).
    #[error("clear text behind the reply to STARTTLS")]
    InjectedPlaintext,
    /// Authentication is wanted and no mechanism fits both sides.
    #[error("no authentication mechanism that we may use is offered")]
    NoMechanism,
    /// The server does not accept our credentials.
    #[error("authentication refused: {reply}")]
    AuthenticationRefused {
        /// What it said.
        reply: PeerReply,
        /// Why it does not take a token, in its word for it, such as `invalid_token` (RFC 7628 §3.2.2).
        token_error: Option<String>,
    },
    /// An exchange failed on our side.
    #[error("authentication failed: {0}")]
    Authentication(#[from] sasl::ClientFailure),
    /// The server was silent for too long.
    #[error("timeout at {0:?}")]
    Timeout(Stage),
    /// The connection was lost.
    #[error("the connection was lost at {0:?}")]
    ConnectionLost(Stage),
    /// What the server said is no reply.
    #[error("not a reply: {0}")]
    BadReply(#[from] ReplyError),
    /// The server said something that has no place there.
    #[error("an unexpected reply at {stage:?}: {reply}")]
    UnexpectedReply {
        /// When.
        stage: Stage,
        /// What.
        reply: PeerReply,
    },
    /// The driver gave up in the middle of a message.
    #[error("the message was given up")]
    GivenUp,
}
