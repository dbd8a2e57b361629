//! Log lines, on standard error.

use std::fmt;
use std::sync::{Mutex, PoisonError};

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

fn read_filter(filter: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(format!("{filter},{SILENCED}"))
}

type Replace = dyn Fn(EnvFilter) -> Result<(), tracing_subscriber::reload::Error> + Send + Sync;

/// Decides, while the program runs, which log lines are written.
pub struct LogSwitch {
    configured: String,
    current: Mutex<String>,
    replace: Box<Replace>,
}

impl fmt::Debug for LogSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSwitch").field("current", &self.current()).finish_non_exhaustive()
    }
}

impl LogSwitch {
    /// The filter that counts.
    pub fn current(&self) -> String {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The filter of the configuration.
    pub fn configured(&self) -> &str {
        &self.configured
    }

    /// Writes from now on the lines that pass `filter`.
    ///
    /// # Errors
    /// When it is no filter.
    pub fn set(&self, filter: &str) -> anyhow::Result<()> {
        (self.replace)(read_filter(filter)?)?;
        filter.clone_into(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}

/// Begins to write log lines that pass `filter`.
///
/// # Errors
/// When `filter` is no filter, or log lines are written already.
pub fn start(format: LogFormat, filter: &str) -> anyhow::Result<LogSwitch> {
    let lines = tracing_subscriber::fmt().with_env_filter(read_filter(filter)?).with_writer(std::io::stderr);
    let (started, replace): (_, Box<Replace>) = match format {
        LogFormat::Text => {
            let lines = lines.with_ansi(false).with_filter_reloading();
            let handle = lines.reload_handle();
            (lines.try_init(), Box::new(move |filter| handle.reload(filter)))
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_filter_reloading();
            let handle = lines.reload_handle();
            (lines.try_init(), Box::new(move |filter| handle.reload(filter)))
        }
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))?;
    Ok(LogSwitch { configured: filter.to_owned(), current: Mutex::new(filter.to_owned()), replace })
}
