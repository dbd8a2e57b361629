//! Who signed in, and whether they may stay.

use posthouse_model::AccountId;
use posthouse_storage::{AccountRecord, AccountStatus};
use tokio::sync::watch;

use crate::login::unavailable;
use crate::{Identity, LoginRefusal, Means, Service};

impl Identity {
    /// Told after each change of the directory, and sometimes without one: how often it has changed.
    pub fn directory_changes(&self) -> watch::Receiver<u64> {
        self.directory.changes()
    }

    /// Whether an account can still be signed in to with this. Nothing that is remembered is asked: it may be about to be
    /// forgotten.
    async fn holds(&self, account: AccountId, means: Means) -> Result<bool, LoginRefusal> {
        let ring = self.store.account_keys(account).await.map_err(unavailable)?;
        match means {
            Means::Key(id) => Ok(ring.keys.iter().any(|key| key.id == id)),
            Means::Password(_) if ring.password_barred => Ok(false),
            Means::Password(set_at) => {
                let credential = self.store.credential(account).await.map_err(unavailable)?;
                Ok(credential.is_some_and(|credential| credential.changed_at == set_at))
            }
        }
    }

    /// Whether whoever signed in to a service with this account may go on: as [`Identity::authorize`] would have it now,
    /// and with what they signed in with ([`Permit::means`](crate::Permit::means)). What was proved then is not asked for
    /// again, nor whether a key has expired since ([`Identity::still_holds`]).
    ///
    /// # Errors
    /// [`LoginRefusal::Unavailable`] when it cannot be told now; else why they may not.
    pub async fn may_stay(
        &self,
        account: AccountId,
        service: Service,
        means: Option<Means>,
    ) -> Result<(), LoginRefusal> {
        if let Some(means) = means
            && !self.holds(account, means).await?
        {
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
