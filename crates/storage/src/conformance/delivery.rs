//! Messages come in.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use posthouse_model::{AccountId, MailboxId, UnixMillis};

use super::Harness;
use super::queue::submission;
use super::world::{World, counters, delivery, flags, placement, uid};
use crate::{Body, BodyContent, BodySource, Delivery, MIN_SHARED_BODY_BYTES, Named, Placement, StorageError};

/// A message can be listed and read as it was delivered.
pub async fn a_message_is_where_it_was_put(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let before = world.mailbox(world.inbox).await;
    let wanted = Placement {
        internal_date: UnixMillis(-1),
        ..placement(world.ann, world.inbox, "\\Seen \\Draft $Junk NonJunk")
    };
    let delivered = world.storage.deliver(delivery("Subject: x\r\n\r\nhello", vec![wanted.clone()])).await.unwrap();
    let [placed] = delivered.placed[..] else { panic!("{delivered:?}") };
    assert_eq!((placed.mailbox, placed.uid), (world.inbox, uid(1)));
    assert_eq!(placed.uid_validity, before.uid_validity);
    assert!(placed.modseq > before.highest_modseq);

    let messages = world.messages(world.inbox).await;
    let [message] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((message.uid, message.modseq, message.message), (placed.uid, placed.modseq, placed.message));
    assert_eq!((&message.flags, message.internal_date), (&wanted.flags, UnixMillis(-1)));
    assert_eq!((message.size_bytes, message.body), (19, delivered.body));
    assert_eq!(world.text(message.body).await.unwrap(), "Subject: x\r\n\r\nhello");
    let after = world.mailbox(world.inbox).await;
    assert_eq!((after.uid_next, after.highest_modseq), (uid(2), placed.modseq));
}

/// Messages, unseen, deleted and octets are right after each delivery.
pub async fn counters_follow(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let steps = [
        ("a", "", [1, 1, 0, 1]),
        ("bb", "\\Seen", [2, 1, 0, 3]),
        ("ccc", "\\Deleted", [3, 2, 1, 6]),
        ("a", "\\Seen \\Deleted \\Flagged", [4, 2, 2, 7]),
    ];
    for (text, flags_text, expected) in steps {
        world.deliver_with(text, flags_text).await;
        assert_eq!(counters(&world.mailbox(world.inbox).await), expected, "{text}");
    }
    let listing = world.listing(world.inbox).await;
    assert_eq!(listing, "1 2(\\Seen) 3(\\Deleted) 4(\\Flagged \\Deleted \\Seen)");
}

/// Recipients share the body; mailboxes of one account share the message.
pub async fn one_delivery_fills_many_mailboxes(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let placements = vec![
        placement(world.bob, world.bobs_inbox, "\\Seen"),
        placement(world.ann, world.inbox, ""),
        placement(world.ann, world.archive, "$x"),
    ];
    let delivered = world.storage.deliver(delivery("to all", placements)).await.unwrap();
    let [bobs, anns, archived] = delivered.placed[..] else { panic!("{delivered:?}") };
    assert_eq!([bobs.mailbox, anns.mailbox, archived.mailbox], [world.bobs_inbox, world.inbox, world.archive]);
    assert_eq!(anns.message, archived.message);
    assert_ne!(anns.message, bobs.message);
    assert_eq!(world.listing(world.inbox).await, "1");
    assert_eq!(world.listing(world.archive).await, "1($x)");
    let (_, at_bobs) = world.storage.messages(world.bob, world.bobs_inbox).await.unwrap();
    assert_eq!((&at_bobs[0].flags, at_bobs[0].body), (&flags("\\Seen"), delivered.body));
}

/// One recipient that cannot be served fails the whole delivery.
pub async fn a_delivery_is_all_or_nothing(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let good = placement(world.ann, world.inbox, "");
    let bad = [
        placement(world.ann, MailboxId(999_999), ""),
        placement(world.ann, world.bobs_inbox, ""),
        placement(AccountId(999_999), world.inbox, ""),
    ];
    let before = world.mailbox(world.inbox).await;
    for bad in bad {
        for placements in [vec![good.clone(), bad.clone()], vec![bad.clone(), good.clone()]] {
            let queue = Some(submission(&["x@elsewhere.example"]));
            let refused = world.storage.deliver(Delivery { queue, ..delivery("x", placements) }).await;
            assert!(matches!(refused, Err(StorageError::NotFound(_))), "{refused:?}");
        }
    }
    assert_eq!(world.messages(world.inbox).await, []);
    assert_eq!(counters(&world.mailbox(world.inbox).await), counters(&before));
    assert_eq!(world.storage.queue_counts().await.unwrap().entries, 0);
    assert_eq!(world.storage.messages(world.bob, world.bobs_inbox).await.unwrap().1, []);
    world.deliver("after all").await;
    assert_eq!(world.messages(world.inbox).await.len(), 1);
}

/// A message that nobody keeps is not kept.
pub async fn a_delivery_to_nobody_leaves_nothing(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let delivered = world.storage.deliver(delivery("x", Vec::new())).await.unwrap();
    assert_eq!(delivered.placed, []);
    let gone = world.text(delivered.body).await;
    assert!(matches!(gone, Err(StorageError::NotFound(Named::Body))), "{gone:?}");
    let empty = world.storage.deliver(delivery("", vec![placement(world.ann, world.inbox, "")])).await.unwrap();
    assert_eq!(world.text(empty.body).await.unwrap(), "");
}

/// Equal octets have one body, whoever gets them and when, unless there are so few that it does not matter.
pub async fn equal_bodies_are_stored_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let same = "s".repeat(MIN_SHARED_BODY_BYTES as usize);
    let first = world.storage.deliver(delivery(&same, vec![placement(world.ann, world.inbox, "")])).await.unwrap();
    let second = world.storage.deliver(delivery(&same, vec![placement(world.bob, world.bobs_inbox, "")])).await;
    let other = world.storage.deliver(delivery("else", vec![placement(world.ann, world.inbox, "")])).await.unwrap();
    assert_eq!(first.body, second.unwrap().body);
    assert_ne!(first.body, other.body);
    assert_ne!(first.placed[0].message, other.placed[0].message);
}

/// Octets in memory, then a file, which stays.
pub async fn a_body_can_come_from_a_file(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let path = temporary_file("the rest of it");
    let whole = Body::from_bytes("Received: x\r\nthe rest of it");
    let pieces = vec![Bytes::from("Received: "), Bytes::new(), Bytes::from("x\r\n")];
    let body = Body { content: BodyContent::File(pieces, path.clone()), ..whole };
    let wanted = Delivery { body, ..delivery("x", vec![placement(world.ann, world.inbox, "")]) };
    let delivered = world.storage.deliver(wanted).await.unwrap();
    assert_eq!(world.text(delivered.body).await.unwrap(), "Received: x\r\nthe rest of it");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "the rest of it");
    std::fs::remove_file(path).unwrap();
}

/// Octets that are read when they are needed.
#[derive(Debug)]
struct Given(&'static str);

impl BodySource for Given {
    fn open(&self) -> io::Result<Box<dyn io::Read + Send>> {
        match self.0 {
            "" => Err(io::ErrorKind::NotFound.into()),
            text => Ok(Box::new(text.as_bytes())),
        }
    }
}

/// A source is read when the body is stored; one that cannot be is refused.
pub async fn a_body_can_come_from_a_source(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let deliver = async |announced: &'static str, given| {
        let body = Body { content: BodyContent::Source(Arc::new(Given(given))), ..Body::from_bytes(announced) };
        let wanted = Delivery { body, ..delivery("x", vec![placement(world.ann, world.inbox, "")]) };
        world.storage.deliver(wanted).await
    };
    let delivered = deliver("from elsewhere", "from elsewhere").await.unwrap();
    assert_eq!(world.text(delivered.body).await.unwrap(), "from elsewhere");
    for given in ["", "another length"] {
        assert!(deliver("something", given).await.is_err(), "{given}");
    }
    assert_eq!(world.mailbox(world.inbox).await.messages, 1);
}

/// A body shorter or longer than announced, or whose file is not there, harms nobody else.
pub async fn a_body_that_is_not_as_announced_is_refused(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let path = temporary_file("four");
    let gone = path.with_extension("gone");
    let bodies = [
        Body { size_bytes: 5, ..Body::from_bytes("four") },
        Body { size_bytes: 3, ..Body::from_bytes("four") },
        Body { size_bytes: 5, content: BodyContent::File(Vec::new(), path.clone()), ..Body::from_bytes("four") },
        Body { size_bytes: 3, content: BodyContent::File(Vec::new(), path.clone()), ..Body::from_bytes("four") },
        Body { content: BodyContent::File(Vec::new(), gone), ..Body::from_bytes("four") },
    ];
    for body in bodies {
        let wanted = Delivery { body, ..delivery("x", vec![placement(world.ann, world.inbox, "")]) };
        let said = format!("{:?}", wanted.body);
        assert!(world.storage.deliver(wanted).await.is_err(), "{said}");
    }
    std::fs::remove_file(path).unwrap();
    let placed = world.deliver("four").await;
    let messages = world.messages(world.inbox).await;
    assert_eq!((messages.len(), messages[0].uid), (1, placed.uid));
    assert_eq!(world.text(messages[0].body).await.unwrap(), "four");
}

fn temporary_file(text: &str) -> std::path::PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("posthouse-conformance-{}-{number}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}
