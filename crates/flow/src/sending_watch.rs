//! Watching those who send: whoever suddenly floods, or whose mail comes back in masses, is frozen until an administrator
//! has looked.

use std::collections::BTreeMap;

use posthouse_mime::DateTime;
use posthouse_model::{AccountId, Address, LocalPart, ReversePath, TrailEvent, TrailKind, UnixMillis};
use posthouse_storage::{FreezeCause, HeldMail, Named, QueueEntry, QueueFilter, SendingFreeze, StorageError, Watched};

use crate::Flow;
use crate::alerts::ACCOUNT_FROZEN;
use crate::own_mail::{OwnMail, Unreachable};
use crate::queue::steering::QueueAction;

/// The address that every domain has (RFC 5321 §4.5.1).
const POSTMASTER: &str = "postmaster";

/// Entries of the queue that are held, released or dropped in one transaction.
const STEERED_AT_ONCE: usize = 500;

/// From when on an account is frozen. Figures are of recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchThresholds {
    /// What anybody may send in an hour, however little they sent before.
    pub hour: u64,
    /// What anybody may send in a day.
    pub day: u64,
    /// Beyond that, so many times what the account sent in the busiest hour, or day, of this month and the one before.
    pub times_usual: u64,
    /// How many may come back in a day, however many that are of those sent.
    pub bounces: u64,
    /// Beyond that, such a part of what was sent in the day, in percent.
    pub bounce_percent: u64,
}

impl Default for WatchThresholds {
    fn default() -> Self {
        Self { hour: 500, day: 2000, times_usual: 10, bounces: 50, bounce_percent: 30 }
    }
}

impl WatchThresholds {
    /// Why an account that sent so much is to be frozen, with the evidence in words; `None` if it is not.
    pub fn judge(&self, watched: &Watched) -> Option<(FreezeCause, String)> {
        let floods = |sent: u64, floor: u64, usual: u64| sent > floor.max(usual.saturating_mul(self.times_usual));
        if floods(watched.hour, self.hour, watched.usual_hour()) {
            let words = format!(
                "{} recipients in this hour; the most in an hour of this month and the last was {}",
                watched.hour,
                watched.usual_hour()
            );
            return Some((FreezeCause::Flood, words));
        }
        if floods(watched.day, self.day, watched.usual_day()) {
            let words = format!(
                "{} recipients in this day; the most in a day of this month and the last was {}",
                watched.day,
                watched.usual_day()
            );
            return Some((FreezeCause::Flood, words));
        }
        // What comes back today may have been sent yesterday.
        let sent = watched.day.max(watched.day_bounced);
        let share = u128::from(watched.day_bounced) * 100 >= u128::from(sent) * u128::from(self.bounce_percent);
        (watched.day_bounced > self.bounces && share).then(|| {
            let words = format!("{} of {sent} recipients of this day came back", watched.day_bounced);
            (FreezeCause::Bounces, words)
        })
    }
}

impl Flow {
    /// Looks at what an account has sent, and freezes it if that is beyond what may be.
    pub(crate) async fn watch(&self, account: AccountId, watched: &Watched) {
        let Some((cause, words)) = self.options.watch.and_then(|thresholds| thresholds.judge(watched)) else { return };
        if let Err(error) = self.freeze_sending(account, cause, words).await {
            tracing::error!(%error, account = account.0, cause = cause.name(), "an account cannot be frozen");
        }
    }

    /// Whether an account was frozen while this process runs, or was when it began.
    pub(crate) fn is_frozen(&self, account: AccountId) -> bool {
        self.frozen.lock().contains(&account)
    }

    /// Looks at what became of queued mail: `failed` says which entries were given up.
    pub(crate) async fn watch_outcomes(&self, entries: &[QueueEntry], failed: &[bool]) {
        let mut bounced: BTreeMap<AccountId, u64> = BTreeMap::new();
        for (entry, failed) in entries.iter().zip(failed) {
            if let Some(account) = entry.message.submitter {
                *bounced.entry(account).or_default() += u64::from(*failed);
            }
        }
        for (account, bounced) in bounced {
            if bounced > 0 {
                match self.store.count_bounces(account, bounced, self.environment.now()).await {
                    Ok(watched) => self.watch(account, &watched).await,
                    // It was removed meanwhile.
                    Err(StorageError::NotFound(_)) => {}
                    Err(error) => tracing::warn!(%error, account = account.0, "bounces cannot be counted"),
                }
            }
            self.hold_if_frozen(account).await;
        }
    }

    /// Holds what was under way when its account was frozen, and is free again.
    pub(crate) async fn hold_if_frozen(&self, account: AccountId) {
        if self.is_frozen(account)
            && let Err(error) = self.steer_mail_of(account, &QueueAction::HoldWithAccount).await
        {
            tracing::error!(%error, account = account.0, "mail of a frozen account cannot be held");
        }
    }

    /// Lets an account hand in nothing more, holds what it has in the queue, and tells the postmaster. Gives how many
    /// entries are held; `None` when it is frozen already.
    ///
    /// # Errors
    /// When there is no such account, or the store fails.
    pub async fn freeze_sending(
        &self,
        account: AccountId,
        cause: FreezeCause,
        words: String,
    ) -> Result<Option<u64>, StorageError> {
        let record = self.store.account(account).await?.ok_or(StorageError::NotFound(Named::Account))?;
        let now = self.environment.now();
        self.frozen.lock().insert(account);
        let freeze = SendingFreeze { account, cause, words: words.clone(), at: now };
        if !self.store.freeze_sending(freeze).await? {
            return Ok(None);
        }
        let held = self.steer_mail_of(account, &QueueAction::HoldWithAccount).await?;
        let address = &record.address;
        tracing::error!(account = %address, cause = cause.name(), evidence = words, held, "an account may not send any more");
        let journey = self.environment.journey();
        let event = TrailEvent::new(journey, now, TrailKind::Administered)
            .about(address)
            .fact("action", "sending frozen")
            .fact("cause", cause.name())
            .fact("evidence", words.clone())
            .fact("held", held.to_string());
        self.store.record(vec![event]);
        if cause != FreezeCause::Administrator {
            self.alerts.raise(&ACCOUNT_FROZEN, &address.to_string(), words.as_str());
            self.tell_postmaster(address, &evidence(address, cause, &words, held)).await;
        }
        Ok(Some(held))
    }

    /// Holds what frozen accounts have in the queue. At a start that is what was under way, or not yet held, when the
    /// process before ended.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn hold_frozen(&self) -> Result<(), StorageError> {
        for freeze in self.store.sending_freezes().await? {
            self.frozen.lock().insert(freeze.account);
            self.steer_mail_of(freeze.account, &QueueAction::HoldWithAccount).await?;
            if freeze.cause != FreezeCause::Administrator
                && let Some(record) = self.store.account(freeze.account).await?
            {
                self.alerts.raise(&ACCOUNT_FROZEN, &record.address.to_string(), freeze.words);
            }
        }
        Ok(())
    }

    /// Lets an account send again. Gives how many entries go on, or were dropped.
    ///
    /// # Errors
    /// When it is not frozen, or the store fails.
    pub async fn release_sending(&self, account: AccountId, held: HeldMail) -> Result<u64, StorageError> {
        let now = self.environment.now();
        if !self.store.sending_freezes().await?.iter().any(|freeze| freeze.account == account) {
            return Err(StorageError::NotFound(Named::Rule));
        }
        // What has an attempt behind it meanwhile is not to be held again.
        self.frozen.lock().remove(&account);
        let action = match held {
            HeldMail::GoesOn => QueueAction::Release,
            HeldMail::IsDropped => QueueAction::Drop,
        };
        let entries = self.steer_mail_of(account, &action).await?;
        self.store.release_sending(account, held, now).await?;
        if let Some(record) = self.store.account(account).await? {
            self.alerts.clear(&ACCOUNT_FROZEN, &record.address.to_string());
            let event = TrailEvent::new(self.environment.journey(), now, TrailKind::Administered)
                .about(&record.address)
                .fact("action", "sending released")
                .fact(if held == HeldMail::IsDropped { "dropped" } else { "released" }, entries.to_string());
            self.store.record(vec![event]);
        }
        Ok(entries)
    }

    /// Does something to all that an account has in the queue, page by page: what is held, or to be held, is what is not
    /// so yet. Gives how many entries they were.
    async fn steer_mail_of(&self, account: AccountId, action: &QueueAction) -> Result<u64, StorageError> {
        let held = Some(*action != QueueAction::HoldWithAccount);
        let filter = QueueFilter { submitter: Some(account), held, ..QueueFilter::default() };
        // That an account may send again says nothing about what somebody, or a content filter, holds besides.
        let releases = *action == QueueAction::Release;
        let is_meant = |entry: &QueueEntry| !releases || entry.held_with_account;
        let (mut done, mut after) = (0, None);
        loop {
            let steered = self.steer_those(&filter, is_meant, action, after, STEERED_AT_ONCE).await?;
            done += steered.done as u64;
            if steered.last.is_none() {
                return Ok(done);
            }
            after = steered.last;
        }
    }

    /// Writes to whoever looks after the server, or else the account's domain.
    async fn tell_postmaster(&self, about: &Address, text: &str) {
        let of_domain = || {
            let local_part = LocalPart::parse(POSTMASTER).ok()?;
            Some(Address { local_part, domain: about.domain.clone() })
        };
        let Some(to) = self.options.postmaster.clone().or_else(of_domain) else { return };
        let text = self.notice(&to, about, text, self.environment.now());
        let fact = ("notice-about", about.to_string());
        let notice = OwnMail { sender: ReversePath::Null, to: &to, text, fact, unreachable: Unreachable::Keep };
        if let Err(error) = self.send_own(notice).await {
            tracing::error!(%error, %to, "a notice cannot be sent");
        }
    }

    fn notice(&self, to: &Address, about: &Address, text: &str, now: UnixMillis) -> String {
        let host = &self.options.host_name;
        let date = DateTime { unix_seconds: now.seconds(), offset_minutes: 0 }.to_rfc5322();
        let chance = self.environment.random();
        // RFC 3834 §5: nobody's program is to answer.
        format!(
            "From: Posthouse <MAILER-DAEMON@{host}>\r\nTo: <{to}>\r\nSubject: {about} may not send any more\r\n\
             Date: {date}\r\nMessage-ID: <notice-{chance:016x}@{host}>\r\nAuto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}"
        )
    }
}

fn evidence(address: &Address, cause: FreezeCause, words: &str, held: u64) -> String {
    let what = match cause {
        FreezeCause::Administrator => "An administrator froze it.",
        FreezeCause::Flood => "It suddenly sent far more than it used to.",
        FreezeCause::Bounces => "Very much of what it sent came back.",
    };
    format!(
        "The account {address} may not send any more.\r\n\r\n{what}\r\n\r\n    {words}\r\n\r\n\
         It still receives, and its owner can sign in and read. What it had in the queue is held:\r\n{held} \
         recipients.\r\n\r\nIf its password was stolen, set a new one, and drop what is held:\r\n\r\n    \
         posthouse account password {address}\r\n    posthouse account release {address} --drop\r\n\r\n\
         If all is well, let it go on:\r\n\r\n    posthouse account release {address}\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(watched: Watched, expected: Option<FreezeCause>) {
        let found = WatchThresholds::default().judge(&watched).map(|(cause, _)| cause);
        assert_eq!(found, expected, "{watched:?}");
    }

    #[test]
    fn floods_are_beyond_the_floor_and_the_usual() {
        let watched = Watched::default();
        check(watched, None);
        check(Watched { hour: 500, day: 500, ..watched }, None);
        check(Watched { hour: 501, day: 501, ..watched }, Some(FreezeCause::Flood));
        check(Watched { hour: 501, day: 501, busiest_hours: [0, 51], ..watched }, None);
        check(Watched { hour: 511, day: 511, busiest_hours: [51, 0], ..watched }, Some(FreezeCause::Flood));
        check(Watched { hour: 1, day: 2000, ..watched }, None);
        check(Watched { hour: 1, day: 2001, ..watched }, Some(FreezeCause::Flood));
        check(Watched { hour: 1, day: 2001, busiest_days: [201, 5], ..watched }, None);
        check(Watched { hour: u64::MAX, busiest_hours: [u64::MAX, 0], ..watched }, None);
    }

    #[test]
    fn bounces_are_many_and_a_large_part() {
        let watched = Watched::default();
        check(Watched { day: 50, day_bounced: 50, ..watched }, None);
        check(Watched { day: 51, day_bounced: 51, ..watched }, Some(FreezeCause::Bounces));
        check(Watched { day: 171, day_bounced: 51, ..watched }, None);
        check(Watched { day: 170, day_bounced: 51, ..watched }, Some(FreezeCause::Bounces));
        check(Watched { day: 0, day_bounced: 51, ..watched }, Some(FreezeCause::Bounces));
    }
}
