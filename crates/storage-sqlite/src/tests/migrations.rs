//! Data of the release before opens, and has what is new.

use std::sync::Arc;

use posthouse_model::{Address, Domain, JourneyId, MailboxName, ReversePath, ThreadId, UidSet, UnixMillis};
use posthouse_storage::{
    Claim, Delivery, Directory, DomainQuota, Mail, NewAccount, NewDomain, ParsedMessage, Queue, QueueFilter, Quotas,
    Usage,
};

use super::earlier::rewind;
use super::verify::submission;
use super::world::World;
use crate::disk::RealDisk;

const SEGMENT_BYTES: u64 = 1 << 20;

#[tokio::test]
async fn previews_of_older_mail_are_not_known() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(directory.path(), SEGMENT_BYTES).await;
    let parsed = ParsedMessage { preview: Some("Dear".into()), thread: Some(ThreadId([7; 16])), ..Default::default() };
    let delivery = |text| Delivery { parsed: parsed.clone(), ..world.delivery(text) };
    let old = world.store.deliver(delivery("old")).await.unwrap().body;
    assert_eq!(world.store.parsed(&[old]).await.unwrap(), std::slice::from_ref(&parsed));
    let new = delivery("new");
    world.store.close().await;
    drop(world);
    rewind(directory.path());
    let world = World::reopen(directory.path(), SEGMENT_BYTES, Arc::new(RealDisk)).await;
    let new = world.store.deliver(new).await.unwrap().body;
    let unknown = ParsedMessage { preview: None, thread: None, ..parsed.clone() };
    assert_eq!(world.store.parsed(&[old, new]).await.unwrap(), [unknown, parsed]);
    assert_eq!(world.texts().await, ["old", "new"]);
}

/// What waited before there were turns is found by sender, is counted, and is sent.
#[tokio::test]
async fn the_queue_of_an_earlier_release_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(directory.path(), SEGMENT_BYTES).await;
    let senders = ["Ann@example.org", "\"a@b\"@example.org", ""];
    for (at, sender) in senders.iter().enumerate() {
        let mut queue = submission();
        queue.message.sender = match Address::parse(sender) {
            Ok(address) => ReversePath::Address(address),
            Err(_) => ReversePath::Null,
        };
        queue.message.journey = JourneyId(at as u64);
        world.store.deliver(Delivery { queue: Some(queue), ..world.delivery(sender) }).await.unwrap();
    }
    world.store.close().await;
    drop(world);
    rewind(directory.path());
    let world = World::reopen(directory.path(), SEGMENT_BYTES, Arc::new(RealDisk)).await;
    assert_eq!(world.store.verify().await.unwrap().problems, Vec::<String>::new());
    let all = QueueFilter::default();
    for (at, sender) in senders[..2].iter().enumerate() {
        let folded = Address::parse(sender).unwrap().folded();
        let filter = QueueFilter { sender: Some(folded), ..all.clone() };
        let found = world.store.queue_entries(&filter, None, 9).await.unwrap();
        assert_eq!(found.iter().map(|entry| entry.message.journey.0).collect::<Vec<_>>(), [at as u64], "{sender}");
    }
    let domain = QueueFilter { sender_domain: Some(Domain::parse("example.org").unwrap()), ..all };
    assert_eq!(world.store.queue_entries(&domain, None, 9).await.unwrap().len(), 2);
    assert_eq!(world.store.queue_counts().await.unwrap().entries, 3);
    assert_eq!(world.store.ripen(UnixMillis(i64::MAX), 9).await.unwrap().entries, 3);
    let destination = world.store.ready_destinations(None, 9).await.unwrap().remove(0);
    let claim = Claim { destination, messages: 9, entries: 9 };
    assert_eq!(world.store.claim(vec![claim]).await.unwrap()[0].entries.len(), 3);
}

#[tokio::test]
async fn usage_of_older_mail_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(directory.path(), SEGMENT_BYTES).await;
    let created_at = UnixMillis(0);
    for name in ["example.net", "empty.example"] {
        let name = Domain::parse(name).unwrap();
        let domain = NewDomain { name, catch_all: None, subaddress_separator: None, created_at };
        world.store.create_domain(domain).await.unwrap();
    }
    let bob = NewAccount {
        address: Address::parse("bob@example.net").unwrap(),
        display_name: String::new(),
        administrator: false,
        credential: None,
        mailboxes: vec![(MailboxName::inbox(), None)],
        created_at,
    };
    let bob = world.store.create_account(bob).await.unwrap().id;
    let other = world.store.create_mailbox(world.account, &MailboxName::parse("other").unwrap(), None).await.unwrap();
    for text in ["one", "three", "seven77"] {
        world.deliver(text).await.unwrap();
    }
    world.store.copy(world.account, world.inbox, &UidSet::all(), other.id).await.unwrap();
    world.store.close().await;
    drop(world);
    rewind(directory.path());
    let world = World::reopen(directory.path(), SEGMENT_BYTES, Arc::new(RealDisk)).await;
    assert_eq!(world.store.account_quota(world.account).await.unwrap().used, Usage { size_bytes: 30, messages: 6 });
    assert_eq!(world.store.account_quota(bob).await.unwrap().used, Usage::default());
    for (name, size_bytes, messages) in [("example.org", 30, 6), ("example.net", 0, 0), ("empty.example", 0, 0)] {
        let quota = world.store.domain_quota(&Domain::parse(name).unwrap()).await.unwrap();
        assert_eq!(quota, DomainQuota { used: Usage { size_bytes, messages }, ..DomainQuota::default() }, "{name}");
    }
    world.texts().await;
}
