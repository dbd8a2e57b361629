//! `posthouse reindex`.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use posthouse_model::Address;

use super::Place;
use crate::cli::Output;
use crate::control::reindex::{IndexView, ReindexRequest};
use crate::control::{Request, Text};
use crate::output::{say, say_json};

/// How often the server is asked how far it is.
const PROGRESS_PAUSE: Duration = Duration::from_millis(250);
/// Characters of the bar.
const BAR_CHARACTERS: u64 = 30;

pub async fn run(place: &Place, address: Option<Address>, output: Output) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let text = || address.clone().map(Text);
    let mut view: IndexView = server.ask(&Request::Reindex(ReindexRequest::Start { address: text() })).await?;
    let shows_bar = !output.json && stderr().is_terminal();
    while view.waiting > 0 {
        if shows_bar {
            show_bar(view);
        }
        tokio::time::sleep(PROGRESS_PAUSE).await;
        view = server.ask(&Request::Reindex(ReindexRequest::Progress { address: text() })).await?;
    }
    if shows_bar {
        show_bar(view);
        // Nobody is left to tell if the terminal is gone.
        let _ = writeln!(stderr());
    }
    if output.json {
        return say_json(&view);
    }
    let of = address.map_or_else(String::new, |address| format!(" of {address}"));
    say(format!("The search index{of} is new: {} messages, {} KiB.", view.indexed, view.size_bytes / 1024));
    say(format!("Verify: posthouse{} status", place.as_options()));
    Ok(())
}

fn show_bar(view: IndexView) {
    // If it cannot be shown the work goes on all the same.
    let _ = write!(stderr(), "\r{}", bar(view));
}

fn bar(view: IndexView) -> String {
    let done = view.messages.saturating_sub(view.waiting);
    let full = (done * BAR_CHARACTERS).checked_div(view.messages).unwrap_or(BAR_CHARACTERS);
    let rest = BAR_CHARACTERS - full;
    let (full, rest) = ("#".repeat(full as usize), "-".repeat(rest as usize));
    format!("[{full}{rest}] {done} of {} messages", view.messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(messages: u64, waiting: u64, expected: &str) {
        let view = IndexView { messages, waiting, indexed: 0, size_bytes: 0 };
        assert_eq!(bar(view), expected);
    }

    #[test]
    fn bars() {
        check(0, 0, "[##############################] 0 of 0 messages");
        check(100, 100, "[------------------------------] 0 of 100 messages");
        check(100, 50, "[###############---------------] 50 of 100 messages");
        check(100, 0, "[##############################] 100 of 100 messages");
    }
}
