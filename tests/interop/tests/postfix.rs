//! Postfix relays mail to us, receives from us over TLS, and is our smart host. DNS says where it is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use posthouse_interop::{Options, Postfix, PostfixOptions, Posthouse, Unbound, free_port, run};
use tempfile::TempDir;

/// How long a message may take to arrive.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(60);

/// A certificate authority and a certificate for one name, made by openssl.
struct Certificate {
    directory: TempDir,
}

impl Certificate {
    fn new(name: &str) -> Result<Self> {
        let directory = TempDir::new()?;
        let this = Self { directory };
        let (ca, ca_key, request) = (this.ca(), this.path("ca-key.pem"), this.path("request.pem"));
        let openssl = |arguments: &[&str], files: &[(&str, &Path)]| -> Result<()> {
            let mut command = Command::new("openssl");
            command.args(arguments);
            for (option, path) in files {
                command.arg(option).arg(path);
            }
            run(&mut command)?.ok()?;
            Ok(())
        };
        let ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        openssl(
            &[&["req", "-x509", "-subj", "/CN=Test CA", "-days", "30"][..], &ec].concat(),
            &[("-keyout", &ca_key), ("-out", &ca)],
        )?;
        let subject = format!("/CN={name}");
        let names = format!("subjectAltName=DNS:{name}");
        openssl(
            &[&["req", "-subj", &subject, "-addext", &names][..], &ec].concat(),
            &[("-keyout", &this.key()), ("-out", &request)],
        )?;
        openssl(
            &["x509", "-req", "-copy_extensions", "copy", "-days", "30", "-CAcreateserial"],
            &[("-in", &request), ("-CA", &ca), ("-CAkey", &ca_key), ("-out", &this.chain())],
        )?;
        Ok(this)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    fn key(&self) -> PathBuf {
        self.path("key.pem")
    }

    fn chain(&self) -> PathBuf {
        self.path("cert.pem")
    }
}

/// Submits a message as the first account, with a field that is not to leave.
fn submit(server: &Posthouse, to: &str, parameters: &str, subject: &str) -> Result<()> {
    let message = format!("To: {to}\r\nBcc: hidden@far.example\r\nSubject: {subject}\r\n\r\nHello.");
    server.submit(&[to], parameters, &message)
}

fn resolver(dns: &Unbound) -> String {
    format!("127.0.0.1:{}", dns.port)
}

#[test]
fn postfix_relays_to_us_over_verified_tls() -> Result<()> {
    let server = Posthouse::start()?;
    let certificate = Certificate::new("mx.far.example")?;
    let options = PostfixOptions {
        transports: vec![(server.ready.domain.clone(), server.port("mx", "starttls-optional"))],
        // The demonstration's certificate is for the host and for localhost.
        more: vec!["smtp_tls_security_level = encrypt".to_owned(), "smtp_tls_loglevel = 1".to_owned()],
        ..PostfixOptions::default()
    };
    let postfix = Postfix::start(&options, &certificate.chain(), &certificate.key(), server.ca())?;
    postfix.sendmail("bob@far.example", &server.ann().address, "From: bob@far.example\nSubject: relayed\n\nhello\n")?;
    let message = server.received(server.ann(), "Subject: relayed").with_context(|| postfix.log())?;
    ensure!(message.contains("Return-Path: <bob@far.example>"), "{message}");
    ensure!(message.contains("with ESMTPS") && message.contains("TLS1.3"), "{message}");
    // "Untrusted" or "Trusted": it encrypts, and does not look.
    postfix.logs("rusted TLS connection established")?;
    server.stop()
}

#[test]
fn mail_goes_to_the_host_that_dns_names() -> Result<()> {
    let certificate = Certificate::new("mx.far.example")?;
    let options = PostfixOptions {
        domains: vec!["far.example".to_owned()],
        offers_tls: true,
        more: vec!["smtpd_tls_received_header = yes".to_owned()],
        ..PostfixOptions::default()
    };
    let postfix = Postfix::start(&options, &certificate.chain(), &certificate.key(), &certificate.ca())?;
    // The first host has nobody behind it on that port; the second takes the mail.
    let dns = Unbound::start(&[
        "far.example. IN MX 10 dead.far.example.",
        "far.example. IN MX 20 mx.far.example.",
        "dead.far.example. IN A 127.0.0.9",
        "mx.far.example. IN A 127.0.0.1",
        "null.example. IN MX 0 .",
    ])?;
    let server = Posthouse::start_with(
        &Options::default()
            .with("--resolver")
            .with(resolver(&dns))
            .with("--smtp-port")
            .with(postfix.port.to_string())
            .with("--trust-roots")
            .with(certificate.ca()),
    )?;
    submit(&server, "bob@far.example", "", "by MX")?;
    let message = postfix.received("far.example", "Subject: by MX")?;
    ensure!(message.contains("TLSv1.3"), "{message}");
    ensure!(
        !message.contains("Bcc:") && message.contains("Message-ID: <") && message.contains("\nDate: "),
        "{message}"
    );
    ensure!(!message.contains("hidden@"), "{message}");

    submit(&server, "nobody@null.example", "", "to nowhere")?;
    let report = server.received(server.ann(), "could not be delivered")?;
    ensure!(report.contains("null MX") && report.contains("Status: 5.1.10"), "{report}");
    ensure!(report.contains("Subject: to nowhere"), "{report}");

    submit(&server, "somebody@missing.example", "", "to no domain")?;
    let report = server.received(server.ann(), "missing.example does not exist")?;
    ensure!(
        report.contains("Action: failed") && report.contains("Final-Recipient: rfc822; somebody@missing.example"),
        "{report}"
    );

    let trail = server.command(&["trail", "bob@far.example"])?.ok()?.text();
    ensure!(trail.contains("relayed") && trail.contains("TLS1.3"), "{trail}");
    server.stop()
}

#[test]
fn a_recipient_that_the_other_side_refuses_is_reported() -> Result<()> {
    let certificate = Certificate::new("mx.far.example")?;
    let options = PostfixOptions {
        domains: vec!["far.example".to_owned()],
        offers_tls: true,
        more: vec!["smtpd_recipient_restrictions = check_recipient_access inline:{ {gone@far.example = 550 5.1.1 gone away} }, permit".to_owned()],
        ..PostfixOptions::default()
    };
    let postfix = Postfix::start(&options, &certificate.chain(), &certificate.key(), &certificate.ca())?;
    let dns = Unbound::start(&["far.example. IN MX 10 mx.far.example.", "mx.far.example. IN A 127.0.0.1"])?;
    let arguments = Options::default().with("--resolver").with(resolver(&dns)).with("--smtp-port");
    let server = Posthouse::start_with(&arguments.with(postfix.port.to_string()))?;
    submit(&server, "gone@far.example", " RET=HDRS ENVID=abc", "to somebody gone")?;
    let report = server.received(server.ann(), "gone away")?;
    ensure!(report.contains("Original-Envelope-Id: abc"), "{report}");
    ensure!(report.contains("Diagnostic-Code: smtp; 550 5.1.1"), "{report}");
    ensure!(report.contains("text/rfc822-headers") && !report.contains("Hello."), "{report}");
    ensure!(report.contains("Return-Path: <>"), "{report}");
    server.stop()
}

#[test]
fn a_smart_host_takes_our_mail_once_we_sign_in() -> Result<()> {
    let certificate = Certificate::new("smart.example")?;
    let (login, password) = ("relay", "seven horses wait");
    let options = PostfixOptions {
        domains: vec!["far.example".to_owned(), "other.example".to_owned()],
        login: Some((login.to_owned(), password.to_owned())),
        offers_tls: true,
        more: vec!["smtpd_client_restrictions = permit_sasl_authenticated, reject".to_owned()],
        ..PostfixOptions::default()
    };
    let postfix = Postfix::start(&options, &certificate.chain(), &certificate.key(), &certificate.ca())?;
    let dns = Unbound::start(&["smart.example. IN A 127.0.0.1"])?;
    let directory = TempDir::new()?;
    let file = directory.path().join("password");
    std::fs::write(&file, password)?;
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let route = format!("smart.example:{},{login}@postfix.example:{}", postfix.port, file.display());
    let server = Posthouse::start_with(
        &Options::default()
            .with("--resolver")
            .with(resolver(&dns))
            .with("--trust-roots")
            .with(certificate.ca())
            .with("--route")
            .with(route),
    )?;
    for domain in ["far.example", "other.example"] {
        submit(&server, &format!("bob@{domain}"), "", "by smart host").with_context(|| domain.to_owned())?;
        let message = postfix.received(domain, "Subject: by smart host")?;
        ensure!(message.contains("ESMTPSA"), "{message}");
    }
    server.stop()
}

#[test]
fn what_cannot_go_now_waits_and_says_why() -> Result<()> {
    // An address at which nothing of what runs beside this can come to listen on the port.
    let dns = Unbound::start(&["far.example. IN MX 10 mx.far.example.", "mx.far.example. IN A 127.77.12.9"])?;
    let arguments = Options::default().with("--resolver").with(resolver(&dns)).with("--smtp-port");
    let server = Posthouse::start_with(&arguments.with(free_port()?.to_string()))?;
    submit(&server, "bob@far.example", "", "patience")?;
    let begin = Instant::now();
    loop {
        let listing = server.command(&["queue", "list"])?.ok()?.text();
        if listing.contains("bob@far.example") && listing.contains("cannot connect") {
            break;
        }
        ensure!(begin.elapsed() < ARRIVAL_TIMEOUT, "{listing}");
    }
    server.stop()
}
