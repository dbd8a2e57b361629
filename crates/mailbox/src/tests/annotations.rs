//! Annotations: who may set and see which.

use posthouse_model::EntryName;

use super::*;
use crate::{AnnotationDepth, MailboxError};

fn entry(text: &str) -> EntryName {
    EntryName::parse(text).unwrap()
}

impl House {
    async fn annotate(&self, mailbox: &str, entry_name: &str, value: &str) -> Result<(), MailboxError> {
        let name = MailboxName::parse(mailbox).ok();
        let changes = vec![(entry(entry_name), Some(Bytes::from(value.as_bytes().to_vec())))];
        self.mailboxes.annotate(&self.ann, name.as_ref(), changes, None).await
    }

    async fn annotations(&self, mailbox: &str, names: &[&str], depth: AnnotationDepth) -> String {
        let name = MailboxName::parse(mailbox).ok();
        let names: Vec<_> = names.iter().map(|text| entry(text)).collect();
        let rows = self.mailboxes.annotations(&self.ann, name.as_ref(), &names, depth).await.unwrap();
        let text = |value: Option<Bytes>| value.map_or("NIL".into(), |v| String::from_utf8_lossy(&v).into_owned());
        rows.into_iter().map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join(" ")
    }
}

#[tokio::test]
async fn entries_and_what_lies_below_them() {
    let house = House::open().await;
    for (name, value) in
        [("/private/vendor/x/a", "1"), ("/private/vendor/x/a/b", "2"), ("/private/vendor/x/a/b/c", "3")]
    {
        house.annotate("INBOX", name, value).await.unwrap();
    }
    let asked = ["/private/vendor/x/a", "/private/comment"];
    for (depth, expected) in [
        (AnnotationDepth::Entry, "/private/vendor/x/a=1 /private/comment=NIL"),
        (AnnotationDepth::Children, "/private/vendor/x/a=1 /private/vendor/x/a/b=2"),
        (AnnotationDepth::Everything, "/private/vendor/x/a=1 /private/vendor/x/a/b=2 /private/vendor/x/a/b/c=3"),
    ] {
        assert_eq!(house.annotations("INBOX", &asked, depth).await, expected);
    }
    let missing = house.mailboxes.annotations(&house.ann, Some(&name("none")), &[], AnnotationDepth::Entry).await;
    assert!(matches!(missing, Err(MailboxError::NoSuchMailbox)));
}

#[tokio::test]
async fn not_everything_can_be_set() {
    let mut house = House::open().await;
    house.mailboxes = Mailboxes::new(house.store.clone()).with_administrator(Some("mailto:root@example.org".into()));
    house.annotate("", "/private/filters/values/boss", "FROM boss").await.unwrap();
    for (mailbox, entry_name) in [("INBOX", "/private/colour"), ("", "/shared/admin"), ("INBOX", "/shared/vendor")] {
        let refused = house.annotate(mailbox, entry_name, "x").await;
        assert!(matches!(refused, Err(MailboxError::UnknownEntry)), "{entry_name}: {refused:?}");
    }
    assert!(matches!(house.annotate("", "/shared/comment", "x").await, Err(MailboxError::NotPermitted)));
    house.annotate("INBOX", "/shared/comment", "x").await.unwrap();
    let server =
        house.annotations("", &["/shared", "/private/filters"].map(|_| "/shared/admin"), Default::default()).await;
    assert_eq!(server, "/shared/admin=mailto:root@example.org /shared/admin=mailto:root@example.org");
    for number in 0..100 {
        if house.annotate("INBOX", &format!("/private/vendor/x/{number}"), "x").await.is_err() {
            panic!("{number} annotations are too many");
        }
    }
    let refused = house.annotate("INBOX", "/private/vendor/x/more", "x").await;
    assert!(matches!(refused, Err(MailboxError::TooManyAnnotations)), "{refused:?}");
}
