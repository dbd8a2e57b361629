//! Who signed in, and whether they may stay.

use posthouse_model::{AccountId, UnixMillis};
use posthouse_storage::{AccountRecord, AccountStatus};
use tokio::sync::watch;

use crate::login::unavailable;
use crate::{Identity, LoginRefusal, Service};

impl Identity {
    /// Told after each change of the directory, and sometimes without one: how often it has changed.
    pub fn directory_changes(&self) -> watch::Receiver<u64> {
        self.directory.changes()
    }

    async fn password_set_at(&self, account: AccountId) -> Result<Option<UnixMillis>, LoginRefusal> {
        let credential = self.store.credential(account).await.map_err(unavailable)?;
        Ok(credential.map(|credential| credential.changed_at))
    }

    /// Whether whoever signed in to a service with this account may go on: as [`Identity::authorize`] would have it now,
    /// and with the password that they signed in with ([`Permit::password_set_at`](crate::Permit::password_set_at)), if it
    /// was one. What was proved then is not asked for again.
    ///
    /// # Errors
    /// [`LoginRefusal::Unavailable`] when it cannot be told now; else why they may not.
    pub async fn may_stay(
        &self,
        account: AccountId,
        service: Service,
        password_set_at: Option<UnixMillis>,
    ) -> Result<(), LoginRefusal> {
        if password_set_at.is_some() && self.password_set_at(account).await? != password_set_at {
            return Err(LoginRefusal::WrongCredentials);
        }
        let account = self.store.account(account).await.map_err(unavailable)?;
        // It was removed.
        let account = account.ok_or(LoginRefusal::LoginDisabled)?;
        self.admits(&account, service).await
    }

    /// Whether an account may use a service.
    pub(crate) async fn admits(&self, account: &AccountRecord, service: Service) -> Result<(), LoginRefusal> {
        match account.status {
            AccountStatus::Active => {}
            AccountStatus::SendOnly if service == Service::Submission => {}
            AccountStatus::SendOnly => return Err(LoginRefusal::SendOnly),
            AccountStatus::LoginDisabled | AccountStatus::Suspended => return Err(LoginRefusal::LoginDisabled),
        }
        if service == Service::Submission {
            return Ok(());
        }
        let domain = self.directory.domain(&account.address.domain).await.map_err(unavailable)?;
        if domain.is_some_and(|domain| domain.sends_only) {
            return Err(LoginRefusal::SendOnly);
        }
        if account.administrator && !account.mail_access_for_administrator {
            return Err(LoginRefusal::NotForAdministrators);
        }
        Ok(())
    }
}
