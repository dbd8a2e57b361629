use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use posthouse_domain_policy::dkim::{DkimAlgorithm, DkimKey, DkimSigner, sign};
use posthouse_domain_policy::transport::{ReportForm, SessionCount, TlsReport, gzip};
use posthouse_model::{Domain, TrailKind, UnixMillis};
use posthouse_storage::received_tls_reports::{DAY_MS, utc_day};
use posthouse_storage::{ReceivedTlsReports, TlsReportFilter};

use super::*;
use crate::{Door, MessageRefusal, RecipientVerdict, ReportAddress, ReportRefusal, TakenReport};

const PLACE: &str = "tls-reports@ours.example";
const FAR: &str = "From: <reports@far.example>\r\n";
const BOUNDARY_LINES: &str = "Content-Type: multipart/report; report-type=\"tlsrpt\"; boundary=b\r\n";

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

/// A house that takes reports in, and the key of `far.example`, whose record has these tags.
async fn house_and_key(tags: &str) -> (House, DkimSigner) {
    let place = ReportAddress::InEachDomain(posthouse_model::LocalPart::parse("tls-reports").unwrap());
    let house = House::open_so(|_| {}, |flow, dns| flow.with_tls_reports(dns, place)).await;
    let key = DkimKey::generate(DkimAlgorithm::Ed25519Sha256).unwrap();
    let record = key.record().unwrap().replace("p=", &format!("{tags} p="));
    house.dns.texts.lock().insert("s1._domainkey.far.example".to_owned(), record);
    (house, DkimSigner { domain: domain("far.example"), selector: "s1".to_owned(), key })
}

/// A report about the day before the tests begin.
fn report(id: &str, about: &str, failed: u64) -> TlsReport {
    let count = |result: &str, sessions| SessionCount {
        policy_type: "sts".to_owned(),
        policy: "version: STSv1\nmode: enforce".to_owned(),
        mx_host: "mx.ours.example".to_owned(),
        receiving_ip: "192.0.2.1".to_owned(),
        result: result.to_owned(),
        detail: String::new(),
        sessions,
    };
    let counts = [count("", 90), count("certificate-expired", failed)];
    TlsReport::of_day("Far", "mailto:a@far.example", id, &domain(about), 19_674, &counts)
}

fn mail_of(fields: &str, media_type: &str, octets: &[u8]) -> String {
    let encoded: String = STANDARD
        .encode(octets)
        .as_bytes()
        .chunks(76)
        .map(|line| String::from_utf8_lossy(line).into_owned() + "\r\n")
        .collect();
    format!(
        "{fields}Subject: Report Domain: ours.example\r\nTLS-Report-Domain: ours.example\r\nMIME-Version: 1.0\r\n\
         {BOUNDARY_LINES}\r\n--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n\
         --b\r\nContent-Type: {media_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}--b--\r\n"
    )
}

fn mail(report: &TlsReport) -> String {
    mail_of(FAR, "application/tlsrpt+gzip", &gzip(report.to_json().unwrap().as_bytes()))
}

fn signed(signer: &DkimSigner, text: &str) -> String {
    let at = UnixMillis(1_700_000_000_000);
    String::from_utf8(sign(&[signer], &[text.as_bytes()], at).unwrap()).unwrap() + text
}

async fn kept(house: &House) -> Vec<String> {
    let found = house.store.tls_reports(&TlsReportFilter::default(), 100).await.unwrap();
    found.into_iter().map(|(_, heading)| heading.report_id).collect()
}

async fn refusal(house: &House, text: &str) -> Option<ReportRefusal> {
    match house.receive(Door::Mx, envelope("", &[PLACE]), text).await {
        Ok(_) => None,
        Err(MessageRefusal::NoReport(refusal)) => Some(refusal),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_that_comes_as_mail_is_kept_once() {
    let (house, signer) = house_and_key("").await;
    assert_eq!(
        house
            .flow
            .welcome_recipient(&Door::Mx, &envelope("", &[]).sender, &address("TLS-Reports@ours.example"), None)
            .await,
        RecipientVerdict::Accepted
    );
    let text = signed(&signer, &mail(&report("1", "ours.example", 10)));
    let received = house.receive(Door::Mx, envelope("reports@far.example", &[PLACE]), &text).await.unwrap();
    assert_eq!(house.trail(received).await, [TrailKind::Received, TrailKind::Delivered]);
    assert_eq!(refusal(&house, &text).await, None);
    let again = signed(&signer, &mail(&report("1", "ours.example", 99)));
    assert_eq!(refusal(&house, &again).await, None);
    let found = house.store.tls_reports(&TlsReportFilter::default(), 10).await.unwrap();
    let [(number, heading)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((heading.successes, heading.failures, heading.source.as_str()), (90, 10, "far.example"));
    assert_eq!((utc_day(heading.from), heading.until.0), (19_674, 19_675 * DAY_MS - 1000));
    let text = house.store.tls_report(*number).await.unwrap().unwrap().text;
    assert_eq!(TlsReport::parse(text.as_bytes()).unwrap().totals(), (90, 10));
    assert!(house.inbox("ann").await.is_empty() && house.inbox("bob").await.is_empty());
    let evidence = house.flow.tls_failure_evidence(&domain("ours.example"), UnixMillis(0)).await.unwrap();
    assert_eq!((evidence[0].result.as_str(), evidence[0].sessions), ("certificate-expired", 10));
    assert!(evidence[0].advice().contains("renew"));
}

/// RFC 8460 §3: a key may be for such reports only, and what has no valid signature does not count.
#[tokio::test(start_paused = true)]
async fn a_report_needs_a_signature_of_whose_it_is() {
    let text = mail(&report("1", "ours.example", 10));
    let (house, signer) = house_and_key("").await;
    for bad in [
        text.clone(),
        signed(&signer, &text).replace("A report.", "Another."),
        signed(&signer, &text) + "more\r\n",
        signed(&signer, &text.replace("far.example>", "other.example>")),
        signed(&signer, &text.replace(FAR, "From: <a@far.example>, <b@other.example>\r\n")),
        signed(&signer, &text.replace(FAR, "")),
        signed(&signer, &text.replace("<reports@far.example>", "<reports@notfar.example>")),
    ] {
        let found = refusal(&house, &bad).await;
        assert!(matches!(found, Some(ReportRefusal::NotSigned | ReportRefusal::NoReport(_))), "{found:?}\n{bad}");
    }
    assert!(kept(&house).await.is_empty());
    let below = signed(&signer, &text.replace("far.example>", "reports.far.example>"));
    assert_eq!(refusal(&house, &below).await, None);
    for (tags, expected) in
        [("s=tlsrpt;", None), ("s=email;", None), ("s=other;", Some(ReportRefusal::NotSigned)), ("t=y;", None)]
    {
        let (house, signer) = house_and_key(tags).await;
        assert_eq!(refusal(&house, &signed(&signer, &text)).await, expected, "{tags}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_report_is_refused() {
    let (house, signer) = house_and_key("").await;
    let gzipped = |json: &str| mail_of(FAR, "application/tlsrpt+gzip", &gzip(json.as_bytes()));
    let bomb = mail_of(FAR, "application/tlsrpt+gzip", &gzip(&vec![b' '; 100_000_000]));
    assert!(bomb.len() < 300_000);
    let mut nameless = report("1", "ours.example", 1);
    nameless.report_id = " ".to_owned();
    let mut endless = report("x", "ours.example", 1);
    endless.organization_name = "x".repeat(1000);
    let mut timeless = report("1", "ours.example", 1);
    timeless.date_range.start_datetime = "yesterday".to_owned();
    for (text, expected) in [
        (format!("{FAR}Subject: hi\r\n\r\nhello\r\n"), "NoReport"),
        (mail(&report("1", "ours.example", 1)).replace("tlsrpt\";", "dsn\";"), "NoReport"),
        (mail_of(FAR, "application/json", b"{}"), "NoReport"),
        (mail_of(FAR, "application/tlsrpt+gzip", b"{}"), "Unreadable"),
        (gzipped("{}"), "Unreadable"),
        (bomb, "Unreadable"),
        (mail(&nameless), "Unreadable"),
        (mail(&endless), "Unreadable"),
        (mail(&timeless), "Unreadable"),
        (mail(&report("1", "far.example", 1)), "NotOurs"),
    ] {
        let found = refusal(&house, &signed(&signer, &text)).await;
        assert!(format!("{found:?}").starts_with(&format!("Some({expected}")), "{found:?}");
    }
    let long = mail(&report("1", "ours.example", 1)) + &"x".repeat(crate::MAX_REPORT_MAIL_BYTES);
    assert!(matches!(refusal(&house, &signed(&signer, &long)).await, Some(ReportRefusal::NoReport(_))));
    assert!(kept(&house).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn json_and_several_domains() {
    let (house, signer) = house_and_key("").await;
    let mut both = report("7", "ours.example", 3);
    both.policies.extend(report("7", "far.example", 5).policies);
    let json = mail_of(FAR, "application/tlsrpt+json", both.to_json().unwrap().as_bytes());
    assert_eq!(refusal(&house, &signed(&signer, &json)).await, None);
    let found = house.store.tls_reports(&TlsReportFilter::default(), 10).await.unwrap();
    assert_eq!((found.len(), found[0].1.failures), (1, 3));
}

/// Where somebody has the address, the mail comes there, too; whatever it is.
#[tokio::test(start_paused = true)]
async fn a_mailbox_at_the_address_gets_the_mail() {
    let (house, signer) = house_and_key("").await;
    house.alias(PLACE, &["ann@ours.example"]).await;
    let text = signed(&signer, &mail(&report("1", "ours.example", 10)));
    assert_eq!(refusal(&house, &text).await, None);
    assert_eq!(refusal(&house, "From: <x@far.example>\r\nSubject: hi\r\n\r\nhello\r\n").await, None);
    assert_eq!((kept(&house).await.len(), house.inbox("ann").await.len()), (1, 2));
    // With others, what is no report is theirs alone.
    let (house, _) = house_and_key("").await;
    house.receive(Door::Mx, envelope("", &[PLACE, "bob@ours.example"]), "Subject: hi\r\n\r\nhello\r\n").await.unwrap();
    assert_eq!((kept(&house).await.len(), house.inbox("bob").await.len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_now_is_to_come_again() {
    let (house, signer) = house_and_key("").await;
    let text = signed(&signer, &mail(&report("1", "ours.example", 10)));
    house.store.set_broken(true);
    let refused = house.receive(Door::Mx, envelope("", &[PLACE]), &text).await;
    assert_eq!(refused, Err(MessageRefusal::Unavailable));
    house.store.set_broken(false);
    assert_eq!(refusal(&house, &text).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_house_that_takes_no_reports_has_no_such_address() {
    let house = House::open().await;
    let verdict = house.flow.welcome_recipient(&Door::Mx, &envelope("", &[]).sender, &address(PLACE), None).await;
    assert_eq!(verdict, RecipientVerdict::NoSuchMailbox);
    let place = ReportAddress::One(address("reports@far.example"));
    let house = House::open_so(|_| {}, |flow, dns| flow.with_tls_reports(dns, place)).await;
    let verdict =
        async |to: &str| house.flow.welcome_recipient(&Door::Mx, &envelope("", &[]).sender, &address(to), None).await;
    assert_eq!(verdict(PLACE).await, RecipientVerdict::NoSuchMailbox);
    assert_eq!(verdict("reports@far.example").await, RecipientVerdict::RelayDenied);
    // What Ann sends there is mail like any other.
    house.ann_writes(envelope("ann@ours.example", &["reports@far.example"])).await;
    assert_eq!(house.queue().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_posted_is_kept_by_where_it_comes_from() {
    let (house, _) = house_and_key("").await;
    let flow = Arc::clone(&house.flow);
    let post = async |report: &TlsReport| {
        let octets = gzip(report.to_json().unwrap().as_bytes());
        flow.take_posted_report("192.0.2.7", ReportForm::Gzip, octets.into()).await
    };
    let first = post(&report("1", "ours.example", 1)).await.unwrap();
    assert_eq!(first, TakenReport { report_id: "1".to_owned(), domains: vec![domain("ours.example")] });
    assert_eq!(post(&report("1", "ours.example", 1)).await.unwrap().domains, []);
    assert_eq!(post(&report("1", "far.example", 1)).await, Err(ReportRefusal::NotOurs));
    let mut many = 0;
    while post(&report(&format!("n{many}"), "ours.example", 1)).await != Err(ReportRefusal::TooMany) {
        many += 1;
        assert!(many < 1000);
    }
    tokio::time::sleep(Duration::from_secs(24 * 60 * 60)).await;
    assert!(post(&report("later", "ours.example", 1)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn more_failures_than_before_raise_an_alert_once() {
    let (house, _) = house_and_key("").await;
    let post = async |id: &str, failed| {
        let octets = gzip(report(id, "ours.example", failed).to_json().unwrap().as_bytes());
        house.flow.take_posted_report("192.0.2.7", ReportForm::Gzip, octets.into()).await.unwrap();
        house.flow.alerts().active()
    };
    assert_eq!(post("1", 4).await.len(), 0);
    let standing = post("2", 40).await;
    let [alert] = standing.as_slice() else { panic!("{standing:?}") };
    assert_eq!((alert.kind.name, alert.subject.as_str()), ("tls-failures-reported", "ours.example"));
    for piece in ["44 of 224 sessions failed", "44 x certificate-expired at mx.ours.example", "says Far"] {
        assert!(alert.evidence.contains(piece), "{}", alert.evidence);
    }
    assert_eq!(post("3", 40).await.len(), 1);
    let (_, begun) = house.flow.alerts().figures(&crate::alerts::TLS_FAILURES_REPORTED);
    assert_eq!(begun, 1);
    tokio::time::sleep(Duration::from_secs(3 * 24 * 60 * 60)).await;
    house.flow.alerts().settle();
    assert_eq!(house.flow.alerts().active().len(), 0);
}
