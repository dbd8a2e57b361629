//! `posthouse trail`.

use anyhow::bail;
use jiff::Timestamp;
use posthouse_model::{Address, JourneyId};

use super::Place;
use super::whereabouts::sentence;
use crate::cli::TrailOptions;
use crate::control::trail::{EventView, JourneyFilter, JourneyView, TrailRequest};
use crate::control::whereabouts::WhereView;
use crate::control::{Request, Text};
use crate::output::{exact_date, printable, say, say_json};

pub async fn run(place: &Place, options: &TrailOptions) -> anyhow::Result<()> {
    let request = request(options)?;
    let mut server = place.server().await?;
    let journeys: Vec<JourneyView> = server.ask(&Request::Trail(request)).await?;
    if options.output.json {
        return say_json(&journeys);
    }
    if journeys.is_empty() {
        bail!("nothing is known of {}", options.what);
    }
    for (at, journey) in journeys.iter().enumerate() {
        if at > 0 {
            say("");
        }
        match &journey.trace {
            Some(trace) => say(format!("message {}  trace {trace}", journey.id)),
            None => say(format!("message {}", journey.id)),
        }
        journey.events.iter().for_each(show);
        show_now(&journey.now, &place.as_options());
    }
    Ok(())
}

/// Where it is now.
fn show_now(now: &[WhereView], options: &str) {
    if !now.is_empty() {
        say("  now");
    }
    for view in now {
        let (words, todo) = sentence(view, options);
        match view.recipient.as_str() {
            "" => say(format!("      the message: {words}")),
            recipient => say(format!("      <{}>: {words}", printable(recipient))),
        }
        if let Some(todo) = todo {
            say(format!("          {todo}"));
        }
    }
}

fn request(options: &TrailOptions) -> anyhow::Result<TrailRequest> {
    let what = options.what.trim_matches(['<', '>']);
    let filter = JourneyFilter {
        since: options.since.map(Timestamp::as_millisecond),
        until: options.until.map(Timestamp::as_millisecond),
        from: options.from.clone().map(Text),
        to: options.to.clone().map(Text),
    };
    if let Ok(address) = Address::parse(what) {
        return Ok(TrailRequest::Address { address: Text(address), limit: options.limit, filter });
    }
    if what.contains('@') {
        return Ok(TrailRequest::MessageId { id: what.to_owned(), limit: options.limit });
    }
    if let Some(id) = JourneyId::parse(what) {
        return Ok(TrailRequest::Journey { id: Text(id) });
    }
    match what.parse() {
        Ok(id) => Ok(TrailRequest::QueueEntry { id }),
        Err(_) => bail!(
            "`{what}` is neither the id of a message, nor the number of a queue entry, nor an address, nor a Message-ID"
        ),
    }
}

fn show(event: &EventView) {
    say(format!("  {}  {}", exact_date(event.at), event.kind));
    for (name, value) in &event.facts {
        if !value.is_empty() {
            say(format!("      {name:<12}  {}", printable(value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Output;

    fn kind(what: &str) -> Option<&'static str> {
        let options = TrailOptions {
            what: what.to_owned(),
            limit: 1,
            since: None,
            until: None,
            from: None,
            to: None,
            output: Output { json: false },
        };
        request(&options).ok().map(|request| match request {
            TrailRequest::Journey { .. } => "journey",
            TrailRequest::QueueEntry { .. } => "entry",
            TrailRequest::Address { .. } => "address",
            TrailRequest::MessageId { .. } => "message-id",
        })
    }

    #[test]
    fn what_is_meant_is_seen_from_its_form() {
        assert_eq!(kind("ann@example.org"), Some("address"));
        assert_eq!(kind("<ann@example.org>"), Some("address"));
        assert_eq!(kind("0123456789abc"), Some("journey"));
        assert_eq!(kind("17"), Some("entry"));
        assert_eq!(kind("<a..b@host>"), Some("message-id"));
        assert_eq!(kind("ann"), None);
    }
}
