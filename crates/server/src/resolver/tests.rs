mod responder;
mod unbound;

use std::time::Duration;

use super::*;
use responder::{Behaviour, Responder, a, aaaa, alias, mx};

fn options() -> ResolverOptions {
    ResolverOptions { attempt_timeout: Duration::from_secs(1), retries: 0, ..ResolverOptions::default() }
}

fn resolver(servers: &[SocketAddr]) -> DnsResolver {
    DnsResolver::new(&ResolverConfig::Servers(servers.to_vec()), &options()).unwrap()
}

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

/// `10 mx.example` for each record, or the error, in one comparable form.
fn told(found: Result<Records<MxRecord>, LookupError>) -> Result<Vec<String>, LookupError> {
    let host = |record: &MxRecord| record.exchange.as_ref().map_or(".".to_owned(), ToString::to_string);
    found.map(|found| {
        assert_eq!(found.proof, Proof::Insecure);
        found.records.iter().map(|record| format!("{} {}", record.preference, host(record))).collect()
    })
}

async fn check_mx(resolver: &DnsResolver, name: &str, expected: Result<&[&str], LookupError>) {
    let expected = expected.map(|list| list.iter().map(|&line| line.to_owned()).collect());
    assert_eq!(told(resolver.mx(&domain(name)).await), expected, "{name}");
}

async fn check_addresses(resolver: &DnsResolver, name: &str, expected: Result<&[&str], LookupError>) {
    let expected = expected.map(|list| list.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>());
    assert_eq!(resolver.addresses(&domain(name)).await.map(|found| found.records), expected, "{name}");
}

fn unavailable(words: &str) -> LookupError {
    LookupError::Unavailable(words.to_owned())
}

#[tokio::test]
async fn mail_exchanges() {
    let responder = Responder::start(|name, kind| match (name, kind) {
        ("two.example", 15) => Behaviour::Records(vec![mx(name, 20, "b.example"), mx(name, 10, "a.example")]),
        ("null.example", 15) => Behaviour::Records(vec![mx(name, 0, "")]),
        ("alias.example", 15) => {
            Behaviour::Records(vec![alias(name, "two.example"), mx("two.example", 10, "a.example")])
        }
        ("foreign.example", 15) => Behaviour::Records(vec![mx("elsewhere.example", 10, "evil.example")]),
        ("odd.example", 15) => Behaviour::Records(vec![mx(name, 10, "-x-.example")]),
        ("large.example", 15) => {
            Behaviour::TruncatedOverUdp((0..60).map(|at| mx(name, at, &format!("host-{at}.example"))).collect())
        }
        ("empty.example", _) => Behaviour::NoRecords,
        ("gone.example", _) => Behaviour::NoSuchName,
        ("broken.example", _) => Behaviour::Code(2),
        ("refused.example", _) => Behaviour::Code(5),
        _ => Behaviour::Silent,
    })
    .await;
    let resolver = resolver(&[responder.address()]);
    check_mx(&resolver, "two.example", Ok(&["20 b.example", "10 a.example"])).await;
    check_mx(&resolver, "null.example", Ok(&["0 ."])).await;
    check_mx(&resolver, "alias.example", Ok(&["10 a.example"])).await;
    check_mx(&resolver, "odd.example", Err(unavailable("no MX record names a usable host"))).await;
    check_mx(&resolver, "empty.example", Err(LookupError::NoRecords)).await;
    check_mx(&resolver, "gone.example", Err(LookupError::NoSuchName)).await;
    check_mx(&resolver, "broken.example", Err(unavailable("a server answered Server Failure"))).await;
    check_mx(&resolver, "refused.example", Err(unavailable("a server answered Query Refused"))).await;
    check_mx(&resolver, "silent.example", Err(unavailable("no answer in time"))).await;
    // Silence, and a server that will not talk to us: nothing else says that DNS fails us.
    assert_eq!(resolver.lookups().unanswered, 2);
    check_mx(&resolver, "[192.0.2.1]", Err(LookupError::NoRecords)).await;
    assert_eq!(resolver.mx(&domain("large.example")).await.unwrap().records.len(), 60);
    let foreign = resolver.mx(&domain("foreign.example")).await;
    assert!(foreign.is_err(), "records of another name are none of ours: {foreign:?}");
}

#[tokio::test]
async fn addresses_of_both_families() {
    let responder = Responder::start(|name, kind| match (name, kind) {
        ("both.example", 1) => Behaviour::Records(vec![a(name, "192.0.2.1"), a(name, "192.0.2.2")]),
        ("both.example", 28) => Behaviour::Records(vec![aaaa(name, "2001:db8::1")]),
        ("four.example", 1) => Behaviour::Records(vec![a(name, "192.0.2.4")]),
        ("four.example", _) => Behaviour::NoRecords,
        ("half.example", 1) => Behaviour::Records(vec![a(name, "192.0.2.5")]),
        ("half.example", _) => Behaviour::Code(2),
        ("alias.example", _) => Behaviour::Records(vec![alias(name, "both.example")]),
        ("circle.example", _) => Behaviour::Records(vec![alias(name, "circle.example")]),
        ("empty.example", _) => Behaviour::NoRecords,
        ("mixed.example", 1) => Behaviour::NoRecords,
        ("mixed.example", _) => Behaviour::Code(2),
        ("gone.example", _) => Behaviour::NoSuchName,
        _ => Behaviour::Silent,
    })
    .await;
    let resolver = resolver(&[responder.address()]);
    check_addresses(&resolver, "both.example", Ok(&["2001:db8::1", "192.0.2.1", "192.0.2.2"])).await;
    check_addresses(&resolver, "four.example", Ok(&["192.0.2.4"])).await;
    check_addresses(&resolver, "half.example", Ok(&["192.0.2.5"])).await;
    check_addresses(&resolver, "alias.example", Ok(&["2001:db8::1", "192.0.2.1", "192.0.2.2"])).await;
    check_addresses(&resolver, "empty.example", Err(LookupError::NoRecords)).await;
    check_addresses(&resolver, "gone.example", Err(LookupError::NoSuchName)).await;
    check_addresses(&resolver, "mixed.example", Err(unavailable("a server answered Server Failure"))).await;
    check_addresses(&resolver, "[IPv6:2001:db8::9]", Ok(&["2001:db8::9"])).await;
    check_addresses(&resolver, "circle.example", Err(LookupError::NoRecords)).await;
}

#[tokio::test]
async fn answers_are_kept_and_failures_are_not() {
    let responder = Responder::start(|name, kind| match (name, kind) {
        ("two.example", 15) => Behaviour::Records(vec![mx(name, 10, "a.example")]),
        _ => Behaviour::Code(2),
    })
    .await;
    let resolver = resolver(&[responder.address()]);
    for _ in 0..3 {
        check_mx(&resolver, "two.example", Ok(&["10 a.example"])).await;
    }
    assert_eq!(responder.questions(), 1);
    for _ in 0..2 {
        assert!(resolver.mx(&domain("broken.example")).await.is_err());
    }
    assert_eq!(responder.questions(), 3);
}

#[tokio::test]
async fn a_silent_server_is_passed_over() {
    let silent = Responder::start(|_, _| Behaviour::Silent).await;
    let answering = Responder::start(|name, _| Behaviour::Records(vec![mx(name, 10, "a.example")])).await;
    let resolver = resolver(&[silent.address(), answering.address()]);
    check_mx(&resolver, "two.example", Ok(&["10 a.example"])).await;
}

#[tokio::test]
async fn nobody_to_ask() {
    let none = DnsResolver::new(&ResolverConfig::Servers(Vec::new()), &options());
    assert!(matches!(none, Err(ResolverError::NoServers)));
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let found = resolver(&[closed]).mx(&domain("two.example")).await;
    assert!(matches!(found, Err(LookupError::Unavailable(_))), "{found:?}");
}

#[tokio::test]
async fn what_ought_to_be_signed_and_is_not_is_never_secure() {
    let responder = Responder::start(|name, kind| match (name, kind) {
        ("two.example", 15) => Behaviour::Records(vec![mx(name, 10, "a.example")]),
        _ => Behaviour::NoRecords,
    })
    .await;
    let options = ResolverOptions { validate: true, ..options() };
    let resolver = DnsResolver::new(&ResolverConfig::Servers(vec![responder.address()]), &options).unwrap();
    // The root is signed, so an answer below it without a proof of being unsigned is no answer.
    let found = resolver.mx(&domain("two.example")).await;
    assert!(matches!(found, Err(LookupError::Bogus | LookupError::Unavailable(_))), "{found:?}");
}

#[test]
fn proofs_are_as_weak_as_the_weakest() {
    let records = |proof| Ok(Records { records: vec!["192.0.2.1".parse().unwrap()], proof });
    let check = |v6, v4, expected| assert_eq!(both_families(v6, v4).map(|found| found.proof), expected);
    check(records(Proof::Secure), records(Proof::Secure), Ok(Proof::Secure));
    check(records(Proof::Secure), records(Proof::Insecure), Ok(Proof::Insecure));
    check(records(Proof::Secure), Err(LookupError::NoRecords), Ok(Proof::Secure));
    check(Err(LookupError::Bogus), Err(unavailable("x")), Err(LookupError::Bogus));
    check(Err(LookupError::NoSuchName), Err(LookupError::NoRecords), Err(LookupError::NoRecords));
    check(Err(LookupError::NoRecords), Err(unavailable("x")), Err(unavailable("x")));
}
