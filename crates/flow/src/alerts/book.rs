//! Alerts at rest: lines in a setting, each with its fields separated by tabs. No field has a control character.
//!
//! ```text
//! line = raised-at TAB seen-at TAB ended-at TAB times TAB name TAB subject TAB evidence LF
//! ```
//!
//! `ended-at` is `-` for an alert that stands. Those that stand come first, then those that ended, the newest first.

use posthouse_model::{Secret, UnixMillis};
use posthouse_storage::settings::MAX_SETTING_BYTES;

use super::{Alert, AlertKind, Alerts, MAX_EVIDENCE_BYTES, MAX_OF_ONE_KIND, MAX_SUBJECT_BYTES, Standing, one_line};

/// The name of the setting.
pub(super) const SETTING: &str = "alerts";

/// What stands for no time.
const NEVER: &str = "-";

fn line_of(alert: &Alert) -> String {
    let Alert { kind, subject, evidence, raised_at, seen_at, times, ended_at } = alert;
    let ended_at = ended_at.map_or_else(|| NEVER.to_owned(), |at| at.to_string());
    format!("{raised_at}\t{seen_at}\t{ended_at}\t{times}\t{}\t{subject}\t{evidence}\n", kind.name)
}

/// `None` for what is no alert, or one of a kind that this release does not know.
fn alert_of(line: &str) -> Option<Alert> {
    let mut fields = line.splitn(7, '\t');
    let mut time = || fields.next().map(|field| field.parse().map(UnixMillis).ok());
    let (raised_at, seen_at, ended_at) = (time()??, time()??, time()?);
    Some(Alert {
        raised_at,
        seen_at,
        ended_at,
        times: fields.next()?.parse().ok()?,
        kind: AlertKind::named(fields.next()?)?,
        subject: one_line(fields.next()?, MAX_SUBJECT_BYTES),
        evidence: one_line(fields.next()?, MAX_EVIDENCE_BYTES),
    })
}

impl Alerts {
    /// What there is to be kept, if it is not kept yet: as much as a setting holds.
    pub(super) fn unwritten(&self) -> Option<Secret> {
        let mut state = self.state.lock();
        if !std::mem::take(&mut state.is_unwritten) {
            return None;
        }
        let active = state.standing.values().map(|one| &one.alert);
        let mut text = String::new();
        for line in active.chain(state.past.iter().rev()).map(line_of) {
            if text.len() + line.len() > MAX_SETTING_BYTES {
                break;
            }
            text.push_str(&line);
        }
        Some(Secret::new(text))
    }

    /// It was not kept after all.
    pub(super) fn was_not_written(&self) {
        self.state.lock().is_unwritten = true;
    }

    /// Takes up what was kept. Whatever was raised meanwhile stays as it is.
    pub(super) fn take_up(&self, kept: &Secret) {
        let text = kept.expose_str().unwrap_or_default();
        let (past, active): (Vec<Alert>, Vec<Alert>) =
            text.lines().filter_map(alert_of).partition(|alert| alert.ended_at.is_some());
        let mut state = self.state.lock();
        past.into_iter().rev().for_each(|alert| state.keep_past(alert));
        for alert in active {
            let key = (alert.kind.name, alert.subject.clone());
            let of_kind = state.standing.keys().filter(|other| other.0 == key.0).count();
            match state.standing.get_mut(&key) {
                // Raised again since the start: it is the same one, and was told of before.
                Some(standing) => {
                    standing.alert.raised_at = alert.raised_at;
                    standing.alert.times = standing.alert.times.saturating_add(alert.times);
                    state.news.retain(|news| (news.alert.kind.name, &news.alert.subject) != (key.0, &key.1));
                }
                None if of_kind < MAX_OF_ONE_KIND => {
                    drop(state.standing.insert(key, Standing { alert, quiet_since: None }));
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::QUEUE_OLD;
    use super::*;

    #[test]
    fn lines_are_read_as_they_were_written() {
        let mut alert = Alert {
            kind: &QUEUE_OLD,
            subject: String::new(),
            evidence: "ü 5 of 7".to_owned(),
            raised_at: UnixMillis(5),
            seen_at: UnixMillis(7),
            times: 3,
            ended_at: None,
        };
        assert_eq!(alert_of(line_of(&alert).trim_end_matches('\n')), Some(alert.clone()));
        alert.ended_at = Some(UnixMillis(-1));
        assert_eq!(alert_of(line_of(&alert).trim_end_matches('\n')), Some(alert));
        for bad in
            ["", "1\t2\t3\t4\tno-such-kind\t\t", "1\t2\t-\tx\tqueue-old\t\t", "1\t2", "x\t2\t-\t1\tqueue-old\t\t"]
        {
            assert_eq!(alert_of(bad), None, "{bad}");
        }
    }
}
