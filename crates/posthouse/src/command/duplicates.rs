//! `posthouse duplicates`.

use super::Place;
use crate::cli::keeping::DuplicatesCommand;
use crate::control::Request;
use crate::control::duplicates::{DuplicateRuleView, DuplicatesRequest};
use crate::output::{say, say_json, say_table};

pub async fn run(place: &Place, command: DuplicatesCommand) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let request = match command {
        DuplicatesCommand::Suppress { whose, within } => DuplicatesRequest::Set { scope: whose, window_ms: within },
        DuplicatesCommand::Deliver { whose } => DuplicatesRequest::Set { scope: whose, window_ms: 0 },
        DuplicatesCommand::Unset { whose } => DuplicatesRequest::Unset { scope: whose },
        DuplicatesCommand::List(output) => {
            let rules: Vec<DuplicateRuleView> = server.ask(&Request::Duplicates(DuplicatesRequest::List)).await?;
            if output.json {
                return say_json(&rules);
            }
            let rows: Vec<Vec<String>> =
                rules.into_iter().map(|rule| vec![rule.whose, within(rule.window_ms)]).collect();
            say_table(&["FOR", "SUPPRESSED WITHIN"], &rows, "There are no rules: every copy is delivered.");
            return Ok(());
        }
    };
    let () = server.ask(&Request::Duplicates(request)).await?;
    say("It is so from now on.");
    say(format!("Verify: posthouse{} duplicates list", place.as_options()));
    Ok(())
}

fn within(window_ms: i64) -> String {
    match window_ms / 1000 {
        0 => "not at all".to_owned(),
        seconds if seconds % 86_400 == 0 => format!("{}d", seconds / 86_400),
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}
