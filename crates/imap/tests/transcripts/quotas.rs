//! QUOTA (RFC 9208).

use posthouse_testkit::transcript::check;

use crate::dialect::logged_in;

#[test]
fn quotas_are_told() {
    check(
        &logged_in(),
        r#"
        C: a GETQUOTAROOT INBOX
        ? quota-roots INBOX
        ! quotas ann@example.org storage=104/1024 message=42/1000 mailbox=6/10000
        S: * QUOTAROOT "INBOX" "ann@example.org"
        S: * QUOTA "ann@example.org" (STORAGE 104 1024 MESSAGE 42 1000 MAILBOX 6 10000)
        S: a OK That is the quota
        C: b GETQUOTA "bob@example.org"
        ? quota bob@example.org
        ! refused NoPermission
        S: b NO [NOPERM] Not permitted
        C: c GETQUOTA ann@example.org
        ? quota ann@example.org
        ! quotas ann@example.org mailbox=6/10000
        S: * QUOTA "ann@example.org" (MAILBOX 6 10000)
        S: c OK That is the quota
        C: d STATUS INBOX (DELETED DELETED-STORAGE)
        ? status INBOX deleted,deleted_storage
        ! statuses deleted=4 deleted_size=8192
        S: * STATUS "INBOX" (DELETED 4 DELETED-STORAGE 8192)
        S: d OK Those are the figures
        C: e GETQUOTA
        S: e BAD Expected a space
        C: f GETQUOTAROOT
        S: f BAD Expected a space
        "#,
    );
}

#[test]
fn quotas_are_set() {
    check(
        &logged_in(),
        r#"
        C: a SETQUOTA ann@example.org (STORAGE 510 message 9)
        ? set-quota ann@example.org [(Storage, 510), (Message, 9)]
        ! quotas ann@example.org storage=58/510 message=3/9
        S: * QUOTA "ann@example.org" (STORAGE 58 510 MESSAGE 3 9)
        S: a OK That is the quota
        C: b SETQUOTA ann@example.org ()
        ? set-quota ann@example.org []
        ! refused NoPermission
        S: b NO [NOPERM] Not permitted
        C: c SETQUOTA ann@example.org (X-COINS 5)
        S: c NO [CANNOT] That cannot be limited
        C: d SETQUOTA ann@example.org (STORAGE)
        S: d BAD Expected a space
        C: e SETQUOTA ann@example.org (STORAGE -1)
        S: e BAD Expected a number
        C: f SETQUOTA ann@example.org STORAGE 5
        S: f BAD Expected an opening parenthesis
        "#,
    );
}

#[test]
fn a_full_mailbox_takes_nothing() {
    check(
        &logged_in(),
        r"
        C: a APPEND INBOX {3}
        ? append-check INBOX 3
        ! refused OverQuota
        S: a NO [OVERQUOTA] No room is left
        ",
    );
}
