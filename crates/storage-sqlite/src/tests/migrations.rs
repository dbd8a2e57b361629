//! Data of the release before opens, and has what is new.

use std::sync::Arc;

use posthouse_model::{Address, Domain, MailboxName, ThreadId, UidSet, UnixMillis};
use posthouse_storage::{Delivery, Directory, DomainQuota, Mail, NewAccount, NewDomain, ParsedMessage, Quotas, Usage};

use super::earlier::rewind;
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
