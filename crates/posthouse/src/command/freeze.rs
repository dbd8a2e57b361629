//! `posthouse account freeze`, `release` and `frozen`.

use super::Place;
use crate::cli::AccountCommand;
use crate::control::freeze::{FreezeRequest, FreezeView};
use crate::control::{Request, Text};
use crate::output::{date, printable, say, say_json, say_table};

pub async fn run(place: &Place, command: AccountCommand) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let options = place.as_options();
    match command {
        AccountCommand::Freeze { address, reason } => {
            let request = FreezeRequest::Freeze { address: Text(address.clone()), reason };
            let held: u64 = server.ask(&Request::Freeze(request)).await?;
            say(format!("{address} may not send any more. Held in the queue: {held}"));
            say(format!("Undo: posthouse{options} account release {address}"));
        }
        AccountCommand::Release { address, drop } => {
            let request = FreezeRequest::Release { address: Text(address.clone()), drop };
            let entries: u64 = server.ask(&Request::Freeze(request)).await?;
            let done = if drop { "Dropped from" } else { "Released in" };
            say(format!("{address} may send again. {done} the queue: {entries}"));
            say(format!("Verify: posthouse{options} account frozen"));
        }
        AccountCommand::Frozen(output) => {
            let freezes: Vec<FreezeView> = server.ask(&Request::Freeze(FreezeRequest::List)).await?;
            if output.json {
                return say_json(&freezes);
            }
            let row = |freeze: FreezeView| {
                vec![freeze.address, freeze.cause, date(freeze.frozen_at), printable(&freeze.evidence)]
            };
            let rows: Vec<Vec<String>> = freezes.into_iter().map(row).collect();
            say_table(&["ACCOUNT", "CAUSE", "SINCE", "EVIDENCE"], &rows, "No account is frozen.");
        }
        _ => {}
    }
    Ok(())
}
