//! Signing in with a name and a password.

use posthouse_storage::{AccountStatus, Directory};

use super::*;

const WRONG: &str = "wrong name or password";

async fn check(house: &House, name: &str, password: &str, scope: &LoginScope, expected: Result<&str, &str>) {
    let outcome = house.login(name, password, scope).await;
    assert_eq!(outcome.as_deref().map_err(String::as_str), expected, "{name}");
}

#[tokio::test]
async fn an_account_has_several_names() {
    let house = House::open().await;
    let imap = scope(Service::Imap);
    let in_org = scope_in(Service::Imap, "example.org");
    let in_net = scope_in(Service::Imap, "example.net");
    let ann = Ok("ann@example.org");
    check(&house, "ann@example.org", ANNS_PASSWORD, &imap, ann).await;
    check(&house, "ANN@Example.ORG", ANNS_PASSWORD, &imap, ann).await;
    check(&house, "ann@example.org.", ANNS_PASSWORD, &imap, ann).await;
    check(&house, "ann", ANNS_PASSWORD, &imap, ann).await;
    check(&house, "Ann", ANNS_PASSWORD, &in_org, ann).await;
    check(&house, "ann@example.org", ANNS_PASSWORD, &in_net, ann).await;
    check(&house, "ann", ANNS_PASSWORD, &in_net, Err(WRONG)).await;
}

#[tokio::test]
async fn a_local_part_that_two_have_names_neither() {
    let house = House::open().await;
    house.add("ann@example.net", BOBS_PASSWORD).await;
    check(&house, "ann", ANNS_PASSWORD, &scope(Service::Imap), Err(WRONG)).await;
    check(&house, "ann", ANNS_PASSWORD, &scope_in(Service::Imap, "example.org"), Ok("ann@example.org")).await;
    check(&house, "ann", BOBS_PASSWORD, &scope_in(Service::Imap, "example.net"), Ok("ann@example.net")).await;
}

#[tokio::test]
async fn every_wrong_login_is_refused_alike() {
    let house = House::open().await;
    house.identity.put_alias(address("all@example.org"), vec![address("ann@example.org")], NOW).await.unwrap();
    let imap = scope(Service::Imap);
    let names = [
        "ann@example.org",
        "bob@example.org",
        "ghost@example.org",
        "ann@nowhere.example",
        "ann+x@example.org",
        "all@example.org",
        "",
        "@",
        "ann@",
        "@example.org",
        "ann@example.org\0",
        "\u{7}",
        "a b c",
    ];
    for name in names {
        for password in ["", "wrong", &ANNS_PASSWORD.to_uppercase(), "\0", &"x".repeat(5000)] {
            check(&house, name, password, &imap, Err(WRONG)).await;
        }
    }
    check(&house, "bob@example.org", ANNS_PASSWORD, &imap, Err(WRONG)).await;
}

#[tokio::test]
async fn who_is_suspended_or_disabled_stays_outside() {
    let house = House::open().await;
    let imap = scope(Service::Imap);
    for status in [AccountStatus::Suspended, AccountStatus::LoginDisabled] {
        check(&house, "ann", ANNS_PASSWORD, &imap, Ok("ann@example.org")).await;
        house.identity.change_account(&address("ann@example.org"), |account| account.status = status).await.unwrap();
        check(&house, "ann", ANNS_PASSWORD, &imap, Err(WRONG)).await;
        let refusal = house.identity.authorize("ann", None, &imap).await.unwrap_err();
        assert!(matches!(refusal, crate::LoginRefusal::LoginDisabled), "{status:?}");
        let active = |account: &mut AccountRecord| account.status = AccountStatus::Active;
        house.identity.change_account(&address("ann@example.org"), active).await.unwrap();
    }
}

#[tokio::test]
async fn who_sends_only_signs_in_to_send() {
    let house = House::open().await;
    let send_only = |account: &mut AccountRecord| account.status = AccountStatus::SendOnly;
    house.identity.change_account(&address("ann@example.org"), send_only).await.unwrap();
    check(&house, "ann", ANNS_PASSWORD, &scope(Service::Submission), Ok("ann@example.org")).await;
    for service in [Service::Imap, Service::Pop3] {
        check(&house, "ann", "wrong", &scope(service), Err(WRONG)).await;
        check(&house, "ann", ANNS_PASSWORD, &scope(service), Err("the account sends only")).await;
        let refusal = house.identity.authorize("ann", None, &scope(service)).await.unwrap_err();
        assert!(matches!(refusal, crate::LoginRefusal::SendOnly), "{service:?}");
    }
}

#[tokio::test]
async fn who_is_in_a_domain_that_only_sends_signs_in_to_send() {
    let house = House::open().await;
    let mut record = house.store.domain(&domain("example.org")).await.unwrap().unwrap();
    record.sends_only = true;
    house.store.update_domain(record.clone()).await.unwrap();
    check(&house, "ann@example.org", ANNS_PASSWORD, &scope(Service::Submission), Ok("ann@example.org")).await;
    for service in [Service::Imap, Service::Pop3] {
        check(&house, "ann@example.org", "wrong", &scope(service), Err(WRONG)).await;
        check(&house, "ann@example.org", ANNS_PASSWORD, &scope(service), Err("the account sends only")).await;
    }
    record.sends_only = false;
    house.store.update_domain(record).await.unwrap();
    check(&house, "ann@example.org", ANNS_PASSWORD, &scope(Service::Imap), Ok("ann@example.org")).await;
}

#[tokio::test]
async fn an_account_without_a_password_cannot_sign_in() {
    let house = House::open().await;
    let ann = house.identity.account_at(&address("ann@example.org")).await.unwrap();
    house.store.set_credential(ann.id, None).await.unwrap();
    check(&house, "ann", ANNS_PASSWORD, &scope(Service::Imap), Err(WRONG)).await;
    check(&house, "ann", "", &scope(Service::Imap), Err(WRONG)).await;
}

#[tokio::test]
async fn administrators_do_not_read_mail_unless_allowed() {
    let house = House::open().await;
    let boss = AccountDraft { administrator: true, ..draft("boss@example.org", BOBS_PASSWORD) };
    house.identity.create_account(boss, NOW).await.unwrap();
    let barred = Err("accounts with administrator rights cannot use this service");
    check(&house, "boss", BOBS_PASSWORD, &scope(Service::Submission), Ok("boss@example.org")).await;
    check(&house, "boss", BOBS_PASSWORD, &scope(Service::Imap), barred).await;
    check(&house, "boss", BOBS_PASSWORD, &scope(Service::Pop3), barred).await;
    check(&house, "boss", "wrong", &scope(Service::Imap), Err(WRONG)).await;
    assert!(house.permit("boss").await.is_administrator());
    assert!(!house.permit("ann").await.is_administrator());

    let allow = |account: &mut AccountRecord| account.mail_access_for_administrator = true;
    house.identity.change_account(&address("boss@example.org"), allow).await.unwrap();
    check(&house, "boss", BOBS_PASSWORD, &scope(Service::Imap), Ok("boss@example.org")).await;
    check(&house, "boss", BOBS_PASSWORD, &scope(Service::Pop3), Ok("boss@example.org")).await;
}

#[tokio::test]
async fn nobody_acts_as_another() {
    let house = House::open().await;
    house.identity.put_alias(address("all@example.org"), vec![address("ann@example.org")], NOW).await.unwrap();
    let imap = scope(Service::Imap);
    for own in ["ann@example.org", "ANN@EXAMPLE.ORG", "ann"] {
        let permit = house.identity.authorize("ann", Some(own), &imap).await.unwrap();
        assert_eq!(permit.address(), &address("ann@example.org"), "{own}");
    }
    for other in ["bob@example.org", "bob", "ghost", "all@example.org", "", "ann@example.net"] {
        let refusal = house.identity.authorize("ann", Some(other), &imap).await.unwrap_err();
        assert!(matches!(refusal, crate::LoginRefusal::NotAuthorized), "{other}");
    }
    let refusal = house.identity.authorize("ghost", None, &imap).await.unwrap_err();
    assert!(matches!(refusal, crate::LoginRefusal::WrongCredentials));
    let (ann, bob) = (house.permit("ann").await, house.permit("bob").await);
    assert_ne!(ann.account(), bob.account());
}

#[tokio::test]
async fn a_store_that_fails_is_not_a_wrong_password() {
    let house = House::open().await;
    house.store.set_broken(true);
    let unavailable = Err("credentials cannot be checked now");
    check(&house, "ann", ANNS_PASSWORD, &scope(Service::Imap), unavailable).await;
    check(&house, "ghost", ANNS_PASSWORD, &scope(Service::Imap), unavailable).await;
}

#[tokio::test]
async fn a_password_is_compared_in_its_prepared_form() {
    let house = House::open().await;
    // RFC 8265 §4.2.2: other spaces become U+0020, and the result is in NFC.
    house.add("eva@example.org", "drei\u{a0}mu\u{308}de Pferde traben").await;
    let imap = scope(Service::Imap);
    check(&house, "eva", "drei m\u{fc}de Pferde traben", &imap, Ok("eva@example.org")).await;
    check(&house, "eva", "drei\u{2003}mu\u{308}de Pferde traben", &imap, Ok("eva@example.org")).await;
    check(&house, "eva", "drei mude Pferde traben", &imap, Err(WRONG)).await;
}
