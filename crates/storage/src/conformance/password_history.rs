//! Passwords that were.

use posthouse_model::{AccountId, Secret, UnixMillis};

use super::Harness;
use super::world::{NOW, World};
use crate::password_history::MAX_EARLIER_PASSWORDS;
use crate::{Credential, Named, Storage, StorageError};

fn credential(number: i64) -> Credential {
    let secret = |kind: &str| Secret::new(format!("{kind} {number}"));
    Credential {
        argon2: secret("argon2"),
        scram_sha_256: secret("sha-256"),
        scram_sha_1: secret("sha-1"),
        cram_md5: None,
        changed_at: UnixMillis(NOW.0 + number),
    }
}

async fn check(storage: &dyn Storage, id: AccountId, limit: usize, expected: &[i64]) {
    let found = storage.earlier_passwords(id, limit).await.unwrap();
    let found: Vec<_> =
        found.iter().map(|one| (one.argon2.expose_str().unwrap_or("?").to_owned(), one.changed_at)).collect();
    let expected: Vec<_> =
        expected.iter().map(|number| (format!("argon2 {number}"), UnixMillis(NOW.0 + number))).collect();
    assert_eq!(found, expected);
}

/// The newest stay, as many as are to be kept; the one in use is not among them.
pub async fn replaced_passwords_are_kept(harness: &dyn Harness) {
    let World { storage, ann, bob, .. } = World::new(harness).await;
    check(&*storage, ann, 100, &[]).await;
    for number in 0..5 {
        storage.replace_credential(ann, credential(number), 3).await.unwrap();
    }
    let now = storage.credential(ann).await.unwrap().unwrap();
    assert_eq!(now.argon2.expose_str(), Some("argon2 4"));
    check(&*storage, ann, 100, &[3, 2, 1]).await;
    check(&*storage, ann, 2, &[3, 2]).await;
    check(&*storage, bob, 100, &[]).await;
    // What was set by itself left nothing behind, but is something when it is replaced.
    storage.set_credential(ann, Some(credential(9))).await.unwrap();
    check(&*storage, ann, 100, &[3, 2, 1]).await;
    storage.replace_credential(ann, credential(10), 2).await.unwrap();
    check(&*storage, ann, 100, &[9, 3]).await;
    storage.replace_credential(ann, credential(11), 0).await.unwrap();
    check(&*storage, ann, 100, &[]).await;
}

/// However many are asked for.
pub async fn only_so_many_passwords_are_kept(harness: &dyn Harness) {
    let World { storage, ann, .. } = World::new(harness).await;
    let limit = i64::try_from(MAX_EARLIER_PASSWORDS).unwrap();
    for number in 0..limit + 5 {
        storage.replace_credential(ann, credential(number), usize::MAX).await.unwrap();
    }
    let expected: Vec<i64> = (4..limit + 4).rev().collect();
    check(&*storage, ann, usize::MAX, &expected).await;
}

/// An account that is not there has no password, and one that goes takes its own along.
pub async fn earlier_passwords_go_with_the_account(harness: &dyn Harness) {
    let World { storage, ann, .. } = World::new(harness).await;
    let unknown = storage.replace_credential(AccountId(999_999), credential(1), 3).await;
    assert!(matches!(unknown, Err(StorageError::NotFound(Named::Account))), "{unknown:?}");
    for number in 0..3 {
        storage.replace_credential(ann, credential(number), 3).await.unwrap();
    }
    storage.delete_account(ann).await.unwrap();
    check(&*storage, ann, 100, &[]).await;
    assert_eq!(storage.password_ages().await.unwrap(), []);
}

/// Ages are those of the passwords in use.
pub async fn password_ages_are_listed(harness: &dyn Harness) {
    let World { storage, ann, bob, .. } = World::new(harness).await;
    assert_eq!(storage.password_ages().await.unwrap(), []);
    storage.set_credential(bob, Some(credential(7))).await.unwrap();
    storage.replace_credential(ann, credential(8), 3).await.unwrap();
    storage.replace_credential(ann, credential(9), 3).await.unwrap();
    let mut expected = vec![(ann, UnixMillis(NOW.0 + 9)), (bob, UnixMillis(NOW.0 + 7))];
    expected.sort_unstable();
    assert_eq!(storage.password_ages().await.unwrap(), expected);
    storage.set_credential(bob, None).await.unwrap();
    assert_eq!(storage.password_ages().await.unwrap(), [(ann, UnixMillis(NOW.0 + 9))]);
}
