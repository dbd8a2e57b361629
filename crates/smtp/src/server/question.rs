//! What a server session asks its driver, and what the driver may answer: causes, never reply texts.

use posthouse_model::session::{Peer, TlsInfo};
use posthouse_model::{Envelope, JourneyId, Recipient, ReversePath};
use posthouse_sasl as sasl;
use posthouse_sasl::Mechanism;

use super::sending::SendingRefusal;
use crate::protocol::WithProtocol;

/// Who a client has shown to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Whose credentials were shown, as the client wrote it, prepared.
    pub authentication_id: String,
    /// As whom it acts; `None` if as itself.
    pub authorization_id: Option<String>,
    /// How it was shown.
    pub mechanism: Mechanism,
}

/// What a session asks. Each question but the notices waits for its [`Answer`]; an answer of another kind counts
/// as a temporary failure.
#[derive(Debug)]
pub enum Question {
    /// May an exchange begin? Answered by [`Answer::AuthenticationStart`].
    StartAuthentication {
        /// What the client has chosen.
        mechanism: Mechanism,
    },
    /// What an exchange has to know. Answered by [`Answer::Credentials`].
    Credentials(sasl::Question),
    /// The credentials are right: may this identity sign in here, and act as whom it wants? Answered by
    /// [`Answer::Authorization`].
    Authorize(Identity),
    /// A notice, not to be answered: an exchange has failed because of what the client sent. For throttling and the
    /// log; cancelled exchanges and unreadable ones are not told.
    AuthenticationFailed {
        /// The mechanism.
        mechanism: Mechanism,
        /// Why. The client is not told.
        failure: sasl::server::Failure,
    },
    /// Is this sender welcome? Answered by [`Answer::Sender`].
    AcceptSender {
        /// Everything MAIL said; no recipients yet.
        envelope: Box<Envelope>,
    },
    /// Is this recipient welcome? Answered by [`Answer::Recipient`].
    AcceptRecipient {
        /// From whom.
        sender: ReversePath,
        /// To whom, with parameters.
        recipient: Box<Recipient>,
        /// How many recipients of this message are accepted already.
        accepted: usize,
        /// How large the message is to be, if MAIL said so (RFC 1870 §6.1).
        size_bytes: Option<u64>,
    },
    /// The text is complete, all of it came as `Step::Body`: keep it. Answered by [`Answer::Store`] once it is durable,
    /// or refused.
    StoreMessage(Box<StoreMessage>),
    /// A notice, not to be answered: a trusted neighbour says (by XCLIENT) that it speaks for this client from now on, or
    /// what it said counts no more. Whoever signed in before has not.
    ClientChanged {
        /// Where the client is, and what it reached.
        peer: Peer,
    },
    /// A notice, not to be answered: the text that has come since the last `StoreMessage` is part of a message that
    /// will not be completed. Throw it away.
    MessageAborted,
}

impl Question {
    /// Whether this only tells something, so that no [`Answer`] is awaited.
    #[must_use]
    pub fn is_notice(&self) -> bool {
        matches!(self, Self::AuthenticationFailed { .. } | Self::ClientChanged { .. } | Self::MessageAborted)
    }
}

/// A complete message and what is known of how it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreMessage {
    /// Sender, recipients and their parameters.
    pub envelope: Envelope,
    /// The `with` word of `Received`.
    pub protocol: WithProtocol,
    /// What the client called itself, if it did.
    pub helo: String,
    /// Where it comes from.
    pub peer: Peer,
    /// The TLS it came through.
    pub tls: Option<TlsInfo>,
    /// Who it is.
    pub identity: Option<Identity>,
    /// Length of the text, in octets.
    pub size_bytes: u64,
    /// Whether the text has octets beyond 127, whatever BODY said.
    pub has_8bit: bool,
    /// The longest line of the text with its CRLF, in octets; 0 for BINARYMIME. Above 1000 it cannot be relayed
    /// unchanged (RFC 5321 §4.5.3.1.6).
    pub longest_line_bytes: usize,
}

/// What the driver answers.
#[derive(Debug)]
pub enum Answer {
    /// To [`Question::StartAuthentication`].
    AuthenticationStart(AuthenticationStart),
    /// To [`Question::Credentials`].
    Credentials(sasl::Answer),
    /// To [`Question::Authorize`].
    Authorization(AuthorizationAnswer),
    /// To [`Question::AcceptSender`].
    Sender(SenderVerdict),
    /// To [`Question::AcceptRecipient`].
    Recipient(RecipientVerdict),
    /// To [`Question::StoreMessage`].
    Store(StoreOutcome),
}

/// Whether an exchange may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationStart {
    /// It may.
    Permitted {
        /// Fresh random bytes, never used before.
        nonce: [u8; sasl::NONCE_BYTES],
        /// The time, in seconds since 1970.
        unix_time_seconds: u64,
    },
    /// Not now: too many have failed from there, or we are overloaded.
    Throttled,
}

/// Whether an identity may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationAnswer {
    /// It may.
    Granted,
    /// It may not.
    Refused(AuthorizationRefusal),
}

/// Why an identity may not sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationRefusal {
    /// It has no right to; the client is told that its credentials are invalid.
    Denied,
    /// Its password is right but too old.
    Expired,
    /// It cannot be told now.
    TemporaryFailure,
}

/// What is thought of a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderVerdict {
    /// Welcome.
    Accepted,
    /// Not welcome.
    Refused(SenderRefusal),
}

/// Why a sender is not welcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderRefusal {
    /// It does not belong to the identity that signed in.
    NotOwned,
    /// So much of it waits already to be let go (RFC 4865 §6).
    TooMuchHeld,
    /// Its domain does not exist.
    NoSuchDomain,
    /// Its domain says that it takes no mail (RFC 7505), so no bounce could go there.
    NullMx,
    /// Too much mail, for now.
    RateLimited,
    /// No room, for now.
    InsufficientStorage,
    /// It cannot be told now.
    TemporaryFailure,
    /// Whoever signed in may not send it, or not now.
    Sending(SendingRefusal),
    /// A rule of the house, with words for the client.
    Policy {
        /// The words.
        text: String,
    },
    /// A rule of the house that refuses for now, with words for the client.
    TemporaryPolicy {
        /// The words.
        text: String,
    },
}

/// What is thought of a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientVerdict {
    /// We take mail for it.
    Accepted,
    /// We do not.
    Refused(RecipientRefusal),
}

/// Why a recipient is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientRefusal {
    /// The domain is ours, the mailbox does not exist.
    NoSuchMailbox,
    /// The domain is not ours, and the client may not send elsewhere.
    RelayDenied,
    /// The domain does not exist.
    NoSuchDomain,
    /// The domain says that it takes no mail (RFC 7505).
    NullMx,
    /// No room, for now.
    MailboxFull,
    /// No room, and the sender is not to wait for it.
    MailboxFullForGood,
    /// The mailbox is switched off.
    MailboxDisabled,
    /// More than the client may have in one message, for now.
    TooManyRecipients,
    /// Too much mail, for now.
    RateLimited,
    /// Never seen before; come again.
    Greylisted,
    /// It cannot be told now.
    TemporaryFailure,
    /// Whoever signed in may not send it, or not now.
    Sending(SendingRefusal),
    /// A rule of the house, with words for the client.
    Policy {
        /// The words.
        text: String,
    },
    /// A rule of the house that refuses for now, with words for the client.
    TemporaryPolicy {
        /// The words.
        text: String,
    },
}

/// What became of a complete message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreOutcome {
    /// It is durable for all recipients.
    Stored {
        /// Its journey, told to the client.
        journey: JourneyId,
    },
    /// It is not, for any of them.
    Refused(MessageRefusal),
    /// One outcome for each recipient, in the order of the envelope. LMTP tells each (RFC 2033 §4.2). SMTP has one
    /// reply: if any recipient was stored it says so, and the others have to be told by a report; if none was, the
    /// first refusal is told that may pass, or else the first.
    PerRecipient(Vec<RecipientOutcome>),
}

/// What became of a message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientOutcome {
    /// It is durable.
    Stored {
        /// Its journey, told to the client.
        journey: JourneyId,
    },
    /// It is not.
    Refused(MessageRefusal),
}

/// Why a message is refused at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageRefusal {
    /// A recipient has ceased to exist since RCPT.
    NoSuchMailbox,
    /// `From` does not belong to the identity that signed in.
    FromNotOwned,
    /// The header breaks RFC 5322 beyond what can be tolerated.
    MalformedHeader,
    /// The header needs SMTPUTF8, which was not said.
    NonAsciiHeader,
    /// It is too large for some recipient.
    TooLarge,
    /// It has come by too often (RFC 5321 §6.3).
    RoutingLoop,
    /// No room, and there will be none.
    MailboxFull,
    /// SPF, DKIM or DMARC, with words for the client.
    Authentication {
        /// The words.
        text: String,
    },
    /// What it contains, with words for the client.
    Content {
        /// The words.
        text: String,
    },
    /// A content filter is against it, with the end of the enhanced code (RFC 3463 §2) and words for the client.
    Filtered {
        /// What the code is about.
        subject: u16,
        /// What about it.
        detail: u16,
        /// The words.
        text: String,
    },
    /// Whoever signed in may not send it, or not now.
    Sending(SendingRefusal),
    /// So much of whoever signed in waits already to be let go (RFC 4865 §6).
    TooMuchHeld,
    /// A rule of the house, with words for the client.
    Policy {
        /// The words.
        text: String,
    },
    /// Our disk is full, for now.
    InsufficientStorage,
    /// A mailbox is full, for now.
    MailboxFullForNow,
    /// Too much mail, for now.
    RateLimited,
    /// Something of ours fails, for now.
    TemporaryFailure,
    /// A rule of the house that refuses for now, with words for the client.
    TemporaryPolicy {
        /// The words.
        text: String,
    },
}
