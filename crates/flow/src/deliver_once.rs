//! Delivering a message only once to those for whom duplicates are suppressed, and counting what somebody hands in.

use posthouse_model::{TrailEvent, TrailKind};
use posthouse_storage::{Delivery, DuplicateCheck, Fingerprint, StorageError, Submission};

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
        let checks = duplicate_checks(parcel, destinations, &mut delivery);
        let at = parcel.now;
        if let Some(account) = parcel.submitter {
            let recipients = parcel.envelope.recipients.len() as u64;
            let submission =
                Submission { delivery, duplicates: checks, account, key: parcel.submitter_key, recipients, at };
            let submitted = self.store.submit(submission).await?;
            self.watch(account, &submitted.watched).await;
            return Ok(());
        }
        if checks.is_empty() {
            return self.store.deliver(delivery).await.map(drop);
        }
        self.store.deliver_once(delivery, checks, at).await.map(drop)
    }
}

/// What the store is to look at before it delivers. Which of two events the trail is to have shows only then, so they
/// are taken out of the delivery's.
fn duplicate_checks(parcel: &Parcel<'_>, destinations: &Destinations, delivery: &mut Delivery) -> Vec<DuplicateCheck> {
    let Some(message_id) = parcel.message_id.as_deref().filter(|_| !destinations.local.is_empty()) else {
        return Vec::new();
    };
    let (delivered, others): (Vec<TrailEvent>, Vec<TrailEvent>) =
        std::mem::take(&mut delivery.trail).into_iter().partition(|event| event.kind == TrailKind::Delivered);
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
    checks.collect()
}
