//! REPLACE (RFC 8508).

use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, enabled, logged_in, selected};

#[test]
fn a_message_comes_and_another_goes() {
    check(
        &selected("10:12"),
        r"
        C: a REPLACE 2 Drafts (\Seen \Draft) {5}
        ? append-check Drafts 5
        ! done
        S: + Send the message
        C: hello
        B> hello
        ? append Drafts \Seen \Draft replacing 11
        ! appended 20
        S: * OK [APPENDUID 7 20] The new message is stored
        ? sync 100
        ! changes modseq=102 added=20 vanished=11
        S: * 2 EXPUNGE
        S: * 3 EXISTS
        S: a OK Replaced
        C: b UID REPLACE 12 Sent CATENATE (TEXT {2+}
        C: hi URL /Drafts/;UID=12)
        ? append-check Sent 2
        ! done
        B> hi
        ? url Drafts 12 [:Full] 67108862
        ! part 10
        ? append Sent replacing 12
        ! appended 1
        S: * OK [APPENDUID 7 1] The new message is stored
        ? sync 102
        ! changes modseq=103 vanished=12
        S: * 2 EXPUNGE
        S: b OK Replaced
        C: c UID REPLACE 20 Sent CATENATE (URL /;UID=20)
        ? append-check Sent 0
        ! done
        ? url here 20 [:Full] 67108864
        ! part 10
        ? append Sent replacing 20
        ! refused ExpungeIssued
        ? sync 103
        ! changes modseq=104 vanished=20
        S: * 2 EXPUNGE
        S: c NO [EXPUNGEISSUED] Some of the messages no longer exist
        ",
    );
}

#[test]
fn with_qresync_the_end_tells_the_sequence() {
    check(
        &Imap { selected: Some("10"), ..enabled("QRESYNC") },
        r"
        C: a REPLACE 1 INBOX {2+}
        C: hi
        ? append-check INBOX 2
        ! done
        B> hi
        ? append INBOX replacing 10
        ! appended 11
        S: * OK [APPENDUID 7 11] The new message is stored
        ? sync 100
        ! changes modseq=102 added=11 vanished=10
        S: * VANISHED 10
        S: * 1 EXISTS
        S: a OK [HIGHESTMODSEQ 102] Replaced
        ",
    );
}

#[test]
fn what_cannot_be_replaced() {
    check(
        &selected("10:12"),
        r"
        C: a REPLACE 4 Drafts {5}
        S: a BAD There is no message with that number
        C: b UID REPLACE 9 Drafts {5+}
        C: hello
        S: b NO There is no message with that UID
        C: c REPLACE 1:2 Drafts {5+}
        C: hello
        S: c BAD One message is replaced at a time
        C: d REPLACE 1 Drafts {5+}
        C: hello {5+}
        C: hello
        ? append-check Drafts 5
        ! done
        B> hello
        S: d BAD Expected the end of the command after the message
        C: e REPLACE 1 nowhere {5}
        ? append-check nowhere 5
        ! refused NonExistent
        ? sync 100
        ! changes modseq=100
        S: e NO [TRYCREATE] There is no such mailbox, create it first
        C: f REPLACE 1 Drafts
        S: f BAD Expected a space
        C: g REPLACE 1 {6+}
        C: Drafts {2+}
        C: hi
        ? append-check Drafts 2
        ! done
        B> hi
        ? append Drafts replacing 10
        ! appended 1
        S: * OK [APPENDUID 7 1] The new message is stored
        ? sync 100
        ! changes modseq=101 vanished=10
        S: * 1 EXPUNGE
        S: g OK Replaced
        ",
    );
    check(
        &Imap { read_only: true, ..selected("10") },
        r"
        C: a REPLACE 1 Drafts {5}
        S: a NO The mailbox is open for reading only
        ",
    );
    check(
        &logged_in(),
        r"
        C: a REPLACE 1 Drafts {5}
        S: a BAD Select a mailbox first
        C: b UID REPLACE 1 Drafts {5+}
        C: hello
        S: b BAD Select a mailbox first
        ",
    );
}
