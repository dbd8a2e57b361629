//! What the scenarios know of a server: its doors, its accounts, its processes.

pub mod authority;
pub mod peer;
pub mod posthouse;
pub mod process;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use crate::connection::Mode;
use crate::process_tree::ProcessTree;

/// Accounts that mail is delivered to.
pub const RECIPIENTS: usize = 10;
/// The account in which many messages are fetched by IMAP.
pub const FETCHED_ACCOUNT: usize = RECIPIENTS;
/// The account from which messages are retrieved by POP3.
pub const RETRIEVED_ACCOUNT: usize = RECIPIENTS + 1;
/// The account with a large mailbox.
pub const LARGE_ACCOUNT: usize = RECIPIENTS + 2;
/// The account to which IMAP appends.
pub const APPENDED_ACCOUNT: usize = RECIPIENTS + 3;
/// The account whose mailbox many clients idle in.
pub const WATCHED_ACCOUNT: usize = RECIPIENTS + 4;
/// All of them.
pub const ACCOUNTS: usize = RECIPIENTS + 5;

/// How long a server is watched to see whether it rests.
const REST_WATCHED: Duration = Duration::from_secs(2);
/// It rests when it uses at most this part of a core.
const REST_SHARE: u32 = 50;

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// SMTP for local recipients.
    Mx,
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
}

/// A port that speaks one protocol.
#[derive(Clone, Copy, Debug)]
pub struct Door {
    /// What is spoken.
    pub role: Role,
    /// How it may be secured.
    pub mode: Mode,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

/// Somebody who has a mailbox.
#[derive(Clone, Debug)]
pub struct Account {
    /// Address and login.
    pub address: String,
    /// Password.
    pub password: String,
}

/// A server that runs.
#[derive(Clone)]
pub struct Server {
    /// What tables call it.
    pub name: &'static str,
    /// The name in its certificate.
    pub tls_name: String,
    /// Its doors.
    pub doors: Vec<Door>,
    /// [`ACCOUNTS`] accounts.
    pub accounts: Vec<Account>,
    /// Makes TLS connections that trust its certificate and resume nothing.
    pub connector: TlsConnector,
    /// Its processes.
    pub processes: ProcessTree,
}

impl Server {
    /// Whether it has a door for a protocol and a kind of security.
    pub fn offers(&self, role: Role, mode: Mode) -> bool {
        self.port(role, mode).is_ok()
    }

    /// The port of a door.
    pub fn port(&self, role: Role, mode: Mode) -> Result<u16> {
        let door = self.doors.iter().find(|door| door.role == role && door.mode == mode);
        Ok(door.with_context(|| format!("{} has no {role:?} {}", self.name, mode.name()))?.port)
    }

    /// Waits until its processes use next to no CPU time.
    pub async fn rest(&self, at_most: Duration) -> Result<()> {
        let begin = Instant::now();
        loop {
            let before = self.processes.cpu_time()?;
            sleep(REST_WATCHED).await;
            if self.processes.cpu_time()? - before <= REST_WATCHED / REST_SHARE {
                return Ok(());
            }
            ensure!(begin.elapsed() < at_most, "{} does not come to rest in {at_most:?}", self.name);
        }
    }

    /// Accounts that mail is delivered to.
    pub fn recipients(&self) -> &[Account] {
        &self.accounts[..RECIPIENTS]
    }
}
