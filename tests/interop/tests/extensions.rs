//! Clients that lean on the newer extensions: what they synchronise, sort, thread and show.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use posthouse_interop::{LineStream, Posthouse, peers, run};
use tempfile::TempDir;

const HOST: &str = "localhost";

/// Logs ann in.
fn imap(server: &Posthouse) -> Result<LineStream> {
    let mut imap = LineStream::tls(server.port("imap", "implicit"), HOST, server.ca())?;
    imap.line()?;
    imap.imap("a", &format!("LOGIN {} {}", server.ann().address, server.ann().password))?;
    Ok(imap)
}

/// Writes a file that only its owner may read, as clients want it.
fn private_file(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(())
}

#[test]
fn imapclient_sorts_threads_idles_and_moves() -> Result<()> {
    let server = Posthouse::start()?;
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| "tests/interop".into());
    let mut python = Command::new(peers().join("python/bin/python"));
    python
        .arg(PathBuf::from(manifest).join("scripts/python_imapclient.py"))
        .env("ANN", &server.ann().address)
        .env("ANN_PASSWORD", &server.ann().password)
        .env("CA", server.ca())
        .env("IMAPS", server.port("imap", "implicit").to_string());
    run(&mut python)?.ok()?;
    server.stop()
}

/// The messages in a Maildir.
fn messages(maildir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for part in ["cur", "new"] {
        for entry in fs::read_dir(maildir.join(part))? {
            found.push(entry?.path());
        }
    }
    found.sort();
    Ok(found)
}

#[test]
fn offlineimap_synchronises_both_ways_and_then_has_nothing_to_do() -> Result<()> {
    let server = Posthouse::start()?;
    let directory = TempDir::new()?;
    let root = directory.path();
    let config = root.join("rc");
    let text = format!(
        "[general]\naccounts = ph\nmetadata = {root}/metadata\nui = basic\n\n\
         [Account ph]\nlocalrepository = local\nremoterepository = remote\n\n\
         [Repository local]\ntype = Maildir\nlocalfolders = {root}/mail\n\n\
         [Repository remote]\ntype = IMAP\nremotehost = {HOST}\nremoteport = {}\nremoteuser = {}\nremotepass = {}\n\
         ssl = yes\nsslcacertfile = {}\nusecompression = yes\n",
        server.port("imap", "implicit"),
        server.ann().address,
        server.ann().password,
        server.ca().display(),
        root = root.display(),
    );
    private_file(&config, &text)?;
    let sync = || -> Result<String> {
        let output = run(Command::new("offlineimap").arg("-o").arg("-c").arg(&config).env("HOME", root))?.ok()?;
        Ok(format!("{}{}", output.text(), output.stderr))
    };
    sync()?;
    let inbox = root.join("mail/INBOX");
    ensure!(messages(&inbox)?.len() == 1, "the welcome message came down: {:?}", messages(&inbox)?);
    // Up: a message, and a flag of another.
    fs::write(inbox.join("new/1.test.host"), "Subject: from below\n\nhello\n")?;
    let welcome = messages(&inbox)?.into_iter().find(|path| !path.ends_with("1.test.host"));
    let welcome = welcome.ok_or_else(|| anyhow::anyhow!("the welcome message is there"))?;
    let name = welcome.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let base = name.split(":2,").next().unwrap_or_default();
    fs::rename(&welcome, inbox.join("cur").join(format!("{base}:2,FS")))?;
    sync()?;
    let mut imap = imap(&server)?;
    imap.imap("b", "SELECT INBOX")?;
    let lines = imap.imap("c", "FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)])")?;
    ensure!(lines.iter().any(|line| line.contains("Subject: from below")), "{lines:?}");
    ensure!(lines.iter().any(|line| line.contains("\\Flagged") && line.contains("\\Seen")), "{lines:?}");
    // Nothing is left to do.
    let before = messages(&inbox)?;
    let said = sync()?;
    ensure!(messages(&inbox)? == before, "the third run changed something");
    ensure!(!said.contains("Copy message") && !said.contains("ERROR"), "{said}");
    // Down again: what goes there goes here.
    imap.imap("d", "STORE 1:* +FLAGS.SILENT (\\Deleted)")?;
    imap.imap("e", "EXPUNGE")?;
    sync()?;
    ensure!(messages(&inbox)?.is_empty(), "{:?}", messages(&inbox)?);
    server.stop()
}

#[test]
fn aerc_lists_sorts_and_threads() -> Result<()> {
    let server = Posthouse::start()?;
    imap(&server)?.imap("b", "CREATE Lists/Rust")?;
    let directory = TempDir::new()?;
    let root = directory.path();
    let configuration = root.join("aerc");
    fs::create_dir(&configuration)?;
    let user = server.ann().address.replace('@', "%40");
    let (password, port) = (&server.ann().password, server.port("imap", "implicit"));
    let accounts =
        format!("[ph]\nsource = imaps://{user}:{password}@{HOST}:{port}\nfrom = <ann@example.org>\ndefault = INBOX\n");
    private_file(&configuration.join("accounts.conf"), &accounts)?;
    fs::write(configuration.join("aerc.conf"), "[ui]\nthreading-enabled=true\n")?;
    // It wants a terminal, which `script` makes; and it would wait for ever if it did not show what is waited for.
    let mut aerc = Command::new("timeout")
        .args(["--foreground", "120", "script", "-qfc", "stty cols 120 rows 40; aerc", "/dev/null"])
        .env("XDG_CONFIG_HOME", root)
        .env("XDG_RUNTIME_DIR", root)
        .env("HOME", root)
        .env("SSL_CERT_FILE", server.ca())
        .env("TERM", "xterm-256color")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (Some(mut keys), Some(mut screen)) = (aerc.stdin.take(), aerc.stdout.take()) else {
        anyhow::bail!("its ends are piped");
    };
    let mut shows = |wanted: &str| -> Result<()> {
        let mut shown = Vec::new();
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&shown).contains(wanted) {
            let count = screen.read(&mut piece)?;
            ensure!(count > 0, "{wanted} is not in {}", String::from_utf8_lossy(&shown));
            shown.extend_from_slice(&piece[..count]);
        }
        Ok(())
    };
    shows("Lists/Rust")?;
    shows("Welcome to Posthouse")?;
    keys.write_all(b":sort -r date\r")?;
    shows("sorting")?;
    keys.write_all(b":quit\r")?;
    ensure!(aerc.wait()?.success());
    server.stop()
}
