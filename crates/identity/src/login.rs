//! Signing in.

use std::sync::Arc;
use std::time::Instant;

use posthouse_model::{AccountId, Address, Domain, KeyId, Secret, UnixMillis};
use posthouse_sasl::server::{Answer, Question};
use posthouse_sasl::{CramMd5Secret, ScramHash, ScramVerifier};
use posthouse_storage::{
    AccountKey, AccountKeyRing, AccountRecord, AccountStatus, Credential, KeyProof, KeyUse, Resolution, StorageError,
};

use crate::account_keys::usable;
use crate::hashing::verify;
use crate::login_name::{LoginName, full_name};
use crate::{Identity, KeyRefusal, LoginRefusal, Means, Permit};

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

/// What an exchange rests on. Only this crate makes one, and it means something only once the exchange has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    account: AccountId,
    means: Means,
}

/// The answer to a question of an exchange, with what is not for the client.
#[derive(Debug)]
pub struct Checked {
    /// What the exchange is told.
    pub answer: Answer,
    /// What it rests on, if it succeeds: to be shown to [`Identity::authorize_by_password`].
    pub proof: Option<Proof>,
    /// Why it cannot succeed although something of the kind is there; for the log.
    pub cause: Option<KeyRefusal>,
}

/// Why a password is not taken.
struct Wrong {
    refusal: LoginRefusal,
    cause: Option<KeyRefusal>,
}

impl From<LoginRefusal> for Wrong {
    fn from(refusal: LoginRefusal) -> Self {
        Self { refusal, cause: None }
    }
}

/// An account with all that it signs in with.
struct Candidate {
    account: AccountRecord,
    credential: Option<Credential>,
    ring: Arc<AccountKeyRing>,
}

impl Candidate {
    /// The key of this label.
    fn key(&self, label: &str) -> Option<&AccountKey> {
        let label = label.to_ascii_lowercase();
        self.ring.keys.iter().find(|key| key.label == label)
    }
}

/// What is kept for a mechanism in which the secret is not sent.
struct Stored {
    bytes: Option<Secret>,
    proof: Proof,
    /// Why it opens nothing. It is shown all the same: a verifier that changed when a key expires would tell of it.
    cause: Option<KeyRefusal>,
}

impl Identity {
    /// Answers what a SASL exchange asks. An unknown user, one who may not sign in, one without a password, and a key that
    /// is not there all get a decoy, so that the exchange takes the same steps and the same time as for a wrong password.
    pub async fn answer(&self, question: Question, scope: &LoginScope, now: UnixMillis) -> Checked {
        let only = |answer| Checked { answer, proof: None, cause: None };
        match question {
            Question::VerifyPassword { authentication_id, password, .. } => {
                match self.verify_password(&authentication_id, password, scope, now).await {
                    Ok(proof) => Checked { answer: Answer::Accepted, proof: Some(proof), cause: None },
                    Err(Wrong { refusal: LoginRefusal::Unavailable, .. }) => only(Answer::TemporarilyUnavailable),
                    Err(Wrong { cause, .. }) => Checked { answer: Answer::Rejected, proof: None, cause },
                }
            }
            // Only who holds the connection knows of a certificate: see `Identity::certificate_holder`.
            Question::ExternalIdentity { .. } => only(Answer::Rejected),
            Question::ScramCredential { user, hash } => match self.candidate(&user, scope).await {
                Ok(found) => self.scram_answer(&user, hash, found.as_ref(), scope, now),
                Err(_) => only(Answer::TemporarilyUnavailable),
            },
            Question::CramSecret { user } => match self.candidate(&user, scope).await {
                Ok(found) => cram_answer(&user, found.as_ref(), scope, now),
                Err(_) => only(Answer::TemporarilyUnavailable),
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

    /// Likewise, for an exchange that rests on a password or a key, as `proof` says. An old password lets in no longer, if
    /// the policy says so; that it has expired is told only to who has shown that they know it. A key that was removed while
    /// the exchange was under way does not let in either. That it was used is noted, now and then.
    ///
    /// # Errors
    /// As [`Identity::authorize`], and [`LoginRefusal::PasswordExpired`].
    pub async fn authorize_by_password(
        &self,
        authentication_id: &str,
        authorization_id: Option<&str>,
        proof: Option<Proof>,
        scope: &LoginScope,
        now: UnixMillis,
    ) -> Result<Permit, LoginRefusal> {
        let name = LoginName::parse(authentication_id);
        let permit = self.authorize(name.account, authorization_id, scope).await?;
        let proof = proof.filter(|proof| proof.account == permit.account()).ok_or(LoginRefusal::WrongCredentials)?;
        let ring = self.keys.ring(permit.account()).await.map_err(unavailable)?;
        let set_at = match proof.means {
            Means::Key(id) => return self.authorize_by_key(permit, &ring, id, scope, now).await,
            Means::Password(set_at) => set_at,
        };
        if ring.password_barred {
            return Err(LoginRefusal::WrongCredentials);
        }
        // It may have been changed since it was looked at.
        let credential = self.store.credential(permit.account()).await.map_err(unavailable)?;
        if credential.is_none_or(|credential| credential.changed_at != set_at) {
            return Err(LoginRefusal::WrongCredentials);
        }
        match self.options.password_policy.is_expired(set_at, now) {
            true => Err(LoginRefusal::PasswordExpired),
            false => Ok(permit.by_password(set_at)),
        }
    }

    async fn authorize_by_key(
        &self,
        permit: Permit,
        ring: &AccountKeyRing,
        id: KeyId,
        scope: &LoginScope,
        now: UnixMillis,
    ) -> Result<Permit, LoginRefusal> {
        let key = ring.keys.iter().find(|key| key.id == id).ok_or(LoginRefusal::WrongCredentials)?;
        usable(key, scope.service, now).map_err(|_| LoginRefusal::WrongCredentials)?;
        self.keys.note_use(id, KeyUse { at: now, service: scope.service.into() }).await;
        Ok(permit.by_key(id, key.label.clone()))
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
        let proof = self.verify_password(&name, password, scope, now).await.map_err(|wrong| wrong.refusal)?;
        self.authorize_by_password(&name, None, Some(proof), scope, now).await
    }

    /// A wrong password costs one hash, whether or not there is such a user, and so does a key that opens nothing. A key
    /// that is right costs none, nor does a password that was verified a moment ago.
    async fn verify_password(
        &self,
        name: &str,
        password: Secret,
        scope: &LoginScope,
        now: UnixMillis,
    ) -> Result<Proof, Wrong> {
        let Some(found) = self.candidate(name, scope).await.map_err(unavailable)? else {
            return Err(self.waste_a_hash(password, None).await);
        };
        let account = found.account.id;
        if let Some(label) = LoginName::parse(name).label {
            let Some(key) = found.key(label) else {
                return Err(self.waste_a_hash(password, Some(KeyRefusal::Unknown)).await);
            };
            return match self.key_digests.find(account, std::iter::once(key), &password) {
                Some(key) => self.verified_key(key, password, scope, now).await,
                None => Err(self.waste_a_hash(password, None).await),
            };
        }
        if let Some(key) = self.key_digests.find(account, found.ring.keys.iter(), &password) {
            return self.verified_key(key, password, scope, now).await;
        }
        let barred = found.ring.password_barred;
        let Some(credential) = found.credential else {
            return Err(self.waste_a_hash(password, None).await);
        };
        // A password that is barred always costs its hash: else it would show by its haste that it is right.
        if !barred && self.remembered.recognises(account, credential.changed_at, &password, Instant::now()) {
            return Ok(Proof { account, means: Means::Password(credential.changed_at) });
        }
        let shared = Arc::new(password);
        let hashed = Arc::clone(&shared);
        match self.hashing.run(move || verify(&credential.argon2, &hashed)).await {
            Ok(true) if barred => {
                let cause = Some(KeyRefusal::PasswordBarred);
                Err(Wrong { refusal: LoginRefusal::WrongCredentials, cause })
            }
            Ok(true) => {
                self.remembered.remember(account, credential.changed_at, &shared, Instant::now());
                Ok(Proof { account, means: Means::Password(credential.changed_at) })
            }
            Ok(false) => Err(LoginRefusal::WrongCredentials.into()),
            Err(_) => Err(LoginRefusal::Unavailable.into()),
        }
    }

    /// What comes of a key whose secret was shown.
    async fn verified_key(
        &self,
        key: &AccountKey,
        secret: Secret,
        scope: &LoginScope,
        now: UnixMillis,
    ) -> Result<Proof, Wrong> {
        match usable(key, scope.service, now) {
            Ok(()) => Ok(Proof { account: key.account, means: Means::Key(key.id) }),
            Err(cause) => Err(self.waste_a_hash(secret, Some(cause)).await),
        }
    }

    /// Takes as long as a wrong password of a user who is there.
    async fn waste_a_hash(&self, password: Secret, cause: Option<KeyRefusal>) -> Wrong {
        let decoy = self.decoy_hash.clone();
        match self.hashing.run(move || verify(&decoy, &password)).await {
            Ok(_) => Wrong { refusal: LoginRefusal::WrongCredentials, cause },
            Err(_) => LoginRefusal::Unavailable.into(),
        }
    }

    fn scram_answer(
        &self,
        user: &str,
        hash: ScramHash,
        found: Option<&Candidate>,
        scope: &LoginScope,
        now: UnixMillis,
    ) -> Checked {
        let of_password = |credential: &Credential| match hash {
            ScramHash::Sha1 => Some(credential.scram_sha_1.clone()),
            ScramHash::Sha256 => Some(credential.scram_sha_256.clone()),
        };
        let of_key = |proof: &KeyProof| match hash {
            ScramHash::Sha1 => Some(proof.scram_sha_1.clone()),
            ScramHash::Sha256 => Some(proof.scram_sha_256.clone()),
        };
        let (stored, cause) = stored(user, found, (scope, now), of_password, of_key);
        let verifier = stored.as_ref().and_then(|stored| stored.bytes.as_ref());
        let verifier = verifier.and_then(|bytes| ScramVerifier::from_bytes(bytes.expose()).ok());
        let proof = stored.filter(|stored| stored.cause.is_none() && verifier.is_some()).map(|stored| stored.proof);
        let verifier = verifier.unwrap_or_else(|| {
            let user = LoginName::parse(user).folded(scope);
            ScramVerifier::decoy(hash, self.decoy_key.expose(), &user, self.options.scram_iterations)
        });
        Checked { answer: Answer::ScramCredential { verifier, real: proof.is_some() }, proof, cause }
    }

    async fn candidate(&self, name: &str, scope: &LoginScope) -> Result<Option<Candidate>, StorageError> {
        let Some(account) = self.login_account(LoginName::parse(name).account, scope).await? else { return Ok(None) };
        // Who sends only is told so, but nobody who does not know the password.
        if !matches!(account.status, AccountStatus::Active | AccountStatus::SendOnly) {
            return Ok(None);
        }
        let credential = self.store.credential(account.id).await?;
        let ring = self.keys.ring(account.id).await?;
        Ok(Some(Candidate { account, credential, ring }))
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

/// What is kept for a mechanism in which the secret is not sent: of the key that the name says, or of the password. With
/// it, why that opens nothing.
fn stored(
    user: &str,
    found: Option<&Candidate>,
    (scope, now): (&LoginScope, UnixMillis),
    of_password: impl FnOnce(&Credential) -> Option<Secret>,
    of_key: impl FnOnce(&KeyProof) -> Option<Secret>,
) -> (Option<Stored>, Option<KeyRefusal>) {
    let Some(found) = found else { return (None, None) };
    let account = found.account.id;
    let stored = match LoginName::parse(user).label {
        Some(label) => found.key(label).map(|key| Stored {
            bytes: of_key(&key.proof),
            proof: Proof { account, means: Means::Key(key.id) },
            cause: usable(key, scope.service, now).err(),
        }),
        None => found.credential.as_ref().map(|credential| Stored {
            bytes: of_password(credential),
            proof: Proof { account, means: Means::Password(credential.changed_at) },
            cause: found.ring.password_barred.then_some(KeyRefusal::PasswordBarred),
        }),
    };
    let names_a_key = LoginName::parse(user).label.is_some();
    let cause = match &stored {
        Some(stored) => stored.cause,
        None => names_a_key.then_some(KeyRefusal::Unknown),
    };
    (stored, cause)
}

fn cram_answer(user: &str, found: Option<&Candidate>, scope: &LoginScope, now: UnixMillis) -> Checked {
    let (stored, cause) =
        stored(user, found, (scope, now), |credential| credential.cram_md5.clone(), |proof| proof.cram_md5.clone());
    let secret = stored.as_ref().and_then(|stored| stored.bytes.as_ref());
    let secret = secret.and_then(|bytes| CramMd5Secret::from_bytes(bytes.expose()));
    let proof = stored.filter(|stored| stored.cause.is_none() && secret.is_some()).map(|stored| stored.proof);
    let secret = secret.unwrap_or_else(|| {
        CramMd5Secret::from_bytes(&[0; posthouse_sasl::cram_md5::SECRET_BYTES]).expect("the length is right")
    });
    Checked { answer: Answer::CramSecret { secret, real: proof.is_some() }, proof, cause }
}

pub(crate) fn unavailable(_: StorageError) -> LoginRefusal {
    LoginRefusal::Unavailable
}
