//! Many at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use posthouse_model::flag::FlagChange;
use posthouse_model::{MailboxId, ModSeq};

use super::Harness;
use super::queue::{claim_due, submission};
use super::world::{NOW, World, delivery, flags, placement, set};
use crate::{
    CommitObserver, Delivery, FlagsWanted, MailboxChange, MailboxDelta, Placed, Settlement, SettlementOutcome,
};

const TASKS: u32 = 8;
const EACH: u32 = 25;

/// Checks at each change that modification sequences rise and that UIDs come in order.
#[derive(Default)]
struct OrderKeeper {
    highest: Mutex<Vec<(u64, ModSeq)>>,
    last_uid: Mutex<Vec<(MailboxId, u32)>>,
    faults: Mutex<Vec<String>>,
    added: Mutex<u32>,
}

impl CommitObserver for OrderKeeper {
    fn committed(&self, changes: &[MailboxChange]) {
        for change in changes {
            let mut highest = self.highest.lock();
            match highest.iter_mut().find(|(account, _)| *account == change.account.0) {
                Some((_, last)) if *last > change.modseq => self.faults.lock().push(format!("{change:?} after {last}")),
                Some((_, last)) => *last = change.modseq,
                None => highest.push((change.account.0, change.modseq)),
            }
            let MailboxDelta::Added(records) = &change.delta else { continue };
            *self.added.lock() += records.len() as u32;
            let mut last_uid = self.last_uid.lock();
            for record in records {
                match last_uid.iter_mut().find(|(mailbox, _)| *mailbox == change.mailbox) {
                    Some((_, last)) if *last >= record.uid.value() => {
                        self.faults.lock().push(format!("UID {} after {last}", record.uid));
                    }
                    Some((_, last)) => *last = record.uid.value(),
                    None => last_uid.push((change.mailbox, record.uid.value())),
                }
            }
        }
    }
}

/// UIDs are without doubles, modification sequences rise, counters agree, and each answer is true.
pub async fn many_deliveries_into_the_same_mailboxes(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let keeper = Arc::new(OrderKeeper::default());
    world.storage.observe(Arc::clone(&keeper) as _);
    let (ann, inbox, archive, bob, bobs_inbox) = (world.ann, world.inbox, world.archive, world.bob, world.bobs_inbox);
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let storage = Arc::clone(&world.storage);
            tokio::spawn(async move {
                let mut mine: Vec<(String, Placed)> = Vec::new();
                for at in 0..EACH {
                    let text = format!("task {task} message {}", at / 2);
                    let placements = vec![
                        placement(ann, if at % 3 == 0 { archive } else { inbox }, ""),
                        placement(bob, bobs_inbox, "\\Seen"),
                    ];
                    let delivered = storage.deliver(delivery(&text, placements)).await.unwrap();
                    mine.push((text, delivered.placed[0]));
                }
                mine
            })
        })
        .collect();
    let mut placed = Vec::new();
    for task in tasks {
        placed.extend(task.await.unwrap());
    }
    assert_eq!(*keeper.faults.lock(), Vec::<String>::new());
    assert_eq!(*keeper.added.lock(), 2 * TASKS * EACH);
    let messages = [world.messages(inbox).await, world.messages(archive).await];
    assert_eq!(messages[0].len() + messages[1].len(), (TASKS * EACH) as usize);
    for (text, one) in placed {
        let records = if one.mailbox == inbox { &messages[0] } else { &messages[1] };
        let record = records.iter().find(|record| record.uid == one.uid).expect("what was answered is there");
        assert_eq!((record.modseq, record.message), (one.modseq, one.message));
        assert_eq!(world.text(record.body).await.unwrap(), text);
    }
    let (_, at_bobs) = world.storage.messages(bob, bobs_inbox).await.unwrap();
    let modseqs: BTreeSet<_> = at_bobs.iter().map(|record| record.modseq).collect();
    assert_eq!(modseqs.len(), (TASKS * EACH) as usize);
    assert!(at_bobs.is_sorted_by_key(|record| record.modseq));
}

/// Many that claim and settle: each entry is delivered once.
pub async fn claims_never_meet(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for message in 0..EACH {
        let recipients: Vec<_> = (0..4).map(|at| format!("r{message}-{at}@x{at}.example")).collect();
        let queue = Some(submission(&recipients.iter().map(String::as_str).collect::<Vec<_>>()));
        world.storage.deliver(Delivery { queue, ..delivery("x", Vec::new()) }).await.unwrap();
    }
    let done = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (storage, done) = (Arc::clone(&world.storage), Arc::clone(&done));
            tokio::spawn(async move {
                loop {
                    let claimed = claim_due(&*storage, NOW, 3).await;
                    if claimed.is_empty() {
                        return;
                    }
                    let outcomes = claimed.iter().map(|entry| (entry.id, SettlementOutcome::Done)).collect();
                    done.lock().extend(claimed.iter().map(|entry| entry.recipient.address.to_string()));
                    storage.settle(Settlement { outcomes, reports: Vec::new(), trail: Vec::new() }).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut done = std::mem::take(&mut *done.lock());
    assert_eq!(done.len(), 4 * EACH as usize);
    done.sort();
    done.dedup();
    assert_eq!(done.len(), 4 * EACH as usize);
    assert_eq!(world.storage.queue_counts().await.unwrap(), crate::QueueCounts::default());
}

/// Whoever has been answered sees it, on every reader.
pub async fn writers_read_what_they_wrote(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (ann, inbox) = (world.ann, world.inbox);
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let storage = Arc::clone(&world.storage);
            tokio::spawn(async move {
                for at in 0..EACH {
                    let text = format!("task {task} message {at}");
                    let placements = vec![placement(ann, inbox, "")];
                    let placed = storage.deliver(delivery(&text, placements)).await.unwrap().placed[0];
                    let since = ModSeq(placed.modseq.0 - 1);
                    let changes = storage.changes(ann, inbox, since).await.unwrap();
                    assert!(changes.records.iter().any(|record| record.uid == placed.uid), "{placed:?}");
                    let record = storage.mailbox_by_id(ann, inbox).await.unwrap().unwrap();
                    assert!(record.uid_next > placed.uid && record.highest_modseq >= placed.modseq);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Two that add different flags to one message both succeed.
pub async fn flag_changes_do_not_lose_each_other(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver("x").await;
    let (ann, inbox) = (world.ann, world.inbox);
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let storage = Arc::clone(&world.storage);
            tokio::spawn(async move {
                let wanted = FlagsWanted {
                    uids: set("1"),
                    change: FlagChange::Add,
                    flags: flags(&format!("$k{task}")),
                    unchanged_since: None,
                };
                storage.store_flags(ann, inbox, wanted).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(world.messages(inbox).await[0].flags.keywords().len(), TASKS as usize);
}
