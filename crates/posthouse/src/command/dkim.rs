//! `posthouse dkim`.

use posthouse_flow::signing::RETIRED_KEY_REST;
use posthouse_model::Domain;

use super::Place;
use crate::cli::Output;
use crate::cli::dkim::{Algorithm, DkimCommand};
use crate::control::dkim::{AlgorithmName, DkimRequest, KeyView, PUBLISHED};
use crate::control::{Request, Text};
use crate::output::{date, say, say_json, say_table, txt_strings};

pub async fn run(place: &Place, command: DkimCommand) -> anyhow::Result<()> {
    match command {
        DkimCommand::Generate { domain, algorithm, selector } => generate(place, domain, algorithm, selector).await,
        DkimCommand::List { domain, output } => list(place, domain, output).await,
        DkimCommand::Records { domain, output } => records(place, domain, output).await,
        DkimCommand::Activate { domain, selector, unchecked } => {
            let request = DkimRequest::Activate { domain: Text(domain.clone()), selector, look_up: !unchecked };
            let views: Vec<KeyView> = place.server().await?.ask(&Request::Dkim(request)).await?;
            for view in views {
                say(format!("{} signs the mail of {domain} from now on.", view.selector));
            }
            verify(place, &domain);
            Ok(())
        }
        DkimCommand::Retire { domain, selector } => {
            let request = DkimRequest::Retire { domain: Text(domain.clone()), selector };
            let view: KeyView = place.server().await?.ask(&Request::Dkim(request)).await?;
            say(format!("{} signs no more. {}", view.selector, advice_on_retired(&view)));
            verify(place, &domain);
            Ok(())
        }
        DkimCommand::Remove { domain, selector, early } => {
            let request = DkimRequest::Remove { domain: Text(domain.clone()), selector, early };
            let view: KeyView = place.server().await?.ask(&Request::Dkim(request)).await?;
            let advice = match view.dns.as_deref() {
                Some(PUBLISHED) => format!("Take its record out of DNS: {}", view.record_name),
                _ => "Its record is not in DNS any more.".to_owned(),
            };
            say(format!("The key {} is gone. {advice}", view.selector));
            verify(place, &domain);
            Ok(())
        }
    }
}

async fn generate(
    place: &Place,
    domain: Domain,
    algorithm: Option<Algorithm>,
    selector: Option<String>,
) -> anyhow::Result<()> {
    let name = |algorithm| match algorithm {
        Algorithm::Rsa => AlgorithmName::Rsa,
        Algorithm::Ed25519 => AlgorithmName::Ed25519,
    };
    let kinds = algorithm.map_or(vec![AlgorithmName::Rsa, AlgorithmName::Ed25519], |one| vec![name(one)]);
    let mut server = place.server().await?;
    let mut views: Vec<KeyView> = Vec::new();
    for algorithm in kinds {
        let request = DkimRequest::Generate { domain: Text(domain.clone()), algorithm, selector: selector.clone() };
        views.push(server.ask(&Request::Dkim(request)).await?);
    }
    say("Put into the zone of the domain:\n");
    for view in &views {
        say(zone_line(view));
    }
    say(format!("\nThen: posthouse{} dkim activate {domain}", place.as_options()));
    Ok(())
}

async fn list(place: &Place, domain: Domain, output: Output) -> anyhow::Result<()> {
    let views = ask_for(place, &domain, false).await?;
    if output.json {
        return say_json(&views);
    }
    let lender = views.iter().find_map(|view| view.borrowed_from.clone());
    let row = |view: KeyView| {
        let whose = view.borrowed_from.unwrap_or_else(|| domain.to_string());
        vec![view.selector, view.algorithm, view.state, whose]
    };
    let rows: Vec<Vec<String>> = views.into_iter().map(row).collect();
    let none =
        format!("There are no keys: mail of {domain} is not signed. `posthouse dkim generate {domain}` makes some.");
    say_table(&["SELECTOR", "ALGORITHM", "STATE", "KEY OF"], &rows, &none);
    if let Some(lender) = lender {
        say(format!(
            "{domain} has no key that signs, so its mail is signed with those of {lender}. DMARC accepts that, unless its \
             record says adkim=s: then `posthouse dkim generate {domain}` makes keys of its own."
        ));
    }
    Ok(())
}

async fn records(place: &Place, domain: Domain, output: Output) -> anyhow::Result<()> {
    let views = ask_for(place, &domain, true).await?;
    if output.json {
        return say_json(&views);
    }
    for view in &views {
        say(zone_line(view));
        say(format!(
            "; {}, {} in DNS: {}\n",
            view.state,
            view.algorithm,
            view.dns.as_deref().unwrap_or("not looked up")
        ));
    }
    if views.is_empty() {
        say(format!("There are no keys. `posthouse dkim generate {domain}` makes some."));
    }
    Ok(())
}

async fn ask_for(place: &Place, domain: &Domain, look_up: bool) -> anyhow::Result<Vec<KeyView>> {
    let request = DkimRequest::List { domain: Text(domain.clone()), look_up };
    Ok(place.server().await?.ask(&Request::Dkim(request)).await?)
}

fn verify(place: &Place, domain: &Domain) {
    say(format!("Verify: posthouse{} dkim list {domain}", place.as_options()));
}

/// What DNS is to have of a key that signed until now.
fn advice_on_retired(view: &KeyView) -> String {
    let rest = i64::try_from(RETIRED_KEY_REST.as_millis()).unwrap_or(i64::MAX);
    let until = date(view.changed_at.saturating_add(rest));
    match view.dns.as_deref() {
        Some(PUBLISHED) => format!("Leave its record in DNS until {until}, when what it signed has arrived."),
        Some(why) => format!(
            "But its record cannot be found in DNS ({why}), so what it signed and is on its way is not believed: publish \
             it until {until}.\n\n{}",
            zone_line(view)
        ),
        None => format!("Leave its record in DNS until {until}."),
    }
}

/// The record as a line of a zone file, in strings that are not too long.
fn zone_line(view: &KeyView) -> String {
    let strings = txt_strings(&view.record);
    let text = match &strings[..] {
        [one] => one.clone(),
        many => format!("( {} )", many.join("\n    ")),
    };
    format!("{}. IN TXT {text}", view.record_name)
}
