//! Languages of accounts and domains.

use posthouse_model::{AccountId, Language};

use super::Harness;
use super::world::{World, domain};
use crate::{Named, StorageError};

/// An account's own language comes before that of its domain.
pub async fn languages_are_kept(harness: &dyn Harness) {
    let World { storage, ann, bob, .. } = World::new(harness).await;
    let ours = storage.account(ann).await.unwrap().unwrap().address.domain;
    assert_eq!(storage.language_of(ann).await.unwrap(), None);
    storage.set_domain_language(&ours, Some(Language::Greek)).await.unwrap();
    storage.set_account_language(ann, Some(Language::Swedish)).await.unwrap();
    assert_eq!(storage.language_of(ann).await.unwrap(), Some(Language::Swedish));
    assert_eq!(storage.language_of(bob).await.unwrap(), Some(Language::Greek));
    assert_eq!(storage.account_language(ann).await.unwrap(), Some(Language::Swedish));
    assert_eq!(storage.account_language(bob).await.unwrap(), None);
    assert_eq!(storage.domain_language(&ours).await.unwrap(), Some(Language::Greek));
    // Whatever else changes about an account.
    let mut record = storage.account(ann).await.unwrap().unwrap();
    record.display_name = "Somebody".to_owned();
    storage.update_account(record).await.unwrap();
    assert_eq!(storage.account_language(ann).await.unwrap(), Some(Language::Swedish));
    storage.set_account_language(ann, None).await.unwrap();
    assert_eq!(storage.language_of(ann).await.unwrap(), Some(Language::Greek));
    storage.set_domain_language(&ours, None).await.unwrap();
    assert_eq!(storage.language_of(ann).await.unwrap(), None);
}

/// Nobody speaks for those who are not there.
pub async fn languages_belong_to_somebody(harness: &dyn Harness) {
    let World { storage, ann, .. } = World::new(harness).await;
    storage.set_account_language(ann, Some(Language::French)).await.unwrap();
    storage.delete_account(ann).await.unwrap();
    for id in [ann, AccountId(999_999)] {
        for found in [storage.language_of(id).await, storage.account_language(id).await] {
            assert!(matches!(found, Err(StorageError::NotFound(Named::Account))), "{found:?}");
        }
        let set = storage.set_account_language(id, None).await;
        assert!(matches!(set, Err(StorageError::NotFound(Named::Account))), "{set:?}");
    }
    let nowhere = domain("nowhere.example");
    let found = storage.domain_language(&nowhere).await;
    assert!(matches!(found, Err(StorageError::NotFound(Named::Domain))), "{found:?}");
    let set = storage.set_domain_language(&nowhere, Some(Language::French)).await;
    assert!(matches!(set, Err(StorageError::NotFound(Named::Domain))), "{set:?}");
}
