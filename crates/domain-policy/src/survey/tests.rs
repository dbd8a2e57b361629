use std::net::IpAddr;

use super::*;
use crate::test_dns::TestDns;

const KEY: &str = "v=DKIM1; k=rsa; p=QUJD";

fn name(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A house where all is well.
fn well_kept() -> TestDns {
    TestDns::default()
        .with_address("mail.house.org", "203.0.113.5")
        .with_name(address("203.0.113.5"), "mail.house.org")
        .with_mail_host("house.org", 10, "mail.house.org")
        .with("house.org", "google-site-verification=x")
        .with("house.org", "v=spf1 mx -all")
        .with("one._domainkey.house.org", KEY)
        .with("_dmarc.house.org", "v=DMARC1; p=reject")
        .with("_mta-sts.house.org", "v=STSv1; id=1")
        .with("_smtp._tls.house.org", "v=TLSRPTv1; rua=mailto:postmaster@house.org")
}

fn own_domain() -> OwnDomain {
    let keys = vec![ExpectedKey { name: "one._domainkey.house.org".to_owned(), record: KEY.to_owned() }];
    OwnDomain { name: name("house.org"), keys, signs_as: name("house.org"), sends_only: false }
}

/// Everything that is not good: what it is about, how it stands.
async fn faults(dns: &TestDns) -> Vec<(String, Standing)> {
    let (host, mut findings) = survey_host(dns, &name("mail.house.org")).await;
    findings.extend(survey_domain(dns, &host, &own_domain()).await);
    let faults = findings.into_iter().filter(|finding| finding.standing != Standing::Good);
    faults
        .map(|finding| {
            assert!(finding.advice.is_some(), "{finding:?}");
            (finding.subject, finding.standing)
        })
        .collect()
}

async fn check(dns: TestDns, expected: &[(&str, Standing)]) {
    let expected: Vec<_> = expected.iter().map(|(subject, standing)| ((*subject).to_owned(), *standing)).collect();
    assert_eq!(faults(&dns).await, expected);
}

#[tokio::test]
async fn a_house_where_all_is_well() {
    check(well_kept(), &[]).await;
}

#[tokio::test]
async fn a_house_of_which_dns_knows_nothing() {
    use Standing::{Advice, Failure};
    let expected = [
        ("mail.house.org, addresses", Failure),
        ("house.org, MX", Failure),
        ("house.org, SPF", Failure),
        ("one._domainkey.house.org, DKIM", Failure),
        ("house.org, DMARC", Advice),
        ("house.org, MTA-STS", Advice),
        ("house.org, TLSRPT", Advice),
    ];
    check(TestDns::default(), &expected).await;
}

#[tokio::test]
async fn hosts_that_others_do_not_trust() {
    use Standing::Failure;
    let base = || well_kept().with_address("mail.house.org", "203.0.113.6");
    // Nobody has told the second address its name.
    check(base(), &[("203.0.113.6, reverse name", Failure)]).await;
    let other = base().with_name(address("203.0.113.6"), "customer-6.provider.net");
    check(other, &[("203.0.113.6, reverse name", Failure)]).await;
    let inside = well_kept().with_address("mail.house.org", "192.168.1.5");
    check(inside, &[("mail.house.org, addresses", Failure)]).await;
}

#[tokio::test]
async fn mail_that_goes_elsewhere() {
    use Standing::{Advice, Failure};
    let first = well_kept().with_mail_host("house.org", 5, "filter.provider.net");
    check(first, &[("house.org, MX", Advice)]).await;
    let host = OwnHost { name: name("mail.other.org"), addresses: vec![] };
    let finding = &survey_domain(&well_kept(), &host, &own_domain()).await[0];
    assert_eq!((finding.standing, finding.subject.as_str()), (Failure, "house.org, MX"));
    let wanted = finding.wanted.clone().unwrap();
    assert_eq!((wanted.kind, wanted.content.as_str()), ("MX", "10 mail.other.org."));
    let none = TestDns::default().with_mail_host("house.org", 0, ".");
    let finding = &survey_domain(&none, &host, &own_domain()).await[0];
    assert_eq!(finding.details, "it says that the domain takes no mail");
}

#[tokio::test]
async fn a_domain_that_only_sends() {
    let host = OwnHost { name: name("mail.house.org"), addresses: vec![address("203.0.113.5")] };
    let domain = OwnDomain { sends_only: true, ..own_domain() };
    let check = async |dns: TestDns, expected: &[(&str, &str)]| {
        let findings = survey_domain(&dns, &host, &domain).await;
        assert!(findings.iter().all(|one| !one.subject.contains("MTA-STS") && !one.subject.contains("TLSRPT")));
        let wanted: Vec<_> = findings.into_iter().filter_map(|finding| finding.wanted).collect();
        let wanted: Vec<_> = wanted.iter().map(|one| (one.kind, one.content.as_str())).collect();
        assert_eq!(wanted, expected);
    };
    let base = || {
        TestDns::default()
            .with_address("mail.house.org", "203.0.113.5")
            .with("one._domainkey.house.org", KEY)
            .with("_dmarc.house.org", "v=DMARC1; p=reject")
    };
    check(base(), &[("MX", "0 ."), ("TXT", "v=spf1 a:mail.house.org -all")]).await;
    let sends = || base().with("house.org", "v=spf1 a:mail.house.org -all");
    check(sends().with_mail_host("house.org", 0, "."), &[]).await;
    check(sends().with_mail_host("house.org", 10, "mail.house.org"), &[("MX", "0 .")]).await;
    let both = sends().with_mail_host("house.org", 0, ".").with_mail_host("house.org", 10, "mail.house.org");
    check(both, &[("MX", "0 .")]).await;
}

#[tokio::test]
async fn records_that_let_everybody_send_or_not_us() {
    let spf =
        |record: &str| TestDns::default().with_mail_host("house.org", 10, "mail.house.org").with("house.org", record);
    let host = OwnHost { name: name("mail.house.org"), addresses: vec![address("203.0.113.5")] };
    for (record, details) in [
        ("v=spf1 +all", "everybody may send in its name"),
        ("v=spf1 ip4:203.0.113.9 -all", "fail by v=spf1 ip4:203.0.113.9 -all"),
        ("v=spf1 ipv4:203.0.113.5 -all", "\"ipv4:203.0.113.5\" cannot be understood"),
    ] {
        let findings = survey_domain(&spf(record), &host, &own_domain()).await;
        assert!(findings.iter().any(|one| one.standing == Standing::Failure && one.details == details), "{findings:?}");
    }
}

#[tokio::test]
async fn what_dns_does_not_say_is_no_failure() {
    let silent = TestDns::default().failing("house.org", LookupError::Unavailable("no answer in time".to_owned()));
    let host = OwnHost { name: name("mail.house.org"), addresses: vec![address("203.0.113.5")] };
    let findings = survey_domain(&silent, &host, &own_domain()).await;
    assert!(findings[..2].iter().all(|one| one.standing == Standing::Advice), "{findings:?}");
}

#[tokio::test]
async fn blocklists() {
    let host =
        OwnHost { name: name("mail.house.org"), addresses: vec![address("203.0.113.5"), address("2001:db8::5")] };
    let list = Blocklist { zone: "list.org", page: "https://list.org" };
    let v6 = "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.list.org";
    for (answer, expected) in [
        (None, Standing::Good),
        (Some("127.0.0.2"), Standing::Failure),
        (Some("127.0.0.1"), Standing::Advice),
        (Some("127.255.255.254"), Standing::Advice),
    ] {
        let dns = answer.into_iter().fold(TestDns::default(), |dns, answer| {
            dns.with_address("5.113.0.203.list.org", answer).with_address(v6, answer)
        });
        let found = survey_blocklists(&dns, &host, &[list]).await;
        assert_eq!(found.iter().map(|one| one.standing).collect::<Vec<_>>(), [expected; 2], "{answer:?}");
    }
}

#[test]
fn names_for_tests() {
    for (text, expected) in [
        ("example.test", true),
        ("mail.example.org", true),
        ("example.org", true),
        ("myexample.org", false),
        ("test.house.org", false),
    ] {
        assert_eq!(is_for_tests(&name(text)), expected, "{text}");
    }
}

/// A subdomain that signs with the keys above it.
#[tokio::test]
async fn borrowed_keys_and_strict_alignment() {
    let keys = own_domain().keys;
    let domain = OwnDomain { name: name("news.house.org"), keys, signs_as: name("house.org"), sends_only: true };
    for (own, above, expected) in [
        (None, None, Standing::Good),
        (None, Some("v=DMARC1; p=reject; adkim=r"), Standing::Good),
        (None, Some("v=DMARC1; p=reject; adkim=s"), Standing::Failure),
        (Some("v=DMARC1; p=none"), Some("v=DMARC1; p=reject; adkim=s"), Standing::Good),
        (Some("v=DMARC1; p=none; adkim=s"), None, Standing::Failure),
    ] {
        let mut dns = TestDns::default().with("one._domainkey.house.org", KEY);
        for (holder, record) in [("_dmarc.news.house.org", own), ("_dmarc.house.org", above)] {
            if let Some(record) = record {
                dns = dns.with(holder, record);
            }
        }
        let host = OwnHost { name: name("mail.house.org"), addresses: Vec::new() };
        let findings = survey_domain(&dns, &host, &domain).await;
        let found = findings.iter().find(|one| one.subject == "news.house.org, DKIM by house.org").unwrap();
        assert_eq!(found.standing, expected, "{own:?} {above:?}");
        assert!(
            findings
                .iter()
                .any(|one| one.subject == "one._domainkey.house.org, DKIM" && one.standing == Standing::Good)
        );
    }
}
