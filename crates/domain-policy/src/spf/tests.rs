use std::net::IpAddr;
use std::path::Path;

use proptest::prelude::*;
use yaml_rust2::{Yaml, YamlLoader};

use super::*;
use crate::LookupError;
use crate::test_dns::TestDns;

fn ask<'a>(ip: &str, domain: &'a str) -> SpfQuestion<'a> {
    SpfQuestion {
        ip: ip.parse().unwrap(),
        helo: "helo.example",
        local_part: "user",
        domain,
        receiver: "here.example",
        unix_seconds: 1_000_000_000,
    }
}

async fn check(zone: &TestDns, ip: &str, expected: &str) {
    assert_eq!(check_host(zone, &ask(ip, "a.example")).await.keyword(), expected, "{ip}");
}

#[tokio::test]
async fn addresses_and_networks() {
    let zone = TestDns::default()
        .with("a.example", "v=spf1 ip4:192.0.2.0/25 ip6:2001:db8::/32 a:host.a.example/32//64 ~all")
        .with_address("host.a.example", "198.51.100.7")
        .with_address("host.a.example", "2001:db9::7");
    check(&zone, "192.0.2.127", "pass").await;
    check(&zone, "192.0.2.128", "softfail").await;
    check(&zone, "::ffff:192.0.2.1", "pass").await;
    check(&zone, "2001:db8:ffff::1", "pass").await;
    check(&zone, "2001:db9::8", "pass").await;
    check(&zone, "198.51.100.8", "softfail").await;
}

#[tokio::test]
async fn a_stranger_cannot_have_us_ask_without_end() {
    for record in [
        "v=spf1 include:a.example -all",
        "v=spf1 redirect=a.example",
        "v=spf1 a:x.example a:y.example a:z.example -all",
    ] {
        let zone = TestDns::default().with("a.example", record);
        check(&zone, "192.0.2.1", "permerror").await;
        assert!(zone.asked() <= 1 + MAX_LOOKUPS, "{record}");
    }
}

#[tokio::test]
async fn silence_is_told_apart_from_absence() {
    check(&TestDns::default(), "192.0.2.1", "none").await;
    let silent = TestDns::default().failing("a.example", LookupError::Unavailable("no answer in time".to_owned()));
    check(&silent, "192.0.2.1", "temperror").await;
}

#[tokio::test]
async fn explanations_are_short_and_in_ascii() {
    let explain = |text: String| {
        TestDns::default().with("a.example", "v=spf1 -all exp=why.a.example").with("why.a.example", &text)
    };
    let result = |zone: TestDns| async move { check_host(&zone, &ask("192.0.2.1", "a.example")).await };
    let told = |text: &str| SpfResult::Fail { explanation: Some(text.to_owned()) };
    let nothing = SpfResult::Fail { explanation: None };
    assert_eq!(
        result(explain("%{s} may not send from %{c}".to_owned())).await,
        told("user@a.example may not send from 192.0.2.1")
    );
    assert_eq!(result(explain("550 no\r\n250 yes".to_owned())).await, nothing);
    assert_eq!(result(explain("x".repeat(MAX_EXPLANATION_BYTES + 1))).await, nothing);
}

#[test]
fn records() {
    let check = |text: &str, is_good: bool| assert_eq!(check_record(text).is_ok(), is_good, "{text}");
    check("v=spf1", true);
    check("v=spf1 mx a:mail.example.org/24//64 include:_spf.example.org -all", true);
    check("v=spf1 ip4:192.0.2.0/33", false);
    check("v=spf1 ip4:192.0.2.0/024", false);
    check("v=spf1 a:mail.example.org:25", false);
    check("v=spf1 exists:%{l1r-}.%{d2}", true);
    check("v=spf1 exists:%{l0}.example.org", false);
    check("v=spf1 -all redirect=a.example redirect=b.example", false);
    check("v=spf1 unknown-modifier=%{x}", false);
    check("v=spf1 moo", false);
    check("v=spf1 all:x.example", false);
    assert!(is_spf_record("V=SPF1 -all") && !is_spf_record("v=spf10") && !is_spf_record("v=spf"));
}

proptest! {
    #[test]
    fn no_record_is_too_strange(text in "v=spf1( [-+~?a-z0-9:/.%{}=_ ü]{0,12}){0,6}") {
        let _ = check_record(&text);
    }
}

/// Cases of the suite that ask about names which no host can have. We ask about no such names.
const STRANGE_NAMES: [&str; 5] = [
    "a-colon-domain",
    "a-colon-domain-ip4mapped",
    "macro-mania-in-domain",
    "mx-colon-domain",
    "mx-colon-domain-ip4mapped",
];
/// The suite of the people who wrote SPF, where it lies beside the repository.
const PUBLIC_CASES: &str = "../../../shared/vectors/rfc7208-tests.yml";

fn text_of(value: &Yaml) -> String {
    match value {
        Yaml::Array(strings) => strings.iter().map(text_of).collect(),
        Yaml::Integer(number) => number.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

fn reverse_name(name: &str) -> Option<IpAddr> {
    let name = name.to_ascii_lowercase();
    if let Some(octets) = name.strip_suffix(".in-addr.arpa") {
        return octets.split('.').rev().collect::<Vec<_>>().join(".").parse().ok();
    }
    let nibbles: String = name.strip_suffix(".ip6.arpa")?.split('.').rev().collect();
    u128::from_str_radix(&nibbles, 16).ok().map(|bits| IpAddr::V6(bits.into()))
}

fn zone_of(data: &Yaml) -> TestDns {
    let mut zone = TestDns::default();
    for (name, records) in data.as_hash().unwrap() {
        let name = name.as_str().unwrap().to_ascii_lowercase();
        let name = name.trim_end_matches('.');
        let records = records.as_vec().unwrap();
        // What is given as SPF is meant as TXT, too, unless there is TXT.
        let has_texts = records.iter().any(|record| !record["TXT"].is_badvalue());
        for record in records {
            let Some(record) = record.as_hash() else {
                // Only questions for the kind that is not given.
                if records.iter().any(|record| !record["TXT"].is_badvalue() && text_of(&record["TXT"]) != "NONE") {
                    continue;
                }
                zone = zone.failing(name, LookupError::Unavailable("no answer in time".to_owned()));
                continue;
            };
            for (kind, value) in record {
                let text = value.as_str().unwrap_or_default();
                zone = match kind.as_str().unwrap() {
                    "TXT" if text == "NONE" => zone,
                    "TXT" => zone.with(name, &text_of(value)),
                    "SPF" if !has_texts => zone.with(name, &text_of(value)),
                    "A" | "AAAA" => zone.with_address(name, text),
                    "MX" => {
                        let preference = u16::try_from(value[0].as_i64().unwrap()).unwrap();
                        zone.with_mail_host(name, preference, value[1].as_str().unwrap())
                    }
                    "CNAME" => zone.with_alias(name, text),
                    "PTR" => match reverse_name(name) {
                        Some(address) => zone.with_name(address, text),
                        None => zone,
                    },
                    _ => zone,
                };
            }
        }
    }
    zone
}

#[tokio::test]
async fn the_public_cases() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PUBLIC_CASES);
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let mut failures = Vec::new();
    let mut count = 0;
    for scenario in YamlLoader::load_from_str(&text).unwrap() {
        let zone = zone_of(&scenario["zonedata"]);
        for (name, case) in scenario["tests"].as_hash().unwrap() {
            if STRANGE_NAMES.contains(&text_of(name).as_str()) {
                continue;
            }
            count += 1;
            let helo = text_of(&case["helo"]);
            let sender = text_of(&case["mailfrom"]);
            let (local_part, domain) = match sender.rsplit_once('@') {
                Some(("", domain)) => ("postmaster", domain.to_owned()),
                Some((local_part, domain)) => (local_part, domain.to_owned()),
                None if sender.is_empty() => ("postmaster", helo.clone()),
                None => ("postmaster", sender.clone()),
            };
            let ip = text_of(&case["host"]).parse().unwrap();
            let question =
                SpfQuestion { ip, helo: &helo, local_part, domain: &domain, receiver: "receiver", unix_seconds: 0 };
            let result = check_host(&zone, &question).await;
            let expected: Vec<String> = match &case["result"] {
                Yaml::Array(any) => any.iter().map(text_of).collect(),
                one => vec![text_of(one)],
            };
            let explanation = text_of(&case["explanation"]);
            let is_explained = match &result {
                SpfResult::Fail { explanation: told } if !explanation.is_empty() && explanation != "DEFAULT" => {
                    told.as_ref().is_some_and(|told| told.eq_ignore_ascii_case(&explanation))
                }
                _ => true,
            };
            if !expected.iter().any(|one| one == result.keyword()) || !is_explained {
                failures.push(format!("{}: {result:?}, not {expected:?} {explanation:?}", text_of(name)));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}
