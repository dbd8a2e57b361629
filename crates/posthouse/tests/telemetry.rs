//! Traces, as a collector sees them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Demo, inbox, stdout, submit};

/// How long anything may take before a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector on this host, which answers each request with the next of `answers`, and with the last for ever.
fn collector(answers: &'static [&'static str]) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let answer = answers[number.min(answers.len() - 1)];
            if sender.send(take(stream.unwrap(), answer)).is_err() {
                return;
            }
        }
    });
    (endpoint, requests)
}

/// Takes one request, which is one of OTLP, and gives what it holds.
fn take(stream: TcpStream, answer: &str) -> Value {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "POST /v1/traces HTTP/1.1\r\n");
    let (mut length, mut is_json) = (0, false);
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().unwrap(),
            Some(("Content-Type", value)) => is_json = value == "application/json",
            Some(_) => {}
            None => break,
        }
    }
    assert!(is_json && (1..1 << 20).contains(&length));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let content = "{\"partialSuccess\":{}}";
    let head =
        format!("HTTP/1.1 {answer}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", content.len());
    reader.get_mut().write_all(format!("{head}{content}").as_bytes()).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// A demonstration that tells this collector.
fn demo(directory: &Path, endpoint: &str) -> Demo {
    let settings = directory.join("settings.toml");
    std::fs::write(&settings, format!("[telemetry]\nendpoint = \"{endpoint}\"\nservice_name = \"our-post\"\n"))
        .unwrap();
    Demo::start(&["--settings", settings.to_str().unwrap()])
}

/// The spans of the trace with this number, until there are `count`, with the resource of the last of them.
fn spans_of(requests: &Receiver<Value>, trace: &str, count: usize) -> (Vec<Value>, Value) {
    let mut found = Vec::new();
    loop {
        let request = requests.recv_timeout(PATIENCE).unwrap();
        let of = &request["resourceSpans"][0];
        let spans = of["scopeSpans"][0]["spans"].as_array().unwrap();
        found.extend(spans.iter().filter(|span| span["traceId"] == trace).cloned());
        if found.len() >= count {
            return (found, of["resource"].clone());
        }
    }
}

/// The trace of the newest message about an address, as the command line tells of it.
fn newest_trace(demo: &Demo, about: &str) -> (String, String) {
    let journeys = demo.server.json(&["trail", about, "--json"]);
    let newest = journeys.as_array().unwrap().last().unwrap();
    let text = |name: &str| newest[name].as_str().unwrap().to_owned();
    (text("id"), text("trace"))
}

fn dropped(demo: &Demo) -> u64 {
    let metrics = stdout(&demo.server.command(&["metrics"]));
    let line = metrics.lines().find_map(|line| line.strip_prefix("posthouse_telemetry_dropped_total "));
    line.unwrap().parse().unwrap()
}

#[test]
fn a_message_is_one_trace_from_reception_to_delivery() {
    // What is busy for now is asked again.
    let (endpoint, requests) = collector(&["503 Busy\r\nRetry-After: 0", "200 OK"]);
    let directory = tempfile::tempdir().unwrap();
    let demo = demo(directory.path(), &endpoint);
    let ((ann, _), (bob, _)) = (demo.account(0), demo.account(1));
    submit(&demo, 0, bob, "top secret subject");
    let (journey, trace) = newest_trace(&demo, bob);
    assert!(stdout(&demo.server.command(&["trail", &journey])).contains(&format!("message {journey}  trace {trace}")));

    let (spans, resource) = spans_of(&requests, &trace, 2);
    let by_name = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap();
    let (received, delivered) = (by_name("received"), by_name("delivered"));
    assert_eq!(received.get("parentSpanId"), None);
    assert_eq!(delivered["parentSpanId"], received["spanId"]);
    assert_ne!(delivered["spanId"], received["spanId"]);
    assert!(received["startTimeUnixNano"].as_str().unwrap().ends_with("000000"));
    let has = |span: &Value, key: &str, value: &str| {
        let wanted = json!({ "key": key, "value": { "stringValue": value } });
        assert!(span["attributes"].as_array().unwrap().contains(&wanted), "{key} {value} in {span}");
    };
    has(received, "posthouse.journey", &journey);
    has(received, "network.peer.address", "127.0.0.1");
    has(received, "tls.protocol.version", "1.3");
    has(received, "messaging.operation.type", "receive");
    has(delivered, "messaging.destination.name", bob.split_once('@').unwrap().1);
    has(&resource, "service.name", "our-post");
    for secret in ["secret", ann, bob, "hello"] {
        assert!(spans.iter().all(|span| !span.to_string().contains(secret)), "{secret}");
    }
    assert_eq!(dropped(&demo), 0);
    demo.server.stop();
}

#[test]
fn a_collector_that_is_away_keeps_no_mail_waiting() {
    // It takes connections, and never says a word.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let demo = demo(directory.path(), &format!("http://{}", listener.local_addr().unwrap()));
    let (bob, _) = demo.account(1);
    let (before, _) = inbox(&demo, 1);
    (0..3).for_each(|number| drop(submit(&demo, 0, bob, &format!("number {number}"))));
    assert_eq!(inbox(&demo, 1).0, before + 3);
    // Nor does it keep the server from ending.
    let connection = listener.accept().unwrap();
    let begun = Instant::now();
    demo.server.stop();
    assert!(begun.elapsed() < PATIENCE);
    drop(connection);
}

#[test]
fn what_nobody_takes_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    // Nobody listens there any more.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let demo = demo(directory.path(), &format!("http://{closed}"));
    let (bob, _) = demo.account(1);
    submit(&demo, 0, bob, "one");
    let begun = Instant::now();
    while dropped(&demo) < 2 {
        assert!(begun.elapsed() < PATIENCE);
    }
    assert!(inbox(&demo, 1).1.contains("one"));
}

#[test]
fn nobody_is_told_unless_the_administrator_says_so() {
    let demo = Demo::start(&[]);
    let (bob, _) = demo.account(1);
    submit(&demo, 0, bob, "one");
    let journeys = demo.server.json(&["trail", bob, "--json"]);
    assert!(journeys.as_array().unwrap().iter().all(|journey| journey.get("trace").is_none()));
    assert_eq!(dropped(&demo), 0);
}
