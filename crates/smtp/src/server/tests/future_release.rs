//! FUTURERELEASE (RFC 4865).

use posthouse_model::session::TlsMode;
use posthouse_testkit::transcript;

use super::dialect::{Dated, Listener, SIGN_IN, lmtp, mx, submission};
use crate::server::{AuthenticationPolicy, DEFAULT_MAX_HOLD};

const OFFERED: [&str; 2] = ["FUTURERELEASE 2592000 2023-12-14T22:13:20Z", "DELIVERBY"];

#[track_caller]
fn check(script: &str) {
    let listener = submission(TlsMode::Implicit);
    let greeted = listener.greeted(&OFFERED);
    transcript::check(&Dated(listener), &format!("{greeted}{SIGN_IN}{script}"));
}

#[test]
fn a_message_waits_for_a_while_or_until_a_date() {
    check(
        r"
        C: MAIL FROM:<u@example.org> HOLDFOR=60
        ? sender <u@example.org> hold=for;60 at=2023-11-14T22:14:20Z
        ! ok
        S* 250
        C: RSET
        S* 250
        C: MAIL FROM:<u@example.org> SIZE=10 holdfor=2592000 RET=HDRS
        ? sender <u@example.org> size=10 ret=hdrs hold=for;2592000 at=2023-12-14T22:13:20Z
        ! ok
        S* 250
        C: RSET
        S* 250
        C: MAIL FROM:<u@example.org> HOLDUNTIL=2023-11-15T00:00:00Z
        ? sender <u@example.org> hold=until;2023-11-15T00:00:00Z at=2023-11-15T00:00:00Z
        ! ok
        S* 250
        C: RSET
        S* 250
        C: MAIL FROM:<u@example.org> HOLDUNTIL=2023-11-15T01:00:00.5+01:00
        ? sender <u@example.org> hold=until;2023-11-15T00:00:00.500Z at=2023-11-15T00:00:00.500Z
        ! ok
        S* 250
        C: RSET
        S* 250
        +2m
        C: MAIL FROM:<u@example.org> HOLDFOR=1
        ? sender <u@example.org> hold=for;1 at=2023-11-14T22:15:21Z
        ! too-much-held
        S: 552 5.7.16 Too many of your messages wait for their release
        ",
    );
}

#[test]
fn what_cannot_be_promised_is_refused() {
    let refused = [
        "HOLDFOR",
        "HOLDFOR=",
        "HOLDFOR=0",
        "HOLDFOR=060",
        "HOLDFOR=-1",
        "HOLDFOR=+60",
        "HOLDFOR=1h",
        "HOLDFOR=2592001",
        "HOLDFOR=999999999",
        "HOLDFOR=1000000000",
        "HOLDUNTIL=",
        "HOLDUNTIL=tomorrow",
        "HOLDUNTIL=2023-11-15",
        "HOLDUNTIL=2023-11-14T22:13:20Z",
        "HOLDUNTIL=1999-01-01T00:00:00Z",
        "HOLDUNTIL=2023-12-14T22:13:20.001Z",
        "HOLDUNTIL=9999-12-31T23:59:59Z",
    ];
    for parameter in refused {
        check(&format!("C: MAIL FROM:<u@example.org> {parameter}\nS: 501 5.5.4 Bad parameter value\n"));
    }
    for twice in ["HOLDFOR=60 HOLDFOR=60", "HOLDFOR=60 HOLDUNTIL=2023-11-15T00:00:00Z"] {
        check(&format!("C: MAIL FROM:<u@example.org> {twice}\nS: 501 5.5.4 Parameter given twice\n"));
    }
}

/// RFC 4865 §5.2.2.
#[test]
fn what_has_to_be_there_earlier_cannot_wait() {
    check(
        r"
        C: MAIL FROM:<u@example.org> HOLDFOR=61 BY=60;R
        S: 501 5.5.4 Bad parameter value
        C: MAIL FROM:<u@example.org> BY=-5;N HOLDFOR=60
        S: 501 5.5.4 Bad parameter value
        C: MAIL FROM:<u@example.org> BY=60;R HOLDFOR=60
        ? sender <u@example.org> hold=for;60 at=2023-11-14T22:14:20Z by=2023-11-14T22:14:20Z;R
        ! ok
        S* 250
        ",
    );
}

#[test]
fn it_is_for_those_who_sign_in() {
    let listener = Dated(submission(TlsMode::Implicit));
    transcript::check(
        &listener,
        "TLS\nS* 220\nC: MAIL FROM:<u@example.org> HOLDFOR=60\nS: 530 5.7.0 Authentication required\n",
    );
    let offered = submission(TlsMode::None).with(|config| {
        config.authentication = AuthenticationPolicy::Offered;
        config.mechanisms = Vec::new();
    });
    let refused = "C: MAIL FROM:<u@example.org> HOLDFOR=60\nS: 530 5.7.0 Authentication required\n";
    let greeted = offered.greeted(&OFFERED);
    transcript::check(&Dated(offered), &(greeted + refused));
}

#[test]
fn it_is_for_submission_only() {
    let off = submission(TlsMode::None).with(|config| {
        config.authentication = AuthenticationPolicy::Off;
        config.max_hold = None;
    });
    let forced = |listener: Listener| listener.with(|config| config.max_hold = Some(DEFAULT_MAX_HOLD));
    let others = ["DELIVERBY"];
    for (listener, offered) in [(forced(mx()), &others[..]), (forced(lmtp()), &[]), (off, &others)] {
        let greeted = listener.greeted(offered);
        let refused =
            "C: MAIL FROM:<a@b.example> HOLDFOR=60\nS: 555 5.5.4 Parameter not recognized or not implemented\n";
        transcript::check(&Dated(listener), &(greeted + refused));
    }
    // Without EHLO there are no parameters at all.
    transcript::check(
        &Dated(mx()),
        "S* 220\nC: HELO c.example\nS* 250\nC: MAIL FROM:<a@b.example> HOLDFOR=60\nS* 555 5.5.4\n",
    );
}
