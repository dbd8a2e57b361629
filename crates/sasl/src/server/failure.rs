//! Why an exchange failed.

use super::{LineError, MAX_EXCHANGE_BYTES, PrepareError};
use crate::mechanism::Mechanism;
use crate::scram::message::MessageError;

/// Why an exchange failed. The text is for the log; what the client is told follows from [`Failure::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The client asked for a mechanism that this connection does not offer.
    #[error("the mechanism {0} is not offered here")]
    MechanismNotOffered(Mechanism),
    /// The client sent an initial response where the server begins (RFC 4954 §4).
    #[error("an initial response to a mechanism that the server begins")]
    UnexpectedInitialResponse,
    /// The client gave up.
    #[error("the client cancelled")]
    Cancelled,
    /// A response is longer than the limit.
    #[error("a response of {bytes} bytes, more than {limit}")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A line is not base64.
    #[error("the response is not base64")]
    Base64,
    /// A message breaks the grammar of its mechanism; the word says where.
    #[error("the message does not follow the grammar: {0}")]
    Grammar(&'static str),
    /// A message of SCRAM holds an extension that must be understood (RFC 5802 §5.1).
    #[error("the message holds a mandatory extension")]
    MandatoryExtension,
    /// The client and we do not agree on the TLS channel between us.
    #[error("channel binding: {0}")]
    ChannelBinding(#[from] ChannelBindingFailure),
    /// The client's last message does not repeat our nonce (RFC 5802 §5.1, attribute r).
    #[error("the nonce is not the one of this exchange")]
    NonceMismatch,
    /// A name cannot be prepared.
    #[error("the name cannot be used: {0}")]
    Name(PrepareError),
    /// A password cannot be prepared.
    #[error("the password cannot be used: {0}")]
    Password(PrepareError),
    /// The password or the proof is wrong, or there is no such user; which of them is not told apart here.
    #[error("wrong credentials")]
    InvalidCredentials,
    /// The house cannot tell now.
    #[error("credentials cannot be checked now")]
    TemporarilyUnavailable,
    /// A fault of ours: the caller brought an answer to no question, a response to no challenge, or went on after
    /// the end.
    #[error("the exchange was driven out of step")]
    OutOfStep,
}

/// How the two ends of a TLS channel can disagree about it (RFC 5802 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChannelBindingFailure {
    /// The client believes that we have no channel binding, but we offered it: someone took it out of the offer.
    #[error("the client did not see that we offer it; the offer was changed on the way")]
    Downgrade,
    /// The client binds with a mechanism that is not -PLUS, or does not with one that is.
    #[error("the mechanism and the client's flag do not fit together")]
    FlagMismatch,
    /// The client binds by a type that we do not have on this channel.
    #[error("a type that this channel does not have")]
    UnsupportedType,
    /// The client is bound to another channel than ours: someone stands between.
    #[error("the client is bound to another channel")]
    DataMismatch,
}

/// What kind of failure it is, which decides the reply of a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// No such mechanism here (SMTP 504 5.5.4).
    NotOffered,
    /// The client cancelled (SMTP 501 5.7.0; RFC 4954 §4).
    Cancelled,
    /// The client sent too much (SMTP 500 5.5.6).
    TooLong,
    /// The client sent what cannot be read (SMTP 501 5.5.2).
    Syntax,
    /// The credentials do not suffice (SMTP 535 5.7.8). Counts as a failed attempt to log in.
    Credentials,
    /// Try again later (SMTP 454 4.7.0).
    Temporary,
    /// A fault of ours; to be told like [`FailureKind::Temporary`] and logged as an error.
    Internal,
}

impl Failure {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::MechanismNotOffered(_) => FailureKind::NotOffered,
            Self::Cancelled => FailureKind::Cancelled,
            Self::TooLong { .. } => FailureKind::TooLong,
            Self::UnexpectedInitialResponse | Self::Base64 | Self::Grammar(_) | Self::MandatoryExtension => {
                FailureKind::Syntax
            }
            Self::ChannelBinding(_)
            | Self::NonceMismatch
            | Self::Name(_)
            | Self::Password(_)
            | Self::InvalidCredentials => FailureKind::Credentials,
            Self::TemporarilyUnavailable => FailureKind::Temporary,
            Self::OutOfStep => FailureKind::Internal,
        }
    }

    /// The `server-error-value` of RFC 5802 §7, for a protocol that carries data beside its failure reply. That a
    /// user is unknown is never said: it looks like a wrong proof.
    #[must_use]
    pub fn scram_error(&self) -> &'static str {
        match self {
            Self::Base64 | Self::Grammar(_) | Self::TooLong { .. } => "invalid-encoding",
            Self::MandatoryExtension => "extensions-not-supported",
            Self::Name(_) => "invalid-username-encoding",
            Self::ChannelBinding(ChannelBindingFailure::Downgrade) => "server-does-support-channel-binding",
            Self::ChannelBinding(ChannelBindingFailure::FlagMismatch) => "channel-binding-not-supported",
            Self::ChannelBinding(ChannelBindingFailure::UnsupportedType) => "unsupported-channel-binding-type",
            Self::ChannelBinding(ChannelBindingFailure::DataMismatch) => "channel-bindings-dont-match",
            Self::InvalidCredentials => "invalid-proof",
            Self::TemporarilyUnavailable => "no-resources",
            Self::MechanismNotOffered(_)
            | Self::UnexpectedInitialResponse
            | Self::Cancelled
            | Self::NonceMismatch
            | Self::Password(_)
            | Self::OutOfStep => "other-error",
        }
    }

    /// The server-final message of SCRAM that says so.
    #[must_use]
    pub fn scram_server_final(&self) -> Vec<u8> {
        format!("e={}", self.scram_error()).into_bytes()
    }
}

impl From<LineError> for Failure {
    fn from(error: LineError) -> Self {
        match error {
            LineError::TooLong { bytes } => Self::TooLong { bytes, limit: MAX_EXCHANGE_BYTES },
            LineError::Base64 => Self::Base64,
        }
    }
}

impl From<MessageError> for Failure {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Grammar(place) => Self::Grammar(place),
            MessageError::MandatoryExtension => Self::MandatoryExtension,
        }
    }
}
