//! Flags, COPY, MOVE, EXPUNGE, and what a mailbox refuses.

use posthouse_model::flag::FlagChange;
use posthouse_storage::{CopiedUids, StorageError};

use super::*;
use crate::{BatchBound, FlagOutcome, MailboxError, Rows};

fn rows(outcome: &FlagOutcome) -> Vec<(u32, Flags)> {
    outcome.rows.iter().map(|(uid, flags, _)| (uid.value(), flags.clone())).collect()
}

fn pairs(copied: &CopiedUids) -> Vec<(u32, u32)> {
    copied.pairs.iter().map(|(old, new)| (old.value(), new.value())).collect()
}

#[tokio::test]
async fn flags_are_stored_added_and_removed() {
    let house = House::open().await;
    house.fill_inbox(3).await;
    let inbox = house.inbox().await;
    for (change, which, given, expected) in [
        (FlagChange::Replace, vec![1, 2], "\\Seen $A", vec![(1, "\\Seen $A"), (2, "\\Seen $A")]),
        (FlagChange::Add, vec![2, 3], "\\Draft $a $b", vec![(2, "\\Seen \\Draft $A $b"), (3, "\\Draft $a $b")]),
        (FlagChange::Remove, vec![2], "\\Seen $A \\Flagged", vec![(2, "\\Draft $b")]),
        (FlagChange::Replace, vec![2], "", vec![(2, "")]),
        (FlagChange::Remove, vec![1], "\\Deleted", vec![(1, "\\Seen $A")]),
    ] {
        let outcome = inbox.store_flags(&uids(&which), change, &flags(given), None).await.unwrap();
        let expected: Vec<_> = expected.into_iter().map(|(uid, words)| (uid, flags(words))).collect();
        assert_eq!(rows(&outcome), expected, "{change:?} {given}");
        assert!(outcome.missing.is_empty() && outcome.modified.is_empty());
    }
    let keywords = inbox.snapshot().keywords;
    assert_eq!(keywords.iter().map(|word| word.as_str().to_lowercase()).collect::<Vec<_>>(), ["$a", "$b"]);
}

#[tokio::test]
async fn only_what_changes_gets_a_new_modseq() {
    let house = House::open().await;
    house.fill_inbox(2).await;
    let inbox = house.inbox().await;
    let seen = flags("\\Seen");
    inbox.store_flags(&uids(&[1]), FlagChange::Add, &seen, None).await.unwrap();
    let before = inbox.snapshot().highest_modseq;
    let outcome = inbox.store_flags(&uids(&[1, 2, 9]), FlagChange::Add, &seen, None).await.unwrap();
    assert_eq!(outcome.missing, uids(&[9]));
    let modseqs: Vec<_> = outcome.rows.iter().map(|row| row.2).collect();
    assert!(modseqs[0] == before && modseqs[1] > before, "{modseqs:?}");
}

#[tokio::test]
async fn unchanged_since_leaves_changed_messages_alone() {
    let house = House::open().await;
    house.fill_inbox(3).await;
    let inbox = house.inbox().await;
    let since = inbox.snapshot().highest_modseq;
    inbox.store_flags(&uids(&[2]), FlagChange::Add, &flags("$x"), None).await.unwrap();
    let all = uids(&[1, 2, 3, 4]);
    let outcome = inbox.store_flags(&all, FlagChange::Add, &flags("\\Seen"), Some(since)).await.unwrap();
    assert_eq!(rows(&outcome), [(1, flags("\\Seen")), (3, flags("\\Seen"))]);
    assert_eq!((outcome.modified, outcome.missing), (uids(&[2]), uids(&[4])));
}

#[tokio::test]
async fn copies_keep_flags_date_and_body() {
    let house = House::open().await;
    house.mailboxes.create(&house.ann, &name("copies"), None).await.unwrap();
    house.append_at("INBOX", "\r\none", "\\Seen $x", UnixMillis(5000)).await;
    house.append("INBOX", "\r\ntwo", "").await;
    house.append("INBOX", "\r\none", "").await;
    let inbox = house.inbox().await;
    let copies = house.mailbox("copies").await;
    inbox.remove(&uids(&[2])).await.unwrap();
    let copied = inbox.copy_to(&house.mailboxes, &uids(&[1, 2, 3, 9]), &name("copies")).await.unwrap();
    assert_eq!(pairs(&copied), [(1, 1), (3, 2)]);
    assert_eq!(copied.uid_validity, copies.uid_validity());
    assert_eq!(inbox.snapshot().uids, uids(&[1, 3]));
    assert_eq!(house.store.body_count(), 1, "equal bodies are kept once");

    let bound = BatchBound { messages: 10, size_bytes: u64::MAX };
    let original = inbox.next_rows(&mut Rows::new(UidSet::all(), None), bound);
    let copy = copies.next_rows(&mut Rows::new(UidSet::all(), None), bound);
    for (original, copy) in original.iter().zip(&copy) {
        assert_eq!(original.flags, copy.flags);
        assert_eq!(original.internal_date, copy.internal_date);
        assert_eq!((original.message, original.body), (copy.message, copy.body));
    }
    assert_eq!(copy[0].internal_date, UnixMillis(5000));
    inbox.remove(&UidSet::all()).await.unwrap();
    assert_eq!(house.store.body_count(), 1);
    copies.remove(&UidSet::all()).await.unwrap();
    assert_eq!(house.store.body_count(), 0);
}

#[tokio::test]
async fn moves_take_messages_along() {
    let house = House::open().await;
    house.mailboxes.create(&house.ann, &name("there"), None).await.unwrap();
    house.fill_inbox(4).await;
    let (inbox, there) = (house.inbox().await, house.mailbox("there").await);
    let moved = inbox.move_to(&house.mailboxes, &uids(&[2, 4]), &name("there")).await.unwrap();
    assert_eq!(pairs(&moved), [(2, 1), (4, 2)]);
    assert_eq!((inbox.snapshot().uids, there.snapshot().uids), (uids(&[1, 3]), uids(&[1, 2])));
    // Within one mailbox a message gets a new UID.
    let since = inbox.snapshot().highest_modseq;
    let moved = inbox.move_to(&house.mailboxes, &uids(&[1]), &name("INBOX")).await.unwrap();
    assert_eq!(pairs(&moved), [(1, 5)]);
    let changes = inbox.changes_since(since).await.unwrap();
    assert_eq!((changes.added, changes.vanished), (uids(&[5]), uids(&[1])));
    assert!(inbox.move_to(&house.mailboxes, &uids(&[99]), &name("there")).await.unwrap().pairs.is_empty());
    let nowhere = inbox.move_to(&house.mailboxes, &uids(&[3]), &name("ghost")).await;
    assert!(matches!(nowhere, Err(MailboxError::NoSuchMailbox)));
    assert_eq!(inbox.snapshot().uids, uids(&[3, 5]));
}

#[tokio::test]
async fn expunge_takes_what_is_marked() {
    let house = House::open().await;
    house.fill_inbox(5).await;
    let inbox = house.inbox().await;
    inbox.store_flags(&uids(&[1, 3, 5]), FlagChange::Add, &flags("\\Deleted"), None).await.unwrap();
    assert_eq!(inbox.expunge(Some(&uids(&[2, 3, 4, 9]))).await.unwrap(), uids(&[3]));
    assert_eq!(inbox.expunge(None).await.unwrap(), uids(&[1, 5]));
    assert_eq!(inbox.expunge(None).await.unwrap(), UidSet::new());
    assert_eq!(inbox.snapshot().uids, uids(&[2, 4]));
    assert_eq!(inbox.remove(&uids(&[4, 5])).await.unwrap(), uids(&[4]));
    house.fill_inbox(1).await;
    assert_eq!(inbox.snapshot().uids, uids(&[2, 6]), "UIDs never come back");
}

#[tokio::test]
async fn a_mailbox_open_for_reading_refuses_changes() {
    let house = House::open().await;
    house.mailboxes.create(&house.ann, &name("copies"), None).await.unwrap();
    house.append("INBOX", "\r\nx", "\\Deleted").await;
    let inbox = house.mailboxes.open(&house.ann, &name("INBOX"), true).await.unwrap();
    assert!(inbox.is_read_only());
    let all = UidSet::all();
    let stored = inbox.store_flags(&all, FlagChange::Add, &flags("\\Seen"), None).await;
    assert!(matches!(stored, Err(MailboxError::ReadOnly)));
    assert!(matches!(inbox.expunge(None).await, Err(MailboxError::ReadOnly)));
    assert!(matches!(inbox.remove(&all).await, Err(MailboxError::ReadOnly)));
    let moved = inbox.move_to(&house.mailboxes, &all, &name("copies")).await;
    assert!(matches!(moved, Err(MailboxError::ReadOnly)));
    assert_eq!(pairs(&inbox.copy_to(&house.mailboxes, &all, &name("copies")).await.unwrap()), [(1, 1)]);
    assert_eq!(house.inbox().await.snapshot().uids, uids(&[1]));
}

#[tokio::test]
async fn a_mailbox_deleted_while_open_is_gone() {
    let house = House::open().await;
    house.mailboxes.create(&house.ann, &name("short"), None).await.unwrap();
    house.append("short", "\r\nx", "\\Deleted").await;
    let short = house.mailbox("short").await;
    let mut watch = short.watch();
    watch.mark_unchanged();
    house.mailboxes.delete(&house.ann, &name("short")).await.unwrap();
    assert!(short.is_gone());
    assert!(watch.has_changed().unwrap());
    let all = UidSet::all();
    let stored = short.store_flags(&all, FlagChange::Add, &flags("\\Seen"), None).await;
    assert!(matches!(stored, Err(MailboxError::Gone)));
    assert!(matches!(short.expunge(None).await, Err(MailboxError::Gone)));
    assert!(matches!(short.remove(&all).await, Err(MailboxError::Gone)));
    let moved = short.move_to(&house.mailboxes, &all, &name("INBOX")).await;
    assert!(matches!(moved, Err(MailboxError::Gone)));
    let changes = short.changes_since(posthouse_model::ModSeq(0)).await;
    assert!(matches!(changes, Err(MailboxError::Gone)));
    let vanished = short.vanished_since(&all, posthouse_model::ModSeq(0)).await;
    assert!(matches!(vanished, Err(MailboxError::Gone)));
    let copied = short.copy_to(&house.mailboxes, &all, &name("INBOX")).await;
    assert!(matches!(copied, Err(MailboxError::Gone)), "{copied:?}");
    assert!(matches!(house.mailboxes.open(&house.ann, &name("short"), true).await, Err(MailboxError::NoSuchMailbox)));

    house.mailboxes.create(&house.ann, &name("short"), None).await.unwrap();
    let again = house.mailbox("short").await;
    assert!(!again.is_gone() && short.is_gone());
    assert!(again.snapshot().uids.is_empty());
}

#[tokio::test]
async fn a_failing_store_changes_nothing() {
    let house = House::open().await;
    house.fill_inbox(1).await;
    let inbox = house.inbox().await;
    let before = inbox.snapshot();
    house.store.set_broken(true);
    let stored = inbox.store_flags(&UidSet::all(), FlagChange::Add, &flags("\\Seen"), None).await;
    assert!(matches!(stored, Err(MailboxError::Storage(StorageError::Unavailable(_)))));
    assert!(matches!(inbox.remove(&UidSet::all()).await, Err(MailboxError::Storage(_))));
    house.store.set_broken(false);
    assert_eq!(inbox.snapshot(), before);
}
