//! Postfix in a directory of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{DOMAIN, HOST};
use crate::server::authority::Files;
use crate::server::process;

/// How long the master process may take to write its id.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is looked for.
const POLL: Duration = Duration::from_millis(20);
/// The directory of Postfix's programs.
const PROGRAMS: &str = "/usr/lib/postfix/sbin";

/// A running Postfix. It ends when this is dropped.
pub struct Postfix {
    master: u32,
}

impl Postfix {
    /// Starts it; it hands mail to `lmtp_socket`.
    pub fn start(directory: &Path, port: u16, certificate: &Files, lmtp_socket: &Path) -> Result<Self> {
        let configuration = directory.join("etc");
        for name in ["etc", "queue", "data"] {
            std::fs::create_dir_all(directory.join(name))?;
        }
        let owner = nix::unistd::User::from_name("postfix")?.context("no user postfix")?;
        nix::unistd::chown(&directory.join("data"), Some(owner.uid), None)?;
        std::fs::set_permissions(directory.join("data"), std::fs::Permissions::from_mode(0o700))?;
        std::fs::write(configuration.join("main.cf"), main_cf(directory, certificate, lmtp_socket))?;
        std::fs::write(configuration.join("master.cf"), master_cf(port))?;
        let output = Command::new("/usr/sbin/postfix")
            .arg("-c")
            .arg(&configuration)
            .arg("start")
            .stdin(Stdio::null())
            .output()
            .context("postfix cannot be started: run `cargo xtask bench`, which installs it")?;
        if !output.status.success() {
            bail!("postfix start: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(Self { master: master_id(&directory.join("queue/pid/master.pid"))? })
    }

    /// The id of its master process.
    pub fn id(&self) -> u32 {
        self.master
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        process::end(self.master, || {});
    }
}

fn master_id(file: &PathBuf) -> Result<u32> {
    let begin = Instant::now();
    loop {
        let id = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok());
        if let Some(id) = id {
            return Ok(id);
        }
        if begin.elapsed() > START_TIMEOUT {
            bail!("{} tells no process id", file.display());
        }
        std::thread::sleep(POLL);
    }
}

fn main_cf(directory: &Path, certificate: &Files, lmtp_socket: &Path) -> String {
    let directory = directory.display();
    let (certificate, key) = (certificate.certificate.display(), certificate.key.display());
    let lmtp_socket = lmtp_socket.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
command_directory = /usr/sbin
daemon_directory = {PROGRAMS}
mail_owner = postfix
setgid_group = postdrop
myhostname = {HOST}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
biff = no
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_maps = static:all
virtual_transport = lmtp:unix:{lmtp_socket}
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtpd_tls_security_level = may
smtpd_tls_chain_files = {key}, {certificate}
"
    )
}

/// The services of Debian's `master.cf` that this work needs, outside of a chroot.
fn master_cf(port: u16) -> String {
    format!(
        "127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"
    )
}
