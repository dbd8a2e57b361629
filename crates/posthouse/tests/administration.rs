//! Commands against a running server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Demo, check_failure, inbox, run_with_input, stdout, submit};

/// Asks until `is_so`, for a while.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn domains_are_managed() {
    let demo = Demo::start(&[]);
    let command = |arguments: &[&str]| demo.server.command(&[&["domain"], arguments].concat());
    assert!(stdout(&command(&["add", "Example.ORG"])).contains("Verify: "));
    check_failure(&command(&["add", "example.org"]), 1, &["there is such a domain already"]);
    stdout(&command(&["set", "example.org", "--catch-all", "ann@example.test", "--subaddress-separator", "-"]));
    let shown: Value = serde_json::from_str(&stdout(&command(&["show", "example.org", "--json"]))).unwrap();
    assert_eq!((&shown["catch_all"], &shown["subaddress_separator"]), (&"ann@example.test".into(), &"-".into()));
    check_failure(&command(&["set", "example.org", "--subaddress-separator", "%"]), 1, &["allowed are + -"]);
    stdout(&command(&["set", "example.org", "--catch-all", "none"]));
    assert!(stdout(&command(&["show", "example.org"])).contains("catch-all         none"));
    assert!(stdout(&command(&["list"])).contains("example.org"));
    check_failure(&command(&["remove", "example.test"]), 1, &["still in use"]);
    stdout(&command(&["remove", "example.org"]));
    check_failure(&command(&["show", "example.org"]), 1, &["there is no such domain"]);
    assert_eq!(command(&["add", "no domain"]).status.code(), Some(2));
}

#[test]
fn accounts_are_managed() {
    let demo = Demo::start(&[]);
    let socket = demo.text("socket").to_owned();
    let command = |arguments: &[&str]| demo.server.command(&[&["account"], arguments].concat());
    let with_password = |arguments: &[&str], password: &str| {
        run_with_input(&[&["--socket", &socket, "account"], arguments, &["--password-stdin"]].concat(), password)
    };
    let said = stdout(&with_password(&["add", "carl@example.test", "--name", "Carl"], "seven horses wait at dusk\n"));
    assert!(!said.contains("horses") && said.contains("Verify: "), "{said}");
    check_failure(&with_password(&["add", "dora@example.test"], "password\n"), 1, &["fewer than 10"]);
    check_failure(&command(&["add", "dora@example.test"]), 1, &["--generate"]);
    check_failure(&command(&["add", "x@elsewhere.test", "--generate"]), 1, &["elsewhere.test", "add it first"]);
    check_failure(
        &with_password(&["password", "carl@example.test"], "seven horses wait at dusk\n"),
        1,
        &["in use now"],
    );
    let said = stdout(&command(&["password", "carl@example.test", "--generate"]));
    assert!(said.contains("shown this once: "), "{said}");

    let login = |demo: &Demo, password: &str| {
        let mut talk = demo.talk("imaps");
        talk.line();
        talk.ask(&format!("a LOGIN carl@example.test \"{password}\""), &["a "]).contains("a OK")
    };
    let password = said.lines().find_map(|line| line.split_once("once: ")).unwrap().1.to_owned();
    assert!(login(&demo, &password));
    stdout(&command(&["suspend", "carl@example.test", "--login-only"]));
    assert!(!login(&demo, &password));
    stdout(&command(&["enable", "carl@example.test"]));
    assert!(login(&demo, &password));
    stdout(&command(&["set", "carl@example.test", "--administrator", "yes"]));
    assert!(!login(&demo, &password), "administrators have no IMAP unless that is allowed");
    stdout(&command(&["set", "carl@example.test", "--mail-access", "yes", "--name", "Carl the Great"]));
    assert!(login(&demo, &password));
    let shown: Value = serde_json::from_str(&stdout(&command(&["show", "carl@example.test", "--json"]))).unwrap();
    assert_eq!((&shown["display_name"], &shown["status"]), (&"Carl the Great".into(), &"active".into()));

    check_failure(&command(&["remove", "carl@example.test"]), 1, &["--yes"]);
    stdout(&command(&["remove", "carl@example.test", "--yes"]));
    check_failure(&command(&["show", "carl@example.test"]), 1, &["there is no such account"]);
}

#[test]
fn aliases_are_managed_and_lead_where_they_say() {
    let demo = Demo::start(&[]);
    let command = |arguments: &[&str]| demo.server.command(&[&["alias"], arguments].concat());
    stdout(&command(&["add", "sales@example.test", "ann@example.test"]));
    stdout(&command(&["add", "sales@example.test", "bob@example.test", "ann@example.test"]));
    let listed: Value = serde_json::from_str(&stdout(&command(&["list", "example.test", "--json"]))).unwrap();
    let sales = listed.as_array().unwrap().iter().find(|alias| alias["address"] == "sales@example.test").unwrap();
    assert_eq!(sales["targets"], serde_json::json!(["ann@example.test", "bob@example.test"]));
    submit(&demo, 0, "sales@example.test", "for sale");
    assert!(inbox(&demo, 0).1.contains("for sale") && inbox(&demo, 1).1.contains("for sale"));
    check_failure(&command(&["remove", "sales@example.test", "x@example.test"]), 1, &["is not a target"]);
    stdout(&command(&["remove", "sales@example.test", "ann@example.test"]));
    stdout(&command(&["remove", "sales@example.test"]));
    check_failure(&command(&["remove", "sales@example.test"]), 1, &["there is no such alias"]);
    check_failure(&command(&["add", "ann@example.test", "bob@example.test"]), 1, &["already"]);
}

#[test]
fn the_queue_is_steered_and_the_trail_tells() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let route = format!("127.0.0.1:{}", closed.local_addr().unwrap().port());
    drop(closed);
    let demo = Demo::start(&["--route", &route]);
    let queue = |arguments: &[&str]| demo.server.command(&[&["queue"], arguments].concat());
    let entries = || demo.server.json(&["queue", "list", "--json"]);
    let reply = submit(&demo, 0, "x@elsewhere.test", "away");
    let journey = reply.split_whitespace().last().unwrap().to_owned();

    until("an attempt fails", || entries()[0]["attempts"] == 1);
    let entry = &entries()[0];
    assert_eq!((&entry["journey"], &entry["recipient"]), (&journey.as_str().into(), &"x@elsewhere.test".into()));
    let number = entry["id"].to_string();
    check_failure(&queue(&["hold"]), 1, &["--all"]);
    check_failure(&queue(&["hold", "x@y"]), 1, &["neither the number"]);
    assert!(stdout(&queue(&["hold", &number])).contains("1 entry was held"));
    assert_eq!(demo.server.json(&["queue", "counts", "--json"])["held"], 1);
    assert!(stdout(&queue(&["list", "--held"])).contains(&journey));
    assert!(stdout(&queue(&["show", &journey])).contains("held back"));
    assert!(stdout(&queue(&["release", "--sender", "ann@example.test"])).contains("released"));
    stdout(&queue(&["retry", "--destination", entry["destination"].as_str().unwrap()]));
    until("another attempt fails", || entries()[0]["attempts"] == 2);
    let figures = stdout(&demo.server.command(&["metrics"]));
    assert!(figures.contains("posthouse_queue_entries 1") && figures.ends_with("# EOF\n"), "{figures}");

    assert!(stdout(&queue(&["list", "--cause", "connect", "--sender-domain", "example.test"])).contains(&journey));
    assert!(stdout(&queue(&["list", "--cause", "dns"])).contains("Nothing in the queue fits."));
    let summary = stdout(&queue(&["summary"]));
    assert!(summary.contains("connect") && summary.contains("127.0.0.1"), "{summary}");
    assert_eq!(queue(&["reroute", &number]).status.code(), Some(2));
    check_failure(&queue(&["reroute", &number, "--to", "nowhere"]), 1, &["host and port"]);
    until("the entry is rerouted", || queue(&["reroute", &number, "--to", "[127.0.0.1]:1"]).status.success());
    assert_eq!(demo.server.json(&["queue", "list", "--json"])[0]["rerouted_to"], "[127.0.0.1]:1");
    until("the detour is ended", || queue(&["reroute", &number, "--end"]).status.success());

    for what in [journey.as_str(), number.as_str(), "x@elsewhere.test"] {
        let told = stdout(&demo.server.command(&["trail", what]));
        assert!(told.starts_with(&format!("message {journey}\n")), "{told}");
        for word in ["received", "login", "ann@example.test", "queued", "deferred"] {
            assert!(told.contains(word), "{told}\nlacks {word}");
        }
    }
    submit(&demo, 0, "y@elsewhere.test", "away, too");
    until("there are two", || demo.server.json(&["queue", "counts", "--json"])["entries"] == 2);
    check_failure(&queue(&["drop", "--all"]), 1, &["2 entries", "--yes"]);
    let bounce = ["bounce", "--sender", "ann@example.test", "--yes", "--reason", "Nobody lives there."];
    until("an entry is returned", || queue(&bounce).status.success());
    until("it is in the inbox", || inbox(&demo, 0).0 >= 1);
    until("the others can be dropped", || {
        let left = demo.server.json(&["queue", "counts", "--json"])["entries"] == 0;
        left || queue(&["drop", "--all", "--yes"]).status.success()
    });
    assert!(stdout(&queue(&["list"])).contains("Nothing in the queue fits."));
    check_failure(&demo.server.command(&["trail", "nobody@elsewhere.test"]), 1, &["nothing is known"]);
}

#[test]
fn the_index_of_words_is_made_anew() {
    let demo = Demo::start(&[]);
    submit(&demo, 0, "bob@example.test", "a café on the way");
    assert!(inbox(&demo, 1).1.contains("on the way"));
    let indexed = demo.server.json(&["reindex", "bob@example.test", "--json"]);
    assert_eq!((&indexed["waiting"], indexed["messages"].as_u64()), (&0.into(), indexed["indexed"].as_u64()));
    assert!(indexed["size_bytes"].as_u64().unwrap() > 0);
    assert!(stdout(&demo.server.command(&["reindex"])).contains("Verify: "));
    check_failure(&demo.server.command(&["reindex", "x@example.test"]), 1, &["there is no such account"]);
    assert_eq!(demo.server.json(&["status", "--json"])["search_index"]["waiting"], 0);
    assert!(stdout(&demo.server.command(&["status"])).contains("Search index: "));
    assert!(stdout(&demo.server.command(&["metrics"])).contains("posthouse_search_index_waiting 0"));
}

#[test]
fn listeners_and_certificates_are_looked_after() {
    let demo = Demo::start(&[]);
    let command = |arguments: &[&str]| demo.server.command(arguments);
    stdout(&command(&["protocol-log", "on", "imaps"]));
    stdout(&command(&["protocol-log", "off", "imaps"]));
    check_failure(&command(&["protocol-log", "on", "nope"]), 1, &["there is no listener `nope`", "imaps"]);
    assert!(stdout(&command(&["reload"])).contains("localhost"));
    assert!(stdout(&command(&["status"])).contains("submissions"));
}

#[test]
fn sharing_is_managed() {
    let demo = Demo::start(&[]);
    let command = |arguments: &[&str]| demo.server.command(arguments);
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&stdout(&command(&[arguments, &["--json"]].concat()))).unwrap()
    };
    assert!(stdout(&command(&["group", "add", "Team"])).contains("$team"));
    check_failure(&command(&["group", "add", "team"]), 1, &["there is such a group already"]);
    let members = json(&["group", "member", "team", "--add", "ann@example.test", "--add", "bob@example.test"]);
    assert_eq!(members["members"], serde_json::json!(["ann@example.test", "bob@example.test"]));
    let members = json(&["group", "member", "team", "--remove", "bob@example.test"]);
    assert_eq!(members["members"], serde_json::json!(["ann@example.test"]));
    check_failure(&command(&["group", "member", "team", "--add", "nobody@example.test"]), 1, &["no such account"]);
    check_failure(&command(&["group", "member", "board"]), 1, &["no group board"]);
    assert!(stdout(&command(&["group", "list"])).contains("ann@example.test"));
    assert!(stdout(&command(&["shared", "add", "Support", "support@example.test"])).contains("Shared/Support"));
    check_failure(&command(&["shared", "add", "a/b", "ab@example.test"]), 1, &["one level"]);
    check_failure(&command(&["shared", "add", "Far", "x@elsewhere.test"]), 1, &["no such domain"]);
    assert_eq!(json(&["shared", "list"]), serde_json::json!([{"name": "Support", "address": "support@example.test"}]));
    let set = |identifier: &str, rights: &str| {
        command(&["rights", "set", "support@example.test", "INBOX", identifier, rights])
    };
    for (identifier, rights) in [("$team", "lrswi"), ("$team", "-w"), ("anyone", "l"), ("-bob", "l")] {
        stdout(&set(identifier, rights));
    }
    check_failure(&set("$team", "lq"), 1, &["'q' is not one of the rights"]);
    check_failure(&set("$board", "l"), 1, &["no such account or group"]);
    let list = json(&["rights", "list", "support@example.test"]);
    let list: Vec<_> =
        list.as_array().unwrap().iter().map(|one| (one["identifier"].clone(), one["rights"].clone())).collect();
    let expected =
        [("support@example.test", "lrswipkxteacd"), ("anyone", "l"), ("-bob@example.test", "l"), ("$team", "lrsi")];
    assert_eq!(list, expected.map(|(who, what)| (who.into(), what.into())));
    check_failure(&command(&["rights", "list", "ann@example.test", "Nothing"]), 1, &["no such mailbox"]);
    check_failure(
        &command(&["rights", "set", "ann@example.test", "INBOX", "anyone", "l"]),
        1,
        &["only mailboxes of a shared area"],
    );
    stdout(&command(&["group", "remove", "team"]));
    assert!(!stdout(&command(&["rights", "list", "support@example.test"])).contains("team"));
    stdout(&command(&["shared", "remove", "Support"]));
    check_failure(&command(&["shared", "remove", "Support"]), 1, &["no such shared area"]);
}

#[test]
fn quotas_are_set_and_kept() {
    let demo = Demo::start(&[]);
    let command = |arguments: &[&str]| demo.server.command(arguments);
    stdout(&command(&["domain", "quota", "example.test", "--each-size", "1GB", "--messages", "1000"]));
    let shown = demo.server.json(&["account", "quota", "bob@example.test", "--json"]);
    assert_eq!((&shown["max_bytes"], &shown["size_setting"]), (&1_000_000_000.into(), &"inherit".into()));
    assert!(stdout(&command(&["domain", "quota", "example.test"])).contains("each      1 GB, any number of messages"));
    let used = demo.server.json(&["account", "show", "bob@example.test", "--json"])["quota"]["used_messages"].clone();
    stdout(&command(&["account", "quota", "bob@example.test", "--messages", &used.to_string()]));
    assert!(stdout(&command(&["account", "list"])).contains("of 1 GB"));
    check_failure(&command(&["account", "quota", "bob@example.test", "--size", "lots"]), 1, &["--size", "5GB"]);
    check_failure(&command(&["domain", "quota", "nowhere.test"]), 1, &["there is no such domain"]);
    stdout(&command(&["account", "quota", "bob@example.test", "--messages", "none", "--size", "inherit"]));
    let shown = demo.server.json(&["account", "quota", "bob@example.test", "--json"]);
    assert_eq!((&shown["max_messages"], &shown["messages_setting"]), (&Value::Null, &"unlimited".into()));
}

#[test]
fn reports_about_tls_have_an_address_and_a_place() {
    let demo = Demo::start(&[]);
    let command = |arguments: &[&str]| demo.server.command(&[&["tls-reports"], arguments].concat());
    let records = stdout(&demo.server.command(&["transport", "records", "example.test"]));
    assert!(records.contains("rua=mailto:tls-reports@example.test"), "{records}");
    assert!(stdout(&command(&["list"])).contains("No report has come"));
    assert_eq!(demo.server.json(&["tls-reports", "summary", "--json"]).as_array().map(Vec::len), Some(0));
    check_failure(&command(&["show", "1"]), 1, &["no report 1"]);
    assert_eq!(command(&["list", "--days", "0"]).status.code(), Some(2));
    let mut mx = BufReader::new(TcpStream::connect(("127.0.0.1", demo.port("mx"))).unwrap());
    let mut says = |line: &str, code: &str| {
        mx.get_mut().write_all(line.as_bytes()).unwrap();
        let mut reply = String::new();
        while reply.lines().last().is_none_or(|line| line.as_bytes().get(3) == Some(&b'-')) {
            assert_ne!(mx.read_line(&mut reply).unwrap(), 0, "{reply}");
        }
        assert!(reply.starts_with(code), "{line}: {reply}");
        reply
    };
    says("", "220");
    says("EHLO far.example\r\n", "250");
    says("MAIL FROM:<x@far.example>\r\n", "250");
    says("RCPT TO:<TLS-Reports@example.test>\r\n", "250");
    says("DATA\r\n", "354");
    let refused = says("From: x@far.example\r\nSubject: hi\r\n\r\nhello\r\n.\r\n", "550");
    assert!(refused.contains("multipart/report"), "{refused}");
}

#[test]
fn a_subdomain_tells_whose_keys_it_borrows() {
    let demo = Demo::start(&[]);
    let list = |domain: &str| stdout(&demo.server.command(&["dkim", "list", domain]));
    stdout(&demo.server.command(&["domain", "add", "news.example.test"]));
    assert!(list("news.example.test").contains("is not signed"));
    stdout(&demo.server.command(&["dkim", "generate", "example.test", "--algorithm", "ed25519", "--selector", "one"]));
    assert!(list("news.example.test").contains("is not signed"), "a key that is pending signs nothing");
    stdout(&demo.server.command(&["dkim", "activate", "example.test", "--unchecked"]));
    let borrowed = list("news.example.test");
    for part in ["one", "active", "signed with those of example.test", "adkim=s", "dkim generate news.example.test"] {
        assert!(borrowed.contains(part), "{part}: {borrowed}");
    }
    assert!(!list("example.test").contains("adkim"));
    let listed = demo.server.json(&["dkim", "list", "news.example.test", "--json"]);
    let name = "one._domainkey.example.test";
    assert_eq!((&listed[0]["borrowed_from"], &listed[0]["record_name"]), (&"example.test".into(), &name.into()));
}

#[test]
fn keys_behind_senders_are_changed() {
    let demo = Demo::start(&[]);
    let srs = |arguments: &[&str]| demo.server.command(&[&["srs"], arguments].concat());
    let first = stdout(&srs(&["list"]));
    assert!(first.contains("active") && !first.contains("retired"), "{first}");
    let rotated = stdout(&srs(&["rotate"]));
    for part in ["rewritten with key 2 from now on", "active", "retired", "until "] {
        assert!(rotated.contains(part), "{part}: {rotated}");
    }
    for _ in 0..7 {
        stdout(&srs(&["rotate"]));
    }
    check_failure(&srs(&["rotate"]), 1, &["8 former keys are still needed", "--forget"]);
    stdout(&srs(&["rotate", "--forget"]));
    let left = demo.server.json(&["srs", "list", "--json"]);
    assert_eq!((left.as_array().map(Vec::len), &left[0]["state"]), (Some(1), &"active".into()));
}
