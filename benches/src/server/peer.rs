//! Postfix and Dovecot as Debian has them: Postfix takes the mail and hands it to Dovecot by LMTP.
//!
//! Both keep their durable defaults. What differs from a stock installation: no chroot, a static password so that
//! signing in costs nothing, no DNS, no log of every message, and no limit that would refuse the load.

mod dovecot;
mod postfix;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;

use super::authority::{connector, make_certificate};
use super::{ACCOUNTS, Account, Door, Role, Server};
use crate::connection::Mode;
use crate::process_tree::ProcessTree;
use dovecot::Dovecot;
use postfix::Postfix;

/// The name in the certificate.
const HOST: &str = "mail.bench.example";
/// The domain of the accounts.
const DOMAIN: &str = "bench.example";
/// The password of every account.
const PASSWORD: &str = "password-of-the-benchmark";
/// How long the servers may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How often they are tried.
const POLL: Duration = Duration::from_millis(50);

/// How Dovecot keeps mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MailFormat {
    /// Several messages in a file; the faster one.
    #[default]
    Mdbox,
    /// A file for every message.
    Maildir,
}

/// A Postfix and a Dovecot of our own. They end when this is dropped.
pub struct Peer {
    _postfix: Postfix,
    _dovecot: Dovecot,
}

/// The ports of 127.0.0.1 that they listen on.
#[derive(Clone, Copy, Debug)]
struct Ports {
    smtp: u16,
    imap: u16,
    imaps: u16,
    pop3: u16,
    pop3s: u16,
}

impl Peer {
    /// Starts both with their data below `directory`.
    pub fn start(directory: &Path, format: MailFormat) -> Result<(Self, Server)> {
        ensure!(
            nix::unistd::geteuid().is_root(),
            "Postfix and Dovecot change users and have to be started by root; use --only posthouse, or be root"
        );
        std::fs::create_dir_all(directory)?;
        // Other users have to pass through, whose processes use sockets and mailboxes below.
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755))?;
        let certificate = make_certificate(HOST, directory)?;
        let ports = free_ports()?;
        let dovecot = Dovecot::start(&directory.join("dovecot"), ports, &certificate, format)?;
        let postfix = Postfix::start(&directory.join("postfix"), ports.smtp, &certificate, &dovecot.lmtp_socket())?;
        for port in [ports.smtp, ports.imap, ports.imaps, ports.pop3, ports.pop3s] {
            wait_for_port(port)?;
        }
        let server = Server {
            name: "Postfix + Dovecot",
            tls_name: HOST.to_owned(),
            doors: doors(ports),
            accounts: (0..ACCOUNTS).map(account).collect(),
            connector: connector(&certificate.authority)?,
            processes: ProcessTree::of(vec![dovecot.id(), postfix.id()]),
        };
        Ok((Self { _postfix: postfix, _dovecot: dovecot }, server))
    }
}

fn account(index: usize) -> Account {
    Account { address: format!("user{index}@{DOMAIN}"), password: PASSWORD.to_owned() }
}

fn doors(ports: Ports) -> Vec<Door> {
    let door = |role, mode, port| Door { role, mode, port };
    vec![
        door(Role::Mx, Mode::Plain, ports.smtp),
        door(Role::Mx, Mode::StartTls, ports.smtp),
        door(Role::Imap, Mode::Plain, ports.imap),
        door(Role::Imap, Mode::Implicit, ports.imaps),
        door(Role::Pop3, Mode::Plain, ports.pop3),
        door(Role::Pop3, Mode::Implicit, ports.pop3s),
    ]
}

fn free_ports() -> Result<Ports> {
    // All are held at once, so that no two are the same.
    let held = (0..5).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect::<std::io::Result<Vec<_>>>()?;
    let port = |index: usize| held[index].local_addr().map(|address| address.port());
    Ok(Ports { smtp: port(0)?, imap: port(1)?, imaps: port(2)?, pop3: port(3)?, pop3s: port(4)? })
}

fn wait_for_port(port: u16) -> Result<()> {
    let begin = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if begin.elapsed() > START_TIMEOUT {
            bail!("nothing listens on port {port}");
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}
