//! Routes: made, tried, used and removed while the server runs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::{Demo, check_failure, inbox, stdout, submit};

#[test]
fn a_route_leads_to_another_server() {
    let (here, there) = (Demo::start(&[]), Demo::start(&[]));
    let route = |arguments: &[&str]| here.server.command(&[&["route"], arguments].concat());
    let place = format!("127.0.0.1:{}", there.port("mx"));
    let add = ["add", "there", "--to", "elsewhere.test", "--host", &place, "--tls", "starttls-unverified"];
    assert!(stdout(&route(&add)).contains("Verify: "));
    check_failure(&route(&add), 1, &["already", "--replace"]);
    let limited = [&add[..], &["--replace", "--per-hour", "1"]].concat();
    stdout(&route(&limited));
    assert!(stdout(&route(&["test", "there"])).contains("ready, TLS1.3"));
    stdout(&there.server.command(&["domain", "add", "elsewhere.test"]));
    let (ann, _) = there.account(0);
    stdout(&there.server.command(&["alias", "add", "x@elsewhere.test", ann]));
    let (before, _) = inbox(&there, 0);
    submit(&here, 0, "x@elsewhere.test", "by the route");
    let begin = std::time::Instant::now();
    while inbox(&there, 0).0 == before {
        assert!(begin.elapsed() < std::time::Duration::from_secs(30), "nothing has come");
    }
    let shown = here.server.json(&["route", "show", "there", "--json"]);
    assert_eq!((&shown["gone"][1], &shown["limits"]["per_hour"]), (&1.into(), &1.into()));
    assert!(stdout(&route(&["list"])).contains("to elsewhere.test"));
    stdout(&route(&["remove", "there"]));
    check_failure(&route(&["remove", "there"]), 1, &["no such route"]);
}

#[test]
fn a_password_is_never_shown() {
    let demo = Demo::start(&[]);
    let route = |arguments: &[&str]| demo.server.command(&[&["route"], arguments].concat());
    let file = std::path::Path::new(demo.text("data_directory")).join("password");
    fs::write(&file, "hunter2\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let login = ["--login", "ann@gmail.com", "--password-file", file.to_str().unwrap()];
    check_failure(
        &route(&[&["add", "x", "--host", "a.example", "--tls", "none"], &login[..]].concat()),
        1,
        &["nobody signs in"],
    );
    stdout(&route(&[&["add", "gmail", "--preset", "gmail", "--from", "gmail.com"], &login[..]].concat()));
    for shown in [route(&["list"]), route(&["list", "--json"]), route(&["show", "gmail"])] {
        let shown = stdout(&shown);
        assert!(shown.contains("ann@gmail.com") && shown.contains("smtp.gmail.com:587"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let shown = demo.server.json(&["route", "show", "gmail", "--json"]);
    assert_eq!((&shown["limits"]["per_day"], &shown["limits"]["connections"]), (&500.into(), &1.into()));
    assert!(stdout(&route(&["presets"])).contains("smtp.mail.ru:465"));
    check_failure(&route(&["add", "y", "--preset", "nobody"]), 1, &["no preset nobody"]);
    check_failure(&route(&["add", "y"]), 1, &["--host, or a --preset"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    check_failure(&route(&[&["add", "z", "--preset", "gmail"], &login[..]].concat()), 1, &["chmod 600"]);
}

#[test]
fn secrets_of_every_kind_are_taken_and_none_is_shown() {
    let demo = Demo::start(&[]);
    let data = std::path::Path::new(demo.text("data_directory"));
    let route = |arguments: &[&str]| demo.server.command(&[&["route"], arguments].concat());
    let secret = |name: &str, text: &str| {
        let file = data.join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (refresh, client) = (secret("refresh", "refresh-hunter2\n"), secret("client", "client-hunter2\n"));
    let made = posthouse_tls::self_signed(&["own.example".to_owned()], 0, 253_402_300_799).unwrap();
    let (chain, key) = (secret("chain.pem", &made.certificate), secret("key.pem", &made.key));
    let login = ["--login", "ann@outlook.com"];
    let tokens = ["--refresh-token-file", &refresh, "--client-id", "me", "--client-secret-file", &client];
    stdout(&route(&[&["add", "o", "--preset", "outlook", "--from", "outlook.com"], &login[..], &tokens].concat()));
    let certified = ["add", "c", "--host", "relay.example", "--client-certificate", &chain, "--client-key", &key];
    stdout(&route(&certified));
    stdout(&route(&[&["add", "f", "--preset", "gmail", "--token-file", &refresh], &login[..]].concat()));
    let shown = demo.server.json(&["route", "show", "o", "--json"]);
    let endpoint = "refresh token at https://login.microsoftonline.com/common/oauth2/v2.0/token";
    assert_eq!((&shown["login"], &shown["login_by"]), (&"ann@outlook.com".into(), &endpoint.into()));
    assert!(stdout(&route(&["show", "c"])).contains("the certificate of own.example"));
    assert!(stdout(&route(&["show", "f"])).contains(&format!("ann@outlook.com, by token file {refresh}")));
    for shown in [route(&["list", "--json"]), route(&["show", "o"]), route(&["show", "c"])] {
        let shown = stdout(&shown);
        assert!(!shown.contains("hunter2") && !shown.contains("BEGIN"), "{shown}");
    }
    let password = ["--password-file", &refresh];
    let outlook = [&["add", "x", "--preset", "outlook"], &login[..]].concat();
    check_failure(&route(&[&outlook[..], &password].concat()), 1, &["takes no passwords"]);
    for unclear in [route(&outlook), route(&[&outlook[..], &password, &tokens].concat())] {
        assert_eq!(unclear.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&unclear.stderr).contains("--password-file"));
    }
    check_failure(&route(&[&certified[..], &["--replace", "--tls", "none"]].concat()), 1, &["nobody signs in"]);
    let wrong = ["add", "x", "--host", "relay.example", "--client-certificate", &refresh, "--client-key", &key];
    check_failure(&route(&wrong), 1, &["no certificate"]);
}
