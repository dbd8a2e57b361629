//! Bodies larger than a segment, and larger than what is gathered before it is written.

use std::fs;
use std::sync::Arc;

use posthouse_storage::{Body, BodyContent, BodySlice, Delivery, MIN_SHARED_BODY_BYTES, Mail};

use super::world::World;
use crate::disk::RealDisk;

const SEGMENT_BYTES: u64 = 64 * 1024;
const BODY_BYTES: usize = 5 * 1024 * 1024 + 17;

/// Octets that differ everywhere.
fn octets() -> Vec<u8> {
    (0..BODY_BYTES as u64).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect()
}

#[tokio::test]
async fn a_body_larger_than_a_segment_is_read_in_slices() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(directory.path(), SEGMENT_BYTES).await;
    let (octets, path) = (octets(), directory.path().join("incoming"));
    fs::write(&path, &octets[1000..]).unwrap();
    let whole = Body::from_bytes(octets.clone());
    let body = Body { content: BodyContent::File(vec![octets[..1000].to_vec().into()], path), ..whole };
    world.deliver("before").await.unwrap();
    let large = world.store.deliver(Delivery { body, ..world.delivery("large") }).await.unwrap().body;
    world.deliver("after").await.unwrap();
    assert_eq!(world.store.verify().await.unwrap().problems, Vec::<String>::new());
    world.store.close().await;
    drop(world);
    let world = World::reopen(directory.path(), SEGMENT_BYTES, Arc::new(RealDisk)).await;
    let ranges = [0..10, 990..1010, 3_000_000..3_000_001, BODY_BYTES - 3..BODY_BYTES, 0..BODY_BYTES];
    let slice = |range: &std::ops::Range<usize>| BodySlice { body: large, range: range.start as u64..range.end as u64 };
    let read = world.store.read(&ranges.iter().map(slice).collect::<Vec<_>>()).await.unwrap();
    for (range, bytes) in ranges.into_iter().zip(read) {
        assert!(bytes[..] == octets[range.clone()], "{range:?}");
    }
}

#[tokio::test]
async fn many_bodies_in_one_commit_share_segments_and_octets() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(directory.path(), SEGMENT_BYTES).await;
    let texts: Vec<String> =
        (0..60).map(|at| format!("{} {}", at / 2, "x".repeat(MIN_SHARED_BODY_BYTES as usize))).collect();
    let tasks: Vec<_> = texts
        .iter()
        .map(|text| {
            let (store, delivery) = (Arc::clone(&world.store), world.delivery(text));
            tokio::spawn(async move { store.deliver(delivery).await.unwrap().body })
        })
        .collect();
    let mut bodies = Vec::new();
    for task in tasks {
        bodies.push(task.await.unwrap());
    }
    assert!(bodies.chunks(2).all(|pair| pair[0] == pair[1]));
    let mut stored = world.texts().await;
    let mut wanted = texts.clone();
    stored.sort();
    wanted.sort();
    assert_eq!(stored, wanted);
    assert_eq!(world.store.verify().await.unwrap().bodies, 30);
}
