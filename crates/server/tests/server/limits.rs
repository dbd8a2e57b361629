//! How many connections there may be.

use ipnet::IpNet;
use posthouse_storage::MemoryStorage;

use crate::house::{IMAP, IMAPS, MX, POP3, TestHouse};

#[tokio::test]
async fn a_full_listener_says_so_and_makes_room_again() {
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    for name in [MX, IMAP, IMAPS, POP3] {
        draft.listener(name).limits.max_connections = 1;
    }
    let house = draft.start();
    for (listener, greeting, refusal) in
        [(MX, "220 ", "421 4.7.0 "), (IMAP, "* OK", "* BYE "), (POP3, "+OK", "-ERR [SYS/TEMP]")]
    {
        let mut first = house.connect(listener).await;
        first.expect(greeting).await;
        let mut second = house.connect(listener).await;
        second.expect(refusal).await;
        second.expect_end().await;
        let quit = if listener == IMAP { "a LOGOUT" } else { "QUIT" };
        first.send(quit).await;
        first.rest().await;
        // The place is free as soon as the connection has ended on the other side, too.
        loop {
            let mut next = house.connect(listener).await;
            if next.line().await.is_some_and(|line| line.starts_with(greeting)) {
                break;
            }
        }
    }
    let _first = house.connect_tls(IMAPS).await;
    let mut second = house.connect(IMAPS).await;
    second.expect_end().await;
}

#[tokio::test]
async fn addresses_and_networks_have_bounds() {
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    draft.options.flow_control.exempt = Vec::<IpNet>::new();
    draft.options.flow_control.new_per_minute_per_network = 4;
    draft.listener(MX).limits.max_per_address = 2;
    let house = draft.start();
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut client = house.connect(MX).await;
        client.expect("220 ").await;
        open.push(client);
    }
    house.connect(MX).await.expect("421 4.7.0").await;
    // The fourth of this minute, elsewhere.
    house.connect(POP3).await.expect("+OK").await;
    house.connect(POP3).await.expect("-ERR").await;
    let metrics = house.server.metrics().render();
    for reason in [
        "posthouse_connections_turned_away_total{listener=\"mx\",reason=\"address full\"} 1",
        "posthouse_connections_turned_away_total{listener=\"pop3\",reason=\"too fast\"} 1",
    ] {
        assert!(metrics.contains(reason), "{metrics}");
    }
}
