//! `[outgoing.timeouts]`: how long other hosts may take.

use std::time::Duration;

use posthouse_server::courier::{CONNECT_TIMEOUT, ClientTimeouts};
use serde::Deserialize;
use toml::Spanned;

use super::listener::Fault;
use super::value::Parsed;

/// The table as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeoutsTable {
    connect: Option<Spanned<Parsed<Duration>>>,
    greeting: Option<Spanned<Parsed<Duration>>>,
    handshake: Option<Spanned<Parsed<Duration>>>,
    command: Option<Spanned<Parsed<Duration>>>,
    data: Option<Spanned<Parsed<Duration>>>,
    text: Option<Spanned<Parsed<Duration>>>,
    acceptance: Option<Spanned<Parsed<Duration>>>,
}

/// How long other hosts may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingTimeouts {
    /// To accept a connection.
    pub connect: Duration,
    /// To answer on it.
    pub replies: ClientTimeouts,
}

impl Default for OutgoingTimeouts {
    fn default() -> Self {
        Self { connect: CONNECT_TIMEOUT, replies: ClientTimeouts::default() }
    }
}

impl OutgoingTimeouts {
    /// Reads the table.
    pub fn of_table(table: TimeoutsTable) -> Result<Self, Fault> {
        let mut read = Self::default();
        let replies = &mut read.replies;
        set(&mut read.connect, table.connect)?;
        set(&mut replies.greeting, table.greeting)?;
        set(&mut replies.tls_handshake, table.handshake)?;
        for each in [&mut replies.command, &mut replies.mail, &mut replies.rcpt] {
            set(each, table.command.clone())?;
        }
        set(&mut replies.data_initiation, table.data)?;
        set(&mut replies.data_block, table.text)?;
        set(&mut replies.data_termination, table.acceptance)?;
        Ok(read)
    }
}

fn set(timeout: &mut Duration, given: Option<Spanned<Parsed<Duration>>>) -> Result<(), Fault> {
    if let Some(given) = given {
        if given.as_ref().0.is_zero() {
            return Err((given.span(), "nobody answers in no time: write at least 1s".to_owned()));
        }
        *timeout = given.into_inner().0;
    }
    Ok(())
}
