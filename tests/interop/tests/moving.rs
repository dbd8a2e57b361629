//! Mail moves from a Dovecot and to one, and what is exported opens in other people's programs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use posthouse_interop::{Dovecot, Posthouse, run_with_input};
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

/// What [`fill`] puts into INBOX and Work, as Python shows it.
const EXPECTED: [&str; 2] = ["flagged FS\nplain", "work RS"];

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

#[test]
fn mail_comes_from_dovecot_and_goes_back() -> Result<()> {
    let (dovecot, server) = (Dovecot::start()?, Posthouse::start()?);
    fill(&dovecot, "old")?;
    let directory = TempDir::new()?;
    let password = directory.path().join("password");
    std::fs::write(&password, Dovecot::PASSWORD)?;
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

    check_count(&run("import", &ann, at(&tls, "old", &BELOW))?, 3, 0)?;
    check_count(&run("import", &ann, at(&tls, "old", &BELOW))?, 0, 3)?;
    check_count(&run("import", &bob, at(&clear, "old", &["--starttls", BELOW[0], BELOW[1]]))?, 3, 0)?;
    check_count(&run("export", &ann, at(&tls, "new", &ONLY))?, 3, 0)?;
    check_count(&run("export", &ann, at(&clear, "new", &["--starttls", ONLY[0], ONLY[1]]))?, 0, 3)?;
    // The certificate is nobody's who is trusted otherwise.
    let untrusted = ["import", "imap", &ann, "--host", &tls, "--login", "old", "--password-file", &password];
    ensure!(!server.command(&untrusted)?.success, "an unknown certificate was believed");

    // What went there and back is as it was.
    for (mailbox, shown) in [("INBOX", EXPECTED[0]), ("Work", EXPECTED[1])] {
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
    check_count(&moved(&server, &["import", "maildir", &ann, &theirs, BELOW[0], BELOW[1]])?, 3, 0)?;
    check_count(&moved(&server, &["import", "maildir", &ann, &theirs, BELOW[0], BELOW[1]])?, 0, 3)?;

    let directory = TempDir::new()?;
    let (maildir, mbox) = (directory.path().join("Maildir"), directory.path().join("mbox"));
    for (kind, path) in [("maildir", &maildir), ("mbox", &mbox)] {
        let path = path.display().to_string();
        check_count(&moved(&server, &["export", kind, &ann, &path, ONLY[0], ONLY[1]])?, 3, 0)?;
        check_count(&moved(&server, &["export", kind, &ann, &path, ONLY[0], ONLY[1]])?, 0, 3)?;
    }
    for (kind, inbox, work) in [
        ("maildir", maildir.join(".Old.INBOX"), maildir.join(".Old.Work")),
        ("mbox", mbox.join("Old/INBOX.mbox"), mbox.join("Old/Work.mbox")),
    ] {
        for (path, expected) in [(&inbox, EXPECTED[0]), (&work, EXPECTED[1])] {
            let found = python(kind, path).with_context(|| path.display().to_string())?;
            ensure!(found == expected, "{}: {found:?}", path.display());
        }
    }
    Ok(())
}
