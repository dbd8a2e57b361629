//! A Postfix that only sends.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{MESSAGE_OCTETS, address, free_port};
use crate::server::process;

/// How long the master process may take to write its id.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is looked for.
const POLL: Duration = Duration::from_millis(20);
/// The directory of Postfix's programs.
const PROGRAMS: &str = "/usr/lib/postfix/sbin";
/// The queues in which a message may be.
const QUEUES: [&str; 3] = ["incoming", "active", "deferred"];
/// The line of `master.cf` without which nothing leaves.
const QUEUE_MANAGER: &str = "qmgr unix n - n 300 1 qmgr\n";

/// A running Postfix. It ends when this is dropped.
pub struct Peer {
    directory: PathBuf,
    port: u16,
    master: u32,
}

impl Peer {
    /// Starts it without its queue manager.
    pub fn start(directory: &Path, destinations: usize, sink: u16) -> Result<Self> {
        ensure!(nix::unistd::geteuid().is_root(), "Postfix has to be started by root");
        for name in ["etc", "queue", "data"] {
            std::fs::create_dir_all(directory.join(name))?;
        }
        for ancestor in directory.ancestors().take(2) {
            std::fs::set_permissions(ancestor, std::fs::Permissions::from_mode(0o755))?;
        }
        let owner = nix::unistd::User::from_name("postfix")?.context("no user postfix")?;
        nix::unistd::chown(&directory.join("data"), Some(owner.uid), None)?;
        std::fs::set_permissions(directory.join("data"), std::fs::Permissions::from_mode(0o700))?;
        let port = free_port()?;
        std::fs::write(directory.join("etc/main.cf"), main_cf(directory, destinations, sink))?;
        std::fs::write(directory.join("etc/master.cf"), master_cf(port))?;
        postfix(directory, "start")?;
        let id = directory.join("queue/pid/master.pid");
        let begin = Instant::now();
        loop {
            if let Some(master) = std::fs::read_to_string(&id).ok().and_then(|text| text.trim().parse().ok()) {
                return Ok(Self { directory: directory.to_owned(), port, master });
            }
            ensure!(begin.elapsed() < START_TIMEOUT, "{} tells no process id", id.display());
            std::thread::sleep(POLL);
        }
    }

    /// Puts messages into its queue.
    pub fn fill(&self, messages: u64, destinations: usize) -> Result<()> {
        let each = messages / destinations as u64;
        for destination in 0..destinations {
            let status = Command::new("/usr/sbin/smtp-source")
                .args(["-s", "20", "-m", &each.to_string(), "-l", &MESSAGE_OCTETS.to_string()])
                .args(["-f", "ann@bench.example", "-t", &format!("u@d{destination}.example")])
                .arg(format!("127.0.0.1:{}", self.port))
                .stdin(Stdio::null())
                .status()
                .context("smtp-source cannot be started")?;
            ensure!(status.success(), "smtp-source ended with {status}");
        }
        let waiting = self.waiting()?;
        ensure!(waiting == each * destinations as u64, "{waiting} messages of {messages} are in the queue");
        Ok(())
    }

    /// Starts its queue manager.
    pub fn let_go(&self) -> Result<()> {
        let text = master_cf(self.port) + QUEUE_MANAGER;
        std::fs::write(self.directory.join("etc/master.cf"), text)?;
        postfix(&self.directory, "reload")
    }

    /// How many messages are in its queue.
    pub fn waiting(&self) -> Result<u64> {
        let mut count = 0;
        let mut places: Vec<PathBuf> = QUEUES.iter().map(|name| self.directory.join("queue").join(name)).collect();
        while let Some(place) = places.pop() {
            let Ok(entries) = std::fs::read_dir(&place) else { continue };
            for entry in entries {
                let entry = entry?;
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => places.push(entry.path()),
                    Ok(_) => count += 1,
                    // It has just left.
                    Err(_) => {}
                }
            }
        }
        Ok(count)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        process::end(self.master, || {});
    }
}

fn postfix(directory: &Path, word: &str) -> Result<()> {
    let output = Command::new("/usr/sbin/postfix")
        .arg("-c")
        .arg(directory.join("etc"))
        .arg(word)
        .stdin(Stdio::null())
        .output()
        .context("postfix cannot be started: run `cargo xtask bench`, which installs it")?;
    if !output.status.success() {
        bail!("postfix {word}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Without `in_flow_delay = 0s` each message would be held up by a second on its way in, since there is no queue manager yet
/// that keeps pace. On its way out it changes nothing.
fn main_cf(directory: &Path, destinations: usize, sink: u16) -> String {
    let route = |at: usize| format!("{{ d{at}.example = smtp:[{}]:{sink} }}", address(at));
    let routes: Vec<String> = (0..destinations).map(route).collect();
    let (directory, routes) = (directory.display(), routes.join(", "));
    format!(
        "compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
command_directory = /usr/sbin
daemon_directory = {PROGRAMS}
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.bench.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = ipv4
alias_maps =
alias_database =
biff = no
smtpd_peername_lookup = no
disable_dns_lookups = yes
in_flow_delay = 0s
transport_maps = inline:{{ {routes} }}
"
    )
}

/// The services that this work needs, outside of a chroot, but for the queue manager.
fn master_cf(port: u16) -> String {
    format!(
        "127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"
    )
}
