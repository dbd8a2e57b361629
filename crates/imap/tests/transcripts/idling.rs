use posthouse_testkit::transcript::check;

use crate::dialect::{Imap, logged_in, selected};

fn idling() -> Imap {
    Imap { idling: true, ..selected("10:11") }
}

#[test]
fn news_come_at_once() {
    check(
        &idling(),
        r"
        C: a IDLE
        S: + idling
        ? watch true
        ! done
        ? sync 100
        ! changes modseq=100
        EOF
        ? sync 100
        ! changes modseq=101 added=12
        S: * 3 EXISTS
        EOF
        ? sync 101
        EOF
        ! changes modseq=102 vanished=10
        S: * 1 EXPUNGE
        ? sync 102
        ! changes modseq=102
        C: dOnE
        ? watch false
        ! done
        ? sync 102
        ! changes modseq=103 changed=12/\Seen/103
        S: * 2 FETCH (FLAGS (\Seen))
        S: a OK No longer idle
        EOF
        C: b NOOP
        ? sync 103
        ! changes modseq=103
        S: b OK Nothing done
        ",
    );
}

#[test]
fn idle_without_a_mailbox() {
    check(
        &logged_in(),
        r"
        C: a IDLE
        S: + idling
        C: DONE
        S: a OK No longer idle
        ",
    );
}

#[test]
fn something_else_than_done_ends_it() {
    check(
        &idling(),
        r"
        C: a IDLE
        S: + idling
        ? watch true
        ! done
        ? sync 100
        ! changes modseq=100
        C: b NOOP
        S: a BAD Expected DONE
        ? watch false
        ! done
        C: c NOOP
        ? sync 100
        ! changes modseq=100
        S: c OK Nothing done
        C: d IDLE
        S: + idling
        ? watch true
        ! refused Unavailable
        C> DONE\n
        S: d BAD Expected DONE
        ? watch false
        ! done
        ",
    );
}

#[test]
fn a_server_that_ends_says_so() {
    check(
        &idling(),
        r"
        C: a IDLE
        S: + idling
        ? watch true
        ! done
        ? sync 100
        SHUTDOWN
        ! changes modseq=101 added=12
        S: * 3 EXISTS
        S: * BYE The server is going down
        CLOSE Shutdown
        ",
    );
}
