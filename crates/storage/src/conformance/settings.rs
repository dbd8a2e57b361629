//! Settings.

use posthouse_model::Secret;

use super::Harness;
use crate::settings::MAX_SETTING_BYTES;
use crate::{Storage, StorageError};

async fn value(storage: &dyn Storage, name: &str) -> Option<Vec<u8>> {
    storage.setting(name).await.unwrap().map(|secret| secret.expose().to_vec())
}

/// Any octets under any name; the last value put is there.
pub async fn settings_are_kept(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    assert_eq!(value(&*storage, "key").await, None);
    for octets in [vec![0, 255, 10], Vec::new(), vec![7; MAX_SETTING_BYTES]] {
        storage.put_setting("key", Secret::new(octets.clone())).await.unwrap();
        assert_eq!(value(&*storage, "key").await, Some(octets));
    }
    assert_eq!(value(&*storage, "KEY").await, None);
}

/// Two that make a key at first start agree on one.
pub async fn the_first_value_wins(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    let makers = (0..8u8).map(|maker| {
        let storage = std::sync::Arc::clone(&storage);
        tokio::spawn(async move { storage.setting_or_insert("key", Secret::new(vec![maker])).await.unwrap() })
    });
    let mut seen = Vec::new();
    for maker in makers.collect::<Vec<_>>() {
        seen.push(maker.await.unwrap().expose().to_vec());
    }
    let kept = value(&*storage, "key").await.unwrap();
    assert!(seen.iter().all(|one| *one == kept), "{seen:?}");
    storage.put_setting("key", Secret::new("other")).await.unwrap();
    let there = storage.setting_or_insert("key", Secret::new("third")).await.unwrap();
    assert_eq!(there.expose(), b"other");
}

/// The limit is kept, and what was there stays.
pub async fn too_long_a_value_is_refused(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    storage.put_setting("key", Secret::new("short")).await.unwrap();
    let long = Secret::new(vec![0; MAX_SETTING_BYTES + 1]);
    let put = storage.put_setting("key", long.clone()).await;
    assert!(matches!(put, Err(StorageError::Limit { .. })), "{put:?}");
    let inserted = storage.setting_or_insert("other", long).await;
    assert!(matches!(inserted, Err(StorageError::Limit { .. })), "{inserted:?}");
    assert_eq!(value(&*storage, "key").await.unwrap(), b"short");
    assert_eq!(value(&*storage, "other").await, None);
}
