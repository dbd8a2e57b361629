//! Who connects with what is noted, in every protocol, once for each connection.

use std::sync::Arc;

use posthouse_model::AccountId;
use posthouse_server::inventory::Sightings;
use posthouse_storage::{Directory, Inventory, MemoryStorage, SightingFilter};

use crate::house::{IMAPS, MX, PASSWORD, POP3S, SUBMISSION, TestHouse};

const MESSAGE: &str = "From: x@elsewhere.example\r\nSubject: hi\r\n\r\nhello\r\n";

/// One line for each sighting: who, listener, TLS version, mechanism, client, connections.
async fn lines(store: &MemoryStorage, sightings: &Sightings) -> Vec<String> {
    sightings.write(store).await.unwrap();
    let ann = store.accounts(None).await.unwrap()[0].id;
    let found = store.sightings(&SightingFilter::default(), 100).await.unwrap();
    let mut lines: Vec<String> = found
        .into_iter()
        .map(|one| {
            let who = |id: AccountId| if id == ann { "ann" } else { "bob" };
            let key = one.key;
            assert!(key.port > 0);
            assert_eq!(key.tls_version.is_empty(), key.cipher_suite.is_empty());
            format!(
                "{} {} {} {} {} {}",
                key.account.map_or(key.peer.as_str(), who),
                key.listener,
                if key.tls_version.is_empty() { "clear" } else { &key.tls_version },
                if key.mechanism.is_empty() { "-" } else { &key.mechanism },
                if key.client.is_empty() { "-" } else { &key.client },
                one.connections
            )
        })
        .collect();
    lines.sort();
    lines
}

fn plain(user: &str, password: &str) -> String {
    posthouse_sasl::encode_line(format!("\0{user}\0{password}").as_bytes())
}

#[tokio::test]
async fn every_door_notes_who_comes_through() {
    let store = MemoryStorage::new();
    let draft = TestHouse::draft(store.clone()).await;
    let sightings = Arc::clone(&draft.options.sightings);
    let house = draft.start();

    // Strangers count only when they have handed something in, and then once.
    let mut stranger = house.connect(MX).await;
    stranger.expect("220 ").await;
    stranger.send("EHLO mail-7.Somebody.Example").await;
    stranger.until("250 ").await;
    assert_eq!(lines(&store, &sightings).await, [""; 0]);
    for _ in 0..2 {
        stranger.hand_over("x@elsewhere.example", "ann@example.org", MESSAGE).await;
        stranger.expect("250 ").await;
    }
    stranger.send("STARTTLS").await;
    stranger.expect("220 ").await;
    stranger.begin_tls().await;
    stranger.hand_over("x@elsewhere.example", "ann@example.org", MESSAGE).await;
    stranger.expect("250 ").await;

    for greeting in ["phone.local", "[10.0.0.7]", "[10.0.0.8]"] {
        let mut phone = house.connect(SUBMISSION).await;
        phone.expect("220 ").await;
        phone.send("EHLO before").await;
        phone.until("250 ").await;
        phone.send("STARTTLS").await;
        phone.expect("220 ").await;
        phone.begin_tls().await;
        phone.send(&format!("EHLO {greeting}")).await;
        phone.until("250 ").await;
        phone.send(&format!("AUTH PLAIN {}", plain("ann@example.org", "wrong"))).await;
        phone.expect("535 ").await;
        phone.send(&format!("AUTH PLAIN {}", plain("ann@example.org", PASSWORD))).await;
        phone.expect("235 ").await;
    }

    let mut imap = house.connect_tls(IMAPS).await;
    imap.expect("* OK").await;
    imap.send(&format!("a LOGIN bob@example.org \"{PASSWORD}\"")).await;
    imap.until("a OK").await;
    imap.send("b ID (\"version\" \"140.1\" \"NAME\" \"Thunderbird\" \"os\" NIL)").await;
    imap.until("b OK").await;
    imap.send("c ID (\"name\" \"Another\")").await;
    imap.until("c OK").await;

    let mut pop3 = house.connect_tls(POP3S).await;
    pop3.expect("+OK").await;
    pop3.send("USER bob@example.org").await;
    pop3.expect("+OK").await;
    pop3.send(&format!("PASS {PASSWORD}")).await;
    pop3.expect("+OK").await;

    assert_eq!(
        lines(&store, &sightings).await,
        [
            "ann submission TLS1.3 PLAIN (address) 2",
            "ann submission TLS1.3 PLAIN phone.local 1",
            "bob imaps TLS1.3 PLAIN Thunderbird 140.1 1",
            "bob pop3s TLS1.3 PLAIN - 1",
            "client.example mx TLS1.3 - - 1",
            "client.example mx clear - - 1",
        ]
    );
}
