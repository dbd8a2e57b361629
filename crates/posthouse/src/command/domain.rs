//! `posthouse domain`.

use anyhow::bail;
use posthouse_model::Address;

use super::{Place, language, quota};
use crate::cli::DomainCommand;
use crate::control::domain::{DomainRequest, DomainView};
use crate::control::{Change, Request, Text};
use crate::output::{date, say, say_json, say_table};

/// The word that takes a setting away.
const NONE: &str = "none";

pub async fn run(place: &Place, command: DomainCommand) -> anyhow::Result<()> {
    if let DomainCommand::Quota { .. } = command {
        return quota::of_domain(place, command).await;
    }
    if let DomainCommand::Language { .. } = command {
        return language::of_domain(place, command).await;
    }
    let mut server = place.server().await?;
    let options = place.as_options();
    match command {
        DomainCommand::Add { domain } => {
            let request = DomainRequest::Add { name: Text(domain.clone()) };
            let _: DomainView = server.ask(&Request::Domain(request)).await?;
            say(format!("This server takes mail for {domain} now."));
            say(format!(
                "Verify: posthouse{options} domain show {domain}; next: posthouse{options} account add NAME@{domain}"
            ));
        }
        DomainCommand::Remove { domain } => {
            let request = DomainRequest::Remove { name: Text(domain.clone()) };
            let () = server.ask(&Request::Domain(request)).await?;
            say(format!("This server takes no more mail for {domain}."));
            say(format!("Verify: posthouse{options} domain list"));
        }
        DomainCommand::List(output) => {
            let domains: Vec<DomainView> = server.ask(&Request::Domain(DomainRequest::List)).await?;
            if output.json {
                return say_json(&domains);
            }
            let rows: Vec<Vec<String>> = domains.iter().map(row).collect();
            say_table(
                &["DOMAIN", "CATCH-ALL", "SUB-ADDRESSES BY", "MAIL", "ADDED"],
                &rows,
                "There are no domains yet.",
            );
        }
        DomainCommand::Show { domain, output } => {
            let view: DomainView = server.ask(&Request::Domain(DomainRequest::Show { name: Text(domain) })).await?;
            if output.json {
                return say_json(&view);
            }
            show(&view);
        }
        DomainCommand::Set { domain, catch_all, subaddress_separator } => {
            if catch_all.is_none() && subaddress_separator.is_none() {
                bail!("nothing to change: name --catch-all or --subaddress-separator");
            }
            let request = DomainRequest::Set {
                name: Text(domain.clone()),
                catch_all: catch_all_change(catch_all.as_deref())?,
                subaddress_separator: separator_change(subaddress_separator.as_deref())?,
                sends_only: None,
            };
            let view: DomainView = server.ask(&Request::Domain(request)).await?;
            show(&view);
            say(format!("Verify: posthouse{options} domain show {domain}"));
        }
        DomainCommand::SendOnly { domain, on, off } => {
            let request = DomainRequest::Set {
                name: Text(domain.clone()),
                catch_all: Change::Keep,
                subaddress_separator: Change::Keep,
                sends_only: (on || off).then_some(on),
            };
            let view: DomainView = server.ask(&Request::Domain(request)).await?;
            show(&view);
            if on {
                say(format!("Undo: posthouse{options} domain send-only {domain} --off"));
                say(format!("Verify: posthouse{options} check (which prints the records that DNS is to have)"));
            }
        }
        DomainCommand::Quota { .. } | DomainCommand::Language { .. } => {}
    }
    Ok(())
}

fn catch_all_change(given: Option<&str>) -> anyhow::Result<Change<Text<Address>>> {
    Ok(match given {
        None => Change::Keep,
        Some(NONE) => Change::Clear,
        Some(text) => match Address::parse(text) {
            Ok(address) => Change::Set(Text(address)),
            Err(error) => bail!("--catch-all: `{text}` is neither `none` nor a mail address: {error}"),
        },
    })
}

fn separator_change(given: Option<&str>) -> anyhow::Result<Change<char>> {
    let Some(text) = given else { return Ok(Change::Keep) };
    let mut characters = text.chars();
    match (text, characters.next(), characters.next()) {
        (NONE, ..) => Ok(Change::Clear),
        (_, Some(separator), None) => Ok(Change::Set(separator)),
        _ => bail!("--subaddress-separator: `{text}` is neither `none` nor one character such as +"),
    }
}

fn row(view: &DomainView) -> Vec<String> {
    vec![view.name.clone(), catch_all(view), separator(view), quota::size(&view.quota), date(view.created_at)]
}

fn catch_all(view: &DomainView) -> String {
    view.catch_all.clone().unwrap_or_else(|| NONE.to_owned())
}

fn separator(view: &DomainView) -> String {
    view.subaddress_separator.map_or_else(|| NONE.to_owned(), String::from)
}

fn show(view: &DomainView) {
    say(format!("domain            {}", view.name));
    say(format!("catch-all         {}", catch_all(view)));
    say(format!("sub-addresses by  {}", separator(view)));
    say(format!("mail              {}", quota::size(&view.quota)));
    if view.sends_only {
        say("send-only         yes: no mailboxes, and no mail comes in");
    }
    say(format!("added             {}", date(view.created_at)));
}
