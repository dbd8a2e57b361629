//! Passwords that were verified a moment ago, recognised without hashing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use parking_lot::Mutex;
use posthouse_model::{AccountId, Secret, UnixMillis};

use crate::credential::random;

/// Keyed digests of verified passwords, in memory only. A phone that signs in every minute costs one HMAC instead
/// of one Argon2.
///
/// The key is made at start and never leaves the process. A changed password is another entry, because the time of
/// the change is part of what is digested.
pub struct RememberedPasswords {
    key: hmac::Key,
    keep_for: Duration,
    at_most: usize,
    entries: Mutex<HashMap<[u8; 32], Instant>>,
}

impl RememberedPasswords {
    /// Remembers for `keep_for`, and not more than `at_most`.
    pub fn new(keep_for: Duration, at_most: usize) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &random::<32>()),
            keep_for,
            at_most,
            entries: Mutex::new(HashMap::new()),
        }
    }

    fn digest(&self, account: AccountId, changed_at: UnixMillis, password: &Secret) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&account.0.to_be_bytes());
        context.update(&changed_at.0.to_be_bytes());
        context.update(password.expose());
        context.sign().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// Whether this password of this account was verified lately. Looking up a keyed digest tells nothing by its
    /// timing to anybody who does not have the key.
    pub fn recognises(&self, account: AccountId, changed_at: UnixMillis, password: &Secret, now: Instant) -> bool {
        let digest = self.digest(account, changed_at, password);
        self.entries.lock().get(&digest).is_some_and(|verified_at| now.duration_since(*verified_at) < self.keep_for)
    }

    /// Keeps in mind that this password is right.
    pub fn remember(&self, account: AccountId, changed_at: UnixMillis, password: &Secret, now: Instant) {
        let digest = self.digest(account, changed_at, password);
        let mut entries = self.entries.lock();
        if entries.len() >= self.at_most {
            entries.retain(|_, verified_at| now.duration_since(*verified_at) < self.keep_for);
        }
        if entries.len() >= self.at_most {
            entries.clear();
        }
        entries.insert(digest, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: AccountId = AccountId(1);

    #[test]
    fn only_the_same_password_of_the_same_account_is_recognised() {
        let start = Instant::now();
        let remembered = RememberedPasswords::new(Duration::from_secs(60), 10);
        let secret = Secret::new("s3cret");
        remembered.remember(ANN, UnixMillis(5), &secret, start);
        assert!(remembered.recognises(ANN, UnixMillis(5), &secret, start));
        assert!(!remembered.recognises(AccountId(2), UnixMillis(5), &secret, start));
        assert!(!remembered.recognises(ANN, UnixMillis(6), &secret, start), "the password was changed");
        assert!(!remembered.recognises(ANN, UnixMillis(5), &Secret::new("other"), start));
        assert!(!remembered.recognises(ANN, UnixMillis(5), &secret, start + Duration::from_secs(60)));
    }

    #[test]
    fn memory_is_bounded() {
        let start = Instant::now();
        let remembered = RememberedPasswords::new(Duration::from_secs(60), 10);
        for n in 0..100 {
            remembered.remember(AccountId(n), UnixMillis(0), &Secret::new("x"), start);
        }
        assert!(remembered.entries.lock().len() <= 10);
    }
}
