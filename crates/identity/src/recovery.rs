//! Who may look at what was expunged, and where it may go back to.

use posthouse_model::Address;

use crate::{AccountError, Identity, RecoveryPermit};

impl Identity {
    /// Lets an administrator put back what the account with this address lost.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn recovery(&self, address: &Address) -> Result<RecoveryPermit, AccountError> {
        let account = self.account_at(address).await?.id;
        Ok(RecoveryPermit::new(account, Some(account)))
    }

    /// Lets an administrator put what removed accounts with this address had into the account that has it now, if one
    /// does. It may be somebody else's: that is for the administrator to know.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn recovery_of_removed(&self, address: &Address) -> Result<Vec<RecoveryPermit>, AccountError> {
        let to = match self.account_at(address).await {
            Ok(account) => Some(account.id),
            Err(AccountError::Storage(posthouse_storage::StorageError::NotFound(_))) => None,
            Err(error) => return Err(error),
        };
        let removed = self.store.removed_accounts(&address.folded()).await?;
        Ok(removed.into_iter().map(|one| RecoveryPermit::new(one.id, to)).collect())
    }
}
