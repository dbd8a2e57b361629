//! Commands about secrets that accounts have besides their passwords.

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use posthouse_model::Address;
use posthouse_storage::KeyService;

use super::Output;
use super::keeping::moment;

/// What to do about credentials.
#[derive(Debug, Subcommand)]
pub enum CredentialCommand {
    /// Make one, and show its secret this once.
    Add {
        /// For which account.
        #[arg(value_parser = Address::parse)]
        account: Address,
        /// What to call it, such as `phone`: letters, digits, `.`, `-` and `_`.
        label: String,
        /// Until when it is good: a date such as 2027-01-31, or a moment such as 2027-01-31T18:00:00Z.
        #[arg(long, value_name = "DATE", value_parser = moment)]
        expires: Option<Timestamp>,
        /// What it is good for, several separated by commas: submission, imap, pop3. Without it, all of them.
        #[arg(long = "for", value_name = "PROTOCOLS", value_delimiter = ',', value_parser = service)]
        services: Vec<KeyService>,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// List those of an account.
    List {
        /// Which account.
        #[arg(value_parser = Address::parse)]
        account: Address,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Remove one: it opens nothing from now on.
    Remove {
        /// Of which account.
        #[arg(value_parser = Address::parse)]
        account: Address,
        /// What it is called.
        label: String,
    },
    /// Show, or say, whether an account's main password is good for mail protocols.
    MainPassword {
        /// Which account.
        #[arg(value_parser = Address::parse)]
        account: Address,
        /// `barred`: only credentials sign in to IMAP, POP3 and submission. `allowed`: the password does, too.
        state: Option<MainPassword>,
        /// How.
        #[command(flatten)]
        output: Output,
    },
}

/// Whether a main password is good for mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MainPassword {
    /// It is.
    Allowed,
    /// It is not.
    Barred,
}

fn service(text: &str) -> Result<KeyService, String> {
    let names = || KeyService::EACH.map(KeyService::name).join(", ");
    KeyService::from_name(text).ok_or_else(|| format!("there are {}", names()))
}
