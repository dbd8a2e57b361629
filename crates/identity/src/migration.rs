//! Who may move mail in and out of an account that is not theirs.

use posthouse_model::Address;

use crate::{AccountError, Identity, Permit};

impl Identity {
    /// Lets an administrator move mail in and out in the place of whoever holds the account with this address. It takes
    /// no password, so it is for those who have the store in their hands anyway.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn migration(&self, address: &Address) -> Result<Permit, AccountError> {
        let account = self.account_at(address).await?;
        Ok(Permit::new(account.id, account.address, false))
    }
}
