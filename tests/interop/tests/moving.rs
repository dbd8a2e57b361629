//! Mail moves from a Dovecot and to one, and what is exported opens in other people's programs.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use posthouse_interop::{Dovecot, Options, Posthouse, binary, run, run_with_input};
use serde_json::Value;
use tempfile::TempDir;

/// Prints a line for each message of a mailbox: subject and flags, in order.
const PYTHON: &str = r#"
import mailbox, sys
kind, path = sys.argv[1:]
box = mailbox.Maildir(path, create=False) if kind == "maildir" else mailbox.mbox(path, create=False)
# Maildir and mbox have other letters for seen and answered.
letters = {"F": "F", "R": "R", "S": "S"} if kind == "maildir" else {"F": "F", "A": "R", "R": "S"}
def flags(message):
    return "".join(sorted(letters[flag] for flag in message.get_flags() if flag in letters))
print("\n".join(sorted(f"{message['Subject']} {flags(message)}" for message in box)))
"#;

/// What [`fill`] puts into INBOX, Work and Work/Grüße, as Python shows it.
const EXPECTED: [&str; 3] = ["flagged FS\nplain", "work RS", "greeting S"];

/// Apart from what an account has from the beginning.
const BELOW: [&str; 2] = ["--below", "Old"];
const ONLY: [&str; 2] = ["--mailbox", "Old/*"];

/// Mail of every kind, in an account that is new.
fn fill(dovecot: &Dovecot, user: &str) -> Result<()> {
    dovecot.doveadm(user, &["mailbox create", "Work/Grüße"], b"")?;
    let save = |mailbox: &str, subject: &str, flags: &str| -> Result<()> {
        let message = format!(
            "From: a@far.example\r\nSubject: {subject}\r\nMessage-ID: <{subject}@far.example>\r\n\r\nText of {subject}\r\n"
        );
        dovecot.doveadm(user, &["save", "-m", mailbox], message.as_bytes())?;
        if !flags.is_empty() {
            dovecot.doveadm(user, &["flags add", flags, "mailbox", mailbox, "subject", subject], b"")?;
        }
        Ok(())
    };
    dovecot.doveadm(user, &["mailbox create", "Work"], b"").ok();
    save("INBOX", "plain", "")?;
    save("INBOX", "flagged", "\\Seen \\Flagged $Custom")?;
    save("Work", "work", "\\Answered \\Seen")?;
    save("Work/Grüße", "greeting", "\\Seen")?;
    dovecot.doveadm(user, &["mailbox subscribe", "Work"], b"")?;
    Ok(())
}

/// Runs an import or export; what `--json` says at its end.
fn moved(server: &Posthouse, arguments: &[&str]) -> Result<Value> {
    let output = server.command(&[arguments, &["--json"]].concat())?.ok()?;
    Ok(serde_json::from_str(output.text().lines().last().context("it says nothing")?)?)
}

fn check_count(said: &Value, moved: u64, known: u64) -> Result<()> {
    ensure!(said["moved"] == moved && said["known"] == known && said["complete"] == true, "{said}");
    Ok(())
}

fn python(kind: &str, path: &Path) -> Result<String> {
    let output = run_with_input(Command::new("python3").args(["-", kind]).arg(path), PYTHON.as_bytes())?.ok()?;
    Ok(output.text().trim().to_owned())
}

/// What mutt finds in a mailbox, as [`python`] shows it. It reads on a terminal, which `script` makes: it marks everything,
/// copies that into an mbox, and leaves.
fn mutt(path: &Path) -> Result<String> {
    let directory = TempDir::new()?;
    let copy = directory.path().join("copy");
    // Its prompt proposes a file, which is removed first; without a folder it would ask whether to make one.
    let keys = format!("<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>{}<enter><exit>", copy.display());
    let settings = directory.path().join("muttrc");
    let answers = "set confirmcreate=no confirmappend=no quit=yes";
    fs::write(&settings, format!("{answers} folder='{}'\npush '{keys}'\n", directory.path().display()))?;
    let line = format!("mutt -n -F '{}' -R -f '{}'", settings.display(), path.display());
    let mut script = Command::new("script");
    script.env("HOME", directory.path()).env("TERM", "xterm").args(["-q", "-e", "-c", &line, "/dev/null"]);
    let said = run(&mut script)?.ok()?.text();
    ensure!(copy.exists(), "mutt copied nothing:\n{said}");
    python("mbox", &copy)
}

#[test]
fn mail_comes_from_dovecot_and_goes_back() -> Result<()> {
    let (dovecot, server) = (Dovecot::start()?, Posthouse::start()?);
    fill(&dovecot, "old")?;
    let directory = TempDir::new()?;
    let password = directory.path().join("password");
    fs::write(&password, Dovecot::PASSWORD)?;
    let (password, roots) = (password.display().to_string(), dovecot.certificate.display().to_string());
    let (tls, clear) = (format!("localhost:{}", dovecot.tls_port), format!("localhost:{}", dovecot.clear_port));
    let (ann, bob) = (server.ann().address.clone(), server.bob().address.clone());
    let at = |host: &str, login: &str, rest: &[&str]| -> Vec<String> {
        let common = ["--host", host, "--login", login, "--password-file", &password, "--trust-roots", &roots];
        common.iter().chain(rest).map(ToString::to_string).collect()
    };
    let run = |verb: &str, address: &str, options: Vec<String>| -> Result<Value> {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        moved(&server, &[&[verb, "imap", address], &options[..]].concat())
    };

    check_count(&run("import", &ann, at(&tls, "old", &BELOW))?, 4, 0)?;
    check_count(&run("import", &ann, at(&tls, "old", &BELOW))?, 0, 4)?;
    check_count(&run("import", &bob, at(&clear, "old", &["--starttls", BELOW[0], BELOW[1]]))?, 4, 0)?;
    check_count(&run("export", &ann, at(&tls, "new", &ONLY))?, 4, 0)?;
    check_count(&run("export", &ann, at(&clear, "new", &["--starttls", ONLY[0], ONLY[1]]))?, 0, 4)?;
    // The certificate is nobody's who is trusted otherwise.
    let untrusted = ["import", "imap", &ann, "--host", &tls, "--login", "old", "--password-file", &password];
    ensure!(!server.command(&untrusted)?.success, "an unknown certificate was believed");

    // What went there and back is as it was.
    for (mailbox, shown) in ["INBOX", "Work", "Work.Gr&APwA3w-e"].into_iter().zip(EXPECTED) {
        let path = dovecot.maildir("new").join(format!(".Old.{mailbox}"));
        let found = python("maildir", &path)?;
        ensure!(found == shown, "{mailbox}: {found:?}");
    }
    let keywords = dovecot.doveadm("new", &["search", "mailbox", "Old/INBOX", "keyword", "$Custom"], b"")?;
    ensure!(keywords.text().lines().count() == 1, "{}", keywords.text());
    let subscribed = dovecot.doveadm("new", &["mailbox list", "-s"], b"")?;
    ensure!(subscribed.text().contains("Work"), "{}", subscribed.text());
    Ok(())
}

#[test]
fn files_are_read_by_others_and_theirs_by_us() -> Result<()> {
    let (dovecot, server) = (Dovecot::start()?, Posthouse::start()?);
    fill(&dovecot, "old")?;
    let ann = server.ann().address.clone();
    let theirs = dovecot.maildir("old").display().to_string();
    check_count(&moved(&server, &["import", "maildir", &ann, &theirs, BELOW[0], BELOW[1]])?, 4, 0)?;
    check_count(&moved(&server, &["import", "maildir", &ann, &theirs, BELOW[0], BELOW[1]])?, 0, 4)?;

    let directory = TempDir::new()?;
    let (maildir, mbox) = (directory.path().join("Maildir"), directory.path().join("mbox"));
    for (kind, path) in [("maildir", &maildir), ("mbox", &mbox)] {
        let path = path.display().to_string();
        check_count(&moved(&server, &["export", kind, &ann, &path, ONLY[0], ONLY[1]])?, 4, 0)?;
        check_count(&moved(&server, &["export", kind, &ann, &path, ONLY[0], ONLY[1]])?, 0, 4)?;
    }
    for (kind, paths) in [
        ("maildir", [".Old.INBOX", ".Old.Work", ".Old.Work.Gr&APwA3w-e"].map(|name| maildir.join(name))),
        ("mbox", ["INBOX.mbox", "Work.mbox", "Work/Gr&APwA3w-e.mbox"].map(|name| mbox.join("Old").join(name))),
    ] {
        for (path, expected) in paths.iter().zip(EXPECTED) {
            let found = python(kind, path).with_context(|| path.display().to_string())?;
            ensure!(found == expected, "{}: {found:?}", path.display());
            let found = mutt(path).with_context(|| format!("mutt {}", path.display()))?;
            ensure!(found == expected, "mutt {}: {found:?}", path.display());
        }
    }
    Ok(())
}

/// When a message came is when it came, on the way here, on the way back, and in files.
#[test]
fn dates_are_kept() -> Result<()> {
    let (dovecot, server) = (Dovecot::start()?, Posthouse::start()?);
    let arrivals =
        [1_000_000_000, 1_234_567_890, 1_709_208_000].map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
    dovecot.doveadm("old", &["mailbox create", "Dated"], b"")?;
    for (at, arrived) in arrivals.iter().enumerate() {
        let text = format!("From: a@far.example\nSubject: dated {at}\nMessage-ID: <{at}@far.example>\n\ntext\n");
        dovecot.deliver("old", "Dated", &text, *arrived)?;
    }
    let directory = TempDir::new()?;
    let password = directory.path().join("password");
    fs::write(&password, Dovecot::PASSWORD)?;
    let (password, roots) = (password.display().to_string(), dovecot.certificate.display().to_string());
    let host = format!("localhost:{}", dovecot.tls_port);
    let ann = server.ann().address.clone();
    for (verb, login, options) in [("import", "old", BELOW), ("export", "new", ["--mailbox", "Old/Dated"])] {
        let common = ["--host", &host, "--login", login, "--password-file", &password, "--trust-roots", &roots];
        check_count(&moved(&server, &[&[verb, "imap", &ann], &common[..], &options[..]].concat())?, 3, 0)?;
    }
    let dates = |user: &str, mailbox: &str| -> Result<String> {
        let fields = ["fetch", "hdr.subject date.received.unixtime", "mailbox", mailbox];
        Ok(dovecot.doveadm(user, &fields, b"")?.text())
    };
    let (there, back) = (dates("old", "Dated")?, dates("new", "Old/Dated")?);
    ensure!(there.contains("1234567890") && there == back, "{there}\n{back}");

    let maildir = directory.path().join("Maildir");
    moved(&server, &["export", "maildir", &ann, &maildir.display().to_string(), "--mailbox", "Old/Dated"])?;
    let mut written: Vec<SystemTime> = Vec::new();
    for kind in ["cur", "new"] {
        for file in fs::read_dir(maildir.join(".Old.Dated").join(kind))? {
            written.push(file?.metadata()?.modified()?);
        }
    }
    written.sort();
    ensure!(written == arrivals, "{written:?}");
    let mbox = directory.path().join("mbox");
    moved(&server, &["export", "mbox", &ann, &mbox.display().to_string(), "--mailbox", "Old/Dated"])?;
    let text = fs::read_to_string(mbox.join("Old/Dated.mbox"))?;
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("From ")).collect();
    ensure!(lines.len() == 3 && lines[1].ends_with("Fri Feb 13 23:31:30 2009"), "{lines:?}");
    Ok(())
}

/// Messages of each folder of [`a_killed_import_goes_on`], so many that it takes a while.
const FOLDER_MESSAGES: usize = 200;
const FOLDERS: [&str; 3] = ["a", "b", "c"];

/// The server is killed in the middle of an import; the next one brings what is missing, and nothing twice.
#[test]
fn a_killed_import_goes_on() -> Result<()> {
    let directory = TempDir::new()?;
    let source = directory.path().join("Maildir");
    let mut expected = Vec::new();
    for folder in FOLDERS {
        let path = source.join(format!(".{folder}"));
        for kind in ["cur", "new", "tmp"] {
            fs::create_dir_all(path.join(kind))?;
        }
        for number in 0..FOLDER_MESSAGES {
            let subject = format!("{folder}{number}");
            let text = format!("Subject: {subject}\nMessage-ID: <{subject}@far.example>\n\nText of {subject}\n");
            fs::write(path.join("cur").join(format!("{number}.M1P1.localhost:2,S")), text)?;
            expected.push(format!("{subject} S"));
        }
    }
    expected.sort();
    let options = Options { data: Some(directory.path().join("data")), ..Options::default() };
    let server = Posthouse::start_with(&options)?;
    let (ann, source) = (server.ann().address.clone(), source.display().to_string());
    let messages = || -> Result<u64> {
        let shown = server.command(&["account", "quota", &ann, "--json"])?.ok()?.text();
        serde_json::from_str::<Value>(&shown)?["used_messages"].as_u64().context("it says how many messages there are")
    };
    let before = messages()?;
    let mut import = Command::new(binary());
    import.arg("--socket").arg(&server.ready.socket).args(["import", "maildir", &ann, &source]);
    let mut import = import.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let begun = Instant::now();
    while messages()? == before {
        ensure!(begun.elapsed() < Duration::from_secs(60), "nothing is imported");
    }
    server.kill()?;
    ensure!(!import.wait()?.success(), "the import ended before the server was killed");

    let server = Posthouse::start_with(&options)?;
    let said = moved(&server, &["import", "maildir", &ann, &source])?;
    let (new, known) = (said["moved"].as_u64().unwrap_or(0), said["known"].as_u64().unwrap_or(0));
    ensure!(new > 0 && known > 0 && new + known == expected.len() as u64, "{said}");
    check_count(&moved(&server, &["import", "maildir", &ann, &source])?, 0, expected.len() as u64)?;
    let copy = directory.path().join("copy");
    moved(&server, &["export", "maildir", &ann, &copy.display().to_string()])?;
    let mut found = Vec::new();
    for folder in FOLDERS {
        found.extend(python("maildir", &copy.join(format!(".{folder}")))?.lines().map(str::to_owned));
    }
    found.sort();
    ensure!(found == expected, "{} messages instead of {}", found.len(), expected.len());
    Ok(())
}
