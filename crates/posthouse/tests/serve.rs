//! `posthouse serve` and `setup`: starting, refusing to start, ending.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs::{self, OpenOptions};
use std::net::TcpListener;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use nix::sys::signal::Signal;
use support::{Running, check_failure, run, run_with_input, stdout};
use tempfile::TempDir;

/// A directory with a configuration that has one mx listener on a free port, and `more` settings.
struct Host {
    directory: TempDir,
}

impl Host {
    fn new(more: &str) -> Self {
        let host = Self { directory: tempfile::tempdir().unwrap() };
        let listener = "[[listener]]\nrole = \"mx\"\naddresses = [\"127.0.0.1:0\"]\n";
        host.configure(&format!("data_directory = \"{}\"\n{listener}{more}", host.data().display()));
        host
    }

    fn configure(&self, text: &str) {
        fs::write(self.config(), format!("host_name = \"mail.example.org\"\n{text}")).unwrap();
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn config(&self) -> PathBuf {
        self.path().join("posthouse.toml")
    }

    fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    fn socket(&self) -> PathBuf {
        self.data().join("control.sock")
    }

    fn start(&self) -> Running {
        Running::serve(self.path(), &self.config(), &self.socket())
    }

    /// Starts the server, which is expected to end by itself.
    fn fail(&self) -> Output {
        run(&["serve", "--config", self.config().to_str().unwrap()])
    }
}

#[test]
fn a_bad_configuration_is_told_with_its_place() {
    let host = Host::new("tls = \"starttls-requird\"\n");
    let place = format!("{}:6:7: ", host.config().display());
    check_failure(&host.fail(), 78, &[&place, "did you mean `starttls-required`?", "implicit", "none"]);
    host.configure("listner = 3\n");
    check_failure(&host.fail(), 78, &[":2:1: ", "did you mean `listener`?"]);
    assert!(!host.data().exists(), "nothing was made before the configuration was read");
}

#[test]
fn a_missing_configuration_is_told() {
    let output = run(&["serve", "--config", "/no/such/posthouse.toml"]);
    check_failure(&output, 78, &["/no/such/posthouse.toml", "posthouse setup HOST"]);
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let host = Host::new("");
    let listener = format!("[[listener]]\nname = \"inbound\"\nrole = \"mx\"\naddresses = [\"{address}\"]\n");
    host.configure(&format!("data_directory = \"{}\"\n{listener}", host.data().display()));
    check_failure(&host.fail(), 71, &["`inbound`", &address.to_string(), "choose another port"]);
}

#[test]
fn a_directory_that_cannot_be_written_is_told() {
    let host = Host::new("");
    host.configure(
        "data_directory = \"/proc/posthouse\"\n[[listener]]\nrole = \"mx\"\naddresses = [\"127.0.0.1:0\"]\n",
    );
    check_failure(&host.fail(), 74, &["/proc/posthouse", "cannot be made"]);
}

#[test]
fn a_database_of_a_newer_release_is_told() {
    /// Where SQLite keeps `user_version`, which is the schema's, as four octets.
    const VERSION_AT: u64 = 60;
    let host = Host::new("");
    host.start().stop();
    let index = OpenOptions::new().write(true).open(host.data().join("store/index.db")).unwrap();
    index.write_all_at(&9000_u32.to_be_bytes(), VERSION_AT).unwrap();
    check_failure(&host.fail(), 74, &["schema version 9000", "use a newer release"]);
}

#[test]
fn a_data_directory_in_use_is_told() {
    let host = Host::new("");
    let running = host.start();
    check_failure(&host.fail(), 74, &["runs with this configuration already", "control.sock"]);
    let listener = "[[listener]]\nrole = \"mx\"\naddresses = [\"127.0.0.1:0\"]\n";
    let elsewhere = host.path().join("other.sock");
    let sockets = format!("control_socket = \"{}\"\n", elsewhere.display());
    host.configure(&format!("data_directory = \"{}\"\n{sockets}{listener}", host.data().display()));
    check_failure(&host.fail(), 74, &["another process uses the data directory", &running.child.id().to_string()]);
    running.stop();
}

#[test]
fn a_password_that_everybody_can_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    fs::write(&file, "secret\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let route = "[[outgoing.route]]\nhost = \"relay.example.net\"\nlogin = \"me\"\n";
    let host = Host::new(&format!("{route}password_file = \"{}\"\n", file.display()));
    check_failure(&host.fail(), 1, &["every user can read this secret", "chmod 600"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    host.start().stop();
}

#[test]
fn authorities_that_cannot_be_read_are_told() {
    let host = Host::new(
        "[[listener]]\nrole = \"imap\"\naddresses = [\"127.0.0.1:0\"]\nclient_certificates = \"/no/such.pem\"\n",
    );
    check_failure(&host.fail(), 1, &["`imap`", "/no/such.pem"]);
}

#[test]
fn a_user_that_is_not_there_is_told() {
    let host = Host::new("[run_as]\nuser = \"no-such-user-here\"\n");
    check_failure(&host.fail(), 71, &["no-such-user-here", "useradd"]);
}

#[test]
fn it_runs_until_it_is_told_to_end_and_starts_again() {
    let host = Host::new("");
    let running = host.start();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&host.data()), mode(&host.socket())), (0o700, 0o600));
    running.signal(Signal::SIGHUP);
    let status = running.json(&["status", "--json"]);
    assert_eq!(status["host_name"], "mail.example.org");
    assert_eq!(status["process"], running.child.id());
    running.stop();
    assert!(!host.socket().exists());
    // What a killed server leaves behind is no obstacle.
    let mut killed = host.start();
    killed.signal(Signal::SIGKILL);
    killed.child.wait().unwrap();
    assert!(host.socket().exists());
    host.start().stop();
}

#[test]
fn a_server_that_does_not_run_is_told() {
    let host = Host::new("");
    let output = run(&["account", "list", "--config", host.config().to_str().unwrap()]);
    check_failure(&output, 69, &["no server answers", "posthouse serve"]);
}

#[test]
fn a_host_is_set_up_once_and_works() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (config, data) = (path("etc/posthouse.toml"), path("data"));
    let setup = ["setup", "mail.example.org", "--config", &config, "--data", &data];
    check_failure(&run_with_input(&[&setup[..], &["--password-stdin"]].concat(), "short\n"), 1, &["fewer than"]);
    assert!(!Path::new(&config).exists() && !Path::new(&data).exists());
    let said = stdout(&run(&[&setup[..], &["--generate"]].concat()));
    for word in ["admin@example.org", "MX    10 mail.example.org.", "v=spf1 mx -all", "shown this once", "serve"] {
        assert!(said.contains(word), "{said}\nlacks {word}");
    }
    let again = run(&[&setup[..], &["--generate"]].concat());
    check_failure(&again, 78, &["is there already, and is not overwritten"]);

    // Its ports may be taken on the machine that tests, so it gets others.
    let listeners: String = [("submission", "implicit"), ("imap", "implicit"), ("pop3", "implicit")]
        .iter()
        .map(|(role, tls)| format!("[[listener]]\nrole = \"{role}\"\ntls = \"{tls}\"\naddresses = [\"127.0.0.1:0\"]\n"))
        .collect();
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}\n{listeners}")).unwrap();
    let running = Running::serve(directory.path(), Path::new(&config), &Path::new(&data).join("control.sock"));
    let report = stdout(&running.command(&["check"]));
    // Three listeners show the same certificate, of which one warning is enough.
    assert!(report.contains("ok    imap on") && report.matches("self-signed").count() == 1, "{report}");
    assert!(report.contains("read at imap") && report.contains("Everything that was tried works"), "{report}");
    let accounts = running.json(&["account", "list", "--json"]);
    assert_eq!(accounts[0]["address"], "admin@example.org");
    assert_eq!(accounts[0]["administrator"], true);
    let aliases = stdout(&running.command(&["alias", "list"]));
    assert!(aliases.contains("postmaster@example.org") && aliases.contains("abuse@example.org"), "{aliases}");
    running.stop();
}
