use proptest::prelude::*;

use super::*;

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn check(text: &str, expected: Result<&str, StsPolicyError>) {
    let words = |policy: StsPolicy| {
        format!("{} {} {}", policy.mode.word(), policy.max_age_seconds, policy.patterns().join(","))
    };
    assert_eq!(StsPolicy::parse(text.as_bytes()).map(words), expected.map(str::to_owned), "{text:?}");
}

#[test]
fn policies() {
    // RFC 8461 §3.2's example.
    let text = "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\n\
                max_age: 604800\n";
    check(text, Ok("enforce 604800 mail.example.com,*.example.net,backupmx.example.com"));
    check(&text.replace('\n', "\r\n"), Ok("enforce 604800 mail.example.com,*.example.net,backupmx.example.com"));
    check("version:STSv1\nmode:\ttesting \nmx:A.example.\nmax_age:0", Ok("testing 0 a.example"));
    check("version: STSv1\nmode: none\nmax_age: 86400\n", Ok("none 86400 "));
    // The order does not matter, what nobody knows is passed over, and the first of several counts.
    check("mode: enforce\nnew: x:y\nmode: none\nmax_age: 1\nmax_age: 2\nmx: a\nversion: STSv1", Ok("enforce 1 a"));
    check("version: STSv1\nmode: enforce\nmx: a\nmax_age: 9999999999\n", Ok("enforce 31557600 a"));
}

#[test]
fn what_is_no_policy() {
    use StsPolicyError::*;
    check("", Err(NoVersion));
    check("<html>", Err(BadLine(1)));
    check("version: STSv2\nmode: enforce\nmx: a\nmax_age: 1", Err(NoVersion));
    check("version: STSv1\nmode: Enforce\nmx: a\nmax_age: 1", Err(NoMode));
    check("version: STSv1\nmode: enforce\nmax_age: 1", Err(NoHosts));
    for age in ["", "-1", "1s", "12345678901", "1 2"] {
        check(&format!("version: STSv1\nmode: enforce\nmx: a\nmax_age: {age}"), Err(NoMaxAge));
    }
    for host in ["", "*", "*.", "a.*.example", "*.*.example", "[192.0.2.1]", "a b"] {
        check(&format!("version: STSv1\nmode: enforce\nmx: {host}\nmax_age: 1"), Err(BadHost(host.to_owned())));
    }
    let many = "mx: a\n".repeat(MAX_STS_PATTERNS + 1);
    check(&format!("version: STSv1\nmode: enforce\nmax_age: 1\n{many}"), Err(BadHost("a".to_owned())));
    check(&"x".repeat(MAX_STS_POLICY_BYTES + 1), Err(TooLong));
    assert_eq!(StsPolicy::parse(&[0xff]), Err(NotText));
}

#[test]
fn which_hosts_a_policy_names() {
    let text = "version: STSv1\nmode: enforce\nmx: mail.example\nmx: *.example.net\nmax_age: 1";
    let policy = StsPolicy::parse(text.as_bytes()).unwrap();
    for host in ["mail.example", "MAIL.example", "a.example.net"] {
        assert!(policy.names(&domain(host)), "{host}");
    }
    for host in ["example", "a.mail.example", "example.net", "b.a.example.net", "mail.example.org", "[192.0.2.1]"] {
        assert!(!policy.names(&domain(host)), "{host}");
    }
}

#[test]
fn announcements() {
    let check = |texts: &[&str], expected: Option<&str>| {
        let texts: Vec<_> = texts.iter().map(|&text| text.to_owned()).collect();
        assert_eq!(announced_sts(&texts).as_deref(), expected, "{texts:?}");
    };
    check(&["v=STSv1; id=20160831085700Z;"], Some("20160831085700Z"));
    check(&["v=STSv1;id=a"], Some("a"));
    check(&["v=STSv1 ; x=y ;\tid=a ; z="], Some("a"));
    check(&["v=spf1 -all", "v=STSv1; id=a"], Some("a"));
    check(&["v=STSv1; id=a", "v=STSv1; id=b"], None);
    check(&["v=STSv1; id=a; id=b"], Some("a"));
    for none in ["", "v=STSv1", "v=STSv1;", "v=STSv12; id=a", "v=STSv1; id=", "v=STSv1; id=a b", "V=STSv1; id=a"] {
        check(&[none], None);
    }
    check(&[&format!("v=STSv1; id={}", "a".repeat(33))], None);
}

#[test]
fn steps() {
    let id = |id: &str| StsAnnouncement::Id(id.to_owned());
    assert_eq!(sts_step(None, &StsAnnouncement::Absent), StsStep::NoPolicy);
    assert_eq!(sts_step(None, &StsAnnouncement::Unknown), StsStep::NoPolicy);
    assert_eq!(sts_step(None, &id("1")), StsStep::Fetch);
    assert_eq!(sts_step(Some("1"), &id("1")), StsStep::UseKept);
    assert_eq!(sts_step(Some("1"), &id("2")), StsStep::Fetch);
    // The attack: the announcement is kept away.
    assert_eq!(sts_step(Some("1"), &StsAnnouncement::Absent), StsStep::UseKept);
    assert_eq!(sts_step(Some("1"), &StsAnnouncement::Unknown), StsStep::UseKept);
}

proptest! {
    #[test]
    fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = StsPolicy::parse(&octets);
        let _ = announced_sts(&[String::from_utf8_lossy(&octets).into_owned()]);
    }

    #[test]
    fn what_is_written_is_read(
        mode in prop_oneof![Just("enforce"), Just("testing")],
        age in 0..MAX_STS_AGE_SECONDS,
        hosts in proptest::collection::vec("(\\*\\.)?[a-z]{1,9}\\.[a-z]{2,5}", 1..9),
    ) {
        let hosts: String = hosts.iter().map(|host| format!("mx: {host}\n")).collect();
        let policy = StsPolicy::parse(format!("version: STSv1\nmode: {mode}\nmax_age: {age}\n{hosts}").as_bytes()).unwrap();
        prop_assert_eq!(StsPolicy::parse(policy.text().as_bytes()), Ok(policy));
    }
}
