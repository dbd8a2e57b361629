//! Whom a report reaches: its reader, or else the postmaster, or else nobody for now.

use posthouse_model::{Address, ReversePath, TrailEvent, TrailKind};
use posthouse_storage::{Named, StorageError};

use super::{About, Told};
use crate::Flow;
use crate::deliver::storage_error;
use crate::queue::double_bounces::DOUBLE_BOUNCE;
use crate::route::{Destinations, RouteError};

/// Where a report goes.
pub(super) struct Reach {
    /// Its reader.
    pub to: Address,
    /// What the reader's address leads to; nothing where the report is kept.
    pub destinations: Destinations,
    /// Why nobody gets it for now: it is kept as double bounces are.
    pub lost: Option<RouteError>,
}

impl Reach {
    /// What the trail of the message says of its report.
    pub fn told(&self, event: TrailEvent) -> TrailEvent {
        match &self.lost {
            Some(why) => event.fact("held", DOUBLE_BOUNCE).fact("cause", why.to_string()),
            None => event,
        }
    }
}

impl Flow {
    /// Whom the postmaster is told of these failures, if anybody: what fails to reach the postmaster is not told to the
    /// postmaster, that would never end.
    pub(in crate::queue) fn postmaster_for(&self, told: &[Told]) -> Option<&Address> {
        let postmaster = self.options.postmaster.as_ref()?;
        told.iter().any(|one| one.verdict.is_failure() && !one.leads_from(postmaster)).then_some(postmaster)
    }

    /// Works out whom a report reaches. `None` when nobody is to be told: never about a message that has no sender (RFC
    /// 5321 §6.1), except to the postmaster; and of what came or is late nobody but the sender.
    pub(super) async fn reach(&self, about: &About<'_>, told: &[Told]) -> Result<Option<Reach>, StorageError> {
        let sender = about.sender.address();
        let postmaster = self.postmaster_for(told).filter(|postmaster| sender != Some(*postmaster));
        let mut lost = None;
        for to in sender.into_iter().chain(postmaster) {
            match self.route_of_report(to).await {
                Ok(destinations) => return Ok(Some(Reach { to: to.clone(), destinations, lost: None })),
                Err(RouteError::Storage(error)) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, journey = %about.journey, "a report does not reach its reader");
                    lost.get_or_insert((to.clone(), error));
                }
            }
        }
        let Some((to, why)) = lost else { return Ok(None) };
        if told.iter().any(|one| one.verdict.is_failure()) {
            return Ok(Some(Reach { to, destinations: Destinations::default(), lost: Some(why) }));
        }
        let event = TrailEvent::new(about.journey, self.environment.now(), TrailKind::Reported)
            .about(&to)
            .fact("to", format!("<{to}>"))
            .fact("left-out", why.to_string());
        self.store.record(vec![event]);
        Ok(None)
    }

    async fn route_of_report(&self, to: &Address) -> Result<Destinations, RouteError> {
        let recipient = posthouse_model::Recipient::new(to.clone());
        let destinations = self.route(&ReversePath::Null, &[recipient]).await?;
        for (permit, _) in &destinations.local {
            match self.mailboxes.placement(permit, self.environment.now()).await.map_err(storage_error) {
                Ok(_) => {}
                Err(StorageError::NotFound(Named::Mailbox)) => return Err(RouteError::NoSuchMailbox(to.clone())),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(destinations)
    }
}
