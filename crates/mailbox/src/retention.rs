//! Expunging what mailboxes are not to keep any longer.

use posthouse_model::UnixMillis;
use posthouse_storage::retention::MAX_RETENTION_STEP;
use posthouse_storage::{Named, RetainedMailbox, RetentionRule, RetentionRules, RetentionStep, StorageError};

use crate::{MailboxError, Mailboxes};

/// Most messages that one round looks at; what is left is for the next.
pub const MAX_RETENTION_ROUND: usize = 20_000;

/// What a round of retention came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionRound {
    /// Messages that were expunged.
    pub expunged: u64,
    /// Whether there is more to do.
    pub is_cut_short: bool,
}

impl Mailboxes {
    /// Expunges what the rules of retention do not keep, up to a bound. The house itself does this, by rules that an
    /// administrator made; sessions hear of it as of any other EXPUNGE.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn apply_retention(&self, now: UnixMillis) -> Result<RetentionRound, MailboxError> {
        let mut round = RetentionRound::default();
        let rules = RetentionRules::new(self.store.retention_rules().await?);
        if rules.is_empty() {
            return Ok(round);
        }
        let mut budget = MAX_RETENTION_ROUND;
        let mut after = None;
        loop {
            let mailboxes = self.store.retained_mailboxes(after, MAX_RETENTION_STEP).await?;
            let Some(last) = mailboxes.last() else { return Ok(round) };
            after = Some(last.id);
            for mailbox in &mailboxes {
                let Some(rule) = rules.rule_for(mailbox) else { continue };
                match self.retain(mailbox, rule, now, &mut budget, &mut round).await {
                    // It was deleted meanwhile.
                    Ok(()) | Err(StorageError::NotFound(Named::Mailbox)) => {}
                    Err(error) => return Err(error.into()),
                }
                if budget == 0 {
                    round.is_cut_short = true;
                    return Ok(round);
                }
            }
        }
    }

    async fn retain(
        &self,
        mailbox: &RetainedMailbox,
        rule: &RetentionRule,
        now: UnixMillis,
        budget: &mut usize,
        round: &mut RetentionRound,
    ) -> Result<(), StorageError> {
        let Some(saved_before) = rule.before(now) else { return Ok(()) };
        let mut after = None;
        loop {
            let limit = (*budget).min(MAX_RETENTION_STEP);
            let step = RetentionStep { saved_before, keep_flagged: rule.keep_flagged, after, limit };
            let done = self.store.expunge_old(mailbox.account, mailbox.id, step).await?;
            let expunged = done.expunged.len();
            round.expunged += expunged;
            // What is flagged and stays is looked at each time, and so must not use up what others wait for.
            *budget -= limit.min(usize::try_from(expunged).unwrap_or(limit));
            after = done.next_after;
            if after.is_none() || *budget == 0 {
                return Ok(());
            }
        }
    }
}
