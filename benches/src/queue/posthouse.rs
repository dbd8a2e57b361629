//! A Posthouse that only sends.

use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::address;
use crate::server::process;

/// How long it may take to be ready.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Its files.
pub struct Posthouse {
    binary: PathBuf,
    directory: PathBuf,
}

impl Posthouse {
    /// Writes a configuration with a route to the sink for each destination.
    pub fn prepare(binary: PathBuf, directory: &Path, destinations: usize, sink: u16) -> Result<Self> {
        std::fs::create_dir_all(directory)?;
        let mut file = std::fs::File::create(directory.join("posthouse.toml"))?;
        writeln!(file, "host_name = \"mail.bench.example\"\ndata_directory = \"{}/data\"", directory.display())?;
        writeln!(file, "[[listener]]\nrole = \"mx\"\naddresses = [\"127.0.0.1:0\"]\n[log]\nfilter = \"warn\"")?;
        for destination in 0..destinations {
            writeln!(file, "[[outgoing.route]]\ndomain = \"d{destination}.example\"")?;
            writeln!(file, "host = \"[{}]\"\nport = {sink}\ntls = \"none\"", address(destination))?;
        }
        Ok(Self { binary, directory: directory.to_owned() })
    }

    /// Puts messages into the queue: so many that are due, so many that wait.
    pub fn fill(&self, filler: &Path, now: u64, later: u64, destinations: usize) -> Result<()> {
        // Where the server keeps its store.
        let store = self.directory.join("data/store");
        std::fs::create_dir_all(&store)?;
        let status = Command::new(filler)
            .arg("fill")
            .arg(store)
            .args([now.to_string(), later.to_string(), destinations.to_string()])
            .status()
            .with_context(|| format!("{} cannot be started", filler.display()))?;
        ensure!(status.success(), "the queue cannot be filled");
        Ok(())
    }

    /// Starts it, and waits until it is ready.
    pub fn start(&self) -> Result<Running<'_>> {
        let notify = self.directory.join("notify");
        let manager = UnixDatagram::bind(&notify)?;
        manager.set_read_timeout(Some(START_TIMEOUT))?;
        let child = Command::new(&self.binary)
            .arg("serve")
            .arg("--config")
            .arg(self.directory.join("posthouse.toml"))
            .env("NOTIFY_SOCKET", &notify)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(self.directory.join("posthouse.log"))?)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.binary.display()))?;
        let running = Running { posthouse: self, child };
        let mut heard = [0; 64];
        let log = || std::fs::read_to_string(self.directory.join("posthouse.log")).unwrap_or_default();
        manager.recv(&mut heard).with_context(|| format!("posthouse does not become ready\n{}", log()))?;
        Ok(running)
    }
}

/// It runs. It ends when this is dropped.
pub struct Running<'a> {
    posthouse: &'a Posthouse,
    child: Child,
}

impl Running<'_> {
    /// How many entries there are in the queue.
    pub fn waiting(&self) -> Result<u64> {
        let output = Command::new(&self.posthouse.binary)
            .arg("--socket")
            .arg(self.posthouse.directory.join("data/control.sock"))
            .args(["queue", "counts", "--json"])
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let counts: serde_json::Value =
            serde_json::from_str(&text).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        counts["entries"].as_u64().context("there is no count")
    }

    /// The most memory that it has used so far, in MiB.
    pub fn peak_mebibytes(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let id = self.child.id();
        process::end(id, || drop(self.child.try_wait()));
    }
}
