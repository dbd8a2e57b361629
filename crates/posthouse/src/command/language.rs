//! `posthouse account language` and `posthouse domain language`.

use super::Place;
use crate::cli::{AccountCommand, DomainCommand, LanguageWanted, Wanted};
use crate::control::language::{LanguageRequest, LanguageView};
use crate::control::{Change, Request, Text};
use crate::output::{say, say_json};

pub async fn of_account(place: &Place, command: AccountCommand) -> anyhow::Result<()> {
    let AccountCommand::Language { address, wanted } = command else { return Ok(()) };
    let request = LanguageRequest::Account { address: Text(address.clone()), language: change(&wanted) };
    let verify = format!("posthouse{} account language {address}", place.as_options());
    ask(place, request, &wanted, &verify).await
}

pub async fn of_domain(place: &Place, command: DomainCommand) -> anyhow::Result<()> {
    let DomainCommand::Language { domain, wanted } = command else { return Ok(()) };
    let request = LanguageRequest::Domain { name: Text(domain.clone()), language: change(&wanted) };
    let verify = format!("posthouse{} domain language {domain}", place.as_options());
    ask(place, request, &wanted, &verify).await
}

async fn ask(place: &Place, request: LanguageRequest, wanted: &LanguageWanted, verify: &str) -> anyhow::Result<()> {
    let view: LanguageView = place.server().await?.ask(&Request::Language(request)).await?;
    if wanted.output.json {
        return say_json(&view);
    }
    let own = view.own.as_deref().unwrap_or("none");
    say(format!("{}: {own}; reports are written in {}", view.whose, view.used));
    if wanted.language.is_some() {
        say(format!("Verify: {verify}"));
    }
    Ok(())
}

fn change(wanted: &LanguageWanted) -> Change<String> {
    match wanted.language {
        None => Change::Keep,
        Some(Wanted(None)) => Change::Clear,
        Some(Wanted(Some(language))) => Change::Set(language.to_string()),
    }
}
