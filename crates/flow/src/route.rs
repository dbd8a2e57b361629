//! From the recipients of an envelope to mailboxes here and recipients elsewhere.

use std::collections::{BTreeMap, VecDeque};

use posthouse_identity::{DeliveryPermit, RecipientLookup};
use posthouse_model::{AccountId, Domain, Recipient, ReversePath};
use posthouse_storage::StorageError;
use thiserror::Error;

use crate::Flow;
use crate::xtext;

/// Longest chain of aliases.
const MAX_ALIAS_DEPTH: usize = 10;

/// What the addresses that have been reached lead to.
#[derive(Default)]
struct Reached {
    /// The place of each address, by its folded form.
    places: BTreeMap<String, usize>,
    /// For each address, the aliases that lead to it.
    aliases: Vec<Vec<usize>>,
    /// For each address, whether mail to it ends somewhere.
    alive: Vec<bool>,
}

impl Reached {
    /// The place of an address, and whether it is new.
    fn place(&mut self, folded: String) -> (usize, bool) {
        let next = self.aliases.len();
        let place = *self.places.entry(folded).or_insert(next);
        if place == next {
            self.aliases.push(Vec::new());
            self.alive.push(false);
        }
        (place, place == next)
    }

    /// Mail to `place` ends somewhere, and so does mail to all that leads there.
    fn revive(&mut self, place: usize) {
        let mut waiting = vec![place];
        while let Some(next) = waiting.pop() {
            if !std::mem::replace(&mut self.alive[next], true) {
                waiting.extend(&self.aliases[next]);
            }
        }
    }

    /// `alias` leads to `place`.
    fn link(&mut self, alias: usize, place: usize) {
        self.aliases[place].push(alias);
        if self.alive[place] {
            self.revive(alias);
        }
    }
}

/// Where a message goes.
#[derive(Debug, Default)]
pub(crate) struct Destinations {
    /// Mailboxes here, each once, with the recipient that led there first.
    pub local: Vec<(DeliveryPermit, Recipient)>,
    /// Recipients elsewhere, each once.
    pub remote: Vec<Recipient>,
    /// The domain of ours whose alias led to the first of those that aliases led to.
    pub forwarded_by: Option<Domain>,
}

impl Destinations {
    /// Takes mailboxes out; returns the recipients that led to them.
    pub(crate) fn take_out(&mut self, accounts: &[AccountId]) -> Vec<Recipient> {
        let (out, left) = std::mem::take(&mut self.local)
            .into_iter()
            .partition::<Vec<_>, _>(|(permit, _)| accounts.contains(&permit.account()));
        self.local = left;
        out.into_iter().map(|(_, recipient)| recipient).collect()
    }

    /// Whether nobody gets the message.
    pub(crate) fn is_empty(&self) -> bool {
        self.local.is_empty() && self.remote.is_empty()
    }
}

/// Why the recipients cannot be worked out.
#[derive(Debug, Error)]
pub(crate) enum RouteError {
    /// A recipient has ceased to exist, or takes no mail any more.
    #[error("{0} does not exist any more, or takes no mail")]
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
    pub(crate) async fn route(
        &self,
        sender: &ReversePath,
        recipients: &[Recipient],
    ) -> Result<Destinations, RouteError> {
        let mut destinations = Destinations::default();
        let mut reached = Reached::default();
        for recipient in recipients {
            let place = self.follow(sender, recipient, &mut reached, &mut destinations).await?;
            if !reached.alive[place] {
                return Err(RouteError::NoSuchMailbox(recipient.address.clone()));
            }
        }
        Ok(destinations)
    }

    /// The same, where what leads nowhere any more is left out: it was there when the message came. Gives those
    /// recipients, too.
    pub(crate) async fn route_living(
        &self,
        sender: &ReversePath,
        recipients: &[Recipient],
    ) -> Result<(Destinations, Vec<Recipient>), StorageError> {
        let mut destinations = Destinations::default();
        let mut reached = Reached::default();
        let mut lost = Vec::new();
        for recipient in recipients {
            match self.follow(sender, recipient, &mut reached, &mut destinations).await {
                Ok(place) if reached.alive[place] => {}
                Err(RouteError::Storage(error)) => return Err(error),
                Ok(_) | Err(_) => lost.push(recipient.clone()),
            }
        }
        Ok((destinations, lost))
    }

    /// Follows one recipient to all its ends; gives its place.
    async fn follow(
        &self,
        sender: &ReversePath,
        recipient: &Recipient,
        reached: &mut Reached,
        destinations: &mut Destinations,
    ) -> Result<usize, RouteError> {
        let (start, is_new) = reached.place(recipient.address.folded());
        let mut waiting = VecDeque::from_iter(is_new.then(|| (recipient.clone(), None, start, 0)));
        while let Some((next, led_by, place, depth)) = waiting.pop_front() {
            if reached.alive.len() > self.options.max_expansion || depth > MAX_ALIAS_DEPTH {
                return Err(RouteError::TooManyTargets(recipient.address.clone()));
            }
            // What is sent to a rewritten sender goes to that sender, as if the one were an alias of the other.
            let found = match self.sender_behind(sender, &next.address).await? {
                Some(behind) => RecipientLookup::Alias(vec![behind]),
                None => self.identity.recipient(&next.address).await?,
            };
            match found {
                RecipientLookup::Account { permit, .. } => {
                    let is_known = destinations.local.iter().any(|(one, _)| one.account() == permit.account());
                    if !is_known {
                        destinations.local.push((permit, next));
                    }
                    reached.revive(place);
                }
                RecipientLookup::NotOurs => {
                    destinations.forwarded_by = destinations.forwarded_by.take().or(led_by);
                    destinations.remote.push(next);
                    reached.revive(place);
                }
                RecipientLookup::Alias(targets) => {
                    for target in targets {
                        let (target_place, is_new) = reached.place(target.folded());
                        reached.link(place, target_place);
                        if is_new {
                            let led_by = Some(next.address.domain.clone());
                            waiting.push_back((behind(&next, target), led_by, target_place, depth + 1));
                        }
                    }
                }
                RecipientLookup::NoSuchAddress | RecipientLookup::Suspended | RecipientLookup::DomainSendsOnly => {
                    tracing::warn!(address = %next.address, via = %recipient.address, "an address receives no mail");
                }
            }
        }
        Ok(start)
    }
}

/// The recipient behind an alias: it keeps what the sender wants to be told (RFC 3461 §5.2.7.3).
fn behind(alias: &Recipient, target: posthouse_model::Address) -> Recipient {
    // RFC 3461 §4.2: the type rfc822 is for addresses in ASCII.
    let is_ascii = !alias.address.needs_smtputf8();
    let named = is_ascii.then(|| format!("rfc822;{}", xtext::encode(&alias.address.to_string())));
    Recipient { address: target, notify: alias.notify, original: alias.original.clone().or(named) }
}
