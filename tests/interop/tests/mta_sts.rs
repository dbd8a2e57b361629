//! MTA-STS from end to end: one Posthouse serves its policies over HTTPS, and another one holds it to them.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use posthouse_interop::{
    CertificateFiles, CertificateKind, LineStream, Options, Posthouse, Unbound, base64, binary, free_port,
    run_with_input, wait_for_socket,
};
use serde_json::Value;
use tempfile::TempDir;

/// How long a message may take to arrive, or to be found unfit to.
const PATIENCE: Duration = Duration::from_secs(60);
/// The host of all domains.
const HOST: &str = "mail.policy.test";
const PASSWORD: &str = "seven horses wait at dusk";

/// `posthouse serve` that takes mail for some domains, and serves their policies.
struct Receiver {
    child: Child,
    directory: TempDir,
    mx: u16,
    https: u16,
    imaps: u16,
    certificates: Vec<CertificateFiles>,
}

impl Receiver {
    /// With certificates for these hosts.
    fn start(hosts: &[&str], settings: &str, domains: &[&str]) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let (mx, https, imaps) = (free_port()?, free_port()?, free_port()?);
        let mut certificates = Vec::new();
        let mut text = format!(
            "host_name = \"{HOST}\"\ndata_directory = \"{data}/data\"\ncontrol_socket = \"{data}/socket\"\n",
            data = directory.path().display()
        );
        for (role, port) in [("mx", mx), ("https", https), ("imap", imaps)] {
            text += &format!("[[listener]]\nrole = \"{role}\"\naddresses = [\"127.0.0.1:{port}\"]\n");
        }
        for host in hosts {
            let made = CertificateFiles::new(host, CertificateKind::Good)?;
            let (chain, key) = (made.chain(), made.key());
            text += &format!(
                "[[certificate]]\nname = \"{host}\"\nchain = \"{}\"\nkey = \"{}\"\n",
                chain.display(),
                key.display()
            );
            certificates.push(made);
        }
        let config = directory.path().join("posthouse.toml");
        fs::write(&config, text + settings)?;
        let mut command = Command::new(binary());
        let child = command.args(["serve", "--config"]).arg(&config).stderr(Stdio::null()).spawn();
        let receiver = Self { child: child.context("posthouse")?, directory, mx, https, imaps, certificates };
        wait_for_socket(&receiver.directory.path().join("socket"))?;
        for domain in domains {
            receiver.command(&["domain", "add", domain])?;
            receiver.command(&["account", "add", &format!("bob@{domain}"), "--password-stdin"])?;
        }
        Ok(receiver)
    }

    fn command(&self, arguments: &[&str]) -> Result<String> {
        let socket = self.directory.path().join("socket");
        let mut command = Command::new(binary());
        let input = format!("{PASSWORD}\n");
        Ok(run_with_input(command.arg("--socket").arg(socket).args(arguments), input.as_bytes())?.ok()?.text())
    }

    /// The authorities behind all of its certificates.
    fn authorities(&self) -> Result<String> {
        self.certificates.iter().map(|one| Ok(fs::read_to_string(one.ca())?)).collect()
    }

    /// Waits until a message that contains `needle` is in Bob's INBOX.
    fn received(&self, domain: &str, needle: &str) -> Result<()> {
        let authority = self.certificates.first().context("a certificate of the host")?.ca();
        let mut imap = LineStream::tls(self.imaps, HOST, &authority)?;
        imap.line()?;
        imap.imap("a", &format!("LOGIN bob@{domain} \"{PASSWORD}\""))?;
        imap.imap("b", "SELECT INBOX")?;
        let begin = Instant::now();
        while !imap.imap("c", "FETCH 1:* (BODY.PEEK[])")?.iter().any(|line| line.contains(needle)) {
            ensure!(begin.elapsed() < PATIENCE, "{needle:?} did not arrive");
            imap.imap("d", "NOOP")?;
        }
        Ok(())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        drop(self.child.wait());
    }
}

fn submit(sender: &Posthouse, to: &str) -> Result<()> {
    let ann = sender.ann();
    let mut smtp = LineStream::tls(sender.port("submission", "implicit"), "localhost", sender.ca())?;
    smtp.smtp_reply()?;
    smtp.smtp("EHLO client.example")?;
    let login = base64(format!("\0{}\0{}", ann.address, ann.password).as_bytes());
    ensure!(smtp.smtp(&format!("AUTH PLAIN {login}"))?.starts_with("235"));
    ensure!(smtp.smtp(&format!("MAIL FROM:<{}>", ann.address))?.starts_with("250"));
    ensure!(smtp.smtp(&format!("RCPT TO:<{to}>"))?.starts_with("250"));
    ensure!(smtp.smtp("DATA")?.starts_with("354"));
    smtp.send(&format!("From: {}\r\nTo: {to}\r\nSubject: for {to}\r\n\r\nHello.", ann.address))?;
    ensure!(smtp.smtp(".")?.starts_with("250"));
    Ok(())
}

fn ask(sender: &Posthouse, arguments: &[&str]) -> Result<Value> {
    let told = sender.command(arguments)?.ok()?.text();
    serde_json::from_str(&told).with_context(|| told.clone())
}

/// Why mail for a domain waits.
fn waits(sender: &Posthouse, domain: &str) -> Result<String> {
    let begin = Instant::now();
    loop {
        let entries = ask(sender, &["queue", "list", "--json"])?;
        let entry = entries.as_array().into_iter().flatten().find(|entry| entry.to_string().contains(domain));
        if let Some(words) = entry.and_then(|entry| entry["last_outcome"].as_str()) {
            return Ok(words.to_owned());
        }
        ensure!(begin.elapsed() < PATIENCE, "mail for {domain} does not wait: {entries}");
    }
}

#[test]
fn a_policy_that_one_serves_holds_for_the_other() -> Result<()> {
    let domains = ["policy.test", "moved.test", "unproven.test"];
    let settings =
        "[mta_sts_policy]\nmode = \"enforce\"\n[mta_sts_policy.domain.\"moved.test\"]\nmx = [\"mx.moved.test\"]\n";
    // Of the third domain nobody proves the policy.
    let hosts = [HOST, "mta-sts.policy.test", "mta-sts.moved.test"];
    let receiver = Receiver::start(&hosts, settings, &domains)?;
    let mut records = vec![format!("{HOST}. A 127.0.0.1")];
    for domain in domains {
        records.push(format!("{domain}. MX 10 {HOST}."));
        records.push(format!("mta-sts.{domain}. A 127.0.0.1"));
        // What the receiver says is to be published.
        let told: Value = serde_json::from_str(&receiver.command(&["transport", "records", domain, "--json"])?)?;
        let record = told.as_array().into_iter().flatten().filter_map(|one| one["text"].as_str());
        let record = record.into_iter().find(|text| text.starts_with("_mta-sts.")).context("an announcement")?;
        records.push(record.replacen(" IN ", " ", 1));
    }
    let unbound = Unbound::start(&records.iter().map(String::as_str).collect::<Vec<_>>())?;

    let directory = tempfile::tempdir()?;
    let (roots, config) = (directory.path().join("roots.pem"), directory.path().join("settings.toml"));
    fs::write(&roots, receiver.authorities()?)?;
    fs::write(
        &config,
        format!(
            "host_name = \"ours.test\"\n[resolver]\nservers = [\"127.0.0.1:{}\"]\n\
             [transport]\nhttps_port = {}\ndangerous_private_https = true\n",
            unbound.port, receiver.https
        ),
    )?;
    let options = Options::default().with("--settings").with(config).with("--trust-roots").with(roots);
    let sender = Posthouse::start_with(&options.with("--smtp-port").with(receiver.mx.to_string()))?;

    let probed = ask(&sender, &["probe", "policy.test", "--json"])?;
    ensure!(probed["mta_sts"]["mode"] == "enforce" && probed["mta_sts"]["mx"][0] == HOST, "{probed}");
    let host = &probed["hosts"][0];
    ensure!(host["reason"] == "mta-sts" && host["addresses"][0]["is_acceptable"] == true, "{probed}");
    ensure!(host["addresses"][0]["chain"][0]["names"][0] == HOST, "{probed}");

    for domain in domains {
        submit(&sender, &format!("bob@{domain}"))?;
    }
    receiver.received("policy.test", "for bob@policy.test")?;
    // RFC 8461 §5.1: a policy that cannot be had, and never could, is none.
    receiver.received("unproven.test", "for bob@unproven.test")?;
    let unproven = ask(&sender, &["probe", "unproven.test", "--json"])?;
    ensure!(unproven["mta_sts_problem"].as_str().is_some_and(|words| words.contains("certificate")), "{unproven}");
    // The policy names other hosts than MX records do: nobody gets it.
    let words = waits(&sender, "moved.test")?;
    ensure!(words.contains("[mta-sts-host]"), "{words}");
    ensure!(ask(&sender, &["probe", "moved.test", "--json"])?["hosts"][0]["mta_sts"] == "not named");
    Ok(())
}
