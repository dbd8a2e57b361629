//! Accounts and credentials.

use posthouse_model::{AccountId, Secret, SpecialUse, UnixMillis};

use super::Harness;
use super::world::{NOW, World, address, domain, name, new_account, new_domain};
use crate::{AccountRecord, AccountStatus, Credential, Named, NewAccount, Resolution, StorageError};

fn credential(text: &str) -> Credential {
    Credential {
        argon2: Secret::new(format!("argon2 {text}")),
        scram_sha_256: Secret::new(format!("scram-sha-256 {text}")),
        scram_sha_1: Secret::new(format!("scram-sha-1 {text}")),
        cram_md5: None,
        changed_at: NOW,
    }
}

/// Everything that is kept of a credential, since secrets do not compare.
fn exposed(credential: &Credential) -> [Option<Vec<u8>>; 4] {
    let bytes = |secret: &Secret| Some(secret.expose().to_vec());
    [
        bytes(&credential.argon2),
        bytes(&credential.scram_sha_256),
        bytes(&credential.scram_sha_1),
        credential.cram_md5.as_ref().and_then(bytes),
    ]
}

/// Mailboxes, subscriptions and credential come with the account.
pub async fn an_account_is_made_with_all_it_has(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    storage.create_domain(new_domain("example.org")).await.unwrap();
    let new = NewAccount {
        display_name: "Ann Lee".to_owned(),
        administrator: true,
        credential: Some(credential("one")),
        mailboxes: vec![(name("INBOX"), None), (name("Sent Items"), Some(SpecialUse::Sent))],
        ..new_account("Ann@example.org")
    };
    let made = storage.create_account(new).await.unwrap();
    assert_eq!(made.address.to_string(), "Ann@example.org");
    assert_eq!((made.display_name.as_str(), made.administrator), ("Ann Lee", true));
    assert_eq!((made.status, made.mail_access_for_administrator), (AccountStatus::Active, false));
    assert_eq!(made.created_at, NOW);
    let mailboxes = storage.mailboxes(made.id).await.unwrap();
    let found: Vec<_> = mailboxes.iter().map(|mailbox| (mailbox.name.as_str(), mailbox.special_use)).collect();
    assert_eq!(found, [("INBOX", None), ("Sent Items", Some(SpecialUse::Sent))]);
    assert_ne!(mailboxes[0].uid_validity, mailboxes[1].uid_validity);
    assert!(mailboxes.iter().all(|mailbox| mailbox.highest_modseq.0 > 0));
    assert_eq!(storage.subscriptions(made.id).await.unwrap(), [name("INBOX"), name("Sent Items")]);
    let stored = storage.credential(made.id).await.unwrap().unwrap();
    assert_eq!(exposed(&stored), exposed(&credential("one")));
}

/// By number, by address, by local part, by domain.
pub async fn an_account_is_found_in_every_way(harness: &dyn Harness) {
    let World { storage, ann, bob, .. } = World::new(harness).await;
    storage.create_domain(new_domain("other.example")).await.unwrap();
    let other = storage.create_account(new_account("ANN@other.example")).await.unwrap();
    let ann = storage.account(ann).await.unwrap().unwrap();
    let bob = storage.account(bob).await.unwrap().unwrap();

    for text in ["ann@example.org", "ANN@Example.ORG"] {
        assert_eq!(storage.resolve(&address(text)).await.unwrap(), Some(Resolution::Account(ann.clone())), "{text}");
    }
    for text in ["ann+x@example.org", "an@example.org", "bob@other.example"] {
        assert_eq!(storage.resolve(&address(text)).await.unwrap(), None, "{text}");
    }
    let all = storage.accounts(None).await.unwrap();
    assert_eq!(all, [ann.clone(), other.clone(), bob.clone()]);
    let of_domain = storage.accounts(Some(&domain("example.org"))).await.unwrap();
    assert_eq!(of_domain, [ann.clone(), bob]);
    assert_eq!(storage.accounts(Some(&domain("nowhere.example"))).await.unwrap(), []);
    let mut by_local_part = storage.accounts_by_local_part("ann", 10).await.unwrap();
    by_local_part.sort_by_key(|account| account.id);
    assert_eq!(by_local_part, [ann, other]);
    assert_eq!(storage.accounts_by_local_part("ann", 1).await.unwrap().len(), 1);
    assert_eq!(storage.accounts_by_local_part("carl", 10).await.unwrap(), []);
    assert_eq!(storage.account(AccountId(999_999)).await.unwrap(), None);
}

/// An account is made whole or not at all.
pub async fn an_account_that_cannot_be_made_leaves_nothing(harness: &dyn Harness) {
    let World { storage, .. } = World::new(harness).await;
    let before = storage.accounts(None).await.unwrap();
    let taken = storage.create_account(new_account("ANN@example.org")).await;
    assert!(matches!(taken, Err(StorageError::AlreadyExists(_))), "{taken:?}");
    let no_inbox = NewAccount { mailboxes: vec![(name("Archive"), None)], ..new_account("carl@example.org") };
    let refused = storage.create_account(no_inbox).await;
    assert!(refused.is_err(), "{refused:?}");
    let inbox_twice = vec![(name("INBOX"), None), (name("x"), None), (name("x"), None)];
    let doubled = NewAccount { mailboxes: inbox_twice, ..new_account("carl@example.org") };
    let refused = storage.create_account(doubled).await;
    assert!(matches!(refused, Err(StorageError::AlreadyExists(Named::Mailbox))), "{refused:?}");
    assert_eq!(storage.accounts(None).await.unwrap(), before);
    assert_eq!(storage.resolve(&address("carl@example.org")).await.unwrap(), None);
    let made = storage.create_account(new_account("carl@example.org")).await.unwrap();
    assert_eq!(storage.mailboxes(made.id).await.unwrap().len(), 2);
}

/// The address stays whatever the record says.
pub async fn an_account_changes_but_for_its_address(harness: &dyn Harness) {
    let World { storage, ann, .. } = World::new(harness).await;
    let before = storage.account(ann).await.unwrap().unwrap();
    for status in
        [AccountStatus::LoginDisabled, AccountStatus::Suspended, AccountStatus::SendOnly, AccountStatus::Active]
    {
        let wanted = AccountRecord {
            display_name: format!("{status:?}"),
            status,
            administrator: true,
            mail_access_for_administrator: true,
            ..before.clone()
        };
        storage.update_account(wanted.clone()).await.unwrap();
        assert_eq!(storage.account(ann).await.unwrap(), Some(wanted));
    }
    let renamed = AccountRecord { address: address("eve@example.org"), ..before };
    storage.update_account(renamed.clone()).await.unwrap();
    assert_eq!(storage.account(ann).await.unwrap().unwrap().address, address("ann@example.org"));
    assert_eq!(storage.resolve(&address("eve@example.org")).await.unwrap(), None);
    let unknown = storage.update_account(AccountRecord { id: AccountId(999_999), ..renamed }).await;
    assert!(matches!(unknown, Err(StorageError::NotFound(Named::Account))), "{unknown:?}");
}

/// Mail, mailboxes, subscriptions and credential go with the account; the number does not come back.
pub async fn an_account_goes_with_all_its_mail(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let World { storage, ann, bob, inbox, .. } = &world;
    let placed = world.deliver("for ann").await;
    storage.set_credential(*ann, Some(credential("ann"))).await.unwrap();
    storage.delete_account(*ann).await.unwrap();
    assert_eq!(storage.account(*ann).await.unwrap(), None);
    assert_eq!(storage.mailboxes(*ann).await.unwrap(), []);
    assert_eq!(storage.subscriptions(*ann).await.unwrap(), []);
    assert!(storage.credential(*ann).await.unwrap().is_none());
    let gone = storage.messages(*ann, *inbox).await;
    assert!(matches!(gone, Err(StorageError::NotFound(Named::Mailbox))), "{gone:?}");
    let again = storage.delete_account(*ann).await;
    assert!(matches!(again, Err(StorageError::NotFound(Named::Account))), "{again:?}");
    assert!(storage.account(*bob).await.unwrap().is_some());

    let next = storage.create_account(new_account("ann@example.org")).await.unwrap();
    assert!(next.id > *ann && next.id > *bob);
    let mailboxes = storage.mailboxes(next.id).await.unwrap();
    assert!(mailboxes.iter().all(|mailbox| mailbox.id > *inbox && mailbox.uid_validity > placed.uid_validity));
    assert!(mailboxes.iter().all(|mailbox| mailbox.messages == 0));
}

/// A credential is set, replaced as a whole, and taken away.
pub async fn credentials_are_set_replaced_and_taken_away(harness: &dyn Harness) {
    let World { storage, ann, .. } = World::new(harness).await;
    assert!(storage.credential(ann).await.unwrap().is_none());
    let with_cram = Credential {
        cram_md5: Some(Secret::new(vec![0, 255, 7])),
        changed_at: UnixMillis(NOW.0 + 1),
        ..credential("one")
    };
    for wanted in [with_cram, credential("two")] {
        storage.set_credential(ann, Some(wanted.clone())).await.unwrap();
        let stored = storage.credential(ann).await.unwrap().unwrap();
        assert_eq!((exposed(&stored), stored.changed_at), (exposed(&wanted), wanted.changed_at));
    }
    storage.set_credential(ann, None).await.unwrap();
    assert!(storage.credential(ann).await.unwrap().is_none());
    let unknown = storage.set_credential(AccountId(999_999), Some(credential("x"))).await;
    assert!(matches!(unknown, Err(StorageError::NotFound(Named::Account))), "{unknown:?}");
    assert!(storage.credential(AccountId(999_999)).await.unwrap().is_none());
}
