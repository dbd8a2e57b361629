//! `posthouse limit`.

use anyhow::anyhow;
use jiff::Timestamp;
use posthouse_storage::LimitKind;

use super::Place;
use crate::cli::limit::{LimitCommand, holder, is_size, most};
use crate::control::Request;
use crate::control::limit::{BoundView, LimitRequest, LimitView};
use crate::output::{date, say, say_json, say_table};
use crate::quota_size::show_size;

pub async fn run(place: &Place, command: LimitCommand) -> anyhow::Result<()> {
    let refused = |error: String| anyhow!(error);
    let (request, whose) = match command {
        LimitCommand::Show { whose, output } => {
            let request = LimitRequest::Show { holder: holder(&whose).map_err(refused)? };
            let bounds: Vec<BoundView> = place.server().await?.ask(&Request::Limit(request)).await?;
            if output.json {
                return say_json(&bounds);
            }
            show(&bounds);
            return Ok(());
        }
        LimitCommand::List(output) => {
            let limits: Vec<LimitView> = place.server().await?.ask(&Request::Limit(LimitRequest::List)).await?;
            if output.json {
                return say_json(&limits);
            }
            let rows: Vec<Vec<String>> = limits.into_iter().map(row).collect();
            say_table(
                &["FOR", "LIMIT", "AT MOST", "UNTIL"],
                &rows,
                "There are no limits: who has an account may send.",
            );
            return Ok(());
        }
        LimitCommand::Set { whose, limit, most: text, until } => {
            let request = LimitRequest::Set {
                holder: whose.holder().map_err(refused)?,
                limit: limit.name().to_owned(),
                most: most(limit, &text).map_err(refused)?,
                until: until.map(Timestamp::as_millisecond),
            };
            (request, whose)
        }
        LimitCommand::Clear { whose, limit, exception } => {
            let holder = whose.holder().map_err(refused)?;
            (LimitRequest::Clear { holder, limit: limit.name().to_owned(), exception }, whose)
        }
    };
    let () = place.server().await?.ask(&Request::Limit(request)).await?;
    say("It is so from now on.");
    let how = if whose.each_account || whose.each_domain || whose.each_credential {
        "list".to_owned()
    } else {
        format!("show {}", whose.whose)
    };
    say(format!("Verify: posthouse{} limit {how}", place.as_options()));
    Ok(())
}

fn show(bounds: &[BoundView]) {
    let row = |bound: &BoundView| {
        vec![
            bound.whose.clone(),
            bound.limit.clone(),
            bound.used.map(|used| used.to_string()).unwrap_or_default(),
            amount(&bound.limit, bound.most),
            bound.begins_anew_at.map(date).unwrap_or_default(),
            bound.set_for.clone().unwrap_or_default(),
            bound.until.map(date).unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = bounds.iter().map(row).collect();
    say_table(&["COUNTED", "LIMIT", "SENT", "AT MOST", "BEGINS ANEW", "SET FOR", "UNTIL"], &rows, "");
}

fn row(limit: LimitView) -> Vec<String> {
    let most = amount(&limit.limit, limit.most);
    vec![limit.whose, limit.limit, most, limit.until.map(date).unwrap_or_default()]
}

fn amount(limit: &str, most: Option<u64>) -> String {
    match (most, LimitKind::from_name(limit)) {
        (None, _) => "any".to_owned(),
        (Some(most), Some(kind)) if is_size(kind) => show_size(most),
        (Some(most), _) => most.to_string(),
    }
}
