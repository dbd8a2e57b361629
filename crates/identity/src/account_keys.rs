//! Keys of accounts: secrets besides the password, made by the server for one program each, and revoked alone (AUTH-6).

use aws_lc_rs::{constant_time, hmac};
use posthouse_model::{AccountId, Address, KeyId, Secret, UnixMillis};
use posthouse_storage::account_keys::MAX_KEY_LABEL_BYTES;
use posthouse_storage::{AccountKey, AccountKeyRing, KeyProof, KeyService, KeyServices, NewAccountKey};
use zeroize::Zeroizing;

use crate::credential::challenge_proofs;
use crate::password::random_characters;
use crate::{AccountError, Identity, Permit, Service};

/// Characters of a key's secret; at five bits each, 140 bits.
const SECRET_CHARACTERS: usize = 28;
/// In groups of so many.
const SECRET_GROUP: usize = 4;

impl From<Service> for KeyService {
    fn from(service: Service) -> Self {
        match service {
            Service::Submission => Self::Submission,
            Service::Imap => Self::Imap,
            Service::Pop3 => Self::Pop3,
        }
    }
}

/// A key that somebody wants to make.
#[derive(Clone, Debug)]
pub struct KeyDraft {
    /// For which account.
    pub account: Address,
    /// What it is to be called; see [`key_label`].
    pub label: String,
    /// What it is for.
    pub services: KeyServices,
    /// When it expires, if ever.
    pub expires_at: Option<UnixMillis>,
}

/// Why a secret that may well be right opens nothing. For the log alone: a client gets the answer to a wrong password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// The account has no key of the label that was named.
    #[error("the account has no credential of this label: it was removed, or there never was one")]
    Unknown,
    /// The key has expired.
    #[error("the credential has expired")]
    Expired,
    /// The key is for other services.
    #[error("the credential is not for this protocol")]
    NotForService,
    /// The account's password is good for no mail protocol.
    #[error("the account's main password is barred from mail protocols")]
    PasswordBarred,
}

/// The one way in which a label is written: in lower case, of letters, digits and, not as the first, `.`, `-` and `_`.
/// So it can be typed behind an address on every keyboard, and nothing in it needs preparing.
///
/// # Errors
/// [`AccountError::BadLabel`] if it cannot be one.
pub fn key_label(text: &str) -> Result<String, AccountError> {
    let label = text.to_ascii_lowercase();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let first = label.bytes().next().is_some_and(is_plain);
    let rest = label.bytes().all(|byte| is_plain(byte) || matches!(byte, b'.' | b'-' | b'_'));
    match first && rest && label.len() <= MAX_KEY_LABEL_BYTES {
        true => Ok(label),
        false => Err(AccountError::BadLabel),
    }
}

/// What is kept of secrets is digested under this, which the store keeps sealed if it is encrypted.
pub(crate) struct DigestKey(hmac::Key);

impl DigestKey {
    pub fn new(key: &Secret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// The digest by which PLAIN and LOGIN know a secret.
    ///
    /// A fast one, unlike that of a password: what makes Argon2 worth its price is that people choose what can be guessed.
    /// Of 140 random bits nobody guesses one in the age of the world, however cheap each guess is; and a phone that signs
    /// in every minute costs microseconds. The account is digested with it, so that equal digests tell of nothing.
    ///
    /// Hyphens, spaces and case, which people lose on the way from the screen to the phone, do not count.
    fn digest(&self, account: AccountId, secret: &Secret) -> [u8; 32] {
        let mut plain = Zeroizing::new(Vec::with_capacity(secret.len()));
        plain.extend(secret.expose().iter().filter(|byte| !matches!(byte, b'-' | b' ')).map(u8::to_ascii_lowercase));
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&account.0.to_be_bytes());
        context.update(&plain);
        context.sign().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// Which of `keys` has this secret. It is compared with each, whichever it is.
    pub fn find<'a>(
        &self,
        account: AccountId,
        keys: impl Iterator<Item = &'a AccountKey>,
        secret: &Secret,
    ) -> Option<&'a AccountKey> {
        let digest = self.digest(account, secret);
        let is_it =
            |key: &&AccountKey| constant_time::verify_slices_are_equal(key.proof.digest.expose(), &digest).is_ok();
        keys.filter(is_it).last()
    }
}

/// Whether a key opens `service` `now`.
pub(crate) fn usable(key: &AccountKey, service: Service, now: UnixMillis) -> Result<(), KeyRefusal> {
    if key.expires_at.is_some_and(|at| now >= at) {
        Err(KeyRefusal::Expired)
    } else if !key.services.has(service.into()) {
        Err(KeyRefusal::NotForService)
    } else {
        Ok(())
    }
}

impl Identity {
    /// Makes a key. Its secret is told this once: it is not kept.
    ///
    /// # Errors
    /// When there is no such account, the label cannot be one or is taken, the account has too many, or the key would have
    /// expired before it is used.
    pub async fn add_key(&self, draft: KeyDraft, now: UnixMillis) -> Result<(AccountKey, Secret), AccountError> {
        let account = self.account_at(&draft.account).await?;
        let label = key_label(&draft.label)?;
        if draft.expires_at.is_some_and(|at| at <= now) {
            return Err(AccountError::ExpiresInThePast);
        }
        let secret = Secret::new(random_characters(SECRET_CHARACTERS, SECRET_GROUP));
        let (options, hashed) = (self.options.clone(), secret.clone());
        let derived = self.hashing.run(move || challenge_proofs(&options, &hashed)).await;
        let proofs = derived.map_err(|_| AccountError::HashingUnavailable)??;
        let proof = KeyProof {
            digest: Secret::new(self.key_digests.digest(account.id, &secret)),
            scram_sha_256: proofs.scram_sha_256,
            scram_sha_1: proofs.scram_sha_1,
            cram_md5: proofs.cram_md5,
        };
        let KeyDraft { services, expires_at, .. } = draft;
        let key = NewAccountKey { account: account.id, label, services, created_at: now, expires_at, proof };
        Ok((self.store.add_account_key(key).await?, secret))
    }

    /// Removes a key: it opens nothing from now on.
    ///
    /// # Errors
    /// When there is no such account or key.
    pub async fn remove_key(&self, account: &Address, label: &str) -> Result<KeyId, AccountError> {
        let account = self.account_at(account).await?;
        Ok(self.store.remove_account_key(account.id, &key_label(label)?).await?)
    }

    /// What an account has besides its password.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn keys(&self, account: &Address) -> Result<AccountKeyRing, AccountError> {
        let account = self.account_at(account).await?;
        Ok(self.store.account_keys(account.id).await?)
    }

    /// Says whether an account's password is good for mail; if not, only its keys and certificates are.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn bar_password(&self, account: &Address, barred: bool) -> Result<(), AccountError> {
        let account = self.account_at(account).await?;
        Ok(self.store.bar_password(account.id, barred).await?)
    }

    /// Whether a session that began with a key may go on: the key is neither removed nor expired. One that began without a
    /// key always may. Costs a look into memory.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn still_holds(
        &self,
        permit: &Permit,
        service: Service,
        now: UnixMillis,
    ) -> Result<bool, posthouse_storage::StorageError> {
        let Some(held) = permit.key() else { return Ok(true) };
        let ring = self.keys.ring(permit.account()).await?;
        Ok(ring.keys.iter().any(|key| key.id == held.id && usable(key, service, now).is_ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(key_label(text).ok().as_deref(), expected, "{text}");
    }

    #[test]
    fn labels_are_plain() {
        check("phone", Some("phone"));
        check("Ann-s.Phone_2", Some("ann-s.phone_2"));
        check("2nd", Some("2nd"));
        for bad in ["", "-phone", ".", "a b", "a/b", "a@b", "phöne", "a\n", &"x".repeat(33)] {
            check(bad, None);
        }
        check(&"x".repeat(32), Some(&"x".repeat(32)));
    }
}
