//! A DNS server of our own that signs a zone.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::{free_port, run, wait_for_port};

/// How long it may take to sign its zone.
const SIGN_TIMEOUT: Duration = Duration::from_secs(30);
/// The zone that is signed.
const SIGNED: &str = "test";
/// A zone below it that is not.
const PLAIN: &str = "plain.test";
/// A zone below it whose keys are not those that it announces.
const BOGUS: &str = "bogus.test";

/// A running knotd, with the zones `test.` (signed), `plain.test.` (not signed) and `bogus.test.` (signed by keys that
/// `test.` does not know). It ends when this is dropped.
#[derive(Debug)]
pub struct Knot {
    /// Its port on 127.0.0.1, UDP and TCP.
    pub port: u16,
    child: Child,
    directory: TempDir,
}

impl Knot {
    /// Starts one with these records, each under a zone by its name, such as `far.test. MX 10 mx.far.test.`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(records: &[String]) -> Result<Self> {
        let directory = TempDir::new()?;
        let here = directory.path().display().to_string();
        let zone_of = |record: &str| {
            let owner = record.split_whitespace().next().unwrap_or_default().trim_end_matches('.').to_owned();
            let is_below = |zone: &str| owner == zone || owner.ends_with(&format!(".{zone}"));
            [PLAIN, BOGUS].into_iter().find(|zone| is_below(zone)).unwrap_or(SIGNED)
        };
        for zone in [SIGNED, PLAIN, BOGUS] {
            let mut text =
                format!("$TTL 300\n{zone}. SOA ns.test. admin.test. 1 3600 600 86400 300\n{zone}. NS ns.test.\n");
            if zone == SIGNED {
                // A delegation signer of a key that nobody has.
                let digest = "00".repeat(32);
                text += &format!(
                    "ns.test. A 127.0.0.1\n{PLAIN}. NS ns.test.\n{BOGUS}. NS ns.test.\n{BOGUS}. DS 1 13 2 {digest}\n"
                );
            }
            for record in records.iter().filter(|record| zone_of(record) == zone) {
                text += &format!("{record}\n");
            }
            fs::write(directory.path().join(format!("{zone}.zone")), text)?;
        }
        let port = free_port()?;
        let signing = "    dnssec-signing: on\n    dnssec-policy: ours\n    zonefile-sync: -1\n    zonefile-load: difference-no-serial\n    journal-content: all\n";
        let configuration = format!(
            "server:\n    rundir: \"{here}\"\n    listen: 127.0.0.1@{port}\ndatabase:\n    storage: \"{here}\"\n\
             policy:\n  - id: ours\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n\
             template:\n  - id: default\n    storage: \"{here}\"\n    file: \"%s.zone\"\n\
             zone:\n  - domain: {SIGNED}\n{signing}  - domain: {PLAIN}\n  - domain: {BOGUS}\n{signing}"
        );
        let path = directory.path().join("knot.conf");
        fs::write(&path, configuration)?;
        let mut command = Command::new("knotd");
        command.arg("-c").arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().context("knotd cannot be started: run `cargo xtask test`, which installs it")?;
        let server = Self { port, child, directory };
        wait_for_port(port)?;
        server.write_anchors()?;
        Ok(server)
    }

    /// A file with the key of `test.`.
    pub fn anchors(&self) -> PathBuf {
        self.directory.path().join("anchors")
    }

    fn write_anchors(&self) -> Result<()> {
        let begin = Instant::now();
        loop {
            let mut command = Command::new("keymgr");
            command.arg("-c").arg(self.directory.path().join("knot.conf")).args([SIGNED, "dnskey"]);
            let told = run(&mut command)?.text();
            if let Some((_, key)) = told.split_once("DNSKEY ") {
                return Ok(fs::write(self.anchors(), format!("{SIGNED}. 300 IN DNSKEY {key}"))?);
            }
            if begin.elapsed() > SIGN_TIMEOUT {
                bail!("knotd does not sign: {told}");
            }
        }
    }
}

impl Drop for Knot {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
