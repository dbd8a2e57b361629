//! Clients that sign in by a certificate which openssl issued: Python's, curl, openssl itself.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use posthouse_interop::{Output, binary, free_port, run, run_with_input, wait_for_socket};
use tempfile::TempDir;

/// Long enough for the policy.
const PASSWORD: &[u8] = b"seven horses wait at dusk\n";

/// Authorities and certificates, made by openssl.
struct Certificates(TempDir);

impl Certificates {
    fn make() -> Result<Self> {
        let made = Self(tempfile::tempdir()?);
        for authority in ["hosts", "people", "strangers"] {
            let subject = format!("/CN={authority}");
            made.openssl(&[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "30",
                "-subj",
                &subject,
                "-keyout",
                &format!("{authority}.key"),
                "-out",
                &format!("{authority}.crt"),
            ])?;
        }
        made.issue("hosts", "localhost", "DNS:localhost", "30")?;
        made.issue("people", "ann", "email:ann@example.org", "30")?;
        made.issue("people", "both", "email:ann@example.org,email:bob@example.org", "30")?;
        made.issue("strangers", "stranger", "email:ann@example.org", "30")?;
        made.issue("people", "ended", "email:ann@example.org", "-1")?;
        Ok(made)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn openssl(&self, arguments: &[&str]) -> Result<Output> {
        run(Command::new("openssl").current_dir(self.path()).args(arguments))?.ok()
    }

    fn issue(&self, authority: &str, name: &str, alternative_names: &str, days: &str) -> Result<()> {
        let extensions = format!("subjectAltName={alternative_names}\n");
        fs::write(self.path().join("extensions"), extensions)?;
        let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
        self.openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            &format!("/CN={name}"),
            "-keyout",
            &key,
            "-out",
            &request,
        ])?;
        let (ca, ca_key) = (format!("{authority}.crt"), format!("{authority}.key"));
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-days",
            days,
            "-extfile",
            "extensions",
            "-out",
            &format!("{name}.crt"),
        ])?;
        Ok(())
    }
}

/// `posthouse serve` with three listeners that ask for certificates of `people`.
struct Server {
    child: Child,
    certificates: Certificates,
    data: TempDir,
    submissions: u16,
    imaps: u16,
    pop3s: u16,
}

impl Server {
    fn start() -> Result<Self> {
        let certificates = Certificates::make()?;
        let data = tempfile::tempdir()?;
        let (submissions, imaps, pop3s) = (free_port()?, free_port()?, free_port()?);
        let listener = |role: &str, port: u16| {
            format!(
                "[[listener]]\nrole = \"{role}\"\ntls = \"implicit\"\naddresses = [\"127.0.0.1:{port}\"]\n\
                 client_certificates = \"{}/people.crt\"\n",
                certificates.path().display()
            )
        };
        let text = format!(
            "host_name = \"localhost\"\ndata_directory = \"{data}/data\"\ncontrol_socket = \"{data}/socket\"\n\
             [[certificate]]\nname = \"own\"\nchain = \"{made}/localhost.crt\"\nkey = \"{made}/localhost.key\"\n{}{}{}",
            listener("submission", submissions),
            listener("imap", imaps),
            listener("pop3", pop3s),
            data = data.path().display(),
            made = certificates.path().display(),
        );
        let config = data.path().join("posthouse.toml");
        fs::write(&config, text)?;
        let child = Command::new(binary()).args(["serve", "--config"]).arg(&config).spawn().context("posthouse")?;
        let server = Self { child, certificates, data, submissions, imaps, pop3s };
        // It is the last to be there.
        wait_for_socket(&server.data.path().join("socket"))?;
        server.command(&["domain", "add", "example.org"], b"")?.ok()?;
        for name in ["ann@example.org", "bob@example.org"] {
            server.command(&["account", "add", name, "--password-stdin"], PASSWORD)?.ok()?;
        }
        Ok(server)
    }

    fn command(&self, arguments: &[&str], input: &[u8]) -> Result<Output> {
        let socket = self.data.path().join("socket");
        run_with_input(Command::new(binary()).arg("--socket").arg(socket).args(arguments), input)
    }

    fn curl(&self, certificate: Option<&str>, arguments: &[&str]) -> Result<Output> {
        let mut curl = Command::new("curl");
        curl.current_dir(self.certificates.path()).args(["-sS", "--cacert", "hosts.crt"]);
        if let Some(name) = certificate {
            curl.args(["--cert", &format!("{name}.crt"), "--key", &format!("{name}.key")]);
        }
        run(curl.args(arguments))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        drop(self.child.wait());
    }
}

#[test]
fn python_signs_in_by_certificate() -> Result<()> {
    let server = Server::start()?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/certificate_clients.py");
    run(Command::new("python3")
        .arg(script)
        .env("CA", server.certificates.path().join("hosts.crt"))
        .env("CERTIFICATES", server.certificates.path())
        .env("SUBMISSIONS", server.submissions.to_string())
        .env("IMAPS", server.imaps.to_string())
        .env("POP3S", server.pop3s.to_string()))?
    .ok()?;
    Ok(())
}

#[test]
fn curl_signs_in_by_certificate() -> Result<()> {
    let server = Server::start()?;
    let imap = format!("imaps://localhost:{}/INBOX", server.imaps);
    let pop3 = format!("pop3s://localhost:{}/", server.pop3s);
    for url in [imap.as_str(), pop3.as_str()] {
        let external = ["--login-options", "AUTH=EXTERNAL", "--user", "ann@example.org:", url];
        server.curl(Some("ann"), &external)?.ok().with_context(|| url.to_owned())?;
        ensure!(!server.curl(None, &external)?.success, "{url}: curl got in without a certificate");
        let as_bob = ["--login-options", "AUTH=EXTERNAL", "--user", "bob@example.org:", url];
        ensure!(!server.curl(Some("ann"), &as_bob)?.success, "{url}: curl got in as somebody else");
    }
    Ok(())
}

#[test]
fn openssl_shows_a_certificate_and_follows_a_reload() -> Result<()> {
    let server = Server::start()?;
    let connect = format!("localhost:{}", server.imaps);
    let talk = |name: &str| -> Result<String> {
        let (certificate, key) = (format!("{name}.crt"), format!("{name}.key"));
        let output = run_with_input(
            Command::new("openssl").current_dir(server.certificates.path()).args([
                "s_client",
                "-quiet",
                "-verify_return_error",
                "-CAfile",
                "hosts.crt",
                "-connect",
                &connect,
                "-cert",
                &certificate,
                "-key",
                &key,
            ]),
            b"a AUTHENTICATE EXTERNAL =\r\nb LOGOUT\r\n",
        )?;
        Ok(output.text())
    };
    let said = talk("ann")?;
    ensure!(said.contains("a OK"), "{said}");
    ensure!(!talk("stranger")?.contains("a OK"), "a stranger got in");
    let made = server.certificates.path();
    fs::copy(made.join("strangers.crt"), made.join("people.crt"))?;
    server.command(&["reload"], b"")?.ok()?;
    let said = talk("stranger")?;
    ensure!(said.contains("a OK"), "{said}");
    ensure!(!talk("ann")?.contains("a OK"), "the old authority is still trusted");
    // A file that is gone changes nothing, and is told.
    fs::remove_file(made.join("people.crt"))?;
    ensure!(!server.command(&["reload"], b"")?.success, "a file that is gone was read again");
    ensure!(talk("stranger")?.contains("a OK"), "the authorities are gone with their file");
    let report = server.command(&["check"], b"")?.text();
    ensure!(report.contains("warn  imap, client certificates"), "{report}");
    Ok(())
}
