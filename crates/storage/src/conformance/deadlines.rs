//! Deadlines of entries.

use std::sync::Arc;

use parking_lot::Mutex;
use posthouse_model::{JourneyId, UnixMillis};

use super::Harness;
use super::queue::{after, all, claim_due, names, retry, settlement, steer, submission};
use super::world::{NOW, World, delivery};
use crate::{
    CommitObserver, Delivery, MailboxChange, Overdue, QueueEntry, QueueFilter, QueueNews, QueueSteering,
    SettlementOutcome, TallyBy,
};

/// Queues a message for each, with a deadline so many seconds from now if it has one, due after so many.
async fn queue_each(world: &World, recipients: &[(&str, Option<i64>, i64)]) {
    for (at, (text, deadline, due)) in recipients.iter().enumerate() {
        let mut queue = submission(&[text]);
        queue.message.journey = JourneyId(100 + at as u64);
        queue.recipients[0].deadline = deadline.map(|seconds| after(NOW, seconds));
        queue.recipients[0].due_at = after(NOW, *due);
        let wanted = Delivery { queue: Some(queue), ..delivery(&format!("message {at}"), Vec::new()) };
        world.storage.deliver(wanted).await.unwrap();
    }
}

async fn overdue(world: &World, seconds: i64, limit: usize) -> (Vec<String>, Option<i64>) {
    let Overdue { entries, next_deadline } = world.storage.overdue(after(NOW, seconds), limit).await.unwrap();
    (names(&entries), next_deadline.map(|at| (at.0 - NOW.0) / 1000))
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Earliest first, as many as asked for, to nobody twice.
pub async fn what_is_overdue_is_leased(harness: &dyn Harness) {
    let world = World::new(harness).await;
    assert_eq!(overdue(&world, 0, 10).await, (Vec::new(), None));
    let each = [
        ("c@x.example", Some(30), 0),
        ("a@x.example", Some(10), 0),
        ("n@x.example", None, 0),
        ("b@y.example", Some(20), 0),
    ];
    queue_each(&world, &each).await;
    assert_eq!(overdue(&world, 9, 10).await, (Vec::new(), Some(10)));
    assert_eq!(overdue(&world, 30, 1).await, (owned(&["a@x.example"]), Some(20)));
    assert_eq!(overdue(&world, 25, 10).await, (owned(&["b@y.example"]), Some(30)));
    assert_eq!(overdue(&world, 25, 10).await, (Vec::new(), Some(30)));
    assert_eq!(names(&claim_due(&*world.storage, NOW, 10).await), ["c@x.example", "n@x.example"]);
    assert_eq!(overdue(&world, 99, 10).await, (Vec::new(), None), "what is leased is somebody else's");
}

/// It counts for what waits, is ready, or is held.
pub async fn deadlines_hold_whatever_an_entry_waits_for(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let each = [("ready@x.example", Some(10), 0), ("waits@y.example", Some(20), 99), ("held@z.example", Some(30), 0)];
    queue_each(&world, &each).await;
    let held = QueueFilter { destination: Some(super::world::domain("z.example")), ..QueueFilter::default() };
    assert_eq!(steer(&world, &held, QueueSteering::Hold).await, 1);
    let expected = owned(&["ready@x.example", "waits@y.example", "held@z.example"]);
    assert_eq!(overdue(&world, 30, 10).await, (expected, None));
    let outcomes = all(&world).await.iter().map(|entry| (entry.id, SettlementOutcome::Overdue)).collect();
    world.storage.settle(settlement(outcomes)).await.unwrap();
    let left = all(&world).await;
    assert!(left.iter().all(|entry| entry.deadline.is_none() && entry.attempts == 0));
    assert_eq!(left.iter().map(|entry| entry.held).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(names(&claim_due(&*world.storage, NOW, 10).await), ["ready@x.example"]);
    assert_eq!(names(&claim_due(&*world.storage, after(NOW, 99), 10).await), ["waits@y.example"]);
}

/// It is held and counted so, has a deadline, and goes on at once when it is released.
pub async fn what_nobody_can_be_told_of_is_held(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", Some(10), 0)]).await;
    for round in 1..=2 {
        let entry = claim_due(&*world.storage, NOW, 1).await.remove(0);
        assert_eq!(names(std::slice::from_ref(&entry)), ["a@x.example"]);
        let hold = SettlementOutcome::Hold {
            at: NOW,
            outcome: "550 no".to_owned(),
            cause: "double-bounce".to_owned(),
            deadline: after(NOW, 99),
        };
        world.storage.settle(settlement(vec![(entry.id, hold)])).await.unwrap();
        let held = all(&world).await.remove(0);
        assert_eq!((held.held, held.attempts, held.deadline), (true, round, Some(after(NOW, 99))));
        assert_eq!((held.last_outcome.as_deref(), held.cause.as_deref()), (Some("550 no"), Some("double-bounce")));
        let counts = world.storage.queue_counts().await.unwrap();
        assert_eq!((counts.entries, counts.held, counts.leased), (1, 1, 0));
        for by in [TallyBy::Cause, TallyBy::Destination] {
            let tallies = world.storage.queue_tallies(by, 10).await.unwrap();
            assert_eq!(tallies.iter().map(|tally| tally.held).collect::<Vec<_>>(), [1], "{by:?}");
        }
        assert_eq!(overdue(&world, 98, 10).await, (Vec::new(), Some(99)));
        assert!(claim_due(&*world.storage, after(NOW, 50), 10).await.is_empty());
        if round == 1 {
            let kept = QueueFilter { cause: Some("double-bounce".to_owned()), ..QueueFilter::default() };
            assert_eq!(steer(&world, &kept, QueueSteering::Release).await, 1);
        }
    }
    let (held, next) = overdue(&world, 99, 10).await;
    assert_eq!((held, next), (owned(&["a@x.example"]), None));
}

#[derive(Default)]
struct Heard(Mutex<Vec<Option<UnixMillis>>>);

impl CommitObserver for Heard {
    fn committed(&self, _: &[MailboxChange]) {}

    fn queue_changed(&self, news: &QueueNews) {
        self.0.lock().push(news.next_deadline);
    }
}

/// An entry keeps its deadline until it is done with, and whenever it is free observers hear of it.
pub async fn deadlines_end_and_are_told(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let heard = Arc::new(Heard::default());
    world.storage.observe(Arc::clone(&heard) as _);
    let deadline = Some(after(NOW, 10));
    queue_each(&world, &[("a@x.example", Some(10), 0)]).await;
    assert_eq!(std::mem::take(&mut *heard.0.lock()), [deadline]);
    let claim = || async { claim_due(&*world.storage, after(NOW, 1000), 10).await.remove(0) };
    let settle = |entry: QueueEntry, outcome| world.storage.settle(settlement(vec![(entry.id, outcome)]));
    for outcome in [retry(5, "x", false), SettlementOutcome::Untouched] {
        let entry = claim().await;
        heard.0.lock().clear();
        settle(entry, outcome).await.unwrap();
        assert_eq!(std::mem::take(&mut *heard.0.lock()), [deadline]);
        assert_eq!(all(&world).await[0].deadline, deadline);
    }
    let entry = claim().await;
    heard.0.lock().clear();
    settle(entry, SettlementOutcome::Overdue).await.unwrap();
    assert_eq!(std::mem::take(&mut *heard.0.lock()), [None]);
    let entry = claim().await;
    settle(entry, SettlementOutcome::Done).await.unwrap();
    assert_eq!(overdue(&world, 99, 10).await, (Vec::new(), None));
}

/// A process that begins finds them.
pub async fn deadlines_outlive_the_process(harness: &dyn Harness) {
    let world = World::new(harness).await;
    queue_each(&world, &[("a@x.example", Some(10), 99), ("b@x.example", Some(20), 99)]).await;
    world.storage.overdue(after(NOW, 10), 10).await.unwrap();
    let Some(storage) = harness.reopen(world.storage).await else { return };
    let found = storage.overdue(after(NOW, 10), 10).await.unwrap();
    assert_eq!((names(&found.entries), found.next_deadline), (owned(&["a@x.example"]), Some(after(NOW, 20))));
}
