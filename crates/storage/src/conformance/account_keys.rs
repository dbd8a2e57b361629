//! Keys of accounts.

use posthouse_model::{AccountId, KeyId, Secret, UnixMillis};

use super::Harness;
use super::world::{NOW, World, new_account};
use crate::account_keys::{MAX_KEY_LABEL_BYTES, MAX_KEYS_PER_ACCOUNT};
use crate::{AccountKey, KeyProof, KeyService, KeyServices, KeyUse, Named, NewAccountKey, Storage, StorageError};

pub(super) fn new_key(account: AccountId, label: &str) -> NewAccountKey {
    let secret = |kind: &str| Secret::new(format!("{kind} of {label}"));
    NewAccountKey {
        account,
        label: label.to_owned(),
        services: KeyServices::of(&[KeyService::Imap, KeyService::Submission]),
        created_at: NOW,
        expires_at: label.starts_with('p').then_some(UnixMillis(NOW.0 + 5)),
        proof: KeyProof {
            digest: secret("digest"),
            scram_sha_256: secret("sha-256"),
            scram_sha_1: secret("sha-1"),
            cram_md5: label.starts_with('p').then(|| secret("cram")),
        },
    }
}

/// Everything of a key, so that what is mixed up shows.
fn shown(key: &AccountKey) -> String {
    let text = |secret: &Secret| secret.expose_str().unwrap_or("?").to_owned();
    let proof = &key.proof;
    let services: Vec<_> = key.services.each().map(KeyService::name).collect();
    format!(
        "{} {} {:?} {:?} {:?} {} {} {} {:?}",
        key.account,
        key.label,
        services,
        key.created_at.0 - NOW.0,
        key.expires_at.map(|at| at.0 - NOW.0),
        text(&proof.digest),
        text(&proof.scram_sha_256),
        text(&proof.scram_sha_1),
        proof.cram_md5.as_ref().map(text),
    )
}

async fn labels(storage: &dyn Storage, account: AccountId) -> Vec<String> {
    storage.account_keys(account).await.unwrap().keys.into_iter().map(|key| key.label).collect()
}

/// A key is what it was made as; its last use is the latest; a number is never given again.
pub async fn keys_are_added_used_and_removed(harness: &dyn Harness) {
    let World { storage, ann, bob, .. } = World::new(harness).await;
    assert_eq!(labels(&*storage, ann).await, Vec::<String>::new());
    let phone = storage.add_account_key(new_key(ann, "phone")).await.unwrap();
    let desk = storage.add_account_key(new_key(ann, "desk")).await.unwrap();
    let bobs = storage.add_account_key(new_key(bob, "phone")).await.unwrap();
    assert!(phone.id != desk.id && desk.id != bobs.id && phone.id != bobs.id);
    let found = storage.account_keys(ann).await.unwrap();
    assert!(!found.password_barred);
    assert_eq!(found.keys.iter().map(|key| key.id).collect::<Vec<_>>(), [desk.id, phone.id]);
    assert_eq!(shown(&found.keys[1]), shown(&phone));
    let expected = format!(
        "{ann} phone [\"submission\", \"imap\"] 0 Some(5) digest of phone sha-256 of phone sha-1 of phone \
         Some(\"cram of phone\")"
    );
    assert_eq!(shown(&phone), expected);
    assert_eq!(found.keys[0].last_use, None);
    assert_eq!(storage.key_owner(bobs.id).await.unwrap(), Some((bob, "phone".to_owned())));
    assert_eq!(storage.key_owner(KeyId(999_999)).await.unwrap(), None);

    let used = |at: i64, service| KeyUse { at: UnixMillis(NOW.0 + at), service };
    storage.note_key_use(desk.id, used(5, KeyService::Pop3)).await.unwrap();
    storage.note_key_use(desk.id, used(3, KeyService::Imap)).await.unwrap();
    let found = storage.account_keys(ann).await.unwrap();
    assert_eq!(found.keys[0].last_use, Some(used(5, KeyService::Pop3)));
    assert_eq!(found.keys[1].last_use, None);

    assert_eq!(storage.remove_account_key(ann, "desk").await.unwrap(), desk.id);
    storage.note_key_use(desk.id, used(9, KeyService::Imap)).await.unwrap();
    let again = storage.remove_account_key(ann, "desk").await;
    assert!(matches!(again, Err(StorageError::NotFound(Named::Key))), "{again:?}");
    assert_eq!(labels(&*storage, ann).await, ["phone"]);
    let new = storage.add_account_key(new_key(ann, "desk")).await.unwrap();
    assert!(![phone.id, desk.id, bobs.id].contains(&new.id));
    assert_eq!(storage.account_keys(ann).await.unwrap().keys[0].last_use, None);
}

/// Labels are unique within the account and bounded, and so is how many there are.
pub async fn a_key_that_cannot_be_is_refused(harness: &dyn Harness) {
    let World { storage, ann, bob, .. } = World::new(harness).await;
    let nobody = storage.add_account_key(new_key(AccountId(999_999), "phone")).await;
    assert!(matches!(nobody, Err(StorageError::NotFound(Named::Account))), "{nobody:?}");
    for label in [String::new(), "x".repeat(MAX_KEY_LABEL_BYTES + 1)] {
        let refused = storage.add_account_key(new_key(ann, &label)).await;
        assert!(matches!(refused, Err(StorageError::Limit { .. })), "{refused:?}");
    }
    storage.add_account_key(new_key(ann, "phone")).await.unwrap();
    let twice = storage.add_account_key(new_key(ann, "phone")).await;
    assert!(matches!(twice, Err(StorageError::AlreadyExists(Named::Key))), "{twice:?}");
    for number in 1..MAX_KEYS_PER_ACCOUNT {
        storage.add_account_key(new_key(ann, &format!("key {number}"))).await.unwrap();
    }
    let more = storage.add_account_key(new_key(ann, "one more")).await;
    assert!(matches!(more, Err(StorageError::Limit { .. })), "{more:?}");
    assert_eq!(labels(&*storage, ann).await.len(), MAX_KEYS_PER_ACCOUNT);
    storage.add_account_key(new_key(bob, "phone")).await.unwrap();
    storage.remove_account_key(ann, "phone").await.unwrap();
    storage.add_account_key(new_key(ann, "one more")).await.unwrap();
}

/// It is barred and let in again, for the one account.
pub async fn the_main_password_is_barred(harness: &dyn Harness) {
    let World { storage, ann, bob, .. } = World::new(harness).await;
    let barred = async |account| storage.account_keys(account).await.unwrap().password_barred;
    for expected in [true, true, false, false] {
        storage.bar_password(ann, expected).await.unwrap();
        assert_eq!((barred(ann).await, barred(bob).await), (expected, false));
    }
    let nobody = storage.bar_password(AccountId(999_999), true).await;
    assert!(matches!(nobody, Err(StorageError::NotFound(Named::Account))), "{nobody:?}");
}

/// Of an account that is gone nothing is left, and the next one of its address has nothing.
pub async fn keys_go_with_the_account(harness: &dyn Harness) {
    let World { storage, ann, bob, .. } = World::new(harness).await;
    for account in [ann, bob] {
        storage.add_account_key(new_key(account, "phone")).await.unwrap();
        storage.bar_password(account, true).await.unwrap();
    }
    storage.delete_account(ann).await.unwrap();
    let next = storage.create_account(new_account("ann@example.org")).await.unwrap().id;
    for account in [ann, next] {
        let found = storage.account_keys(account).await.unwrap();
        assert!(found.keys.is_empty() && !found.password_barred);
    }
    assert_eq!(labels(&*storage, bob).await, ["phone"]);
}

/// Keys, uses and what is barred are there after a restart.
pub async fn keys_outlive_the_process(harness: &dyn Harness) {
    let World { storage, ann, .. } = World::new(harness).await;
    let phone = storage.add_account_key(new_key(ann, "phone")).await.unwrap();
    let desk = storage.add_account_key(new_key(ann, "desk")).await.unwrap();
    let used = KeyUse { at: NOW, service: KeyService::Imap };
    storage.note_key_use(phone.id, used).await.unwrap();
    storage.remove_account_key(ann, "desk").await.unwrap();
    storage.bar_password(ann, true).await.unwrap();
    let Some(storage) = harness.reopen(storage).await else { return };
    let found = storage.account_keys(ann).await.unwrap();
    assert_eq!(found.keys.iter().map(shown).collect::<Vec<_>>(), [shown(&phone)]);
    assert_eq!((found.keys[0].last_use, found.password_barred), (Some(used), true));
    let new = storage.add_account_key(new_key(ann, "desk")).await.unwrap();
    assert!(new.id != desk.id && new.id != phone.id);
}
