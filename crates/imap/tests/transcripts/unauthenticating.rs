//! UNAUTHENTICATE (RFC 8437).

use posthouse_imap::Config;
use posthouse_model::session::TlsMode;
use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, config, fresh, logged_in, selected};

fn offered(kind: &Imap) -> Imap {
    Imap { config: Config { unauthenticate: true, ..config(TlsMode::Implicit) }, ..kind.clone() }
}

#[test]
fn nothing_of_the_login_stays() {
    check(
        &offered(&Imap { enable: "QRESYNC UTF8=ACCEPT", ..selected("1:3") }),
        r"
        C: a UID SEARCH RETURN (SAVE) ALL
        ? search All all
        ! found 1:3
        ? sync 100
        ! changes modseq=100
        S: a OK Searched
        C: b UNAUTHENTICATE
        C: c FETCH 1 FLAGS
        C: d LOGIN bob secret
        ? leave
        ! done
        S: b OK [CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR ID ENABLE LITERAL- AUTH=PLAIN AUTH=LOGIN] Log in again
        S: c BAD Log in first
        ? verify bob secret
        ! accepted
        ? enter bob by PLAIN
        ! done
        S* d OK [CAPABILITY IMAP4rev1
        C: e FETCH $ FLAGS
        S: e BAD Select a mailbox first
        C: f SELECT INBOX (QRESYNC (7 100))
        S: f BAD Enable QRESYNC first
        C: g SELECT INBOX
        ? select INBOX
        ! selected 9 modseq=5
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] These flags stay
        S: * 1 EXISTS
        S: * 0 RECENT
        S: * OK [UIDVALIDITY 7] UIDs are valid
        S: * OK [UIDNEXT 10] The next UID
        S: * OK [HIGHESTMODSEQ 5] The highest
        S: * OK [MAILBOXID (F1)] That is its id
        S: g OK [READ-WRITE] Open
        C: h SEARCH $
        ? search Uids(UidSet { ranges: [] }) all
        ! found none
        S: * SEARCH
        ? sync 5
        ! changes modseq=5
        S: h OK Searched
        ",
    );
}

#[test]
fn a_stranger_has_a_strangers_time() {
    check(
        &offered(&fresh(TlsMode::Implicit)),
        r"
        TLS
        S* * OK [CAPABILITY
        C: in LOGIN ann secret
        ? verify ann secret
        ! accepted
        ? enter ann by PLAIN
        ! done
        S* in OK
        +20m
        C: a UNAUTHENTICATE
        ? leave
        ! done
        S* a OK [CAPABILITY
        +59s
        C: b NOOP
        S: b OK Nothing done
        +61s
        S: * BYE You have been silent for too long
        CLOSE Timeout
        ",
    );
}

#[test]
fn it_is_not_always_offered() {
    check(
        &logged_in(),
        r"
        C: a UNAUTHENTICATE
        S: a BAD That is not offered here
        ",
    );
    check(
        &offered(&logged_in()),
        r"
        C: a UNAUTHENTICATE now
        S: a BAD Expected the end of the command
        C: b COMPRESS DEFLATE
        S: b OK Compression begins
        COMPRESSION
        C: c UNAUTHENTICATE
        S: c BAD That is not offered here
        ",
    );
}
