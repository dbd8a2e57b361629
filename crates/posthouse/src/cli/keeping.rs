//! Commands about mail that lies: backup, restore, verification, undelete, retention, duplicates.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use posthouse_model::Address;
use posthouse_storage::duplicates::MAX_DUPLICATE_WINDOW_MS;
use posthouse_storage::retention::MAX_RETENTION_DAYS;

use super::Output;
use crate::configuration::read_duration;
use crate::control::Text;
use crate::control::scope::ScopeName;

/// Options of `backup`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BackupOptions {
    /// Take a backup into this directory.
    #[arg(required = true)]
    pub directory: Option<PathBuf>,
    /// How.
    #[command(flatten)]
    pub output: Output,
    /// What to do instead.
    #[command(subcommand)]
    pub command: Option<BackupCommand>,
}

/// What to do with backups.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// List the generations in a directory.
    List {
        /// Which.
        directory: PathBuf,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Read a generation and check every octet, without restoring it.
    Check {
        /// The directory.
        directory: PathBuf,
        /// The generation, or the beginning of its name [default: the newest].
        #[arg(long, value_name = "GENERATION")]
        at: Option<String>,
    },
    /// Remove all but the newest generations.
    Prune {
        /// The directory.
        directory: PathBuf,
        /// How many stay.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        keep: u32,
    },
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub struct RestoreOptions {
    /// The directory with the backups.
    pub directory: PathBuf,
    /// The generation, or the beginning of its name [default: the newest].
    #[arg(long, value_name = "GENERATION")]
    pub at: Option<String>,
    /// The data directory to fill [default: the one of the configuration].
    #[arg(long, value_name = "DATADIR")]
    pub to: Option<PathBuf>,
    /// Even if there is mail: it gets another name, and is not removed.
    #[arg(long)]
    pub replace: bool,
}

/// Options of `verify`.
#[derive(Clone, Copy, Debug, Args)]
pub struct VerifyCommandOptions {
    /// Mend what can be worked out from the rest. The server must not run.
    #[arg(long)]
    pub repair: bool,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

/// Options of `undelete`.
#[derive(Debug, Args)]
pub struct UndeleteOptions {
    /// Whose messages.
    #[arg(value_parser = Address::parse)]
    pub address: Address,
    /// Only list them.
    #[arg(long, conflicts_with = "forget")]
    pub list: bool,
    /// Those expunged since then: a date such as 2026-11-20, or a moment such as 2026-11-20T18:00:00Z.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// Those from somebody: a part of the From field.
    #[arg(long, value_name = "TEXT")]
    pub from: Option<String>,
    /// Those with this in the subject.
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,
    /// Those out of this mailbox.
    #[arg(long, value_name = "NAME")]
    pub mailbox: Option<String>,
    /// All there are.
    #[arg(long)]
    pub all: bool,
    /// What removed accounts had that had this address. It goes to the account that has it now.
    #[arg(long)]
    pub removed_account: bool,
    /// Forget everything that could be put back, at once and for good.
    #[arg(long, conflicts_with_all = ["since", "from", "subject", "mailbox"])]
    pub forget: bool,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

/// A day, at its beginning here, or a moment.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::system()).ok().map(|zoned| zoned.timestamp());
    text.parse().ok().or_else(day).ok_or_else(|| "write a date such as 2026-11-20, or 2026-11-20T18:00:00Z".to_owned())
}

/// What to do with rules of retention.
#[derive(Debug, Subcommand)]
pub enum RetentionCommand {
    /// Let mailboxes keep messages for so long only.
    Set {
        /// For whom: an address, a domain, or `everyone`.
        #[arg(value_name = "ADDRESS|DOMAIN|everyone", value_parser = scope)]
        whose: ScopeName,
        /// Which mailbox: a name, or a special use such as '\Junk'.
        mailbox: String,
        /// Expunge what came into the mailbox more than so many days ago.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_RETENTION_DAYS)))]
        days: Option<u32>,
        /// Keep for ever, whatever wider rules say.
        #[arg(long, conflicts_with = "days", required_unless_present = "days")]
        forever: bool,
        /// Keep flagged messages.
        #[arg(long)]
        keep_flagged: bool,
    },
    /// Remove a rule.
    Unset {
        /// For whom it is.
        #[arg(value_name = "ADDRESS|DOMAIN|everyone", value_parser = scope)]
        whose: ScopeName,
        /// Its mailbox.
        mailbox: String,
    },
    /// List all rules.
    List(Output),
    /// Show which rule holds for each mailbox of an account.
    Show {
        /// Which.
        #[arg(value_parser = Address::parse)]
        address: Address,
        /// How.
        #[command(flatten)]
        output: Output,
    },
}

/// What to do about messages that come twice.
#[derive(Debug, Subcommand)]
pub enum DuplicatesCommand {
    /// Deliver a message only once that comes again with the same Message-ID and recipient.
    Suppress {
        /// For whom: an address, a domain, or `everyone`.
        #[arg(value_name = "ADDRESS|DOMAIN|everyone", value_parser = scope)]
        whose: ScopeName,
        /// How long after the first, such as 10m or 1d; at most 30d.
        #[arg(long, value_name = "TIME", value_parser = window, default_value = "1d")]
        within: i64,
    },
    /// Deliver every copy, whatever wider rules say.
    Deliver {
        /// For whom: an address or a domain.
        #[arg(value_name = "ADDRESS|DOMAIN", value_parser = scope)]
        whose: ScopeName,
    },
    /// Remove a rule.
    Unset {
        /// For whom it is.
        #[arg(value_name = "ADDRESS|DOMAIN|everyone", value_parser = scope)]
        whose: ScopeName,
    },
    /// List all rules.
    List(Output),
}

fn scope(text: &str) -> Result<ScopeName, String> {
    if text == "everyone" {
        return Ok(ScopeName::Everyone);
    }
    if text.contains('@') {
        return Address::parse(text)
            .map(|address| ScopeName::Account(Text(address)))
            .map_err(|error| error.to_string());
    }
    let domain = posthouse_model::Domain::parse(text).map_err(|_| format!("`{text}` is not a domain"))?;
    Ok(ScopeName::Domain(Text(domain)))
}

fn window(text: &str) -> Result<i64, String> {
    let wanted = i64::try_from(read_duration(text)?.as_millis()).unwrap_or(i64::MAX);
    match (1..=MAX_DUPLICATE_WINDOW_MS).contains(&wanted) {
        true => Ok(wanted),
        false => Err("allowed are 1s to 30d".to_owned()),
    }
}
