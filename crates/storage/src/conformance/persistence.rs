//! What outlives the process.

use posthouse_model::{JourneyId, Secret, TrailEvent, TrailKind};

use super::Harness;
use super::queue::{all, claim_due, names, queue_each, steer};
use super::world::{NOW, World, address, delivery, domain, name, new_account, placement, set, uid};
use crate::{AliasRecord, BodySlice, Delivery, QueueFilter, QueueSteering, Resolution};

/// Messages, flags, bodies, vanished UIDs, counters and the trail.
pub async fn mail_outlives_the_process(harness: &dyn Harness) {
    let mut world = World::new(harness).await;
    for (text, flags_text) in [("a", "\\Seen $x"), ("b", ""), ("c", "\\Deleted")] {
        world.deliver_with(text, flags_text).await;
    }
    world.storage.expunge(world.ann, world.inbox, &set("2"), false).await.unwrap();
    let event = TrailEvent::new(JourneyId(4), NOW, TrailKind::Delivered).about(&address("ann@example.org"));
    let trail = vec![event.clone()];
    let placements = vec![placement(world.ann, world.archive, "")];
    world.storage.deliver(Delivery { trail, ..delivery("d", placements) }).await.unwrap();
    let before = world.storage.messages(world.ann, world.inbox).await.unwrap();
    let Some(reopened) = harness.reopen(std::mem::replace(&mut world.storage, harness.fresh().await)).await else {
        return;
    };
    world.storage = reopened;
    assert_eq!(world.storage.messages(world.ann, world.inbox).await.unwrap(), before);
    assert_eq!(world.listing(world.inbox).await, "1(\\Seen $x) 3(\\Deleted)");
    assert_eq!(world.listing(world.archive).await, "1");
    assert_eq!(world.text(before.1[1].body).await.unwrap(), "c");
    let changes = world.storage.changes(world.ann, world.inbox, posthouse_model::ModSeq(0)).await.unwrap();
    assert_eq!(changes.vanished, set("2"));
    assert_eq!(world.storage.trail(JourneyId(4)).await.unwrap(), [event]);
    assert_eq!(world.storage.journeys("ann@example.org", 5).await.unwrap().len(), 1);
}

/// UIDs, UIDVALIDITYs, modification sequences, mailbox and body numbers all go on where they were.
pub async fn numbers_never_come_back(harness: &dyn Harness) {
    let mut world = World::new(harness).await;
    let placed = world.deliver("a").await;
    let body = world.messages(world.inbox).await[0].body;
    let made = world.storage.create_mailbox(world.ann, &name("x"), None).await.unwrap();
    world.storage.expunge(world.ann, world.inbox, &set("1"), false).await.unwrap();
    world.storage.delete_mailbox(world.ann, made.id).await.unwrap();
    let highest = world.mailbox(world.inbox).await.highest_modseq;
    let Some(reopened) = harness.reopen(std::mem::replace(&mut world.storage, harness.fresh().await)).await else {
        return;
    };
    world.storage = reopened;
    let next = world.deliver("a").await;
    assert_eq!(next.uid, uid(2));
    assert!(next.modseq > highest && next.message > placed.message);
    let new_body = world.messages(world.inbox).await[0].body;
    assert_ne!(new_body, body);
    assert_eq!(&world.storage.read(&[BodySlice { body: new_body, range: 0..9 }]).await.unwrap()[0][..], b"a");
    let again = world.storage.create_mailbox(world.ann, &name("x"), None).await.unwrap();
    assert!(again.id > made.id && again.uid_validity > made.uid_validity);
    assert!(again.highest_modseq > next.modseq);
}

/// Entries are there after a restart, held ones held, and nobody holds a lease.
pub async fn leases_do_not_outlive_the_process(harness: &dyn Harness) {
    let mut world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", 0), ("b@x.example", 0), ("c@y.example", 0)]).await;
    let held = QueueFilter { destination: Some(domain("y.example")), ..QueueFilter::default() };
    steer(&world, &held, QueueSteering::Hold).await;
    assert_eq!(claim_due(&*world.storage, NOW, 10).await.len(), 2);
    let before = all(&world).await;
    let Some(reopened) = harness.reopen(std::mem::replace(&mut world.storage, harness.fresh().await)).await else {
        return;
    };
    world.storage = reopened;
    assert_eq!(all(&world).await, before);
    assert_eq!(world.storage.queue_counts().await.unwrap().leased, 0);
    let claimed = claim_due(&*world.storage, NOW, 10).await;
    assert_eq!(names(&claimed), ["a@x.example", "b@x.example"]);
    assert_eq!(world.text(claimed[1].body).await.unwrap(), "message 1");
}

/// Domains, accounts, aliases, subscriptions and settings.
pub async fn the_directory_outlives_the_process(harness: &dyn Harness) {
    let mut world = World::new(harness).await;
    let alias =
        AliasRecord { address: address("all@example.org"), targets: vec![address("x@y.example")], created_at: NOW };
    world.storage.put_alias(alias.clone()).await.unwrap();
    world.storage.put_setting("key", Secret::new("value")).await.unwrap();
    world.storage.set_subscribed(world.ann, &name("gone"), true).await.unwrap();
    let domains = world.storage.domains().await.unwrap();
    let accounts = world.storage.accounts(None).await.unwrap();
    let Some(reopened) = harness.reopen(std::mem::replace(&mut world.storage, harness.fresh().await)).await else {
        return;
    };
    world.storage = reopened;
    assert_eq!(world.storage.domains().await.unwrap(), domains);
    assert_eq!(world.storage.accounts(None).await.unwrap(), accounts);
    assert_eq!(world.storage.resolve(&alias.address).await.unwrap(), Some(Resolution::Alias(alias)));
    assert_eq!(world.storage.setting("key").await.unwrap().unwrap().expose(), b"value");
    assert!(world.storage.subscriptions(world.ann).await.unwrap().contains(&name("gone")));
    let next = world.storage.create_account(new_account("carl@example.org")).await.unwrap();
    assert!(accounts.iter().all(|account| account.id < next.id));
}
