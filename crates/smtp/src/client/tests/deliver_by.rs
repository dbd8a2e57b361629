//! The time in which a message is to be delivered, passed on (RFC 2852 §4.1.4).

use super::dialect::client;

const NOBODY: &str = "S: 550 5.1.1 nobody\n? permanent Rcpt 550 5.1.1 nobody\nC: RSET\nS: 250 ok\n? ready\n";

#[track_caller]
fn check(extensions: &[&str], wanted: &str, mail: &str, rcpt: &str) {
    client().check_offered(
        extensions,
        &format!("? ready\n! send {wanted} x@d.example\nC: {mail}\nS: 250 ok\nC: {rcpt}\n{NOBODY}"),
    );
}

#[test]
fn the_time_that_is_left_is_passed_on() {
    let (from, to) = ("MAIL FROM:<a@b.example>", "RCPT TO:<x@d.example>");
    check(&["DELIVERBY"], "by=98;R", &format!("{from} BY=98;R"), to);
    check(&["DELIVERBY 30"], "by=30;RT", &format!("{from} BY=30;RT"), to);
    check(&["DELIVERBY 240", "DSN"], "by=98;NT", &format!("{from} BY=98;NT"), to);
    check(&["DELIVERBY"], "by=-5;N", &format!("{from} BY=-5;N"), to);
    check(&["DELIVERBY"], "by=-5000000000;N", &format!("{from} BY=-999999999;N"), to);
}

#[test]
fn where_the_time_is_lost_delays_are_told() {
    let (from, to) = ("MAIL FROM:<a@b.example>", "RCPT TO:<x@d.example>");
    check(&[], "by=98;N", from, to);
    check(&["DSN"], "by=98;N", from, &format!("{to} NOTIFY=FAILURE,DELAY"));
    check(&["DSN"], "by=98;N never", from, &format!("{to} NOTIFY=NEVER"));
}

/// RFC 2852 §4.1.4.1: it is not even named there.
#[test]
fn what_is_to_be_returned_otherwise_goes_nowhere_else() {
    for (extensions, wanted) in [
        (&["DSN"][..], "by=98;R"),
        (&["DELIVERBY 99"][..], "by=98;R"),
        (&["DELIVERBY"][..], "by=0;R"),
        (&["DELIVERBY"][..], "by=-1;RT"),
    ] {
        client().check_offered(
            extensions,
            &format!("? ready\n! send {wanted} x@d.example\n? permanent NeedsDeliverBy\n? ready\n"),
        );
    }
}
