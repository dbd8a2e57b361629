//! Reading bodies and what is known about them.

use super::Harness;
use super::world::{World, delivery, parsed, placement, set, uid};
use crate::{BodyKey, BodySlice, Named, StorageError};

/// Many slices of many bodies in one call come back in the order asked for.
pub async fn slices_are_read_in_order(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for text in ["0123456789", "abcdefghij"] {
        world.deliver(text).await;
    }
    let bodies: Vec<_> = world.messages(world.inbox).await.iter().map(|message| message.body).collect();
    let wanted = [(1, 2..5, "cde"), (0, 0..1, "0"), (1, 0..10, "abcdefghij"), (0, 9..10, "9"), (0, 2..5, "234")];
    let slices: Vec<_> =
        wanted.iter().map(|(body, range, _)| BodySlice { body: bodies[*body], range: range.clone() }).collect();
    let read = world.storage.read(&slices).await.unwrap();
    for ((_, range, expected), octets) in wanted.iter().zip(&read) {
        assert_eq!(&octets[..], expected.as_bytes(), "{range:?}");
    }
    assert_eq!(read.len(), wanted.len());
    assert!(world.storage.read(&[]).await.unwrap().is_empty());
}

/// A range that passes the end is cut there.
#[allow(clippy::reversed_empty_ranges, reason = "that is one of the cases")]
pub async fn what_lies_beyond_the_end_is_left_out(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver("before").await;
    world.deliver("0123456789").await;
    world.deliver("after").await;
    let body = world.messages(world.inbox).await[1].body;
    for (range, expected) in [
        (8..20, "89"),
        (0..u64::MAX, "0123456789"),
        (10..11, ""),
        (1000..2000, ""),
        (u64::MAX..u64::MAX, ""),
        (3..3, ""),
        (7..2, ""),
    ] {
        let read = world.storage.read(&[BodySlice { body, range: range.clone() }]).await.unwrap();
        assert_eq!(&read[0][..], expected.as_bytes(), "{range:?}");
    }
}

/// What was parsed belongs to the body and comes back in the order asked for.
pub async fn what_was_parsed_comes_back(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for text in ["one", "three", "two"] {
        world.deliver(text).await;
    }
    let keys: Vec<_> = world.messages(world.inbox).await.iter().map(|message| message.body).collect();
    let found = world.storage.parsed(&[keys[2], keys[0], keys[1], keys[0]]).await.unwrap();
    assert_eq!(found, ["two", "one", "three", "one"].map(parsed));
    assert_eq!(world.storage.parsed(&[]).await.unwrap(), []);
}

/// A body that is not there is not found, whoever else is asked about in the same call.
pub async fn unknown_bodies_are_not_found(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.deliver("x").await;
    let known = world.messages(world.inbox).await[0].body;
    let unknown = BodyKey(known.0 + 1_000_000);
    let read = world.storage.read(&[known, unknown].map(|body| BodySlice { body, range: 0..1 })).await;
    assert!(matches!(read, Err(StorageError::NotFound(Named::Body))), "{read:?}");
    let asked = world.storage.parsed(&[known, unknown]).await;
    assert!(matches!(asked, Err(StorageError::NotFound(Named::Body))), "{asked:?}");
}

/// The body goes with the last that shows it, and its key does not come back.
pub async fn a_body_lasts_as_long_as_something_shows_it(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    let both = vec![placement(world.ann, world.inbox, ""), placement(world.bob, world.bobs_inbox, "")];
    let body = storage.deliver(delivery("kept", both)).await.unwrap().body;
    storage.copy(world.ann, world.inbox, &set("1"), world.archive).await.unwrap();
    let steps = [(world.ann, world.inbox), (world.bob, world.bobs_inbox), (world.ann, world.archive)];
    for (account, mailbox) in steps {
        assert_eq!(world.text(body).await.unwrap(), "kept");
        storage.expunge(account, mailbox, &set("1"), false).await.unwrap();
    }
    let gone = world.text(body).await;
    assert!(matches!(gone, Err(StorageError::NotFound(Named::Body))), "{gone:?}");
    assert!(storage.parsed(&[body]).await.is_err());
    let placed = world.deliver("kept").await;
    assert_eq!(placed.uid, uid(2));
    assert_ne!(world.messages(world.inbox).await[0].body, body);
}
