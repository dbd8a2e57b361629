//! `posthouse alerts`.

use super::Place;
use crate::cli::alerts::AlertsOptions;
use crate::control::Request;
use crate::control::alerts::{AlertView, AlertsRequest, AlertsView};
use crate::output::{date, printable, say, say_json, say_table};

pub async fn run(place: &Place, options: &AlertsOptions) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let mut view: AlertsView = server.ask(&Request::Alerts(AlertsRequest::List)).await?;
    if options.active {
        view.past.clear();
    }
    match options.output.json {
        true => say_json(&view)?,
        false => show(&view, options.active),
    }
    match view.active.len() {
        standing if options.active && standing > 0 => anyhow::bail!("alerts that stand: {standing}"),
        _ => Ok(()),
    }
}

fn show(view: &AlertsView, only_active: bool) {
    if view.active.is_empty() {
        say("All is as it should be.");
    }
    for alert in &view.active {
        say(format!("{} {}", alert.severity.to_uppercase(), name(alert)));
        say(format!("  {}", alert.meaning));
        say(format!("  since       {} (seen {}, {} times)", date(alert.raised_at), date(alert.seen_at), alert.times));
        say(format!("  evidence    {}", printable(&alert.evidence)));
        say(format!("  what to do  {}", alert.advice));
    }
    if view.passed_over > 0 {
        say(format!("Further ones of the same kinds, not listed: {}", view.passed_over));
    }
    if only_active || view.past.is_empty() {
        return;
    }
    say("");
    let row = |alert: &AlertView| {
        let ended_at = alert.ended_at.map_or_else(|| "-".to_owned(), date);
        vec![name(alert), date(alert.raised_at), ended_at, printable(&alert.evidence)]
    };
    let rows: Vec<Vec<String>> = view.past.iter().map(row).collect();
    say_table(&["OVER", "SINCE", "UNTIL", "EVIDENCE"], &rows, "");
}

fn name(alert: &AlertView) -> String {
    match alert.subject.as_str() {
        "" => alert.name.clone(),
        subject => format!("{} ({})", alert.name, printable(subject)),
    }
}
