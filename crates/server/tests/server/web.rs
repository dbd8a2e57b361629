//! The small server of HTTP, and those who mean it no good.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use posthouse_server::ListenerRole;
use posthouse_server::web::{Reply, Request, Site};
use posthouse_storage::MemoryStorage;

use crate::house::{Draft, HEALTH, HTTPS, TestHouse};

/// A timeout short enough to be awaited.
const SOON: Duration = Duration::from_millis(300);

/// Says what it was asked.
struct Echo;

#[async_trait]
impl Site for Echo {
    fn takes(&self, _role: ListenerRole, path: &str) -> bool {
        path == "/take"
    }

    async fn answer(&self, role: ListenerRole, request: Request) -> Reply {
        let Request { method, path, host, body, .. } = request;
        match path.as_str() {
            "/here" | "/take" => {
                let text = format!("{} {method:?} {host} {}\n", role.name(), body.len());
                Reply::text(200, "text/plain", text)
            }
            _ => Reply::plain(404),
        }
    }
}

async fn house_with(change: impl FnOnce(&mut Draft)) -> TestHouse {
    let mut draft = TestHouse::draft(MemoryStorage::new()).await;
    change(&mut draft);
    let house = draft.start();
    house.server.answer_by(Arc::new(Echo));
    house
}

/// What comes back until the connection ends.
async fn ask(house: &TestHouse, octets: &[u8]) -> String {
    let mut client = house.connect(HEALTH).await;
    // Where the head alone is refused the rest may find nobody.
    let _ = client.try_send(octets).await;
    String::from_utf8(client.rest().await).unwrap()
}

async fn check(house: &TestHouse, octets: &[u8], status: &str) {
    let reply = ask(house, octets).await;
    assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{}: {reply}", String::from_utf8_lossy(octets));
    assert_eq!(reply.matches("HTTP/1.1 ").count(), 1, "{reply}");
}

#[tokio::test]
async fn requests_are_answered() {
    let house = house_with(|_| {}).await;
    let reply = ask(&house, b"GET /here?x HTTP/1.1\r\nHost: a.example:80\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("\r\n\r\nhealth Get a.example 0\n"), "{reply}");
    let reply = ask(&house, b"HEAD /here HTTP/1.1\r\nHost: a.example\r\n\r\n").await;
    assert!(reply.contains("Content-Length: 24\r\n") && reply.ends_with("\r\n\r\n"), "{reply}");
    let reply = ask(&house, b"GET /here HTTP/1.0\r\n\r\n").await;
    assert!(reply.ends_with("health Get  0\n"), "{reply}");
    let reply = ask(&house, b"POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").await;
    assert!(reply.ends_with("health Post a 3\n"), "{reply}");
    let chunks =
        b"POST /take HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let reply = ask(&house, chunks).await;
    assert!(reply.ends_with("health Post a 5\n"), "{reply}");
    check(&house, b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", "404").await;
    check(&house, b"GET /here/%2e%2e/ HTTP/1.1\r\nHost: a\r\n\r\n", "404").await;
    check(&house, b"GET /HERE HTTP/1.1\r\nHost: a\r\n\r\n", "404").await;
    check(&house, b"POST /here HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "405").await;
    check(&house, b"DELETE /here HTTP/1.1\r\nHost: a\r\n\r\n", "501").await;
    check(&house, b"CONNECT b.example:25 HTTP/1.1\r\nHost: a\r\n\r\n", "501").await;
    check(&house, b"GET /here HTTP/1.1\r\n\r\n", "400").await;
    check(&house, b"EHLO far.example\r\n\r\n", "400").await;
}

#[tokio::test]
async fn who_waits_for_leave_gets_it_where_something_is_taken() {
    let house = house_with(|_| {}).await;
    let mut client = house.connect(HEALTH).await;
    client.send_raw(b"POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n").await;
    client.expect("HTTP/1.1 100 ").await;
    client.expect("").await;
    client.send_raw(b"abc").await;
    client.expect("HTTP/1.1 200 ").await;
    let refused = b"POST /here HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    check(&house, refused, "405").await;
    let long = b"POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n";
    check(&house, long, "413").await;
}

/// The attack: a request inside another one, which somebody in front of us takes for its body, or we do.
#[tokio::test]
async fn what_stands_behind_a_request_is_never_another_one() {
    let house = house_with(|_| {}).await;
    let second = "GET /here HTTP/1.1\r\nHost: b\r\n\r\n";
    check(&house, format!("GET /none HTTP/1.1\r\nHost: a\r\n\r\n{second}").as_bytes(), "404").await;
    check(&house, second.repeat(100).as_bytes(), "200").await;
    for (fields, status) in [
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "400"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "400"),
        ("Content-Length: 0\r\nContent-Length: 3\r\n", "400"),
        ("Content-Length: 3\r\nContent-Length: 3\r\n", "400"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "400"),
        ("Transfer-Encoding: x, chunked\r\n", "501"),
        ("Transfer-Encoding : chunked\r\n", "400"),
        ("X: y\r\n Content-Length: 3\r\n", "400"),
        ("X: y\nContent-Length: 3\r\n", "400"),
    ] {
        let text = format!("POST /take HTTP/1.1\r\nHost: a\r\n{fields}\r\n0\r\n\r\n{second}");
        check(&house, text.as_bytes(), status).await;
    }
    check(&house, format!("POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n{second}").as_bytes(), "200")
        .await;
    check(&house, format!("GET /here HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc{second}").as_bytes(), "400")
        .await;
}

#[tokio::test]
async fn nothing_is_too_long() {
    let house = house_with(|draft| draft.listener(HEALTH).web_limits.body_bytes = 1000).await;
    check(&house, format!("GET /{} HTTP/1.1\r\n", "x".repeat(100_000)).as_bytes(), "414").await;
    check(&house, format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n", "y".repeat(100_000)).as_bytes(), "431").await;
    check(&house, format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(1000)).as_bytes(), "431").await;
    let post = "POST /take HTTP/1.1\r\nHost: a\r\n";
    check(&house, format!("{post}Content-Length: 1001\r\n\r\n").as_bytes(), "413").await;
    check(&house, format!("{post}Content-Length: 99999999999999999999999\r\n\r\n").as_bytes(), "413").await;
    let chunks = "1f4\r\n".to_owned() + &"x".repeat(500) + "\r\n";
    check(&house, format!("{post}Transfer-Encoding: chunked\r\n\r\n{}", chunks.repeat(3)).as_bytes(), "413").await;
    check(&house, format!("{post}Transfer-Encoding: chunked\r\n\r\n{}", "1;".repeat(1000)).as_bytes(), "400").await;
}

/// The attack of Slowloris: an octet now and then keeps a connection for ever.
#[tokio::test]
async fn who_is_slow_is_cut_off() {
    let house = house_with(|draft| {
        let limits = &mut draft.listener(HEALTH).web_limits;
        (limits.head_timeout, limits.body_timeout) = (SOON, SOON);
    })
    .await;
    let mut silent = house.connect(HEALTH).await;
    silent.expect_end().await;
    for (text, status) in [
        ("G", "408"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: ", "408"),
        ("POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na", "408"),
        ("POST /take HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", "408"),
    ] {
        check(&house, text.as_bytes(), status).await;
    }
    // The time counts from the beginning, and not from the last octet.
    let mut dripping = house.connect(HEALTH).await;
    dripping.send_raw(b"GET / HTTP/1.1\r\n").await;
    while dripping.try_send(b"X: y\r\n").await.is_ok() {
        tokio::time::sleep(SOON / 10).await;
    }
}

#[tokio::test]
async fn connections_have_bounds() {
    let house = house_with(|draft| draft.listener(HEALTH).limits.max_connections = 1).await;
    let mut first = house.connect(HEALTH).await;
    first.send_raw(b"GET /here").await;
    check(&house, b"", "503").await;
    first.send_raw(b" HTTP/1.1\r\nHost: a\r\n\r\n").await;
    first.expect("HTTP/1.1 200 ").await;
}

#[tokio::test]
async fn there_is_tls_and_nothing_before_the_house_is_ready() {
    let draft = TestHouse::draft(MemoryStorage::new()).await;
    let house = draft.start();
    check(&house, b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n", "503").await;
    assert!(house.server.is_accepting());
    house.server.answer_by(Arc::new(Echo));
    let mut client = house.connect_tls(HTTPS).await;
    client.send_raw(b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let reply = String::from_utf8(client.rest().await).unwrap();
    assert!(reply.ends_with("https Get a 0\n"), "{reply}");
    // Whoever speaks in clear to the port of TLS gets nothing.
    let mut clear = house.connect(HTTPS).await;
    clear.send_raw(b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n").await;
    clear.expect_end().await;
    house.server.shutdown().await;
    assert!(!house.server.is_accepting());
}
