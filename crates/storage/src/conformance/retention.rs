//! How long mailboxes keep what is in them.

use std::sync::Arc;

use posthouse_model::flag::FlagChange;
use posthouse_model::{AccountId, DomainId, MailboxId, SpecialUse, UnixMillis};

use super::Harness;
use super::observers::Witness;
use super::world::{World, delivery, domain, name, new_domain, placement, set};
use crate::retention::{MAX_RETENTION_DAYS, MAX_RETENTION_RULES};
use crate::{Keep, Named, RetentionRule, RetentionRules, RetentionStep, RetentionTarget, Scope, StorageError};

/// Later than anything.
const FAR: UnixMillis = UnixMillis(i64::MAX);

fn rule(scope: Scope, target: RetentionTarget, days: u32) -> RetentionRule {
    RetentionRule { scope, target, keep: Keep::Days(days), keep_flagged: false }
}

fn named(text: &str) -> RetentionTarget {
    RetentionTarget::Name(name(text))
}

const STEP: RetentionStep = RetentionStep { saved_before: FAR, keep_flagged: false, after: None, limit: 100 };

/// Rules are made, replaced, listed and removed; only for what is there.
pub async fn retention_rules_are_kept(harness: &dyn Harness) {
    let World { storage, ann, .. } = World::new(harness).await;
    let of_domain = Scope::Domain(storage.domain(&domain("example.org")).await.unwrap().unwrap().id);
    let junk = RetentionTarget::Use(SpecialUse::Junk);
    let rules = [
        rule(Scope::Everyone, junk.clone(), 30),
        RetentionRule { keep: Keep::ForEver, ..rule(of_domain, junk.clone(), 0) },
        RetentionRule { keep_flagged: true, ..rule(Scope::Account(ann), named("Lists/x"), 7) },
    ];
    for one in rules.iter().rev() {
        storage.put_retention_rule(rule(one.scope, one.target.clone(), 1)).await.unwrap();
        storage.put_retention_rule(one.clone()).await.unwrap();
    }
    assert_eq!(storage.retention_rules().await.unwrap(), rules);
    storage.remove_retention_rule(Scope::Everyone, &junk).await.unwrap();
    let again = storage.remove_retention_rule(Scope::Everyone, &junk).await;
    assert!(matches!(again, Err(StorageError::NotFound(Named::Rule))), "{again:?}");
    assert_eq!(storage.retention_rules().await.unwrap(), rules[1..]);

    let nobodys = storage.put_retention_rule(rule(Scope::Account(AccountId(999)), junk.clone(), 1)).await;
    assert!(matches!(nobodys, Err(StorageError::NotFound(Named::Account))), "{nobodys:?}");
    let nowhere = storage.put_retention_rule(rule(Scope::Domain(DomainId(999)), junk.clone(), 1)).await;
    assert!(matches!(nowhere, Err(StorageError::NotFound(Named::Domain))), "{nowhere:?}");
    let long = storage.put_retention_rule(rule(Scope::Everyone, junk, MAX_RETENTION_DAYS + 1)).await;
    assert!(matches!(long, Err(StorageError::Limit { .. })), "{long:?}");
    storage.delete_account(ann).await.unwrap();
    assert_eq!(storage.retention_rules().await.unwrap(), rules[1..2]);
}

/// One scope has only so many rules, and those of a domain go with it.
pub async fn a_scope_has_only_so_many_rules(harness: &dyn Harness) {
    let World { storage, .. } = World::new(harness).await;
    let other = Scope::Domain(storage.create_domain(new_domain("example.net")).await.unwrap().id);
    for number in 0..MAX_RETENTION_RULES {
        storage.put_retention_rule(rule(other, named(&format!("m{number}")), 1)).await.unwrap();
    }
    let more = storage.put_retention_rule(rule(other, named("more"), 1)).await;
    assert!(matches!(more, Err(StorageError::Limit { .. })), "{more:?}");
    storage.put_retention_rule(rule(other, named("m0"), 2)).await.unwrap();
    storage.put_retention_rule(rule(Scope::Everyone, named("more"), 1)).await.unwrap();
    storage.delete_domain(&domain("example.net")).await.unwrap();
    assert_eq!(storage.retention_rules().await.unwrap().len(), 1);
}

/// Mailboxes to which a rule may apply are found, whoever's they are; empty ones are not.
pub async fn mailboxes_with_rules_are_found(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (storage, ann, bob) = (&world.storage, world.ann, world.bob);
    let junk = storage.create_mailbox(bob, &name("Spam"), Some(SpecialUse::Junk)).await.unwrap().id;
    storage.create_mailbox(ann, &name("Junk"), Some(SpecialUse::Junk)).await.unwrap();
    for (account, mailbox) in [(bob, junk), (ann, world.archive), (ann, world.inbox)] {
        storage.deliver(delivery("x", vec![placement(account, mailbox, "")])).await.unwrap();
    }
    let found = async |after, limit| {
        let found = storage.retained_mailboxes(after, limit).await.unwrap();
        found.into_iter().map(|one| one.id).collect::<Vec<MailboxId>>()
    };
    assert_eq!(found(None, 9).await, []);
    storage.put_retention_rule(rule(Scope::Everyone, RetentionTarget::Use(SpecialUse::Junk), 3)).await.unwrap();
    storage.put_retention_rule(rule(Scope::Account(bob), named("Archive"), 4)).await.unwrap();
    assert_eq!(found(None, 9).await, [world.archive, junk]);
    assert_eq!(found(None, 1).await, [world.archive]);
    assert_eq!(found(Some(world.archive), 1).await, [junk]);

    let rules = RetentionRules::new(storage.retention_rules().await.unwrap());
    let of = storage.retained_mailboxes(None, 9).await.unwrap();
    let kept: Vec<_> = of.iter().map(|one| rules.rule_for(one).map(|rule| rule.keep)).collect();
    assert_eq!(kept, [None, Some(Keep::Days(3))]);
}

/// What is old goes as by EXPUNGE, so that sessions hear of it and it can be put back; the rest stays.
pub async fn what_is_old_is_expunged(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (storage, ann) = (&world.storage, world.ann);
    storage.keep_expunged(true);
    for text in ["a", "b", "c", "d"] {
        world.deliver(text).await;
    }
    world.store("2", FlagChange::Add, "\\Flagged").await;
    let nothing = RetentionStep { saved_before: UnixMillis(1), ..STEP };
    let done = storage.expunge_old(ann, world.inbox, nothing).await.unwrap();
    assert_eq!((done.expunged, done.next_after), (set(""), None));
    let witness = Arc::new(Witness::default());
    storage.observe(Arc::clone(&witness) as _);
    let mut step = RetentionStep { keep_flagged: true, limit: 2, ..STEP };
    let mut expunged = Vec::new();
    loop {
        let done = storage.expunge_old(ann, world.inbox, step).await.unwrap();
        expunged.push(done.expunged.to_string());
        step.after = done.next_after;
        if step.after.is_none() {
            break;
        }
    }
    assert_eq!(expunged[..2], ["1", "3:4"]);
    assert_eq!(world.listing(world.inbox).await, "2(\\Flagged)");
    let heard: Vec<String> = witness.told().into_iter().map(|(_, words)| words).collect();
    assert_eq!(heard, ["vanished 1", "vanished 3:4"]);
    assert_eq!(storage.expunged(ann, None, 9).await.unwrap().len(), 3);
    assert_eq!(storage.expunge_old(ann, world.inbox, STEP).await.unwrap().expunged, set("2"));
    let others = storage.expunge_old(world.bob, world.inbox, STEP).await;
    assert!(matches!(others, Err(StorageError::NotFound(Named::Mailbox))), "{others:?}");
}
