//! Mail that moves in and out: what is one's own, and messages that are brought in from elsewhere, each once.

use posthouse_identity::Permit;
use posthouse_model::{MailboxName, Right, Uid};
use posthouse_storage::{AppendWanted, ImportKey, MailboxRecord, NewMessage};

use crate::{MailboxError, Mailboxes};

impl Mailboxes {
    /// The mailboxes of the holder's own, by name, and the names that are subscribed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn own(&self, permit: &Permit) -> Result<(Vec<MailboxRecord>, Vec<MailboxName>), MailboxError> {
        let account = permit.account();
        Ok((self.store.mailboxes(account).await?, self.store.subscriptions(account).await?))
    }

    /// Stores messages in a mailbox of the holder's own, all or none, but for those whose keys are known: these have
    /// been brought in before. Returns the UIDs, `None` for what was left out.
    ///
    /// # Errors
    /// When there is no such mailbox, it is another's, or the store cannot be written.
    pub async fn import(
        &self,
        permit: &Permit,
        name: &MailboxName,
        messages: Vec<NewMessage>,
        keys: Vec<ImportKey>,
    ) -> Result<Vec<Option<Uid>>, MailboxError> {
        let target = self.target(permit, name, Right::Insert).await?;
        if !target.is_own() {
            return Err(MailboxError::NotPermitted);
        }
        let wanted = AppendWanted { account: target.owner(), mailbox: target.mailbox(), messages, replaces: None };
        Ok(self.store.import(wanted, keys).await?)
    }

    /// Which of these have been brought into the holder's account, in the order asked for.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn imported(&self, permit: &Permit, keys: &[ImportKey]) -> Result<Vec<bool>, MailboxError> {
        Ok(self.store.imported(permit.account(), keys).await?)
    }

    /// Forgets what was brought into the holder's account: it would all come again. Returns how many messages that were.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn forget_imports(&self, permit: &Permit) -> Result<u64, MailboxError> {
        Ok(self.store.forget_imports(permit.account()).await?)
    }
}
