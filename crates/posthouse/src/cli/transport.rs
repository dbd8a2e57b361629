//! `posthouse probe` and `posthouse transport` on the command line.

use clap::{Args, Subcommand};
use posthouse_model::Domain;

use super::Output;

/// Options of `probe`.
#[derive(Debug, Args)]
pub struct ProbeOptions {
    /// The domain, as in mail addresses.
    #[arg(value_parser = Domain::parse)]
    pub domain: Domain,
    /// How to print.
    #[command(flatten)]
    pub output: Output,
}

/// What proves hosts, on both sides.
#[derive(Debug, Subcommand)]
pub enum TransportCommand {
    /// Say for which domains stricter settings would cost nothing, by what deliveries have shown.
    Suggest(Output),
    /// Print what to put into DNS for a domain of ours: MTA-STS, TLSRPT and DANE.
    Records {
        /// The domain.
        #[arg(value_parser = Domain::parse)]
        domain: Domain,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
}
