//! From the recipients of an envelope to mailboxes here and recipients elsewhere.

use std::collections::{BTreeSet, VecDeque};

use posthouse_identity::{DeliveryPermit, RecipientLookup};
use posthouse_model::Recipient;
use posthouse_storage::StorageError;
use thiserror::Error;

use crate::Flow;

/// Longest chain of aliases.
const MAX_ALIAS_DEPTH: usize = 10;

/// Where a message goes.
#[derive(Debug, Default)]
pub(crate) struct Destinations {
    /// Mailboxes here, each once, with the recipient that led there first.
    pub local: Vec<(DeliveryPermit, Recipient)>,
    /// Recipients elsewhere, each once.
    pub remote: Vec<Recipient>,
}

/// Why the recipients cannot be worked out.
#[derive(Debug, Error)]
pub(crate) enum RouteError {
    /// A recipient has ceased to exist.
    #[error("{0} does not exist any more")]
    NoSuchMailbox(posthouse_model::Address),
    /// Aliases lead to too many addresses, or in circles.
    #[error("the aliases of {0} lead to too many addresses or in circles")]
    TooManyTargets(posthouse_model::Address),
    /// The store cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Flow {
    /// Follows aliases to their ends. An address that is reached twice gets the message once.
    ///
    /// A target of an alias that no longer exists is left out with a warning, as long as another one is there: the
    /// sender can do nothing about it.
    pub(crate) async fn route(&self, recipients: &[Recipient]) -> Result<Destinations, RouteError> {
        let mut destinations = Destinations::default();
        let mut reached = BTreeSet::new();
        for recipient in recipients {
            let before = destinations.local.len() + destinations.remote.len();
            let known = reached.len();
            self.follow(recipient, &mut reached, &mut destinations).await?;
            let is_new = destinations.local.len() + destinations.remote.len() > before;
            if !is_new && reached.len() > known {
                return Err(RouteError::NoSuchMailbox(recipient.address.clone()));
            }
        }
        Ok(destinations)
    }

    async fn follow(
        &self,
        recipient: &Recipient,
        reached: &mut BTreeSet<String>,
        destinations: &mut Destinations,
    ) -> Result<(), RouteError> {
        let mut waiting = VecDeque::from([(recipient.clone(), 0)]);
        while let Some((next, depth)) = waiting.pop_front() {
            if !reached.insert(next.address.folded()) {
                continue;
            }
            if reached.len() > self.options.max_expansion || depth > MAX_ALIAS_DEPTH {
                return Err(RouteError::TooManyTargets(recipient.address.clone()));
            }
            match self.identity.recipient(&next.address).await? {
                RecipientLookup::Account { permit, .. } => {
                    let is_known = destinations.local.iter().any(|(one, _)| one.account() == permit.account());
                    if !is_known {
                        destinations.local.push((permit, next));
                    }
                }
                RecipientLookup::NotOurs => destinations.remote.push(next),
                RecipientLookup::Alias(targets) => {
                    waiting.extend(targets.into_iter().map(|target| (behind(&next, target), depth + 1)));
                }
                RecipientLookup::NoSuchAddress | RecipientLookup::Suspended => {
                    tracing::warn!(address = %next.address, via = %recipient.address, "an address receives no mail");
                }
            }
        }
        Ok(())
    }
}

/// The recipient behind an alias: it keeps what the sender wants to be told (RFC 3461 §5.2.7.3).
fn behind(alias: &Recipient, target: posthouse_model::Address) -> Recipient {
    let original = alias.original.clone().unwrap_or_else(|| format!("rfc822;{}", alias.address));
    Recipient { address: target, notify: alias.notify, original: Some(original) }
}
