//! `posthouse tls-reports` on the command line.

use clap::{Args, Subcommand};
use posthouse_model::Domain;

use super::Output;

/// What others report about TLS towards us.
#[derive(Debug, Subcommand)]
pub enum TlsReportsCommand {
    /// List the reports that came, the newest first.
    List {
        /// Which.
        #[command(flatten)]
        which: WhichReports,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// Show all of one report.
    Show {
        /// Its number, as `list` says it.
        number: u64,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
    /// Add them up: how many sessions failed, by day, what failed, and what to do about it.
    Summary {
        /// Which.
        #[command(flatten)]
        which: WhichReports,
        /// How to print.
        #[command(flatten)]
        output: Output,
    },
}

/// Which reports.
#[derive(Debug, Args)]
pub struct WhichReports {
    /// About this domain only.
    #[arg(long, value_parser = Domain::parse)]
    pub domain: Option<Domain>,
    /// About so many days, of which the last is today.
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
}
