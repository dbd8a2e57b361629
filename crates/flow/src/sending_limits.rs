//! Bounds on those who hand in mail.
//!
//! What is known is told as early as can be: at MAIL and at each RCPT by what stood in the store when the message began
//! ([`SendingRoom`]), and at the end by the store itself, whose count is exact.

use std::time::Duration;

use posthouse_identity::Permit;
use posthouse_mime::{Part, Structure, TransferEncoding, header_end};
use posthouse_model::{Envelope, UnixMillis};
use posthouse_storage::{
    Figures, FreezeCause, LimitKind, OverSendingQuota, SendingStanding, SendingUnit, StorageError,
};

use crate::{Arrival, Door, Flow, MessageRefusal};

/// Why somebody may not send a message, or not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendingRefusal {
    /// A quota is used up.
    QuotaUsedUp {
        /// Which.
        over: OverSendingQuota,
        /// How long until there is room again.
        wait: Duration,
    },
    /// The message is larger than this sender may send, in octets.
    MessageTooLarge(u64),
    /// Its header is, in octets.
    HeaderTooLarge(u64),
    /// An attachment is, in octets.
    AttachmentTooLarge(u64),
    /// It has more recipients than this sender's messages may have.
    TooManyRecipients(u64),
    /// The account is frozen.
    Frozen(FreezeCause),
    /// It cannot be told now.
    Unavailable,
}

impl SendingRefusal {
    /// A quota that was used up at `now`.
    pub(crate) fn over(over: OverSendingQuota, now: UnixMillis) -> Self {
        let wait = Duration::from_millis(u64::try_from(over.retry_at.0 - now.0).unwrap_or(0));
        Self::QuotaUsedUp { over, wait }
    }
}

/// What the sender of a message may send, as of its beginning.
#[derive(Clone, Debug, Default)]
pub struct SendingRoom {
    standing: Option<SendingStanding>,
}

impl SendingRoom {
    /// Whether one more recipient may be added to so many.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&self, accepted: usize) -> Result<(), SendingRefusal> {
        self.admit_recipients(accepted as u64 + 1)
    }

    fn admit_recipients(&self, recipients: u64) -> Result<(), SendingRefusal> {
        let Some(standing) = &self.standing else { return Ok(()) };
        match standing.cap(LimitKind::MessageRecipients) {
            Some(most) if recipients > most => return Err(SendingRefusal::TooManyRecipients(most)),
            _ => {}
        }
        match standing.passed_by(Figures { messages: 1, recipients }) {
            Some(over) => Err(SendingRefusal::over(over, standing.at)),
            None => Ok(()),
        }
    }
}

impl Flow {
    /// What may be sent through this door by whoever begins a message with this envelope. Only those who signed in have
    /// bounds of their own.
    ///
    /// # Errors
    /// Why the message would be refused, whatever its recipients.
    pub async fn sending_room(&self, door: &Door, envelope: &Envelope) -> Result<SendingRoom, SendingRefusal> {
        let Some(permit) = door.permit() else { return Ok(SendingRoom::default()) };
        let unit = unit_of(permit);
        let standing = self.store.sending_standing(unit, self.environment.now()).await;
        let standing = standing.map_err(|error| unavailable(&error))?;
        if let Some(cause) = standing.frozen {
            return Err(SendingRefusal::Frozen(cause));
        }
        match (standing.cap(LimitKind::MessageBytes), envelope.declared_size_bytes) {
            (Some(most), Some(size_bytes)) if size_bytes > most => return Err(SendingRefusal::MessageTooLarge(most)),
            _ => {}
        }
        let room = SendingRoom { standing: Some(standing) };
        room.admit_recipients(1)?;
        Ok(room)
    }

    /// Holds a complete message, as it was handed in, against what each single one may have.
    pub(crate) async fn check_caps(
        &self,
        arrival: &Arrival,
        envelope: &Envelope,
        raw: &[u8],
        structure: &Structure,
    ) -> Result<(), MessageRefusal> {
        let Some(permit) = arrival.door.permit() else { return Ok(()) };
        let unit = unit_of(permit);
        let standing = self.store.sending_standing(unit, self.environment.now()).await;
        let standing = standing.map_err(|error| MessageRefusal::Sending(unavailable(&error)))?;
        let largest = structure.leaves().filter(|part| is_attached(part)).map(decoded_bytes).max().unwrap_or(0);
        let header_bytes = header_end(raw, true).unwrap_or(raw.len()) as u64;
        let found = [
            (LimitKind::MessageBytes, raw.len() as u64, SendingRefusal::MessageTooLarge as fn(u64) -> SendingRefusal),
            (LimitKind::HeaderBytes, header_bytes, SendingRefusal::HeaderTooLarge),
            (LimitKind::AttachmentBytes, largest, SendingRefusal::AttachmentTooLarge),
            (LimitKind::MessageRecipients, envelope.recipients.len() as u64, SendingRefusal::TooManyRecipients),
        ];
        for (kind, is, refusal) in found {
            match standing.cap(kind) {
                Some(most) if is > most => return Err(MessageRefusal::Sending(refusal(most))),
                _ => {}
            }
        }
        Ok(())
    }
}

/// In what mail counts first that comes with `permit`.
fn unit_of(permit: &Permit) -> SendingUnit {
    permit.key().map_or(SendingUnit::Account(permit.account()), |key| SendingUnit::Key(key.id))
}

fn unavailable(error: &StorageError) -> SendingRefusal {
    tracing::error!(%error, "cannot look up what may be sent");
    SendingRefusal::Unavailable
}

/// Whether a part is more than text to be read, whatever it says of itself.
fn is_attached(part: &Part) -> bool {
    part.is_attachment() || part.file_name().is_some() || !part.is_text()
}

/// About how many octets a part has when it is decoded.
fn decoded_bytes(part: &Part) -> u64 {
    let octets = part.body.len();
    match part.transfer_encoding() {
        // RFC 2045 §6.8: four characters for three octets, and line ends that count for nothing.
        TransferEncoding::Base64 => octets.saturating_sub(2 * part.body_lines) / 4 * 3,
        _ => octets,
    }
}
