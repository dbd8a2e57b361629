//! The beginnings of messages.

use super::Harness;
use super::world::{World, delivery, parsed, placement, set};
use crate::beginnings::MAX_HEADER_BYTES;
use crate::{Beginning, BodyKey, Header};

/// As many octets as the structure of [`delivery`]'s messages has.
fn length_of_structure(structure: &[u8]) -> u64 {
    structure.len() as u64
}

fn beginning(text: &str, octets: &str) -> Beginning {
    let parsed = parsed(text);
    Beginning {
        structure: parsed.structure,
        sent_local_seconds: parsed.sent_local_seconds,
        thread: parsed.thread,
        octets: octets.as_bytes().to_vec().into(),
    }
}

/// Beginnings come back in the order asked for, as long as the structure says, and not longer than the body.
pub async fn beginnings_come_back(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    let long = "0123456789".repeat(10_000);
    let texts = ["one", "", long.as_str(), "three", "x"];
    let mut bodies = Vec::new();
    for text in texts {
        let delivery = delivery(text, vec![placement(world.ann, world.inbox, "")]);
        bodies.push(storage.deliver(delivery).await.unwrap().body);
    }
    let unknown = BodyKey(bodies[4].0 + 1_000_000);
    let order = [4, 0, 1, 2, 3, 2, 0];
    let mut asked: Vec<_> = order.iter().map(|at| bodies[*at]).collect();
    asked.insert(3, unknown);
    for (extent, length) in [
        (length_of_structure as crate::Extent, None),
        (|_| 0, Some(0)),
        (|_| 2, Some(2)),
        (|_| 1 << 20, Some(1 << 20)),
        (|_| u64::MAX, Some(usize::MAX)),
    ] {
        let found = storage.beginnings(&asked, extent).await.unwrap();
        let expected = order.iter().map(|at| {
            let text = texts[*at];
            let length = length.unwrap_or(parsed(text).structure.len()).min(text.len());
            Some(beginning(text, &text[..length]))
        });
        let mut expected: Vec<_> = expected.collect();
        expected.insert(3, None);
        assert_eq!(found, expected);
    }
    let sent: Vec<_> = storage.sent(&asked).await.unwrap();
    let expected = [Some(1), Some(3), Some(0), None, Some(100_000), Some(5), Some(100_000), Some(3)];
    assert_eq!(sent, expected);
    assert!(storage.beginnings(&[], |_| 1).await.unwrap().is_empty());
    assert!(storage.sent(&[]).await.unwrap().is_empty());
}

/// Up to the first dot.
fn up_to_a_dot(octets: &[u8], is_whole: bool) -> Option<usize> {
    let dot = octets.iter().position(|octet| *octet == b'.');
    dot.map(|at| at + 1).or(is_whole.then_some(octets.len()))
}

/// Headers come back in the order asked for, wherever they end, but for those that are too long.
pub async fn headers_come_back(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    let most = MAX_HEADER_BYTES as usize;
    let lengths = [0, 1, 700, 2047, 2048, 2049, 5_000, 8_192, 30_000, most - 1, most, most + 1, 300_000, 3];
    let mut messages = Vec::new();
    for (at, length) in lengths.into_iter().enumerate() {
        let body = "more".repeat(if at % 2 == 0 { 0 } else { at * 100 });
        let header = format!("{at}{}", "h".repeat(length));
        for (text, end) in [(format!("{header}.{body}"), header.len() + 1), (header.clone(), header.len())] {
            let delivery = delivery(&text, vec![placement(world.ann, world.inbox, "")]);
            messages.push((storage.deliver(delivery).await.unwrap().body, text, end));
        }
    }
    let unknown = BodyKey(messages[0].0.0 + 1_000_000);
    messages.push((unknown, String::new(), 0));
    messages.rotate_left(5);
    let asked: Vec<_> = messages.iter().map(|(body, ..)| *body).collect();
    let found = storage.headers(&asked, up_to_a_dot).await.unwrap();
    for ((body, text, end), found) in messages.iter().zip(&found) {
        let is_short = *end <= most && (text.ends_with('e') || text.contains('.') || text.len() < most);
        match found {
            Header::Gone => assert_eq!(*body, unknown),
            Header::Long => assert!(!is_short, "{end}"),
            Header::Whole(octets) => assert_eq!(&octets[..], &text.as_bytes()[..*end]),
        }
    }
    assert_eq!(found.len(), asked.len());
    assert!(found.iter().filter(|found| **found == Header::Gone).count() == 1);
    assert!(storage.headers(&[], up_to_a_dot).await.unwrap().is_empty());
}

/// They are there as long as the body is.
pub async fn beginnings_go_with_the_body(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    let mut bodies = Vec::new();
    for text in ["stays", "goes", "stays, too"] {
        let delivery = delivery(text, vec![placement(world.ann, world.inbox, "")]);
        bodies.push(storage.deliver(delivery).await.unwrap().body);
    }
    storage.expunge(world.ann, world.inbox, &set("2"), false).await.unwrap();
    let found = storage.beginnings(&bodies, |_| 5).await.unwrap();
    assert_eq!(found, [Some(beginning("stays", "stays")), None, Some(beginning("stays, too", "stays"))]);
    assert_eq!(storage.sent(&bodies).await.unwrap(), [Some(5), None, Some(10)]);
}
