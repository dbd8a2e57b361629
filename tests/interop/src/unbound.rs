//! A DNS server of our own that knows a few names.

use std::fs;
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::knot::Knot;
use crate::process::free_port;

/// How long it may take to answer.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(100);

/// A running unbound. It ends when this is dropped.
#[derive(Debug)]
pub struct Unbound {
    /// Its port on 127.0.0.1, UDP and TCP.
    pub port: u16,
    child: Child,
    _directory: TempDir,
}

impl Unbound {
    /// Starts one that knows `records`, such as `far.example. MX 10 mx.far.example.`, and nothing else: every other
    /// name does not exist.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(records: &[&str]) -> Result<Self> {
        Self::start_on(free_port()?, records)
    }

    /// Likewise, on a port of 127.0.0.1 that somebody knows already.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_on(port: u16, records: &[&str]) -> Result<Self> {
        let data: String = records.iter().map(|record| format!("  local-data: '{record}'\n")).collect();
        let server = format!("  module-config: \"iterator\"\n  local-zone: \".\" static\n{data}");
        Self::start_as(port, &server, "")
    }

    /// Starts one that asks `knot` and believes only what is signed up to its key.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_validating(knot: &Knot) -> Result<Self> {
        let server = format!(
            "  module-config: \"validator iterator\"\n  trust-anchor-file: \"{}\"\n  local-zone: \"test.\" nodefault\n\
             \x20 do-not-query-localhost: no\n",
            knot.anchors().display()
        );
        let forward = format!("forward-zone:\n  name: \".\"\n  forward-addr: 127.0.0.1@{}\n", knot.port);
        Self::start_as(free_port()?, &server, &forward)
    }

    fn start_as(port: u16, server: &str, more: &str) -> Result<Self> {
        let directory = TempDir::new()?;
        let path = directory.path().join("unbound.conf");
        let text = format!(
            "server:\n  interface: 127.0.0.1\n  port: {port}\n  do-daemonize: no\n  username: \"\"\n  chroot: \"\"\n\
             \x20 directory: \"{dir}\"\n  pidfile: \"\"\n  use-syslog: no\n  do-ip6: no\n{server}\
             remote-control:\n  control-enable: no\n{more}",
            dir = directory.path().display(),
        );
        fs::write(&path, text)?;
        let child = Command::new("unbound")
            .arg("-d")
            .arg("-c")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("unbound cannot be started: run `cargo xtask test`, which installs it")?;
        let server = Self { port, child, _directory: directory };
        server.wait()?;
        Ok(server)
    }

    /// Asks for the root's NS record until there is an answer, whichever.
    fn wait(&self) -> Result<()> {
        const QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01";
        let begin = Instant::now();
        let socket = UdpSocket::bind(("127.0.0.1", 0))?;
        socket.connect(("127.0.0.1", self.port))?;
        socket.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        let mut answer = [0; 512];
        while socket.send(QUERY).and_then(|_| socket.recv(&mut answer)).is_err() {
            if begin.elapsed() > START_TIMEOUT {
                bail!("unbound does not answer on port {}", self.port);
            }
        }
        Ok(())
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
