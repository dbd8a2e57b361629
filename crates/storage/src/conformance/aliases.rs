//! Aliases.

use super::Harness;
use super::world::{NOW, World, address, domain, new_account, new_domain};
use crate::directory::MAX_ALIAS_TARGETS;
use crate::{AliasRecord, Named, Resolution, StorageError};

fn alias(text: &str, targets: &[&str]) -> AliasRecord {
    let targets = targets.iter().map(|target| address(target)).collect();
    AliasRecord { address: address(text), targets, created_at: NOW }
}

/// An alias is made, found without regard to case, given other targets, and removed.
pub async fn an_alias_is_made_replaced_and_removed(harness: &dyn Harness) {
    let World { storage, .. } = World::new(harness).await;
    let first = alias("all@example.org", &["ann@example.org", "\"odd one\"@elsewhere.example"]);
    storage.put_alias(first.clone()).await.unwrap();
    let found = storage.resolve(&address("ALL@example.org")).await.unwrap();
    assert_eq!(found, Some(Resolution::Alias(first)));
    let second = alias("all@example.org", &["bob@example.org"]);
    storage.put_alias(second.clone()).await.unwrap();
    let found = storage.resolve(&address("all@example.org")).await.unwrap();
    let Some(Resolution::Alias(found)) = found else { panic!("{found:?}") };
    assert_eq!(found.targets, second.targets);
    storage.delete_alias(&address("All@example.org")).await.unwrap();
    assert_eq!(storage.resolve(&address("all@example.org")).await.unwrap(), None);
    let again = storage.delete_alias(&address("all@example.org")).await;
    assert!(matches!(again, Err(StorageError::NotFound(Named::Alias))), "{again:?}");
}

/// Of a domain that is not ours, of an address that is an account's, or with too many targets.
pub async fn an_alias_that_cannot_be_is_refused(harness: &dyn Harness) {
    let World { storage, .. } = World::new(harness).await;
    let elsewhere = storage.put_alias(alias("all@elsewhere.example", &["ann@example.org"])).await;
    assert!(matches!(elsewhere, Err(StorageError::NotFound(Named::Domain))), "{elsewhere:?}");
    let taken = storage.put_alias(alias("Ann@example.org", &["bob@example.org"])).await;
    assert!(matches!(taken, Err(StorageError::AlreadyExists(_))), "{taken:?}");
    let most = vec!["x@example.org"; MAX_ALIAS_TARGETS];
    storage.put_alias(alias("most@example.org", &most)).await.unwrap();
    let more = vec!["x@example.org"; MAX_ALIAS_TARGETS + 1];
    let refused = storage.put_alias(alias("more@example.org", &more)).await;
    assert!(matches!(refused, Err(StorageError::Limit { .. })), "{refused:?}");
    assert_eq!(storage.resolve(&address("more@example.org")).await.unwrap(), None);
    let account = storage.create_account(new_account("Most@example.org")).await;
    assert!(matches!(account, Err(StorageError::AlreadyExists(_))), "{account:?}");
}

/// By address, of one domain or of all.
pub async fn aliases_are_listed_by_domain(harness: &dyn Harness) {
    let World { storage, .. } = World::new(harness).await;
    storage.create_domain(new_domain("other.example")).await.unwrap();
    let ours = [alias("a@example.org", &["ann@example.org"]), alias("B@example.org", &["ann@example.org"])];
    let other = alias("a@other.example", &["ann@example.org"]);
    for one in [&ours[1], &other, &ours[0]] {
        storage.put_alias(one.clone()).await.unwrap();
    }
    assert_eq!(storage.aliases(Some(&domain("example.org"))).await.unwrap(), ours);
    assert_eq!(storage.aliases(Some(&domain("nowhere.example"))).await.unwrap(), []);
    let [a, b] = ours;
    assert_eq!(storage.aliases(None).await.unwrap(), [a, other, b]);
}
