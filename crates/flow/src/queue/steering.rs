//! What an administrator does with mail on its way out.

use posthouse_model::{QueueId, TrailEvent, TrailKind, UnixMillis};
use posthouse_storage::{
    Detour, Named, QueueEntry, QueueFilter, QueueSteering, Settlement, SettlementOutcome, StorageError,
};

use super::courier::Cause;
use super::outcome::given_up_by_administrator;
use super::send::report_about;
use crate::Flow;

/// Longest words of an administrator in a report, in characters.
const MAX_WORDS_CHARACTERS: usize = 500;

/// What is to be done with entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueAction {
    /// Try them now.
    Retry,
    /// Keep them back until released.
    Hold,
    /// Keep back those that are not held, because the account that handed them in may not send.
    HoldWithAccount,
    /// Let them go on.
    Release,
    /// Send them to a host of choice from now on.
    Reroute(Detour),
    /// Send them where they would go by themselves.
    EndReroute,
    /// Give them up and tell their senders, with these words.
    Bounce(String),
    /// Take them out without telling anybody.
    Drop,
}

impl QueueAction {
    /// The word in the trail.
    fn word(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Hold | Self::HoldWithAccount => "hold",
            Self::Release => "release",
            Self::Reroute(_) | Self::EndReroute => "reroute",
            Self::Bounce(_) => "bounce",
            Self::Drop => "drop",
        }
    }
}

/// What became of a page of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steered {
    /// Entries to which it was done. The others were under way at that moment, or gone.
    pub done: usize,
    /// The last entry that was looked at; `None` when there are no more.
    pub last: Option<QueueId>,
}

impl Flow {
    /// Does something to entries that match, of those after `after` the first `limit`. What is under way is left alone.
    /// The trail says what was done.
    pub async fn steer_queue(
        &self,
        filter: &QueueFilter,
        action: &QueueAction,
        after: Option<QueueId>,
        limit: usize,
    ) -> Result<Steered, StorageError> {
        self.steer_those(filter, |_| true, action, after, limit).await
    }

    /// The same, of what matches only to those that `is_meant` names.
    pub(crate) async fn steer_those(
        &self,
        filter: &QueueFilter,
        is_meant: impl Fn(&QueueEntry) -> bool,
        action: &QueueAction,
        after: Option<QueueId>,
        limit: usize,
    ) -> Result<Steered, StorageError> {
        let mut entries = self.store.queue_entries(filter, after, limit).await?;
        let last = entries.last().map(|entry| entry.id);
        entries.retain(is_meant);
        let now = self.environment.now();
        let done = match action {
            QueueAction::Bounce(words) => self.bounce(entries, words, now).await?,
            _ => self.steer_entries(entries, action, now).await?,
        };
        Ok(Steered { done, last })
    }

    async fn steer_entries(
        &self,
        entries: Vec<QueueEntry>,
        action: &QueueAction,
        now: UnixMillis,
    ) -> Result<usize, StorageError> {
        let mut done = 0;
        // Entries to which the very same is done go together.
        let mut groups: Vec<(QueueSteering, Vec<(QueueId, TrailEvent)>)> = Vec::new();
        for entry in entries {
            let steering = match action {
                QueueAction::Retry => QueueSteering::RetryNow(now),
                QueueAction::Hold => QueueSteering::Hold,
                QueueAction::HoldWithAccount => QueueSteering::HoldWithAccount,
                // What waits because its sender wants it to, and is not held besides, goes at once.
                QueueAction::Release if entry.message.awaits_release && !entry.held => QueueSteering::RetryNow(now),
                QueueAction::Release => QueueSteering::Release,
                // Where its recipients are shows only when it is let go.
                QueueAction::Reroute(_) if entry.message.awaits_release => continue,
                QueueAction::Reroute(detour) => QueueSteering::Divert(detour.clone()),
                QueueAction::EndReroute if entry.detour.is_none() => continue,
                QueueAction::EndReroute => {
                    let (message, domain) = (&entry.message, &entry.recipient.address.domain);
                    let destination = self.destination(&message.sender, message.submitter, domain);
                    QueueSteering::EndDetour { destination }
                }
                QueueAction::Bounce(_) | QueueAction::Drop => QueueSteering::Drop,
            };
            let event = event_of(&entry, action, now);
            match groups.iter_mut().find(|(one, _)| *one == steering) {
                Some((_, group)) => group.push((entry.id, event)),
                None => groups.push((steering, vec![(entry.id, event)])),
            }
        }
        for (steering, group) in groups {
            done += self.store.steer(group, steering).await?.len();
        }
        Ok(done)
    }

    /// Gives entries up, those of one message together, and tells the sender.
    async fn bounce(&self, entries: Vec<QueueEntry>, words: &str, now: UnixMillis) -> Result<usize, StorageError> {
        let leased = self.store.lease(entries.iter().map(|entry| entry.id).collect()).await?;
        let mut done = 0;
        let mut rest = &leased[..];
        while let Some(first) = rest.first() {
            let same = |entry: &&QueueEntry| entry.message.journey == first.message.journey && entry.body == first.body;
            let (group, others) = rest.split_at(rest.iter().take_while(same).count());
            match self.bounce_message(group, words, now).await {
                Ok(()) => done += group.len(),
                Err(error) => {
                    self.give_back(rest).await;
                    return Err(error);
                }
            }
            rest = others;
        }
        Ok(done)
    }

    async fn bounce_message(&self, entries: &[QueueEntry], words: &str, now: UnixMillis) -> Result<(), StorageError> {
        let words: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let cause = Cause::Administrator(words.chars().take(MAX_WORDS_CHARACTERS).collect());
        let told: Vec<_> = entries.iter().filter_map(|entry| given_up_by_administrator(entry, &cause)).collect();
        let reports = match entries.first() {
            Some(first) if !told.is_empty() => report_about(self, first, &told).await?.into_iter().collect(),
            _ => Vec::new(),
        };
        let event = |entry: &QueueEntry| {
            TrailEvent::new(entry.message.journey, now, TrailKind::Failed)
                .about(&entry.recipient.address)
                .fact("to", format!("<{}>", entry.recipient.address))
                .fact("cause", cause.to_string())
        };
        let settlement = Settlement {
            outcomes: entries.iter().map(|entry| (entry.id, SettlementOutcome::Done)).collect(),
            trail: entries.iter().map(event).collect(),
            reports,
        };
        self.settle_told(settlement).await
    }

    async fn give_back(&self, entries: &[QueueEntry]) {
        for entry in entries {
            let outcomes = vec![(entry.id, SettlementOutcome::Untouched)];
            let settlement = Settlement { outcomes, reports: Vec::new(), trail: Vec::new() };
            match self.store.settle(settlement).await {
                Ok(()) | Err(StorageError::NotFound(Named::QueueEntry)) => {}
                Err(error) => tracing::error!(%error, "a lease cannot be ended; it ends with the process"),
            }
        }
    }
}

fn event_of(entry: &QueueEntry, action: &QueueAction, now: UnixMillis) -> TrailEvent {
    let event = TrailEvent::new(entry.message.journey, now, TrailKind::Administered)
        .about(&entry.recipient.address)
        .fact("to", format!("<{}>", entry.recipient.address))
        .fact("action", action.word());
    match action {
        QueueAction::Reroute(detour) => event.fact("by way of", detour.to_string()),
        QueueAction::EndReroute => event.fact("by way of", "no detour"),
        _ => event,
    }
}
