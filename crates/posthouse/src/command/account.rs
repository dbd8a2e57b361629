//! `posthouse account`.

mod view;

use std::io::{self, BufRead, IsTerminal};

use anyhow::bail;
use posthouse_model::{Address, Domain};

use super::{Place, freeze, language, quota};
use crate::cli::{AccountCommand, Output};
use crate::control::account::{AccountRequest, AccountView, Status};
use crate::control::client::Client;
use crate::control::{Request, Text};
use crate::output::{say, say_json, say_table};
use crate::password_source::{NewPassword, new_password};

pub async fn run(place: &Place, command: AccountCommand) -> anyhow::Result<()> {
    match command {
        AccountCommand::Quota { .. } => quota::of_account(place, command).await,
        AccountCommand::Freeze { .. } | AccountCommand::Release { .. } | AccountCommand::Frozen(_) => {
            freeze::run(place, command).await
        }
        AccountCommand::Language { .. } => language::of_account(place, command).await,
        AccountCommand::List { domain, output } => list(place, domain, &output).await,
        AccountCommand::Show { address, output } => show_one(place, address, &output).await,
        AccountCommand::Add { .. } | AccountCommand::Remove { .. } => add_or_remove(place, command).await,
        AccountCommand::Password { .. }
        | AccountCommand::Suspend { .. }
        | AccountCommand::SendOnly { .. }
        | AccountCommand::Enable { .. }
        | AccountCommand::Set { .. } => change(place, command).await,
    }
}

async fn list(place: &Place, domain: Option<Domain>, output: &Output) -> anyhow::Result<()> {
    let request = AccountRequest::List { domain: domain.map(Text) };
    let accounts: Vec<AccountView> = place.server().await?.ask(&Request::Account(request)).await?;
    if output.json {
        return say_json(&accounts);
    }
    let rows: Vec<Vec<String>> = accounts.iter().map(view::row).collect();
    say_table(&view::HEAD, &rows, "There are no accounts.");
    Ok(())
}

async fn show_one(place: &Place, address: Address, output: &Output) -> anyhow::Result<()> {
    let request = AccountRequest::Show { address: Text(address) };
    let view: AccountView = place.server().await?.ask(&Request::Account(request)).await?;
    if output.json {
        return say_json(&view);
    }
    view::show(&view, &place.as_options());
    Ok(())
}

/// An account comes or goes.
async fn add_or_remove(place: &Place, command: AccountCommand) -> anyhow::Result<()> {
    let options = place.as_options();
    match command {
        AccountCommand::Add { address, name, administrator, password } => {
            let mut server = place.server().await?;
            let password = new_password(password, &address.to_string())?;
            let request = AccountRequest::Add {
                address: Text(address.clone()),
                display_name: name,
                administrator,
                password: password.secret.clone(),
            };
            add(&mut server, request, &password).await?;
            say(format!("Verify: posthouse{options} account show {address}"));
        }
        AccountCommand::Remove { address, yes } => {
            let mut server = place.server().await?;
            confirm_removal(&address, yes)?;
            let () = server.ask(&Request::Account(AccountRequest::Remove { address: Text(address.clone()) })).await?;
            say(format!("The account {address} and all its mail are gone."));
            say(format!("Verify: posthouse{options} account list {}", address.domain));
        }
        _ => {}
    }
    Ok(())
}

/// An account becomes another.
async fn change(place: &Place, command: AccountCommand) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let options = place.as_options();
    let undo = |address: &Address| format!("Undo: posthouse{options} account enable {address}");
    let verify = |address: &Address| format!("Verify: posthouse{options} account show {address}");
    let (view, next) = match command {
        AccountCommand::Password { address, password } => {
            let password = new_password(password, &address.to_string())?;
            let request =
                AccountRequest::Password { address: Text(address.clone()), password: password.secret.clone() };
            let () = server.ask(&Request::Account(request)).await?;
            say(format!("The password of {address} is changed."));
            say_password(&password);
            say("Verify: sign in with it; the old one is refused from now on, and sessions that it began end.");
            return Ok(());
        }
        AccountCommand::Suspend { address, login_only } => {
            let status = if login_only { Status::LoginDisabled } else { Status::Suspended };
            (set(&mut server, &address, |request| request.status = Some(status)).await?, undo(&address))
        }
        AccountCommand::SendOnly { address } => {
            (set(&mut server, &address, |request| request.status = Some(Status::SendOnly)).await?, undo(&address))
        }
        AccountCommand::Enable { address } => {
            (set(&mut server, &address, |request| request.status = Some(Status::Active)).await?, verify(&address))
        }
        AccountCommand::Set { address, name, administrator, mail_access } => {
            if name.is_none() && administrator.is_none() && mail_access.is_none() {
                bail!("nothing to change: name --name, --administrator or --mail-access");
            }
            let change = |changes: &mut Changes| {
                changes.display_name = name;
                changes.administrator = administrator.map(bool::from);
                changes.mail_access = mail_access.map(bool::from);
            };
            (set(&mut server, &address, change).await?, verify(&address))
        }
        _ => return Ok(()),
    };
    view::show(&view, &options);
    say(next);
    Ok(())
}

async fn add(server: &mut Client, request: AccountRequest, password: &NewPassword) -> anyhow::Result<()> {
    let view: AccountView = server.ask(&Request::Account(request)).await?;
    say(format!("The account {} is there.", view.address));
    say_password(password);
    Ok(())
}

/// What is to be changed.
#[derive(Default)]
struct Changes {
    status: Option<Status>,
    display_name: Option<String>,
    administrator: Option<bool>,
    mail_access: Option<bool>,
}

async fn set(server: &mut Client, address: &Address, change: impl FnOnce(&mut Changes)) -> anyhow::Result<AccountView> {
    let mut changes = Changes::default();
    change(&mut changes);
    let Changes { status, display_name, administrator, mail_access } = changes;
    let request =
        AccountRequest::Set { address: Text(address.clone()), status, display_name, administrator, mail_access };
    Ok(server.ask(&Request::Account(request)).await?)
}

/// A password that nobody knows is shown, once.
pub fn say_password(password: &NewPassword) {
    if password.is_generated {
        let text = password.secret.expose_str().unwrap_or_default();
        say(format!("Its password, shown this once: {text}"));
    }
}

/// All mail of the account goes with it, so a person is asked.
fn confirm_removal(address: &Address, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        bail!("this removes all mail of {address}: say so with --yes");
    }
    say(format!("This removes all mail of {address}. Type the address to go on:"));
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    if line.trim() != address.to_string() {
        bail!("nothing was removed");
    }
    Ok(())
}
