//! Mail that whoever handed it in wants to go later (RFC 4865).
//!
//! It waits in the queue with its recipients as they were given, for this host itself, whether they live here or
//! elsewhere. When its time comes it goes on as if it came in now ([`queue::release`](crate::queue)): aliases, routes
//! and quotas are those of that time.

use posthouse_model::{AccountId, Envelope, FutureRelease, TrailEvent, TrailKind};
use posthouse_storage::{Body, Delivery, QueueSubmission, QueuedMessage, QueuedRecipient, StorageError};

use crate::deliver::Parcel;
use crate::route::Destinations;
use crate::{Arrival, Door, Flow, MessageRefusal};

/// Whether more may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldRoom {
    /// It may.
    Enough,
    /// So much waits already.
    UsedUp,
    /// It cannot be told now.
    Unavailable,
}

impl Flow {
    /// Whether a message with this envelope may wait, if it is to.
    pub async fn held_room(&self, door: &Door, envelope: &Envelope) -> HeldRoom {
        let Some(permit) = door.permit().filter(|_| envelope.future_release.is_some()) else { return HeldRoom::Enough };
        self.held_room_of(permit.account()).await
    }

    async fn held_room_of(&self, account: AccountId) -> HeldRoom {
        let most = self.options.max_held_messages;
        match self.store.awaiting_release(account, most).await {
            Ok(waiting) if waiting < most => HeldRoom::Enough,
            Ok(_) => HeldRoom::UsedUp,
            Err(error) => {
                tracing::error!(%error, "cannot look up what waits");
                HeldRoom::Unavailable
            }
        }
    }

    /// The same for a whole message: others may have come since it was begun.
    pub(crate) async fn check_held(&self, arrival: &Arrival, envelope: &Envelope) -> Result<(), MessageRefusal> {
        match self.held_room(&arrival.door, envelope).await {
            HeldRoom::Enough => Ok(()),
            HeldRoom::UsedUp => Err(MessageRefusal::TooMuchHeld),
            HeldRoom::Unavailable => Err(MessageRefusal::Unavailable),
        }
    }

    /// Keeps a message until it is to be let go.
    pub(crate) async fn hold(
        &self,
        parcel: &Parcel<'_>,
        release: FutureRelease,
        arrived: TrailEvent,
    ) -> Result<(), StorageError> {
        let recipient = |recipient: &posthouse_model::Recipient| QueuedRecipient {
            recipient: recipient.clone(),
            destination: self.options.host_name.clone(),
            due_at: release.at,
            expires_at: release.at + self.options.schedule.lifetime,
            deadline: parcel.deadline(),
        };
        let message = QueuedMessage { awaits_release: true, ..parcel.queued() };
        let recipients: Vec<_> = parcel.envelope.recipients.iter().map(recipient).collect();
        let mut trail = vec![arrived.fact("held-until", release.at.to_rfc3339())];
        trail.extend(parcel.envelope.recipients.iter().map(|recipient| {
            TrailEvent::new(parcel.journey, parcel.now, TrailKind::Queued)
                .about(&recipient.address)
                .fact("to", format!("<{}>", recipient.address))
                .fact("held-until", release.at.to_rfc3339())
        }));
        let delivery = Delivery {
            body: Body::from_bytes(parcel.message.clone()),
            parsed: parcel.parsed.clone(),
            placements: Vec::new(),
            queue: Some(QueueSubmission { message, recipients }),
            trail,
        };
        self.deliver_once(parcel, &Destinations::default(), delivery).await
    }
}
