//! A Dovecot of our own: IMAP, one password for everybody, Maildirs in a directory that ends with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, chown};
use tempfile::TempDir;

use crate::process::{Output, free_port, run, run_with_input, wait_for_port};

/// Whom its mailboxes belong to.
const MAIL_USER: &str = "mail";

/// A running Dovecot. It ends when this is dropped.
#[derive(Debug)]
pub struct Dovecot {
    /// Its port on 127.0.0.1 with TLS from the first octet.
    pub tls_port: u16,
    /// Its port with STARTTLS.
    pub clear_port: u16,
    /// Its CA, which is its own certificate.
    pub certificate: PathBuf,
    child: Child,
    directory: TempDir,
}

impl Dovecot {
    /// The password of whoever signs in.
    pub const PASSWORD: &'static str = "correct-horse";

    /// Starts it with a certificate for `localhost` that it makes itself. Whoever signs in has an account.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start() -> Result<Self> {
        let directory = TempDir::new()?;
        let path = directory.path();
        let (certificate, key) = (path.join("certificate.pem"), path.join("key.pem"));
        run(Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate))?
        .ok()?;
        let home = path.join("home");
        fs::create_dir(&home)?;
        let owner = User::from_name(MAIL_USER)?.with_context(|| format!("no user {MAIL_USER}"))?;
        chown(&home, Some(owner.uid), Some(owner.gid))?;
        open_to_all(path)?;
        let (tls_port, clear_port) = (free_port()?, free_port()?);
        let file = path.join("dovecot.conf");
        fs::write(&file, configuration(path, &certificate, &key, tls_port, clear_port))?;
        let log = fs::File::create(path.join("start.log"))?;
        let child = Command::new("/usr/sbin/dovecot")
            .arg("-F")
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("dovecot cannot be started: run `cargo xtask test`, which installs it")?;
        let server = Self { tls_port, clear_port, certificate, child, directory };
        wait_for_port(tls_port)?;
        wait_for_port(clear_port)?;
        Ok(server)
    }

    /// The Maildir of somebody.
    pub fn maildir(&self, user: &str) -> PathBuf {
        self.directory.path().join("home").join(user).join("Maildir")
    }

    /// Puts a message into a mailbox that is there, as if it had come at `arrived`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn deliver(&self, user: &str, mailbox: &str, text: &str, arrived: SystemTime) -> Result<()> {
        let seconds = arrived.duration_since(UNIX_EPOCH)?.as_secs();
        let owner = User::from_name(MAIL_USER)?.with_context(|| format!("no user {MAIL_USER}"))?;
        let path = self.maildir(user).join(format!(".{mailbox}")).join("new").join(format!("{seconds}.M1P1.localhost"));
        fs::write(&path, text)?;
        chown(&path, Some(owner.uid), Some(owner.gid))?;
        fs::File::options().write(true).open(&path)?.set_modified(arrived)?;
        Ok(())
    }

    /// Runs `doveadm` on the account of somebody.
    ///
    /// # Errors
    /// When it fails.
    pub fn doveadm(&self, user: &str, arguments: &[&str], input: &[u8]) -> Result<Output> {
        let (command, rest) = arguments.split_first().context("doveadm needs a command")?;
        let mut doveadm = Command::new("doveadm");
        doveadm.arg("-c").arg(self.directory.path().join("dovecot.conf"));
        // The user is told behind the last word of the command, as in `mailbox create -u ann Work`.
        doveadm.args(command.split(' ')).args(["-u", user]).args(rest);
        run_with_input(&mut doveadm, input)?.ok()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        drop(self.child.wait());
    }
}

/// The user of the mailboxes has to come through.
fn open_to_all(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

fn configuration(directory: &Path, certificate: &Path, key: &Path, tls_port: u16, clear_port: u16) -> String {
    let (directory, certificate, key) = (directory.display(), certificate.display(), key.display());
    let password = Dovecot::PASSWORD;
    format!(
        "base_dir = {directory}/run
log_path = {directory}/dovecot.log
listen = 127.0.0.1
protocols = imap
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
auth_mechanisms = plain login scram-sha-256
mail_location = maildir:~/Maildir
mail_uid = {MAIL_USER}
mail_gid = {MAIL_USER}
first_valid_uid = 1
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
}}
passdb {{
  driver = static
  args = password={{PLAIN}}{password}
}}
userdb {{
  driver = static
  args = uid={MAIL_USER} gid={MAIL_USER} home={directory}/home/%n allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {clear_port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
"
    )
}
