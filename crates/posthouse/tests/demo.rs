//! `posthouse demo` as a whole.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::net::TcpListener;
use std::path::Path;

use nix::sys::signal::Signal;
use support::{Demo, check_failure, inbox, run, stdout, submit};

#[test]
fn accounts_sign_in_and_mail_goes_round() {
    let demo = Demo::start(&["--accounts", "3"]);
    assert_eq!(demo.ready["accounts"].as_array().unwrap().len(), 3);
    assert_eq!(demo.account(2).0, "user3@example.test");
    for account in 0..3 {
        let (count, subjects) = inbox(&demo, account);
        assert_eq!(count, 1, "{subjects}");
        assert!(subjects.contains("Subject: Welcome to Posthouse"), "{subjects}");
    }
    submit(&demo, 0, demo.account(1).0, "round and round");
    let (count, subjects) = inbox(&demo, 1);
    assert_eq!(count, 2);
    assert!(subjects.contains("Subject: round and round"), "{subjects}");
    let (address, password) = demo.account(1);
    let mut talk = demo.talk("pop3s");
    assert!(talk.line().starts_with("+OK"));
    assert!(talk.ask(&format!("USER {address}"), &["+", "-"]).starts_with("+OK"));
    assert!(talk.ask(&format!("PASS {password}"), &["+", "-"]).starts_with("+OK"));
    assert!(talk.ask("STAT", &["+", "-"]).starts_with("+OK 2 "));
}

#[test]
fn the_wrong_password_is_refused() {
    let demo = Demo::start(&[]);
    let mut talk = demo.talk("imaps");
    talk.line();
    let answer = talk.ask("a LOGIN ann@example.test wrong-password-here", &["a "]);
    assert!(answer.contains("a NO [AUTHENTICATIONFAILED]"), "{answer}");
}

#[test]
fn it_ends_cleanly_and_takes_its_data_along() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut demo = Demo::start(&[]);
        let data = demo.text("data_directory").to_owned();
        assert!(Path::new(&data).exists());
        demo.server.signal(signal);
        assert!(demo.server.child.wait().unwrap().success());
        assert!(!Path::new(&data).exists(), "{data}");
    }
}

#[test]
fn data_can_be_kept() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let arguments = ["--data", data.to_str().unwrap()];
    let first = Demo::start(&arguments);
    submit(&first, 0, first.account(1).0, "still there");
    let password = first.account(1).1.to_owned();
    first.server.stop();
    let second = Demo::start(&[&arguments[..], &["--accounts", "3"]].concat());
    assert_eq!(second.account(1).1, password);
    let (count, subjects) = inbox(&second, 1);
    assert_eq!(count, 2, "{subjects}");
    assert!(subjects.contains("still there"), "{subjects}");
    assert_eq!(inbox(&second, 2).0, 1);
}

#[test]
fn a_port_that_is_taken_is_left_to_its_owner() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let demo = Demo::start_at(&(port - 25).to_string(), &[]);
    assert!(demo.port("mx") > port);
    assert!(demo.port("mx") < port + 200);
}

#[test]
fn what_it_offers_checks_out() {
    let demo = Demo::start(&["--cram-md5"]);
    let report = stdout(&demo.server.command(&["check", "--trust-roots", demo.text("ca_certificate")]));
    assert!(report.contains("Everything that was tried works"), "{report}");
    for role in ["lmtp", "mx", "submissions", "submission", "imaps", "imap", "pop3s", "pop3"] {
        assert!(report.contains(&format!("ok    {role} on 127.0.0.1:")), "{report}");
    }
    assert!(report.contains("read at imaps") && report.contains("read at pop3s"), "{report}");
    assert!(!report.contains("check-") && !report.contains("FAIL"), "{report}");
    let accounts = stdout(&demo.server.command(&["account", "list"]));
    assert!(!accounts.contains("check-"), "{accounts}");
    let mut talk = demo.talk("imaps");
    assert!(talk.line().contains("AUTH=CRAM-MD5"));
}

#[test]
fn the_lines_to_paste_name_what_is_there() {
    let demo = Demo::start(&[]);
    let (address, password) = demo.account(0);
    let mut talk = demo.talk("imaps");
    talk.line();
    talk.imap(&format!("LOGIN {address} {password}"));
    talk.imap("SELECT INBOX");
    let message = talk.imap("FETCH 1 BODY.PEEK[TEXT]");
    for word in ["openssl s_client", "swaks --server localhost:", "curl -sS --cacert", demo.text("ca_certificate")] {
        assert!(message.contains(word), "{message}\nlacks {word}");
    }
    assert!(message.contains(&format!("imaps://localhost:{}/", demo.port("imaps"))), "{message}");
}

#[test]
fn options_are_checked() {
    check_failure(&run(&["demo", "--json", "--port-base", "0", "--trust-roots", "/no/such.pem"]), 1, &["/no/such.pem"]);
    assert_eq!(run(&["demo", "--accounts", "0"]).status.code(), Some(2));
    assert_eq!(run(&["demo", "--route", "nowhere"]).status.code(), Some(2));
}
