//! Programs that a test runs: ours, and other people's.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a client program may take.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a server may take to answer on its port.
const PORT_TIMEOUT: Duration = Duration::from_secs(60);
/// How often something that is awaited is looked at.
const POLL: Duration = Duration::from_millis(10);

/// What a program printed, and how it ended.
#[derive(Debug)]
pub struct Output {
    /// Whether it ended with exit code zero.
    pub success: bool,
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: String,
}

impl Output {
    /// What it printed, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Itself, or an error with everything it printed if it did not succeed.
    ///
    /// # Errors
    /// When its exit code is not zero.
    pub fn ok(self) -> Result<Self> {
        if !self.success {
            bail!("exit code {:?}\n{}\n{}", self.code, self.text(), self.stderr);
        }
        Ok(self)
    }
}

/// Runs a program to its end.
///
/// # Errors
/// When it cannot be started or does not end in time.
pub fn run(command: &mut Command) -> Result<Output> {
    run_with_input(command, b"")
}

/// Runs a program to its end, with `input` as its standard input.
///
/// # Errors
/// When it cannot be started or does not end in time.
pub fn run_with_input(command: &mut Command, input: &[u8]) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{name} cannot be started: run `cargo xtask test`, which installs it"))?;
    let pid = child.id();
    let mut stdin = child.stdin.take().context("standard input is piped")?;
    let input = input.to_vec();
    // A program that does not read its input closes the pipe, which is no fault.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let (done, ended) = std::sync::mpsc::channel();
    let waiter = std::thread::spawn(move || drop(done.send(child.wait_with_output())));
    let output = match ended.recv_timeout(CLIENT_TIMEOUT) {
        Ok(output) => output?,
        Err(_) => {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(pid)?);
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL)?;
            let output = ended.recv()??;
            bail!("{name} did not end in time; it printed\n{}", String::from_utf8_lossy(&output.stdout));
        }
    };
    drop((writer.join(), waiter.join()));
    Ok(Output {
        success: output.status.success(),
        code: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The program under test: what `POSTHOUSE_BINARY` names, else the one beside the tests.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("POSTHOUSE_BINARY") {
        return path.into();
    }
    let mut path = std::env::current_exe().expect("a running program has a path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.join("posthouse")
}

/// Where `cargo xtask test` puts clients from PyPI and npm.
pub fn peers() -> PathBuf {
    std::env::var_os("POSTHOUSE_PEERS").map_or_else(
        || binary().parent().and_then(|dir| dir.parent()).map(|dir| dir.join("peers")).unwrap_or_default(),
        PathBuf::from,
    )
}

/// A port of loopback that is free at this moment.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until something accepts connections.
///
/// # Errors
/// When nothing does for a minute.
pub fn wait_for_port(port: u16) -> Result<()> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let begin = Instant::now();
    while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
        if begin.elapsed() > PORT_TIMEOUT {
            bail!("nothing answers on {address}");
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

/// Waits until something answers on a Unix socket.
///
/// # Errors
/// When nothing does for a minute.
pub fn wait_for_socket(path: &Path) -> Result<()> {
    let begin = Instant::now();
    while UnixStream::connect(path).is_err() {
        if begin.elapsed() > PORT_TIMEOUT {
            bail!("nothing answers at {}", path.display());
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

/// Base 64 with padding (RFC 4648 §4), as SASL wants it.
pub fn base64(octets: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(octets)
}
