//! Who connects with what, as whoever looks after a server sees it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::{Demo, check_failure, inbox, stdout, submit};

#[test]
fn who_connects_is_listed_and_asked_for() {
    let demo = Demo::start(&[]);
    let inventory = |arguments: &[&str]| demo.server.command(&[&["inventory"], arguments].concat());
    submit(&demo, 0, "bob@example.test", "hi");
    inbox(&demo, 1);
    let all = demo.server.json(&["inventory", "--json"]);
    let all = all.as_array().unwrap();
    let of = |listener: &str| all.iter().find(|one| one["listener"] == listener).unwrap();
    let (sent, read) = (of("submissions"), of("imaps"));
    assert_eq!((&sent["account"], &sent["client"]), (&demo.account(0).0.into(), &"here".into()));
    assert_eq!((&sent["tls_version"], &sent["mechanism"]), (&"TLS1.3".into(), &"PLAIN".into()));
    assert_eq!((&read["account"], &read["connections"]), (&demo.account(1).0.into(), &1.into()));
    assert_eq!(read["port"], demo.port("imaps"));
    let shown = stdout(&inventory(&["--listener", "imaps", "--tls", "1.3", "--days", "1"]));
    assert!(shown.contains(demo.account(1).0) && !shown.contains(demo.account(0).0), "{shown}");
    assert!(stdout(&inventory(&["--tls", "1.2"])).contains("Nobody was seen connecting so"));
    assert!(stdout(&inventory(&["without", "cleartext"])).contains("Nobody was seen who needs it"));
    let locked_out = stdout(&inventory(&["without", "mechanism", "plain"]));
    assert!(locked_out.contains("never") && locked_out.contains(demo.account(0).0), "{locked_out}");
    let port = demo.port("imaps").to_string();
    let json = demo.server.json(&["inventory", "without", "port", &port, "--json"]);
    assert_eq!((json.as_array().unwrap().len(), &json[0]["otherwise_at"]), (1, &serde_json::Value::Null));
    check_failure(&inventory(&["--tls", "1.1"]), 1, &["no version of TLS"]);
    check_failure(&inventory(&["without", "everything"]), 1, &["write `tls1.2`"]);
    check_failure(&inventory(&["--account", "nobody@example.test"]), 1, &["no such"]);
}
