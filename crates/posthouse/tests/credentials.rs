//! App passwords from the command line to the wire.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::{Demo, base64, check_failure, stdout};

/// The answer to AUTH PLAIN at submission.
fn auth(demo: &Demo, user: &str, secret: &str, expected: &str) {
    let mut talk = demo.talk("submissions");
    assert!(talk.line().starts_with("220 "));
    talk.smtp("EHLO here", "250");
    talk.smtp(&format!("AUTH PLAIN {}", base64(&format!("\0{user}\0{secret}"))), expected);
    talk.smtp("QUIT", "221");
}

#[test]
fn a_credential_is_made_used_and_removed() {
    let demo = Demo::start(&[]);
    let (ann, password) = demo.account(0);
    let credential = |arguments: &[&str]| demo.server.command(&[&["credential"], arguments].concat());
    let made = demo.server.json(&["credential", "add", ann, "Scanner", "--for", "submission", "--json"]);
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert_eq!(made["credential"]["label"], "scanner");
    assert_eq!(made["credential"]["services"], serde_json::json!(["submission"]));
    let shown = stdout(&credential(&["add", ann, "phone", "--for", "imap,pop3", "--expires", "2999-01-01"]));
    assert!(shown.contains("shown this once: ") && shown.contains(&format!("{ann}/phone")), "{shown}");
    let phone = shown.lines().find_map(|line| line.split_once("shown this once: ")).unwrap().1.to_owned();

    check_failure(&credential(&["add", ann, "phone"]), 1, &["credential"]);
    check_failure(&credential(&["add", ann, "a/b"]), 1, &["labelled"]);
    check_failure(&credential(&["add", ann, "old", "--expires", "2001-01-01"]), 1, &["expire"]);
    let wrong = credential(&["add", ann, "web", "--for", "http"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("submission, imap, pop3"));
    check_failure(&credential(&["add", "ghost@example.test", "phone"]), 1, &["account"]);
    check_failure(&credential(&["remove", ann, "ghost"]), 1, &["no such credential"]);

    let labelled = format!("{ann}/scanner");
    auth(&demo, ann, &secret, "235");
    auth(&demo, &labelled, &secret, "235");
    auth(&demo, ann, password, "235");
    auth(&demo, ann, &phone, "535 5.7.8");
    let barred = stdout(&credential(&["main-password", ann, "barred"]));
    assert!(barred.contains("barred"), "{barred}");
    auth(&demo, ann, password, "535 5.7.8");
    auth(&demo, &labelled, &secret, "235");

    let listed = demo.server.json(&["credential", "list", ann, "--json"]);
    assert_eq!(listed["main_password_barred"], true);
    let credentials = listed["credentials"].as_array().unwrap();
    let labels: Vec<_> = credentials.iter().map(|one| one["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["phone", "scanner"]);
    assert_eq!(credentials[1]["last_used_for"], "submission");
    assert_eq!(credentials[0]["last_used_for"], serde_json::Value::Null);
    assert!(!listed.to_string().contains(&secret));
    let listed = stdout(&credential(&["list", ann]));
    assert!(listed.contains("imap,pop3") && listed.contains("2999-01-01"), "{listed}");

    let seen = demo.server.json(&["inventory", "--account", ann, "--json"]);
    let seen: Vec<_> = seen.as_array().unwrap().iter().map(|one| one["credential"].as_str()).collect();
    assert!(seen.contains(&Some("scanner")) && seen.contains(&None), "{seen:?}");
    let shown = stdout(&demo.server.command(&["inventory", "--account", ann]));
    assert!(shown.contains(&labelled), "{shown}");

    assert!(stdout(&credential(&["remove", ann, "scanner"])).contains("opens nothing"));
    auth(&demo, &labelled, &secret, "535 5.7.8");
    assert!(stdout(&credential(&["main-password", ann, "allowed"])).contains("is good"));
    auth(&demo, ann, password, "235");
}

#[test]
fn a_credential_has_limits_of_its_own() {
    let demo = Demo::start(&[]);
    let (ann, password) = demo.account(0);
    let limit = |arguments: &[&str]| demo.server.command(&[&["limit"], arguments].concat());
    let made = demo.server.json(&["credential", "add", ann, "scanner", "--json"]);
    let secret = made["secret"].as_str().unwrap();
    let scanner = format!("{ann}/scanner");
    stdout(&limit(&["set", "server", "--each-credential", "messages/hour", "9"]));
    stdout(&limit(&["set", ann, "--each-credential", "messages/hour", "8"]));
    stdout(&limit(&["set", &scanner, "messages/hour", "1"]));
    check_failure(&limit(&["set", &format!("{ann}/ghost"), "messages/hour", "1"]), 1, &["no such credential"]);
    check_failure(&limit(&["set", &scanner, "message-size", "1MB"]), 1, &["bounds single messages"]);
    check_failure(
        &limit(&["set", "example.test", "--each-credential", "messages/hour", "1"]),
        1,
        &["is for an account"],
    );

    let mut talk = demo.talk("submissions");
    assert!(talk.line().starts_with("220 "));
    talk.smtp("EHLO here", "250");
    talk.smtp(&format!("AUTH PLAIN {}", base64(&format!("\0{ann}\0{secret}"))), "235");
    let from = format!("MAIL FROM:<{ann}>");
    talk.smtp(&from, "250");
    talk.smtp("RCPT TO:<bob@example.test>", "250");
    talk.smtp("DATA", "354");
    talk.smtp(&format!("From: {ann}\r\n\r\nscanned\r\n."), "250");
    talk.smtp(&from, "450 4.7.1 This credential may send 1 message an hour, and has: try again in ");
    talk.smtp("QUIT", "221");
    // The password is not bounded by it.
    auth(&demo, ann, password, "235");
    support::submit(&demo, 0, ann, "by password");

    let shown = demo.server.json(&["limit", "show", &scanner, "--json"]);
    let own: Vec<_> = shown.as_array().unwrap().iter().filter(|bound| bound["whose"] == scanner.as_str()).collect();
    let hourly = own.iter().find(|bound| bound["limit"] == "messages/hour").unwrap();
    assert_eq!(
        (&hourly["used"], &hourly["most"], &hourly["set_for"]),
        (&1.into(), &1.into(), &scanner.as_str().into())
    );
    let listed = stdout(&limit(&["list"]));
    for whose in ["each credential ", &format!("each credential of {ann}"), &scanner] {
        assert!(listed.contains(whose), "{listed}");
    }
    let trail = stdout(&demo.server.command(&["trail", ann]));
    assert!(trail.contains("scanner"), "{trail}");
    // An exception, until it is cleared.
    stdout(&limit(&["set", &scanner, "messages/hour", "5", "--until", "2999-01-01"]));
    let mut talk = demo.talk("submissions");
    assert!(talk.line().starts_with("220 "));
    talk.smtp("EHLO here", "250");
    talk.smtp(&format!("AUTH PLAIN {}", base64(&format!("\0{scanner}\0{secret}"))), "235");
    talk.smtp(&from, "250");
    talk.smtp("RSET", "250");
    stdout(&limit(&["clear", &scanner, "messages/hour", "--exception"]));
    talk.smtp(&from, "450 4.7.1 This credential may send");
    stdout(&demo.server.command(&["credential", "remove", ann, "scanner"]));
    talk.smtp(&from, "550 5.7.1");
    talk.smtp("QUIT", "221");
    assert!(!stdout(&limit(&["list"])).contains("scanner"));
}
