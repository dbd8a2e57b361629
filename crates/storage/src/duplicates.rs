//! Messages that come twice, for accounts whose administrator wants them once.

use async_trait::async_trait;
use posthouse_model::{AccountId, TrailEvent, UnixMillis};

use crate::error::StorageError;
use crate::mail::{Delivered, Delivery};
use crate::scope::Scope;

/// Longest window, in milliseconds: 30 days.
pub const MAX_DUPLICATE_WINDOW_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Most messages that are remembered for one account. When there are more within the window, further ones are delivered
/// and not remembered.
pub const MAX_REMEMBERED_MESSAGES: u64 = 50_000;
/// Most rules.
pub const MAX_DUPLICATE_RULES: usize = 100_000;

/// For whom duplicates are suppressed. The narrowest rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplicateRule {
    /// For whom.
    pub scope: Scope,
    /// How long after the first another one is a duplicate, in milliseconds; 0 for a rule that stands against one of a
    /// wider scope. At most [`MAX_DUPLICATE_WINDOW_MS`].
    pub window_ms: i64,
}

/// What makes two messages to an account the same: a hash of Message-ID and envelope recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The fingerprint of a message to a recipient, as the envelope has it.
    pub fn new(message_id: &str, folded_recipient: &str, original_recipient: Option<&str>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in [message_id, folded_recipient, original_recipient.unwrap_or_default()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(short)
    }
}

/// What is to be looked at before a message is put into an account.
#[derive(Clone, Debug)]
pub struct DuplicateCheck {
    /// Whose placements of the delivery it is about.
    pub account: AccountId,
    /// The message.
    pub fingerprint: Fingerprint,
    /// What the trail says when the message is suppressed, in place of [`Self::delivered`].
    pub suppressed: TrailEvent,
    /// What the trail says when it is not.
    pub delivered: TrailEvent,
}

/// What became of a delivery with checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredOnce {
    /// What was delivered.
    pub delivered: Delivered,
    /// Accounts that had the message already.
    pub suppressed: Vec<AccountId>,
}

/// Suppression of duplicates at rest.
#[async_trait]
pub trait Duplicates: Send + Sync + 'static {
    /// Makes a rule, or replaces the one of the same scope.
    async fn put_duplicate_rule(&self, rule: DuplicateRule) -> Result<(), StorageError>;
    /// Removes a rule.
    async fn remove_duplicate_rule(&self, scope: Scope) -> Result<(), StorageError>;
    /// All rules, widest scope first.
    async fn duplicate_rules(&self) -> Result<Vec<DuplicateRule>, StorageError>;

    /// Delivers as [`Mail::deliver`](crate::Mail::deliver) does, but not into accounts for which there is a rule and
    /// which got a message of the same fingerprint within the window before `now`. Looking and remembering are part of
    /// the delivery's transaction: of two at once, one is suppressed, and none if the delivery fails.
    async fn deliver_once(
        &self,
        delivery: Delivery,
        checks: Vec<DuplicateCheck>,
        now: UnixMillis,
    ) -> Result<DeliveredOnce, StorageError>;

    /// Forgets messages whose window ended before `now`. Returns how many.
    async fn forget_duplicates(&self, now: UnixMillis) -> Result<u64, StorageError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_not_mixed_up() {
        let one = Fingerprint::new("a", "bc", None);
        assert_eq!(one, Fingerprint::new("a", "bc", None));
        for other in [("ab", "c", None), ("a", "b", Some("c")), ("a", "bc", Some("rfc822;x@y"))] {
            assert_ne!(one, Fingerprint::new(other.0, other.1, other.2));
        }
    }
}
