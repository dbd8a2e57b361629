//! METADATA (RFC 5464) and LIST-METADATA (RFC 9590).

use posthouse_testkit::transcript::check;

use crate::dialect::logged_in;

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
