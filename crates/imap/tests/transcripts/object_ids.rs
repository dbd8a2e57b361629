//! OBJECTID (RFC 8474).

use posthouse_testkit::transcript::check;

use crate::dialect::{logged_in, selected};

#[test]
fn mailboxes_have_one() {
    check(
        &logged_in(),
        r#"
        C: a CREATE Plans
        ? create Plans
        ! created
        S: a OK [MAILBOXID (F5)] Created
        C: b STATUS Plans (MAILBOXID)
        ? status Plans mailbox_id
        ! statuses id=5
        S: * STATUS "Plans" (MAILBOXID (F5))
        S: b OK Those are the figures
        C: c LIST "" Plans RETURN (STATUS (MESSAGES MAILBOXID))
        ? list
        ! mailboxes Plans:5
        S: * LIST (\HasNoChildren) "/" "Plans"
        ? status Plans messages,mailbox_id
        ! statuses id=5 messages=2
        S: * STATUS "Plans" (MESSAGES 2 MAILBOXID (F5))
        S: c OK Listed
        "#,
    );
}

#[test]
fn messages_have_two() {
    check(
        &selected("10:11"),
        r"
        C: a FETCH 1:2 (EMAILID THREADID)
        ? fetch 10:11 email-id,thread-id
        ! row uid=10 message=7 thread=000102030405060708090a0b0c0d0e0f ; uid=11 message=8
        S: * 1 FETCH (EMAILID (M7) THREADID (T000102030405060708090a0b0c0d0e0f))
        S: * 2 FETCH (EMAILID (M8) THREADID NIL)
        ? more
        ! fetched none
        ? sync 100
        ! changes modseq=100
        S: a OK Fetched
        C: b UID SEARCH OR EMAILID M8 EMAILID M99
        ? search Or([EmailId(MessageId(8)), EmailId(MessageId(99))]) all
        ! found 11
        S: * SEARCH 11
        ? sync 100
        ! changes modseq=100
        S: b OK Searched
        C: c SEARCH THREADID T000102030405060708090a0b0c0d0e0f
        ? search ThreadId(000102030405060708090a0b0c0d0e0f) all
        ! found 10
        S: * SEARCH 1
        ? sync 100
        ! changes modseq=100
        S: c OK Searched
        C: d SEARCH EMAILID T8
        ? search Not(All) all
        ! found none
        S: * SEARCH
        ? sync 100
        ! changes modseq=100
        S: d OK Searched
        C: e SEARCH EMAILID
        S: e BAD Expected a known search key with its argument
        C: f SEARCH THREADID (x)
        S: f BAD Expected an object identifier
        ",
    );
}
