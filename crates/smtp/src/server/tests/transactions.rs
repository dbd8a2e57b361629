//! Ordinary mail, in order and out of it.

use super::dialect::mx;

#[test]
fn the_extensions_of_an_mx_are_told() {
    mx().check(
        r"
        S: 220 mail.example.org ESMTP Posthouse
        C: EHLO c.example
        S: 250-mail.example.org
        S: 250-SIZE 52428800
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-DSN
        S: 250-STARTTLS
        S: 250 LIMITS MAILMAX=1000 RCPTMAX=1000
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        TLS
        C: EHLO c.example
        S: 250-mail.example.org
        S: 250-SIZE 52428800
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-DSN
        S: 250-REQUIRETLS
        S: 250 LIMITS MAILMAX=1000 RCPTMAX=1000
        C: STARTTLS
        S: 503 5.5.1 TLS is already active
        C: QUIT
        S: 221 2.0.0 Bye
        CLOSE Quit
        ",
    );
}

#[test]
fn a_message_is_taken() {
    mx().check_addressed(
        "",
        r"
        C: DATA
        S: 354 End data with <CR><LF>.<CR><LF>
        C: Subject: hi
        C:
        C: ..a dot
        C: .
        B> Subject: hi\r\n\r\n.a dot\r\n
        ? store u@example.org 23 bytes with ESMTP
        ! stored
        S: 250 2.0.0 Stored as 0000000000007
        C: QUIT
        S: 221 2.0.0 Bye
        CLOSE Quit
        ",
    );
}

#[test]
fn helo_will_do() {
    mx().check(
        r"
        S* 220
        C: HELO c.example
        S: 250 mail.example.org
        C: MAIL FROM:<a@b.example> SIZE=10
        S: 555 5.5.4 Parameter not recognized or not implemented
        C: MAIL FROM:<>
        ? sender <>
        ! ok
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<postmaster> NOTIFY=NEVER
        S: 555 5.5.4 Parameter not recognized or not implemented
        C: RCPT TO:<postmaster>
        ? recipient postmaster@mail.example.org
        ! yes
        S: 250 2.1.5 Recipient OK
        C: DATA
        S* 354
        C: .
        ? store postmaster@mail.example.org 0 bytes with SMTP
        ! stored
        S* 250
        ",
    );
}

/// The words of a content filter, which may be those of whoever wrote the message, are no reply of their own.
#[test]
fn a_filter_refuses_in_one_line() {
    mx().check_greeted(
        r"
        C: MAIL FROM:<a@b.example>
        ? sender <a@b.example>
        ! ok
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<z@example.org>
        ? recipient z@example.org
        ! yes
        S: 250 2.1.5 Recipient OK
        C: DATA
        S* 354
        C: a
        C: .
        B> a\r\n
        ? store z@example.org 3 bytes with ESMTP
        ! filtered
        S: 550 5.6.1 No programs  250 OK
        ",
    );
}

#[test]
fn pipelined_commands_are_answered_in_order() {
    mx().check_greeted(
        r"
        C: MAIL FROM:<a@b.example>
        C: RCPT TO:<x@example.org>
        C: RCPT TO:<y@elsewhere.example>
        C: RCPT TO:<z@example.org>
        C: DATA
        ? sender <a@b.example>
        ! ok
        S: 250 2.1.0 Sender OK
        ? recipient x@example.org
        ! nobody
        S: 550 5.1.1 No such mailbox
        ? recipient y@elsewhere.example
        ! relay
        S: 550 5.7.1 Relaying denied
        ? recipient z@example.org
        ! yes
        S: 250 2.1.5 Recipient OK
        S* 354
        C: a
        C: .
        C: QUIT
        B> a\r\n
        ? store z@example.org 3 bytes with ESMTP
        ! spam
        S: 554 5.7.1 Looks bad
        S: 221 2.0.0 Bye
        CLOSE Quit
        ",
    );
}

#[test]
fn commands_keep_their_order() {
    mx().check(
        r"
        S* 220
        C: MAIL FROM:<a@b.example>
        S: 503 5.5.1 Introduce yourself first
        C: RCPT TO:<a@b.example>
        S: 503 5.5.1 Give the sender first
        C: DATA
        S: 503 5.5.1 Give the sender first
        C: LHLO x
        S: 500 5.5.1 This is SMTP: say EHLO
        C: AUTH PLAIN AGEAYg==
        S: 503 5.5.1 AUTH is not possible now
        C: XYZZY
        S: 500 5.5.1 Command not recognized
        ",
    );
    mx().check_greeted(
        r"
        C: MAIL FROM:<a@b.example>
        ? sender <a@b.example>
        ! not-owned
        S: 553 5.7.1 Sender address does not belong to you
        C: MAIL FROM:<a@b.example>
        ? sender <a@b.example>
        ! ok
        S* 250
        C: MAIL FROM:<c@d.example>
        S: 503 5.5.1 Sender already given
        C: DATA
        S: 554 5.5.1 No valid recipients
        C: DATA now
        S: 501 5.5.4 Argument not allowed
        C: RSET
        S: 250 2.0.0 OK
        C: RCPT TO:<u@example.org>
        S: 503 5.5.1 Give the sender first
        ",
    );
}

#[test]
fn ehlo_begins_anew() {
    mx().check_addressed(
        "",
        r"
        C: HELO again
        S: 250 mail.example.org
        C: DATA
        S: 503 5.5.1 Give the sender first
        ",
    );
}

#[test]
fn small_verbs() {
    mx().check_greeted(
        r"
        C: NOOP whatever
        S: 250 2.0.0 OK
        C: VRFY root
        S* 252 2.5.0
        C: EXPN staff
        S* 502 5.5.1
        C: HELP
        S* 214 2.0.0
        C: vrfy
        S: 501 5.5.4 Argument missing
        C: ehlo
        S: 501 5.5.4 Argument missing
        ",
    );
}

#[test]
fn parameters_reach_the_question() {
    mx().check_greeted(
        r"
        C: MAIL FROM:<a@b.example> SIZE=5 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2By AUTH=<>
        ? sender <a@b.example> size=5 body=8bitmime smtputf8 ret=hdrs envid=x+2By
        ! ok
        S* 250
        C: RCPT TO:<ü@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;u@example.org
        ? recipient ü@example.org notify=101 orcpt=rfc822;u@example.org
        ! yes
        S* 250
        C: DATA
        S* 354
        C: ü
        C: .
        B> ü\r\n
        ? store ü@example.org 4 bytes with UTF8SMTP 8bit
        ! message-unavailable
        S* 451 4.3.0
        ",
    );
}

#[test]
fn parameters_that_do_not_fit_are_refused() {
    mx().check_greeted(
        r"
        C: MAIL FROM:<a@b.example> XYZZY
        S* 555 5.5.4
        C: MAIL FROM:<a@b.example> REQUIRETLS
        S* 555 5.5.4
        C: MAIL FROM:<a@b.example> SIZE=52428801
        S: 552 5.3.4 Message size exceeds the fixed maximum message size
        C: MAIL FROM:<a@b.example> SIZE=99999999999999999999
        S* 552 5.3.4
        C: MAIL FROM:<a@b.example> SIZE=99999999999999999999999
        S: 501 5.5.4 Bad parameter value
        C: MAIL FROM:<ü@b.example>
        S: 550 5.6.7 Non-ASCII addresses need SMTPUTF8
        C: MAIL FROM:<a@b.example
        S: 501 5.1.7 Bad sender address syntax
        C: MAIL FROM:<a@b.example>
        ? sender <a@b.example>
        ! ok
        S* 250
        C: RCPT TO:<ü@b.example>
        S: 553 5.6.7 Non-ASCII addresses need SMTPUTF8
        C: RCPT TO:<a@@b.example>
        S: 501 5.1.3 Bad recipient address syntax
        ",
    );
}

#[test]
fn the_next_message_follows() {
    let message = r"
        C: MAIL FROM:<a@b.example>
        C: RCPT TO:<u@example.org>
        C: DATA
        ? sender <a@b.example>
        ! ok
        S* 250
        ? recipient u@example.org
        ! yes
        S* 250
        S* 354
        C: x
        C: .
        B> x\r\n
        ? store u@example.org 3 bytes with ESMTP
        ! stored
        S* 250
        ";
    mx().check_greeted(&message.repeat(3));
}

#[test]
fn smtp_has_one_reply_for_several_outcomes() {
    mx().check_addressed(
        "",
        "C: DATA\nS* 354\nC: .\n? store u@example.org 0 bytes with ESMTP\n! stored-and-full\nS* 250\n",
    );
    mx().check_addressed(
        "",
        "C: DATA\nS* 354\nC: .\n? store u@example.org 0 bytes with ESMTP\n! gone-and-full\nS: 452 4.2.2 Mailbox full\n",
    );
}

#[test]
fn the_end_of_the_connection() {
    mx().check("S* 220\nEOF\nCLOSE Quit");
    mx().check_addressed("", "C: DATA\nS* 354\nC: half\nEOF\nB> half\\r\\n\n? aborted\nCLOSE ProtocolError");
    // Whoever closes its side only may still hear the answer.
    mx().check_addressed(
        "",
        "C: DATA\nS* 354\nC: .\n? store u@example.org 0 bytes with ESMTP\nEOF\n! stored\nS* 250\nCLOSE Quit",
    );
}

#[test]
fn shutting_down_waits_for_the_reply() {
    mx().check("S* 220\nSHUTDOWN\nS: 421 4.3.2 Service shutting down, closing the connection\nCLOSE Shutdown");
    mx().check_addressed("", "SHUTDOWN\nS* 421 4.3.2\nCLOSE Shutdown");
    mx().check_addressed(
        "",
        r"
        C: DATA
        S* 354
        C: half
        SHUTDOWN
        C: .
        B> half\r\n
        ? store u@example.org 6 bytes with ESMTP
        ! stored
        S* 250
        S* 421 4.3.2
        CLOSE Shutdown
        ",
    );
}
