//! Delivering a message only once to those for whom duplicates are suppressed.

use posthouse_model::{TrailEvent, TrailKind};
use posthouse_storage::{Delivery, DuplicateCheck, Fingerprint, StorageError};

use crate::Flow;
use crate::deliver::Parcel;
use crate::route::Destinations;

impl Flow {
    /// Delivers; accounts that have the message already, and whose administrator wants it once, are left out. To the
    /// sender both are the same: the first copy is durable.
    pub(crate) async fn deliver_once(
        &self,
        parcel: &Parcel<'_>,
        destinations: &Destinations,
        mut delivery: Delivery,
    ) -> Result<(), StorageError> {
        let Some(message_id) = parcel.message_id.as_deref().filter(|_| !destinations.local.is_empty()) else {
            return self.store.deliver(delivery).await.map(drop);
        };
        // Which of them the trail is to have shows when the store has looked.
        let (delivered, others): (Vec<TrailEvent>, Vec<TrailEvent>) =
            delivery.trail.into_iter().partition(|event| event.kind == TrailKind::Delivered);
        delivery.trail = others;
        let checks = destinations.local.iter().zip(delivered).map(|((permit, recipient), delivered)| {
            let (address, original) = (recipient.address.folded(), recipient.original.as_deref());
            let suppressed = TrailEvent { kind: TrailKind::Suppressed, ..delivered.clone() };
            DuplicateCheck {
                account: permit.account(),
                fingerprint: Fingerprint::new(message_id, &address, original),
                suppressed: suppressed.fact("message-id", message_id),
                delivered,
            }
        });
        let checks = checks.collect();
        self.store.deliver_once(delivery, checks, parcel.now).await.map(drop)
    }
}
