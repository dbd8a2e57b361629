//! Sessions of those who may not be signed in any more.

use std::sync::Arc;

use posthouse_model::{Address, Domain, Secret, UnixMillis};
use posthouse_storage::{AccountStatus, Directory, MemoryStorage};

use crate::client::Client;
use crate::house::{IMAPS, PASSWORD, POP3S, SUBMISSIONS, TestHouse};

struct Visit {
    house: TestHouse,
    store: Arc<MemoryStorage>,
    /// Of ann: one that idles, and one that has nothing to do.
    idles: Client,
    waits: Client,
    pop3: Client,
    submission: Client,
    /// Of bob.
    other: Client,
}

async fn imap_of(house: &TestHouse, name: &str) -> Client {
    let mut imap = house.connect_tls(IMAPS).await;
    imap.expect("* OK").await;
    imap.send(&format!("in LOGIN {name}@example.org \"{PASSWORD}\"")).await;
    imap.until("in OK").await;
    imap
}

impl Visit {
    async fn begin() -> Self {
        let store = MemoryStorage::new();
        let house = TestHouse::draft(Arc::<MemoryStorage>::clone(&store)).await.start();
        house.deliver("Subject: x\r\n\r\nHello.\r\n").await;
        let mut idles = house.imap().await;
        idles.send("a SELECT INBOX").await;
        idles.until("a OK").await;
        idles.send("b IDLE").await;
        idles.expect("+ ").await;
        let mut pop3 = house.connect_tls(POP3S).await;
        pop3.expect("+OK").await;
        for line in ["USER ann@example.org", &format!("PASS {PASSWORD}"), "DELE 1"] {
            pop3.send(line).await;
            pop3.expect("+OK").await;
        }
        let mut submission = house.connect_tls(SUBMISSIONS).await;
        submission.expect("220 ").await;
        submission.send("EHLO client.example").await;
        submission.until("250 ").await;
        submission.send(&format!("AUTH PLAIN {}", plain())).await;
        submission.expect("235 ").await;
        let (waits, other) = (house.imap().await, imap_of(&house, "bob").await);
        Self { house, store, idles, waits, pop3, submission, other }
    }

    /// Ann reads no more; her maildrop is as it was.
    async fn assert_no_mail(&mut self) {
        for imap in [&mut self.idles, &mut self.waits] {
            imap.expect("* BYE You may not use this service any more").await;
            imap.expect_end().await;
        }
        self.pop3.expect("-ERR [AUTH]").await;
        self.pop3.expect_end().await;
    }

    async fn assert_bob_stays(&mut self) {
        self.other.send("z NOOP").await;
        self.other.until("z OK").await;
    }

    async fn set_status(&self, status: AccountStatus) {
        let ann = Address::parse("ann@example.org").unwrap();
        self.house.identity().change_account(&ann, |account| account.status = status).await.unwrap();
    }

    async fn set_sends_only(&self, sends_only: bool) {
        let mut domain = self.store.domain(&Domain::parse("example.org").unwrap()).await.unwrap().unwrap();
        domain.sends_only = sends_only;
        self.store.update_domain(domain).await.unwrap();
    }
}

fn plain() -> String {
    posthouse_sasl::encode_line(format!("\0ann@example.org\0{PASSWORD}").as_bytes())
}

#[tokio::test]
async fn a_domain_that_sends_only_has_no_sessions_with_mail() {
    let mut visit = Visit::begin().await;
    visit.set_sends_only(true).await;
    visit.assert_no_mail().await;
    visit.other.expect("* BYE").await;
    visit.other.expect_end().await;
    visit.submission.send("MAIL FROM:<ann@example.org>").await;
    visit.submission.expect("250 ").await;
    visit.set_sends_only(false).await;
    // What was marked to be deleted is there: the session did not end as it should.
    let mut imap = visit.house.imap().await;
    imap.send("a SELECT INBOX").await;
    let told = imap.until("a OK").await;
    assert!(told.iter().any(|line| line == "* 1 EXISTS"), "{told:?}");
}

#[tokio::test]
async fn an_account_that_is_switched_off_has_no_sessions() {
    for status in [AccountStatus::Suspended, AccountStatus::LoginDisabled] {
        let mut visit = Visit::begin().await;
        visit.set_status(status).await;
        visit.assert_no_mail().await;
        visit.submission.expect("421 4.7.0 ").await;
        visit.submission.expect_end().await;
        visit.assert_bob_stays().await;
        // Whoever is let in again stays, whatever else changes.
        visit.set_status(AccountStatus::Active).await;
        let mut imap = visit.house.imap().await;
        visit.set_sends_only(false).await;
        imap.send("a NOOP").await;
        imap.until("a OK").await;
    }
}

#[tokio::test]
async fn an_account_that_sends_only_or_is_removed() {
    let mut visit = Visit::begin().await;
    visit.set_status(AccountStatus::SendOnly).await;
    visit.assert_no_mail().await;
    visit.submission.send("NOOP").await;
    visit.submission.expect("250 ").await;
    visit.house.identity().delete_account(&Address::parse("ann@example.org").unwrap()).await.unwrap();
    visit.submission.expect("421 4.7.0 ").await;
    visit.assert_bob_stays().await;
}

/// Whoever has the old password has no session any more; whoever signed in with the new one keeps theirs.
#[tokio::test]
async fn an_account_with_another_password() {
    let mut visit = Visit::begin().await;
    let ann = Address::parse("ann@example.org").unwrap();
    let new = "marble otter sundial 47";
    let now = UnixMillis(1_800_000_000_000);
    visit.house.identity().change_password(&ann, Secret::new(new), now).await.unwrap();
    visit.assert_no_mail().await;
    visit.submission.expect("421 4.7.0 ").await;
    visit.assert_bob_stays().await;
    let mut imap = visit.house.connect_tls(IMAPS).await;
    imap.expect("* OK").await;
    imap.send(&format!("in LOGIN ann@example.org \"{new}\"")).await;
    imap.until("in OK").await;
    visit.set_sends_only(false).await;
    imap.send("a NOOP").await;
    imap.until("a OK").await;
}

/// The attack: a client that never stops sending commands, so that there is always something to read.
#[tokio::test]
async fn nobody_stays_by_talking_on() {
    let mut visit = Visit::begin().await;
    visit.set_status(AccountStatus::Suspended).await;
    let mut is_over = false;
    for number in 0..1_000_000 {
        if visit.waits.try_send(format!("t{number} NOOP\r\n").as_bytes()).await.is_err() {
            is_over = true;
            break;
        }
    }
    assert!(is_over);
}
