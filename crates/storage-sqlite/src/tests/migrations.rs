//! Data of the release before opens, and has what is new.

use std::sync::Arc;

use posthouse_model::ThreadId;
use posthouse_storage::{Delivery, Mail, ParsedMessage};

use super::earlier::rewind;
use super::world::World;
use crate::disk::RealDisk;

const SEGMENT_BYTES: u64 = 1 << 20;

#[tokio::test]
async fn previews_of_older_mail_are_not_known() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(directory.path(), SEGMENT_BYTES).await;
    let parsed = ParsedMessage { preview: Some("Dear".into()), thread: Some(ThreadId([7; 16])), ..Default::default() };
    let delivery = |text| Delivery { parsed: parsed.clone(), ..world.delivery(text) };
    let old = world.store.deliver(delivery("old")).await.unwrap().body;
    assert_eq!(world.store.parsed(&[old]).await.unwrap(), std::slice::from_ref(&parsed));
    let new = delivery("new");
    world.store.close().await;
    drop(world);
    rewind(directory.path());
    let world = World::reopen(directory.path(), SEGMENT_BYTES, Arc::new(RealDisk)).await;
    let new = world.store.deliver(new).await.unwrap().body;
    let unknown = ParsedMessage { preview: None, thread: None, ..parsed.clone() };
    assert_eq!(world.store.parsed(&[old, new]).await.unwrap(), [unknown, parsed]);
    assert_eq!(world.texts().await, ["old", "new"]);
}
