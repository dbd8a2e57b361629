//! What SMTP says about a message besides the message: sender, recipients and their parameters.

use crate::address::{Address, ReversePath};
use crate::deliver_by::DeliverBy;
use crate::future_release::FutureRelease;

/// Declared type of the body (RFC 6152, RFC 3030).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyType {
    /// `7BIT`.
    #[default]
    SevenBit,
    /// `8BITMIME`.
    EightBitMime,
    /// `BINARYMIME`.
    BinaryMime,
}

/// `RET` of RFC 3461 §4.3: how much of the message a failure report brings back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DsnReturn {
    /// The whole message.
    Full,
    /// Only its header.
    Headers,
}

/// `NOTIFY` of RFC 3461 §4.1: when the sender wants to be told. All false is `NEVER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DsnNotify {
    /// When it has been delivered.
    pub success: bool,
    /// When it cannot be delivered.
    pub failure: bool,
    /// When delivery takes longer than usual.
    pub delay: bool,
}

impl DsnNotify {
    /// What holds when the client says nothing: tell of failure, and of delay if the server does that.
    pub const DEFAULT: Self = Self { success: false, failure: true, delay: true };
    /// Never tell anything.
    pub const NEVER: Self = Self { success: false, failure: false, delay: false };
}

/// One `RCPT TO` with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Where the message is to go.
    pub address: Address,
    /// `NOTIFY`; `None` when the client did not say (RFC 3461 §4.1).
    pub notify: Option<DsnNotify>,
    /// `ORCPT` as the client wrote it, `addr-type;xtext` (RFC 3461 §4.2), at most 500 octets.
    pub original: Option<String>,
}

impl Recipient {
    /// A recipient without parameters.
    pub fn new(address: Address) -> Self {
        Self { address, notify: None, original: None }
    }
}

/// A whole SMTP envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// `MAIL FROM`.
    pub sender: ReversePath,
    /// `BODY`.
    pub body_type: BodyType,
    /// Whether `SMTPUTF8` was given (RFC 6531).
    pub smtputf8: bool,
    /// Whether `REQUIRETLS` was given (RFC 8689).
    pub require_tls: bool,
    /// `RET`.
    pub dsn_return: Option<DsnReturn>,
    /// `ENVID`, still xtext encoded, at most 100 octets (RFC 3461 §4.4).
    pub envelope_id: Option<String>,
    /// `SIZE` as declared, in octets (RFC 1870).
    pub declared_size_bytes: Option<u64>,
    /// `HOLDFOR` or `HOLDUNTIL` (RFC 4865).
    pub future_release: Option<FutureRelease>,
    /// `BY` (RFC 2852).
    pub deliver_by: Option<DeliverBy>,
    /// `RCPT TO`, in the order given, as many as were accepted.
    pub recipients: Vec<Recipient>,
}

impl Envelope {
    /// An envelope from `sender` to nobody yet.
    pub fn new(sender: ReversePath) -> Self {
        Self {
            sender,
            body_type: BodyType::SevenBit,
            smtputf8: false,
            require_tls: false,
            dsn_return: None,
            envelope_id: None,
            declared_size_bytes: None,
            future_release: None,
            deliver_by: None,
            recipients: Vec::new(),
        }
    }
}
