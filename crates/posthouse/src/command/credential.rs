//! `posthouse credential`.

use jiff::Timestamp;
use posthouse_model::Address;

use super::Place;
use crate::cli::credential::{CredentialCommand, MainPassword};
use crate::control::credential::{CredentialMade, CredentialRequest, CredentialView, CredentialsView};
use crate::control::{Request, Text};
use crate::output::{date, say, say_json, say_table};

pub async fn run(place: &Place, command: CredentialCommand) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let options = place.as_options();
    match command {
        CredentialCommand::Add { account, label, expires, services, output } => {
            let request = CredentialRequest::Add {
                account: Text(account.clone()),
                label,
                services: services.iter().map(|service| service.name().to_owned()).collect(),
                expires_at: expires.map(Timestamp::as_millisecond),
            };
            let made: CredentialMade = server.ask(&Request::Credential(request)).await?;
            if output.json {
                return say_json(&made);
            }
            say_made(&account, &made);
            say(format!("Verify: posthouse{options} credential list {account}"));
            say(format!("Undo: posthouse{options} credential remove {account} {}", made.credential.label));
        }
        CredentialCommand::List { account, output } => {
            let request = CredentialRequest::List { account: Text(account) };
            let view: CredentialsView = server.ask(&Request::Credential(request)).await?;
            if output.json {
                return say_json(&view);
            }
            let rows: Vec<Vec<String>> = view.credentials.iter().map(row).collect();
            let head = ["LABEL", "FOR", "MADE", "EXPIRES", "LAST USED"];
            say_table(&head, &rows, "It has no credentials besides its main password.");
            say(main_password(&view));
        }
        CredentialCommand::Remove { account, label } => {
            let request = CredentialRequest::Remove { account: Text(account.clone()), label: label.clone() };
            let () = server.ask(&Request::Credential(request)).await?;
            say(format!("{label} of {account} opens nothing from now on; sessions that began with it end."));
            say(format!("Verify: posthouse{options} credential list {account}"));
        }
        CredentialCommand::MainPassword { account, state, output } => {
            let request = match state {
                None => CredentialRequest::List { account: Text(account) },
                Some(state) => CredentialRequest::Bar { account: Text(account), barred: state == MainPassword::Barred },
            };
            let view: CredentialsView = server.ask(&Request::Credential(request)).await?;
            if output.json {
                return say_json(&view);
            }
            say(main_password(&view));
        }
    }
    Ok(())
}

fn say_made(account: &Address, made: &CredentialMade) {
    let CredentialView { label, services, expires_at, .. } = &made.credential;
    let until = expires_at.map(|at| format!(", until {}", date(at))).unwrap_or_default();
    say(format!("{account} has the credential {label} for {}{until}.", services.join(", ")));
    say(format!("Its secret, shown this once: {}", made.secret.expose_str().unwrap_or_default()));
    say(format!("The user name with it: {account}/{label}"));
}

fn main_password(view: &CredentialsView) -> &'static str {
    match view.main_password_barred {
        true => "The main password is barred from IMAP, POP3 and submission.",
        false => "The main password is good for IMAP, POP3 and submission, too.",
    }
}

fn row(view: &CredentialView) -> Vec<String> {
    let expires = match view.expires_at {
        Some(at) if view.expired => format!("{} (expired)", date(at)),
        Some(at) => date(at),
        None => "never".to_owned(),
    };
    let last_use = view.last_used_at.zip(view.last_used_for.as_ref());
    vec![
        view.label.clone(),
        view.services.join(","),
        date(view.created_at),
        expires,
        last_use.map_or_else(|| "never".to_owned(), |(at, service)| format!("{} {service}", date(at))),
    ]
}
