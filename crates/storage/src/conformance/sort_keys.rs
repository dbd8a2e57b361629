//! What was worked out for sorting.

use bytes::Bytes;

use super::Harness;
use super::world::{World, delivery, placement, set};
use crate::{BodyKey, ParsedMessage};

/// Sort keys come back in the order asked for, and only where there are any.
pub async fn sort_keys_come_back(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    let mut bodies = Vec::new();
    for (text, sort_keys) in [("one", "first"), ("two", ""), ("three", "third")] {
        let mut delivery = delivery(text, vec![placement(world.ann, world.inbox, "")]);
        delivery.parsed.sort_keys = Bytes::from(sort_keys);
        bodies.push(storage.deliver(delivery).await.unwrap().body);
    }
    let unknown = BodyKey(bodies[2].0 + 1_000_000);
    let asked = [bodies[2], unknown, bodies[1], bodies[0], bodies[2]];
    let found = storage.sort_keys(&asked).await.unwrap();
    let expected = [Some("third"), None, None, Some("first"), Some("third")].map(|keys| keys.map(Bytes::from));
    assert_eq!(found, expected);
    assert!(storage.sort_keys(&[]).await.unwrap().is_empty());
    // They are not read with everything else.
    let parsed: Vec<ParsedMessage> = storage.parsed(&bodies).await.unwrap();
    assert!(parsed.iter().all(|parsed| parsed.sort_keys.is_empty()));
}

/// Sort keys go with the body that they belong to.
pub async fn sort_keys_go_with_the_body(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    let mut delivery = delivery("x", vec![placement(world.ann, world.inbox, "")]);
    delivery.parsed.sort_keys = Bytes::from("keys");
    let body = storage.deliver(delivery).await.unwrap().body;
    storage.copy(world.ann, world.inbox, &set("1"), world.archive).await.unwrap();
    storage.expunge(world.ann, world.inbox, &set("1"), false).await.unwrap();
    assert_eq!(storage.sort_keys(&[body]).await.unwrap(), [Some(Bytes::from("keys"))]);
    storage.expunge(world.ann, world.archive, &set("1"), false).await.unwrap();
    assert_eq!(storage.sort_keys(&[body]).await.unwrap(), [None]);
}
