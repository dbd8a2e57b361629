//! Reading the reports of others (RFC 8460 §4): from how they travel to what of them is about one domain.

use std::collections::BTreeSet;

use posthouse_model::Domain;

use super::gzip::gunzip;
use super::tls_report::{DAY_SECONDS, DateRange, MAX_TLS_REPORT_BYTES, PolicyResult, TlsReport, TlsReportError};

/// Longest name of an organization, and longest id of a report, in octets.
pub const MAX_REPORT_NAME_BYTES: usize = 256;
/// Most policies that are kept of a report about one domain.
const MAX_KEPT_POLICIES: usize = 20;
/// Most lines of a policy, and most hosts, that are kept.
const MAX_KEPT_LINES: usize = 20;
/// Most failures of a policy that are kept: those of the most sessions.
const MAX_KEPT_FAILURES: usize = 50;
/// Most characters of each word or sentence that are kept.
const MAX_KEPT_CHARS: usize = 200;

/// How a report travels (RFC 8460 §6.4, §6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportForm {
    /// `application/tlsrpt+json`.
    Json,
    /// `application/tlsrpt+gzip`.
    Gzip,
}

impl ReportForm {
    /// The form that a media type stands for. Parameters do not matter.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let name = media_type.split(';').next().unwrap_or_default().trim();
        match () {
            () if name.eq_ignore_ascii_case("application/tlsrpt+json") => Some(Self::Json),
            () if name.eq_ignore_ascii_case("application/tlsrpt+gzip") => Some(Self::Gzip),
            () => None,
        }
    }
}

impl TlsReport {
    /// Reads a report as it travels. However much it would become, no more than [`MAX_TLS_REPORT_BYTES`] are made of it.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(form: ReportForm, octets: &[u8]) -> Result<Self, TlsReportError> {
        match form {
            ReportForm::Json => Self::parse(octets),
            ReportForm::Gzip => Self::parse(&gunzip(octets, MAX_TLS_REPORT_BYTES)?),
        }
    }

    /// The domains that it is about.
    #[must_use]
    pub fn domains(&self) -> BTreeSet<Domain> {
        self.policies
            .iter()
            .filter_map(|one| Domain::parse(one.policy.policy_domain.trim_end_matches('.')).ok())
            .collect()
    }

    /// What of it is about `domain`, with no more details than are worth keeping: those of the most sessions.
    #[must_use]
    pub fn about(&self, domain: &Domain) -> Self {
        let is_of_domain = |one: &&PolicyResult| {
            Domain::parse(one.policy.policy_domain.trim_end_matches('.')).is_ok_and(|other| other == *domain)
        };
        Self {
            organization_name: self.organization_name.clone(),
            date_range: DateRange {
                start_datetime: shortened(&self.date_range.start_datetime),
                end_datetime: shortened(&self.date_range.end_datetime),
            },
            contact_info: shortened(&self.contact_info),
            report_id: self.report_id.clone(),
            policies: self.policies.iter().filter(is_of_domain).take(MAX_KEPT_POLICIES).map(kept).collect(),
        }
    }

    /// The same without anything but the sums of each policy.
    #[must_use]
    pub fn sums(mut self) -> Self {
        for one in &mut self.policies {
            one.failure_details.clear();
            one.policy.policy_string.clear();
            one.policy.mx_host.clear();
        }
        self
    }

    /// When what it is about began, and when it ended, in Unix seconds.
    #[must_use]
    pub fn times(&self) -> Option<(i64, i64)> {
        let DateRange { start_datetime, end_datetime } = &self.date_range;
        let times = (unix_seconds(start_datetime)?, unix_seconds(end_datetime)?);
        (times.0 <= times.1).then_some(times)
    }
}

fn kept(one: &PolicyResult) -> PolicyResult {
    let mut kept = one.clone();
    let policy = &mut kept.policy;
    for lines in [&mut policy.policy_string, &mut policy.mx_host] {
        lines.truncate(MAX_KEPT_LINES);
        lines.iter_mut().for_each(|line| *line = shortened(line));
    }
    policy.policy_type = shortened(&policy.policy_type);
    kept.failure_details.sort_by_key(|detail| std::cmp::Reverse(detail.failed_session_count));
    kept.failure_details.truncate(MAX_KEPT_FAILURES);
    for detail in &mut kept.failure_details {
        detail.result_type = shortened(&detail.result_type);
        for text in [
            &mut detail.sending_mta_ip,
            &mut detail.receiving_mx_hostname,
            &mut detail.receiving_ip,
            &mut detail.failure_reason_code,
        ] {
            *text = text.as_deref().map(shortened);
        }
    }
    kept
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_KEPT_CHARS).collect()
}

/// A time as RFC 3339 §5.6 writes it. Where somebody leaves the zone out, it is UTC, as RFC 8460 §4.4 wants it.
fn unix_seconds(text: &str) -> Option<i64> {
    let digits = |range: std::ops::Range<usize>| -> Option<i64> {
        let part = text.get(range)?;
        part.bytes().all(|octet| octet.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let sign = |at: usize, wanted: &[u8]| text.as_bytes().get(at).filter(|found| wanted.contains(found)).map(drop);
    let (year, month, day) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
    let (hour, minute, second) = (digits(11..13)?, digits(14..16)?, digits(17..19)?);
    [(4, &b"-"[..]), (7, b"-"), (10, b"Tt "), (13, b":"), (16, b":")]
        .iter()
        .try_for_each(|(at, one)| sign(*at, one))?;
    // A leap second is the last of its minute, and no month is longer than that: days beyond belong to the next.
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = text.get(19..)?;
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    Some(days(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset_seconds(zone)?)
}

fn offset_seconds(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone {
        "" | "Z" | "z" => return Some(0),
        _ => (if zone.starts_with('-') { -1 } else { 1 }, zone.strip_prefix(['+', '-'])?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str, most: i64| {
        let is_plain = text.len() == 2 && text.bytes().all(|octet| octet.is_ascii_digit());
        is_plain.then(|| text.parse::<i64>().ok())?.filter(|number| *number <= most)
    };
    Some(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60))
}

/// The number of a day, counted from 1970-01-01. The years begin in March, so that a leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transport::{SessionCount, gzip};

    fn report(domain: &str, failures: usize) -> TlsReport {
        let count = |n: usize| SessionCount {
            policy_type: "sts".to_owned(),
            policy: "version: STSv1\nmode: enforce".to_owned(),
            mx_host: "mx.ours.example".to_owned(),
            receiving_ip: "192.0.2.1".to_owned(),
            result: if n == 0 { String::new() } else { "certificate-expired".to_owned() },
            detail: "x".repeat(1000),
            sessions: n as u64,
        };
        let counts: Vec<_> = (0..=failures).map(count).collect();
        TlsReport::of_day("Far", "mailto:a@far.example", "1", &Domain::parse(domain).unwrap(), 19_675, &counts)
    }

    #[test]
    fn forms() {
        for (media_type, expected) in [
            ("application/tlsrpt+gzip", Some(ReportForm::Gzip)),
            ("Application/TLSRPT+json; charset=utf-8", Some(ReportForm::Json)),
            ("application/json", None),
            ("", None),
        ] {
            assert_eq!(ReportForm::of_media_type(media_type), expected, "{media_type}");
        }
        let json = report("ours.example", 1).to_json().unwrap();
        let read = |form, octets: &[u8]| TlsReport::read(form, octets);
        assert_eq!(
            read(ReportForm::Gzip, &gzip(json.as_bytes())).unwrap(),
            read(ReportForm::Json, json.as_bytes()).unwrap()
        );
        assert!(matches!(read(ReportForm::Gzip, json.as_bytes()), Err(TlsReportError::NotGzip(_))));
    }

    /// The attack: a few octets that would become very many.
    #[test]
    fn a_bomb_is_no_report() {
        let bomb = gzip(&vec![b' '; 50 * MAX_TLS_REPORT_BYTES]);
        assert!(bomb.len() < MAX_TLS_REPORT_BYTES / 10);
        assert!(matches!(TlsReport::read(ReportForm::Gzip, &bomb), Err(TlsReportError::NotGzip(_))));
        let deep = "[".repeat(MAX_TLS_REPORT_BYTES);
        assert!(matches!(TlsReport::read(ReportForm::Json, deep.as_bytes()), Err(TlsReportError::Unreadable(_))));
    }

    #[test]
    fn what_is_about_a_domain_is_kept_and_is_short() {
        let mut all = report("ours.example", 2000);
        all.policies.extend(report("other.example", 1).policies);
        all.policies[0].policy.policy_domain = "Ours.Example.".to_owned();
        let (ours, other) = (Domain::parse("ours.example").unwrap(), Domain::parse("other.example").unwrap());
        assert_eq!(all.domains(), BTreeSet::from([ours.clone(), other.clone()]));
        let about = all.about(&ours);
        assert_eq!(about.policies.len(), 1);
        assert_eq!(about.totals().1, all.policies[0].summary.total_failure_session_count);
        assert!(about.to_json().unwrap().len() < 64 * 1024);
        assert!(
            about.policies[0]
                .failure_details
                .windows(2)
                .all(|two| two[0].failed_session_count >= two[1].failed_session_count)
        );
        assert_eq!(all.about(&other).totals().1, 1);
    }

    #[test]
    fn times_of_others() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2023-11-14T22:13:20Z", Some(1_700_000_000)),
            ("2023-11-14T23:13:20.123+01:00", Some(1_700_000_000)),
            ("2023-11-14t21:43:20-00:30", Some(1_700_000_000)),
            ("2023-11-14 22:13:20", Some(1_700_000_000)),
            ("2000-02-29T23:59:59Z", Some(951_868_799)),
            ("2023-13-14T22:13:20Z", None),
            ("2023-11-14T24:13:20Z", None),
            ("2023-11-14T22:13:20X", None),
            ("2023-11-14T22:13:20+1:00", None),
            ("2023-11-14", None),
            ("+023-11-14T22:13:20Z", None),
            ("２０２３-11-14T22:13:20Z", None),
            ("", None),
        ] {
            assert_eq!(unix_seconds(text), expected, "{text}");
        }
        let mut backwards = report("ours.example", 1);
        assert_eq!(backwards.times(), Some((19_675 * DAY_SECONDS, 19_676 * DAY_SECONDS - 1)));
        std::mem::swap(&mut backwards.date_range.start_datetime, &mut backwards.date_range.end_datetime);
        assert_eq!(backwards.times(), None);
    }

    proptest! {
        #[test]
        fn no_time_panics(text in "\\PC{0,30}", digits in "[0-9TZ:.+ -]{0,30}") {
            let _ = (unix_seconds(&text), unix_seconds(&digits));
        }

        #[test]
        fn nothing_that_is_posted_panics(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = TlsReport::read(ReportForm::Json, &octets);
            let _ = TlsReport::read(ReportForm::Gzip, &gzip(&octets));
        }
    }
}
