//! What a password has to be like.

use std::time::Duration;

use posthouse_model::{Secret, UnixMillis};
use thiserror::Error;
use zxcvbn::Score;

use crate::credential::random;

#[cfg(doc)]
use posthouse_storage::password_history::MAX_EARLIER_PASSWORDS;

/// Longest password, in bytes: enough for any passphrase, and a bound on what is hashed.
pub const MAX_PASSWORD_BYTES: usize = 256;

/// Why a password is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PasswordWeakness {
    /// Fewer characters than the policy asks for.
    #[error("the password has fewer than {0} characters")]
    TooShort(usize),
    /// More than [`MAX_PASSWORD_BYTES`].
    #[error("the password has more than {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// Not text, or with control characters in it (RFC 8265 §4.2).
    #[error("the password has characters that cannot be typed everywhere")]
    ForbiddenCharacter,
    /// Too easy to guess; the text says what would help.
    #[error("the password is easy to guess: {0}")]
    Guessable(String),
    /// The password that is set already.
    #[error("the password is the one in use now")]
    Reused,
    /// One of the passwords before the one that is set.
    #[error("the password is one of the last {0} that were in use before")]
    UsedBefore(usize),
}

/// What a new password has to be like.
#[derive(Clone, Debug)]
pub struct PasswordPolicy {
    /// Fewest characters.
    pub min_characters: usize,
    /// Lowest strength, from 0 (guessed at once) to 4 (very strong), as the zxcvbn estimator counts, with the
    /// account's address as what an attacker would try first.
    pub min_strength: u8,
    /// How long a password can be used to sign in. `None`, as NIST SP 800-63B §3.1.1.2 advises: whoever has to change
    /// a good password again and again chooses worse ones.
    pub max_age: Option<Duration>,
    /// How many earlier passwords may not be used again, at most [`MAX_EARLIER_PASSWORDS`]. The one in use never may.
    pub history: usize,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_characters: 10, min_strength: 3, max_age: None, history: 0 }
    }
}

impl PasswordPolicy {
    /// Judges `password` for the account `address`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn judge(&self, password: &Secret, address: &str) -> Result<(), PasswordWeakness> {
        let text = password.expose_str().ok_or(PasswordWeakness::ForbiddenCharacter)?;
        if text.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordWeakness::TooLong);
        }
        if text.chars().count() < self.min_characters {
            return Err(PasswordWeakness::TooShort(self.min_characters));
        }
        posthouse_sasl::prepare_password(password.expose()).map_err(|_| PasswordWeakness::ForbiddenCharacter)?;
        let hints: Vec<&str> = address.split(['@', '.']).filter(|part| !part.is_empty()).chain([address]).collect();
        let mut estimate = zxcvbn::zxcvbn(text, &hints);
        // The estimator thinks three words strong even when all three stand in the address.
        if let Some(rest) = without_parts(text, &hints) {
            let of_rest = zxcvbn::zxcvbn(&rest, &hints);
            estimate = if of_rest.score() < estimate.score() { of_rest } else { estimate };
        }
        if estimate.score() >= self.lowest_score() {
            return Ok(());
        }
        let advice = estimate.feedback().map_or_else(
            || "use more words".to_owned(),
            |feedback| {
                let warning = feedback.warning().map(|warning| warning.to_string());
                warning
                    .into_iter()
                    .chain(feedback.suggestions().iter().map(ToString::to_string))
                    .collect::<Vec<_>>()
                    .join(" ")
            },
        );
        Err(PasswordWeakness::Guessable(advice))
    }

    /// When a password that was set at `changed_at` can no longer be used; `None` if it always can.
    pub fn expires_at(&self, changed_at: UnixMillis) -> Option<UnixMillis> {
        let age = i64::try_from(self.max_age?.as_millis()).unwrap_or(i64::MAX);
        Some(UnixMillis(changed_at.0.saturating_add(age)))
    }

    /// Whether a password that was set at `changed_at` can no longer be used `now`.
    pub fn is_expired(&self, changed_at: UnixMillis, now: UnixMillis) -> bool {
        self.expires_at(changed_at).is_some_and(|at| now >= at)
    }

    fn lowest_score(&self) -> Score {
        match self.min_strength {
            0 => Score::Zero,
            1 => Score::One,
            2 => Score::Two,
            3 => Score::Three,
            _ => Score::Four,
        }
    }
}

/// Shorter parts of an address stand in many a word by chance.
const MIN_HINT_CHARACTERS: usize = 3;

/// What is left of `text`, in lower case, without the parts of the address; `None` when none of them is in it.
fn without_parts(text: &str, hints: &[&str]) -> Option<String> {
    let lower = text.to_lowercase();
    let mut parts: Vec<String> = hints.iter().map(|hint| hint.to_lowercase()).collect();
    parts.retain(|part| part.chars().count() >= MIN_HINT_CHARACTERS);
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let rest = parts.iter().fold(lower.clone(), |rest, part| rest.replace(part.as_str(), ""));
    (rest != lower).then_some(rest)
}

/// Letters and digits that are not mistaken for each other.
const PASSWORD_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of a random password; at five bits each, 100 bits.
const RANDOM_PASSWORD_CHARACTERS: usize = 20;

/// In groups of so many.
const RANDOM_PASSWORD_GROUP: usize = 5;

/// A random password that can be read out and typed: four groups of five characters.
pub fn random_password() -> String {
    random_characters(RANDOM_PASSWORD_CHARACTERS, RANDOM_PASSWORD_GROUP)
}

/// Random characters that can be read out and typed, five bits each, in groups with a hyphen between.
pub(crate) fn random_characters(count: usize, group: usize) -> String {
    let characters: Vec<char> =
        (0..count).map(|_| char::from(PASSWORD_ALPHABET[usize::from(random::<1>()[0] & 31)])).collect();
    characters.chunks(group).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str, expected: &Result<(), PasswordWeakness>) {
        let judged = PasswordPolicy::default().judge(&Secret::new(password), "ann.lee@example.org");
        match (&judged, expected) {
            (Err(PasswordWeakness::Guessable(_)), Err(PasswordWeakness::Guessable(_))) => {}
            _ => assert_eq!(&judged, expected, "{password}"),
        }
    }

    #[test]
    fn the_policy_judges() {
        check("short", &Err(PasswordWeakness::TooShort(10)));
        check("aaaaaaaaaaaaaaa", &Err(PasswordWeakness::Guessable(String::new())));
        check("password1234", &Err(PasswordWeakness::Guessable(String::new())));
        check("annleeexample", &Err(PasswordWeakness::Guessable(String::new())));
        check("Ann.Lee@Example.org1", &Err(PasswordWeakness::Guessable(String::new())));
        check("lee lets seven horses wait", &Ok(()));
        check("two horses\x07 rest here", &Err(PasswordWeakness::ForbiddenCharacter));
        check(&"x".repeat(MAX_PASSWORD_BYTES + 1), &Err(PasswordWeakness::TooLong));
        check("seven horses wait at dusk", &Ok(()));
    }

    #[test]
    fn random_passwords_satisfy_the_policy() {
        for _ in 0..20 {
            check(&random_password(), &Ok(()));
        }
        assert_ne!(random_password(), random_password());
    }
}
