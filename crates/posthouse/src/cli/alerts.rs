//! `posthouse alerts`.

use clap::Args;

use super::Output;

/// Options of `alerts`.
#[derive(Debug, Args)]
pub struct AlertsOptions {
    /// Show only those that stand, and end with exit code 1 when there are any.
    #[arg(long)]
    pub active: bool,
    /// How.
    #[command(flatten)]
    pub output: Output,
}
