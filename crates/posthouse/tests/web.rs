//! What the server answers over HTTP.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;
use support::{Demo, Talk, stdout};

/// What the listener for others says.
fn https(demo: &Demo, request: &str) -> String {
    let mut talk = Talk::begin(demo.port("https"), Path::new(demo.text("ca_certificate")));
    talk.send(request);
    talk.rest()
}

/// What the one for whoever watches says.
fn health(demo: &Demo, path: &str) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", demo.port("health"))).unwrap();
    socket.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).unwrap();
    let mut reply = String::new();
    socket.read_to_string(&mut reply).unwrap();
    reply
}

fn get(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n")
}

#[test]
fn the_policy_of_each_domain_is_served() {
    let demo = Demo::start(&[]);
    let path = "/.well-known/mta-sts.txt";
    let reply = https(&demo, &get("MTA-STS.example.test:443", path));
    assert!(reply.starts_with("HTTP/1.1 200 ") && reply.contains("\r\nContent-Type: text/plain\r\n"), "{reply}");
    let (_, policy) = reply.split_once("\r\n\r\n").unwrap();
    assert_eq!(policy, "version: STSv1\r\nmode: testing\r\nmx: localhost\r\nmax_age: 604800\r\n");
    let records: Value = demo.server.json(&["transport", "records", "example.test", "--json"]);
    let told = |text: &str| records.as_array().unwrap().iter().any(|one| one["text"].as_str().unwrap().contains(text));
    assert!(told(&policy.replace("\r\n", "\n")) && told("mta-sts.example.test. IN CNAME"), "{records}");
    for (host, path) in [
        ("mta-sts.far.example", path),
        ("example.test", path),
        ("mta-sts.mta-sts.example.test", path),
        ("mta-sts.", path),
        ("mta-sts.example.test", "/.well-known/../.well-known/mta-sts.txt"),
        ("mta-sts.example.test", "/"),
        // What is for whoever watches over us is for nobody else.
        ("localhost", "/metrics"),
        ("localhost", "/health/ready"),
    ] {
        let reply = https(&demo, &get(host, path));
        assert!(reply.starts_with("HTTP/1.1 404 "), "{host}{path}: {reply}");
    }
}

#[test]
fn reports_can_be_posted() {
    let demo = Demo::start(&[]);
    let post = |media_type: &str, body: &str| {
        let length = body.len();
        let fields = format!("Host: localhost\r\nContent-Type: {media_type}\r\nContent-Length: {length}");
        https(&demo, &format!("POST /tls-reports HTTP/1.1\r\n{fields}\r\n\r\n{body}"))
    };
    let yesterday = || {
        let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        i64::try_from(seconds).unwrap() - 24 * 60 * 60
    };
    let at = jiff::Timestamp::from_second(yesterday()).unwrap().to_string();
    let report = |domain: &str| {
        format!(
            "{{\"organization-name\":\"Far\",\"date-range\":{{\"start-datetime\":\"{at}\",\"end-datetime\":\"{at}\"}},\
             \"report-id\":\"1\",\"policies\":[{{\"policy\":{{\"policy-type\":\"sts\",\"policy-domain\":\"{domain}\"}},\
             \"summary\":{{\"total-successful-session-count\":5,\"total-failure-session-count\":3}},\"failure-details\":\
             [{{\"result-type\":\"certificate-expired\",\"sending-mta-ip\":\"192.0.2.9\",\"receiving-mx-hostname\":\
             \"localhost\",\"failed-session-count\":3}}]}}]}}"
        )
    };
    let json = "application/tlsrpt+json";
    for (media_type, body, status) in [
        (json, report("example.test"), "200"),
        (json, report("example.test"), "200"),
        (json, report("far.example"), "422"),
        (json, "{}".to_owned(), "400"),
        ("application/tlsrpt+gzip", report("example.test"), "400"),
        ("text/plain", report("example.test"), "415"),
    ] {
        let reply = post(media_type, &body);
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{media_type} {body}: {reply}");
    }
    let reply = https(&demo, &get("localhost", "/tls-reports"));
    assert!(reply.starts_with("HTTP/1.1 405 ") && reply.contains("\r\nAllow: POST\r\n"), "{reply}");
    let listed = demo.server.json(&["tls-reports", "list", "--json"]);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["source"]), (1, &"127.0.0.1".into()));
    let number = listed[0]["number"].to_string();
    let shown = stdout(&demo.server.command(&["tls-reports", "show", &number]));
    assert!(shown.contains("3 × certificate-expired: from 192.0.2.9 to localhost"), "{shown}");
    let summary = stdout(&demo.server.command(&["tls-reports", "summary", "--domain", "example.test"]));
    assert!(summary.contains("5 sessions succeeded, 3 failed (37.5 %)") && summary.contains("renew it"), "{summary}");
}

#[test]
fn whoever_watches_is_told() {
    let demo = Demo::start(&[]);
    assert!(health(&demo, "/health/live").ends_with("\r\n\r\nlive\n"));
    let reply = health(&demo, "/health/ready");
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let found: Value = serde_json::from_str(body).unwrap();
    // A machine for tests may have little room.
    let is_ready = found["disk"] == true;
    assert_eq!((&found["store"], &found["listeners"], &found["queue"]), (&true.into(), &true.into(), &true.into()));
    assert_eq!(head.starts_with("HTTP/1.1 200 "), is_ready, "{reply}");
    let reply = health(&demo, "/metrics");
    assert!(
        reply.contains("\nposthouse_connections_total{listener=\"health\"}") && reply.ends_with("# EOF\n"),
        "{reply}"
    );
    for path in ["/", "/.well-known/mta-sts.txt", "/tls-reports"] {
        assert!(health(&demo, path).starts_with("HTTP/1.1 404 "), "{path}");
    }
}
