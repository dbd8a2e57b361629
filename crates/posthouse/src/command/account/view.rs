//! What is told of accounts.

use crate::command::quota;
use crate::control::account::{AccountView, MOST_COUNTED, SendingView};
use crate::control::freeze::FreezeView;
use crate::output::{date, exact_date, printable, say};

/// Above [`row`]s.
pub const HEAD: [&str; 7] = ["ADDRESS", "NAME", "STATUS", "RIGHTS", "MAIL", "MADE", "PASSWORD"];

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

/// One of many accounts.
pub fn row(view: &AccountView) -> Vec<String> {
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

/// All of one account. `options` name this place on the command line.
pub fn show(view: &AccountView, options: &str) {
    say(format!("account  {}", view.address));
    say(format!("name     {}", printable(&view.display_name)));
    say(format!("status   {}", view.status.word()));
    say(format!("rights   {}", rights(view)));
    say(format!("mail     {}", quota::size(&view.quota)));
    say(format!("made     {}", date(view.created_at)));
    say(format!("password {}", password_age(view)));
    let sending = view.sending.as_ref();
    if let Some(freeze) = sending.and_then(|sending| sending.frozen.as_ref()) {
        say(format!("frozen   since {}, by {}: it may not send", exact_date(freeze.frozen_at), by_whom(freeze)));
        if !freeze.evidence.is_empty() {
            say(format!("because  {}", printable(&freeze.evidence)));
        }
    }
    if let Some(sending) = sending {
        for line in held_lines(sending) {
            say(line);
        }
    }
    if sending.is_some_and(|sending| sending.frozen.is_some()) {
        let address = &view.address;
        say(format!("Release: posthouse{options} account release {address}          # what is held goes on"));
        say(format!("         posthouse{options} account release {address} --drop   # what is held is dropped"));
    }
}

fn by_whom(freeze: &FreezeView) -> &str {
    match freeze.cause.as_str() {
        "flood" => "the watch over what is sent (it sent far more than usual)",
        "bounces" => "the watch over what is sent (very much of it came back)",
        _ => "an administrator",
    }
}

/// What the account has in the queue that does not go by itself.
fn held_lines(sending: &SendingView) -> Vec<String> {
    let figure = |figure: u64| match figure >= MOST_COUNTED {
        true => format!("{MOST_COUNTED} or more"),
        false => figure.to_string(),
    };
    let held = (sending.held > 0).then(|| format!("held     {} recipients in the queue", figure(sending.held)));
    let waiting =
        (sending.waiting > 0).then(|| format!("later    {} messages wait for their time", figure(sending.waiting)));
    held.into_iter().chain(waiting).collect()
}
