//! Who connects with what.

use posthouse_model::{AccountId, UnixMillis};

use super::Harness;
use super::world::World;
use crate::inventory::{MAX_SIGHTING_TEXT_BYTES, MAX_SIGHTINGS_PER_ACCOUNT};
use crate::{Sighting, SightingFilter, SightingKey, Storage, StorageError};

fn seen(account: Option<AccountId>, client: &str, at: i64) -> Sighting {
    let key = SightingKey {
        account,
        listener: "submission".to_owned(),
        port: 587,
        tls_version: "TLS1.2".to_owned(),
        cipher_suite: "TLS_ECDHE".to_owned(),
        mechanism: "PLAIN".to_owned(),
        client: client.to_owned(),
        ..SightingKey::default()
    };
    Sighting { key, first_at: UnixMillis(at), last_at: UnixMillis(at), connections: 1 }
}

async fn clients(storage: &dyn Storage, filter: SightingFilter) -> Vec<(String, u64)> {
    let found = storage.sightings(&filter, 1000).await.unwrap();
    found.into_iter().map(|one| (one.key.client, one.connections)).collect()
}

/// What has the same key adds up; every part of a filter counts.
pub async fn sightings_add_up(harness: &dyn Harness) {
    let World { storage, ann, bob, .. } = World::new(harness).await;
    storage.add_sightings(vec![seen(Some(ann), "phone", 50), seen(Some(ann), "phone", 70)]).await.unwrap();
    storage.add_sightings(vec![seen(Some(ann), "phone", 60), seen(Some(bob), "laptop", 80)]).await.unwrap();
    let mut plain = seen(None, "mx.far.example", 90);
    plain.key.tls_version = String::new();
    plain.key.peer = "far.example".to_owned();
    plain.key.port = 25;
    plain.key.listener = "mx".to_owned();
    plain.key.mechanism = String::new();
    storage.add_sightings(vec![plain.clone()]).await.unwrap();
    let all = storage.sightings(&SightingFilter::default(), 1000).await.unwrap();
    assert_eq!(all[0], plain);
    let phone = Sighting { first_at: UnixMillis(50), last_at: UnixMillis(70), connections: 3, ..all[2].clone() };
    assert_eq!(all[2], phone);
    assert_eq!(storage.sightings(&SightingFilter::default(), 2).await.unwrap().len(), 2);
    let usual = SightingFilter::default;
    for (filter, expected) in [
        (SightingFilter { account: Some(ann), ..usual() }, vec!["phone"]),
        (SightingFilter { port: Some(25), ..usual() }, vec!["mx.far.example"]),
        (SightingFilter { listener: Some("submission".to_owned()), ..usual() }, vec!["laptop", "phone"]),
        (SightingFilter { tls_version: Some(String::new()), ..usual() }, vec!["mx.far.example"]),
        (SightingFilter { tls_version: Some("TLS1.2".to_owned()), ..usual() }, vec!["laptop", "phone"]),
        (SightingFilter { mechanism: Some("PLAIN".to_owned()), ..usual() }, vec!["laptop", "phone"]),
        (SightingFilter { mechanism: Some("LOGIN".to_owned()), ..usual() }, vec![]),
        (SightingFilter { since: Some(UnixMillis(71)), ..usual() }, vec!["mx.far.example", "laptop"]),
    ] {
        let found: Vec<String> = clients(&*storage, filter.clone()).await.into_iter().map(|one| one.0).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    assert_eq!(storage.forget_sightings(UnixMillis(80)).await.unwrap(), 1);
    // With a key is another way than without, and each key is one.
    let with = |label: &str| {
        let mut seen = seen(Some(bob), "laptop", 100);
        seen.key.credential = label.to_owned();
        seen
    };
    storage.add_sightings(vec![with("desk"), with("home"), with("desk"), with("")]).await.unwrap();
    let filter = SightingFilter { account: Some(bob), ..SightingFilter::default() };
    let found = storage.sightings(&filter, 1000).await.unwrap();
    let found: Vec<_> = found.iter().map(|one| (one.key.credential.as_str(), one.connections)).collect();
    assert_eq!(found, [("", 2), ("desk", 2), ("home", 1)]);
    assert_eq!(storage.forget_sightings(UnixMillis(101)).await.unwrap(), 4);
    storage.add_sightings(vec![plain, with("")]).await.unwrap();
    assert_eq!(clients(&*storage, usual()).await.len(), 2);
}

/// Nobody's clients push out another's, and what is too long is refused.
pub async fn sightings_are_bounded(harness: &dyn Harness) {
    let World { storage, ann, bob, .. } = World::new(harness).await;
    storage.add_sightings(vec![seen(Some(bob), "laptop", 1)]).await.unwrap();
    let many = (0..200).map(|number| seen(Some(ann), &format!("client-{number}"), 1000 + number)).collect();
    storage.add_sightings(many).await.unwrap();
    let of_ann = clients(&*storage, SightingFilter { account: Some(ann), ..SightingFilter::default() }).await;
    assert_eq!((of_ann.len(), of_ann[0].0.as_str()), (MAX_SIGHTINGS_PER_ACCOUNT, "client-199"));
    assert_eq!(clients(&*storage, SightingFilter { account: Some(bob), ..Default::default() }).await.len(), 1);
    let long = seen(Some(ann), &"x".repeat(MAX_SIGHTING_TEXT_BYTES + 1), 1);
    let refused = storage.add_sightings(vec![seen(Some(bob), "other", 1), long]).await;
    assert!(matches!(refused, Err(StorageError::Limit { .. })), "{refused:?}");
    assert_eq!(clients(&*storage, SightingFilter { account: Some(bob), ..Default::default() }).await.len(), 1);
}

/// What is known of an account goes with it, and nothing is kept of one that is gone.
pub async fn sightings_go_with_the_account(harness: &dyn Harness) {
    let World { storage, ann, bob, .. } = World::new(harness).await;
    storage.add_sightings(vec![seen(Some(ann), "phone", 5), seen(Some(bob), "laptop", 5)]).await.unwrap();
    storage.delete_account(ann).await.unwrap();
    assert_eq!(clients(&*storage, SightingFilter::default()).await, [("laptop".to_owned(), 1)]);
    storage.add_sightings(vec![seen(Some(ann), "phone", 6), seen(Some(bob), "laptop", 6)]).await.unwrap();
    assert_eq!(clients(&*storage, SightingFilter::default()).await, [("laptop".to_owned(), 2)]);
}

/// They outlive the process.
pub async fn sightings_outlive_the_process(harness: &dyn Harness) {
    let World { storage, ann, .. } = World::new(harness).await;
    storage.add_sightings(vec![seen(Some(ann), "phone", 5)]).await.unwrap();
    let before = storage.sightings(&SightingFilter::default(), 10).await.unwrap();
    let Some(storage) = harness.reopen(storage).await else { return };
    assert_eq!(storage.sightings(&SightingFilter::default(), 10).await.unwrap(), before);
}
