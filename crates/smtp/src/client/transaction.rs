//! One message on its way out: what is needed for it, and what has become of its recipients.

use std::collections::VecDeque;

use posthouse_model::{BodyType, ByMode, Envelope};

use super::outcome::{Cause, DeliveryOutcome, Stage, TransactionOutcome};
use super::reply::PeerReply;
use super::session::{ClientSession, ClientStep, State};
use crate::command::ByValue;
use crate::content::{DotEncoder, LineEndNormaliser};
use crate::extension::{Extension, PeerExtensions};

/// A message to be sent. Its text is supplied when it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// Sender, recipients and parameters. BODY is not taken from here but from the fields below.
    pub envelope: Envelope,
    /// Length of the text, in octets.
    pub size_bytes: u64,
    /// Whether the text has octets beyond 127.
    pub has_8bit: bool,
    /// Whether the text has NUL, or CR or LF outside of CRLF, and must arrive so.
    pub is_binary: bool,
    /// Whether the header has anything beyond ASCII. That of addresses is seen here.
    pub needs_smtputf8: bool,
    /// Within how many seconds it is to be delivered (RFC 2852), as of now; it is not taken from the envelope, which has
    /// a date.
    pub deliver_by: Option<ByValue>,
}

/// What is kept of a message while it is sent.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) message: OutgoingMessage,
    /// One for each recipient, once it is known.
    pub(super) outcomes: Vec<Option<DeliveryOutcome>>,
    /// Recipients to name, in order.
    pub(super) to_name: VecDeque<usize>,
    /// What was sent and not yet answered.
    pub(super) awaited: VecDeque<Awaited>,
    /// Whether MAIL was sent, and accepted.
    pub(super) mail_sent: bool,
    pub(super) mail_accepted: bool,
    /// Recipients that were accepted and wait for the final reply.
    pub(super) accepted: VecDeque<usize>,
    /// Whether the whole text was sent.
    pub(super) end_sent: bool,
    pub(super) normaliser: Option<LineEndNormaliser>,
    pub(super) encoder: DotEncoder,
    /// A chunk that is held back because it may be the last.
    pub(super) held: Option<bytes::Bytes>,
    /// Chunks that were sent and not yet answered.
    pub(super) chunks_awaited: usize,
    /// Why the message is given up although answers are still to come.
    pub(super) refused_chunk: Option<PeerReply>,
}

/// A command whose reply is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    Mail,
    Rcpt(usize),
}

impl Transaction {
    fn new(message: OutgoingMessage) -> Self {
        let recipients = message.envelope.recipients.len();
        let normaliser = (!message.is_binary).then(LineEndNormaliser::default);
        Self {
            message,
            outcomes: vec![None; recipients],
            to_name: VecDeque::new(),
            awaited: VecDeque::new(),
            mail_sent: false,
            mail_accepted: false,
            accepted: VecDeque::new(),
            end_sent: false,
            normaliser,
            encoder: DotEncoder::new(),
            held: None,
            chunks_awaited: 0,
            refused_chunk: None,
        }
    }

    /// Decides one recipient, unless it is decided.
    pub(super) fn decide(&mut self, recipient: usize, outcome: DeliveryOutcome) {
        if let Some(slot) = self.outcomes.get_mut(recipient) {
            slot.get_or_insert(outcome);
        }
    }

    /// Decides all that are undecided.
    pub(super) fn decide_rest(&mut self, outcome: &DeliveryOutcome) {
        for slot in &mut self.outcomes {
            slot.get_or_insert_with(|| outcome.clone());
        }
    }

    /// The outcome, in which whoever is undecided may be tried again because of `cause`.
    pub(super) fn into_outcome(self, cause: &Cause) -> TransactionOutcome {
        let lost = matches!(cause, Cause::Connection { .. });
        let uncertain = lost && self.end_sent && self.outcomes.iter().any(Option::is_none);
        let rest = match cause {
            Cause::Reply { reply, .. } if reply.is_permanent() => DeliveryOutcome::Permanent(cause.clone()),
            _ => DeliveryOutcome::Temporary(cause.clone()),
        };
        let recipients = self.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| rest.clone())).collect();
        TransactionOutcome { recipients, uncertain }
    }

    /// `BODY` as it has to be told.
    pub(super) fn body_type(&self) -> BodyType {
        if self.message.is_binary {
            BodyType::BinaryMime
        } else if self.message.has_8bit {
            BodyType::EightBitMime
        } else {
            BodyType::SevenBit
        }
    }

    /// Whether SMTPUTF8 has to be told.
    pub(super) fn needs_smtputf8(&self) -> bool {
        let envelope = &self.message.envelope;
        self.message.needs_smtputf8
            || envelope.sender.address().is_some_and(posthouse_model::Address::needs_smtputf8)
            || self.to_name.iter().any(|index| envelope.recipients[*index].address.needs_smtputf8())
    }
}

/// The outcome that a reply means.
pub(super) fn outcome_of(stage: Stage, reply: &PeerReply) -> DeliveryOutcome {
    let cause = Cause::Reply { stage, reply: reply.clone() };
    match reply.code / 100 {
        2 => DeliveryOutcome::Delivered(reply.clone()),
        5 => DeliveryOutcome::Permanent(cause),
        _ => DeliveryOutcome::Temporary(cause),
    }
}

impl ClientSession {
    pub(super) fn begin_transaction(&mut self, message: OutgoingMessage) {
        let mut transaction = Transaction::new(message);
        let obstacle = obstacle(&transaction.message, &self.extensions, self.tls.is_some());
        if let Some(cause) = obstacle {
            transaction.decide_rest(&DeliveryOutcome::Permanent(cause));
        }
        let utf8 = self.extensions.offers(Extension::SmtpUtf8);
        let limit = self.extensions.max_recipients.unwrap_or(usize::MAX);
        for index in 0..transaction.outcomes.len() {
            if transaction.outcomes[index].is_some() {
                continue;
            }
            if !utf8 && transaction.message.envelope.recipients[index].address.needs_smtputf8() {
                transaction.decide(index, DeliveryOutcome::Permanent(Cause::NeedsSmtpUtf8));
            } else if transaction.to_name.len() >= limit {
                transaction.decide(index, DeliveryOutcome::Temporary(Cause::TooManyRecipients { limit }));
            } else {
                transaction.to_name.push_back(index);
            }
        }
        let nobody = transaction.to_name.is_empty();
        self.transaction = Some(transaction);
        if nobody {
            return self.finish_transaction(false);
        }
        self.expect(State::ExpectEnvelope, self.config.timeouts.mail);
        self.name_more();
    }

    /// The message has its outcome; the connection goes on.
    pub(super) fn finish_transaction(&mut self, reset: bool) {
        self.needs_body = false;
        if let Some(transaction) = self.transaction.take() {
            // Everyone is decided here; the cause is only for what cannot be.
            self.push(ClientStep::Outcome(transaction.into_outcome(&Cause::BodyUnavailable)));
        }
        if reset {
            self.say_rset();
        } else {
            self.become_ready();
        }
    }
}

/// Why the server cannot take the message at all.
fn obstacle(message: &OutgoingMessage, peer: &PeerExtensions, tls_active: bool) -> Option<Cause> {
    let sender_needs = message.envelope.sender.address().is_some_and(posthouse_model::Address::needs_smtputf8);
    if message.envelope.require_tls && !(tls_active && peer.offers(Extension::RequireTls)) {
        return Some(Cause::NeedsRequireTls);
    }
    let is_in_time = |by: ByValue| by.seconds > 0 && peer.min_by_seconds.is_none_or(|least| least <= by.seconds);
    if let Some(by) = message.deliver_by.filter(|by| by.mode == ByMode::Return)
        && !(peer.offers(Extension::DeliverBy) && is_in_time(by))
    {
        return Some(Cause::NeedsDeliverBy);
    }
    if (message.needs_smtputf8 || sender_needs) && !peer.offers(Extension::SmtpUtf8) {
        return Some(Cause::NeedsSmtpUtf8);
    }
    if message.is_binary && !(peer.offers(Extension::BinaryMime) && peer.offers(Extension::Chunking)) {
        return Some(Cause::NeedsBinaryMime);
    }
    if message.has_8bit && !message.is_binary && !peer.offers(Extension::EightBitMime) {
        return Some(Cause::Needs8BitMime);
    }
    peer.max_message_size_bytes
        .filter(|limit| message.size_bytes > *limit)
        .map(|limit_bytes| Cause::TooLarge { limit_bytes })
}
