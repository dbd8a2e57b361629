//! [`Retention`].

use async_trait::async_trait;
use posthouse_model::{AccountId, MailboxId, UidSet};
use posthouse_storage::retention::MAX_RETENTION_STEP;
use posthouse_storage::{
    RetainedMailbox, Retention, RetentionRule, RetentionStep, RetentionStepDone, RetentionTarget, Scope, StorageError,
};

use crate::reader::{mail, retention};
use crate::store::SqliteStorage;

#[async_trait]
impl Retention for SqliteStorage {
    async fn put_retention_rule(&self, rule: RetentionRule) -> Result<(), StorageError> {
        self.write(Vec::new(), move |work| work.put_retention_rule(&rule)).await
    }

    async fn remove_retention_rule(&self, scope: Scope, target: &RetentionTarget) -> Result<(), StorageError> {
        let target = target.clone();
        self.write(Vec::new(), move |work| work.remove_retention_rule(scope, &target)).await
    }

    async fn retention_rules(&self) -> Result<Vec<RetentionRule>, StorageError> {
        self.ask(move |reader| retention::rules(&reader.connection)).await
    }

    async fn retained_mailboxes(
        &self,
        after: Option<MailboxId>,
        limit: usize,
    ) -> Result<Vec<RetainedMailbox>, StorageError> {
        let limit = limit.min(MAX_RETENTION_STEP);
        self.ask(move |reader| retention::mailboxes(&reader.connection, after, limit)).await
    }

    async fn expunge_old(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        step: RetentionStep,
    ) -> Result<RetentionStepDone, StorageError> {
        // Most mailboxes have nothing old, which costs no commit.
        let has_old = move |reader: &mut crate::reader::Reader| {
            if mail::mailbox_by_id(&reader.connection, account, mailbox)?.is_none() {
                return Ok(true);
            }
            let old = retention::old_messages(&reader.connection, mailbox, step.saved_before, step.after, 1)?;
            Ok(!old.is_empty())
        };
        if !self.ask(has_old).await? {
            return Ok(RetentionStepDone { expunged: UidSet::new(), next_after: None });
        }
        self.write(Vec::new(), move |work| work.expunge_old(account, mailbox, &step)).await
    }
}
