//! Dovecot in a directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use super::{MailFormat, PASSWORD, Ports};
use crate::server::authority::Files;
use crate::server::process;

/// Whom the mailboxes belong to.
const MAIL_USER: &str = "mail";

/// A running Dovecot. It ends when this is dropped.
pub struct Dovecot {
    child: Child,
    directory: PathBuf,
}

impl Dovecot {
    /// Starts it.
    pub fn start(directory: &Path, ports: Ports, certificate: &Files, format: MailFormat) -> Result<Self> {
        let home = directory.join("home");
        std::fs::create_dir_all(&home)?;
        let owner = nix::unistd::User::from_name(MAIL_USER)?.with_context(|| format!("no user {MAIL_USER}"))?;
        nix::unistd::chown(&home, Some(owner.uid), Some(owner.gid))?;
        let file = directory.join("dovecot.conf");
        std::fs::write(&file, configuration(directory, ports, certificate, format))?;
        let log = std::fs::File::create(directory.join("start.log"))?;
        let child = Command::new("/usr/sbin/dovecot")
            .arg("-F")
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("dovecot cannot be started: run `cargo xtask bench`, which installs it")?;
        Ok(Self { child, directory: directory.to_path_buf() })
    }

    /// The socket on which it takes mail.
    pub fn lmtp_socket(&self) -> PathBuf {
        self.directory.join("run").join("lmtp")
    }

    /// The id of its master process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let id = self.child.id();
        process::end(id, || drop(self.child.try_wait()));
    }
}

fn configuration(directory: &Path, ports: Ports, certificate: &Files, format: MailFormat) -> String {
    let directory = directory.display();
    let location = match format {
        MailFormat::Mdbox => "mdbox:~/mdbox",
        MailFormat::Maildir => "maildir:~/Maildir",
    };
    let Ports { imap, imaps, pop3, pop3s, .. } = ports;
    let (certificate, key) = (certificate.certificate.display(), certificate.key.display());
    format!(
        "base_dir = {directory}/run
log_path = {directory}/dovecot.log
info_log_path = /dev/null
listen = 127.0.0.1
protocols = imap pop3 lmtp

ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no

mail_location = {location}
mail_uid = {MAIL_USER}
mail_gid = {MAIL_USER}
first_valid_uid = 1
namespace inbox {{
  inbox = yes
}}
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={MAIL_USER} gid={MAIL_USER} home={directory}/home/%n allow_all_users=yes
}}

# Limits that would refuse the load.
mail_max_userip_connections = 10000
default_process_limit = 4096
default_client_limit = 20000
service anvil {{
  client_limit = 20000
}}
service auth {{
  client_limit = 20000
}}

service imap-login {{
  process_limit = 4096
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 4096
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"
    )
}
