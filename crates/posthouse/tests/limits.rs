//! Limits of sending: what is set holds in conversations that are under way, and is shown with what was sent. A frozen
//! account sends nothing, and still receives.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::{Demo, base64, check_failure, inbox, stdout, submit};

#[test]
fn limits_hold_at_once() {
    let demo = Demo::start(&[]);
    let limit = |arguments: &[&str]| demo.server.command(&[&["limit"], arguments].concat());
    let (ann, password) = demo.account(0);
    let mut talk = demo.talk("submissions");
    assert!(talk.line().starts_with("220 "));
    talk.smtp("EHLO here", "250");
    talk.smtp(&format!("AUTH PLAIN {}", base64(&format!("\0{ann}\0{password}"))), "235");
    let from = format!("MAIL FROM:<{ann}>");
    talk.smtp(&from, "250");
    talk.smtp("RSET", "250");
    let set = stdout(&limit(&["set", "server", "--each-account", "recipients/hour", "2"]));
    assert!(set.contains("Verify: "), "{set}");
    talk.smtp(&from, "250");
    for _ in 0..2 {
        talk.smtp("RCPT TO:<bob@example.test>", "250");
    }
    let refused = "450 4.7.1 This account may send to 2 recipients an hour, and has: try again in ";
    talk.smtp("RCPT TO:<bob@example.test>", refused);
    talk.smtp("DATA", "354");
    talk.smtp(&format!("From: {ann}\r\n\r\nhi\r\n."), "250");
    talk.smtp(&from, refused);

    let shown = demo.server.json(&["limit", "show", ann, "--json"]);
    let own = shown.as_array().unwrap().iter().find(|bound| bound["limit"] == "recipients/hour").unwrap();
    assert_eq!((&own["used"], &own["most"], &own["set_for"]), (&2.into(), &2.into(), &"each account".into()));
    stdout(&limit(&["set", ann, "recipients/hour", "none", "--until", "2999-01-01"]));
    talk.smtp(&from, "250");
    talk.smtp("QUIT", "221");
    let listed = stdout(&limit(&["list"]));
    assert!(listed.contains("each account") && listed.contains("2999-01-01"), "{listed}");
    stdout(&limit(&["clear", ann, "recipients/hour", "--exception"]));
    check_failure(&limit(&["clear", ann, "recipients/hour"]), 1, &["no such rule"]);
    check_failure(&limit(&["set", "server", "message-size", "1MB"]), 1, &["bounds single messages"]);
    check_failure(&limit(&["set", ann, "--each-account", "message-size", "1MB"]), 1, &["--each-account is for"]);
}

#[test]
fn a_frozen_account_is_released() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let route = format!("127.0.0.1:{}", closed.local_addr().unwrap().port());
    drop(closed);
    let demo = Demo::start(&["--route", &route]);
    let account = |arguments: &[&str]| demo.server.command(&[&["account"], arguments].concat());
    let (ann, password) = demo.account(0);
    submit(&demo, 0, "x@elsewhere.test", "away");
    let frozen = stdout(&account(&["freeze", ann, "--reason", "its password was stolen"]));
    assert!(frozen.contains("Undo: "), "{frozen}");
    check_failure(&account(&["freeze", ann]), 1, &["frozen already"]);
    let listed = demo.server.json(&["account", "frozen", "--json"]);
    assert_eq!((&listed[0]["address"], &listed[0]["cause"]), (&ann.into(), &"administrator".into()));
    assert_eq!(&listed[0]["evidence"], "its password was stolen");
    let shown = stdout(&account(&["show", ann]));
    for part in ["frozen   since ", "by an administrator", "because  its password was stolen", "account release "] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let sending = demo.server.json(&["account", "show", ann, "--json"])["sending"].clone();
    assert_eq!((&sending["frozen"]["cause"], &sending["waiting"]), (&"administrator".into(), &0.into()), "{sending}");
    let mut talk = demo.talk("submissions");
    assert!(talk.line().starts_with("220 "));
    talk.smtp("EHLO here", "250");
    talk.smtp(&format!("AUTH PLAIN {}", base64(&format!("\0{ann}\0{password}"))), "235");
    talk.smtp(&format!("MAIL FROM:<{ann}>"), "550 5.7.1 Sending is switched off for this account");
    let (before, _) = inbox(&demo, 0);
    submit(&demo, 1, ann, "to you");
    assert_eq!(inbox(&demo, 0).0, before + 1);
    assert!(stdout(&demo.server.command(&["metrics"])).contains("posthouse_accounts_frozen 1"));
    assert!(stdout(&demo.server.command(&["trail", ann])).contains("sending frozen"));
    assert!(stdout(&account(&["release", ann, "--drop"])).contains("may send again"));
    check_failure(&account(&["release", ann]), 1, &["no such rule"]);
    assert!(stdout(&account(&["frozen"])).contains("No account is frozen"));
    assert!(!stdout(&account(&["show", ann])).contains("frozen"));
    talk.smtp(&format!("MAIL FROM:<{ann}>"), "250");
    talk.smtp("QUIT", "221");
}

#[test]
fn a_send_only_domain_takes_no_mail() {
    let demo = Demo::start(&[]);
    let (ann, password) = demo.account(0);
    let (_, domain) = ann.split_once('@').unwrap();
    let on = stdout(&demo.server.command(&["domain", "send-only", domain, "--on"]));
    assert!(on.contains("send-only         yes") && on.contains("Undo: "), "{on}");
    submit(&demo, 0, "x@far.example", "from a shop");
    let mut mx = demo.talk("submissions");
    assert!(mx.line().starts_with("220 "));
    mx.smtp("EHLO here", "250");
    let (bob, bobs) = demo.account(1);
    mx.smtp(&format!("AUTH PLAIN {}", base64(&format!("\0{bob}\0{bobs}"))), "235");
    mx.smtp(&format!("MAIL FROM:<{bob}>"), "250");
    mx.smtp(&format!("RCPT TO:<{ann}>"), "556 5.1.10 Recipient domain does not accept mail");
    mx.smtp(&format!("RCPT TO:<abuse@{domain}>"), "556 5.1.10 ");
    stdout(&demo.server.command(&["alias", "add", &format!("abuse@{domain}"), "desk@far.example"]));
    mx.smtp(&format!("RCPT TO:<abuse@{domain}>"), "250");
    let mut imap = demo.talk("imaps");
    assert!(imap.line().starts_with("* OK"));
    let refused = imap.ask(&format!("x LOGIN {ann} {password}"), &["x "]);
    assert!(refused.contains("x NO [AUTHORIZATIONFAILED] This account sends only"), "{refused}");
    let off = stdout(&demo.server.command(&["domain", "send-only", domain, "--off"]));
    assert!(!off.contains("send-only  "), "{off}");
    mx.smtp(&format!("RCPT TO:<{ann}>"), "250");
}

#[test]
fn a_send_only_account_has_no_mailbox() {
    let demo = Demo::start(&[]);
    let (ann, password) = demo.account(0);
    let undo = stdout(&demo.server.command(&["account", "send-only", ann]));
    assert!(undo.contains("send-only") && undo.contains("Undo: "), "{undo}");
    submit(&demo, 0, "bob@example.test", "from a printer");
    let mut imap = demo.talk("imaps");
    assert!(imap.line().starts_with("* OK"));
    let refused = imap.ask(&format!("x LOGIN {ann} {password}"), &["x "]);
    assert!(refused.contains("x NO [AUTHORIZATIONFAILED] This account sends only"), "{refused}");
    let mut pop3 = demo.talk("pop3s");
    assert!(pop3.line().starts_with("+OK"));
    pop3.ask(&format!("USER {ann}"), &["+OK"]);
    let refused = pop3.ask(&format!("PASS {password}"), &["-ERR", "+OK"]);
    assert!(refused.starts_with("-ERR [AUTH] ") && refused.contains("sends only"), "{refused}");
    let mut mx = demo.talk("submissions");
    assert!(mx.line().starts_with("220 "));
    mx.smtp("EHLO here", "250");
    let (bob, password) = demo.account(1);
    mx.smtp(&format!("AUTH PLAIN {}", base64(&format!("\0{bob}\0{password}"))), "235");
    mx.smtp(&format!("MAIL FROM:<{bob}>"), "250");
    mx.smtp(&format!("RCPT TO:<{ann}>"), "550 5.2.1 Mailbox disabled");
    stdout(&demo.server.command(&["account", "enable", ann]));
    mx.smtp(&format!("RCPT TO:<{ann}>"), "250");
}
