//! Watching senders.

use posthouse_model::{AccountId, ReversePath, UnixMillis};

use super::Harness;
use super::queue::submission;
use super::world::{NOW, World, address, delivery};
use crate::sending_watch::{FreezeCause, HeldMail, SendingFreeze};
use crate::{Named, QueueFilter, StorageError, Submission};

impl World {
    /// Hands in a message to one recipient elsewhere.
    async fn send(&self, account: AccountId, sender: &str) -> Result<(), StorageError> {
        let mut delivery = delivery("text", Vec::new());
        let mut queue = submission(&["x@far.example"]);
        queue.message.sender = ReversePath::Address(address(sender));
        queue.message.submitter = Some(account);
        delivery.queue = Some(queue);
        let submission = Submission { delivery, duplicates: Vec::new(), account, key: None, recipients: 1, at: NOW };
        self.storage.submit(submission).await.map(drop)
    }

    /// How many entries of the queue an account has handed in.
    async fn queued(&self, submitter: AccountId) -> usize {
        let filter = QueueFilter { submitter: Some(submitter), ..QueueFilter::default() };
        self.storage.queue_entries(&filter, None, 100).await.unwrap().len()
    }
}

fn freeze(account: AccountId, cause: FreezeCause) -> SendingFreeze {
    SendingFreeze { account, cause, words: "it sent 500 in an hour".to_owned(), at: NOW }
}

/// A frozen account hands in nothing, and a release lets it go on.
pub async fn a_frozen_account_does_not_send(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &*world.storage;
    world.send(world.ann, "ann@example.org").await.unwrap();
    world.send(world.ann, "sales@example.org").await.unwrap();
    world.send(world.bob, "bob@example.org").await.unwrap();
    let flood = freeze(world.ann, FreezeCause::Flood);
    assert_eq!((world.queued(world.ann).await, world.queued(world.bob).await), (2, 1));
    assert!(storage.freeze_sending(flood.clone()).await.unwrap());
    assert!(!storage.freeze_sending(freeze(world.ann, FreezeCause::Administrator)).await.unwrap());
    assert_eq!(storage.sending_freezes().await.unwrap(), [flood]);
    let refused = world.send(world.ann, "ann@example.org").await;
    assert!(matches!(refused, Err(StorageError::SendingFrozen(FreezeCause::Flood))), "{refused:?}");
    world.send(world.bob, "bob@example.org").await.unwrap();
    let standing = storage.sending_standing(crate::SendingUnit::Account(world.ann), NOW).await.unwrap();
    assert_eq!(standing.frozen, Some(FreezeCause::Flood));
    storage.release_sending(world.ann, HeldMail::GoesOn, NOW).await.unwrap();
    world.send(world.ann, "ann@example.org").await.unwrap();
    let again = storage.release_sending(world.ann, HeldMail::GoesOn, NOW).await;
    assert!(matches!(again, Err(StorageError::NotFound(Named::Rule))), "{again:?}");
    let nobody = storage.freeze_sending(freeze(AccountId(999_999), FreezeCause::Flood)).await;
    assert!(matches!(nobody, Err(StorageError::NotFound(Named::Account))), "{nobody:?}");
}

/// What was dropped is not usual.
pub async fn dropped_mail_is_not_usual(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &*world.storage;
    world.send(world.ann, "ann@example.org").await.unwrap();
    world.send(world.bob, "bob@example.org").await.unwrap();
    let later = UnixMillis(NOW.0 + 2 * 24 * 3_600_000);
    assert_eq!(storage.watched(world.ann, NOW).await.unwrap().hour, 1);
    assert_eq!(storage.watched(world.ann, later).await.unwrap().usual_day(), 1);
    storage.freeze_sending(freeze(world.ann, FreezeCause::Bounces)).await.unwrap();
    storage.release_sending(world.ann, HeldMail::IsDropped, NOW).await.unwrap();
    assert_eq!(storage.watched(world.ann, later).await.unwrap().usual_day(), 0);
    assert_eq!(storage.watched(world.bob, later).await.unwrap().usual_day(), 1);
    // The quota's count is another matter.
    let standing = storage.sending_standing(crate::SendingUnit::Account(world.ann), NOW).await.unwrap();
    assert_eq!(standing.sent[0].1.day.recipients, 1);
}

/// What comes back is counted, and what was refused is not.
pub async fn bounces_are_counted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &*world.storage;
    world.send(world.ann, "ann@example.org").await.unwrap();
    assert_eq!(storage.count_bounces(world.ann, 3, NOW).await.unwrap().hour_bounced, 3);
    let watched = storage.count_bounces(world.ann, 1, NOW).await.unwrap();
    assert_eq!((watched.hour, watched.hour_bounced, watched.day_bounced), (1, 4, 4));
    assert_eq!(storage.watched(world.bob, NOW).await.unwrap().day_bounced, 0);
    let nobody = storage.count_bounces(AccountId(999_999), 1, NOW).await;
    assert!(matches!(nobody, Err(StorageError::NotFound(Named::Account))), "{nobody:?}");
}

/// A restart releases nobody.
pub async fn freezes_outlive_the_process(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.send(world.ann, "ann@example.org").await.unwrap();
    let flood = freeze(world.ann, FreezeCause::Flood);
    world.storage.freeze_sending(flood.clone()).await.unwrap();
    let World { storage, ann, bob, inbox, archive, bobs_inbox } = world;
    let Some(storage) = harness.reopen(storage).await else { return };
    let world = World { storage, ann, bob, inbox, archive, bobs_inbox };
    assert_eq!(world.storage.sending_freezes().await.unwrap(), [flood]);
    assert_eq!(world.storage.watched(ann, NOW).await.unwrap().hour, 1);
    assert!(world.send(ann, "ann@example.org").await.is_err());
    world.storage.delete_account(ann).await.unwrap();
    assert_eq!(world.storage.sending_freezes().await.unwrap(), []);
}
