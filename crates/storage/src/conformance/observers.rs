//! Who is told what, and when.

use std::sync::Arc;

use parking_lot::Mutex;
use posthouse_model::flag::FlagChange::Add;
use posthouse_model::{MailboxId, ModSeq};

use super::Harness;
use super::queue::{claim_due, retry, steer, submission};
use super::world::{NOW, World, address, delivery, flags_text, listing, name, new_account, new_domain, placement, set};
use crate::{
    AliasRecord, CommitObserver, Delivery, MailboxChange, MailboxDelta, QueueFilter, QueueNews, QueueSteering,
    Settlement, SettlementOutcome,
};

/// Keeps what it is told.
#[derive(Default)]
pub(super) struct Witness {
    changes: Mutex<Vec<MailboxChange>>,
    queue_changes: Mutex<u32>,
    directory_changes: Mutex<u32>,
}

impl CommitObserver for Witness {
    fn committed(&self, changes: &[MailboxChange]) {
        self.changes.lock().extend_from_slice(changes);
    }

    fn queue_changed(&self, news: &QueueNews) {
        assert!(!news.is_empty());
        *self.queue_changes.lock() += 1;
    }

    fn directory_changed(&self) {
        *self.directory_changes.lock() += 1;
    }
}

impl Witness {
    /// What it was told since it was asked last, as words, sorted by mailbox number.
    pub(super) fn told(&self) -> Vec<(MailboxId, String)> {
        let mut told: Vec<_> = self.changes.lock().drain(..).map(|one| (one.mailbox, words(&one))).collect();
        told.sort();
        told
    }

    /// Whether it heard of the queue since it was asked last.
    fn heard(&self) -> bool {
        std::mem::take(&mut *self.queue_changes.lock()) > 0
    }
}

fn words(change: &MailboxChange) -> String {
    match &change.delta {
        MailboxDelta::Added(records) => format!("added {}", listing(records)),
        MailboxDelta::Flags(flags) => {
            let one = |(uid, flags, _): &(_, _, ModSeq)| format!("{uid}({})", flags_text(flags));
            format!("flags {}", flags.iter().map(one).collect::<Vec<_>>().join(" "))
        }
        MailboxDelta::Seen { by, rows } => {
            let one = |row: &crate::SeenRow| format!("{}{}", if row.seen { "+" } else { "-" }, row.uid);
            format!("seen by {by}: {}", rows.iter().map(one).collect::<Vec<_>>().join(" "))
        }
        MailboxDelta::Vanished(uids) => format!("vanished {uids}"),
        MailboxDelta::Created => "created".to_owned(),
        MailboxDelta::Renamed => "renamed".to_owned(),
        MailboxDelta::Deleted => "deleted".to_owned(),
    }
}

/// Each kind of change is told, before whoever made it is answered.
pub async fn observers_see_each_change_before_it_is_answered(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (storage, ann, inbox, archive) = (&world.storage, world.ann, world.inbox, world.archive);
    let (witness, second) = (Arc::new(Witness::default()), Arc::new(Witness::default()));
    storage.observe(Arc::clone(&witness) as _);
    storage.observe(Arc::clone(&second) as _);
    let expect = |expected: &[(MailboxId, &str)]| {
        let mut expected: Vec<_> = expected.iter().map(|(id, text)| (*id, (*text).to_owned())).collect();
        expected.sort();
        assert_eq!(witness.told(), expected);
        assert_eq!(second.told(), expected);
    };

    let both = vec![placement(ann, inbox, "\\Seen"), placement(world.bob, world.bobs_inbox, "")];
    storage.deliver(delivery("a", both)).await.unwrap();
    expect(&[(inbox, "added 1(\\Seen)"), (world.bobs_inbox, "added 1")]);
    world.deliver("b").await;
    expect(&[(inbox, "added 2")]);
    world.store("1:2", Add, "\\Seen").await;
    expect(&[(inbox, "flags 2(\\Seen)")]);
    world.store("1:2", Add, "\\Seen").await;
    expect(&[]);
    storage.copy(ann, inbox, &set("1:2"), archive).await.unwrap();
    expect(&[(archive, "added 1(\\Seen) 2(\\Seen)")]);
    storage.move_messages(ann, inbox, &set("1"), archive).await.unwrap();
    expect(&[(inbox, "vanished 1"), (archive, "added 3(\\Seen)")]);
    storage.expunge(ann, archive, &set("1,3,9"), false).await.unwrap();
    expect(&[(archive, "vanished 1,3")]);
    storage.expunge(ann, archive, &set("9"), false).await.unwrap();
    expect(&[]);
    let made = storage.create_mailbox(ann, &name("new"), None).await.unwrap();
    expect(&[(made.id, "created")]);
    storage.rename_mailboxes(ann, vec![(made.id, name("newer"))]).await.unwrap();
    expect(&[(made.id, "renamed")]);
    storage.delete_mailbox(ann, made.id).await.unwrap();
    expect(&[(made.id, "deleted")]);
    storage.delete_account(ann).await.unwrap();
    expect(&[(inbox, "deleted"), (archive, "deleted")]);
}

/// New entries, entries to be tried again, and steering.
pub async fn observers_hear_of_the_queue(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    let witness = Arc::new(Witness::default());
    storage.observe(Arc::clone(&witness) as _);
    world.deliver("not queued").await;
    assert!(!witness.heard());
    let queue = Some(submission(&["x@elsewhere.example"]));
    storage.deliver(Delivery { queue, ..delivery("queued", Vec::new()) }).await.unwrap();
    assert!(witness.heard());
    let claimed = claim_due(&**storage, NOW, 1).await;
    assert!(!witness.heard());
    let again = retry(0, "busy", false);
    let settlement = Settlement { outcomes: vec![(claimed[0].id, again)], reports: Vec::new(), trail: Vec::new() };
    storage.settle(settlement).await.unwrap();
    assert!(witness.heard());
    assert_eq!(storage.ripen(NOW, 10).await.unwrap().entries, 1);
    assert!(witness.heard());
    let claimed = claim_due(&**storage, NOW, 1).await;
    let outcomes = vec![(claimed[0].id, SettlementOutcome::Untouched)];
    storage.settle(Settlement { outcomes, reports: Vec::new(), trail: Vec::new() }).await.unwrap();
    assert!(witness.heard());
    steer(&world, &QueueFilter::default(), QueueSteering::RetryNow(NOW)).await;
    assert!(witness.heard());
    let claimed = claim_due(&**storage, NOW, 1).await;
    let outcomes = vec![(claimed[0].id, SettlementOutcome::Done)];
    storage.settle(Settlement { outcomes, reports: Vec::new(), trail: Vec::new() }).await.unwrap();
    assert!(!witness.heard());
}

/// What is taken back was never told.
pub async fn failed_changes_are_not_told(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let witness = Arc::new(Witness::default());
    world.storage.observe(Arc::clone(&witness) as _);
    let placements = vec![placement(world.ann, world.inbox, ""), placement(world.ann, MailboxId(999_999), "")];
    assert!(world.storage.deliver(delivery("x", placements)).await.is_err());
    let renames = vec![(world.archive, name("x")), (world.inbox, name("x"))];
    assert!(world.storage.rename_mailboxes(world.ann, renames).await.is_err());
    assert!(world.storage.create_mailbox(world.ann, &name("INBOX"), None).await.is_err());
    assert_eq!(witness.told(), []);
    assert!(!witness.heard());
}

/// Whoever remembers something of the directory hears of each change before it is answered.
pub async fn observers_hear_of_the_directory(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    let witness = Arc::new(Witness::default());
    storage.observe(Arc::<Witness>::clone(&witness));
    let heard = |what: &str| {
        let times = std::mem::take(&mut *witness.directory_changes.lock());
        assert!(times > 0, "nobody heard that {what}");
    };
    let domain = storage.create_domain(new_domain("example.org")).await.unwrap();
    heard("a domain was made");
    storage.update_domain(domain.clone()).await.unwrap();
    heard("a domain was changed");
    let account = storage.create_account(new_account("ann@example.org")).await.unwrap();
    heard("an account was made");
    storage.update_account(account.clone()).await.unwrap();
    heard("an account was changed");
    storage.set_credential(account.id, None).await.unwrap();
    heard("a credential was taken away");
    let alias =
        AliasRecord { address: address("all@example.org"), targets: vec![address("ann@example.org")], created_at: NOW };
    storage.put_alias(alias.clone()).await.unwrap();
    heard("an alias was made");
    storage.delete_alias(&alias.address).await.unwrap();
    heard("an alias was removed");
    storage.delete_account(account.id).await.unwrap();
    heard("an account was removed");
    storage.delete_domain(&domain.name).await.unwrap();
    heard("a domain was removed");
}
