//! Mail that whoever handed it in wants to go later (RFC 4865), or that an administrator is to look at first.
//!
//! It waits in the queue with its recipients as they were given, for this host itself, whether they live here or
//! elsewhere. When its time comes it goes on as if it came in now ([`queue::release`](crate::queue)): aliases, routes
//! and quotas are those of that time.

use posthouse_model::{AccountId, Envelope, FutureRelease, TrailEvent, TrailKind, UnixMillis};
use posthouse_storage::{Body, Delivery, HeldBecause, QueueSubmission, QueuedMessage, QueuedRecipient, StorageError};

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

/// What a message waits for.
#[derive(Debug)]
pub(crate) struct Waits {
    /// The time that its sender wants.
    pub until: Option<FutureRelease>,
    /// An administrator, for this reason.
    pub held: Option<HeldBecause>,
}

impl Waits {
    /// The event, saying so.
    fn told(&self, mut event: TrailEvent) -> TrailEvent {
        if let Some(release) = self.until {
            event = event.fact("held-until", release.at.to_rfc3339());
        }
        if let Some(held) = &self.held {
            event = event.fact("held", held.outcome.clone());
        }
        event
    }
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

    /// Whether another message may be held for an administrator: of this account, if one handed it in, and in all.
    pub(crate) async fn check_room_to_hold(&self, account: Option<AccountId>) -> Result<(), MessageRefusal> {
        let counts = self.store.queue_counts().await;
        let is_full = match counts {
            Ok(counts) => counts.held >= self.options.content_filters.max_held,
            Err(error) => {
                tracing::error!(%error, "cannot look up what is held");
                return Err(MessageRefusal::Unavailable);
            }
        };
        let of_account = match account {
            Some(account) => self.held_room_of(account).await,
            None => HeldRoom::Enough,
        };
        match of_account {
            HeldRoom::Enough if !is_full => Ok(()),
            HeldRoom::Unavailable => Err(MessageRefusal::Unavailable),
            HeldRoom::Enough | HeldRoom::UsedUp => {
                tracing::warn!(in_all = is_full, "there is no room to hold what a filter wants held");
                Err(MessageRefusal::FilterWantsLater)
            }
        }
    }

    /// Keeps a message until it is to be let go.
    pub(crate) async fn hold(
        &self,
        parcel: &Parcel<'_>,
        waits: &Waits,
        arrived: TrailEvent,
    ) -> Result<(), StorageError> {
        let delivery = self.held_delivery(parcel, waits, parcel.deadline(), vec![waits.told(arrived)]);
        self.deliver_once(parcel, &Destinations::default(), delivery).await
    }

    /// A message in the queue, with its recipients as they are, until it is to be let go, or until `deadline` something
    /// else is done with it.
    pub(crate) fn held_delivery(
        &self,
        parcel: &Parcel<'_>,
        waits: &Waits,
        deadline: Option<UnixMillis>,
        mut trail: Vec<TrailEvent>,
    ) -> Delivery {
        let due_at = waits.until.map_or(parcel.now, |release| release.at);
        let recipient = |recipient: &posthouse_model::Recipient| QueuedRecipient {
            recipient: recipient.clone(),
            destination: self.options.host_name.clone(),
            due_at,
            expires_at: due_at + self.options.schedule.lifetime,
            deadline,
            held: waits.held.clone(),
        };
        let message = QueuedMessage { awaits_release: true, ..parcel.queued() };
        let recipients: Vec<_> = parcel.envelope.recipients.iter().map(recipient).collect();
        trail.extend(parcel.envelope.recipients.iter().map(|recipient| {
            let event = TrailEvent::new(parcel.journey, parcel.now, TrailKind::Queued)
                .about(&recipient.address)
                .fact("to", format!("<{}>", recipient.address));
            waits.told(event)
        }));
        Delivery {
            body: Body::from_bytes(parcel.message.clone()),
            parsed: parcel.parsed.clone(),
            placements: Vec::new(),
            queue: Some(QueueSubmission { message, recipients }),
            trail,
        }
    }
}
