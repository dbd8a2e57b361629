//! What each command does.

mod account;
mod alerts;
mod alias;
mod check;
mod credential;
mod demo;
mod dkim;
mod domain;
mod duplicates;
mod encryption;
mod freeze;
mod inventory;
mod keeping;
mod language;
mod limit;
mod migration;
mod operations;
mod queue;
mod quota;
mod reindex;
mod retention;
mod route;
mod serve;
mod setup;
mod sharing;
mod srs;
mod tls_reports;
mod trail;
mod transport;
mod undelete;
mod whereabouts;

use std::path::{Path, PathBuf};

use crate::cli::{Command, CommandLine};
use crate::configuration::{Configuration, USUAL_DATA_DIRECTORY, USUAL_FILE, usual_socket};
use crate::control::client::{AskError, Client};

/// What all commands are told.
pub struct Place {
    config: Option<PathBuf>,
    socket: Option<PathBuf>,
}

impl Place {
    /// The configuration file.
    fn config(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(USUAL_FILE))
    }

    /// Where the running server is to be found. Without a configuration file it is where it usually is.
    fn socket(&self) -> anyhow::Result<PathBuf> {
        if let Some(socket) = &self.socket {
            return Ok(socket.clone());
        }
        if self.config.is_none() && !self.config().exists() {
            return Ok(usual_socket(Path::new(USUAL_DATA_DIRECTORY)));
        }
        Ok(Configuration::read(self.config())?.control_socket)
    }

    /// A connection to the running server.
    async fn server(&self) -> anyhow::Result<Client> {
        let socket = self.socket()?;
        Ok(Client::connect(&socket).await.map_err(|error| match error {
            // Inside a directory that only the server's user can enter, "not there" and "not for you" look the same.
            AskError::NotRunning(path)
                if path.parent().is_some_and(|parent| parent.read_dir().is_err())
                    && path.parent().is_some_and(Path::exists) =>
            {
                AskError::Forbidden(path)
            }
            other => other,
        })?)
    }

    /// The options that make another command mean the same server, for lines to paste.
    fn as_options(&self) -> String {
        match (&self.socket, &self.config) {
            (Some(socket), _) => format!(" --socket {}", socket.display()),
            (None, Some(config)) => format!(" --config {}", config.display()),
            (None, None) => String::new(),
        }
    }
}

/// Does what the command line says.
///
/// # Errors
/// Why it was not done.
pub async fn run(line: CommandLine) -> anyhow::Result<()> {
    let place = Place { config: line.config, socket: line.socket };
    match line.command {
        Command::Demo(options) => demo::run(&options).await,
        Command::Setup(options) => setup::run(&place, options).await,
        Command::Serve => serve::run(&place).await,
        Command::Check(options) => check::run(&place, &options).await,
        Command::Status(output) => operations::status(&place, output).await,
        Command::Domain(command) => domain::run(&place, command).await,
        Command::Account(command) => account::run(&place, command).await,
        Command::Credential(command) => credential::run(&place, command).await,
        Command::Alias(command) => alias::run(&place, command).await,
        Command::Route(command) => route::run(&place, command).await,
        Command::Limit(command) => limit::run(&place, command).await,
        Command::Dkim(command) => dkim::run(&place, command).await,
        Command::Srs(command) => srs::run(&place, command).await,
        Command::Group(command) => sharing::run_group(&place, command).await,
        Command::Shared(command) => sharing::run_shared(&place, command).await,
        Command::Rights(command) => sharing::run_rights(&place, command).await,
        Command::Probe(options) => transport::probe(&place, &options).await,
        Command::TlsReports(command) => tls_reports::run(&place, command).await,
        Command::Transport(command) => transport::run(&place, command).await,
        Command::Queue(command) => queue::run(&place, command).await,
        Command::Trail(options) => trail::run(&place, &options).await,
        Command::Encryption(command) => encryption::run(&place, command).await,
        Command::Backup(options) => keeping::backup(&place, options).await,
        Command::Restore(options) => keeping::restore(&place, &options),
        Command::Verify(options) => keeping::verify(&place, options).await,
        Command::Import(command) => migration::import(&place, command).await,
        Command::Export(command) => migration::export(&place, command).await,
        Command::Undelete(options) => undelete::run(&place, options).await,
        Command::Retention(command) => retention::run(&place, command).await,
        Command::Duplicates(command) => duplicates::run(&place, command).await,
        Command::Inventory(options) => inventory::run(&place, options).await,
        Command::Alerts(options) => alerts::run(&place, &options).await,
        Command::Metrics => operations::metrics(&place).await,
        Command::LogLevel { filter } => operations::log_level(&place, filter).await,
        Command::ProtocolLog { switch, listener } => operations::protocol_log(&place, switch, listener).await,
        Command::Reload(output) => operations::reload(&place, output).await,
        Command::Reindex { address, output } => reindex::run(&place, address, output).await,
    }
}
