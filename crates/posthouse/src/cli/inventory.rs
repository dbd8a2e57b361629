//! `posthouse inventory`.

use clap::{Args, Subcommand};
use posthouse_model::Address;

use super::Output;

/// Options of `inventory`.
#[derive(Debug, Args)]
pub struct InventoryOptions {
    /// What else to ask.
    #[command(subcommand)]
    pub command: Option<InventoryCommand>,
    /// With this version of TLS.
    #[arg(long, value_name = "1.2|1.3|none")]
    pub tls: Option<String>,
    /// With this SASL mechanism.
    #[arg(long, value_name = "NAME")]
    pub mechanism: Option<String>,
    /// At this listener.
    #[arg(long, value_name = "NAME")]
    pub listener: Option<String>,
    /// At this port.
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Of this account.
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    pub account: Option<Address>,
    /// Seen in the last so many days.
    #[arg(long, value_name = "N", global = true)]
    pub days: Option<u32>,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: usize,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

/// What else to ask of the inventory.
#[derive(Debug, Subcommand)]
pub enum InventoryCommand {
    /// Say who could not connect any more without something.
    Without {
        /// `tls1.2`, `cleartext`, `port 110`, `listener NAME` or `mechanism NAME`.
        #[arg(required = true, value_name = "WHAT")]
        what: Vec<String>,
        /// How.
        #[command(flatten)]
        output: Output,
    },
}
