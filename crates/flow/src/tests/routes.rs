use std::time::Duration;

use posthouse_model::Domain;
use posthouse_storage::Routes;
use posthouse_storage::routes::{RouteFor, RouteHost, RouteLimits, RouteLogin, RouteTls, StoredRoute};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn route(name: &str, takes: RouteFor, hosts: &[(&str, u16)], limits: RouteLimits) -> StoredRoute {
    let hosts = hosts.iter().map(|&(host, preference)| RouteHost { preference, host: domain(host), port: 587 });
    StoredRoute {
        name: name.to_owned(),
        takes,
        hosts: hosts.collect(),
        tls: RouteTls::StartTls,
        certificate_name: Some(domain("certified.example")),
        login: Some(RouteLogin::password("ann", posthouse_model::Secret::new("secret"))),
        certificate: None,
        limits,
    }
}

async fn open(house: &House, route: StoredRoute) {
    house.store.put_route(route).await.unwrap();
    house.flow.read_routes().await.unwrap();
}

async fn ann_writes(house: &House, recipient: &str) {
    house.ann_writes(envelope("ann@ours.example", &[recipient])).await;
}

/// A route that is made and removed holds at once, and its hosts are tried in order.
#[tokio::test(start_paused = true)]
async fn hosts_of_a_route_stand_in_for_each_other() {
    let house = House::open().await;
    let from = RouteFor { from: Some(domain("ours.example")), ..RouteFor::default() };
    let limits = RouteLimits { messages_per_connection: Some(7), ..RouteLimits::default() };
    open(&house, route("a", from, &[("second.example", 2), ("first.example", 1)], limits)).await;
    let dispatching = house.dispatch(|_, carried: &Carried| match carried.host() {
        "first.example" => Outcome::Unusable,
        _ => Outcome::Reply(250),
    });
    ann_writes(&house, "x@far.example").await;
    let carried = dispatching.carried_within(Duration::from_secs(1)).await;
    assert_eq!(carried.iter().map(Carried::host).collect::<Vec<_>>(), ["first.example", "second.example"]);
    let hop = &carried[1].hop;
    assert_eq!((hop.certificate_name.as_ref(), hop.max_messages), (Some(&domain("certified.example")), Some(7)));
    assert_eq!(hop.login.as_ref().map(|login| login.name.as_str()), Some("ann"));
    house.store.remove_route("a").await.unwrap();
    house.flow.read_routes().await.unwrap();
    ann_writes(&house, "x@far.example").await;
    let carried = dispatching.carried_within(Duration::from_secs(1)).await;
    assert_ne!(carried[2].host(), "first.example");
    assert!(carried[2].hop.login.is_none());
}

/// Mail of one account goes its way, that of others theirs, though both are for one destination.
#[tokio::test(start_paused = true)]
async fn routes_are_of_accounts() {
    let house = House::open().await;
    let account = Some(house.ann().await.account());
    let takes = RouteFor { account, ..RouteFor::default() };
    open(&house, route("ann", takes, &[("relay.example", 1)], RouteLimits::default())).await;
    house.alias("list@ours.example", &["y@far.example"]).await;
    ann_writes(&house, "x@far.example").await;
    let text = "From: z@else.example\r\n\r\nhi\r\n";
    house.receive(crate::Door::Mx, envelope("z@else.example", &["list@ours.example"]), text).await.unwrap();
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    let carried = dispatching.carried_within(Duration::from_secs(1)).await;
    let ways = carried.iter().map(|one| (one.consignment.recipients[0].address.to_string(), one.hop.login.is_some()));
    let mut ways: Vec<_> = ways.collect();
    ways.sort();
    assert_eq!(ways, [("x@far.example".to_owned(), true), ("y@far.example".to_owned(), false)]);
}

/// In no minute does more go than may, all of it goes in the end, and nothing is tried in vain.
#[tokio::test(start_paused = true)]
async fn a_route_carries_so_much_and_no_more() {
    let house = House::open().await;
    let limits = RouteLimits { per_minute: Some(2), per_hour: Some(5), ..RouteLimits::default() };
    open(&house, route("a", RouteFor::default(), &[("relay.example", 1)], limits)).await;
    for number in 0..8 {
        ann_writes(&house, &format!("x{number}@far.example")).await;
    }
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    let carried = dispatching.carried_within(5 * MINUTE).await;
    assert_eq!(carried.len(), 5);
    let waiting = house.queue().await.remove(0);
    assert!(waiting.last_outcome.unwrap().contains("the route a carries 5 messages per hour"));
    let carried = dispatching.carried_within(60 * MINUTE).await;
    assert_eq!(carried.len(), 8);
    let mut minutes = std::collections::BTreeMap::new();
    carried.iter().for_each(|one| *minutes.entry(one.at.0 / 60_000).or_insert(0) += 1);
    assert!(minutes.values().all(|count| *count <= 2), "{minutes:?}");
    assert_eq!(house.queue().await.len(), 0);
}

/// What only a route's limit has put off was not attempted: waits stay as short as for what is tried the first time.
#[tokio::test(start_paused = true)]
async fn what_a_route_puts_off_is_no_attempt() {
    let house = House::open().await;
    let limits = RouteLimits { per_minute: Some(1), ..RouteLimits::default() };
    open(&house, route("a", RouteFor::default(), &[("relay.example", 1)], limits)).await;
    for number in 0..5 {
        ann_writes(&house, &format!("x{number}@far.example")).await;
    }
    let dispatching = house.dispatch(answers(Outcome::Reply(450)));
    let carried = dispatching.carried_within(MINUTE).await;
    let queue = house.queue().await;
    let attempts: u32 = queue.iter().map(|entry| entry.attempts).sum();
    assert_eq!((queue.len(), attempts as usize), (5, carried.len()));
    let put_off: Vec<_> = queue.iter().filter(|entry| entry.cause.as_deref() == Some("route-limit")).collect();
    assert!(!put_off.is_empty() && put_off.iter().all(|entry| entry.attempts == 0), "{queue:?}");
    assert!(put_off.iter().all(|entry| entry.last_outcome.is_some()));
}

/// One connection at once, and a rest after some messages.
#[tokio::test(start_paused = true)]
async fn a_route_rests() {
    let house = House::open().await;
    let limits = RouteLimits { connections: Some(1), pause_after: Some(2), pause_ms: 10_000, ..RouteLimits::default() };
    open(&house, route("a", RouteFor::default(), &[("relay.example", 1)], limits)).await;
    let dispatching = house.dispatch(answers(Outcome::After(Duration::from_secs(1))));
    for number in 0..5 {
        ann_writes(&house, &format!("x{number}@far.example")).await;
    }
    let carried = dispatching.carried_within(2 * MINUTE).await;
    assert_eq!((carried.len(), dispatching.most_at_once()), (5, 1));
    let begin = carried[0].at.0;
    let seconds: Vec<_> = carried.iter().map(|one| (one.at.0 - begin) / 1000).collect();
    assert_eq!(seconds, [0, 1, 12, 13, 24]);
}
