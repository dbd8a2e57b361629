//! A Postfix of our own, on a port of our own, that relays to us, receives from us, or is our smart host.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::maildir::message_with;
use crate::process::{free_port, run, run_with_input, wait_for_port};

/// How long it may take until something is logged, and how often the log is looked at.
const LOG_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// The user and group of the mail it keeps.
const MAIL_USER: &str = "postfix";

/// Where Debian's Postfix looks for the configuration of SASL, whatever `cyrus_sasl_config_path` says.
const SASL: &str = "etc/sasl";

/// How Postfix is to behave.
#[derive(Clone, Debug, Default)]
pub struct PostfixOptions {
    /// Domains whose mail it keeps, in a Maildir each.
    pub domains: Vec<String>,
    /// Where mail for a domain goes: `(domain, 127.0.0.1 port)`.
    pub transports: Vec<(String, u16)>,
    /// Who may sign in: `(login, password)`. Whoever signed in may relay.
    pub login: Option<(String, String)>,
    /// Whether it offers STARTTLS.
    pub offers_tls: bool,
    /// Lines to add to `main.cf`.
    pub more: Vec<String>,
}

/// A running Postfix. It ends when this is dropped.
#[derive(Debug)]
pub struct Postfix {
    /// Its port on 127.0.0.1.
    pub port: u16,
    directory: TempDir,
}

impl Postfix {
    /// Starts one, with the certificate at `certificate` and `key` (PEM), trusting `ca`.
    ///
    /// # Errors
    /// When it does not start; it wants to be started as root.
    pub fn start(options: &PostfixOptions, certificate: &Path, key: &Path, ca: &Path) -> Result<Self> {
        let directory = TempDir::new()?;
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let port = free_port()?;
        let postfix = Self { port, directory };
        for name in ["etc", "queue", "data", "mail", SASL] {
            fs::create_dir(postfix.path(name))?;
        }
        for name in ["data", "mail"] {
            run(Command::new("chown").arg(format!("{MAIL_USER}:{MAIL_USER}")).arg(postfix.path(name)))?.ok()?;
        }
        for (name, source) in [("cert.pem", certificate), ("key.pem", key), ("ca.pem", ca)] {
            fs::copy(source, postfix.path("etc").join(name))?;
        }
        postfix.write_configuration(options)?;
        if let Some((login, password)) = &options.login {
            postfix.add_login(login, password)?;
        }
        postfix.postfix("start")?;
        wait_for_port(port).with_context(|| postfix.log())?;
        Ok(postfix)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write_configuration(&self, options: &PostfixOptions) -> Result<()> {
        let etc = self.path("etc");
        let transports: String = options
            .transports
            .iter()
            .map(|(domain, port)| format!("{{{domain} = smtp:[127.0.0.1]:{port}}}, "))
            .collect();
        let boxes: String = options.domains.iter().map(|domain| format!("{{@{domain} = {domain}/}}, ")).collect();
        let user = run(Command::new("id").args(["-u", MAIL_USER]))?.ok()?.text().trim().to_owned();
        let group = run(Command::new("id").args(["-g", MAIL_USER]))?.ok()?.text().trim().to_owned();
        let mut main = format!(
            "compatibility_level = 3.6\n\
             queue_directory = {dir}/queue\ndata_directory = {dir}/data\n\
             mail_owner = postfix\nsetgid_group = postdrop\n\
             command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\n\
             maillog_file = {dir}/log\nmaillog_file_prefixes = {dir}\n\
             myhostname = postfix.example\nmydestination =\nmynetworks =\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n\
             smtp_dns_support_level = disabled\nsmtp_host_lookup = native\n\
             alias_maps =\ntransport_maps = {transports}\n\
             virtual_mailbox_domains = {domains}\nvirtual_mailbox_maps = {boxes}\n\
             virtual_mailbox_base = {dir}/mail\nvirtual_uid_maps = static:{user}\nvirtual_gid_maps = static:{group}\n\
             virtual_minimum_uid = 1\n\
             smtp_tls_security_level = verify\nsmtp_tls_CAfile = {dir}/etc/ca.pem\n\
             smtp_tls_verify_cert_match = hostname\n\
             smtpd_tls_cert_file = {dir}/etc/cert.pem\nsmtpd_tls_key_file = {dir}/etc/key.pem\n\
             smtpd_tls_security_level = {tls}\n\
             smtpd_relay_restrictions = permit_sasl_authenticated, {open} reject_unauth_destination\n\
             minimal_backoff_time = 1s\nmaximal_backoff_time = 2s\nqueue_run_delay = 1s\n",
            dir = self.directory.path().display(),
            transports = inline_table(&transports),
            boxes = inline_table(&boxes),
            domains = options.domains.join(" "),
            tls = if options.offers_tls { "may" } else { "none" },
            open = if options.transports.is_empty() { "" } else { "permit_mynetworks," },
        );
        if !options.transports.is_empty() {
            main += "mynetworks = 127.0.0.0/8\n";
        }
        if options.login.is_some() {
            main += "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = cyrus\nsmtpd_tls_auth_only = yes\n";
        }
        for line in &options.more {
            main += &format!("{line}\n");
        }
        fs::write(etc.join("main.cf"), without_overridden(&main))?;
        let services = format!(
            "127.0.0.1:{} inet n - n - - smtpd\n\
             pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
             tlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\n\
             bounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\n\
             verify unix - - n - 1 verify\nflush unix n - n 1000? 0 flush\nproxymap unix - - n - - proxymap\n\
             smtp unix - - n - - smtp\nerror unix - - n - - error\nretry unix - - n - - error\n\
             virtual unix - n n - - virtual\nanvil unix - - n - 1 anvil\nscache unix - - n - 1 scache\n\
             postlog unix-dgram n - n - 1 postlogd\n",
            self.port
        );
        Ok(fs::write(etc.join("master.cf"), services)?)
    }

    fn add_login(&self, login: &str, password: &str) -> Result<()> {
        let database = self.path(SASL).join("users.db");
        fs::write(
            self.path(SASL).join("smtpd.conf"),
            format!(
                "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {}\n\
                 mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\n",
                database.display()
            ),
        )?;
        let mut command = Command::new("saslpasswd2");
        command.args(["-p", "-c", "-u", "postfix.example", "-f"]).arg(&database).arg(login);
        run_with_input(&mut command, password.as_bytes())?.ok()?;
        Ok(fs::set_permissions(&database, fs::Permissions::from_mode(0o644))?)
    }

    fn postfix(&self, verb: &str) -> Result<()> {
        run(Command::new("postfix").arg("-c").arg(self.path("etc")).arg(verb))?.ok()?;
        Ok(())
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Waits until it has logged something with `needle`: what it does may be seen before it is logged.
    ///
    /// # Errors
    /// When it does not in time.
    pub fn logs(&self, needle: &str) -> Result<()> {
        let begin = Instant::now();
        while !self.log().contains(needle) {
            ensure!(begin.elapsed() < LOG_TIMEOUT, "nothing with {needle:?} was logged:\n{}", self.log());
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Hands it a message, as a program on its host would.
    ///
    /// # Errors
    /// When it does not take it.
    pub fn sendmail(&self, from: &str, to: &str, message: &str) -> Result<()> {
        let mut command = Command::new("sendmail");
        command.arg("-C").arg(self.path("etc")).args(["-f", from, "--", to]);
        run_with_input(&mut command, message.as_bytes())?.ok()?;
        Ok(())
    }

    /// Waits for the first message for one of its domains that contains `needle`, and returns it.
    ///
    /// # Errors
    /// When none comes in time.
    pub fn received(&self, domain: &str, needle: &str) -> Result<String> {
        message_with(needle, &self.path("mail").join(domain), || self.log())
    }
}

/// Of each parameter the last line. Every program of Postfix warns of the others, and so does its logger, into the socket that
/// nobody but itself reads: when that is full, all of Postfix stands still.
fn without_overridden(configuration: &str) -> String {
    let name = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let lines: Vec<&str> = configuration.lines().collect();
    let is_last = |at: &usize| lines[at + 1..].iter().all(|later| name(later) != name(lines[*at]));
    (0..lines.len()).filter(is_last).map(|at| format!("{}\n", lines[at])).collect()
}

/// A look-up table in the configuration itself; an empty one is none.
fn inline_table(entries: &str) -> String {
    if entries.is_empty() { String::new() } else { format!("inline:{{ {entries} }}") }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        drop(self.postfix("stop"));
    }
}
