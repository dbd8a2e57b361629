//! Backup, restore, verification, undelete, retention and duplicates, against a server that runs and one that does not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{Demo, check_failure, inbox, run, stdout, submit};

/// A demonstration that keeps its data, and a configuration that says where.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).display().to_string()
    }

    fn demo(&self, data: &str) -> Demo {
        Demo::start(&["--data", &self.path(data)])
    }

    /// Runs a command for the data directory, on which no server runs.
    fn stopped(&self, data: &str, arguments: &[&str]) -> std::process::Output {
        let config = self.path("posthouse.toml");
        let text = format!("host_name = \"localhost\"\ndata_directory = \"{}\"\n", self.path(data));
        fs::write(&config, text).unwrap();
        run(&[&["--config", &config], arguments].concat())
    }
}

fn expunge_all(demo: &Demo, account: usize) {
    let (address, password) = demo.account(account);
    let mut talk = demo.talk("imaps");
    talk.line();
    talk.imap(&format!("LOGIN {address} {password}"));
    talk.imap("SELECT INBOX");
    talk.imap("STORE 1:* +FLAGS.SILENT (\\Deleted)");
    talk.imap("EXPUNGE");
    talk.imap("LOGOUT");
}

#[test]
fn a_backup_is_taken_listed_checked_restored_and_pruned() {
    let place = Place::new();
    let demo = place.demo("data");
    submit(&demo, 0, "bob@example.test", "the first");
    let backups = place.path("backups");
    let taken = demo.server.json(&["backup", &backups, "--json"]);
    assert_eq!(taken["bytes"], taken["copied_bytes"]);
    submit(&demo, 0, "bob@example.test", "the second");
    assert!(stdout(&demo.server.command(&["backup", &backups])).contains("is complete: "));
    let listed: Value = serde_json::from_str(&stdout(&run(&["backup", "list", &backups, "--json"]))).unwrap();
    assert_eq!((listed.as_array().unwrap().len(), &listed[1]["state"]), (2, &"complete".into()));
    assert!(stdout(&run(&["backup", "check", &backups])).contains("as it was taken"));
    check_failure(&demo.server.command(&["restore", &backups, "--to", &place.path("data")]), 74, &["mail"]);
    demo.server.stop();

    // The first generation, elsewhere.
    let first = taken["generation"].as_str().unwrap();
    let restored = place.stopped("elsewhere", &["restore", &backups, "--at", first]);
    assert!(stdout(&restored).contains(first));
    assert!(stdout(&place.stopped("elsewhere", &["verify"])).contains("All is as it should be."));
    let again = place.demo("elsewhere");
    let (_, subjects) = inbox(&again, 1);
    assert!(subjects.contains("the first") && !subjects.contains("the second"), "{subjects}");
    again.server.stop();

    // In place of what is there, which is kept.
    check_failure(&place.stopped("data", &["restore", &backups]), 74, &["holds mail"]);
    let replaced = stdout(&place.stopped("data", &["restore", &backups, "--replace"]));
    assert!(replaced.contains("What was there before"), "{replaced}");
    assert!(inbox(&place.demo("data"), 1).1.contains("the second"));

    // A stopped server is backed up, too.
    let of_stopped = place.stopped("elsewhere", &["backup", &backups, "--json"]);
    let of_stopped: Value = serde_json::from_str(&stdout(&of_stopped)).unwrap();
    assert_eq!(of_stopped["continued"], false);
    stdout(&run(&["backup", "prune", &backups, "--keep", "1"]));
    let listed: Value = serde_json::from_str(&stdout(&run(&["backup", "list", &backups, "--json"]))).unwrap();
    assert_eq!(listed[0]["generation"], of_stopped["generation"]);
    check_failure(&run(&["backup", "list", &place.path("nowhere")]), 74, &["nowhere"]);
}

#[test]
fn a_store_is_verified_and_repaired() {
    let place = Place::new();
    let demo = place.demo("data");
    submit(&demo, 0, "bob@example.test", "hello");
    let found = demo.server.json(&["verify", "--json"]);
    assert_eq!(found["problems"], serde_json::json!([]));
    assert!(found["messages"].as_u64().unwrap() >= 3);
    check_failure(&demo.server.command(&["verify", "--repair"]), 1, &["stop the server first"]);
    demo.server.stop();
    let bodies = Path::new(&place.path("data")).join("store/bodies/00000001.seg");
    let mut octets = fs::read(&bodies).unwrap();
    octets[100] ^= 1;
    fs::write(&bodies, octets).unwrap();
    let damaged = place.stopped("data", &["verify"]);
    check_failure(&damaged, 1, &["1 problem"]);
    let said = String::from_utf8(damaged.stdout).unwrap();
    assert!(said.contains("problem  body") && said.contains("lost     ann@example.test: UID 1 of INBOX"), "{said}");
    check_failure(&place.stopped("data", &["verify", "--repair"]), 1, &["1 problem"]);
}

#[test]
fn what_was_expunged_is_put_back() {
    let demo = Demo::start(&[]);
    submit(&demo, 0, "bob@example.test", "lunch");
    submit(&demo, 0, "bob@example.test", "dinner");
    let (before, _) = inbox(&demo, 1);
    expunge_all(&demo, 1);
    assert_eq!(inbox(&demo, 1).0, 0);
    let undelete = |arguments: &[&str]| demo.server.command(&[&["undelete", "bob@example.test"], arguments].concat());
    check_failure(&undelete(&[]), 1, &["--all"]);
    let listed = stdout(&undelete(&["--list"]));
    assert!(listed.contains("lunch") && listed.contains("dinner") && listed.contains("INBOX"), "{listed}");
    assert!(stdout(&undelete(&["--subject", "LUNCH"])).contains("1 of them is back"));
    let (count, subjects) = inbox(&demo, 1);
    assert!(count == 1 && subjects.contains("lunch"), "{subjects}");
    check_failure(&undelete(&["--from", "nobody"]), 1, &["nothing that was expunged fits"]);
    stdout(&undelete(&["--since", "2020-01-01", "--mailbox", "INBOX"]));
    assert_eq!(inbox(&demo, 1).0, before);
    assert_eq!(undelete(&["--since", "yesterday"]).status.code(), Some(2));
    expunge_all(&demo, 1);
    check_failure(&undelete(&["--forget"]), 1, &["--all"]);
    assert!(stdout(&undelete(&["--forget", "--all"])).contains(&format!("{before} messages are forgotten")));
    check_failure(&demo.server.command(&["undelete", "x@example.test", "--list"]), 1, &["no such account"]);
}

#[test]
fn a_removed_accounts_mail_is_put_into_the_one_made_anew() {
    let demo = Demo::start(&[]);
    submit(&demo, 0, "bob@example.test", "lunch");
    stdout(&demo.server.command(&["account", "remove", "bob@example.test", "--yes"]));
    let undelete = |arguments: &[&str]| demo.server.command(&[&["undelete", "bob@example.test"], arguments].concat());
    assert!(stdout(&undelete(&["--removed-account", "--list"])).contains("lunch"));
    check_failure(&undelete(&["--removed-account", "--all"]), 1, &["no such account"]);
    stdout(&demo.server.command(&["account", "add", "bob@example.test", "--generate"]));
    assert!(stdout(&undelete(&["--list"])).contains("Nothing that was expunged fits."));
    assert!(stdout(&undelete(&["--removed-account", "--all"])).contains("back where they were"));
}

#[test]
fn rules_of_retention_are_made_shown_and_removed() {
    let demo = Demo::start(&[]);
    let retention = |arguments: &[&str]| demo.server.command(&[&["retention"], arguments].concat());
    stdout(&retention(&["set", "everyone", "\\Junk", "--days", "30"]));
    stdout(&retention(&["set", "example.test", "\\Trash", "--days", "7", "--keep-flagged"]));
    stdout(&retention(&["set", "ann@example.test", "Trash", "--forever"]));
    let listed = stdout(&retention(&["list"]));
    assert!(listed.contains("everyone") && listed.contains("7 days, flagged ones for ever"), "{listed}");
    let shown = stdout(&retention(&["show", "ann@example.test"]));
    let line = |name: &str| shown.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("Junk").contains("30 days") && line("Junk").contains("for \\Junk of everyone"), "{shown}");
    assert!(line("Trash").contains("for Trash of ann@example.test") && line("INBOX").contains("none"), "{shown}");
    let bobs = stdout(&retention(&["show", "bob@example.test"]));
    assert!(bobs.contains("for \\Trash of example.test"), "{bobs}");
    check_failure(&retention(&["set", "everyone", "\\Spam", "--days", "1"]), 1, &["\\Junk"]);
    check_failure(&retention(&["set", "nowhere.test", "\\Junk", "--days", "1"]), 1, &["no such domain"]);
    assert_eq!(retention(&["set", "everyone", "\\Junk"]).status.code(), Some(2));
    assert_eq!(retention(&["set", "everyone", "\\Junk", "--days", "0"]).status.code(), Some(2));
    stdout(&retention(&["unset", "everyone", "\\Junk"]));
    check_failure(&retention(&["unset", "everyone", "\\Junk"]), 1, &["no such rule"]);
}

#[test]
fn duplicates_are_suppressed_where_that_is_asked_for() {
    let demo = Demo::start(&[]);
    let duplicates = |arguments: &[&str]| demo.server.command(&[&["duplicates"], arguments].concat());
    stdout(&duplicates(&["suppress", "bob@example.test", "--within", "2h"]));
    assert!(stdout(&duplicates(&["list"])).contains("2h"));
    let (address, password) = demo.account(0);
    let (before, _) = inbox(&demo, 1);
    let mut replies = Vec::new();
    for _ in 0..2 {
        let mut talk = demo.talk("submissions");
        talk.line();
        talk.smtp("EHLO here", "250");
        let login = support::base64(&format!("\0{address}\0{password}"));
        talk.smtp(&format!("AUTH PLAIN {login}"), "235");
        talk.smtp(&format!("MAIL FROM:<{address}>"), "250");
        talk.smtp("RCPT TO:<bob@example.test>", "250");
        talk.smtp("DATA", "354");
        let message = format!("From: <{address}>\r\nMessage-ID: <once@x>\r\nSubject: once\r\n\r\nhello\r\n.");
        replies.push(talk.smtp(&message, "250"));
    }
    assert_eq!(inbox(&demo, 1).0, before + 1);
    let journey = replies[1].split_whitespace().last().unwrap();
    assert!(stdout(&demo.server.command(&["trail", journey])).contains("suppressed"));
    stdout(&duplicates(&["deliver", "bob@example.test"]));
    stdout(&duplicates(&["unset", "bob@example.test"]));
    check_failure(&duplicates(&["unset", "bob@example.test"]), 1, &["no such rule"]);
    assert_eq!(duplicates(&["suppress", "everyone", "--within", "31d"]).status.code(), Some(2));
}
