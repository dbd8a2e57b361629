//! Mailboxes without room.

use posthouse_model::ReversePath;
use posthouse_storage::{AccountQuotaSettings, QuotaSetting, Quotas};

use super::house::*;
use crate::{Door, MessageRefusal, RecipientVerdict, WhenFull};

const TEXT: &str = "From: x@far.example\r\nSubject: hi\r\n\r\nthe text\r\n";

impl House {
    /// Somebody may have so many messages.
    async fn allow(&self, name: &str, messages: u64) {
        let settings = AccountQuotaSettings { messages: QuotaSetting::AtMost(messages), ..Default::default() };
        self.set_quota(name, settings).await;
    }

    /// Likewise, so many octets.
    async fn allow_octets(&self, name: &str, size_bytes: u64) {
        let settings = AccountQuotaSettings { size_bytes: QuotaSetting::AtMost(size_bytes), ..Default::default() };
        self.set_quota(name, settings).await;
    }

    async fn set_quota(&self, name: &str, settings: AccountQuotaSettings) {
        let who = address(&format!("{name}@ours.example"));
        let accounts = posthouse_storage::Directory::accounts(&*self.store, None).await.unwrap();
        let account = accounts.iter().find(|account| account.address == who).unwrap().id;
        self.store.set_account_quota(account, settings).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn senders_are_told_before_and_after_the_text() {
    for when_full in [WhenFull::TryAgain, WhenFull::GiveUp] {
        let house = House::open_with(|options| options.when_full = when_full).await;
        house.allow("ann", 1).await;
        let ann = address("ann@ours.example");
        assert_eq!(
            house.flow.welcome_recipient(&Door::Mx, &ReversePath::Null, &ann, None).await,
            RecipientVerdict::Accepted
        );
        let to_ann = || envelope("x@far.example", &["ann@ours.example"]);
        house.receive(Door::Mx, to_ann(), TEXT).await.unwrap();
        let full = RecipientVerdict::MailboxFull { when_full };
        assert_eq!(house.flow.welcome_recipient(&Door::Mx, &ReversePath::Null, &ann, None).await, full);
        let refused = house.receive(Door::Mx, to_ann(), TEXT).await;
        assert_eq!(refused, Err(MessageRefusal::MailboxFull { when_full }));
        assert_eq!((house.inbox("ann").await.len(), house.queue().await.len()), (1, 0));
    }
}

/// RFC 1870 §6.1: what is told beforehand not to fit need not be sent.
#[tokio::test(start_paused = true)]
async fn a_message_that_would_not_fit_is_refused_beforehand() {
    for when_full in [WhenFull::TryAgain, WhenFull::GiveUp] {
        let house = House::open_with(|options| options.when_full = when_full).await;
        house.allow_octets("ann", 1000).await;
        let ann = address("ann@ours.example");
        let full = RecipientVerdict::MailboxFull { when_full };
        for (size_bytes, expected) in [
            (None, RecipientVerdict::Accepted),
            (Some(1000), RecipientVerdict::Accepted),
            (Some(1001), full),
            (Some(u64::MAX), full),
        ] {
            let verdict = house.flow.welcome_recipient(&Door::Mx, &ReversePath::Null, &ann, size_bytes).await;
            assert_eq!(verdict, expected, "{size_bytes:?}");
        }
        house.receive(Door::Mx, envelope("x@far.example", &["ann@ours.example"]), TEXT).await.unwrap();
        let verdict = house.flow.welcome_recipient(&Door::Mx, &ReversePath::Null, &ann, Some(1000)).await;
        assert_eq!(verdict, full, "what is there counts");
    }
}

#[tokio::test(start_paused = true)]
async fn others_get_what_a_full_mailbox_does_not() {
    let house = House::open().await;
    house.allow("bob", 0).await;
    let both = envelope("x@far.example", &["ann@ours.example", "bob@ours.example"]);
    let received = house.receive(Door::Mx, both, TEXT).await.unwrap();
    assert_eq!(received.full, []);
    assert_eq!((house.inbox("ann").await.len(), house.inbox("bob").await.len()), (1, 0));
    let queue = house.queue().await;
    assert_eq!(queue.len(), 1, "the sender gets a report");
    assert_eq!(queue[0].recipient.address, address("x@far.example"));
    assert!(queue[0].message.sender.address().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_is_told_of_each_recipient() {
    let house = House::open().await;
    house.allow("bob", 0).await;
    house.alias("team@ours.example", &["ann@ours.example", "bob@ours.example"]).await;
    let both = envelope("x@far.example", &["ann@ours.example", "bob@ours.example"]);
    let received = house.receive(Door::Lmtp, both, TEXT).await.unwrap();
    assert_eq!(received.full, [address("bob@ours.example")]);
    assert!(house.queue().await.is_empty(), "who was told at the door gets no report");
    // Of one behind an alias nobody can be told at the door.
    let team = envelope("x@far.example", &["team@ours.example"]);
    let received = house.receive(Door::Lmtp, team, TEXT).await.unwrap();
    assert_eq!((received.full, house.queue().await.len()), (vec![], 1));
    assert_eq!(house.inbox("ann").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn reports_reach_full_mailboxes() {
    let house = House::open().await;
    house.allow("ann", 0).await;
    house.allow("bob", 0).await;
    let envelope = envelope("ann@ours.example", &["bob@ours.example", "carl@far.example"]);
    house.ann_writes(envelope).await;
    let inbox = house.inbox("ann").await;
    assert_eq!(inbox.len(), 1);
    assert!(inbox[0].contains("Status: 5.2.2") && inbox[0].contains("the mailbox is full"), "{}", inbox[0]);
    assert_eq!(house.queue().await.len(), 1);
}
