//! `posthouse undelete`.

use anyhow::bail;
use jiff::Timestamp;

use super::Place;
use crate::cli::keeping::UndeleteOptions;
use crate::control::undelete::{Filter, MessageView, PageView, UndeleteRequest, Whose};
use crate::control::{Request, Text};
use crate::output::{date, printable, say, say_json, say_table};

/// Characters of a sender or subject in a list.
const FIELD_CHARACTERS: usize = 40;

pub async fn run(place: &Place, options: UndeleteOptions) -> anyhow::Result<()> {
    let whose = Whose { address: Text(options.address.clone()), removed: options.removed_account };
    let mut server = place.server().await?;
    if options.forget {
        if !options.all {
            bail!("this forgets everything for good: say so with --all");
        }
        let count: u64 = server.ask(&Request::Undelete(UndeleteRequest::Forget { whose })).await?;
        say(format!("{count} messages are forgotten for good."));
        return Ok(());
    }
    let UndeleteOptions { since, from, subject, mailbox, .. } = options;
    let filter = Filter { since: since.map(Timestamp::as_millisecond), from, subject, mailbox };
    let is_narrow =
        filter.since.is_some() || filter.from.is_some() || filter.subject.is_some() || filter.mailbox.is_some();
    match (options.list, is_narrow, options.all) {
        (false, false, false) => bail!("say which: --since, --from, --subject, --mailbox, or --all; --list shows them"),
        (_, true, true) => bail!("either --all or a choice, not both"),
        _ => {}
    }
    let mut messages: Vec<MessageView> = Vec::new();
    let mut after = None;
    loop {
        let (whose, filter) = (whose.clone(), filter.clone());
        let request = match options.list {
            true => UndeleteRequest::List { whose, filter, after },
            false => UndeleteRequest::PutBack { whose, filter, after },
        };
        let page: PageView = match server.ask(&Request::Undelete(request)).await {
            Ok(page) => page,
            // What was put back before stays.
            Err(error) if !options.list && !messages.is_empty() => {
                return Err(anyhow::Error::from(error).context(format!("{} messages are put back", messages.len())));
            }
            Err(error) => return Err(error.into()),
        };
        messages.extend(page.messages);
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    if options.output.json {
        return say_json(&messages);
    }
    if !options.list && messages.is_empty() {
        bail!("nothing that was expunged fits");
    }
    let rows: Vec<Vec<String>> = messages.iter().map(row).collect();
    say_table(&["EXPUNGED", "MAILBOX", "FROM", "SUBJECT", "OCTETS"], &rows, "Nothing that was expunged fits.");
    if !options.list {
        let count = messages.len();
        say(format!(
            "{count} of them {} back where they were, as new messages.",
            if count == 1 { "is" } else { "are" }
        ));
    }
    Ok(())
}

fn row(message: &MessageView) -> Vec<String> {
    let short = |text: &str| printable(text).chars().take(FIELD_CHARACTERS).collect::<String>();
    let gone = if message.mailbox_exists { "" } else { " (gone)" };
    vec![
        date(message.expunged_at),
        format!("{}{gone}", printable(&message.mailbox)),
        short(&message.from),
        short(&message.subject),
        message.size_bytes.to_string(),
    ]
}
