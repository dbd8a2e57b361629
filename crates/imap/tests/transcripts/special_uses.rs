//! CREATE-SPECIAL-USE (RFC 6154 §3).

use posthouse_testkit::transcript::check;

use crate::dialect::logged_in;

#[test]
fn mailboxes_are_made_for_a_use() {
    check(
        &logged_in(),
        r"
        C: a CREATE Sent (USE (\Sent))
        ? create Sent \Sent
        ! created
        S: a OK [MAILBOXID (F5)] Created
        C: b CREATE Plain (USE ())
        ? create Plain
        ! created
        S: b OK [MAILBOXID (F5)] Created
        C: c CREATE More (USE (\Sent))
        ? create More \Sent
        ! refused UseAttr
        S: c NO [USEATTR] A mailbox cannot be made for that use
        C: d CREATE Views (USE (\All))
        S: d NO [USEATTR] A mailbox cannot be made for that use
        C: e CREATE Two (USE (\Sent \Junk))
        S: e NO [USEATTR] A mailbox cannot be made for that use
        C: f CREATE Odd (COLOUR (red))
        S: f BAD Expected a known parameter of CREATE
        ",
    );
}
