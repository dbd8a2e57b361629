//! `posthouse alias`.

use super::Place;
use crate::cli::AliasCommand;
use crate::control::alias::{AliasRequest, AliasView};
use crate::control::{Request, Text};
use crate::output::{say, say_json, say_table};

pub async fn run(place: &Place, command: AliasCommand) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let options = place.as_options();
    match command {
        AliasCommand::Add { address, targets } => {
            let domain = address.domain.clone();
            let request =
                AliasRequest::Add { address: Text(address), targets: targets.into_iter().map(Text).collect() };
            let view: AliasView = server.ask(&Request::Alias(request)).await?;
            say(format!("Mail for {} goes to {}.", view.address, view.targets.join(", ")));
            say(format!("Verify: posthouse{options} alias list {domain}"));
        }
        AliasCommand::Remove { address, targets } => {
            let domain = address.domain.clone();
            let what = match targets.is_empty() {
                true => format!("The alias {address} is gone."),
                false => format!("The alias {address} no longer leads to {} of its targets.", targets.len()),
            };
            let request =
                AliasRequest::Remove { address: Text(address), targets: targets.into_iter().map(Text).collect() };
            let () = server.ask(&Request::Alias(request)).await?;
            say(what);
            say(format!("Verify: posthouse{options} alias list {domain}"));
        }
        AliasCommand::List { domain, output } => {
            let request = AliasRequest::List { domain: domain.map(Text) };
            let aliases: Vec<AliasView> = server.ask(&Request::Alias(request)).await?;
            if output.json {
                return say_json(&aliases);
            }
            let rows: Vec<Vec<String>> =
                aliases.into_iter().map(|alias| vec![alias.address, alias.targets.join(", ")]).collect();
            say_table(&["ALIAS", "GOES TO"], &rows, "There are no aliases.");
        }
    }
    Ok(())
}
