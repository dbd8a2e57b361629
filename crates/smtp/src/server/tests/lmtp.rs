//! LMTP (RFC 2033).

use super::dialect::lmtp;

#[test]
fn each_recipient_has_its_reply() {
    lmtp().check_greeted(
        r"
        C: MAIL FROM:<a@b.example>
        C: RCPT TO:<x@example.org>
        C: RCPT TO:<y@example.org>
        C: RCPT TO:<z@example.org>
        C: DATA
        ? sender <a@b.example>
        ! ok
        S* 250 2.1.0
        ? recipient x@example.org
        ! yes
        S* 250 2.1.5
        ? recipient y@example.org
        ! nobody
        S* 550 5.1.1
        ? recipient z@example.org
        ! yes
        S* 250 2.1.5
        S* 354
        C: hi
        C: .
        B> hi\r\n
        ? store x@example.org,z@example.org 4 bytes with LMTP
        ! stored-and-full
        S: 250 2.0.0 Stored as 0000000000007
        S: 452 4.2.2 Mailbox full
        C: QUIT
        S* 221
        CLOSE Quit
        ",
    );
}

#[test]
fn one_outcome_is_told_to_each() {
    let message = |answer: &str, reply: &str| {
        format!(
            "C: MAIL FROM:<>\n? sender <>\n! ok\nS* 250\nC: RCPT TO:<x@example.org>\n? recipient x@example.org\n! yes\nS* 250\n\
             C: RCPT TO:<x@example.org>\n? recipient x@example.org\n! yes\nS* 250\nC> BDAT 2 LAST\\r\\nhi\nB> hi\n\
             ? store x@example.org,x@example.org 2 bytes with LMTP\n! {answer}\nS* {reply}\nS* {reply}\nC: NOOP\nS* 250\n"
        )
    };
    lmtp().check_greeted(&message("stored", "250 2.0.0"));
    lmtp().check_greeted(&message("spam", "554 5.7.1"));
    lmtp().check_greeted(
        "C: MAIL FROM:<>\n? sender <>\n! ok\nS* 250\nC: RCPT TO:<x@example.org>\n? recipient x@example.org\n! yes\nS* 250\n\
         C: RCPT TO:<x@example.org>\n? recipient x@example.org\n! yes\nS* 250\nC> BDAT 3 LAST\\r\\nh\\n.\nB> h\n? aborted\n\
         S* 554 5.6.0\nS* 554 5.6.0\nC: NOOP\nS* 250\n",
    );
}

#[test]
fn its_own_ways() {
    lmtp().check("S: 220 mail.example.org LMTP Posthouse\nC: EHLO x\nS: 500 5.5.1 This is LMTP: say LHLO\nC: HELO x\nS* 500 5.5.1\n");
    lmtp().check_greeted(
        r"
        C: STARTTLS
        S: 502 5.5.1 STARTTLS is not available here
        C: MAIL FROM:<>
        ? sender <>
        ! ok
        S* 250
        C: DATA
        S: 503 5.5.1 No valid recipients
        C> BDAT 2\r\nhi
        S: 503 5.5.1 No valid recipients
        C> BDAT 2 LAST\r\nhiNOOP\r\n
        S: 250 2.0.0 OK
        C: MAIL FROM:<>
        ? sender <>
        ! ok
        S* 250
        ",
    );
}
