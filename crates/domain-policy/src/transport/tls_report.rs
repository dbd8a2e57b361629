//! Reports about TLS between domains (RFC 8460 §4), as JSON.

use std::collections::BTreeMap;

use posthouse_model::Domain;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest report that is read, in octets of JSON.
pub const MAX_TLS_REPORT_BYTES: usize = 1024 * 1024;
/// Most policies of a report, and most failures of each, that are written.
const MAX_WRITTEN: usize = 1000;
/// Seconds of a day.
pub(super) const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Sessions of one kind, as they were counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCount {
    /// `tlsa`, `sts` or `no-policy-found`.
    pub policy_type: String,
    /// The policy's lines, separated by LF.
    pub policy: String,
    /// The host that DNS named.
    pub mx_host: String,
    /// Its address.
    pub receiving_ip: String,
    /// What failed, in the words of RFC 8460 §4.3; empty for sessions that succeeded.
    pub result: String,
    /// More about that, in our words.
    pub detail: String,
    /// How many.
    pub sessions: u64,
}

/// A report (RFC 8460 §4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TlsReport {
    /// Who reports.
    pub organization_name: String,
    /// What time it is about.
    pub date_range: DateRange,
    /// Whom to ask.
    #[serde(default)]
    pub contact_info: String,
    /// What the reporter calls it.
    pub report_id: String,
    /// What was found, by policy.
    pub policies: Vec<PolicyResult>,
}

/// What time a report is about, in the form of RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DateRange {
    /// The first moment.
    pub start_datetime: String,
    /// The last one.
    pub end_datetime: String,
}

/// What was found under one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PolicyResult {
    /// The policy.
    pub policy: ReportedPolicy,
    /// How many sessions there were.
    pub summary: Summary,
    /// Those that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failure_details: Vec<FailureDetail>,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReportedPolicy {
    /// `tlsa`, `sts` or `no-policy-found`.
    pub policy_type: String,
    /// Its lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    pub policy_string: Vec<String>,
    /// Whose it is.
    pub policy_domain: String,
    /// Which hosts it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    pub mx_host: Vec<String>,
}

/// How many sessions there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// That succeeded.
    pub total_successful_session_count: u64,
    /// That failed.
    pub total_failure_session_count: u64,
}

/// Sessions that failed in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FailureDetail {
    /// What failed (RFC 8460 §4.3).
    pub result_type: String,
    /// From which address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending_mta_ip: Option<String>,
    /// To which host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiving_mx_hostname: Option<String>,
    /// At which address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiving_ip: Option<String>,
    /// How many.
    pub failed_session_count: u64,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason_code: Option<String>,
}

/// What is no report.
#[derive(Debug, Error)]
pub enum TlsReportError {
    /// It is too long.
    #[error("the report is longer than {MAX_TLS_REPORT_BYTES} octets")]
    TooLong,
    /// It is not of the form that RFC 8460 §4 has.
    #[error("the report cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It is said to be compressed, and is not, or is too long when it is not compressed any more.
    #[error(transparent)]
    NotGzip(#[from] super::gzip::NotGzip),
}

/// Some reporters write a list of one as its only member.
fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}

impl TlsReport {
    /// The report to `domain` about a day, counted in UTC from 1970-01-01. `id` is anything that does not come again.
    pub fn of_day(
        organization: &str,
        contact: &str,
        id: &str,
        domain: &Domain,
        day: u32,
        counts: &[SessionCount],
    ) -> Self {
        let mut policies: BTreeMap<(&str, &str), PolicyResult> = BTreeMap::new();
        for count in counts {
            let found = policies.entry((&count.policy_type, &count.policy)).or_insert_with(|| PolicyResult {
                policy: ReportedPolicy {
                    policy_type: count.policy_type.clone(),
                    policy_string: count.policy.lines().map(str::to_owned).collect(),
                    policy_domain: domain.to_string(),
                    mx_host: Vec::new(),
                },
                summary: Summary::default(),
                failure_details: Vec::new(),
            });
            if !found.policy.mx_host.contains(&count.mx_host) && found.policy.mx_host.len() < MAX_WRITTEN {
                found.policy.mx_host.push(count.mx_host.clone());
            }
            if count.result.is_empty() {
                found.summary.total_successful_session_count += count.sessions;
                continue;
            }
            found.summary.total_failure_session_count += count.sessions;
            if found.failure_details.len() < MAX_WRITTEN {
                let some = |text: &String| (!text.is_empty()).then(|| text.clone());
                found.failure_details.push(FailureDetail {
                    result_type: count.result.clone(),
                    sending_mta_ip: None,
                    receiving_mx_hostname: some(&count.mx_host),
                    receiving_ip: some(&count.receiving_ip),
                    failed_session_count: count.sessions,
                    failure_reason_code: some(&count.detail),
                });
            }
        }
        let begin = i64::from(day) * DAY_SECONDS;
        Self {
            organization_name: organization.to_owned(),
            date_range: DateRange {
                start_datetime: timestamp(begin),
                end_datetime: timestamp(begin + DAY_SECONDS - 1),
            },
            contact_info: contact.to_owned(),
            report_id: id.to_owned(),
            policies: policies.into_values().take(MAX_WRITTEN).collect(),
        }
    }

    /// The report as JSON.
    ///
    /// # Errors
    /// Never for a report that was made or read here.
    pub fn to_json(&self) -> Result<String, TlsReportError> {
        Ok(serde_json::to_string(self)?)
    }

    /// Reads a report.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(json: &[u8]) -> Result<Self, TlsReportError> {
        if json.len() > MAX_TLS_REPORT_BYTES {
            return Err(TlsReportError::TooLong);
        }
        Ok(serde_json::from_slice(json)?)
    }

    /// How many sessions succeeded and failed, of all policies.
    pub fn totals(&self) -> (u64, u64) {
        let add = |(good, bad): (u64, u64), one: &PolicyResult| {
            let Summary { total_successful_session_count: more, total_failure_session_count: worse } = one.summary;
            (good.saturating_add(more), bad.saturating_add(worse))
        };
        self.policies.iter().fold((0, 0), add)
    }
}

/// A time as RFC 3339 §5.6 writes it, in UTC.
fn timestamp(unix_seconds: i64) -> String {
    let (days, seconds) = (unix_seconds.div_euclid(DAY_SECONDS), unix_seconds.rem_euclid(DAY_SECONDS));
    // The date of a day by its number: the years begin in March, so that a leap day is the last of its year.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(policy_type: &str, mx_host: &str, result: &str, sessions: u64) -> SessionCount {
        SessionCount {
            policy_type: policy_type.to_owned(),
            policy: "version: STSv1\nmode: enforce".to_owned(),
            mx_host: mx_host.to_owned(),
            receiving_ip: "192.0.2.1".to_owned(),
            result: result.to_owned(),
            detail: result.to_owned(),
            sessions,
        }
    }

    #[test]
    fn counts_become_a_report() {
        let counts = [
            count("sts", "a.example", "", 5),
            count("sts", "b.example", "", 1),
            count("sts", "a.example", "certificate-expired", 2),
            count("tlsa", "a.example", "", 7),
        ];
        let domain = Domain::parse("far.example").unwrap();
        let report = TlsReport::of_day("Ours", "mailto:a@ours.example", "1@ours", &domain, 19_675, &counts);
        assert_eq!(report.totals(), (13, 2));
        assert_eq!(report.policies[0].policy.mx_host, ["a.example", "b.example"]);
        let json = report.to_json().unwrap();
        for piece in [
            r#""organization-name":"Ours""#,
            r#""date-range":{"start-datetime":"2023-11-14T00:00:00Z","end-datetime":"2023-11-14T23:59:59Z"}"#,
            r#""policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: enforce"],"policy-domain":"far.example","#,
            r#""summary":{"total-successful-session-count":6,"total-failure-session-count":2}"#,
            r#""failure-details":[{"result-type":"certificate-expired","receiving-mx-hostname":"a.example","#,
        ] {
            assert!(json.contains(piece), "{piece} in {json}");
        }
        assert_eq!(TlsReport::parse(json.as_bytes()).unwrap(), report);
    }

    #[test]
    fn what_others_write_is_read() {
        // In the manner of RFC 8460 Appendix B, with a single host as some write it.
        let json = r#"{"organization-name":"Company-X","date-range":{"start-datetime":"2016-04-01T00:00:00Z",
            "end-datetime":"2016-04-01T23:59:59Z"},"contact-info":"sts-reporting@company-x.example","report-id":"5065427c",
            "policies":[{"policy":{"policy-type":"sts","policy-string":["version: STSv1"],
            "policy-domain":"company-y.example","mx-host":"*.mail.company-y.example"},
            "summary":{"total-successful-session-count":5326,"total-failure-session-count":303},
            "failure-details":[{"result-type":"certificate-expired","sending-mta-ip":"2001:db8:abcd:0012::1",
            "receiving-mx-hostname":"mx1.mail.company-y.example","failed-session-count":100,"additional":"x"}]}]}"#;
        let report = TlsReport::parse(json.as_bytes()).unwrap();
        assert_eq!((report.totals(), report.policies[0].policy.mx_host.len()), ((5326, 303), 1));
        for bad in ["", "{}", "[]", r#"{"policies":[]}"#, "\u{0}"] {
            assert!(TlsReport::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(matches!(TlsReport::parse(&vec![b' '; MAX_TLS_REPORT_BYTES + 1]), Err(TlsReportError::TooLong)));
    }

    #[test]
    fn timestamps() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(timestamp(951_868_800), "2000-03-01T00:00:00Z");
        assert_eq!(timestamp(1_700_000_000), "2023-11-14T22:13:20Z");
    }
}
