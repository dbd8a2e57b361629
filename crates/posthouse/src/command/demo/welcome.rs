//! The first message of each account of a demonstration.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, anyhow};
use posthouse_flow::{Arrival, Door};
use posthouse_model::session::Peer;
use posthouse_model::{Address, Envelope, Recipient, ReversePath};

use super::accounts::DemoAccount;
use crate::house::House;

/// Delivers the message, by the way that all mail takes.
///
/// # Errors
/// When it cannot be delivered.
pub async fn deliver(house: &House, account: &DemoAccount, lines_to_paste: &str) -> anyhow::Result<()> {
    let address = Address::parse(&account.address)?;
    let mut spool = house.spool_room.spool();
    spool.push(message(&address, lines_to_paste).as_bytes())?;
    let mut envelope = Envelope::new(ReversePath::Address(postmaster(&address)?));
    envelope.recipients.push(Recipient::new(address));
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let arrival = Arrival {
        door: Door::Lmtp,
        peer: Peer { remote: here, local: here },
        helo: house.host_name.to_string(),
        with: "LMTP",
        tls: None,
    };
    let received = house.flow.receive(arrival, envelope, spool.finish().await?).await;
    received.map(drop).map_err(|refusal| anyhow!("{refusal:?}")).context("the welcome message cannot be delivered")
}

fn postmaster(address: &Address) -> anyhow::Result<Address> {
    Ok(Address::parse(&format!("postmaster@{}", address.domain))?)
}

fn message(address: &Address, lines_to_paste: &str) -> String {
    let date = jiff::Zoned::now().strftime("%a, %d %b %Y %H:%M:%S %z");
    let domain = &address.domain;
    let text = format!(
        "From: Posthouse <postmaster@{domain}>\n\
         To: <{address}>\n\
         Subject: Welcome to Posthouse\n\
         Date: {date}\n\
         MIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\
         \n\
         This message came in as all mail does, and is on disk.\n\
         \n\
         What to try:\n\
         - Write to yourself with a detail: {local}+anything@{domain}\n\
         - Keep IMAP IDLE open in one window and send from another: it arrives at once\n\
         - Look at what happened to a message: posthouse trail {address}\n\
         - Take the server away in the middle of a transfer: what it said 250 to is there afterwards\n\
         \n\
         Lines to paste:\n\
         \n\
         {lines_to_paste}\n",
        local = address.local_part,
    );
    text.replace('\n', "\r\n")
}
