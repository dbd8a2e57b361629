//! What is not as it should be.

use posthouse_flow::alerts::Alert;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, shape};
use crate::house::House;

/// What is asked: [`AlertsView`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertsRequest {
    /// All there are.
    List,
}

/// Alerts that stand, and alerts that stood.
#[derive(Debug, Serialize, Deserialize)]
pub struct AlertsView {
    /// Those that stand, the worst first.
    pub active: Vec<AlertView>,
    /// Those that ended, the newest first.
    pub past: Vec<AlertView>,
    /// How many began since the start for which there was no room, so that they were not told one by one.
    pub passed_over: u64,
}

/// An alert, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct AlertView {
    /// Its name.
    pub name: String,
    /// `warning` or `critical`.
    pub severity: String,
    /// What it is about; empty for the whole server.
    pub subject: String,
    /// What was seen last.
    pub evidence: String,
    /// What it means.
    pub meaning: String,
    /// What to do about it.
    pub advice: String,
    /// Since when, in milliseconds since 1970.
    pub raised_at: i64,
    /// When it was seen last, in milliseconds since 1970.
    pub seen_at: i64,
    /// How often it was seen.
    pub times: u64,
    /// When it ended, in milliseconds since 1970.
    pub ended_at: Option<i64>,
}

impl From<Alert> for AlertView {
    fn from(alert: Alert) -> Self {
        Self {
            name: alert.kind.name.to_owned(),
            severity: alert.kind.severity.name().to_owned(),
            subject: alert.subject,
            evidence: alert.evidence,
            meaning: alert.kind.meaning.to_owned(),
            advice: alert.kind.advice.to_owned(),
            raised_at: alert.raised_at.0,
            seen_at: alert.seen_at.0,
            times: alert.times,
            ended_at: alert.ended_at.map(|at| at.0),
        }
    }
}

pub fn answer(request: &AlertsRequest, house: &House) -> Result<Value, Refusal> {
    let AlertsRequest::List = request;
    let alerts = house.flow.alerts();
    let views = |alerts: Vec<Alert>| alerts.into_iter().map(AlertView::from).collect();
    shape(AlertsView { active: views(alerts.active()), past: views(alerts.past()), passed_over: alerts.passed_over() })
}
