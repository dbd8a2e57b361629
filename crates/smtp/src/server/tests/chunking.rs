//! BDAT (RFC 3030).

use super::dialect::mx;

#[test]
fn chunks_make_a_message() {
    mx().check_addressed(
        "",
        r"
        C> BDAT 8\r\na\r\n.\r\nb\rBDAT 0\r\nBDAT 3 LAST\r\n\nc\nNOOP\r\n
        B> a\r\n.\r\nb\r
        S: 250 2.0.0 8 octets received
        S: 250 2.0.0 0 octets received
        B> \nc
        ? aborted
        S: 554 5.6.0 Message contains a bare <LF>
        S: 250 2.0.0 OK
        ",
    );
    mx().check_addressed(
        "",
        r"
        C> BDAT 6\r\na\r\n.\r\nBDAT 0 LAST\r\nQUIT\r\n
        B> a\r\n.\r\n
        S: 250 2.0.0 6 octets received
        ? store u@example.org 6 bytes with ESMTP
        ! stored
        S* 250
        S* 221
        CLOSE Quit
        ",
    );
}

#[test]
fn binary_text_may_be_anything() {
    mx().check_addressed(
        " BODY=BINARYMIME",
        r"
        C: DATA
        S: 503 5.5.1 BINARYMIME needs BDAT
        C> BDAT 6 LAST\r\n\0\n\r\xffx\r
        B> \0\n\r\xffx\r
        ? store u@example.org 6 bytes with ESMTP 8bit
        ! stored
        S* 250
        ",
    );
}

#[test]
fn other_text_may_not() {
    for (octets, body, reply) in [
        (r"a\n\n\n", "a", "554 5.6.0 Message contains a bare <LF>"),
        (r"a\rb\n", r"a\r", "554 5.6.0 Message contains a bare <CR>"),
        (r"abc\r", r"abc\r", "554 5.6.0 Message contains a bare <CR>"),
        (r"ab\0\n", "ab", "554 5.6.0 Message contains a NUL"),
    ] {
        mx().check_addressed(
            "",
            &format!("C> BDAT 4 LAST\\r\\n{octets}\nB> {body}\n? aborted\nS: {reply}\nC: DATA\nS* 503\n"),
        );
    }
}

#[test]
fn what_a_chunk_holds_is_never_a_command() {
    mx().check_greeted("C> BDAT 6\\r\\nQUIT\\r\\nNOOP\\r\\n\nS: 503 5.5.1 Give the sender first\nS: 250 2.0.0 OK\n");
    mx().check_greeted(
        r"
        C> MAIL FROM:<>\r\nRCPT TO:<x@example.org>\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n
        ? sender <>
        ! ok
        S* 250
        ? recipient x@example.org
        ! nobody
        S* 550
        S: 554 5.5.1 No valid recipients
        S* 250
        ",
    );
    mx().check_greeted("C> BDAT 1x\\r\\nQUIT\\r\\n\nS: 501 5.5.4 Bad chunk size\nCLOSE ProtocolError\n");
    mx().check_greeted("C> BDAT 99999999999999999999\\r\\nQUIT\\r\\n\nS* 503\nCLOSE ProtocolError\n");
    mx().check_addressed(
        "",
        "C> BDAT 99999999999999999999\\r\\nQUIT\\r\\n\n? aborted\nS* 552 5.3.4\nCLOSE ProtocolError\n",
    );
}

#[test]
fn a_message_in_chunks_can_be_given_up() {
    mx().check_addressed(
        "",
        "C> BDAT 3\\r\\nabc\nB> abc\nS* 250\nC: RSET\n? aborted\nS* 250\nC: BDAT 0 LAST\nS* 503\n",
    );
    mx().check_addressed(
        "",
        "C> BDAT 3\\r\\nabc\nB> abc\nS* 250\nC: DATA\nS: 503 5.5.1 The message has begun with BDAT\n",
    );
    mx().check_addressed("", "C> BDAT 3\\r\\nabc\nB> abc\nS* 250\nC: RCPT TO:<x@example.org>\nS* 503\nC: QUIT\nS* 221\n? aborted\nCLOSE Quit\n");
    mx().check_addressed("", "C> BDAT 3\\r\\nab\nEOF\nB> ab\n? aborted\nCLOSE ProtocolError\n");
}

#[test]
fn a_failed_chunk_spoils_all_that_follow() {
    let listener = mx().with(|config| config.limits.message_size_bytes = 6);
    listener.check_greeted(
        r"
        C: MAIL FROM:<>
        ? sender <>
        ! ok
        S* 250
        C: RCPT TO:<x@example.org>
        ? recipient x@example.org
        ! yes
        S* 250
        C> BDAT 4\r\nabcdBDAT 4\r\nefghBDAT 2\r\nijBDAT 1 LAST\r\nkNOOP\r\n
        B> abcd
        S* 250
        ? aborted
        S* 552 5.3.4
        S* 552 5.3.4
        S* 552 5.3.4
        S: 250 2.0.0 OK
        ",
    );
}
