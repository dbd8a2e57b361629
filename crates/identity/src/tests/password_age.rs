//! Passwords that were, and passwords that are too old.

use std::time::Duration;

use posthouse_model::UnixMillis;

use super::*;
use crate::{AccountError, LoginRefusal, PasswordWeakness};

const DAY: i64 = 24 * 60 * 60 * 1000;
const PASSWORDS: [&str; 4] =
    [ANNS_PASSWORD, "two lanterns over the orchard", "eleven saddles beside a river", "copper kettles on winter stone"];

async fn house_with(policy: PasswordPolicy) -> House {
    let store = MemoryStorage::new();
    let identity =
        Identity::open(store.clone(), IdentityOptions { password_policy: policy, ..cheap_options() }).await.unwrap();
    let house = House { store, identity };
    house.identity.create_domain(domain("example.org"), NOW).await.unwrap();
    house.add("ann@example.org", ANNS_PASSWORD).await;
    house
}

async fn change(house: &House, password: &str) -> Result<(), AccountError> {
    house.identity.change_password(&address("ann@example.org"), secret(password), NOW).await
}

#[tokio::test]
async fn earlier_passwords_are_refused_as_far_back_as_the_policy_looks() {
    let house = house_with(PasswordPolicy { history: 2, ..PasswordPolicy::default() }).await;
    for password in &PASSWORDS[1..] {
        change(&house, password).await.unwrap();
    }
    let refused = |outcome: Result<(), AccountError>| match outcome {
        Err(AccountError::WeakPassword(weakness)) => weakness,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(change(&house, PASSWORDS[3]).await), PasswordWeakness::Reused);
    assert_eq!(refused(change(&house, PASSWORDS[2]).await), PasswordWeakness::UsedBefore(2));
    assert_eq!(refused(change(&house, PASSWORDS[1]).await), PasswordWeakness::UsedBefore(2));
    change(&house, PASSWORDS[0]).await.unwrap();
    // Nothing that was refused was noted, and each change moves on by one.
    change(&house, PASSWORDS[1]).await.unwrap();
    assert_eq!(refused(change(&house, PASSWORDS[3]).await), PasswordWeakness::UsedBefore(2));
}

#[tokio::test]
async fn without_a_history_only_the_present_password_is_refused() {
    let house = house_with(PasswordPolicy::default()).await;
    change(&house, PASSWORDS[1]).await.unwrap();
    assert!(change(&house, PASSWORDS[1]).await.is_err());
    change(&house, PASSWORDS[0]).await.unwrap();
    use posthouse_storage::{Directory, PasswordHistory};
    let ann = house.store.accounts(None).await.unwrap()[0].id;
    assert!(house.store.earlier_passwords(ann, 100).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_password_that_is_too_old_lets_in_no_longer() {
    let month = Duration::from_secs(30 * 24 * 60 * 60);
    let house = house_with(PasswordPolicy { max_age: Some(month), ..PasswordPolicy::default() }).await;
    let imap = scope(Service::Imap);
    let login = async |password: &str, day: i64| {
        let now = UnixMillis(NOW.0 + day * DAY);
        house.identity.login("ann@example.org", secret(password), &imap, now).await
    };
    login(ANNS_PASSWORD, 29).await.unwrap();
    // A clock that was set back makes nothing old.
    login(ANNS_PASSWORD, -400).await.unwrap();
    assert!(matches!(login(ANNS_PASSWORD, 30).await, Err(LoginRefusal::PasswordExpired)));
    // Who does not know the password is not told.
    assert!(matches!(login("wrong", 30).await, Err(LoginRefusal::WrongCredentials)));
    let later = UnixMillis(NOW.0 + 30 * DAY);
    house.identity.change_password(&address("ann@example.org"), secret(PASSWORDS[1]), later).await.unwrap();
    login(PASSWORDS[1], 59).await.unwrap();
    assert!(matches!(login(PASSWORDS[1], 60).await, Err(LoginRefusal::PasswordExpired)));
    // A certificate has nothing to do with it.
    house.identity.authorize("ann@example.org", None, &imap).await.unwrap();
}
