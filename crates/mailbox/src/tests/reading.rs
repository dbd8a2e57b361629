//! Opening, and going through messages.

use posthouse_model::ModSeq;
use posthouse_model::flag::FlagChange;

use super::*;
use crate::{BatchBound, MailboxError, Rows};

/// The UIDs of each batch of a walk.
fn batches(mailbox: &Mailbox, mut rows: Rows, messages: usize, size_bytes: u64) -> Vec<Vec<u32>> {
    let bound = BatchBound { messages, size_bytes };
    let next = || Some(mailbox.next_rows(&mut rows, bound)).filter(|batch| !batch.is_empty());
    std::iter::from_fn(next).map(|batch| batch.iter().map(|record| record.uid.value()).collect()).collect()
}

#[tokio::test]
async fn a_snapshot_shows_what_was_appended() {
    let house = House::open().await;
    let empty = house.inbox().await.snapshot();
    assert!(empty.uids.is_empty() && empty.keywords.is_empty());
    assert_eq!((empty.uid_next, empty.first_unseen), (1, None));

    assert_eq!(house.append("INBOX", "\r\nabc", "\\Seen $Forwarded").await, uid(1));
    assert_eq!(house.append("INBOX", "\r\n", "\\Deleted $junk").await, uid(2));
    assert_eq!(house.append("INBOX", "", "\\Seen").await, uid(3));
    // One who had it open sees the same as one who opens it now.
    let cold = Mailboxes::new(house.store.clone()).open(&house.ann, &name("inbox"), true).await.unwrap().snapshot();
    let snapshot = house.inbox().await.snapshot();
    assert_eq!(snapshot, cold);
    assert_eq!(snapshot.uids, uids(&[1, 2, 3]));
    assert_eq!((snapshot.uid_next, snapshot.first_unseen), (4, Some(uid(2))));
    assert_eq!(snapshot.keywords.iter().map(Keyword::as_str).collect::<Vec<_>>(), ["$Forwarded", "$junk"]);

    let status = house.mailboxes.status(&house.ann, &name("INBOX")).await.unwrap();
    assert_eq!((status.messages, status.unseen, status.deleted, status.size_bytes), (3, 1, 1, 7));
    assert_eq!(status.highest_modseq, snapshot.highest_modseq);
}

#[tokio::test]
async fn appending_needs_a_mailbox() {
    let house = House::open().await;
    let appended = house.mailboxes.append(&house.ann, &name("ghost"), Bytes::new(), flags(""), NOW).await;
    assert!(matches!(appended, Err(MailboxError::NoSuchMailbox)));
    assert_eq!(house.store.body_count(), 0);
}

#[tokio::test]
async fn a_walk_keeps_to_its_bounds() {
    let house = House::open().await;
    for size in [10, 10, 50, 10, 10, 10] {
        house.append("INBOX", vec![b'x'; size], "").await;
    }
    let inbox = house.inbox().await;
    let all = || Rows::new(UidSet::all(), None);
    assert_eq!(batches(&inbox, all(), 10, u64::MAX), [vec![1, 2, 3, 4, 5, 6]]);
    assert_eq!(batches(&inbox, all(), 4, u64::MAX), [vec![1, 2, 3, 4], vec![5, 6]]);
    assert_eq!(batches(&inbox, all(), 3, u64::MAX), [vec![1, 2, 3], vec![4, 5, 6]]);
    assert_eq!(batches(&inbox, all(), 10, 20), [vec![1, 2], vec![3], vec![4, 5], vec![6]]);
    assert_eq!(batches(&inbox, all(), 10, 1), [[1], [2], [3], [4], [5], [6]]);
    assert_eq!(batches(&inbox, Rows::new(uids(&[2, 4, 5, 99]), None), 2, u64::MAX), [vec![2, 4], vec![5]]);
    assert!(batches(&inbox, Rows::new(UidSet::new(), None), 2, u64::MAX).is_empty());
    assert!(batches(&inbox, Rows::new(uids(&[7, 4_294_967_295]), None), 2, u64::MAX).is_empty());
    assert_eq!(inbox.missing(&uids(&[2, 6, 7, 99])), uids(&[7, 99]));
}

#[tokio::test]
async fn a_walk_passes_over_what_is_expunged_on_the_way() {
    let house = House::open().await;
    house.fill_inbox(6).await;
    let inbox = house.inbox().await;
    let mut rows = Rows::new(UidSet::all(), None);
    let bound = BatchBound { messages: 2, size_bytes: u64::MAX };
    assert_eq!(inbox.next_rows(&mut rows, bound).len(), 2);
    inbox.remove(&uids(&[1, 3, 4, 6])).await.unwrap();
    house.fill_inbox(1).await;
    let rest: Vec<_> = inbox.next_rows(&mut rows, bound).iter().map(|record| record.uid.value()).collect();
    assert_eq!(rest, [5, 7]);
    assert!(inbox.next_rows(&mut rows, bound).is_empty());
    assert!(inbox.next_rows(&mut rows, bound).is_empty());
}

#[tokio::test]
async fn a_walk_can_keep_to_what_changed() {
    let house = House::open().await;
    house.fill_inbox(4).await;
    let inbox = house.inbox().await;
    let before = inbox.snapshot().highest_modseq;
    inbox.store_flags(&uids(&[2, 4]), FlagChange::Add, &flags("\\Seen"), None).await.unwrap();
    house.fill_inbox(1).await;
    let after = inbox.snapshot().highest_modseq;
    let changed = |since| batches(&inbox, Rows::new(UidSet::all(), Some(since)), 2, u64::MAX);
    assert_eq!(changed(before), [vec![2, 4], vec![5]]);
    assert!(changed(after).is_empty());
    assert_eq!(changed(ModSeq(0)), [vec![1, 2], vec![3, 4], vec![5]]);
}

#[tokio::test]
async fn reading_marks_as_seen_what_was_not() {
    let house = House::open().await;
    house.append("INBOX", "\r\na", "\\Seen").await;
    house.append("INBOX", "\r\nb", "\\Flagged").await;
    let inbox = house.inbox().await;
    let examined = house.mailboxes.open(&house.ann, &name("INBOX"), true).await.unwrap();
    let bound = BatchBound { messages: 10, size_bytes: u64::MAX };
    let mut records = inbox.next_rows(&mut Rows::new(UidSet::all(), None), bound);

    assert!(examined.mark_seen(&mut records).await.unwrap().is_empty());
    assert_eq!(records[1].flags, flags("\\Flagged"));
    let modseq = records[1].modseq;
    assert_eq!(inbox.mark_seen(&mut records).await.unwrap(), uids(&[2]));
    assert_eq!(records[1].flags, flags("\\Flagged \\Seen"));
    assert!(records[1].modseq > modseq);
    let highest = inbox.snapshot().highest_modseq;
    assert!(inbox.mark_seen(&mut records).await.unwrap().is_empty());
    assert_eq!(inbox.snapshot().highest_modseq, highest, "nothing was written");
}
