//! What changed since.

use posthouse_model::flag::FlagChange::Add;
use posthouse_model::{ModSeq, UidSet};

use super::Harness;
use super::world::{World, listing, name, set};

/// After each step, the changes since each earlier moment lead from that moment's mailbox to this one's.
pub async fn changes_since_are_complete(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (storage, ann, inbox) = (&world.storage, world.ann, world.inbox);
    let mut moments = Vec::new();
    for step in 0..8 {
        match step {
            0 | 1 | 2 | 5 => drop(world.deliver(&format!("message {step}")).await),
            3 => drop(world.store("1:2", Add, "\\Seen").await),
            4 => drop(storage.expunge(ann, inbox, &set("2"), false).await.unwrap()),
            6 => drop(storage.move_messages(ann, inbox, &set("1"), world.archive).await.unwrap()),
            _ => drop(storage.copy(ann, world.archive, &set("1"), inbox).await.unwrap()),
        }
        let (record, messages) = storage.messages(ann, inbox).await.unwrap();
        moments.push((record.highest_modseq, messages.clone()));
        for (since, mut then) in moments.clone() {
            let changes = storage.changes(ann, inbox, since).await.unwrap();
            assert_eq!(changes.highest_modseq, record.highest_modseq);
            assert!(changes.records.iter().all(|changed| changed.modseq > since));
            let changed: UidSet = changes.records.iter().map(|message| message.uid).collect();
            then.retain(|message| !changed.contains(message.uid) && !changes.vanished.contains(message.uid));
            then.extend(changes.records);
            then.sort_by_key(|message| message.uid);
            assert_eq!(listing(&then), listing(&messages), "step {step} since {since}");
        }
    }
    let all = storage.changes(ann, inbox, ModSeq(0)).await.unwrap();
    assert_eq!((all.records, all.vanished), (world.messages(inbox).await, set("1:2")));
    let none = storage.changes(ann, inbox, ModSeq(u64::MAX)).await.unwrap();
    assert_eq!((none.records.len(), none.vanished), (0, UidSet::new()));
}

/// One number serves all mailboxes of an account, and no change gets one that is not above all before it.
pub async fn modseqs_rise_throughout_an_account(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (storage, ann, inbox, archive) = (&world.storage, world.ann, world.inbox, world.archive);
    let mut highest = world.mailbox(inbox).await.highest_modseq.max(world.mailbox(archive).await.highest_modseq);
    for step in 0..6 {
        let touched = match step {
            0 | 1 => {
                world.deliver("a").await;
                inbox
            }
            2 => {
                storage.copy(ann, inbox, &set("1"), archive).await.unwrap();
                archive
            }
            3 => {
                world.store("1", Add, "\\Seen").await;
                inbox
            }
            4 => {
                storage.expunge(ann, archive, &set("1"), false).await.unwrap();
                archive
            }
            _ => storage.create_mailbox(ann, &name("new"), None).await.unwrap().id,
        };
        let modseq = world.mailbox(touched).await.highest_modseq;
        assert!(modseq > highest, "step {step}: {modseq} after {highest}");
        assert!(modseq.0 < 1 << 63, "RFC 7162 §7 wants at most 63 bits");
        highest = modseq;
    }
}
