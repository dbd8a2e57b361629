//! Following a mailbox.

use posthouse_model::ModSeq;
use posthouse_model::flag::FlagChange;

use super::*;
use crate::MailboxChanges;

/// Changes in a line: `+` UIDs that came, `~` UIDs that changed, `-` UIDs that went.
fn words(changes: &MailboxChanges) -> String {
    let changed: UidSet = changes.changed.iter().map(|row| row.0).collect();
    format!("+{} ~{changed} -{}", changes.added, changes.vanished)
}

async fn check(mailbox: &Mailbox, since: ModSeq, expected: &str) {
    let changes = mailbox.changes_since(since).await.unwrap();
    assert_eq!(words(&changes), expected, "since {since}");
    assert_eq!(changes.highest_modseq, mailbox.snapshot().highest_modseq.max(since));
}

#[tokio::test]
async fn changes_are_told_from_the_log() {
    let house = House::open().await;
    house.fill_inbox(3).await;
    let inbox = house.inbox().await;
    let start = inbox.snapshot().highest_modseq;
    check(&inbox, start, "+ ~ -").await;

    inbox.store_flags(&uids(&[1, 2]), FlagChange::Add, &flags("\\Deleted"), None).await.unwrap();
    let marked = inbox.snapshot().highest_modseq;
    check(&inbox, start, "+ ~1:2 -").await;
    inbox.expunge(Some(&uids(&[1]))).await.unwrap();
    check(&inbox, start, "+ ~2 -1").await;
    house.fill_inbox(2).await;
    inbox.store_flags(&uids(&[4]), FlagChange::Add, &flags("$new"), None).await.unwrap();
    check(&inbox, start, "+4:5 ~2 -1").await;
    check(&inbox, marked, "+4:5 ~ -1").await;
    // What came and went in between is only said to have gone.
    inbox.remove(&uids(&[5])).await.unwrap();
    check(&inbox, start, "+4 ~2 -1,5").await;
    check(&inbox, inbox.snapshot().highest_modseq, "+ ~ -").await;
    assert_eq!(inbox.changes_since(start).await.unwrap().keywords, [Keyword::parse("$new").unwrap()]);
    assert_eq!(inbox.vanished_since(&uids(&[1, 2, 3]), start).await.unwrap(), uids(&[1]));
}

#[tokio::test]
async fn changes_before_the_opening_come_from_the_store() {
    let house = House::open().await;
    house.fill_inbox(3).await;
    let first = house.inbox().await;
    let start = first.snapshot().highest_modseq;
    first.remove(&uids(&[2])).await.unwrap();
    first.store_flags(&uids(&[3]), FlagChange::Add, &flags("\\Seen"), None).await.unwrap();
    house.fill_inbox(1).await;
    let cold = Mailboxes::new(house.store.clone());
    let second = cold.open(&house.ann, &name("INBOX"), false).await.unwrap();
    check(&second, start, "+3:4 ~3:4 -2").await;
    assert_eq!(second.vanished_since(&UidSet::all(), start).await.unwrap(), uids(&[2]));
    check(&second, ModSeq(0), "+1,3:4 ~1,3:4 -2").await;
}

#[tokio::test]
async fn who_is_far_behind_is_brought_up_to_date_from_the_store() {
    let house = House::open().await;
    house.fill_inbox(3).await;
    let inbox = house.inbox().await;
    let start = inbox.snapshot().highest_modseq;
    inbox.remove(&uids(&[1])).await.unwrap();
    let after_removal = inbox.snapshot().highest_modseq;
    // As many as the log holds, so that it forgets the removal.
    for turn in 1..=4096 {
        let change = if turn % 2 == 1 { FlagChange::Add } else { FlagChange::Remove };
        inbox.store_flags(&uids(&[2]), change, &flags("\\Flagged"), None).await.unwrap();
    }
    check(&inbox, start, "+2 ~2 -1").await;
    check(&inbox, after_removal, "+ ~2 -").await;
    assert_eq!(inbox.vanished_since(&UidSet::all(), start).await.unwrap(), uids(&[1]));
    let changes = inbox.changes_since(start).await.unwrap();
    assert_eq!(changes.changed[0].1, flags(""));
}

#[tokio::test]
async fn every_commit_wakes_the_watchers() {
    let house = House::open().await;
    house.mailboxes.create(&house.ann, &name("other"), None).await.unwrap();
    let inbox = house.inbox().await;
    let mut watch = inbox.watch();
    let woken = |watch: &mut tokio::sync::watch::Receiver<ModSeq>| {
        let changed = watch.has_changed().unwrap();
        let modseq = *watch.borrow_and_update();
        changed.then_some(modseq)
    };
    woken(&mut watch);
    assert_eq!(woken(&mut watch), None);
    house.fill_inbox(1).await;
    assert_eq!(woken(&mut watch), Some(inbox.snapshot().highest_modseq));
    house.append("other", "\r\n", "").await;
    assert_eq!(woken(&mut watch), None, "another mailbox is not our business");
    house.inbox().await.store_flags(&uids(&[1]), FlagChange::Add, &flags("\\Seen"), None).await.unwrap();
    assert_eq!(woken(&mut watch), Some(inbox.snapshot().highest_modseq));
    inbox.store_flags(&uids(&[1]), FlagChange::Add, &flags("\\Seen"), None).await.unwrap();
    assert_eq!(woken(&mut watch), None, "nothing changed");
    inbox.remove(&uids(&[1])).await.unwrap();
    assert_eq!(woken(&mut watch), Some(inbox.snapshot().highest_modseq));
}

#[tokio::test]
async fn who_waits_is_woken() {
    let house = House::open().await;
    let inbox = house.inbox().await;
    let mut watch = inbox.watch();
    watch.mark_unchanged();
    let waiting = tokio::spawn(async move {
        watch.changed().await.unwrap();
        inbox.snapshot().uids
    });
    tokio::task::yield_now().await;
    house.fill_inbox(1).await;
    assert_eq!(waiting.await.unwrap(), uids(&[1]));
}

#[tokio::test]
async fn mail_delivered_by_others_arrives_in_the_open_mailbox() {
    let house = House::open().await;
    let inbox = house.inbox().await;
    let elsewhere = Mailboxes::new(house.store.clone());
    elsewhere.append(&house.ann, &name("INBOX"), Bytes::from_static(b"\r\nx"), flags(""), NOW).await.unwrap();
    elsewhere.append(&house.bob, &name("INBOX"), Bytes::from_static(b"\r\ny"), flags(""), NOW).await.unwrap();
    assert_eq!(inbox.snapshot().uids, uids(&[1]));
}
