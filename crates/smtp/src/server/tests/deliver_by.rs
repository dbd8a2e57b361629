//! DELIVERBY (RFC 2852).

use std::time::Duration;

use posthouse_testkit::transcript;

use super::dialect::{Dated, Listener, lmtp, plain_mx};

/// Behind EHLO, in a session that began at 2023-11-14T22:13:20Z.
#[track_caller]
fn check(listener: Listener, offered: &str, script: &str) {
    let greeted = listener.greeted(&[offered]);
    transcript::check(&Dated(listener), &(greeted + script));
}

#[test]
fn a_message_has_its_time() {
    check(
        plain_mx(),
        "DELIVERBY",
        r"
        C: MAIL FROM:<a@b.example> BY=60;R
        ? sender <a@b.example> by=2023-11-14T22:14:20Z;R
        ! ok
        S* 250
        C: RSET
        S* 250
        C: MAIL FROM:<a@b.example> SIZE=10 by=+120;rt RET=FULL
        ? sender <a@b.example> size=10 ret=full by=2023-11-14T22:15:20Z;RT
        ! ok
        S* 250
        C: RSET
        S* 250
        +1m
        C: MAIL FROM:<a@b.example> BY=-80;N
        ? sender <a@b.example> by=2023-11-14T22:13:00Z;N
        ! ok
        S* 250
        C: RSET
        S* 250
        C: MAIL FROM:<a@b.example> BY=0;NT
        ? sender <a@b.example> by=2023-11-14T22:14:20Z;NT
        ! ok
        S* 250
        C: RSET
        S* 250
        C: MAIL FROM:<a@b.example> BY=999999999;N
        ? sender <a@b.example> by=2055-07-24T00:00:59Z;N
        ! ok
        S* 250
        ",
    );
}

#[test]
fn what_cannot_be_read_is_refused() {
    let refused = [
        "BY",
        "BY=",
        "BY=60",
        "BY=;R",
        "BY=60;",
        "BY=60;X",
        "BY=60;T",
        "BY=60;TR",
        "BY=60;RTT",
        "BY=1000000000;R",
        "BY=-;N",
        "BY=+-1;N",
        "BY=1.5;N",
        "BY=0;R",
        "BY=-1;R",
        "BY=+0;RT",
        "BY=60;R;T",
    ];
    for parameter in refused {
        let script = format!("C: MAIL FROM:<a@b.example> {parameter}\nS: 501 5.5.4 Bad parameter value\n");
        check(plain_mx(), "DELIVERBY", &script);
    }
    check(plain_mx(), "DELIVERBY", "C: MAIL FROM:<a@b.example> BY=60;R BY=60;R\nS: 501 5.5.4 Parameter given twice\n");
}

#[test]
fn a_listener_has_a_least_time() {
    let listener = plain_mx().with(|config| config.min_deliver_by = Some(Duration::from_secs(60)));
    check(
        listener,
        "DELIVERBY 60",
        r"
        C: MAIL FROM:<a@b.example> BY=59;R
        S: 555 5.5.4 Cannot promise delivery within so short a time
        C: MAIL FROM:<a@b.example> BY=59;N
        ? sender <a@b.example> by=2023-11-14T22:14:19Z;N
        ! ok
        S* 250
        C: RSET
        S* 250
        C: MAIL FROM:<a@b.example> BY=60;R
        ? sender <a@b.example> by=2023-11-14T22:14:20Z;R
        ! ok
        S* 250
        ",
    );
}

#[test]
fn it_is_refused_where_it_is_not_offered() {
    let refusal = "C: MAIL FROM:<a@b.example> BY=60;R\nS: 555 5.5.4 Parameter not recognized or not implemented\n";
    transcript::check(&Dated(lmtp()), &(lmtp().greeted(&[]) + refusal));
    // A session that does not know the date.
    plain_mx().check_greeted(refusal);
    transcript::check(&Dated(plain_mx()), &format!("S* 220\nC: HELO c.example\nS* 250\n{refusal}"));
}
