//! Clients that are told of what happens in many mailboxes, without asking.

use crate::house::TestHouse;

const MESSAGE: &str = "From: a@elsewhere.example\r\nSubject: news\r\n\r\nHello.\r\n";

#[tokio::test]
async fn a_client_hears_of_everything_without_a_command() {
    let house = TestHouse::start().await;
    let (mut hears, mut acts) = (house.imap().await, house.imap().await);
    acts.send("a CREATE Lists").await;
    acts.until("a OK").await;
    hears
        .send("a NOTIFY SET STATUS (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge MailboxName SubscriptionChange))")
        .await;
    let statuses = hears.until("a OK").await;
    assert!(statuses.iter().any(|line| line.starts_with("* STATUS \"Lists\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY ")));
    hears.send("b SELECT INBOX").await;
    hears.until("b OK").await;

    house.deliver(MESSAGE).await;
    hears.expect("* 1 EXISTS").await;
    hears.expect("* 1 FETCH (UID 1 BODY[HEADER.FIELDS (SUBJECT)] {").await;
    hears.expect("Subject: news").await;
    hears.expect("").await;
    hears.expect(")").await;

    acts.send("b SELECT INBOX").await;
    acts.until("b OK").await;
    acts.send("c COPY 1 Lists").await;
    acts.until("c OK").await;
    hears.expect("* STATUS \"Lists\" (MESSAGES 1 UIDNEXT 2)").await;
    acts.send("d STORE 1 +FLAGS (\\Deleted)").await;
    acts.until("d OK").await;
    hears.expect("* 1 FETCH (UID 1 FLAGS (\\Deleted))").await;
    // While it idles, too.
    hears.send("c IDLE").await;
    hears.expect("+ idling").await;
    acts.send("e EXPUNGE").await;
    acts.until("e OK").await;
    hears.expect("* 1 EXPUNGE").await;
    acts.send("f RENAME Lists Posts").await;
    acts.until("f OK").await;
    hears.expect("* LIST (\\HasNoChildren) \"/\" \"Posts\" (\"OLDNAME\" (\"Lists\"))").await;
    hears.send("DONE").await;
    hears.until("c OK").await;
    acts.send("g SUBSCRIBE Posts").await;
    acts.until("g OK").await;
    hears.expect("* LIST (\\HasNoChildren \\Subscribed) \"/\" \"Posts\"").await;

    hears.send("d NOTIFY NONE").await;
    hears.expect("d OK").await;
    house.deliver(MESSAGE).await;
    hears.send("e NOOP").await;
    hears.expect("e OK").await;
    hears.send("f LOGOUT").await;
    hears.until("f OK").await;
}

#[tokio::test]
async fn nobody_hears_of_another_account() {
    let house = TestHouse::start().await;
    let mut bob = house.connect_tls(crate::house::IMAPS).await;
    bob.expect("* OK").await;
    bob.send(&format!("a LOGIN bob@example.org \"{}\"", crate::house::PASSWORD)).await;
    bob.until("a OK").await;
    bob.send("b NOTIFY SET (personal (MessageNew MessageExpunge MailboxName SubscriptionChange))").await;
    bob.expect("b OK").await;
    let mut ann = house.imap().await;
    ann.send("a CREATE Secret").await;
    ann.until("a OK").await;
    house.deliver(MESSAGE).await;
    bob.send("c NOOP").await;
    bob.expect("c OK").await;
}

/// Annotations as they are seen by another session of the same account, and by another account that comes to be let in.
#[tokio::test]
async fn a_client_hears_of_annotations_and_of_rights() {
    let house = TestHouse::start().await;
    let (mut ann, mut hers) = (house.imap().await, house.imap().await);
    let mut bob = house.connect_tls(crate::house::IMAPS).await;
    bob.expect("* OK").await;
    bob.send(&format!("a LOGIN bob@example.org \"{}\"", crate::house::PASSWORD)).await;
    bob.until("a OK").await;
    ann.send("a CREATE Work").await;
    ann.until("a OK").await;
    hers.send("a ENABLE METADATA").await;
    hers.until("a OK").await;
    bob.send("a NOTIFY SET (subtree Users (MailboxName MailboxMetadataChange)) (inboxes (ServerMetadataChange))").await;
    bob.until("a OK").await;

    ann.send("b SETMETADATA Work (/private/comment {4+}\r\nmine /shared/comment {4+}\r\nours)").await;
    ann.expect("b OK").await;
    hers.expect("* METADATA \"Work\" /private/comment /shared/comment").await;
    let work = "\"Users/ann@example.org/Work\"";
    ann.send("c SETACL Work bob l").await;
    ann.until("c OK").await;
    bob.expect(&format!("* LIST (\\Noselect \\NoAccess \\HasNoChildren) \"/\" {work}")).await;
    ann.send("d SETMETADATA Work (/shared/comment {1+}\r\nx)").await;
    ann.until("d OK").await;
    hers.expect("* METADATA \"Work\" /shared/comment").await;
    ann.send("e SETACL Work bob lr").await;
    ann.until("e OK").await;
    bob.expect(&format!("* LIST (\\HasNoChildren) \"/\" {work}")).await;
    // What is private to Ann Bob does not hear of, nor of what is private to her on the server.
    ann.send("f SETMETADATA Work (/private/comment NIL /shared/comment NIL)").await;
    ann.until("f OK").await;
    ann.send("g SETMETADATA \"\" (/private/comment {1+}\r\nx)").await;
    ann.until("g OK").await;
    hers.expect("* METADATA \"Work\" /private/comment /shared/comment").await;
    hers.expect("* METADATA \"\" /private/comment").await;
    bob.expect(&format!("* METADATA {work} /shared/comment")).await;
    ann.send("h RENAME Work Works").await;
    ann.until("h OK").await;
    bob.expect(&format!("* LIST (\\HasNoChildren) \"/\" \"Users/ann@example.org/Works\" (\"OLDNAME\" ({work}))")).await;
    ann.send("i DELETEACL Works bob").await;
    ann.until("i OK").await;
    bob.expect("* LIST (\\NonExistent \\NoAccess \\HasNoChildren) \"/\" \"Users/ann@example.org/Works\"").await;
    ann.send("j SETMETADATA Works (/shared/comment {1+}\r\nx)").await;
    ann.until("j OK").await;
    bob.send("b NOOP").await;
    bob.expect("b OK").await;
}
