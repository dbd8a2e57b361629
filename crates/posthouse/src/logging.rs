//! Log lines, on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::configuration::LogFormat;

/// What is never wanted, whatever the filter: the verifier of certificates logs as an error what is none to us
/// (opportunistic TLS to a host with a certificate of its own making).
const SILENCED: &str = "rustls_platform_verifier=off";

/// Whether this is a filter.
///
/// # Errors
/// When it is not.
pub fn check_filter(filter: &str) -> Result<(), ParseError> {
    EnvFilter::builder().parse(filter).map(drop)
}

/// Begins to write log lines that pass `filter`.
///
/// # Errors
/// When `filter` is no filter, or log lines are written already.
pub fn start(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(format!("{filter},{SILENCED}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}
