//! `posthouse account quota` and `posthouse domain quota`.

use anyhow::bail;

use super::Place;
use crate::cli::{AccountCommand, DomainCommand};
use crate::control::quota::{AccountQuotaView, Bound, DomainQuotaView, Figures, QuotaRequest};
use crate::control::{Change, Request, Text};
use crate::output::{say, say_json};
use crate::quota_size::{parse_size, show_size};

/// The word for as much as there is room.
const NONE: &str = "none";
/// The word for what the domain gives.
const INHERIT: &str = "inherit";

type Read = fn(&str) -> Result<u64, String>;

pub async fn of_account(place: &Place, command: AccountCommand) -> anyhow::Result<()> {
    let AccountCommand::Quota { address, size, messages, output } = command else { return Ok(()) };
    let request = QuotaRequest::Account {
        address: Text(address.clone()),
        size_bytes: bound("--size", size.as_deref(), parse_size)?,
        messages: bound("--messages", messages.as_deref(), parse_count)?,
    };
    let view: AccountQuotaView = place.server().await?.ask(&Request::Quota(request)).await?;
    if output.json {
        return say_json(&view);
    }
    say(format!("account   {}", view.address));
    show(&view.figures);
    if size.is_some() || messages.is_some() {
        say(format!("Verify: posthouse{} account quota {address}", place.as_options()));
    }
    Ok(())
}

pub async fn of_domain(place: &Place, command: DomainCommand) -> anyhow::Result<()> {
    let DomainCommand::Quota { domain, size, messages, each_size, each_messages, output } = command else {
        return Ok(());
    };
    let changes = [&size, &messages, &each_size, &each_messages].iter().any(|given| given.is_some());
    let request = QuotaRequest::Domain {
        name: Text(domain.clone()),
        size_bytes: change("--size", size.as_deref(), parse_size)?,
        messages: change("--messages", messages.as_deref(), parse_count)?,
        each_size_bytes: change("--each-size", each_size.as_deref(), parse_size)?,
        each_messages: change("--each-messages", each_messages.as_deref(), parse_count)?,
    };
    let view: DomainQuotaView = place.server().await?.ask(&Request::Quota(request)).await?;
    if output.json {
        return say_json(&view);
    }
    say(format!("domain    {}", view.name));
    show(&view.figures);
    say(format!("each      {}, {}", size_of(view.each_max_bytes), messages_of(view.each_max_messages)));
    if changes {
        say(format!("Verify: posthouse{} domain quota {domain}", place.as_options()));
    }
    Ok(())
}

fn parse_count(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is not a whole number"))
}

fn bound(option: &str, given: Option<&str>, read: Read) -> anyhow::Result<Option<Bound>> {
    Ok(match given {
        None => None,
        Some(NONE) => Some(Bound::Unlimited),
        Some(INHERIT) => Some(Bound::Inherit),
        Some(text) => match read(text) {
            Ok(most) => Some(Bound::AtMost(most)),
            Err(error) => bail!("{option}: {error}, or `{NONE}`, or `{INHERIT}`"),
        },
    })
}

fn change(option: &str, given: Option<&str>, read: Read) -> anyhow::Result<Change<u64>> {
    Ok(match given {
        None => Change::Keep,
        Some(NONE) => Change::Clear,
        Some(text) => match read(text) {
            Ok(most) => Change::Set(most),
            Err(error) => bail!("{option}: {error}, or `{NONE}`"),
        },
    })
}

fn size_of(most: Option<u64>) -> String {
    most.map_or_else(|| "any size".to_owned(), show_size)
}

fn messages_of(most: Option<u64>) -> String {
    most.map_or_else(|| "any number of messages".to_owned(), |most| format!("{most} messages"))
}

fn show(figures: &Figures) {
    say(format!("size      {}", size(figures)));
    let most = figures.max_messages.map_or_else(|| "any number".to_owned(), |most| most.to_string());
    say(format!("messages  {} of {most}", figures.used_messages));
}

/// How much room is taken of how much, for a line.
pub fn size(figures: &Figures) -> String {
    format!("{} of {}", show_size(figures.used_bytes), size_of(figures.max_bytes))
}
