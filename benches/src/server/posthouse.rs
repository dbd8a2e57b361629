//! Posthouse, as `posthouse demo --json`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::authority::connector;
use super::process;
use super::{ACCOUNTS, Account, Door, Role, Server};
use crate::connection::Mode;
use crate::process_tree::ProcessTree;

/// What `demo --json` prints when it is ready.
#[derive(Deserialize)]
struct Ready {
    host: String,
    listeners: Vec<Listener>,
    accounts: Vec<ReadyAccount>,
    ca_certificate: PathBuf,
}

#[derive(Deserialize)]
struct Listener {
    role: String,
    tls: String,
    port: u16,
}

#[derive(Deserialize)]
struct ReadyAccount {
    address: String,
    password: String,
}

/// A Posthouse of our own. It ends when this is dropped.
pub struct Posthouse {
    child: Child,
}

impl Posthouse {
    /// Starts `binary` with its data below `directory`.
    pub fn start(binary: &Path, directory: &Path) -> Result<(Self, Server)> {
        std::fs::create_dir_all(directory)?;
        let log = File::create(directory.join("posthouse.log"))?;
        let mut command = Command::new(binary);
        command.args(["demo", "--json", "--port-base", "0", "--accounts", &ACCOUNTS.to_string(), "--data"]);
        command.arg(directory.join("data")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().with_context(|| format!("{} cannot be started", binary.display()))?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let posthouse = Self { child };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Ok(ready) = serde_json::from_str::<Ready>(&line) else {
            let log = std::fs::read_to_string(directory.join("posthouse.log")).unwrap_or_default();
            bail!("posthouse demo said {line:?}\n{log}");
        };
        let server = Server {
            name: "Posthouse",
            tls_name: ready.host,
            doors: ready.listeners.iter().flat_map(doors).collect(),
            accounts: ready
                .accounts
                .into_iter()
                .map(|account| Account { address: account.address, password: account.password })
                .collect(),
            connector: connector(&ready.ca_certificate)?,
            processes: ProcessTree::of(vec![posthouse.child.id()]),
        };
        if server.accounts.len() < ACCOUNTS {
            bail!("posthouse demo made {} accounts of {ACCOUNTS}", server.accounts.len());
        }
        Ok((posthouse, server))
    }
}

fn doors(listener: &Listener) -> Vec<Door> {
    let role = match listener.role.as_str() {
        "mx" => Role::Mx,
        "imap" => Role::Imap,
        "pop3" => Role::Pop3,
        _ => return Vec::new(),
    };
    let modes: &[Mode] = match listener.tls.as_str() {
        "none" => &[Mode::Plain],
        "starttls-optional" if role == Role::Mx => &[Mode::Plain, Mode::StartTls],
        // There a password is taken in TLS only.
        "starttls-optional" | "starttls-required" => &[Mode::StartTls],
        "implicit" => &[Mode::Implicit],
        _ => &[],
    };
    modes.iter().map(|mode| Door { role, mode: *mode, port: listener.port }).collect()
}

impl Drop for Posthouse {
    fn drop(&mut self) {
        let id = self.child.id();
        process::end(id, || drop(self.child.try_wait()));
    }
}
