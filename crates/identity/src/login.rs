//! Signing in.

use std::sync::Arc;
use std::time::Instant;

use posthouse_model::{Address, Domain, Secret, UnixMillis};
use posthouse_sasl::server::{Answer, Question};
use posthouse_sasl::{CramMd5Secret, ScramHash, ScramVerifier};
use posthouse_storage::{AccountRecord, AccountStatus, Credential, Resolution, StorageError};

use crate::hashing::verify;
use crate::{Identity, LoginRefusal, Permit};

/// What somebody signs in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Handing in mail.
    Submission,
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
}

/// Where somebody signs in.
#[derive(Clone, Debug)]
pub struct LoginScope {
    /// To what.
    pub service: Service,
    /// The domain that completes a login without one (AUTH-4); `None` if full addresses are wanted, unless only
    /// one account has the local part.
    pub default_domain: Option<Domain>,
}

/// An account with what is kept of its password.
struct Candidate {
    account: AccountRecord,
    credential: Credential,
}

impl Identity {
    /// Answers what a SASL exchange asks. An unknown user, one who may not sign in, and one without a password all
    /// get a decoy, so that the exchange takes the same steps and the same time as for a wrong password.
    pub async fn answer(&self, question: Question, scope: &LoginScope) -> Answer {
        match question {
            Question::VerifyPassword { authentication_id, password, .. } => {
                match self.verify_password(&authentication_id, password, scope).await {
                    Ok(_) => Answer::Accepted,
                    Err(LoginRefusal::Unavailable) => Answer::TemporarilyUnavailable,
                    Err(_) => Answer::Rejected,
                }
            }
            // Only who holds the connection knows of a certificate: see `Identity::certificate_holder`.
            Question::ExternalIdentity { .. } => Answer::Rejected,
            Question::ScramCredential { user, hash } => match self.candidate(&user, scope).await {
                Ok(found) => self.scram_answer(&user, hash, found.as_ref(), scope),
                Err(_) => Answer::TemporarilyUnavailable,
            },
            Question::CramSecret { user } => match self.candidate(&user, scope).await {
                Ok(found) => cram_answer(found.as_ref()),
                Err(_) => Answer::TemporarilyUnavailable,
            },
        }
    }

    /// What somebody whose identity is beyond doubt may do: by a certificate, say. An exchange by password ends in
    /// [`authorize_by_password`](Identity::authorize_by_password).
    ///
    /// # Errors
    /// When the account may not use the service, or may not act as `authorization_id`.
    pub async fn authorize(
        &self,
        authentication_id: &str,
        authorization_id: Option<&str>,
        scope: &LoginScope,
    ) -> Result<Permit, LoginRefusal> {
        let account = self.login_account(authentication_id, scope).await.map_err(unavailable)?;
        let account = account.ok_or(LoginRefusal::WrongCredentials)?;
        self.admits(&account, scope.service).await?;
        if let Some(name) = authorization_id {
            let other = self.login_account(name, scope).await.map_err(unavailable)?;
            if other.is_none_or(|other| other.id != account.id) {
                return Err(LoginRefusal::NotAuthorized);
            }
        }
        Ok(Permit::new(account.id, account.address, account.administrator))
    }

    /// Likewise, for an exchange that rests on a password: an old one lets in no longer, if the policy says so. That it
    /// has expired is told only to who has shown that they know it.
    ///
    /// # Errors
    /// As [`Identity::authorize`], and [`LoginRefusal::PasswordExpired`].
    pub async fn authorize_by_password(
        &self,
        authentication_id: &str,
        authorization_id: Option<&str>,
        scope: &LoginScope,
        now: UnixMillis,
    ) -> Result<Permit, LoginRefusal> {
        let permit = self.authorize(authentication_id, authorization_id, scope).await?;
        if self.options.password_policy.max_age.is_none() {
            return Ok(permit);
        }
        let credential = self.store.credential(permit.account()).await.map_err(unavailable)?;
        let expired = |credential: Credential| self.options.password_policy.is_expired(credential.changed_at, now);
        match credential.is_some_and(expired) {
            true => Err(LoginRefusal::PasswordExpired),
            false => Ok(permit),
        }
    }

    /// Signs in with a name and a clear password (LOGIN of IMAP, USER and PASS of POP3).
    ///
    /// # Errors
    /// As [`Identity::authorize_by_password`], and [`LoginRefusal::WrongCredentials`].
    pub async fn login(
        &self,
        name: &str,
        password: Secret,
        scope: &LoginScope,
        now: UnixMillis,
    ) -> Result<Permit, LoginRefusal> {
        let name = posthouse_sasl::prepare_name(name.as_bytes()).unwrap_or_default();
        let password = posthouse_sasl::prepare_password(password.expose()).unwrap_or(password);
        self.verify_password(&name, password, scope).await?;
        self.authorize_by_password(&name, None, scope, now).await
    }

    /// Costs one hash, whether or not there is such a user, unless the password was verified a moment ago.
    async fn verify_password(&self, name: &str, password: Secret, scope: &LoginScope) -> Result<(), LoginRefusal> {
        let found = self.candidate(name, scope).await.map_err(unavailable)?;
        let Some(Candidate { account, credential }) = found else {
            let decoy = self.decoy_hash.clone();
            let hashed = self.hashing.run(move || verify(&decoy, &password)).await;
            return Err(hashed.map_or(LoginRefusal::Unavailable, |_| LoginRefusal::WrongCredentials));
        };
        if self.remembered.recognises(account.id, credential.changed_at, &password, Instant::now()) {
            return Ok(());
        }
        let shared = Arc::new(password);
        let hashed = Arc::clone(&shared);
        let right = self.hashing.run(move || verify(&credential.argon2, &hashed)).await;
        match right {
            Ok(true) => {
                self.remembered.remember(account.id, credential.changed_at, &shared, Instant::now());
                Ok(())
            }
            Ok(false) => Err(LoginRefusal::WrongCredentials),
            Err(_) => Err(LoginRefusal::Unavailable),
        }
    }

    fn scram_answer(&self, user: &str, hash: ScramHash, found: Option<&Candidate>, scope: &LoginScope) -> Answer {
        let stored = found.and_then(|candidate| {
            let bytes = match hash {
                ScramHash::Sha1 => &candidate.credential.scram_sha_1,
                ScramHash::Sha256 => &candidate.credential.scram_sha_256,
            };
            ScramVerifier::from_bytes(bytes.expose()).ok()
        });
        let real = stored.is_some();
        let verifier = stored.unwrap_or_else(|| {
            let user = folded_name(user, scope);
            ScramVerifier::decoy(hash, self.decoy_key.expose(), &user, self.options.scram_iterations)
        });
        Answer::ScramCredential { verifier, real }
    }

    async fn candidate(&self, name: &str, scope: &LoginScope) -> Result<Option<Candidate>, StorageError> {
        let Some(account) = self.login_account(name, scope).await? else { return Ok(None) };
        // Who sends only is told so, but nobody who does not know the password.
        if !matches!(account.status, AccountStatus::Active | AccountStatus::SendOnly) {
            return Ok(None);
        }
        let credential = self.store.credential(account.id).await?;
        Ok(credential.map(|credential| Candidate { account, credential }))
    }

    /// The account that a login names: by its full address, or by its local part in the scope's domain, or by its
    /// local part alone where only one account has it (AUTH-4).
    pub(crate) async fn login_account(
        &self,
        name: &str,
        scope: &LoginScope,
    ) -> Result<Option<AccountRecord>, StorageError> {
        match full_name(name, scope) {
            Some(full) => {
                let Ok(address) = Address::parse(&full) else { return Ok(None) };
                match self.directory.resolve(&address).await? {
                    Some(Resolution::Account(account)) => Ok(Some(account)),
                    Some(Resolution::Alias(_)) | None => Ok(None),
                }
            }
            None => {
                let mut found = self.store.accounts_by_local_part(&name.to_lowercase(), 2).await?;
                Ok(if found.len() == 1 { found.pop() } else { None })
            }
        }
    }
}

/// The login with its domain, where it has one or the scope completes it.
fn full_name(name: &str, scope: &LoginScope) -> Option<String> {
    match &scope.default_domain {
        _ if name.contains('@') => Some(name.to_owned()),
        Some(domain) => Some(format!("{name}@{domain}")),
        None => None,
    }
}

/// One name for all the ways in which a login can be written. A decoy made from anything else would differ where the
/// verifier of a real account does not, and so show itself.
fn folded_name(name: &str, scope: &LoginScope) -> String {
    let full = full_name(name, scope).unwrap_or_else(|| name.to_owned());
    Address::parse(&full).map_or_else(|_| full.to_lowercase(), |address| address.folded())
}

fn cram_answer(found: Option<&Candidate>) -> Answer {
    let stored = found
        .and_then(|candidate| candidate.credential.cram_md5.as_ref())
        .and_then(|bytes| CramMd5Secret::from_bytes(bytes.expose()));
    let real = stored.is_some();
    let secret = stored.unwrap_or_else(|| {
        CramMd5Secret::from_bytes(&[0; posthouse_sasl::cram_md5::SECRET_BYTES]).expect("the length is right")
    });
    Answer::CramSecret { secret, real }
}

pub(crate) fn unavailable(_: StorageError) -> LoginRefusal {
    LoginRefusal::Unavailable
}
