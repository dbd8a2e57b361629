//! Mail on the disk is encrypted, keys change, and what goes wrong is told.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread;

use support::{Running, check_failure, run, stdout};
use tempfile::TempDir;

const MARKER: &str = "xyzzy-marker";

/// A host with one mx listener that takes every message to a file first.
struct Host {
    directory: TempDir,
}

impl Host {
    fn new() -> Self {
        let host = Self { directory: tempfile::tempdir().unwrap() };
        host.configure(None);
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn configure(&self, key: Option<&str>) {
        let encryption =
            key.map_or(String::new(), |key| format!("[encryption]\nkey_file = \"{}\"\n", self.path(key).display()));
        let text = format!(
            "host_name = \"mail.example.org\"\ndata_directory = \"{}\"\n[[listener]]\nrole = \"mx\"\n\
             addresses = [\"127.0.0.1:0\"]\n[spool]\nmessage_memory = \"1KiB\"\n{encryption}",
            self.path("data").display()
        );
        fs::write(self.path("posthouse.toml"), text).unwrap();
    }

    fn start(&self) -> Running {
        Running::serve(self.directory.path(), &self.path("posthouse.toml"), &self.path("data/control.sock"))
    }

    fn command(&self, arguments: &[&str]) -> std::process::Output {
        run(&[&["--config", self.path("posthouse.toml").to_str().unwrap()], arguments].concat())
    }

    fn generate_key(&self, name: &str) {
        stdout(&run(&["encryption", "generate-key", self.path(name).to_str().unwrap()]));
    }
}

/// Files below `directory` in which the marker can be read.
fn readable(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(readable(&path));
        } else if fs::read(&path).is_ok_and(|octets| octets.windows(MARKER.len()).any(|at| at == MARKER.as_bytes())) {
            found.push(path);
        }
    }
    found
}

/// Hands in a message, and looks at the disk in the middle of it.
fn deliver(server: &Running, subject: &str, in_the_middle: impl FnOnce()) {
    let status = server.json(&["status", "--json"]);
    let address = status["listeners"][0]["addresses"][0].as_str().unwrap();
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    let mut step = |line: &str, code: &str| {
        stream.get_mut().write_all(line.as_bytes()).unwrap();
        loop {
            let mut reply = String::new();
            stream.read_line(&mut reply).unwrap();
            assert!(reply.starts_with(code), "{line}: {reply}");
            if reply.as_bytes()[3] == b' ' {
                return;
            }
        }
    };
    step("", "220");
    step("EHLO here\r\n", "250");
    step("MAIL FROM:<x@elsewhere.test>\r\n", "250");
    step("RCPT TO:<ann@example.org>\r\n", "250");
    step("DATA\r\n", "354");
    let text = format!(
        "From: <x@elsewhere.test>\r\nSubject: {subject} {MARKER}\r\n\r\n{}",
        format!("{MARKER}\r\n").repeat(20_000)
    );
    let (first, second) = text.split_at(text.len() / 2 / 14 * 14);
    stream.get_mut().write_all(first.as_bytes()).unwrap();
    in_the_middle();
    let mut step = |line: &str, code: &str| {
        stream.get_mut().write_all(line.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_line(&mut reply).unwrap();
        assert!(reply.starts_with(code), "{reply}");
    };
    step(&format!("{second}\r\n.\r\n"), "250");
    step("QUIT\r\n", "221");
}

#[test]
fn mail_is_encrypted_from_the_first_octet_and_keys_change() {
    let host = Host::new();
    let data = host.path("data");
    let server = host.start();
    stdout(&server.command(&["domain", "add", "example.org"]));
    stdout(&server.command(&["account", "add", "ann@example.org", "--generate"]));
    deliver(&server, "before", || {});
    assert!(!readable(&data).is_empty(), "the search finds what is there");
    check_failure(&server.command(&["encryption", "enable"]), 1, &["generate-key", "[encryption]"]);
    server.stop();

    host.generate_key("first.key");
    host.configure(Some("first.key"));
    let server = host.start();
    let said = stdout(&server.command(&["encryption", "enable", "--wait"]));
    assert!(said.trim_end().ends_with("The mail is encrypted."), "{said}");
    assert_eq!(readable(&data), Vec::<PathBuf>::new());
    let spool = data.join("spool");
    deliver(&server, "after", || {
        let is_spooled = || {
            let sizes = fs::read_dir(&spool).unwrap().filter_map(|entry| entry.ok()?.metadata().ok());
            sizes.map(|metadata| metadata.len()).sum::<u64>() > 100_000
        };
        while !is_spooled() {
            thread::yield_now();
        }
        assert_eq!(readable(&data), Vec::<PathBuf>::new());
    });
    assert_eq!(readable(&data), Vec::<PathBuf>::new());
    stdout(&server.command(&["encryption", "rotate", "--wait"]));
    let before = server.json(&["encryption", "status", "--json"]);
    assert_eq!((&before["state"], before["data_keys"].as_array().unwrap().len()), (&"on".into(), 1));

    // Another master key, first beside the former one, then instead of it.
    host.generate_key("second.key");
    let change = server.command(&["encryption", "change-key", "--to", host.path("second.key").to_str().unwrap()]);
    assert!(stdout(&change).contains("forget-former-key"));
    assert_eq!(server.json(&["encryption", "status", "--json"])["master_keys"].as_array().unwrap().len(), 2);
    check_failure(&host.command(&["encryption", "forget-former-key"]), 1, &["is not the newest one"]);
    host.configure(Some("second.key"));
    stdout(&host.command(&["encryption", "forget-former-key"]));
    assert_eq!(server.json(&["encryption", "status", "--json"])["master_keys"].as_array().unwrap().len(), 1);
    server.stop();
    assert_eq!(readable(&data), Vec::<PathBuf>::new());

    // Without the key, and with another, nothing starts, and it is said what to do.
    let serve = || run(&["serve", "--config", host.path("posthouse.toml").to_str().unwrap()]);
    host.configure(Some("first.key"));
    check_failure(&serve(), 74, &["does not open the mail", "put that one in its place"]);
    host.configure(None);
    check_failure(&serve(), 74, &["no key is given", "key_file"]);
    host.configure(Some("third.key"));
    check_failure(&serve(), 74, &["third.key", "cannot be read"]);

    host.configure(Some("second.key"));
    let server = host.start();
    let said = stdout(&server.command(&["encryption", "disable", "--wait"]));
    assert!(said.trim_end().ends_with("The mail is not encrypted."), "{said}");
    assert!(!readable(&data).is_empty());
    server.stop();
    host.configure(None);
    host.start().stop();
}

#[test]
fn a_key_file_is_made_once_and_for_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let host = Host::new();
    host.generate_key("key");
    let path = host.path("key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    check_failure(&run(&["encryption", "generate-key", path.to_str().unwrap()]), 1, &["cannot be made"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn an_encrypted_store_is_verified_backed_up_and_restored() {
    let host = Host::new();
    host.generate_key("mail.key");
    host.configure(Some("mail.key"));
    let server = host.start();
    stdout(&server.command(&["encryption", "enable", "--wait"]));
    stdout(&server.command(&["domain", "add", "example.org"]));
    stdout(&server.command(&["account", "add", "ann@example.org", "--generate"]));
    deliver(&server, "kept", || {});
    let backup = host.path("backup");
    stdout(&server.command(&["verify"]));
    stdout(&server.command(&["backup", backup.to_str().unwrap()]));
    server.stop();

    assert_eq!(readable(&backup), Vec::<PathBuf>::new());
    fs::rename(host.path("data"), host.path("lost")).unwrap();
    stdout(&host.command(&["restore", backup.to_str().unwrap(), "--to", host.path("data").to_str().unwrap()]));
    for verify in [&["verify"][..], &["verify", "--repair"]] {
        assert!(stdout(&host.command(verify)).contains("1 messages, 1 bodies"), "{verify:?}");
    }
    assert_eq!(readable(&host.path("data")), Vec::<PathBuf>::new());
    host.configure(None);
    assert!(!host.command(&["verify"]).status.success(), "without the key nothing is read");
}
