//! `posthouse srs` on the command line.

use clap::Subcommand;

use super::Output;

/// What to do with the keys behind rewritten senders (SRS).
#[derive(Debug, Subcommand)]
pub enum SrsCommand {
    /// List the keys, and until when addresses of former ones are known.
    List(Output),
    /// Rewrite senders with a new key from now on. Reports to addresses of the former ones find their way back for as long
    /// as such an address holds, three weeks.
    Rotate {
        /// Know addresses of former keys no more: because somebody has seen them. Reports about what has left are lost.
        #[arg(long)]
        forget: bool,
        /// How.
        #[command(flatten)]
        output: Output,
    },
}
