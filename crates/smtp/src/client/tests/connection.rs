//! From the greeting to readiness, and to the end.

use posthouse_model::Secret;
use posthouse_model::time::Instant;
use posthouse_sasl::Mechanism;
use posthouse_sasl::line::encode_line;

use super::dialect::{authentication, client};
use crate::client::{ClientProtocol, ClientSession, ClientStep, ClientTlsMode};

#[test]
fn a_plain_server_will_do() {
    client().check_offered(&[], "? ready\n! quit\nC: QUIT\nS: 221 bye\nCLOSE Quit\n");
    client().check(
        r"
        S: 220-first
        S: 220 s.example
        C: EHLO c.example
        S: 500 what?
        C: HELO c.example
        S: 250 s.example
        ? ready
        ! quit
        C: QUIT
        EOF
        CLOSE Quit
        ",
    );
    client().check_offered(&[], "? ready\n! quit\nC: QUIT\n+5s\nCLOSE Quit\n");
}

#[test]
fn a_session_that_has_failed_is_not_ready() {
    let mut session = ClientSession::new(client().0, Instant(0));
    session.receive(b"220 hi\r\n250 s.example\r\n250 that nobody asked for\r\n", Instant(0));
    let steps: Vec<ClientStep> = std::iter::from_fn(|| session.next()).collect();
    assert!(!steps.contains(&ClientStep::Ready), "{steps:?}");
    assert!(matches!(steps.last(), Some(ClientStep::Close(Err(_)))), "{steps:?}");
}

#[test]
fn refusals_are_told() {
    client().check("S: 554 no\n? failed: the server refuses at Greeting: 554 no\nCLOSE ProtocolError");
    client().check("S: 421 4.3.2 busy\n? failed: the server refuses at Greeting: 421 4.3.2 busy\nCLOSE ProtocolError");
    client().check("S: 250 hi\n? failed: an unexpected reply at Greeting: 250 hi\nCLOSE ProtocolError");
    client().check("S: 220 hi\nC: EHLO c.example\nS: 421 bye\n? failed: the server closes the connection: 421 bye\nCLOSE ProtocolError");
    client().check(
        "S: 220 hi\nC: EHLO c.example\nS: 450 no\n? failed: the server refuses at Ehlo: 450 no\nCLOSE ProtocolError",
    );
    client().check("S: HTTP/1.1 400\n? failed: not a reply: a line without a reply code\nCLOSE ProtocolError");
    client().check("EOF\n? failed: the connection was lost at Greeting\nCLOSE ProtocolError");
    client().check("+5m\n? failed: timeout at Greeting\nCLOSE ProtocolError");
    client().check_offered(
        &[],
        "? ready\nS: 421 idle\n? failed: the server closes the connection: 421 idle\nCLOSE ProtocolError",
    );
    client().check_offered(
        &[],
        "? ready\nS: 250 what\n? failed: an unexpected reply at Idle: 250 what\nCLOSE ProtocolError",
    );
}

#[test]
fn tls_if_it_is_offered() {
    client().check_offered(
        &["STARTTLS", "SIZE 5"],
        r"
        C: STARTTLS
        S: 220 go
        TLS
        C: EHLO c.example
        S: 250 s.example
        ? ready
        ",
    );
    client().check_offered(&["STARTTLS"], "C: STARTTLS\nS: 454 not now\n? ready\n");
    client().with(|c| c.tls_mode = ClientTlsMode::Off).check_offered(&["STARTTLS"], "? ready\n");
}

#[test]
fn tls_or_nothing() {
    let required = client().with(|c| c.tls_mode = ClientTlsMode::Required);
    required.check_offered(&[], "? failed: the server does not offer STARTTLS\nCLOSE ProtocolError\n");
    required.check_offered(
        &["STARTTLS"],
        "C: STARTTLS\nS: 454 no\n? failed: the server refuses STARTTLS: 454 no\nCLOSE ProtocolError\n",
    );
    required.check(
        "S: 220 x\nC: EHLO c.example\nS: 502 no\n? failed: the server refuses at Ehlo: 502 no\nCLOSE ProtocolError\n",
    );
    client()
        .with(|c| c.tls_mode = ClientTlsMode::Implicit)
        .check("TLS\nS: 220 x\nC: EHLO c.example\nS: 250-x\nS: 250 STARTTLS\n? ready\n");
}

#[test]
fn clear_text_behind_starttls_is_an_attack() {
    client().check_whole(
        "S: 220 x\nC: EHLO c.example\nS: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS> 220 go\\r\\n250 injected\\r\\n\n\
         ? failed: clear text behind the reply to STARTTLS\nCLOSE ProtocolError\n",
    );
}

#[test]
fn a_login_is_used() {
    let plain = client().with(|c| c.authentication = Some(authentication(&[Mechanism::Plain, Mechanism::Login])));
    // Never outside TLS.
    plain.check_offered(
        &["AUTH PLAIN LOGIN"],
        "? failed: no authentication mechanism that we may use is offered\nCLOSE ProtocolError\n",
    );
    let tls = plain.with(|c| c.tls_mode = ClientTlsMode::Implicit);
    let offer = |mechanisms: &str| format!("TLS\nS: 220 x\nC: EHLO c.example\nS: 250-x\nS: 250 AUTH {mechanisms}\n");
    tls.check(&format!("{}C: AUTH PLAIN AHUAcA==\nS: 235 2.7.0 ok\n? ready\n", offer("LOGIN PLAIN")));
    tls.check(&format!(
        "{}C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dQ==\nS: 334 Password:\nC: cA==\nS: 235 ok\n? ready\n",
        offer("LOGIN")
    ));
    tls.check(&format!(
        "{}C: AUTH PLAIN AHUAcA==\nS: 535 5.7.8 no\n? failed: authentication refused: 535 5.7.8 no\nCLOSE ProtocolError\n",
        offer("PLAIN")
    ));
    tls.check(&format!(
        "{}C: AUTH LOGIN\nS: 235 ok\n? failed: authentication failed: success before the exchange is complete\nCLOSE ProtocolError\n",
        offer("LOGIN")
    ));
}

#[test]
fn a_token_is_used() {
    let base64 = |text: &str| encode_line(text.as_bytes());
    let with = |token: &str| {
        let mut by_token = authentication(&Mechanism::BY_TOKEN);
        by_token.credentials.password = Secret::new(token);
        client().with(|c| {
            c.authentication = Some(by_token);
            c.tls_mode = ClientTlsMode::Implicit;
        })
    };
    let offer = |mechanisms: &str| format!("TLS\nS: 220 x\nC: EHLO c.example\nS: 250-x\nS: 250 AUTH {mechanisms}\n");
    let first = base64("n,a=u,\x01auth=Bearer t0k-en\x01\x01");
    let bearer = format!("{}C: AUTH OAUTHBEARER {first}\n", offer("XOAUTH2 OAUTHBEARER PLAIN"));
    with("t0k-en").check(&format!("{bearer}S: 235 2.7.0 ok\n? ready\n"));
    let error = base64("{\"status\":\"invalid_token\"}");
    with("t0k-en").check(&format!(
        "{bearer}S: 334 {error}\nC: AQ==\nS: 535 5.7.8 no\n? failed: authentication refused: 535 5.7.8 no\nCLOSE ProtocolError\n"
    ));
    // Too long for a command line; and what was said no to is answered with nothing.
    let long = "x".repeat(2000);
    let first = base64(&format!("user=u\x01auth=Bearer {long}\x01\x01"));
    let begun = format!("{}C: AUTH XOAUTH2\nS: 334 \nC: {first}\n", offer("XOAUTH2 PLAIN"));
    with(&long).check(&format!("{begun}S: 235 2.7.0 ok\n? ready\n"));
    with(&long).check(&format!(
        "{begun}S: 334 {error}\nC: \nS: 535-5.7.8 no\nS: 535 5.7.8 never\n\
         ? failed: authentication refused: 535 5.7.8 no 5.7.8 never\nCLOSE ProtocolError\n"
    ));
    // A token is no password.
    with("t0k-en").check(&format!(
        "{}? failed: no authentication mechanism that we may use is offered\nCLOSE ProtocolError\n",
        offer("PLAIN LOGIN")
    ));
}

#[test]
fn lmtp_says_lhlo() {
    client().with(|c| c.protocol = ClientProtocol::Lmtp).check(
        "S: 220 x\nC: LHLO c.example\nS: 500 no\n? failed: the server refuses at Ehlo: 500 no\nCLOSE ProtocolError\n",
    );
}

#[test]
fn a_handshake_can_fail() {
    use posthouse_model::time::Instant;

    use crate::client::{ClientFailure, ClientSession, ClientStep};

    let mut session = ClientSession::new(client().with(|c| c.tls_mode = ClientTlsMode::Implicit).0, Instant(0));
    session.tls_failed(Instant(1));
    assert_eq!(session.next(), Some(ClientStep::Close(Err(ClientFailure::TlsHandshake))));
    assert_eq!(session.next(), None);
    let mut session = ClientSession::new(client().with(|c| c.tls_mode = ClientTlsMode::Implicit).0, Instant(0));
    session.receive(b"220 too early\r\n", Instant(1));
    assert_eq!(session.next(), Some(ClientStep::Close(Err(ClientFailure::InjectedPlaintext))));
}
