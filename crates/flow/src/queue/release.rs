//! Letting go what was to wait (RFC 4865): it goes on as if it came in now.
//!
//! What waited, and what becomes of it in mailboxes here and in the queue, change places in one transaction: so a
//! message is let go once, whenever the process ends.

use bytes::Bytes;
use posthouse_mailbox::parse_message;
use posthouse_model::{
    DsnNotify, Envelope, FutureRelease, Recipient, ReversePath, TlsWish, TrailEvent, TrailKind, UnixMillis,
};
use posthouse_storage::{Delivery, Named, QueueEntry, QueuedMessage, Settlement, SettlementOutcome, StorageError};

use super::courier::Cause;
use super::report::Told;
use super::send::{octets_of, report_about};
use crate::Flow;
use crate::deliver::Parcel;
use crate::route::Destinations;

/// How often a release is tried anew when a mailbox was deleted at the same moment.
const MAX_RELEASE_ATTEMPTS: usize = 3;

impl Flow {
    /// Lets entries of one message go.
    ///
    /// # Errors
    /// When nothing was done: the entries are still leased.
    pub(super) async fn release(&self, entries: &[QueueEntry]) -> Result<(), StorageError> {
        let Some(first) = entries.first() else { return Ok(()) };
        let message = Bytes::from(octets_of(self, first).await?.concat());
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.release_once(first, entries, &message).await {
                Err(StorageError::NotFound(Named::Mailbox)) if attempt < MAX_RELEASE_ATTEMPTS => {
                    let recipients: Vec<_> = entries.iter().map(|entry| entry.recipient.clone()).collect();
                    let (destinations, _) = self.route_living(&first.message.sender, &recipients).await?;
                    destinations.local.iter().for_each(|(permit, _)| self.mailboxes.forget_inbox(permit.account()));
                }
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        // What goes on into the queue is held there if its account was frozen meanwhile.
        self.watch_outcomes(entries, &vec![false; entries.len()]).await;
        Ok(())
    }

    async fn release_once(
        &self,
        first: &QueueEntry,
        entries: &[QueueEntry],
        message: &Bytes,
    ) -> Result<(), StorageError> {
        let queued = &*first.message;
        let now = self.environment.now();
        let recipients: Vec<Recipient> = entries.iter().map(|entry| entry.recipient.clone()).collect();
        let (mut destinations, gone) = self.route_living(&queued.sender, &recipients).await?;
        let full = self.take_out_full(&mut destinations, queued.size_bytes).await?;
        let mut settlement = Settlement {
            outcomes: entries.iter().map(|entry| (entry.id, SettlementOutcome::Done)).collect(),
            reports: Vec::new(),
            trail: Vec::new(),
        };
        let mut told = Vec::new();
        let envelope = released_envelope(queued, recipients, now);
        let parcel = Parcel {
            journey: queued.journey,
            now,
            message: message.clone(),
            parsed: parse_message(message).stored,
            envelope: &envelope,
            message_id: None,
            may_sign: queued.may_sign,
            submitter: queued.submitter,
            submitter_key: None,
            received_at: queued.received_at,
        };
        for (recipients, cause) in [(gone, Cause::MailboxGone), (full, Cause::MailboxFull)] {
            settlement.trail.extend(recipients.iter().map(|one| failed_event(queued, one, &cause, now)));
            let failures = recipients.iter().filter(|one| notify(one).failure);
            let failures: Vec<_> = failures.map(|one| Told::failed(one, cause.clone())).collect();
            if queued.sender == ReversePath::Null && self.postmaster_for(&failures).is_none() {
                settlement.reports.extend(self.kept_again(&parcel, failures, &cause));
            } else {
                told.extend(failures);
            }
        }
        if !destinations.is_empty() {
            settlement.reports.push(self.delivery(&parcel, &destinations, Vec::new()).await?);
            let arrived = destinations.local.iter().map(|(_, to)| to).filter(|to| notify(to).success);
            told.extend(arrived.map(Told::delivered));
        }
        if !told.is_empty() {
            settlement.reports.extend(report_about(self, first, &told).await?);
        }
        self.settle_told(settlement).await
    }

    /// What nobody can be told of is kept for those that it did not come to.
    fn kept_again(&self, parcel: &Parcel<'_>, failures: Vec<Told>, cause: &Cause) -> Option<Delivery> {
        let recipients: Vec<_> = failures.into_iter().map(|failure| failure.recipient).collect();
        if recipients.is_empty() {
            return None;
        }
        let envelope = Envelope { recipients, ..parcel.envelope.clone() };
        let parcel = Parcel {
            envelope: &envelope,
            message: parcel.message.clone(),
            parsed: parcel.parsed.clone(),
            message_id: None,
            ..*parcel
        };
        Some(self.kept(&parcel, cause.to_string(), Vec::new()))
    }

    /// Takes out whose mailboxes have no room: a settlement does not ask for it.
    async fn take_out_full(
        &self,
        destinations: &mut Destinations,
        size_bytes: u64,
    ) -> Result<Vec<Recipient>, StorageError> {
        let mut full = Vec::new();
        for (permit, _) in &destinations.local {
            if !self.store.account_quota(permit.account()).await?.takes(size_bytes) {
                full.push(permit.account());
            }
        }
        Ok(destinations.take_out(&full))
    }
}

fn notify(recipient: &Recipient) -> DsnNotify {
    recipient.notify.unwrap_or(DsnNotify::DEFAULT)
}

/// The envelope as it was given; now is when the message was let go.
fn released_envelope(queued: &QueuedMessage, recipients: Vec<Recipient>, now: UnixMillis) -> Envelope {
    Envelope {
        body_type: queued.body_type,
        smtputf8: queued.smtputf8,
        require_tls: queued.tls == TlsWish::Required,
        dsn_return: queued.dsn_return,
        envelope_id: queued.envelope_id.clone(),
        future_release: queued.future_release.map(|release| FutureRelease { at: now, ..release }),
        deliver_by: queued.deliver_by,
        recipients,
        ..Envelope::new(queued.sender.clone())
    }
}

fn failed_event(queued: &QueuedMessage, recipient: &Recipient, cause: &Cause, now: UnixMillis) -> TrailEvent {
    TrailEvent::new(queued.journey, now, TrailKind::Failed)
        .about(&recipient.address)
        .fact("to", format!("<{}>", recipient.address))
        .fact("cause", cause.to_string())
}
