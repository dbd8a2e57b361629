//! Suppression of duplicates.

use std::sync::Arc;

use posthouse_model::{AccountId, JourneyId, TrailEvent, TrailKind, UnixMillis};

use super::Harness;
use super::world::{NOW, World, delivery, domain, placement};
use crate::duplicates::MAX_DUPLICATE_WINDOW_MS;
use crate::{DuplicateCheck, DuplicateRule, Fingerprint, Named, Scope, Storage, StorageError};

fn check(account: AccountId, id: &str, journey: u64) -> DuplicateCheck {
    let event = |what: &str| TrailEvent::new(JourneyId(journey), NOW, TrailKind::Delivered).fact("what", what);
    DuplicateCheck {
        account,
        fingerprint: Fingerprint::new(id, "x@example.org", None),
        suppressed: event("suppressed"),
        delivered: event("delivered"),
    }
}

fn at(ms: i64) -> UnixMillis {
    UnixMillis(NOW.0 + ms)
}

/// Whether a message of this id, new in every other way, is put into ann's INBOX.
async fn arrives(world: &World, id: &str, now: UnixMillis, journey: u64) -> bool {
    let placements = vec![placement(world.ann, world.inbox, "")];
    let done = world.storage.deliver_once(
        delivery(&format!("{id} {journey}"), placements),
        vec![check(world.ann, id, journey)],
        now,
    );
    let done = done.await.unwrap();
    let told = world.storage.trail(JourneyId(journey)).await.unwrap();
    let suppressed = !done.suppressed.is_empty();
    assert_eq!(told[0].facts[0].1, if suppressed { "suppressed" } else { "delivered" });
    assert_eq!(done.delivered.placed.is_empty(), suppressed);
    !suppressed
}

async fn suppress(storage: &Arc<dyn Storage>, scope: Scope, window_ms: i64) {
    storage.put_duplicate_rule(DuplicateRule { scope, window_ms }).await.unwrap();
}

/// Only where there is a rule, only the same message, and only within the window.
pub async fn duplicates_are_suppressed_where_asked(harness: &dyn Harness) {
    let world = World::new(harness).await;
    assert!(arrives(&world, "a", at(0), 1).await && arrives(&world, "a", at(0), 2).await);
    suppress(&world.storage, Scope::Account(world.ann), 100).await;
    assert!(arrives(&world, "a", at(0), 3).await);
    assert!(!arrives(&world, "a", at(50), 4).await);
    assert!(arrives(&world, "b", at(50), 5).await);
    assert!(arrives(&world, "a", at(100), 6).await, "the window of the first is over");
    assert!(!arrives(&world, "a", at(199), 7).await);
    assert_eq!(world.messages(world.inbox).await.len(), 5);
    assert_eq!(world.storage.forget_duplicates(at(150)).await.unwrap(), 1);
    assert!(!arrives(&world, "a", at(199), 8).await);
    assert_eq!(world.storage.forget_duplicates(at(999)).await.unwrap(), 1);
    assert!(arrives(&world, "a", at(150), 9).await);
}

/// The narrowest rule holds, and a window of nothing takes an account out of a wider one.
pub async fn duplicate_rules_are_kept(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    let of_domain = Scope::Domain(storage.domain(&domain("example.org")).await.unwrap().unwrap().id);
    suppress(storage, Scope::Account(world.ann), 0).await;
    suppress(storage, of_domain, 100).await;
    suppress(storage, Scope::Everyone, 5).await;
    let rules = storage.duplicate_rules().await.unwrap();
    let listed: Vec<_> = rules.iter().map(|rule| (rule.scope, rule.window_ms)).collect();
    assert_eq!(listed, [(Scope::Everyone, 5), (of_domain, 100), (Scope::Account(world.ann), 0)]);
    assert!(arrives(&world, "a", at(0), 1).await && arrives(&world, "a", at(0), 2).await);
    storage.remove_duplicate_rule(Scope::Account(world.ann)).await.unwrap();
    assert!(arrives(&world, "a", at(0), 3).await && !arrives(&world, "a", at(90), 4).await);
    let again = storage.remove_duplicate_rule(Scope::Account(world.ann)).await;
    assert!(matches!(again, Err(StorageError::NotFound(Named::Rule))), "{again:?}");
    for (scope, window_ms) in [(Scope::Everyone, -1), (Scope::Everyone, MAX_DUPLICATE_WINDOW_MS + 1)] {
        let refused = storage.put_duplicate_rule(DuplicateRule { scope, window_ms }).await;
        assert!(matches!(refused, Err(StorageError::Limit { .. })), "{refused:?}");
    }
    let nobodys =
        storage.put_duplicate_rule(DuplicateRule { scope: Scope::Account(AccountId(99)), window_ms: 1 }).await;
    assert!(matches!(nobodys, Err(StorageError::NotFound(Named::Account))), "{nobodys:?}");
    storage.delete_account(world.ann).await.unwrap();
    assert_eq!(storage.duplicate_rules().await.unwrap().len(), 2);
}

/// Of several at once one is delivered; who has the message already does not keep it from others.
pub async fn one_of_many_at_once_is_delivered(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    suppress(storage, Scope::Everyone, 1000).await;
    let tasks = (0..8).map(|number| {
        let storage = Arc::clone(storage);
        let delivery = delivery(&format!("copy {number}"), vec![placement(world.ann, world.inbox, "")]);
        let checks = vec![check(world.ann, "a", number)];
        tokio::spawn(async move { storage.deliver_once(delivery, checks, NOW).await.unwrap().suppressed.len() })
    });
    let mut suppressed = 0;
    for task in tasks.collect::<Vec<_>>() {
        suppressed += task.await.unwrap();
    }
    assert_eq!((suppressed, world.messages(world.inbox).await.len()), (7, 1));

    let both = vec![placement(world.ann, world.inbox, ""), placement(world.bob, world.bobs_inbox, "")];
    let checks = vec![check(world.ann, "a", 9), check(world.bob, "a", 9)];
    let done = storage.deliver_once(delivery("for both", both), checks, NOW).await.unwrap();
    assert_eq!((done.suppressed, done.delivered.placed.len()), (vec![world.ann], 1));
    assert_eq!(world.messages(world.inbox).await.len(), 1);
}

/// A delivery that fails is not remembered, so that it can be tried again.
pub async fn a_failed_delivery_is_not_remembered(harness: &dyn Harness) {
    let world = World::new(harness).await;
    suppress(&world.storage, Scope::Everyone, 1000).await;
    let nowhere = vec![placement(world.ann, world.inbox, ""), placement(world.bob, world.inbox, "")];
    let failed = world.storage.deliver_once(delivery("x", nowhere), vec![check(world.ann, "a", 1)], NOW).await;
    assert!(matches!(failed, Err(StorageError::NotFound(Named::Mailbox))), "{failed:?}");
    assert!(arrives(&world, "a", at(1), 2).await);
}
