//! `posthouse srs`.

use super::Place;
use crate::cli::srs::SrsCommand;
use crate::control::Request;
use crate::control::srs::{SrsKeyView, SrsRequest};
use crate::output::{date, say, say_json, say_table};

pub async fn run(place: &Place, command: SrsCommand) -> anyhow::Result<()> {
    let (request, output, is_new) = match command {
        SrsCommand::List(output) => (SrsRequest::List, output, false),
        SrsCommand::Rotate { forget, output } => (SrsRequest::Rotate { forget }, output, true),
    };
    let keys: Vec<SrsKeyView> = place.server().await?.ask(&Request::Srs(request)).await?;
    if output.json {
        return say_json(&keys);
    }
    if is_new && let Some(newest) = keys.first() {
        say(format!("Senders are rewritten with key {} from now on.", newest.number));
    }
    let known = |key: &SrsKeyView| match key.known_until {
        Some(until) => format!("until {}", date(until)),
        None => "yes".to_owned(),
    };
    let row = |key: &SrsKeyView| {
        vec![key.number.to_string(), key.state.clone(), key.created_at.map_or("unknown".to_owned(), date), known(key)]
    };
    let rows: Vec<Vec<String>> = keys.iter().map(row).collect();
    say_table(&["KEY", "STATE", "MADE", "ITS ADDRESSES ARE KNOWN"], &rows, "There are no keys.");
    Ok(())
}
