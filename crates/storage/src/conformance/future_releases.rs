//! Mail that waits for its release.

use posthouse_model::{FutureRelease, HoldRequest, JourneyId};

use super::Harness;
use super::queue::{after, all, settlement, submission};
use super::world::{NOW, World, delivery};
use crate::{Delivery, SettlementOutcome};

/// Queues messages that wait; of the second Ann is not the submitter, and the third was let go.
async fn queue_three(world: &World) {
    for (at, (submitter, awaits_release)) in
        [(world.ann, true), (world.bob, true), (world.ann, false)].iter().enumerate()
    {
        let mut queue = submission(&["x@here.example", "y@here.example"]);
        queue.message.journey = JourneyId(100 + at as u64);
        queue.message.submitter = Some(*submitter);
        queue.message.awaits_release = *awaits_release;
        queue.message.future_release = Some(FutureRelease { request: HoldRequest::For(60), at: after(NOW, 60) });
        queue.recipients.iter_mut().for_each(|one| one.due_at = after(NOW, 60));
        let wanted = Delivery { queue: Some(queue), ..delivery(&format!("message {at}"), Vec::new()) };
        world.storage.deliver(wanted).await.unwrap();
    }
}

/// Messages are counted, not recipients, and only those that wait.
pub async fn what_awaits_its_release_is_counted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    assert_eq!(storage.awaiting_release(world.ann, 10).await.unwrap(), 0);
    queue_three(&world).await;
    assert_eq!(storage.awaiting_release(world.ann, 10).await.unwrap(), 1);
    assert_eq!(storage.awaiting_release(world.ann, 0).await.unwrap(), 0);
    let entries = all(&world).await;
    let done = |at: usize| (entries[at].id, SettlementOutcome::Done);
    storage.settle(settlement(vec![done(0)])).await.unwrap();
    assert_eq!(storage.awaiting_release(world.ann, 10).await.unwrap(), 1);
    storage.settle(settlement(vec![done(1)])).await.unwrap();
    assert_eq!(storage.awaiting_release(world.ann, 10).await.unwrap(), 0);
    assert_eq!(storage.awaiting_release(world.bob, 10).await.unwrap(), 1);
}

/// What was promised is kept.
pub async fn what_awaits_its_release_outlives_the_process(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_three(&world).await;
    let before = all(&world).await;
    let (ann, storage) = (world.ann, world.storage);
    let Some(storage) = harness.reopen(storage).await else { return };
    let after_it = storage.queue_entries(&crate::QueueFilter::default(), None, 10).await.unwrap();
    assert_eq!(after_it, before);
    assert_eq!(storage.awaiting_release(ann, 10).await.unwrap(), 1);
    assert_eq!(storage.ripen(after(NOW, 59), 10).await.unwrap().entries, 0);
    assert_eq!(storage.ripen(after(NOW, 60), 10).await.unwrap().entries, 6);
}
