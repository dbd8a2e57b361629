//! The program under test, started as `posthouse demo --json`.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tempfile::TempDir;

use crate::process::{Output, binary, run};

/// The name of the file with settings.
const SETTINGS: &str = "settings.toml";

/// What `demo --json` prints when it is ready.
#[derive(Clone, Debug, Deserialize)]
pub struct Ready {
    /// The name of the host.
    pub host: String,
    /// The domain of the accounts.
    pub domain: String,
    /// The doors.
    pub listeners: Vec<Listener>,
    /// Who can sign in.
    pub accounts: Vec<Account>,
    /// The certificate authority that clients have to trust, PEM.
    pub ca_certificate: PathBuf,
    /// Where the data is.
    pub data_directory: PathBuf,
    /// The control socket.
    pub socket: PathBuf,
}

/// A door.
#[derive(Clone, Debug, Deserialize)]
pub struct Listener {
    /// `mx`, `submission`, `imap`, `pop3` or `lmtp`.
    pub role: String,
    /// `implicit`, `starttls-required`, `starttls-optional` or `none`.
    pub tls: String,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

/// Somebody who can sign in.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// Address and login.
    pub address: String,
    /// Password.
    pub password: String,
}

/// How to start it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// More arguments for `demo`.
    pub arguments: Vec<OsString>,
    /// Where the data is to be kept; a directory that ends with the process if not given.
    pub data: Option<PathBuf>,
    /// The text of a configuration file, without `host_name`, for all that no argument is about.
    pub settings: Option<String>,
}

impl Options {
    /// With one more argument.
    #[must_use]
    pub fn with(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// With these settings.
    #[must_use]
    pub fn with_settings(mut self, settings: impl Into<String>) -> Self {
        self.settings = Some(settings.into());
        self
    }
}

/// A running server. It ends when this is dropped.
#[derive(Debug)]
pub struct Posthouse {
    /// What it said when it was ready.
    pub ready: Ready,
    child: Child,
    _settings: Option<TempDir>,
}

impl Posthouse {
    /// Starts it with two accounts and throw-away data.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(&Options::default())
    }

    /// Starts it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_with(options: &Options) -> Result<Self> {
        let mut command = Command::new(binary());
        command.args(["demo", "--json", "--port-base", "0"]).args(&options.arguments);
        if let Some(data) = &options.data {
            command.arg("--data").arg(data);
        }
        let settings = options.settings.as_deref().map(write_settings).transpose()?;
        if let Some(directory) = &settings {
            command.arg("--settings").arg(directory.path().join(SETTINGS));
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started: build it first", binary().display()))?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        match serde_json::from_str(&line) {
            Ok(ready) => Ok(Self { ready, child, _settings: settings }),
            Err(error) => {
                let status = child.wait()?;
                bail!("posthouse demo said {line:?} ({error}) and ended with {status}")
            }
        }
    }

    /// The port of a door.
    ///
    /// # Panics
    /// When there is no such door.
    pub fn port(&self, role: &str, tls: &str) -> u16 {
        let found = self.ready.listeners.iter().find(|one| one.role == role && one.tls == tls);
        found.unwrap_or_else(|| panic!("no listener {role} {tls} in {:?}", self.ready.listeners)).port
    }

    /// The first account.
    pub fn ann(&self) -> &Account {
        &self.ready.accounts[0]
    }

    /// The second account.
    pub fn bob(&self) -> &Account {
        &self.ready.accounts[1]
    }

    /// The certificate authority that clients have to trust.
    pub fn ca(&self) -> &Path {
        &self.ready.ca_certificate
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Runs a command of the program against this server.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn command(&self, arguments: &[&str]) -> Result<Output> {
        run(Command::new(binary()).arg("--socket").arg(&self.ready.socket).args(arguments))
    }

    /// Ends it as an administrator would, and waits.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn stop(mut self) -> Result<()> {
        self.signal(Signal::SIGTERM)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(())
    }

    /// Kills it without a warning, and waits.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(mut self) -> Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.child.wait()?;
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(i32::try_from(self.child.id())?), signal)?)
    }
}

fn write_settings(text: &str) -> Result<TempDir> {
    let directory = TempDir::new()?;
    fs::write(directory.path().join(SETTINGS), format!("host_name = \"ours.test\"\n{text}"))?;
    Ok(directory)
}

impl Drop for Posthouse {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.signal(Signal::SIGTERM));
            drop(self.child.wait());
        }
    }
}
