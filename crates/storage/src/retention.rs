//! How long mailboxes keep what is in them.
//!
//! A rule is for everyone, a domain or an account, and for the mailboxes with a special use or with a name. For a
//! mailbox the rule of the narrowest scope holds, and in one scope the one by name before the one by use.

use std::collections::HashMap;

use async_trait::async_trait;
use posthouse_model::{AccountId, DomainId, MailboxId, MailboxName, SpecialUse, Uid, UidSet, UnixMillis};

use crate::error::StorageError;
use crate::scope::Scope;

/// Most rules of one scope.
pub const MAX_RETENTION_RULES: usize = 100;
/// Longest time that a rule can name, in days.
pub const MAX_RETENTION_DAYS: u32 = 36_500;
/// Most mailboxes that one call lists, and most messages that one call looks at.
pub const MAX_RETENTION_STEP: usize = 500;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Which mailboxes a rule is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RetentionTarget {
    /// Those for this purpose.
    Use(SpecialUse),
    /// The one of this name, of each account.
    Name(MailboxName),
}

/// How long a mailbox keeps a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Until somebody expunges it. Such a rule stands against one of a wider scope.
    ForEver,
    /// So many days after it came into this mailbox; at most [`MAX_RETENTION_DAYS`].
    Days(u32),
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionRule {
    /// For whom.
    pub scope: Scope,
    /// For which of their mailboxes.
    pub target: RetentionTarget,
    /// How long.
    pub keep: Keep,
    /// Whether a message with \Flagged stays.
    pub keep_flagged: bool,
}

impl RetentionRule {
    /// What came into a mailbox before this moment goes; `None` if nothing does.
    pub fn before(&self, now: UnixMillis) -> Option<UnixMillis> {
        match self.keep {
            Keep::ForEver => None,
            Keep::Days(days) => Some(UnixMillis(now.0.saturating_sub(i64::from(days) * DAY_MS))),
        }
    }
}

/// A mailbox for which there may be a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetainedMailbox {
    /// Which.
    pub id: MailboxId,
    /// Whose.
    pub account: AccountId,
    /// The account's domain.
    pub domain: DomainId,
    /// Its name.
    pub name: MailboxName,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
}

/// All rules, to find the one for a mailbox.
#[derive(Clone, Debug, Default)]
pub struct RetentionRules {
    rules: HashMap<(Scope, RetentionTarget), RetentionRule>,
}

impl RetentionRules {
    /// From all rules there are.
    pub fn new(rules: Vec<RetentionRule>) -> Self {
        Self { rules: rules.into_iter().map(|rule| ((rule.scope, rule.target.clone()), rule)).collect() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rule that holds for a mailbox.
    pub fn rule_for(&self, mailbox: &RetainedMailbox) -> Option<&RetentionRule> {
        let scopes = [Scope::Account(mailbox.account), Scope::Domain(mailbox.domain), Scope::Everyone];
        let by_name = RetentionTarget::Name(mailbox.name.clone());
        let by_use = mailbox.special_use.map(RetentionTarget::Use);
        scopes.into_iter().find_map(|scope| {
            let of_use = || by_use.as_ref().and_then(|target| self.rules.get(&(scope, target.clone())));
            self.rules.get(&(scope, by_name.clone())).or_else(of_use)
        })
    }
}

/// A step through a mailbox that expunges what is old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionStep {
    /// What came into the mailbox before this moment goes.
    pub saved_before: UnixMillis,
    /// Whether a message with \Flagged stays.
    pub keep_flagged: bool,
    /// Begins after this UID.
    pub after: Option<Uid>,
    /// Looks at no more messages than this and [`MAX_RETENTION_STEP`].
    pub limit: usize,
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionStepDone {
    /// What went.
    pub expunged: UidSet,
    /// Where the next step begins; `None` when nothing further is old enough. Messages lie in the order in which they
    /// came in, so what follows the first that is not old is not looked at.
    pub next_after: Option<Uid>,
}

/// Rules at rest, and what they do.
#[async_trait]
pub trait Retention: Send + Sync + 'static {
    /// Makes a rule, or replaces the one of the same scope and target.
    async fn put_retention_rule(&self, rule: RetentionRule) -> Result<(), StorageError>;
    /// Removes a rule.
    async fn remove_retention_rule(&self, scope: Scope, target: &RetentionTarget) -> Result<(), StorageError>;
    /// All rules, widest scope first.
    async fn retention_rules(&self) -> Result<Vec<RetentionRule>, StorageError>;
    /// Mailboxes that have messages, and a use or a name that some rule has, by number after `after`; at most `limit`
    /// and [`MAX_RETENTION_STEP`].
    async fn retained_mailboxes(
        &self,
        after: Option<MailboxId>,
        limit: usize,
    ) -> Result<Vec<RetainedMailbox>, StorageError>;
    /// Expunges what is old, as an ordinary EXPUNGE does.
    async fn expunge_old(
        &self,
        account: AccountId,
        mailbox: MailboxId,
        step: RetentionStep,
    ) -> Result<RetentionStepDone, StorageError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId(7);
    const DOMAIN: DomainId = DomainId(3);

    fn rule(scope: Scope, target: &str, days: u32) -> RetentionRule {
        let target = SpecialUse::from_attribute(target)
            .map_or_else(|| RetentionTarget::Name(MailboxName::parse(target).unwrap()), RetentionTarget::Use);
        RetentionRule { scope, target, keep: Keep::Days(days), keep_flagged: false }
    }

    fn check(rules: &[RetentionRule], name: &str, special_use: Option<SpecialUse>, expected: Option<u32>) {
        let name = MailboxName::parse(name).unwrap();
        let mailbox = RetainedMailbox { id: MailboxId(1), account: ACCOUNT, domain: DOMAIN, name, special_use };
        let rules = RetentionRules::new(rules.to_vec());
        let found = rules.rule_for(&mailbox).map(|rule| rule.keep);
        assert_eq!(found, expected.map(Keep::Days));
    }

    #[test]
    fn the_narrowest_rule_holds() {
        let all = [
            rule(Scope::Everyone, "\\Junk", 1),
            rule(Scope::Everyone, "Spam", 2),
            rule(Scope::Domain(DOMAIN), "\\Junk", 3),
            rule(Scope::Domain(DomainId(9)), "Spam", 4),
            rule(Scope::Account(AccountId(9)), "\\Junk", 5),
            rule(Scope::Account(ACCOUNT), "\\Junk", 6),
        ];
        let junk = Some(SpecialUse::Junk);
        check(&all, "Spam", junk, Some(6));
        check(&all[..5], "Spam", junk, Some(3));
        check(&all[..2], "Spam", junk, Some(2));
        check(&all[..2], "Other", junk, Some(1));
        check(&all, "Other", Some(SpecialUse::Trash), None);
        check(&all, "Other", None, None);
    }

    #[test]
    fn days_are_counted_back_from_now() {
        let now = UnixMillis(10 * DAY_MS);
        assert_eq!(rule(Scope::Everyone, "x", 3).before(now), Some(UnixMillis(7 * DAY_MS)));
        let for_ever = RetentionRule { keep: Keep::ForEver, ..rule(Scope::Everyone, "x", 3) };
        assert_eq!(for_ever.before(now), None);
        assert_eq!(rule(Scope::Everyone, "x", 1).before(UnixMillis(i64::MIN)), Some(UnixMillis(i64::MIN)));
    }
}
