use std::collections::HashMap;
use std::net::IpAddr;

use async_trait::async_trait;

use super::super::tlsa::TlsaRecord;
use super::*;
use crate::resolver::{MxRecord, Records};

/// DNS from tables, with the proof of each answer.
#[derive(Default)]
struct Zone {
    addresses: HashMap<&'static str, Proof>,
    aliases: HashMap<&'static str, (&'static str, Proof)>,
    tlsa: HashMap<&'static str, Result<(Vec<TlsaRecord>, Proof), LookupError>>,
    broken_aliases: bool,
}

#[async_trait]
impl Resolver for Zone {
    async fn mx(&self, _: &Domain) -> Result<Records<MxRecord>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn addresses(&self, host: &Domain) -> Result<Records<IpAddr>, LookupError> {
        let proof = *self.addresses.get(host.as_str()).ok_or(LookupError::NoSuchName)?;
        Ok(Records { records: vec![[192, 0, 2, 1].into()], proof })
    }

    async fn texts(&self, _: &Domain) -> Result<Records<String>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn current_texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        self.texts(name).await
    }

    async fn alias(&self, name: &Domain) -> Result<Records<Domain>, LookupError> {
        if self.broken_aliases {
            return Err(LookupError::Bogus);
        }
        let (target, proof) = *self.aliases.get(name.as_str()).ok_or(LookupError::NoRecords)?;
        Ok(Records { records: vec![Domain::parse(target).unwrap()], proof })
    }

    async fn tlsa(&self, name: &Domain) -> Result<Records<TlsaRecord>, LookupError> {
        let (records, proof) = self.tlsa.get(name.as_str()).cloned().unwrap_or(Err(LookupError::NoSuchName))?;
        Ok(Records { records, proof })
    }
}

fn good() -> Vec<TlsaRecord> {
    vec![TlsaRecord { usage: 3, selector: 1, matching: 1, data: vec![0; 32] }]
}

/// What is found for `mx.example` as a host of `example`: `usable at BASE` or the word for the rest.
async fn found(zone: &Zone, mx: Proof, addresses: Proof) -> String {
    let host = MailHost {
        name: Domain::parse("mx.example").unwrap(),
        preference: 10,
        addresses: vec![[192, 0, 2, 1].into()],
        proof: addresses,
    };
    match dane_of(zone, mx, &host, &Domain::parse("example").unwrap(), 25).await {
        Dane::Absent => "absent".to_owned(),
        Dane::Unusable => "unusable".to_owned(),
        Dane::Unknown(error) => format!("unknown: {error:?}"),
        Dane::Usable(set) => {
            let names: Vec<_> = set.names().iter().map(Domain::as_str).collect();
            format!("usable at {} for {}", set.base(), names.join(" "))
        }
    }
}

#[tokio::test]
async fn records_count_only_where_the_whole_way_is_signed() {
    use Proof::{Insecure, Secure};
    let mut zone = Zone::default();
    zone.tlsa.insert("_25._tcp.mx.example", Ok((good(), Secure)));
    assert_eq!(found(&zone, Secure, Secure).await, "usable at mx.example for mx.example example");
    assert_eq!(found(&zone, Insecure, Secure).await, "absent");
    assert_eq!(found(&zone, Secure, Insecure).await, "absent");
    zone.tlsa.insert("_25._tcp.mx.example", Ok((good(), Insecure)));
    assert_eq!(found(&zone, Secure, Secure).await, "absent");
    zone.tlsa.clear();
    assert_eq!(found(&zone, Secure, Secure).await, "absent");
}

#[tokio::test]
async fn an_answer_that_is_kept_away_is_not_an_absent_one() {
    let mut zone = Zone::default();
    for error in [LookupError::Bogus, LookupError::Unavailable("no answer in time".to_owned())] {
        zone.tlsa.insert("_25._tcp.mx.example", Err(error.clone()));
        assert_eq!(found(&zone, Proof::Secure, Proof::Secure).await, format!("unknown: {error:?}"));
    }
    zone.broken_aliases = true;
    assert_eq!(found(&zone, Proof::Secure, Proof::Secure).await, "unknown: Bogus");
}

#[tokio::test]
async fn records_of_which_none_can_be_used() {
    let mut zone = Zone::default();
    let records = vec![TlsaRecord { usage: 1, selector: 1, matching: 1, data: vec![0; 32] }];
    zone.tlsa.insert("_25._tcp.mx.example", Ok((records, Proof::Secure)));
    assert_eq!(found(&zone, Proof::Secure, Proof::Secure).await, "unusable");
}

#[tokio::test]
async fn aliases() {
    use Proof::{Insecure, Secure};
    let at_both = || {
        let mut zone = Zone::default();
        zone.tlsa.insert("_25._tcp.mx.example", Ok((good(), Secure)));
        zone.tlsa.insert("_25._tcp.host.far.example", Ok((good(), Secure)));
        zone
    };
    let mut zone = at_both();
    zone.aliases.insert("mx.example", ("between.example", Secure));
    zone.aliases.insert("between.example", ("host.far.example", Secure));
    zone.addresses.insert("host.far.example", Secure);
    // Where the chain lost its proof on the way to the addresses, it is found again.
    for addresses in [Secure, Insecure] {
        let expected = "usable at host.far.example for host.far.example mx.example example";
        assert_eq!(found(&zone, Secure, addresses).await, expected);
    }
    // No records there: the host's own are taken.
    zone.tlsa.remove("_25._tcp.host.far.example");
    assert_eq!(found(&zone, Secure, Secure).await, "usable at mx.example for mx.example example");

    // The end is not signed, but that the host is an alias is.
    let mut zone = at_both();
    zone.aliases.insert("mx.example", ("host.far.example", Secure));
    zone.addresses.insert("host.far.example", Insecure);
    assert_eq!(found(&zone, Secure, Insecure).await, "usable at mx.example for mx.example example");

    // Nothing is signed.
    zone.aliases.insert("mx.example", ("host.far.example", Insecure));
    assert_eq!(found(&zone, Secure, Insecure).await, "absent");
    // A chain that goes in circles ends.
    zone.aliases.insert("mx.example", ("mx.example", Secure));
    zone.addresses.insert("mx.example", Insecure);
    assert_eq!(found(&zone, Secure, Insecure).await, "usable at mx.example for mx.example example");
}
