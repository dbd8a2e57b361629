//! AUTH, its mechanisms' ways of going wrong, and its limits.

use posthouse_model::session::TlsMode;
use posthouse_sasl::Mechanism;

use super::dialect::{mx, submission};
use crate::server::AuthenticationPolicy;

#[track_caller]
fn check(script: &str) {
    submission(TlsMode::Implicit).check_greeted(script);
}

#[test]
fn plain_with_and_without_an_initial_response() {
    check(
        r"
        C: auth plain
        ? auth PLAIN
        ! nonce
        S> 334 \r\n
        C: AHUAcA==
        ? password u p
        ! right
        ? authorize u PLAIN
        ! granted
        S* 235 2.7.0
        C: AUTH PLAIN AHUAcA==
        S: 503 5.5.1 AUTH is not possible now
        ",
    );
}

#[test]
fn login_asks_twice() {
    check(
        r"
        C: AUTH LOGIN
        ? auth LOGIN
        ! nonce
        S: 334 VXNlcm5hbWU6
        C: dQ==
        S: 334 UGFzc3dvcmQ6
        C: cA==
        ? password u p
        ! right
        ? authorize u LOGIN
        ! granted
        S* 235
        ",
    );
}

#[test]
fn acting_as_another_is_for_the_house_to_allow() {
    check(
        r"
        C: AUTH PLAIN b3RoZXIAdQBw
        ? auth PLAIN
        ! nonce
        ? password u p
        ! right
        ? authorize u as other PLAIN
        ! denied
        S: 535 5.7.8 Authentication credentials invalid
        C: MAIL FROM:<u@example.org>
        S* 530
        ",
    );
}

#[test]
fn failures_are_counted() {
    check(
        r"
        C: AUTH PLAIN AHUAcA==
        ? auth PLAIN
        ! nonce
        ? password u p
        ! wrong
        ? auth-failed PLAIN
        S: 535 5.7.8 Authentication credentials invalid
        C: AUTH PLAIN AHUAcA==
        ? auth PLAIN
        ! nonce
        ? password u p
        ! unavailable
        S: 454 4.7.0 Temporary authentication failure
        C: AUTH PLAIN AHUAcA==
        ? auth PLAIN
        ! nonce
        ? password u p
        ! wrong
        ? auth-failed PLAIN
        S* 535 5.7.8
        S: 421 4.7.0 Too many failed authentications, closing the connection
        CLOSE AuthenticationFailures
        ",
    );
}

#[test]
fn broken_exchanges() {
    check(
        r"
        C: AUTH PLAIN !!!
        ? auth PLAIN
        ! nonce
        S: 501 5.5.2 Cannot decode the authentication response
        C: AUTH LOGIN
        ? auth LOGIN
        ! nonce
        S* 334
        C: *
        S: 501 5.7.0 Authentication cancelled
        C: AUTH PLAIN
        ? auth PLAIN
        ! nonce
        S* 334
        C: not base64
        S: 501 5.5.2 Cannot decode the authentication response
        S* 421
        CLOSE AuthenticationFailures
        ",
    );
    check(
        r"
        C: AUTH
        S: 501 5.5.4 Argument missing
        C: AUTH PLAIN a b
        S: 501 5.5.4 Argument not allowed
        C: AUTH GSSAPI
        S: 504 5.5.4 Authentication mechanism not available
        C: AUTH CRAM-MD5
        S: 504 5.5.4 Authentication mechanism not available
        C: AUTH PLAIN =
        ? auth PLAIN
        ! nonce
        S: 501 5.5.2 Cannot decode the authentication response
        C: AUTH PLAIN AHUAcA==
        ? auth PLAIN
        ! throttled
        S* 454 4.7.0
        ",
    );
}

#[test]
fn lines_of_an_exchange_are_bounded() {
    check(
        r"
        C: AUTH PLAIN
        ? auth PLAIN
        ! nonce
        S* 334
        C> \(13000*A)\r\nNOOP\r\n
        S: 500 5.5.6 Authentication exchange line is too long
        S* 250
        C> AUTH PLAIN \(13000*A)\r\nNOOP\r\n
        S: 500 5.5.2 Line too long
        S* 250
        C: AUTH PLAIN
        ? auth PLAIN
        ! nonce
        S* 334
        C> AHUAcA==\nNOOP\r\nNOOP\r\n
        S: 500 5.5.2 Lines must end in <CR><LF>
        S* 250
        ",
    );
}

#[test]
fn no_password_in_clear() {
    let listener = submission(TlsMode::StartTlsOptional).with(|config| config.mechanisms.push(Mechanism::CramMd5));
    listener.check(
        r"
        S* 220
        C: AUTH PLAIN AHUAcA==
        S: 503 5.5.1 AUTH is not possible now
        C: EHLO c.example
        S* 250-mail
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-STARTTLS
        S: 250-AUTH SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5
        S* 250 LIMITS
        C: AUTH PLAIN AHUAcA==
        S: 538 5.7.11 Encryption required for this authentication mechanism
        C: AUTH LOGIN
        S* 538 5.7.11
        C: AUTH SCRAM-SHA-256-PLUS
        S* 504 5.5.4
        C: AUTH CRAM-MD5 dQ==
        ? auth CRAM-MD5
        ! nonce
        S* 501 5.5.2
        ",
    );
}

#[test]
fn an_mx_has_no_auth_but_on_request() {
    mx().check_greeted("C: AUTH PLAIN AHUAcA==\nS: 503 5.5.1 AUTH is not possible now\n");
    let listener = mx().with(|config| {
        config.authentication = AuthenticationPolicy::Offered;
        config.mechanisms = vec![Mechanism::Plain];
    });
    listener.check(
        "S* 220\nC: STARTTLS\nS* 220\nTLS\nC: HELO x\nS* 250\nC: AUTH PLAIN AHUAcA==\nS* 503\nC: MAIL FROM:<a@b.example>\n\
         ? sender <a@b.example>\n! ok\nS* 250\nC: AUTH PLAIN AHUAcA==\nS* 503\n",
    );
}

#[test]
fn no_password_is_printed() {
    use posthouse_model::session::Session;
    use posthouse_model::time::Instant;
    use posthouse_testkit::transcript::Dialect;

    let mut session = submission(TlsMode::None).with(|config| config.mechanisms = vec![Mechanism::CramMd5]).start();
    session.receive(b"EHLO c.example\r\nAUTH CRAM-MD5 hunter2\r\nAUTH PLAIN hunter2", Instant(0));
    let printed = format!("{session:?}");
    assert!(printed.contains("AuthenticationStart") && !printed.contains("hunter2"), "{printed}");
}
