//! Connections that carry more than one message.

use super::*;

async fn carry(courier: &SmtpCourier, hop: &NextHop, count: usize) -> Vec<Vec<String>> {
    let many = vec![consignment(&["bob@far.example"]); count];
    courier.carry(hop, many).await.unwrap().iter().map(told).collect()
}

fn all_well(count: usize) -> Vec<Vec<String>> {
    vec![vec!["ok 250".to_owned()]; count]
}

#[tokio::test]
async fn a_batch_shares_a_connection_and_the_next_one_does_too() {
    let peer = Peer::start(Manners::default()).await;
    let (courier, hop) = (courier(), hop(&peer, HopTls::Opportunistic));
    assert_eq!(carry(&courier, &hop, 3).await, all_well(3));
    assert_eq!(carry(&courier, &hop, 2).await, all_well(2));
    assert_eq!((peer.connections(), courier.idle_connections()), (1, 1));
    courier.close_idle().await;
    assert_eq!(courier.idle_connections(), 0);
    assert!(peer.has_seen("QUIT"));
}

#[tokio::test]
async fn inside_tls_too() {
    // What comes late inside TLS, such as session tickets, is nothing that the host said.
    let made = demo_certificates(&[HOST.to_owned()], ALWAYS.0, ALWAYS.1).unwrap();
    let tls = Some(tls_of(&made.server.certificate, &made.server.key));
    let peer = Peer::start(Manners { tls, ..Manners::default() }).await;
    let (courier, hop) = (courier_trusting(&made.authority, |_| {}), hop(&peer, HopTls::Verified));
    for _ in 0..3 {
        assert_eq!(carry(&courier, &hop, 1).await, all_well(1));
    }
    assert_eq!(peer.connections(), 1);
    assert!(peer.taken().iter().all(|taken| taken.in_tls));
}

#[tokio::test]
async fn connections_are_not_shared_between_kinds_of_tls() {
    let peer = Peer::start(Manners::default()).await;
    let courier = courier();
    assert_eq!(carry(&courier, &hop(&peer, HopTls::Opportunistic), 1).await, all_well(1));
    assert_eq!(carry(&courier, &hop(&peer, HopTls::None), 1).await, all_well(1));
    assert_eq!((peer.connections(), courier.idle_connections()), (2, 2));
}

#[tokio::test]
async fn no_more_are_kept_than_there_is_room_for() {
    let peer = Peer::start(Manners::default()).await;
    let courier = courier_trusting(&trusted(), |options| options.idle_connections = 1);
    carry(&courier, &hop(&peer, HopTls::Opportunistic), 1).await;
    carry(&courier, &hop(&peer, HopTls::None), 1).await;
    assert_eq!(courier.idle_connections(), 1);
}

#[tokio::test]
async fn a_kept_connection_that_died_is_replaced() {
    // The first connection takes one message, then dies at the next MAIL.
    let mails = std::sync::atomic::AtomicUsize::new(0);
    let manners = Manners {
        answer: Box::new(move |_, line| {
            let second = line.starts_with("MAIL") && mails.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1;
            second.then_some(Deed::Close)
        }),
        ..Manners::default()
    };
    let peer = Peer::start(manners).await;
    let (courier, hop) = (courier(), hop(&peer, HopTls::Opportunistic));
    assert_eq!(carry(&courier, &hop, 1).await, all_well(1));
    assert_eq!(carry(&courier, &hop, 1).await, all_well(1));
    assert_eq!((peer.connections(), peer.taken().len()), (2, 2));
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_not_used() {
    let manners = at(TEXT_ENDS, Deed::SayAndClose("250 taken, and bye"));
    let peer = Peer::start(manners).await;
    let (courier, hop) = (courier(), hop(&peer, HopTls::Opportunistic));
    for round in 1..=2 {
        assert_eq!(carry(&courier, &hop, 1).await, all_well(1));
        assert_eq!(peer.connections(), round);
    }
}

#[tokio::test]
async fn a_host_that_closes_between_messages_gets_the_rest_on_another_connection() {
    let manners = at(TEXT_ENDS, Deed::SayAndClose("250 taken, and bye"));
    let peer = Peer::start(manners).await;
    assert_eq!(carry(&courier(), &hop(&peer, HopTls::None), 3).await, all_well(3));
    assert_eq!(peer.connections(), 3);
}

#[tokio::test]
async fn a_limit_of_messages_is_kept() {
    let manners = Manners { extensions: vec!["LIMITS MAILMAX=2"], ..Manners::default() };
    let peer = Peer::start(manners).await;
    assert_eq!(carry(&courier(), &hop(&peer, HopTls::None), 5).await, all_well(5));
    assert_eq!(peer.connections(), 3);
}

#[tokio::test]
async fn what_was_not_begun_is_lost_for_now() {
    let manners = Manners {
        answer: Box::new(|number, line| match (number, line) {
            (1, TEXT_ENDS) => Some(Deed::SayAndClose("250 taken, and bye")),
            (1, _) => None,
            _ => Some(Deed::Close),
        }),
        ..Manners::default()
    };
    let peer = Peer::start(manners).await;
    let told = carry(&courier(), &hop(&peer, HopTls::None), 3).await;
    assert_eq!(told[0], ["ok 250"]);
    for lost in &told[1..] {
        assert!(lost[0].starts_with("later the connection was lost: the connection ended before"), "{lost:?}");
    }
}

#[tokio::test]
async fn kept_connections_go_after_a_while() {
    let peer = Peer::start(Manners::default()).await;
    let courier = courier_trusting(&trusted(), |options| options.idle_time = Duration::from_millis(20));
    carry(&courier, &hop(&peer, HopTls::None), 1).await;
    while courier.idle_connections() > 0 || !peer.has_seen("QUIT") {
        tokio::task::yield_now().await;
    }
}
