//! Mailboxes by name.

use posthouse_model::SpecialUse;

use super::*;
use crate::MailboxError;

impl House {
    /// Ann's mailboxes in a line: `*` marks a subscription, parentheses a name without a mailbox.
    async fn listed(&self) -> String {
        let rows = self.mailboxes.list(&self.ann).await.unwrap();
        let words: Vec<_> = rows
            .iter()
            .map(|row| match (row.id, row.subscribed) {
                (Some(_), true) => format!("{}*", row.name),
                (Some(_), false) => row.name.to_string(),
                (None, _) => format!("({})", row.name),
            })
            .collect();
        words.join(" ")
    }

    async fn create(&self, mailbox: &str) -> Result<(), String> {
        self.mailboxes.create(&self.ann, &name(mailbox), None).await.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn delete(&self, mailbox: &str) -> Result<(), String> {
        self.mailboxes.delete(&self.ann, &name(mailbox)).await.map_err(|error| error.to_string())
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), String> {
        self.mailboxes.rename(&self.ann, &name(from), &name(to)).await.map_err(|error| error.to_string())
    }
}

fn refused(error: &MailboxError) -> Result<(), String> {
    Err(error.to_string())
}

#[tokio::test]
async fn creating_makes_the_levels_above() {
    let house = House::open().await;
    assert_eq!(house.create("a/b/c").await, Ok(()));
    assert_eq!(house.create("a/d/").await, Ok(()));
    assert_eq!(house.listed().await, "INBOX* a a/b a/b/c a/d");
    for taken in ["a", "a/b/c", "INBOX", "inbox"] {
        assert_eq!(house.create(taken).await, refused(&MailboxError::AlreadyExists), "{taken}");
    }
    assert_eq!(house.create("inbox/x").await, Ok(()));
    assert_eq!(house.listed().await, "INBOX* INBOX/x a a/b a/b/c a/d");
    assert_eq!(house.mailboxes.list(&house.bob).await.unwrap().len(), 1);
}

#[tokio::test]
async fn special_uses_are_kept() {
    let house = House::open().await;
    house.mailboxes.create(&house.ann, &name("Sent/2023"), Some(SpecialUse::Sent)).await.unwrap();
    let rows = house.mailboxes.list(&house.ann).await.unwrap();
    let uses: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.special_use)).collect();
    assert_eq!(uses, [("INBOX", None), ("Sent", None), ("Sent/2023", Some(SpecialUse::Sent))]);
}

#[tokio::test]
async fn deleting_leaves_what_lies_below() {
    let house = House::open().await;
    house.create("a/b").await.unwrap();
    house.append("a", "\r\nx", "").await;
    let old = house.mailboxes.status(&house.ann, &name("a")).await.unwrap();
    assert_eq!(house.delete("a").await, Ok(()));
    assert_eq!(house.listed().await, "INBOX* a/b");
    assert_eq!(house.delete("a").await, refused(&MailboxError::NoSuchMailbox));
    assert_eq!(house.delete("inbox").await, refused(&MailboxError::Inbox));
    assert_eq!(house.store.body_count(), 0);

    house.create("a").await.unwrap();
    let new = house.mailboxes.status(&house.ann, &name("a")).await.unwrap();
    assert!(new.id > old.id && new.uid_validity > old.uid_validity && new.highest_modseq > old.highest_modseq);
    assert_eq!(new.messages, 0);
    // Nobody else's mailboxes are within reach.
    assert!(matches!(house.mailboxes.delete(&house.bob, &name("a")).await, Err(MailboxError::NoSuchMailbox)));
    assert!(matches!(house.mailboxes.open(&house.bob, &name("a"), false).await, Err(MailboxError::NoSuchMailbox)));
}

#[tokio::test]
async fn renaming_takes_along_what_lies_below() {
    let house = House::open().await;
    for mailbox in ["a/b/c", "ab", "z"] {
        house.create(mailbox).await.unwrap();
    }
    house.append("a/b", "\r\nx", "\\Seen").await;
    let open = house.mailbox("a/b").await;
    let old = house.mailboxes.status(&house.ann, &name("a/b")).await.unwrap();
    assert_eq!(house.rename("a", "new/home").await, Ok(()));
    assert_eq!(house.listed().await, "INBOX* ab new new/home new/home/b new/home/b/c z");
    let moved = house.mailboxes.status(&house.ann, &name("new/home/b")).await.unwrap();
    assert_eq!((moved.id, moved.uid_validity, moved.messages), (old.id, old.uid_validity, 1));
    // A new name is no change to what is in the mailbox.
    assert_eq!(moved.highest_modseq, old.highest_modseq);
    assert_eq!(open.snapshot().highest_modseq, old.highest_modseq);
    house.append("new/home/b", "\r\ny", "").await;
    assert_eq!(open.snapshot().uids, uids(&[1, 2]));
    assert!(!open.is_gone());
}

#[tokio::test]
async fn renames_that_cannot_be() {
    let house = House::open().await;
    let long = "x".repeat(900);
    for mailbox in ["a/b", "c/b", &format!("a/{long}")] {
        house.create(mailbox).await.unwrap();
    }
    let before = house.listed().await;
    for (from, to, error) in [
        ("a", "a/b/c", MailboxError::BelowItself),
        ("a", "a", MailboxError::AlreadyExists),
        ("a", "c", MailboxError::AlreadyExists),
        ("a", "inbox", MailboxError::AlreadyExists),
        ("ghost", "new", MailboxError::NoSuchMailbox),
        ("a", &"y".repeat(200), MailboxError::NameTooLong),
        ("INBOX", "c", MailboxError::AlreadyExists),
    ] {
        assert_eq!(house.rename(from, to).await, refused(&error), "{from} to {to}");
    }
    assert_eq!(house.listed().await, before);
    // A mailbox that stands in the way further below stops all of it.
    house.delete("c").await.unwrap();
    assert_eq!(house.rename("a", "c").await, refused(&MailboxError::AlreadyExists));
    assert!(house.listed().await.contains(" a a/b "));
}

#[tokio::test]
async fn a_renamed_inbox_gives_its_messages_and_stays() {
    let house = House::open().await;
    house.create("INBOX/below").await.unwrap();
    house.fill_inbox(3).await;
    let inbox = house.inbox().await;
    let since = inbox.snapshot().highest_modseq;
    assert_eq!(house.rename("INBOX", "old/mail").await, Ok(()));
    assert_eq!(house.listed().await, "INBOX* INBOX/below old old/mail");
    assert!(inbox.snapshot().uids.is_empty());
    assert_eq!(inbox.changes_since(since).await.unwrap().vanished, uids(&[1, 2, 3]));
    assert_eq!(house.mailbox("old/mail").await.snapshot().uids, uids(&[1, 2, 3]));
    assert_eq!(house.append("INBOX", "\r\nnew", "").await, uid(4));
}

#[tokio::test]
async fn a_special_use_belongs_to_one_mailbox() {
    let house = House::open().await;
    let create = async |mailbox: &str| {
        house.mailboxes.create(&house.ann, &name(mailbox), Some(SpecialUse::Drafts)).await.map(drop)
    };
    create("a").await.unwrap();
    assert!(matches!(create("b/c").await, Err(MailboxError::SpecialUseTaken)));
    assert!(matches!(create("a").await, Err(MailboxError::AlreadyExists)));
    assert_eq!(house.listed().await, "INBOX* a");
    house.rename("a", "old").await.unwrap();
    assert!(matches!(create("a").await, Err(MailboxError::SpecialUseTaken)));
    house.delete("old").await.unwrap();
    create("a").await.unwrap();
}

#[tokio::test]
async fn subscriptions_are_about_names() {
    let house = House::open().await;
    let subscribe = async |mailbox: &str, subscribed: bool| {
        house.mailboxes.set_subscribed(&house.ann, &name(mailbox), subscribed).await.unwrap();
    };
    house.create("a").await.unwrap();
    subscribe("a", true).await;
    subscribe("ghost", true).await;
    subscribe("ghost", true).await;
    assert_eq!(house.listed().await, "INBOX* a* (ghost)");
    house.rename("a", "b").await.unwrap();
    assert_eq!(house.listed().await, "INBOX* (a) b (ghost)");
    subscribe("a", false).await;
    subscribe("never", false).await;
    house.delete("b").await.unwrap();
    assert_eq!(house.listed().await, "INBOX* (ghost)");
}

#[tokio::test]
async fn a_failing_store_is_told_apart() {
    let house = House::open().await;
    house.store.set_broken(true);
    assert!(matches!(house.mailboxes.list(&house.ann).await, Err(MailboxError::Storage(_))));
    assert!(matches!(house.mailboxes.status(&house.ann, &name("a")).await, Err(MailboxError::Storage(_))));
}
