//! The trail, as whoever is asked "where is my mail?" uses it. And the level of the log, switched while the server runs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::{Demo, Talk, base64, check_failure, stdout};

/// Ann, signed in.
fn signed_in(demo: &Demo) -> Talk {
    let (ann, password) = demo.account(0);
    let mut talk = demo.talk("submissions");
    assert!(talk.line().starts_with("220 "));
    talk.smtp("EHLO laptop.example", "250");
    talk.smtp(&format!("AUTH PLAIN {}", base64(&format!("\0{ann}\0{password}"))), "235");
    talk
}

#[test]
fn the_trail_tells_of_what_was_refused_before_a_message_came() {
    let demo = Demo::start(&[]);
    let (ann, _) = demo.account(0);
    let trail = |arguments: &[&str]| stdout(&demo.server.command(&[&["trail"], arguments].concat()));
    let mut talk = signed_in(&demo);
    talk.smtp("MAIL FROM:<boss@example.test>", "553");
    let told = trail(&["boss@example.test"]);
    for words in ["refused", "MAIL", "NotOwned", ann, "laptop.example", "TLS1.3"] {
        assert!(told.contains(words), "{words} in {told}");
    }
    // What is refused in one transaction stands together, and apart from that of another.
    talk.smtp(&format!("MAIL FROM:<{ann}>"), "250");
    talk.smtp("RCPT TO:<nobody@example.test>", "550");
    talk.smtp("RCPT TO:<noone@example.test>", "550");
    talk.smtp("RSET", "250");
    let told = trail(&["nobody@example.test"]);
    assert!(told.contains("RCPT") && told.contains("NoSuchMailbox"), "{told}");
    assert_eq!((told.matches("message ").count(), told.contains("noone@")), (1, true), "{told}");
    // A client that tries and tries is not noted for ever.
    talk.smtp(&format!("MAIL FROM:<{ann}>"), "250");
    for number in 0..15 {
        talk.smtp(&format!("RCPT TO:<x{number}@example.test>"), "550");
    }
    assert!(trail(&["x6@example.test"]).contains("NoSuchMailbox"));
    check_failure(&demo.server.command(&["trail", "x14@example.test"]), 1, &["nothing is known"]);
}

#[test]
fn the_trail_is_searched_by_message_id_time_sender_and_recipient() {
    let demo = Demo::start(&[]);
    let (ann, bob) = (demo.account(0).0, demo.account(1).0);
    let trail = |arguments: &[&str]| demo.server.json(&[&["trail"], arguments, &["--json"]].concat());
    let count = |arguments: &[&str]| {
        let output = trail(arguments);
        output.as_array().unwrap().len()
    };
    let mut talk = signed_in(&demo);
    for (id, to) in [("Odd..One@host", bob), ("plain@host.example", ann)] {
        talk.smtp(&format!("MAIL FROM:<{ann}>"), "250");
        talk.smtp(&format!("RCPT TO:<{to}>"), "250");
        talk.smtp("DATA", "354");
        talk.smtp(&format!("From: <{ann}>\r\nMessage-ID: <{id}>\r\n\r\nhello\r\n."), "250");
    }
    // Those of the administrator's, and those that look like addresses.
    for id in ["<Odd..One@host>", "Odd..One@host", "<plain@host.example>", "plain@host.example"] {
        assert_eq!(count(&[id]), 1, "{id}");
    }
    let all = count(&[ann]);
    assert!(all >= 2);
    assert_eq!(count(&[ann, "--from", ann, "--to", bob]), 1);
    assert_eq!(count(&[ann, "--from", bob]), 0);
    assert_eq!((count(&[ann, "--since", "2020-01-01"]), count(&[ann, "--until", "2020-01-01"])), (all, 0));
    check_failure(&demo.server.command(&["trail", "ann"]), 1, &["nor a Message-ID"]);
}

#[test]
fn the_log_level_is_switched_live() {
    let demo = Demo::start(&[]);
    let level = |arguments: &[&str]| demo.server.command(&[&["log-level"], arguments].concat());
    assert!(stdout(&level(&[])).contains("written: warn"));
    let set = stdout(&level(&["info,posthouse_flow=debug"]));
    assert!(set.contains("written: info,posthouse_flow=debug") && set.contains("log-level configured"), "{set}");
    check_failure(&level(&["posthouse=loud"]), 1, &["is not a log filter"]);
    assert!(stdout(&level(&[])).contains("info,posthouse_flow=debug"));
    assert!(stdout(&level(&["configured"])).trim().ends_with("written: warn"));
}
