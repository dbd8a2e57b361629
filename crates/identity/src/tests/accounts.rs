//! What administrators do.

use posthouse_model::MailboxName;
use posthouse_storage::{Directory, Mail, Named, StorageError};

use super::*;
use crate::{AccountError, PasswordWeakness, STANDARD_MAILBOXES};

#[tokio::test]
async fn a_new_account_has_the_standard_mailboxes() {
    let house = House::open().await;
    let ann = house.permit("ann").await.account();
    let names: Vec<_> = house.store.mailboxes(ann).await.unwrap().into_iter().map(|one| one.name).collect();
    let mut expected: Vec<_> = STANDARD_MAILBOXES.iter().map(|(name, _)| MailboxName::parse(name).unwrap()).collect();
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(house.store.subscriptions(ann).await.unwrap(), expected);
}

#[tokio::test]
async fn accounts_that_cannot_be_made() {
    let house = House::open().await;
    house.identity.put_alias(address("all@example.org"), vec![address("ann@example.org")], NOW).await.unwrap();
    for (name, password, expected) in [
        ("eva@elsewhere.example", ANNS_PASSWORD, "elsewhere.example is not one of this server's domains: add it first"),
        ("ANN@example.org", ANNS_PASSWORD, "there is such a address already"),
        ("all@example.org", ANNS_PASSWORD, "there is such a address already"),
        ("eva@example.org", "short", "the password has fewer than 10 characters"),
        ("eva@example.org", "", "the password has fewer than 10 characters"),
        ("eva@example.org", "seven\u{0}horses wait", "the password has characters that cannot be typed everywhere"),
    ] {
        let error = house.identity.create_account(draft(name, password), NOW).await.unwrap_err();
        assert_eq!(error.to_string(), expected, "{name}");
    }
    for password in ["aaaaaaaaaaaaaaa", "password1234", "evaexample", "eva@example.org"] {
        let error = house.identity.create_account(draft("eva@example.org", password), NOW).await.unwrap_err();
        assert!(matches!(error, AccountError::WeakPassword(PasswordWeakness::Guessable(_))), "{password}: {error}");
    }
    assert_eq!(house.store.accounts(None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_password_is_not_used_again() {
    let house = House::open().await;
    let ann = address("ann@example.org");
    let change = async |password: &str| house.identity.change_password(&ann, secret(password), NOW).await;
    assert!(matches!(change(ANNS_PASSWORD).await, Err(AccountError::WeakPassword(PasswordWeakness::Reused))));
    let same_when_prepared = ANNS_PASSWORD.replace(' ', "\u{a0}");
    assert!(matches!(change(&same_when_prepared).await, Err(AccountError::WeakPassword(PasswordWeakness::Reused))));
    assert!(matches!(change("short").await, Err(AccountError::WeakPassword(PasswordWeakness::TooShort(10)))));
    assert!(change("an owl counts the wagons").await.is_ok());
    assert!(change(ANNS_PASSWORD).await.is_ok());
    let ghost = house.identity.change_password(&address("ghost@example.org"), secret(ANNS_PASSWORD), NOW).await;
    assert!(matches!(ghost, Err(AccountError::Storage(StorageError::NotFound(Named::Account)))));
}

#[tokio::test]
async fn aliases_that_cannot_be_made() {
    let house = House::open().await;
    let put = async |from: &str, targets: &[&str]| {
        let targets = targets.iter().map(|target| address(target)).collect();
        house.identity.put_alias(address(from), targets, NOW).await
    };
    assert!(matches!(put("x@elsewhere.example", &["ann@example.org"]).await, Err(AccountError::UnknownDomain(_))));
    assert!(matches!(put("x@example.org", &[]).await, Err(AccountError::EmptyAlias)));
    assert!(matches!(put("x@example.org", &["X@example.org"]).await, Err(AccountError::EmptyAlias)));
    let taken = put("ann@example.org", &["bob@example.org"]).await;
    assert!(matches!(taken, Err(AccountError::Storage(StorageError::AlreadyExists(Named::Address)))));
    assert!(put("x@example.org", &["x@example.org", "ann@example.org"]).await.is_ok());
}

#[tokio::test]
async fn an_account_keeps_its_number_and_address() {
    let house = House::open().await;
    let before = house.identity.account_at(&address("ann@example.org")).await.unwrap();
    let bob = house.identity.account_at(&address("bob@example.org")).await.unwrap();
    let meddle = |account: &mut AccountRecord| {
        account.id = bob.id;
        account.address = bob.address.clone();
        account.display_name = "Ann Lee".to_owned();
    };
    let changed = house.identity.change_account(&address("ANN@example.org"), meddle).await.unwrap();
    assert_eq!(changed, AccountRecord { display_name: "Ann Lee".to_owned(), ..before });
    assert_eq!(house.identity.account_at(&address("bob@example.org")).await.unwrap(), bob);
}

#[tokio::test]
async fn a_deleted_account_is_gone_with_its_mail_and_number() {
    let house = House::open().await;
    let gone = house.identity.delete_account(&address("ann@example.org")).await.unwrap();
    assert!(house.store.mailboxes(gone).await.unwrap().is_empty());
    assert!(house.login("ann", ANNS_PASSWORD, &scope(Service::Imap)).await.is_err());
    assert!(matches!(
        house.identity.delete_account(&address("ann@example.org")).await,
        Err(AccountError::Storage(StorageError::NotFound(Named::Account)))
    ));
    let again = house.add("ann@example.org", BOBS_PASSWORD).await;
    assert!(again.id > gone);
}

#[tokio::test]
async fn a_domain_is_made_once() {
    let house = House::open().await;
    let twice = house.identity.create_domain(domain("EXAMPLE.org"), NOW).await;
    assert!(matches!(twice, Err(AccountError::Storage(StorageError::AlreadyExists(Named::Domain)))));
}

#[test]
fn nothing_secret_is_printed() {
    let shown = format!("{:?}", draft("ann@example.org", ANNS_PASSWORD));
    assert!(!shown.contains(ANNS_PASSWORD), "{shown}");
}
