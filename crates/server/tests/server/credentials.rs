//! Signing in with keys besides the password, in three protocols: what opens, and that all that does not looks alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use posthouse_flow::{Environment, SystemEnvironment};
use posthouse_identity::KeyDraft;
use posthouse_model::{Address, UnixMillis};
use posthouse_sasl::Mechanism;
use posthouse_storage::{KeyService, KeyServices, MemoryStorage};

use crate::client::Client;
use crate::house::{IMAPS, PASSWORD, POP3S, SUBMISSIONS, TestHouse};
use crate::sign_in::{CARRIERS, Carrier, connect, sign_in_as};

const ANN: &str = "ann@example.org";
const WITH_THE_SECRET: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
const BY_CHALLENGE: [Mechanism; 3] = [Mechanism::ScramSha256Plus, Mechanism::ScramSha256, Mechanism::ScramSha1];

fn ann() -> Address {
    Address::parse(ANN).unwrap()
}

impl TestHouse {
    /// Makes a key of Ann's; its secret.
    async fn key(&self, label: &str, services: &[KeyService], expires_at: Option<UnixMillis>) -> String {
        let services = KeyServices::of(services);
        let draft = KeyDraft { account: ann(), label: label.to_owned(), services, expires_at };
        let (_, secret) = self.identity().add_key(draft, UnixMillis(0)).await.unwrap();
        secret.expose_str().unwrap().to_owned()
    }

    async fn try_key(&self, carrier: &Carrier, mechanism: Mechanism, user: &str, secret: &str) -> String {
        sign_in_as(&mut connect(self, carrier).await, carrier, mechanism, (user, secret)).await
    }
}

#[tokio::test]
async fn a_key_opens_in_every_protocol() {
    let house = TestHouse::start().await;
    let phone = house.key("phone", &KeyService::EACH, None).await;
    for carrier in &CARRIERS {
        for mechanism in WITH_THE_SECRET.into_iter().chain(BY_CHALLENGE) {
            let line = house.try_key(carrier, mechanism, "ann@example.org/phone", &phone).await;
            assert!(line.starts_with(carrier.success), "{} {mechanism}: {line}", carrier.listener);
        }
        for mechanism in WITH_THE_SECRET {
            let line = house.try_key(carrier, mechanism, ANN, &phone).await;
            assert!(line.starts_with(carrier.success), "{} {mechanism}: {line}", carrier.listener);
        }
    }
    let mut imap = house.connect_tls(IMAPS).await;
    imap.expect("* OK").await;
    imap.send(&format!("a LOGIN ann@example.org/phone {phone}")).await;
    imap.expect("a OK").await;
    let mut pop3 = house.connect_tls(POP3S).await;
    pop3.expect("+OK").await;
    pop3.send("USER ann@example.org/phone").await;
    pop3.expect("+OK").await;
    pop3.send(&format!("PASS {phone}")).await;
    pop3.expect("+OK").await;
}

/// Whatever the cause, the client hears what it hears of a user who is not there.
#[tokio::test]
async fn every_refusal_looks_alike() {
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    draft.options.max_failed_logins = posthouse_server::MaxFailedLogins(1000);
    let house = draft.start();
    let phone = house.key("phone", &KeyService::EACH, None).await;
    let old = house.key("old", &KeyService::EACH, Some(UnixMillis(1000))).await;
    let gone = house.key("gone", &KeyService::EACH, None).await;
    house.identity().remove_key(&ann(), "gone").await.unwrap();
    house.identity().bar_password(&ann(), true).await.unwrap();
    let reader = house.key("reader", &[KeyService::Imap], None).await;
    let sender = house.key("sender", &[KeyService::Submission], None).await;
    for carrier in &CARRIERS {
        let other = if carrier.listener == SUBMISSIONS { ("reader", &reader) } else { ("sender", &sender) };
        for mechanism in WITH_THE_SECRET.into_iter().chain(BY_CHALLENGE) {
            let stranger = house.try_key(carrier, mechanism, "ghost@example.org", "wrong").await;
            assert!(!stranger.starts_with(carrier.success), "{stranger}");
            for (user, secret) in [
                ("ghost@example.org/phone", phone.as_str()),
                ("ann@example.org/ghost", &phone),
                ("ann@example.org/", &phone),
                ("ann@example.org/phone", "wrong"),
                ("ann@example.org/phone", PASSWORD),
                ("ann@example.org/old", &old),
                ("ann@example.org/gone", &gone),
                (&format!("ann@example.org/{}", other.0), other.1),
                (ANN, PASSWORD),
                (ANN, &old),
                (ANN, &gone),
                (ANN, other.1),
            ] {
                let line = house.try_key(carrier, mechanism, user, secret).await;
                assert_eq!(line, stranger, "{} {mechanism} {user}", carrier.listener);
            }
        }
        let own = if carrier.listener == SUBMISSIONS { &sender } else { &phone };
        let line = house.try_key(carrier, Mechanism::Plain, ANN, own).await;
        assert!(line.starts_with(carrier.success), "{line}");
    }
}

/// Guessing at keys is put off as guessing at passwords is.
#[tokio::test]
async fn guesses_are_counted() {
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    draft.options.max_failed_logins = posthouse_server::MaxFailedLogins(3);
    draft.options.flow_control.exempt.clear();
    let house = draft.start();
    let phone = house.key("phone", &KeyService::EACH, None).await;
    let imap = &CARRIERS[1];
    for (mechanism, user) in [
        (Mechanism::Plain, "ann@example.org/ghost"),
        (Mechanism::ScramSha256, "ann@example.org/ghost"),
        (Mechanism::Plain, "ann@example.org/phone"),
    ] {
        let line = house.try_key(imap, mechanism, user, "wrong").await;
        assert!(line.starts_with("a NO [AUTHENTICATIONFAILED]"), "{line}");
    }
    let line = house.try_key(imap, Mechanism::Plain, "ann@example.org/phone", &phone).await;
    assert!(!line.starts_with(imap.success), "{line}");
}

/// Signed in in every protocol with one key.
async fn three_sessions(house: &TestHouse, secret: &str) -> [Client; 3] {
    let mut clients = Vec::new();
    for carrier in &CARRIERS {
        let mut client = connect(house, carrier).await;
        let line = sign_in_as(&mut client, carrier, Mechanism::ScramSha256, ("ann@example.org/phone", secret)).await;
        assert!(line.starts_with(carrier.success), "{line}");
        clients.push(client);
    }
    clients.try_into().ok().unwrap()
}

/// What each of them hears when it ends without having said a word.
async fn assert_told_to_go([mut smtp, mut imap, mut pop3]: [Client; 3]) {
    smtp.expect("421 4.7.0 ").await;
    imap.expect("* BYE ").await;
    pop3.expect("-ERR [AUTH]").await;
    for client in [&mut smtp, &mut imap, &mut pop3] {
        client.expect_end().await;
    }
}

#[tokio::test]
async fn sessions_end_with_their_key() {
    let house = TestHouse::start().await;
    let phone = house.key("phone", &KeyService::EACH, None).await;
    house.key("other", &KeyService::EACH, None).await;
    let [mut smtp, mut imap, pop3] = three_sessions(&house, &phone).await;
    imap.send("b SELECT INBOX").await;
    imap.until("b OK").await;
    // Whoever signed in with the password is not concerned.
    let mut main = house.imap().await;
    // That another goes does not matter.
    house.identity().remove_key(&ann(), "other").await.unwrap();
    smtp.send("MAIL FROM:<ann@example.org>").await;
    smtp.expect("250 ").await;
    imap.send("c IDLE").await;
    imap.expect("+ ").await;
    house.identity().remove_key(&ann(), "phone").await.unwrap();
    assert_told_to_go([smtp, imap, pop3]).await;
    main.send("b SELECT INBOX").await;
    main.until("b OK").await;
}

#[tokio::test]
async fn sessions_end_when_the_password_is_barred() {
    let house = TestHouse::start().await;
    let phone = house.key("phone", &KeyService::EACH, None).await;
    let [mut smtp, ..] = three_sessions(&house, &phone).await;
    let mut main = house.imap().await;
    house.identity().bar_password(&ann(), true).await.unwrap();
    main.expect("* BYE ").await;
    main.expect_end().await;
    smtp.send("MAIL FROM:<ann@example.org>").await;
    smtp.expect("250 ").await;
}

/// A clock that a test sets.
struct Clock(AtomicI64);

impl Environment for Clock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::Relaxed))
    }

    fn random(&self) -> u64 {
        SystemEnvironment.random()
    }
}

/// Nobody is told that a key expires: whoever does something with it is.
#[tokio::test]
async fn an_expired_key_is_good_for_no_other_command() {
    const BEGIN: i64 = 1_800_000_000_000;
    let clock = Arc::new(Clock(AtomicI64::new(BEGIN)));
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    draft.rooms.environment = Arc::<Clock>::clone(&clock);
    let house = draft.start();
    house.deliver("Subject: x\r\n\r\nText\r\n").await;
    let phone = house.key("phone", &KeyService::EACH, Some(UnixMillis(BEGIN + 1000))).await;
    let [mut smtp, mut imap, mut pop3] = three_sessions(&house, &phone).await;
    clock.0.store(BEGIN + 1000, Ordering::Relaxed);
    smtp.send("MAIL FROM:<ann@example.org>").await;
    smtp.expect("550 5.7.1 What you signed in with is good no longer").await;
    imap.send("c SELECT INBOX").await;
    imap.expect_end().await;
    pop3.send("RETR 1").await;
    pop3.expect_end().await;
}
