//! `posthouse queue`.

use std::io::{self, BufRead, IsTerminal};

use anyhow::bail;
use posthouse_model::JourneyId;
use serde::Serialize;

use super::Place;
use crate::cli::Output;
use crate::cli::queue::{BounceOptions, QueueCommand, QueueSelection, RemovalOptions, RerouteOptions, SteeringOptions};
use crate::control::client::Client;
use crate::control::queue::{
    CountsView, EntryView, Filter, PAGE_ENTRIES, QueueRequest, SteeredView, Steering, TallyBy, TallyView,
};
use crate::control::{Request, Text};
use crate::output::{date, exact_date, printable, say, say_json, say_table};

/// Entries that are counted before a person is asked; of more it is said that they are more.
const CONFIRMED_ENTRIES: usize = PAGE_ENTRIES;
/// Longest outcome in a list, in characters; `queue show` prints all of it.
const OUTCOME_CHARACTERS: usize = 60;

pub async fn run(place: &Place, command: QueueCommand) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    match command {
        QueueCommand::List { selection, limit, output } => {
            let mut entries = Vec::new();
            for filter in filters(&selection)? {
                entries.extend(first(&mut server, &filter, limit - entries.len()).await?);
            }
            list(&entries, limit, &output)
        }
        QueueCommand::Show { which, output } => {
            let entries = first(&mut server, &filter_of(&which)?, usize::MAX).await?;
            if entries.is_empty() {
                bail!("nothing in the queue has the number or id {which}");
            }
            if output.json {
                return say_json(&entries);
            }
            entries.iter().for_each(show);
            Ok(())
        }
        QueueCommand::Summary { limit, output } => summary(&mut server, limit, &output).await,
        QueueCommand::Counts(output) => {
            let counts = counts(&mut server).await?;
            if output.json {
                return say_json(&counts);
            }
            say_counts(&counts);
            Ok(())
        }
        QueueCommand::Hold(which) => steer(place, &mut server, &which, Steering::Hold).await,
        QueueCommand::Release(which) => steer(place, &mut server, &which, Steering::Release).await,
        QueueCommand::Retry(which) => steer(place, &mut server, &which, Steering::Retry).await,
        QueueCommand::Reroute(RerouteOptions { steering, to, .. }) => {
            steer(place, &mut server, &steering, Steering::Reroute(to)).await
        }
        QueueCommand::Bounce(BounceOptions { removal, reason }) => {
            confirm(&mut server, &removal, "return to their senders").await?;
            steer(place, &mut server, &removal.steering, Steering::Bounce(reason)).await
        }
        QueueCommand::Drop(removal) => {
            confirm(&mut server, &removal, "drop, without telling anybody,").await?;
            steer(place, &mut server, &removal.steering, Steering::Drop).await
        }
    }
}

/// What was done to how many.
#[derive(Serialize)]
struct Done {
    entries: u64,
}

async fn steer(place: &Place, server: &mut Client, which: &SteeringOptions, steering: Steering) -> anyhow::Result<()> {
    match (which.selection.is_narrow(), which.all) {
        (false, false) => bail!("name entries, --destination, --sender, --sender-domain, --cause, --held, or --all"),
        (true, true) => bail!("either --all or a choice, not both"),
        _ => {}
    }
    let mut done: u64 = 0;
    for filter in filters(&which.selection)? {
        let mut after = None;
        loop {
            let request = QueueRequest::Steer { filter: filter.clone(), after, steering: steering.clone() };
            let steered: SteeredView = server.ask(&Request::Queue(request)).await?;
            done += steered.done;
            after = steered.last;
            if after.is_none() {
                break;
            }
        }
    }
    if which.output.json {
        return say_json(&Done { entries: done });
    }
    let what = what_was_done(&steering);
    match done {
        0 => bail!("nothing in the queue fits, or it is under way at this moment"),
        1 => say(format!("1 entry was {what}.")),
        _ => say(format!("{done} entries were {what}.")),
    }
    say(format!("Verify: posthouse{} queue list", place.as_options()));
    Ok(())
}

/// What was done, for the sentence that says so.
fn what_was_done(steering: &Steering) -> &'static str {
    match steering {
        Steering::Hold => "held",
        Steering::Release => "released",
        Steering::Retry => "made due now",
        Steering::Reroute(Some(_)) => "rerouted",
        Steering::Reroute(None) => "sent their own way again",
        Steering::Bounce(_) => "returned",
        Steering::Drop => "dropped",
    }
}

/// What takes more out than was named one by one is asked for.
async fn confirm(server: &mut Client, removal: &RemovalOptions, what: &str) -> anyhow::Result<()> {
    let SteeringOptions { selection, all, .. } = &removal.steering;
    if removal.yes || !selection.which.is_empty() || !(selection.is_narrow() || *all) {
        return Ok(());
    }
    let fitting = first(server, &narrowed(selection, Filter::default()), CONFIRMED_ENTRIES + 1).await?.len();
    let count = match fitting {
        0 | 1 => return Ok(()),
        _ if *all => counts(server).await?.entries.to_string(),
        _ if fitting > CONFIRMED_ENTRIES => format!("more than {CONFIRMED_ENTRIES}"),
        _ => fitting.to_string(),
    };
    if !io::stdin().is_terminal() {
        bail!("this would {what} {count} entries: say so with --yes");
    }
    say(format!("This will {what} {count} entries. Type yes to go on:"));
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    if line.trim() != "yes" {
        bail!("nothing was done");
    }
    Ok(())
}

async fn counts(server: &mut Client) -> anyhow::Result<CountsView> {
    Ok(server.ask(&Request::Queue(QueueRequest::Counts)).await?)
}

fn say_counts(counts: &CountsView) {
    say(format!("in the queue  {}", counts.entries));
    say(format!("held back     {}", counts.held));
    say(format!("under way     {}", counts.under_way));
    if let Some(oldest) = counts.oldest_received_at {
        say(format!("oldest        {}", exact_date(oldest)));
    }
}

/// All that is told of the queue as a whole.
#[derive(Serialize)]
struct Summary {
    counts: CountsView,
    destinations: Vec<TallyView>,
    causes: Vec<TallyView>,
}

async fn summary(server: &mut Client, limit: usize, output: &Output) -> anyhow::Result<()> {
    let tallies = |by| Request::Queue(QueueRequest::Tallies { by, limit });
    let summary = Summary {
        counts: counts(server).await?,
        destinations: server.ask(&tallies(TallyBy::Destination)).await?,
        causes: server.ask(&tallies(TallyBy::Cause)).await?,
    };
    if output.json {
        return say_json(&summary);
    }
    say_counts(&summary.counts);
    let rows = |tallies: &[TallyView]| -> Vec<Vec<String>> {
        let row = |one: &TallyView| vec![one.entries.to_string(), one.held.to_string(), printable(&one.name)];
        tallies.iter().map(row).collect()
    };
    say("");
    say_table(&["ENTRIES", "HELD", "DESTINATION"], &rows(&summary.destinations), "There is nothing for anybody.");
    say("");
    say_table(&["ENTRIES", "HELD", "LAST ATTEMPT"], &rows(&summary.causes), "No attempt has failed.");
    Ok(())
}

/// One filter for each entry that is named; one for all, if none is.
fn filters(selection: &QueueSelection) -> anyhow::Result<Vec<Filter>> {
    if selection.which.is_empty() {
        return Ok(vec![narrowed(selection, Filter::default())]);
    }
    selection.which.iter().map(|which| Ok(narrowed(selection, filter_of(which)?))).collect()
}

fn narrowed(selection: &QueueSelection, filter: Filter) -> Filter {
    Filter {
        destination: selection.destination.clone().map(Text),
        sender: selection.sender.clone().map(Text),
        sender_domain: selection.sender_domain.clone().map(Text),
        cause: selection.cause.clone(),
        held: selection.held.then_some(true),
        ..filter
    }
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

/// The first `limit` entries that fit, page by page.
async fn first(server: &mut Client, filter: &Filter, limit: usize) -> anyhow::Result<Vec<EntryView>> {
    let mut entries: Vec<EntryView> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.id);
        let request = Request::Queue(QueueRequest::List { filter: filter.clone(), after });
        let page: Vec<EntryView> = server.ask(&request).await?;
        let is_last = page.len() < PAGE_ENTRIES;
        entries.extend(page);
        if is_last || entries.len() >= limit {
            entries.truncate(limit);
            return Ok(entries);
        }
    }
}

fn list(entries: &[EntryView], limit: usize, output: &Output) -> anyhow::Result<()> {
    if output.json {
        return say_json(&entries);
    }
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    let head = ["NUMBER", "ID", "SENDER", "RECIPIENT", "NEXT ATTEMPT", "ATTEMPTS", "LAST OUTCOME"];
    say_table(&head, &rows, "Nothing in the queue fits.");
    if entries.len() >= limit {
        say(format!("There may be more than these {limit}; see --limit and `queue summary`."));
    }
    Ok(())
}

fn row(entry: &EntryView) -> Vec<String> {
    let waits = entry.held_until.map(|until| format!("waits until {}, as its sender wants", date(until)));
    let outcome = printable(&entry.last_outcome.clone().or(waits).unwrap_or_default());
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
    let due = match (entry.held, entry.held_with_account) {
        (true, true) => "held back while its account may not send".to_owned(),
        (true, false) => "held back".to_owned(),
        (false, _) => exact_date(entry.due_at),
    };
    say(format!("next attempt  {due}"));
    if let Some(until) = entry.held_until {
        say(format!("waits until   {}, as its sender wants", exact_date(until)));
    }
    if let Some(by) = entry.deliver_by {
        let then = if entry.is_returned_then { "returned then" } else { "its sender is told then" };
        say(format!("deliver by    {}, {then}", exact_date(by)));
    }
    say(format!("given up      {}", exact_date(entry.expires_at)));
    say(format!("attempts      {}", entry.attempts));
    say(format!("last outcome  {}", printable(entry.last_outcome.as_deref().unwrap_or("none yet"))));
    if let Some(cause) = &entry.cause {
        say(format!("cause         {}", printable(cause)));
    }
    if let Some(host) = &entry.rerouted_to {
        say(format!("rerouted to   {host}"));
    }
    say("");
}
