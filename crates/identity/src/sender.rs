//! Which addresses somebody may send from (SUBM-3).

use posthouse_model::Address;
use posthouse_storage::{Resolution, StorageError};

use crate::recipient::split_detail;
use crate::{Identity, Permit};

impl Identity {
    /// Whether the holder of `permit` may send as `address`: the account's own address, a sub-address of it, or an
    /// alias that leads to it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn may_send_as(&self, permit: &Permit, address: &Address) -> Result<bool, StorageError> {
        if address.folded() == permit.address().folded() {
            return Ok(true);
        }
        let Some(domain) = self.directory.domain(&address.domain).await? else { return Ok(false) };
        if let Some(found) = self.directory.resolve(address).await? {
            return Ok(leads_to(&found, permit));
        }
        let Some((base, _)) = split_detail(address, &domain) else { return Ok(false) };
        let found = self.directory.resolve(&base).await?;
        Ok(found.is_some_and(|found| leads_to(&found, permit)))
    }
}

fn leads_to(found: &Resolution, permit: &Permit) -> bool {
    match found {
        Resolution::Account(account) => account.id == permit.account(),
        Resolution::Alias(alias) => {
            let own = permit.address().folded();
            alias.targets.iter().any(|target| target.folded() == own)
        }
    }
}
