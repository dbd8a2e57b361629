//! Reports about TLS that others sent.

use posthouse_model::{Domain, UnixMillis};

use super::Harness;
use crate::received_tls_reports::{
    DAY_MS, MAX_REPORTED_SESSIONS, MAX_TLS_REPORT_BYTES, MAX_TLS_REPORTS_OF_SOURCE_A_DAY,
};
use crate::{ReceivedTlsReport, StorageError, TlsReportDay, TlsReportFilter, TlsReportHeading, TlsReportKept};

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

/// A report about a day, which comes on the next one.
fn report(organization: &str, id: &str, about: &str, day: i64) -> ReceivedTlsReport {
    let heading = TlsReportHeading {
        organization: organization.to_owned(),
        report_id: id.to_owned(),
        source: format!("{}.example", organization.to_ascii_lowercase()),
        domain: domain(about),
        received_at: UnixMillis((day + 1) * DAY_MS + 5),
        from: UnixMillis(day * DAY_MS),
        until: UnixMillis((day + 1) * DAY_MS - 1),
        successes: 10,
        failures: 1,
    };
    ReceivedTlsReport { heading, text: format!("{{\"report-id\":\"{id}\"}}") }
}

/// A report is kept once, whoever says it again and whatever it says then; it outlives the process.
pub async fn a_report_is_kept_once(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    let keep = async |report| storage.keep_tls_report(report).await.unwrap();
    let first = report("One", "1", "ours.example", 7);
    assert_eq!(keep(first.clone()).await, TlsReportKept::Kept);
    let mut again = first.clone();
    (again.heading.failures, again.heading.source) = (99, "other.example".to_owned());
    assert_eq!(keep(again).await, TlsReportKept::Known);
    assert_eq!(keep(report("One", "1", "other.ours.example", 7)).await, TlsReportKept::Kept);
    assert_eq!(keep(report("Two", "1", "ours.example", 7)).await, TlsReportKept::Kept);
    let long =
        ReceivedTlsReport { text: "x".repeat(MAX_TLS_REPORT_BYTES + 1), ..report("Three", "1", "ours.example", 7) };
    let mut many = report("Three", "1", "ours.example", 7);
    many.heading.failures = MAX_REPORTED_SESSIONS + 1;
    for beyond in [long, many] {
        let refused = storage.keep_tls_report(beyond).await;
        assert!(matches!(refused, Err(StorageError::Limit { .. })), "{refused:?}");
    }
    let Some(storage) = harness.reopen(storage).await else { return };
    let kept = storage.tls_reports(&TlsReportFilter::default(), 10).await.unwrap();
    assert_eq!(kept.len(), 3);
    assert_eq!(storage.tls_report(kept[2].0).await.unwrap(), Some(first));
    assert_eq!(storage.tls_report(kept[0].0 + 1).await.unwrap(), None);
}

/// The newest come first, in pages, by domain and by day; old ones are forgotten.
pub async fn reports_are_found(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    for (id, about, day) in [("1", "a.example", 5), ("2", "b.example", 6), ("3", "a.example", 7), ("4", "a.example", 6)]
    {
        storage.keep_tls_report(report("One", id, about, day)).await.unwrap();
    }
    let check = async |filter: TlsReportFilter, limit: usize, expected: &[&str]| {
        let found = storage.tls_reports(&filter, limit).await.unwrap();
        let ids: Vec<&str> = found.iter().map(|(_, heading)| heading.report_id.as_str()).collect();
        assert_eq!(ids, expected, "{filter:?}");
        found.last().map(|(number, _)| *number)
    };
    let all = TlsReportFilter::default();
    let of_a = TlsReportFilter { domain: Some(domain("a.example")), ..all.clone() };
    let before = check(all.clone(), 2, &["4", "3"]).await;
    check(TlsReportFilter { before, ..all.clone() }, 9, &["2", "1"]).await;
    let before = check(of_a.clone(), 2, &["4", "3"]).await;
    check(TlsReportFilter { before, ..of_a.clone() }, 9, &["1"]).await;
    check(TlsReportFilter { since: Some(UnixMillis(6 * DAY_MS)), ..all.clone() }, 9, &["4", "3", "2"]).await;
    check(TlsReportFilter { since: Some(UnixMillis(6 * DAY_MS + 1)), ..of_a }, 9, &["3"]).await;
    storage.forget_tls_reports(UnixMillis(7 * DAY_MS)).await.unwrap();
    check(all, 9, &["4", "3", "2"]).await;
}

/// Reports add up by domain and day.
pub async fn reports_add_up_by_day(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    for (organization, id, about, day) in [
        ("One", "1", "b.example", 7),
        ("One", "2", "a.example", 7),
        ("Two", "1", "a.example", 7),
        ("Two", "2", "a.example", 8),
        ("Two", "3", "a.example", 5),
    ] {
        storage.keep_tls_report(report(organization, id, about, day)).await.unwrap();
    }
    let sum = |name: &str, day: u32, reports: u64| TlsReportDay {
        domain: domain(name),
        day,
        reports,
        successes: 10 * reports,
        failures: reports,
    };
    let of_a = [sum("a.example", 7, 2), sum("a.example", 8, 1)];
    assert_eq!(storage.tls_report_days(Some(&domain("a.example")), 6).await.unwrap(), of_a);
    let [first, second] = of_a;
    assert_eq!(storage.tls_report_days(None, 6).await.unwrap(), [first, second, sum("b.example", 7, 1)]);
    assert_eq!(storage.tls_report_days(None, 9).await.unwrap(), []);
}

/// Whoever sends very many reports in a day does not drive out those of others; the next day there is room again.
pub async fn one_source_cannot_flood(harness: &dyn Harness) {
    let storage = harness.fresh().await;
    let keep = async |report| storage.keep_tls_report(report).await.unwrap();
    for n in 0..MAX_TLS_REPORTS_OF_SOURCE_A_DAY {
        assert_eq!(keep(report("One", &n.to_string(), "ours.example", 7)).await, TlsReportKept::Kept);
    }
    assert_eq!(keep(report("One", "one more", "ours.example", 7)).await, TlsReportKept::TooMany);
    assert_eq!(keep(report("One", "0", "ours.example", 7)).await, TlsReportKept::Known);
    assert_eq!(keep(report("Two", "1", "ours.example", 7)).await, TlsReportKept::Kept);
    assert_eq!(keep(report("One", "one more", "ours.example", 8)).await, TlsReportKept::Kept);
}
