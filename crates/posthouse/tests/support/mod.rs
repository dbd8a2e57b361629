//! Running the program and talking to it as clients do.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

/// How long anything may take before a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program with these arguments.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_posthouse"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

/// Runs the program with `input` on its standard input.
pub fn run_with_input(arguments: &[&str], input: &str) -> Output {
    let mut child =
        program(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Standard output of a run that succeeded.
pub fn stdout(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// A run failed with this code, saying one line that contains each of `words`.
pub fn check_failure(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    let complaints: Vec<&str> = said.lines().filter(|line| line.starts_with("posthouse: ")).collect();
    assert_eq!(complaints.len(), 1, "{said}");
    assert_eq!(said.lines().last(), complaints.first().copied(), "{said}");
    for word in words {
        assert!(complaints[0].contains(word), "{said}\nlacks {word}");
    }
}

/// A server that runs, and ends with this value.
pub struct Running {
    pub child: Child,
    pub socket: PathBuf,
}

impl Running {
    /// Starts `posthouse serve` with this configuration, and waits until it says that it is ready. In `directory` it
    /// listens for that.
    pub fn serve(directory: &Path, config: &Path, socket: &Path) -> Self {
        let notify = directory.join("notify");
        let manager = UnixDatagram::bind(&notify).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let child = program(&["serve", "--config", config.to_str().unwrap()])
            .env("NOTIFY_SOCKET", &notify)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut heard = [0; 64];
        let length = manager.recv(&mut heard).expect("the server says that it is ready");
        assert_eq!(&heard[..length], b"READY=1\n");
        std::fs::remove_file(notify).unwrap();
        Self { child, socket: socket.to_owned() }
    }

    /// Runs a command of the program against this server.
    pub fn command(&self, arguments: &[&str]) -> Output {
        run(&[&["--socket", self.socket.to_str().unwrap()], arguments].concat())
    }

    /// The JSON that a command prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&stdout(&self.command(arguments))).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Ends the server as an administrator does.
    pub fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Not killed, so that throw-away data goes too.
            self.signal(Signal::SIGTERM);
            let _ = self.child.wait();
        }
    }
}

/// A demonstration that runs.
pub struct Demo {
    pub server: Running,
    pub ready: Value,
}

impl Demo {
    /// Starts one with free ports and these further arguments.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_at("0", arguments)
    }

    pub fn start_at(port_base: &str, arguments: &[&str]) -> Self {
        let all = [&["demo", "--json", "--port-base", port_base], arguments].concat();
        let mut child = program(&all).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let socket = PathBuf::from(ready["socket"].as_str().unwrap());
        Self { server: Running { child, socket }, ready }
    }

    pub fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    pub fn port(&self, name: &str) -> u16 {
        let listeners = self.ready["listeners"].as_array().unwrap();
        let listener = listeners.iter().find(|listener| listener["name"] == name).unwrap();
        u16::try_from(listener["port"].as_u64().unwrap()).unwrap()
    }

    /// Address and password of an account.
    pub fn account(&self, at: usize) -> (&str, &str) {
        let account = &self.ready["accounts"][at];
        (account["address"].as_str().unwrap(), account["password"].as_str().unwrap())
    }

    /// A conversation with a listener that speaks TLS from the first byte.
    pub fn talk(&self, listener: &str) -> Talk {
        Talk::begin(self.port(listener), Path::new(self.text("ca_certificate")))
    }
}

/// A conversation in TLS, line by line.
pub struct Talk {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
}

impl Talk {
    pub fn begin(port: u16, authority: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream: BufReader::new(StreamOwned::new(connection, socket)) }
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line
    }

    pub fn send(&mut self, line: &str) {
        let stream = self.stream.get_mut();
        stream.write_all(line.as_bytes()).unwrap();
        stream.write_all(b"\r\n").unwrap();
        stream.flush().unwrap();
    }

    /// Sends a command and reads up to the line that begins with one of `ends`; gives everything.
    pub fn ask(&mut self, command: &str, ends: &[&str]) -> String {
        self.send(command);
        let mut answer = String::new();
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "the connection ended after {answer}");
            answer.push_str(&line);
            if ends.iter().any(|end| line.starts_with(end)) {
                return answer;
            }
        }
    }

    /// Sends a command of IMAP and gives the whole answer, which is OK.
    pub fn imap(&mut self, command: &str) -> String {
        let answer = self.ask(&format!("x {command}"), &["x "]);
        assert!(answer.contains("x OK"), "{command}: {answer}");
        answer
    }

    /// Sends a command of SMTP and expects a reply with this code.
    pub fn smtp(&mut self, command: &str, code: &str) -> String {
        let answer = self.ask(command, &["2", "3", "4", "5"]);
        assert!(answer.starts_with(code), "{command}: {answer}");
        let mut answer = answer;
        while answer.lines().last().is_some_and(|line| line.as_bytes().get(3) == Some(&b'-')) {
            answer.push_str(&self.line());
        }
        answer
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> String {
        let mut text = String::new();
        let _ = self.stream.read_to_string(&mut text);
        text
    }
}

/// `text` in base 64.
pub fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// Hands in a message at the listener `submissions` of a demonstration. Gives the last reply.
pub fn submit(demo: &Demo, from: usize, to: &str, subject: &str) -> String {
    let (address, password) = demo.account(from);
    let mut talk = demo.talk("submissions");
    assert!(talk.line().starts_with("220 "));
    talk.smtp("EHLO here", "250");
    talk.smtp(&format!("AUTH PLAIN {}", base64(&format!("\0{address}\0{password}"))), "235");
    talk.smtp(&format!("MAIL FROM:<{address}>"), "250");
    talk.smtp(&format!("RCPT TO:<{to}>"), "250");
    talk.smtp("DATA", "354");
    let reply = talk.smtp(&format!("From: <{address}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n\r\nhello\r\n."), "250");
    talk.smtp("QUIT", "221");
    reply
}

/// How many messages an account of a demonstration has, and the subjects of all.
pub fn inbox(demo: &Demo, account: usize) -> (usize, String) {
    let (address, password) = demo.account(account);
    let mut talk = demo.talk("imaps");
    assert!(talk.line().starts_with("* OK"));
    talk.imap(&format!("LOGIN {address} {password}"));
    talk.imap("SELECT INBOX");
    let subjects = talk.imap("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]");
    talk.imap("LOGOUT");
    (subjects.matches("FETCH (").count(), subjects)
}
