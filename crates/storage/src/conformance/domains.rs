//! Domains.

use posthouse_model::DomainId;

use super::Harness;
use super::world::{World, address, domain, new_account, new_domain};
use crate::{AliasRecord, DomainRecord, Named, StorageError};

/// A domain is made, found, changed and removed.
pub async fn a_domain_is_made_found_changed_and_removed(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    let made = storage.create_domain(new_domain("b.example")).await.unwrap();
    assert_eq!((made.name.as_str(), made.subaddress_separator, made.sends_only), ("b.example", Some('+'), false));
    assert_eq!(storage.domain(&domain("B.Example")).await.unwrap(), Some(made.clone()));
    assert_eq!(storage.domain(&domain("c.example")).await.unwrap(), None);

    let changed =
        DomainRecord { catch_all: Some(address("x@b.example")), subaddress_separator: None, sends_only: true, ..made };
    storage.update_domain(changed.clone()).await.unwrap();
    let other = storage.create_domain(new_domain("a.example")).await.unwrap();
    assert_eq!(storage.domains().await.unwrap(), [other.clone(), changed.clone()]);

    storage.delete_domain(&changed.name).await.unwrap();
    assert_eq!(storage.domains().await.unwrap(), [other]);
    let again = storage.create_domain(new_domain("b.example")).await.unwrap();
    assert_ne!(again.id, changed.id);
}

/// A name is taken once.
pub async fn a_domain_exists_once(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    storage.create_domain(new_domain("a.example")).await.unwrap();
    let again = storage.create_domain(new_domain("A.EXAMPLE")).await;
    assert!(matches!(again, Err(StorageError::AlreadyExists(Named::Domain))), "{again:?}");
}

/// A domain with accounts or aliases cannot be removed.
pub async fn a_domain_in_use_stays(harness: &dyn Harness) {
    let World { storage, ann, bob, .. } = World::new(harness).await;
    let name = domain("example.org");
    let alias = AliasRecord {
        address: address("all@example.org"),
        targets: vec![address("ann@example.org")],
        created_at: super::world::NOW,
    };
    storage.put_alias(alias.clone()).await.unwrap();
    let in_use = async || {
        let deleted = storage.delete_domain(&name).await;
        assert!(matches!(deleted, Err(StorageError::InUse(Named::Domain, _))), "{deleted:?}");
    };
    in_use().await;
    storage.delete_account(ann).await.unwrap();
    storage.delete_account(bob).await.unwrap();
    in_use().await;
    storage.delete_alias(&alias.address).await.unwrap();
    storage.delete_domain(&name).await.unwrap();
}

/// Changing or removing what is not there says so.
pub async fn what_is_no_domain_is_not_found(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    let made = storage.create_domain(new_domain("a.example")).await.unwrap();
    let unknown = DomainRecord { id: DomainId(made.id.0 + 1000), ..made };
    let updated = storage.update_domain(unknown).await;
    assert!(matches!(updated, Err(StorageError::NotFound(Named::Domain))), "{updated:?}");
    let deleted = storage.delete_domain(&domain("b.example")).await;
    assert!(matches!(deleted, Err(StorageError::NotFound(Named::Domain))), "{deleted:?}");
    let account = storage.create_account(new_account("a@b.example")).await;
    assert!(matches!(account, Err(StorageError::NotFound(Named::Domain))), "{account:?}");
}
