//! Programs that people use with a mail server, against ours: each sends and reads as far as it can.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use posthouse_interop::{Account, LineStream, Options, Output, Posthouse, peers, run, run_with_input};
use tempfile::TempDir;

const HOST: &str = "localhost";

/// Subjects of all messages in an account's INBOX.
fn subjects(server: &Posthouse, account: &Account) -> Result<Vec<String>> {
    let mut imap = LineStream::tls(server.port("imap", "implicit"), HOST, server.ca())?;
    imap.line()?;
    imap.imap("a", &format!("LOGIN {} {}", account.address, account.password))?;
    imap.imap("b", "EXAMINE INBOX")?;
    let lines = imap.imap("c", "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (Subject)])")?;
    let subject =
        |line: &String| line.split_once("Subject: ").map(|(_, rest)| rest.lines().next().unwrap_or("").to_owned());
    Ok(lines.iter().filter_map(subject).collect())
}

fn check_arrived(server: &Posthouse, subject: &str) -> Result<()> {
    let found = subjects(server, server.bob())?;
    ensure!(found.iter().any(|one| one == subject), "{subject:?} is not among {found:?}");
    Ok(())
}

/// Writes a file that only its owner may read, as clients want it.
fn private_file(directory: &Path, name: &str, text: &str) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join(name);
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(path)
}

fn scripts() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| "tests/interop".into());
    PathBuf::from(manifest).join("scripts")
}

fn with_environment<'a>(server: &Posthouse, command: &'a mut Command) -> &'a mut Command {
    command
        .env("ANN", &server.ann().address)
        .env("ANN_PASSWORD", &server.ann().password)
        .env("BOB", &server.bob().address)
        .env("BOB_PASSWORD", &server.bob().password)
        .env("CA", server.ca())
        .env("PEERS", peers())
        .env("SUBMISSIONS", server.port("submission", "implicit").to_string())
        .env("SUBMISSION", server.port("submission", "starttls-required").to_string())
        .env("IMAPS", server.port("imap", "implicit").to_string())
        .env("IMAP", server.port("imap", "starttls-required").to_string())
        .env("POP3S", server.port("pop3", "implicit").to_string())
}

#[test]
fn python_sends_and_reads() -> Result<()> {
    let server = Posthouse::start()?;
    let mut python = Command::new("python3");
    run(with_environment(&server, python.arg(scripts().join("python_clients.py"))))?.ok()?;
    Ok(())
}

#[test]
fn python_compresses() -> Result<()> {
    let server = Posthouse::start()?;
    let mut python = Command::new("python3");
    run(with_environment(&server, python.arg(scripts().join("python_compress.py"))))?.ok()?;
    Ok(())
}

#[test]
fn node_sends_and_reads() -> Result<()> {
    let server = Posthouse::start()?;
    let mut node = Command::new("node");
    run(with_environment(&server, node.arg(scripts().join("node_clients.mjs"))))?.ok()?;
    Ok(())
}

#[test]
fn two_users_share_a_folder() -> Result<()> {
    let server = Posthouse::start()?;
    let mut python = Command::new("python3");
    run(with_environment(&server, python.arg(scripts().join("python_shares.py"))))?.ok()?;
    let mut node = Command::new("node");
    run(with_environment(&server, node.arg(scripts().join("node_shares.mjs"))))?.ok()?;
    server.stop()
}

fn swaks(server: &Posthouse, subject: &str, arguments: &[&str]) -> Result<Output> {
    run(Command::new("swaks")
        .args(["--server", HOST, "--tls-verify", "--tls-ca-path"])
        .arg(server.ca())
        .args(["--from", &server.ann().address, "--to", &server.bob().address, "--helo", "client.example"])
        .args(["--header", &format!("Subject: {subject}")])
        .args(arguments))
}

#[test]
fn swaks_sends() -> Result<()> {
    let server = Posthouse::start_with(&Options::default().with("--cram-md5"))?;
    let implicit = server.port("submission", "implicit").to_string();
    let starttls = server.port("submission", "starttls-required").to_string();
    let login = ["--auth-user", &server.ann().address, "--auth-password", &server.ann().password];
    let submit = |subject: &str, port: &str, tls: &str, mechanism: &str| -> Result<()> {
        let arguments = [&["--port", port, tls, "--auth", mechanism][..], &login].concat();
        swaks(&server, subject, &arguments)?.ok().with_context(|| subject.to_owned())?;
        check_arrived(&server, subject)
    };
    submit("swaks implicit plain", &implicit, "--tls-on-connect", "PLAIN")?;
    submit("swaks starttls login", &starttls, "--tls", "LOGIN")?;
    submit("swaks starttls cram", &starttls, "--tls", "CRAM-MD5")?;
    let mx = server.port("mx", "starttls-optional").to_string();
    swaks(&server, "swaks mx tls", &["--port", &mx, "--tls"])?.ok()?;
    check_arrived(&server, "swaks mx tls")?;
    let lmtp = server.port("lmtp", "none").to_string();
    swaks(&server, "swaks lmtp", &["--port", &lmtp, "--protocol", "LMTP"])?.ok()?;
    check_arrived(&server, "swaks lmtp")?;
    // Without signing in, and to somebody elsewhere, nothing goes.
    ensure!(!swaks(&server, "x", &["--port", &implicit, "--tls-on-connect"])?.success);
    ensure!(!swaks(&server, "x", &["--port", &mx, "--to", "somebody@far.example"])?.success);
    server.stop()
}

#[test]
fn curl_sends_and_reads() -> Result<()> {
    let server = Posthouse::start()?;
    let curl = |account: &Account, arguments: &[&str], input: &str| {
        let user = format!("{}:{}", account.address, account.password);
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--ssl-reqd", "--user", &user, "--cacert"]).arg(server.ca());
        run_with_input(command.args(arguments), input.as_bytes())?.ok()
    };
    let message = format!("From: {}\r\nSubject: by curl\r\n\r\nhello\r\n", server.ann().address);
    for (scheme, tls) in [("smtps", "implicit"), ("smtp", "starttls-required")] {
        let url = format!("{scheme}://{HOST}:{}", server.port("submission", tls));
        let from = ["--mail-from", &server.ann().address, "--mail-rcpt", &server.bob().address];
        curl(server.ann(), &[&["--url", &url, "--upload-file", "-"][..], &from].concat(), &message)?;
    }
    for (scheme, tls) in [("imaps", "implicit"), ("imap", "starttls-required")] {
        let url = format!("{scheme}://{HOST}:{}/INBOX;MAILINDEX=2", server.port("imap", tls));
        ensure!(curl(server.bob(), &[&url], "")?.text().contains("Subject: by curl"));
    }
    for (scheme, tls) in [("pop3s", "implicit"), ("pop3", "starttls-required")] {
        let url = format!("{scheme}://{HOST}:{}/3", server.port("pop3", tls));
        ensure!(curl(server.bob(), &[&url], "")?.text().contains("Subject: by curl"));
    }
    server.stop()
}

#[test]
fn openssl_negotiates_modern_tls_and_nothing_less() -> Result<()> {
    let server = Posthouse::start()?;
    let client = |port: u16, arguments: &[&str]| {
        let target = format!("{HOST}:{port}");
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", &target, "-servername", HOST, "-verify_return_error", "-CAfile"]);
        run_with_input(command.arg(server.ca()).args(arguments), b"QUIT\r\n")
    };
    let doors = [
        (server.port("submission", "implicit"), None),
        (server.port("imap", "implicit"), None),
        (server.port("pop3", "implicit"), None),
        (server.port("mx", "starttls-optional"), Some("smtp")),
        (server.port("submission", "starttls-required"), Some("smtp")),
        (server.port("imap", "starttls-required"), Some("imap")),
        (server.port("pop3", "starttls-required"), Some("pop3")),
    ];
    for (port, starttls) in doors {
        let upgrade: Vec<&str> = starttls.map_or_else(Vec::new, |protocol| vec!["-starttls", protocol]);
        for (version, expected) in [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")] {
            let output = client(port, &[&upgrade[..], &[version]].concat())?.ok()?;
            ensure!(output.text().contains(expected), "{port} {starttls:?} {version}: {}", output.text());
        }
        for version in ["-tls1_1", "-tls1"] {
            // Debian's library does not speak these unless its security level is lowered.
            let arguments = [&upgrade[..], &[version, "-cipher", "ALL:@SECLEVEL=0"]].concat();
            ensure!(!client(port, &arguments)?.success, "{port} {starttls:?} speaks {version}");
        }
    }
    server.stop()
}

#[test]
fn msmtp_signs_in_by_scram() -> Result<()> {
    let server = Posthouse::start()?;
    let directory = TempDir::new()?;
    for (mechanism, tls, starttls) in
        [("scram-sha-256", "implicit", "off"), ("scram-sha-1", "starttls-required", "on"), ("plain", "implicit", "off")]
    {
        let text = format!(
            "account default\nhost {HOST}\nport {}\nfrom {}\nauth {mechanism}\nuser {}\npassword {}\n\
             tls on\ntls_starttls {starttls}\ntls_trust_file {}\n",
            server.port("submission", tls),
            server.ann().address,
            server.ann().address,
            server.ann().password,
            server.ca().display(),
        );
        let config = private_file(directory.path(), "msmtprc", &text)?;
        let subject = format!("msmtp {mechanism}");
        let message = format!("From: {}\nSubject: {subject}\n\nhello\n", server.ann().address);
        let mut msmtp = Command::new("msmtp");
        msmtp.arg("-C").arg(config).arg(&server.bob().address);
        run_with_input(&mut msmtp, message.as_bytes())?.ok()?;
        check_arrived(&server, &subject)?;
    }
    server.stop()
}

#[test]
fn gsasl_signs_in_with_channel_binding() -> Result<()> {
    let server = Posthouse::start_with(&Options::default().with("--cram-md5"))?;
    let submission = server.port("submission", "starttls-required").to_string();
    let imap = server.port("imap", "starttls-required").to_string();
    for mechanism in
        ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"]
    {
        for (protocol, port) in [("--smtp", &submission), ("--imap", &imap)] {
            let sign_in = |password: &str| {
                let mut gsasl = Command::new("gsasl");
                if !mechanism.ends_with("-PLUS") {
                    // Else it says that it could bind, and we take that for a downgrade (RFC 5802 §6).
                    gsasl.arg("--no-cb");
                }
                run(gsasl
                    .args([protocol, "--mechanism", mechanism, "--authentication-id", &server.ann().address])
                    .args(["--password", password, "--starttls", "--no-client-first"])
                    .arg("--x509-ca-file")
                    .arg(server.ca())
                    .args([HOST, port]))
            };
            let output = sign_in(&server.ann().password)?.ok().with_context(|| format!("{mechanism} {protocol}"))?;
            ensure!(
                output.stderr.contains("authentication finished") || output.text().contains("authentication"),
                "{output:?}"
            );
            ensure!(!sign_in("wrong")?.success, "{mechanism} {protocol} takes a wrong password");
        }
    }
    server.stop()
}

/// Every file below a directory with its size, sorted.
fn files(directory: &Path) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            found.push((path.display().to_string(), path.metadata()?.len()));
        }
    }
    found.sort();
    Ok(found)
}

#[test]
fn mbsync_synchronises_both_ways_and_then_has_nothing_to_do() -> Result<()> {
    let server = Posthouse::start()?;
    let directory = TempDir::new()?;
    let root = directory.path();
    let text = format!(
        "IMAPAccount ph\nHost {HOST}\nPort {}\nUser {}\nPass {}\nSSLType IMAPS\nCertificateFile {}\n\n\
         IMAPStore remote\nAccount ph\n\nMaildirStore local\nSubFolders Verbatim\nPath {root}/mail/\nInbox {root}/mail/INBOX\n\n\
         Channel all\nFar :remote:\nNear :local:\nPatterns *\nCreate Both\nRemove Both\nExpunge Both\nSyncState *\n",
        server.port("imap", "implicit"),
        server.ann().address,
        server.ann().password,
        server.ca().display(),
        root = root.display(),
    );
    let config = private_file(root, "mbsyncrc", &text)?;
    fs::create_dir(root.join("mail"))?;
    let sync = || run(Command::new("mbsync").arg("--config").arg(&config).arg("all"))?.ok();
    sync()?;
    let inbox = root.join("mail/INBOX");
    ensure!(files(&inbox)?.len() == 1, "the welcome message came down: {:?}", files(&inbox)?);
    // Up: a new message here, and a new mailbox.
    fs::write(inbox.join("new/1.test.host"), "Subject: from below\n\nhello\n")?;
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(root.join("mail/Lists").join(part))?;
    }
    fs::write(root.join("mail/Lists/cur/2.test.host:2,S"), "Subject: a list\n\nhello\n")?;
    sync()?;
    ensure!(subjects(&server, server.ann())?.iter().any(|subject| subject == "from below"));
    let before = files(&root.join("mail"))?;
    let output = sync()?;
    ensure!(files(&root.join("mail"))? == before, "the second run changed something");
    ensure!(!output.stderr.contains("warning") && !output.stderr.contains("rror"), "{}", output.stderr);
    // Down again: a message deleted there goes here.
    let mut imap = LineStream::tls(server.port("imap", "implicit"), HOST, server.ca())?;
    imap.line()?;
    imap.imap("a", &format!("LOGIN {} {}", server.ann().address, server.ann().password))?;
    imap.imap("b", "SELECT Lists")?;
    imap.imap("c", "STORE 1 +FLAGS (\\Deleted)")?;
    imap.imap("d", "EXPUNGE")?;
    sync()?;
    let left = files(&root.join("mail/Lists"))?;
    ensure!(left.iter().all(|(name, _)| !name.contains("/cur/") && !name.contains("/new/")), "{left:?}");
    server.stop()
}

#[test]
fn fetchmail_fetches_by_imap_and_pop3() -> Result<()> {
    let server = Posthouse::start()?;
    for (protocol, role) in [("IMAP", "imap"), ("POP3", "pop3")] {
        let directory = TempDir::new()?;
        let taken = directory.path().join("taken");
        let text = format!(
            "poll {HOST} protocol {protocol} port {} user \"{}\" password \"{}\" ssl sslproto tls1.2+ sslcertck \
             sslcertfile {} keep fetchall mda \"/bin/cat >> {}\"\n",
            server.port(role, "implicit"),
            server.ann().address,
            server.ann().password,
            server.ca().display(),
            taken.display(),
        );
        let config = private_file(directory.path(), "fetchmailrc", &text)?;
        let home = directory.path();
        run(Command::new("fetchmail").env("HOME", home).env("FETCHMAILHOME", home).arg("-f").arg(config))?.ok()?;
        ensure!(fs::read_to_string(&taken)?.contains("Subject: "), "nothing came by {protocol}");
    }
    server.stop()
}

#[test]
fn getmail_fetches_by_imap_and_pop3() -> Result<()> {
    let server = Posthouse::start()?;
    for (kind, role) in [("SimpleIMAPSSLRetriever", "imap"), ("SimplePOP3SSLRetriever", "pop3")] {
        let directory = TempDir::new()?;
        let taken = directory.path().join("taken");
        // getmail refuses to deliver into a Maildir as root, as which tests may run.
        let text = format!(
            "[retriever]\ntype = {kind}\nserver = {HOST}\nport = {}\nusername = {}\npassword = {}\nca_certs = {}\n\
             [destination]\ntype = MDA_external\npath = /bin/sh\narguments = (\"-c\", \"cat >> {}\")\n\
             allow_root_commands = true\n[options]\ndelete = false\nread_all = true\n",
            server.port(role, "implicit"),
            server.ann().address,
            server.ann().password,
            server.ca().display(),
            taken.display(),
        );
        let config = private_file(directory.path(), "getmailrc", &text)?;
        let mut getmail = Command::new(peers().join("python/bin/getmail"));
        run(getmail.arg("--getmaildir").arg(directory.path()).arg("--rcfile").arg(config))?.ok()?;
        ensure!(fs::read_to_string(&taken)?.contains("Subject: "), "nothing came by {role}");
    }
    server.stop()
}

#[test]
fn mutt_sends_and_reads() -> Result<()> {
    let server = Posthouse::start()?;
    let directory = TempDir::new()?;
    // Debian's mutt chooses SCRAM-SHA-256-PLUS by itself and then has no tls-exporter to bind with; see the manual.
    let text = format!(
        "set ssl_force_tls=yes\nset ssl_starttls=yes\nset certificate_file={ca}\nset ssl_ca_certificates_file={ca}\n\
         set from={ann}\nset use_from=yes\nset realname=Ann\n\
         set smtp_url=smtps://{user}@{HOST}:{submission}/\nset smtp_pass={ann_password}\n\
         set imap_user={bob}\nset imap_pass={bob_password}\nset folder=imaps://{HOST}:{imap}/\n\
         set smtp_authenticators=scram-sha-256\nset imap_authenticators=scram-sha-256\n\
         set copy=no\nset header_cache=\"\"\n",
        ca = server.ca().display(),
        ann = server.ann().address,
        user = server.ann().address.replace('@', "%40"),
        ann_password = server.ann().password,
        bob = server.bob().address,
        bob_password = server.bob().password,
        submission = server.port("submission", "implicit"),
        imap = server.port("imap", "implicit"),
    );
    let config = private_file(directory.path(), "muttrc", &text)?;
    let mutt = |arguments: &[&str], input: &str| {
        let mut command = Command::new("mutt");
        command.env("HOME", directory.path()).arg("-n").arg("-F").arg(&config).args(arguments);
        run_with_input(&mut command, input.as_bytes())
    };
    mutt(&["-s", "by mutt", "--", &server.bob().address], "hello\n")?.ok()?;
    check_arrived(&server, "by mutt")?;
    // Reading wants a terminal, which `script` makes: open the INBOX, copy its last message into a file, and leave.
    let copy = directory.path().join("copy");
    let keys = format!("<last-entry><copy-message>{}<enter><exit>", copy.display());
    let mailbox = format!("imaps://{HOST}:{}/INBOX", server.port("imap", "implicit"));
    let line = format!(
        "mutt -n -F {} -f {mailbox} -e 'set confirmcreate=no confirmappend=no quit=yes' -e 'push \"{keys}\"'",
        config.display()
    );
    let mut script = Command::new("script");
    script.env("HOME", directory.path()).env("TERM", "xterm").args(["-q", "-e", "-c", &line, "/dev/null"]);
    run(&mut script)?.ok()?;
    ensure!(fs::read_to_string(&copy)?.contains("Subject: by mutt"));
    server.stop()
}
