//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::queue::beside_this;
use crate::scenario::Effort;
use crate::server::peer::MailFormat;

/// Puts the same load on Posthouse and on Postfix with Dovecot, in turns, and prints how they compare.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Only rows of the tables whose names hold one of these texts, whatever the case.
    pub filters: Vec<String>,

    /// How long each load lasts [default: 3, quick: 1].
    #[arg(long)]
    pub seconds: Option<u64>,

    /// How often each is measured; the median counts [default: 2, quick: 1].
    #[arg(long)]
    pub rounds: Option<usize>,

    /// Shorter loads, fewer idle connections, one round.
    #[arg(long)]
    pub quick: bool,

    /// Messages in the large mailbox [default: 100000, quick: 10000].
    #[arg(long)]
    pub large: Option<u64>,

    /// Connections that idle [default: 1000, quick: 200].
    #[arg(long)]
    pub idle: Option<usize>,

    /// One of the two only.
    #[arg(long)]
    pub only: Option<Side>,

    /// What leaves, from a full queue to a sink, in place of all else.
    #[arg(long)]
    pub queue: bool,

    /// Messages in that queue.
    #[arg(long, default_value_t = 10_000)]
    pub queue_messages: u64,

    /// Entries in the queue of a server that starts; with few it is left out.
    #[arg(long, default_value_t = 1_000_000)]
    pub backlog: u64,

    /// The example `queue_cost`, which fills a queue; the one built beside this program if not given.
    #[arg(long)]
    pub filler: Option<PathBuf>,

    /// How Dovecot keeps mail.
    #[arg(long, default_value = "mdbox")]
    pub mail_format: MailFormat,

    /// Where to write the figures of every round, with tabs between them.
    #[arg(long)]
    pub out: Option<PathBuf>,

    /// The program to measure; the one beside this program if not given.
    #[arg(long)]
    pub posthouse: Option<PathBuf>,

    /// Below which directory the servers keep their data, each in a new one that is removed.
    #[arg(long, default_value = "/var/tmp")]
    pub data: PathBuf,
}

/// Whom the load is put on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// Posthouse.
    Posthouse,
    /// Postfix and Dovecot.
    Peer,
}

impl Options {
    /// Whether this side is to be measured.
    pub fn includes(&self, side: Side) -> bool {
        self.only.is_none_or(|only| only == side)
    }

    /// Whether a row of this name is to be measured.
    pub fn selects(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.filters.is_empty() || self.filters.iter().any(|filter| name.contains(&filter.to_lowercase()))
    }

    /// How often each scenario is measured.
    pub fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 1 } else { 2 }).max(1)
    }

    /// How long and how much is measured.
    pub fn effort(&self) -> Effort {
        let seconds = self.seconds.unwrap_or(if self.quick { 1 } else { 3 });
        Effort {
            load: Duration::from_secs(seconds.max(1)),
            fetched_messages: 10_000,
            retrieved_messages: 1_000,
            large_messages: self.large.unwrap_or(if self.quick { 10_000 } else { 100_000 }),
            idle_connections: self.idle.unwrap_or(if self.quick { 200 } else { 1_000 }),
            pushes: if self.quick { 20 } else { 100 },
        }
    }

    /// The program that fills a queue.
    pub fn queue_filler(&self) -> PathBuf {
        self.filler.clone().unwrap_or_else(|| beside_this("queue_cost"))
    }

    /// The program to measure.
    pub fn posthouse(&self) -> PathBuf {
        self.posthouse.clone().unwrap_or_else(|| {
            let mut path = std::env::current_exe().unwrap_or_default();
            path.set_file_name("posthouse");
            path
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_look_for_parts_of_names() {
        let check = |arguments: &[&str], name: &str, expected| {
            let options = Options::parse_from([&["bench"], arguments].concat());
            assert_eq!(options.selects(name), expected, "{arguments:?} {name}");
        };
        check(&[], "IMAP FETCH flags", true);
        check(&["fetch"], "IMAP FETCH flags", true);
        check(&["pop3", "64 KB"], "SMTP to mailbox: 64 KB, 10 connections", true);
        check(&["pop3"], "IMAP FETCH flags", false);
    }

    #[test]
    fn one_side_may_be_left_out() {
        let options = Options::parse_from(["bench", "--only", "peer"]);
        assert!(options.includes(Side::Peer) && !options.includes(Side::Posthouse));
    }
}
