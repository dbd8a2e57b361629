use std::collections::HashMap;

use async_trait::async_trait;

use super::*;
use crate::resolver::{MxRecord, Records};

/// What DNS says of each name.
type Table<T> = HashMap<&'static str, Result<Vec<T>, LookupError>>;

/// DNS from literal tables; a name with no entry does not exist.
#[derive(Default)]
struct Zone {
    mx: Table<(u16, &'static str)>,
    addresses: Table<&'static str>,
}

fn records<T>(records: Vec<T>) -> Records<T> {
    Records { records, proof: Proof::Insecure }
}

#[async_trait]
impl Resolver for Zone {
    async fn mx(&self, domain: &Domain) -> Result<Records<MxRecord>, LookupError> {
        let found = self.mx.get(domain.as_str()).cloned().unwrap_or(Err(LookupError::NoSuchName))?;
        let record = |(preference, host): (u16, &str)| MxRecord {
            preference,
            exchange: (host != ".").then(|| Domain::parse(host).unwrap()),
        };
        Ok(records(found.into_iter().map(record).collect()))
    }

    async fn addresses(&self, host: &Domain) -> Result<Records<IpAddr>, LookupError> {
        let found = self.addresses.get(host.as_str()).cloned().unwrap_or(Err(LookupError::NoSuchName))?;
        Ok(records(found.into_iter().map(|ip| ip.parse().unwrap()).collect()))
    }

    async fn texts(&self, _: &Domain) -> Result<Records<String>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn current_texts(&self, _: &Domain) -> Result<Records<String>, LookupError> {
        Err(LookupError::NoRecords)
    }
}

fn down() -> LookupError {
    LookupError::Unavailable("timeout".to_owned())
}

async fn check(zone: &Zone, domain: &str, expected: Result<&[&str], MailHostsError>) {
    let domain = Domain::parse(domain).unwrap();
    let own = Domain::parse("own.example").unwrap();
    for random in [0, 1, 7, u64::MAX] {
        let found = mail_hosts(zone, &domain, &own, random).await;
        let names = found.map(|found| found.hosts.into_iter().map(|host| host.name.to_string()).collect::<Vec<_>>());
        assert_eq!(names, expected.clone().map(|names| names.iter().map(|&name| name.to_owned()).collect()));
    }
}

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

#[tokio::test]
async fn hosts_come_by_preference() {
    let zone = Zone {
        mx: HashMap::from([("d.example", Ok(vec![(20, "b.example"), (10, "a.example"), (30, "gone.example")]))]),
        addresses: HashMap::from([("a.example", Ok(vec!["192.0.2.1"])), ("b.example", Ok(vec!["192.0.2.2"]))]),
    };
    check(&zone, "d.example", Ok(&["a.example", "b.example"])).await;
}

#[tokio::test]
async fn one_preference_is_shuffled() {
    let zone = Zone {
        mx: HashMap::from([("d.example", Ok(vec![(10, "a.example"), (10, "b.example")]))]),
        addresses: HashMap::from([("a.example", Ok(vec!["192.0.2.1"])), ("b.example", Ok(vec!["192.0.2.2"]))]),
    };
    let mut first = std::collections::BTreeSet::new();
    for random in 0..50 {
        let found = mail_hosts(&zone, &domain("d.example"), &domain("own.example"), random).await.unwrap();
        first.insert(found.hosts[0].name.to_string());
    }
    assert_eq!(first.len(), 2);
}

#[tokio::test]
async fn without_mx_the_domain_itself_is_the_host() {
    let zone = Zone {
        mx: HashMap::from([("d.example", Err(LookupError::NoRecords))]),
        addresses: HashMap::from([("d.example", Ok(vec!["192.0.2.1"]))]),
    };
    check(&zone, "d.example", Ok(&["d.example"])).await;
    check(&zone, "[192.0.2.9]", Ok(&["[192.0.2.9]"])).await;
}

#[tokio::test]
async fn nowhere_to_go() {
    let zone = Zone {
        mx: HashMap::from([
            ("null.example", Ok(vec![(0, ".")])),
            ("down.example", Err(down())),
            ("bogus.example", Err(LookupError::Bogus)),
            ("empty.example", Ok(vec![(10, "gone.example")])),
            ("half.example", Ok(vec![(10, "gone.example"), (20, "silent.example")])),
            ("ours.example", Ok(vec![(10, "own.example"), (20, "a.example")])),
            ("backup.example", Ok(vec![(5, "a.example"), (10, "own.example"), (20, "b.example")])),
        ]),
        addresses: HashMap::from([
            ("a.example", Ok(vec!["192.0.2.1"])),
            ("b.example", Ok(vec!["192.0.2.2"])),
            ("silent.example", Err(down())),
        ]),
    };
    let unavailable = |name, error| MailHostsError::Unavailable { domain: domain(name), error };
    check(&zone, "null.example", Err(MailHostsError::NullMx(domain("null.example")))).await;
    check(&zone, "none.example", Err(MailHostsError::NoSuchDomain(domain("none.example")))).await;
    check(&zone, "down.example", Err(unavailable("down.example", down()))).await;
    check(&zone, "bogus.example", Err(unavailable("bogus.example", LookupError::Bogus))).await;
    check(&zone, "empty.example", Err(MailHostsError::NoAddress(domain("empty.example")))).await;
    check(&zone, "half.example", Err(unavailable("half.example", down()))).await;
    check(&zone, "ours.example", Err(MailHostsError::WeAreBest(domain("ours.example")))).await;
    check(&zone, "backup.example", Ok(&["a.example"])).await;
}

#[test]
fn families_take_turns() {
    let ips = |list: &[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
    let mixed = by_turns(ips(&["192.0.2.1", "192.0.2.2", "2001:db8::1"]));
    assert_eq!(mixed, ips(&["2001:db8::1", "192.0.2.1", "192.0.2.2"]));
}
