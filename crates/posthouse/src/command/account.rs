//! `posthouse account`.

use std::io::{self, BufRead, IsTerminal};

use anyhow::bail;
use posthouse_model::Address;

use super::{Place, freeze, language, quota};
use crate::cli::AccountCommand;
use crate::control::account::{AccountRequest, AccountView, Status};
use crate::control::client::Client;
use crate::control::{Request, Text};
use crate::output::{date, printable, say, say_json, say_table};
use crate::password_source::{NewPassword, new_password};

pub async fn run(place: &Place, command: AccountCommand) -> anyhow::Result<()> {
    if let AccountCommand::Quota { .. } = command {
        return quota::of_account(place, command).await;
    }
    if let AccountCommand::Freeze { .. } | AccountCommand::Release { .. } | AccountCommand::Frozen(_) = command {
        return freeze::run(place, command).await;
    }
    if let AccountCommand::Language { .. } = command {
        return language::of_account(place, command).await;
    }
    let mut server = place.server().await?;
    let options = place.as_options();
    match command {
        AccountCommand::Add { address, name, administrator, password } => {
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
        AccountCommand::List { domain, output } => {
            let request = AccountRequest::List { domain: domain.map(Text) };
            let accounts: Vec<AccountView> = server.ask(&Request::Account(request)).await?;
            if output.json {
                return say_json(&accounts);
            }
            let rows: Vec<Vec<String>> = accounts.iter().map(row).collect();
            let head = ["ADDRESS", "NAME", "STATUS", "RIGHTS", "MAIL", "MADE", "PASSWORD"];
            say_table(&head, &rows, "There are no accounts.");
        }
        AccountCommand::Show { address, output } => {
            let request = AccountRequest::Show { address: Text(address) };
            let view: AccountView = server.ask(&Request::Account(request)).await?;
            if output.json {
                return say_json(&view);
            }
            show(&view);
        }
        AccountCommand::Remove { address, yes } => {
            confirm_removal(&address, yes)?;
            let () = server.ask(&Request::Account(AccountRequest::Remove { address: Text(address.clone()) })).await?;
            say(format!("The account {address} and all its mail are gone."));
            say(format!("Verify: posthouse{options} account list {}", address.domain));
        }
        AccountCommand::Password { address, password } => {
            let password = new_password(password, &address.to_string())?;
            let request =
                AccountRequest::Password { address: Text(address.clone()), password: password.secret.clone() };
            let () = server.ask(&Request::Account(request)).await?;
            say(format!("The password of {address} is changed."));
            say_password(&password);
            say("Verify: sign in with it; the old one is refused from now on.");
        }
        AccountCommand::Suspend { address, login_only } => {
            let status = if login_only { Status::LoginDisabled } else { Status::Suspended };
            let view = set(&mut server, &address, |request| request.status = Some(status)).await?;
            show(&view);
            say(format!("Undo: posthouse{options} account enable {address}"));
        }
        AccountCommand::SendOnly { address } => {
            let view = set(&mut server, &address, |request| request.status = Some(Status::SendOnly)).await?;
            show(&view);
            say(format!("Undo: posthouse{options} account enable {address}"));
        }
        AccountCommand::Enable { address } => {
            let view = set(&mut server, &address, |request| request.status = Some(Status::Active)).await?;
            show(&view);
            say(format!("Verify: posthouse{options} account show {address}"));
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
            let view = set(&mut server, &address, change).await?;
            show(&view);
            say(format!("Verify: posthouse{options} account show {address}"));
        }
        AccountCommand::Quota { .. }
        | AccountCommand::Freeze { .. }
        | AccountCommand::Release { .. }
        | AccountCommand::Language { .. }
        | AccountCommand::Frozen(_) => {}
    }
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

fn rights(view: &AccountView) -> &'static str {
    match (view.administrator, view.mail_access_for_administrator) {
        (false, _) => "mail",
        (true, false) => "administrator, no IMAP or POP3",
        (true, true) => "administrator, mail",
    }
}

/// How old the password is, and what comes of that.
fn password_age(view: &AccountView) -> String {
    let Some(set_at) = view.password_set_at else { return "none".to_owned() };
    match view.password_expires_at {
        Some(_) if view.password_expired => format!("{}, expired", date(set_at)),
        Some(at) => format!("{}, until {}", date(set_at), date(at)),
        None => date(set_at),
    }
}

fn row(view: &AccountView) -> Vec<String> {
    vec![
        view.address.clone(),
        printable(&view.display_name),
        view.status.word().to_owned(),
        rights(view).to_owned(),
        quota::size(&view.quota),
        date(view.created_at),
        password_age(view),
    ]
}

fn show(view: &AccountView) {
    say(format!("account  {}", view.address));
    say(format!("name     {}", printable(&view.display_name)));
    say(format!("status   {}", view.status.word()));
    say(format!("rights   {}", rights(view)));
    say(format!("mail     {}", quota::size(&view.quota)));
    say(format!("made     {}", date(view.created_at)));
    say(format!("password {}", password_age(view)));
}
