//! What costs a hash, and what happens when no thread is free to hash. A login that works while every thread is
//! busy has not hashed.

use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;

use posthouse_sasl::server::{Answer, Question};
use tokio::sync::oneshot;

use super::*;

/// Runs `check` while the only hashing thread is busy and its queue of one is full.
async fn while_hashing_is_busy(house: &House, check: impl AsyncFnOnce()) {
    let (begun, has_begun) = oneshot::channel();
    let (release, released) = mpsc::channel::<()>();
    let mut busy = pin!(house.identity.hashing.run(move || {
        let _ = begun.send(());
        let _ = released.recv();
    }));
    assert!(is_pending(&mut busy).await);
    has_begun.await.unwrap();
    let mut waiting = pin!(house.identity.hashing.run(|| {}));
    assert!(is_pending(&mut waiting).await);
    check().await;
    release.send(()).unwrap();
    busy.await.unwrap();
    waiting.await.unwrap();
}

/// Polls once, so that the job is handed over.
async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| Poll::Ready(pin!(&mut *future).poll(cx).is_pending())).await
}

async fn check(house: &House, name: &str, password: &str, expected: Result<&str, &str>) {
    let outcome = house.login(name, password, &scope(Service::Imap)).await;
    assert_eq!(outcome.as_deref().map_err(String::as_str), expected, "{name}");
}

const UNAVAILABLE: Result<&str, &str> = Err("credentials cannot be checked now");

#[tokio::test]
async fn overloaded_hashing_is_no_wrong_password() {
    let house = House::open().await;
    while_hashing_is_busy(&house, async || {
        for (name, password) in [("ann", ANNS_PASSWORD), ("ann", "wrong"), ("ghost", ANNS_PASSWORD)] {
            check(&house, name, password, UNAVAILABLE).await;
            let question = Question::VerifyPassword {
                authentication_id: name.to_owned(),
                authorization_id: None,
                password: secret(password),
            };
            let answer = house.identity.answer(question, &scope(Service::Imap), NOW).await.answer;
            assert!(matches!(answer, Answer::TemporarilyUnavailable), "{name}");
        }
        let created = house.identity.create_account(draft("eva@example.org", BOBS_PASSWORD), NOW).await;
        assert!(matches!(created, Err(crate::AccountError::HashingUnavailable)));
    })
    .await;
    check(&house, "ann", ANNS_PASSWORD, Ok("ann@example.org")).await;
}

#[tokio::test]
async fn a_password_is_hashed_once_and_then_recognised() {
    let house = House::open().await;
    check(&house, "ann", ANNS_PASSWORD, Ok("ann@example.org")).await;
    check(&house, "bob", ANNS_PASSWORD, Err("wrong name or password")).await;
    while_hashing_is_busy(&house, async || {
        check(&house, "ann", ANNS_PASSWORD, Ok("ann@example.org")).await;
        check(&house, "ann@example.org", ANNS_PASSWORD, Ok("ann@example.org")).await;
        // Neither a wrong password nor that of somebody else is remembered.
        check(&house, "ann", "wrong", UNAVAILABLE).await;
        check(&house, "bob", ANNS_PASSWORD, UNAVAILABLE).await;
    })
    .await;
}

#[tokio::test]
async fn an_old_password_is_forgotten_when_it_changes() {
    let house = House::open().await;
    let ann = address("ann@example.org");
    check(&house, "ann", ANNS_PASSWORD, Ok("ann@example.org")).await;
    // Both changes carry the time at which the account was made: the clock may stand still, or be set back.
    house.identity.change_password(&ann, secret("an owl counts the wagons"), NOW).await.unwrap();
    check(&house, "ann", ANNS_PASSWORD, Err("wrong name or password")).await;
    house.identity.change_password(&ann, secret(ANNS_PASSWORD), UnixMillis(0)).await.unwrap();
    while_hashing_is_busy(&house, async || {
        check(&house, "ann", ANNS_PASSWORD, UNAVAILABLE).await;
    })
    .await;
    check(&house, "ann", ANNS_PASSWORD, Ok("ann@example.org")).await;
}

#[tokio::test]
async fn a_remembered_password_does_not_open_a_closed_account() {
    let house = House::open().await;
    check(&house, "ann", ANNS_PASSWORD, Ok("ann@example.org")).await;
    let suspend = |account: &mut AccountRecord| account.status = posthouse_storage::AccountStatus::Suspended;
    house.identity.change_account(&address("ann@example.org"), suspend).await.unwrap();
    check(&house, "ann", ANNS_PASSWORD, Err("wrong name or password")).await;
}
