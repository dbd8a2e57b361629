//! `posthouse queue`.

use anyhow::bail;
use posthouse_model::JourneyId;

use super::Place;
use crate::cli::{Output, QueueCommand, QueueSelection, SteeringOptions};
use crate::control::client::Client;
use crate::control::queue::{CountsView, EntryView, Filter, PAGE_ENTRIES, QueueRequest, Steering};
use crate::control::{Request, Text};
use crate::output::{date, exact_date, printable, say, say_json, say_table};

/// Longest outcome in a list, in characters; `queue show` prints all of it.
const OUTCOME_CHARACTERS: usize = 60;

pub async fn run(place: &Place, command: QueueCommand) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let options = place.as_options();
    match command {
        QueueCommand::List { selection, held, output } => {
            let mut entries = Vec::new();
            for mut filter in filters(&selection)? {
                filter.held = held.then_some(true);
                entries.extend(all(&mut server, &filter).await?);
            }
            list(&entries, output)
        }
        QueueCommand::Show { which, output } => {
            let entries = all(&mut server, &filter_of(&which)?).await?;
            if entries.is_empty() {
                bail!("nothing in the queue has the number or id {which}");
            }
            if output.json {
                return say_json(&entries);
            }
            entries.iter().for_each(show);
            Ok(())
        }
        QueueCommand::Hold(which) => steer(&mut server, &which, Steering::Hold, &options).await,
        QueueCommand::Release(which) => steer(&mut server, &which, Steering::Release, &options).await,
        QueueCommand::Retry(which) => steer(&mut server, &which, Steering::Retry, &options).await,
        QueueCommand::Drop(which) => steer(&mut server, &which, Steering::Drop, &options).await,
        QueueCommand::Counts(output) => {
            let counts: CountsView = server.ask(&Request::Queue(QueueRequest::Counts)).await?;
            if output.json {
                return say_json(&counts);
            }
            say(format!("in the queue  {}", counts.entries));
            say(format!("held back     {}", counts.held));
            say(format!("under way     {}", counts.under_way));
            Ok(())
        }
    }
}

async fn steer(server: &mut Client, which: &SteeringOptions, steering: Steering, options: &str) -> anyhow::Result<()> {
    let selection = &which.selection;
    let is_narrow = !selection.which.is_empty() || selection.destination.is_some() || selection.sender.is_some();
    match (is_narrow, which.all) {
        (false, false) => bail!("name entries, --destination, --sender, or --all"),
        (true, true) => bail!("either --all or a choice, not both"),
        _ => {}
    }
    let mut done: u64 = 0;
    for filter in filters(selection)? {
        done += server.ask::<u64>(&Request::Queue(QueueRequest::Steer { filter, steering })).await?;
    }
    match done {
        0 => bail!("nothing in the queue fits, or it is under way at this moment"),
        1 => say(format!("1 entry was {}.", steering.done())),
        _ => say(format!("{done} entries were {}.", steering.done())),
    }
    say(format!("Verify: posthouse{options} queue list"));
    Ok(())
}

/// One filter for each entry that is named; one for all, if none is.
fn filters(selection: &QueueSelection) -> anyhow::Result<Vec<Filter>> {
    let narrowed = |filter: Filter| Filter {
        destination: selection.destination.clone().map(Text),
        sender: selection.sender.clone().map(Text),
        ..filter
    };
    if selection.which.is_empty() {
        return Ok(vec![narrowed(Filter::default())]);
    }
    selection.which.iter().map(|which| filter_of(which).map(narrowed)).collect()
}

fn filter_of(which: &str) -> anyhow::Result<Filter> {
    if let Some(journey) = JourneyId::parse(which) {
        return Ok(Filter { journey: Some(Text(journey)), ..Filter::default() });
    }
    match which.parse() {
        Ok(id) => Ok(Filter { id: Some(id), ..Filter::default() }),
        Err(_) => bail!("`{which}` is neither the number of an entry nor the id of a message"),
    }
}

/// All entries that fit, page by page.
async fn all(server: &mut Client, filter: &Filter) -> anyhow::Result<Vec<EntryView>> {
    let mut entries: Vec<EntryView> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.id);
        let request = Request::Queue(QueueRequest::List { filter: filter.clone(), after });
        let page: Vec<EntryView> = server.ask(&request).await?;
        let is_last = page.len() < PAGE_ENTRIES;
        entries.extend(page);
        if is_last {
            return Ok(entries);
        }
    }
}

fn list(entries: &[EntryView], output: Output) -> anyhow::Result<()> {
    if output.json {
        return say_json(&entries);
    }
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    let head = ["NUMBER", "ID", "SENDER", "RECIPIENT", "NEXT ATTEMPT", "ATTEMPTS", "LAST OUTCOME"];
    say_table(&head, &rows, "The queue is empty.");
    Ok(())
}

fn row(entry: &EntryView) -> Vec<String> {
    let outcome = printable(entry.last_outcome.as_deref().unwrap_or_default());
    vec![
        entry.id.to_string(),
        entry.journey.clone(),
        printable(&entry.sender),
        printable(&entry.recipient),
        if entry.held { "held".to_owned() } else { date(entry.due_at) },
        entry.attempts.to_string(),
        outcome.chars().take(OUTCOME_CHARACTERS).collect(),
    ]
}

fn show(entry: &EntryView) {
    say(format!("number        {}", entry.id));
    say(format!("id            {}", entry.journey));
    say(format!("sender        {}", printable(&entry.sender)));
    say(format!("recipient     {}", printable(&entry.recipient)));
    say(format!("destination   {}", entry.destination));
    say(format!("size          {} octets", entry.size_bytes));
    say(format!("received      {}", exact_date(entry.received_at)));
    let due = if entry.held { "held back".to_owned() } else { exact_date(entry.due_at) };
    say(format!("next attempt  {due}"));
    say(format!("given up      {}", exact_date(entry.expires_at)));
    say(format!("attempts      {}", entry.attempts));
    say(format!("last outcome  {}", printable(entry.last_outcome.as_deref().unwrap_or("none yet"))));
    say("");
}
