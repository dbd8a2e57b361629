//! Does a message go round: submission, mailbox, IMAP, POP3? It goes by way of an account of its own, which is removed
//! afterwards.

use std::time::Instant;

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthouse_identity::random_password;
use posthouse_model::{Address, Secret};
use posthouse_tls::ClientTls;

use super::Findings;
use super::conversation::Conversation;
use crate::control::account::{AccountRequest, AccountView};
use crate::control::client::Client;
use crate::control::domain::{DomainRequest, DomainView};
use crate::control::status::ListenerView;
use crate::control::{Request, Text};

/// What the round goes by.
const WHAT: &str = "a message that goes round";

/// Somebody who is there for the time of the check.
struct Visitor {
    address: String,
    password: String,
}

/// Sends a message round.
pub async fn check(server: &mut Client, listeners: &[ListenerView], tls: &ClientTls, findings: &mut Findings) {
    let visitor = match invite(server).await {
        Ok(Some(visitor)) => visitor,
        Ok(None) => {
            return findings.warn(WHAT, "not tried: there is no domain yet", "run `posthouse domain add DOMAIN`");
        }
        Err(error) => {
            return findings.fail(WHAT, &format!("no account can be made: {error:#}"), "look at the server's log");
        }
    };
    travel(&visitor, listeners, tls, findings).await;
    let removed: Result<(), _> = match Address::parse(&visitor.address) {
        Ok(address) => server.ask(&Request::Account(AccountRequest::Remove { address: Text(address) })).await,
        Err(_) => Ok(()),
    };
    if let Err(error) = removed {
        let advice = format!("run `posthouse account remove {}`", visitor.address);
        findings.fail(WHAT, &format!("its account cannot be removed: {error}"), &advice);
    }
}

async fn invite(server: &mut Client) -> anyhow::Result<Option<Visitor>> {
    let domains: Vec<DomainView> = server.ask(&Request::Domain(DomainRequest::List)).await?;
    let Some(domain) = domains.first() else { return Ok(None) };
    let (name, password) = (random_password(), random_password());
    let visitor = Visitor { address: format!("check-{name}@{}", domain.name), password };
    let request = AccountRequest::Add {
        address: Text(Address::parse(&visitor.address)?),
        display_name: "posthouse check".to_owned(),
        administrator: false,
        password: Secret::new(visitor.password.as_bytes()),
    };
    let _: AccountView = server.ask(&Request::Account(request)).await?;
    Ok(Some(visitor))
}

async fn travel(visitor: &Visitor, listeners: &[ListenerView], tls: &ClientTls, findings: &mut Findings) {
    let token = random_password();
    let begin = Instant::now();
    let Some(submission) = choose(listeners, "submission") else {
        return findings.warn(WHAT, "not tried: nothing takes mail from people", "add a listener of role submission");
    };
    if let Err(error) = submit(visitor, submission, tls, &token).await {
        let what = format!("{WHAT}: {}", submission.name);
        return findings.fail(&what, &format!("{error:#}"), "look at the server's log");
    }
    findings.good(WHAT, &format!("handed in at {}", submission.name));
    for role in ["imap", "pop3"] {
        let Some(listener) = choose(listeners, role) else { continue };
        let outcome = match role {
            "imap" => fetch_by_imap(visitor, listener, tls, &token).await,
            _ => fetch_by_pop3(visitor, listener, tls, &token).await,
        };
        let since = begin.elapsed();
        match outcome {
            Ok(()) => {
                findings.good(WHAT, &format!("read at {}, {} ms after it set out", listener.name, since.as_millis()));
            }
            Err(error) => {
                let what = format!("{WHAT}: {}", listener.name);
                findings.fail(&what, &format!("{error:#}"), &format!("run `posthouse trail {}`", visitor.address));
            }
        }
    }
}

/// The listener of this role to use: the one with the most TLS.
fn choose<'a>(listeners: &'a [ListenerView], role: &str) -> Option<&'a ListenerView> {
    const BEST_FIRST: [&str; 4] = ["implicit", "starttls-required", "starttls-optional", "none"];
    let rank = |listener: &ListenerView| BEST_FIRST.iter().position(|mode| *mode == listener.tls);
    listeners
        .iter()
        .filter(|listener| listener.role == role && listener.tls != "none")
        .min_by_key(|listener| rank(listener))
}

async fn open(listener: &ListenerView, tls: &ClientTls) -> anyhow::Result<Conversation> {
    let address = listener.addresses.first().context("it has no address")?;
    Ok(Conversation::open(listener, address, tls).await?.0)
}

async fn submit(visitor: &Visitor, listener: &ListenerView, tls: &ClientTls, token: &str) -> anyhow::Result<()> {
    let mut server = open(listener, tls).await?;
    let Visitor { address, password } = visitor;
    let response = STANDARD.encode(format!("\0{address}\0{password}"));
    server.smtp(&format!("AUTH PLAIN {response}"), 235).await.context("AUTH PLAIN")?;
    server.smtp(&format!("MAIL FROM:<{address}>"), 250).await.context("MAIL")?;
    server.smtp(&format!("RCPT TO:<{address}>"), 250).await.context("RCPT")?;
    server.smtp("DATA", 354).await.context("DATA")?;
    let message =
        format!("From: <{address}>\r\nTo: <{address}>\r\nSubject: {token}\r\n\r\nA message that goes round.\r\n.");
    server.smtp(&message, 250).await.context("the message")?;
    server.smtp("QUIT", 221).await.context("QUIT")?;
    Ok(())
}

/// Local mail is in the mailbox before it is acknowledged, so there is nothing to wait for.
async fn fetch_by_imap(visitor: &Visitor, listener: &ListenerView, tls: &ClientTls, token: &str) -> anyhow::Result<()> {
    let mut server = open(listener, tls).await?;
    server.imap("a", &format!("LOGIN {} {}", visitor.address, visitor.password)).await.context("LOGIN")?;
    server.imap("b", "SELECT INBOX").await.context("SELECT")?;
    let found = server.imap("c", &format!("SEARCH SUBJECT {token}")).await.context("SEARCH")?;
    ensure!(found.iter().any(|line| line.starts_with("* SEARCH 1")), "the message is not in the mailbox");
    let lines = server.imap("d", "FETCH 1 BODY.PEEK[]").await.context("FETCH")?;
    require(&lines, token)?;
    server.imap("e", "LOGOUT").await.context("LOGOUT")?;
    Ok(())
}

async fn fetch_by_pop3(visitor: &Visitor, listener: &ListenerView, tls: &ClientTls, token: &str) -> anyhow::Result<()> {
    let mut server = open(listener, tls).await?;
    server.pop3(&format!("USER {}", visitor.address)).await.context("USER")?;
    server.pop3(&format!("PASS {}", visitor.password)).await.context("PASS")?;
    let count = server.pop3("STAT").await.context("STAT")?;
    if !count.starts_with("+OK 1 ") {
        bail!("the message is not in the maildrop: {count}");
    }
    server.pop3("RETR 1").await.context("RETR")?;
    let lines = server.pop3_lines().await.context("RETR")?;
    require(&lines, token)?;
    server.pop3("QUIT").await.context("QUIT")?;
    Ok(())
}

fn require(lines: &[String], token: &str) -> anyhow::Result<()> {
    let subject = format!("Subject: {token}");
    ensure!(lines.contains(&subject), "the message came without its subject");
    ensure!(lines.iter().any(|line| line == "A message that goes round."), "the message came without its text");
    Ok(())
}
