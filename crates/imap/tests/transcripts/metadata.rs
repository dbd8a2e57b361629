//! METADATA (RFC 5464) and LIST-METADATA (RFC 9590).

use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, logged_in};

#[test]
fn annotations_are_read() {
    check(
        &logged_in(),
        r#"
        C: a GETMETADATA "" /shared/comment
        ? annotations server [/shared/comment] Entry
        ! annotations /shared/comment=Shared_comment
        S: * METADATA "" (/shared/comment "Shared comment")
        S: a OK Those are the annotations
        C: b GETMETADATA INBOX (/SHARED/Comment "/private/vendor/x y/z")
        ? annotations INBOX [/shared/comment, /private/vendor/x y/z] Entry
        ! annotations /shared/comment=a0b /private/comment
        S> * METADATA "INBOX" (/shared/comment ~{3}\r\na\0b /private/comment NIL)\r\n
        S: b OK Those are the annotations
        C: c GETMETADATA (MAXSIZE 4 DEPTH infinity) INBOX /private/vendor
        ? annotations INBOX [/private/vendor] Everything
        ! annotations /private/vendor/a=1234 /private/vendor/b=12345 /private/vendor/c=123456
        S: * METADATA "INBOX" (/private/vendor/a "1234")
        S: c OK [METADATA LONGENTRIES 6] Those are the annotations
        C: d GETMETADATA INBOX (DEPTH 1) (/private/vendor)
        ? annotations INBOX [/private/vendor] Children
        ! annotations
        S: d OK Those are the annotations
        C: e GETMETADATA Gone /private/comment
        ? annotations Gone [/private/comment] Entry
        ! annotations refused NonExistent
        S: e NO [NONEXISTENT] There is no such mailbox
        C: f GETMETADATA INBOX
        S: f BAD Expected a space
        C: g GETMETADATA INBOX comment
        S: g BAD Expected an entry below /private or /shared
        C: h GETMETADATA INBOX /private/com*
        S: h BAD Expected the end of the command
        C: i GETMETADATA (DEPTH 2) INBOX /private/comment
        S: i BAD Expected a depth of 0, 1 or infinity
        C: j GETMETADATA INBOX ()
        S: j BAD Expected a string
        "#,
    );
}

#[test]
fn annotations_are_set() {
    check(
        &logged_in(),
        r#"
        C: a SETMETADATA INBOX (/private/comment {5}
        S: + Go ahead
        C: two
        C: )
        ? annotate INBOX /private/comment=Some(b"two\r\n")
        ! done
        S: a OK Annotated
        C: b SETMETADATA "" (/private/vendor/x/y NIL /private/vendor/x/z "")
        ? annotate server /private/vendor/x/y=None /private/vendor/x/z=Some(b"")
        ! done
        S: b OK Annotated
        C> c SETMETADATA INBOX (/shared/comment ~{3+}\r\na\0b)\r\n
        ? annotate INBOX /shared/comment=Some(b"a\0b")
        ! refused TooManyAnnotations
        S: c NO [METADATA TOOMANY] There are too many annotations
        C> d SETMETADATA INBOX (/shared/comment {3+}\r\na\0b)\r\n
        S: d BAD Expected a literal without NUL
        C: e SETMETADATA INBOX (/shared/comment {65537}
        S: + Go ahead
        C> \(65537*x))\r\n
        S: e NO [METADATA MAXSIZE 65536] A value is too long
        C: f SETMETADATA "" (/shared/comment x)
        S: f BAD Expected a string or NIL
        C: g SETMETADATA "" (/shared/comment "x")
        ? annotate server /shared/comment=Some(b"x")
        ! refused NoPermission
        S: g NO [NOPERM] Not permitted
        C: h SETMETADATA INBOX (/private/colour "red")
        ? annotate INBOX /private/colour=Some(b"red")
        ! refused UnknownEntry
        S: h NO [CANNOT] That annotation cannot be set
        C: i SETMETADATA INBOX ()
        S: i BAD Expected a string
        C: j SETMETADATA INBOX /private/comment "x"
        S: j BAD Expected an opening parenthesis
        "#,
    );
}

#[test]
fn list_returns_annotations() {
    check(
        &logged_in(),
        r#"
        C: a LIST "" % RETURN (METADATA ("/shared/vendor/x/colour") STATUS (MESSAGES))
        ? list
        ! mailboxes INBOX:1 Work/Plans:2
        S: * LIST (\HasNoChildren) "/" "INBOX"
        S: * LIST (\NonExistent \HasChildren) "/" "Work"
        ? annotations INBOX [/shared/vendor/x/colour] Entry
        ! annotations /shared/vendor/x/colour
        S: * METADATA "INBOX" (/shared/vendor/x/colour NIL)
        ? status INBOX messages
        ! statuses messages=3
        S: * STATUS "INBOX" (MESSAGES 3)
        S: a OK Listed
        C: b LIST "" (INBOX Plans) RETURN (METADATA /private/comment)
        ? list
        ! mailboxes INBOX:1 Plans:2
        S: * LIST (\HasNoChildren) "/" "INBOX"
        S: * LIST (\HasNoChildren) "/" "Plans"
        ? annotations INBOX,Plans [/private/comment] Entry
        ! annotations refused NonExistent ; /private/comment=x
        S: * METADATA "Plans" (/private/comment "x")
        S: b OK Listed
        C: c LIST "" % RETURN (METADATA)
        S: c BAD Expected a space
        "#,
    );
}

fn told(imap: Imap) -> Imap {
    Imap { notified: true, ..imap }
}

/// RFC 5464 §4.1, §4.4.2: names of what others changed, in all mailboxes that may be looked into, and on the server.
#[test]
fn clients_that_want_it_are_told_of_changes() {
    check(
        &told(logged_in()),
        r#"
        C: a ENABLE METADATA
        S: * ENABLED METADATA
        ? watch-account
        ! done
        ? list
        ! mailboxes INBOX:1 Shared/Sales:2:n Work:3 Gone:-:s
        ? watch-account annotations 1,3 names 2 server
        ! done
        S: a OK Enabled
        C: b ENABLE METADATA METADATA
        S: * ENABLED
        S: b OK Enabled
        EOF
        ? news
        ! news server@/shared/comment 1@/private/comment 2@/shared/comment
        S: * METADATA "" /shared/comment
        S: * METADATA "INBOX" /private/comment
        EOF
        ? news
        ! news names 3@/shared/comment 2@/shared/comment
        ? list
        ! mailboxes INBOX:1 Shared/Sales:2 Works:3 Gone:-:s
        ? watch-account annotations 1,2,3 names 2 server
        ! done
        S: * METADATA "Shared/Sales" /shared/comment
        S: * METADATA "Works" /shared/comment
        C: c EXAMINE INBOX
        ? examine INBOX
        ! selected 10:11 modseq=100 read-only
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        S: * OK [PERMANENTFLAGS ()] The mailbox is open for reading only
        S: * 2 EXISTS
        S: * 0 RECENT
        S: * OK [UIDVALIDITY 7] UIDs are valid
        S: * OK [UIDNEXT 12] The next UID
        S: * OK [HIGHESTMODSEQ 100] The highest
        S: * OK [MAILBOXID (F1)] That is its id
        S: c OK [READ-ONLY] Open for reading only
        EOF
        ? news
        ! news 1@/private/comment
        S: * METADATA "INBOX" /private/comment
        C: d NOOP
        ? sync 100
        ! changes modseq=101 added=12 changed=10/\Seen/101
        S: * 3 EXISTS
        S: * 1 FETCH (FLAGS (\Seen))
        S: d OK Nothing done
        "#,
    );
}

/// What the client says by NOTIFY counts, before ENABLE or after it.
#[test]
fn notify_says_what_is_told() {
    check(
        &told(logged_in()),
        r#"
        C: a ENABLE METADATA-SERVER CONDSTORE
        S: * ENABLED METADATA-SERVER CONDSTORE
        ? watch-account
        ! done
        ? list
        ! mailboxes INBOX:1 Work:3
        ? watch-account server
        ! done
        S: a OK Enabled
        EOF
        ? news
        ! news server@/private/comment 1@/private/comment
        S: * METADATA "" /private/comment
        C: b NOTIFY NONE
        ? watch-account nothing
        ! done
        S: b OK You will hear of nothing
        C: c ENABLE METADATA
        S: * ENABLED METADATA
        S: c OK Enabled
        EOF
        "#,
    );
}

#[test]
fn what_cannot_be_watched_is_said() {
    check(
        &told(logged_in()),
        r#"
        C: a ENABLE METADATA
        S: * ENABLED METADATA
        ? watch-account
        ! refused Unavailable
        S* a NO [UNAVAILABLE]
        C: b ENABLE METADATA
        S: * ENABLED METADATA
        ? watch-account
        ! done
        ? list
        ! mailboxes INBOX:1
        ? watch-account annotations 1 server
        ! done
        S: b OK Enabled
        EOF
        ? news
        ! news overflow
        ? watch-account nothing
        ! done
        S: * OK [NOTIFICATIONOVERFLOW] That was too much, you will hear of nothing more
        "#,
    );
}
