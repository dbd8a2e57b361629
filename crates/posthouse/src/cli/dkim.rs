//! `posthouse dkim` on the command line.

use clap::{Subcommand, ValueEnum};
use posthouse_model::Domain;

use super::Output;

/// What to do with the keys that sign what leaves.
#[derive(Debug, Subcommand)]
pub enum DkimCommand {
    /// Make keys for a domain, and print the records to put into DNS. Nothing is signed by them yet.
    Generate {
        /// The domain.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
        /// Only a key of this kind, and not one of each.
        #[arg(long)]
        algorithm: Option<Algorithm>,
        /// The name of the key under the domain [default: the day and the kind, such as 20261122r].
        #[arg(long, requires = "algorithm")]
        selector: Option<String>,
    },
    /// List the keys of a domain.
    List {
        /// The domain.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Print the records of a domain's keys, and what DNS has of them.
    Records {
        /// The domain.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
        /// How.
        #[command(flatten)]
        output: Output,
    },
    /// Sign with keys from now on, if DNS has their records.
    Activate {
        /// The domain.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
        /// The selector of a key [default: all that are pending].
        selector: Option<String>,
        /// Do not look whether DNS has the records.
        #[arg(long)]
        unchecked: bool,
    },
    /// Sign no longer with a key. Leave its record in DNS for a week or so, until what it signed has arrived.
    Retire {
        /// The domain.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
        /// The selector of the key.
        selector: String,
    },
    /// Remove a key that does not sign, and has not signed for a week.
    Remove {
        /// The domain.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
        /// The selector of the key.
        selector: String,
        /// Though what it signed may still be on its way: because somebody has seen the key.
        #[arg(long)]
        early: bool,
    },
}

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// RSA of 2048 bits: every receiver knows it.
    Rsa,
    /// Ed25519: shorter and quicker, and not known everywhere.
    Ed25519,
}
