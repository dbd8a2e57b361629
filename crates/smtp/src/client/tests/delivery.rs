//! Messages, and what becomes of them.

use super::dialect::client;
use crate::client::ClientProtocol;

const ALL: &[&str] =
    &["PIPELINING", "SIZE 1000", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "BINARYMIME", "LIMITS RCPTMAX=5"];

#[test]
fn one_command_at_a_time() {
    client().check_offered(
        &[],
        r"
        ? ready
        ! send x@d.example,y@d.example
        C: MAIL FROM:<a@b.example>
        S: 250 ok
        C: RCPT TO:<x@d.example>
        S: 550 5.1.1 nobody
        C: RCPT TO:<y@d.example>
        S: 251 will forward
        C: DATA
        S: 354 go
        ? body
        ! text a\r\n.b\nc
        C> a\r\n..b\r\nc
        ? body
        ! end
        C> \r\n.\r\n
        S: 250 2.0.0 queued
        ? permanent Rcpt 550 5.1.1 nobody | delivered 250 2.0.0 queued
        ? ready
        ! quit
        C: QUIT
        S: 221 bye
        CLOSE Quit
        ",
    );
}

#[test]
fn a_group_with_all_parameters() {
    client().check_offered(
        ALL,
        r"
        ? ready
        ! send dsn utf8 8bit x@d.example,y@d.example
        C: MAIL FROM:<a@b.example> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2By
        C: RCPT TO:<x@d.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;o@b.example
        C: RCPT TO:<y@d.example>
        S: 250 ok
        S: 250 ok
        S: 450 4.2.1 later
        ? body
        ! text abc
        ? body
        ! text def
        C> BDAT 3\r\nabc
        ? body
        ! end
        C> BDAT 3 LAST\r\ndef
        S: 250 3 octets
        S: 250 done
        ? delivered 250 done | temporary Rcpt 450 4.2.1 later
        ? ready
        ",
    );
}

#[test]
fn what_is_not_offered_is_not_used() {
    client().check_offered(
        &["8BITMIME"],
        "? ready\n! send dsn x@d.example\nC: MAIL FROM:<a@b.example>\nS: 250 ok\nC: RCPT TO:<x@d.example>\nS: 250 ok\nC: DATA\n\
         S: 354 go\n? body\n! end\nC: .\nS: 250 ok\n? delivered 250 ok\n? ready\n",
    );
}

#[test]
fn what_a_server_lacks_is_told_at_once() {
    for (words, outcome) in [
        ("8bit x@d.example", "permanent Needs8BitMime"),
        ("utf8 x@d.example", "permanent NeedsSmtpUtf8"),
        ("ü@d.example", "permanent NeedsSmtpUtf8"),
        ("binary x@d.example", "permanent NeedsBinaryMime"),
        ("requiretls x@d.example", "permanent NeedsRequireTls"),
    ] {
        client().check_offered(&["REQUIRETLS"], &format!("? ready\n! send {words}\n? {outcome}\n? ready\n"));
    }
    client()
        .check_offered(&["SIZE 9"], "? ready\n! send x@d.example\n? permanent TooLarge { limit_bytes: 9 }\n? ready\n");
    // Those whom it can reach are reached.
    client().check_offered(
        &["LIMITS RCPTMAX=1"],
        "? ready\n! send ü@d.example,x@d.example,y@d.example\nC: MAIL FROM:<a@b.example>\nS: 550 no\n\
         ? permanent NeedsSmtpUtf8 | permanent Mail 550 no | temporary TooManyRecipients { limit: 1 }\n? ready\n",
    );
}

#[test]
fn requiretls_inside_tls() {
    client().check_offered(
        &["STARTTLS"],
        r"
        C: STARTTLS
        S: 220 go
        TLS
        C: EHLO c.example
        S: 250-x
        S: 250 REQUIRETLS
        ? ready
        ! send requiretls x@d.example
        C: MAIL FROM:<a@b.example> REQUIRETLS
        ",
    );
}

#[test]
fn refusals_leave_the_connection_usable() {
    client().check_offered(
        &["PIPELINING"],
        r"
        ? ready
        ! send x@d.example,y@d.example
        C: MAIL FROM:<a@b.example>
        C: RCPT TO:<x@d.example>
        C: RCPT TO:<y@d.example>
        S: 451 later
        S: 503 no
        S: 503 no
        ? temporary Mail 451 later | temporary Mail 451 later
        ? ready
        ! send x@d.example
        C: MAIL FROM:<a@b.example>
        C: RCPT TO:<x@d.example>
        S: 250 ok
        S: 552 too many
        ? temporary Rcpt 552 too many
        C: RSET
        S: 250 ok
        ? ready
        ! send x@d.example
        C: MAIL FROM:<a@b.example>
        C: RCPT TO:<x@d.example>
        S: 250 ok
        S: 250 ok
        C: DATA
        S: 554 no
        ? permanent Data 554 no
        C: RSET
        S: 250 ok
        ? ready
        ! send x@d.example
        C: MAIL FROM:<a@b.example>
        C: RCPT TO:<x@d.example>
        S: 250 ok
        S: 250 ok
        C: DATA
        S: 354 go
        ? body
        ! text .
        C> ..
        ? body
        ! end
        C> \r\n.\r\n
        S: 550 5.7.1 spam
        ? permanent EndOfBody 550 5.7.1 spam
        ? ready
        ",
    );
}

#[test]
fn lost_connections_are_told_with_care() {
    let start = "? ready\n! send x@d.example,y@d.example\nC: MAIL FROM:<a@b.example>\nC: RCPT TO:<x@d.example>\nC: RCPT TO:<y@d.example>\n\
                 S: 250 ok\nS: 550 no\nS: 250 ok\nC: DATA\nS: 354 go\n? body\n";
    let check = |rest: &str| client().check_offered(&["PIPELINING"], &format!("{start}{rest}"));
    check(
        "EOF\n? permanent Rcpt 550 no | temporary Body connection\n? failed: the connection was lost at Body\nCLOSE ProtocolError",
    );
    check(
        "! end\nC: .\nEOF\n? permanent Rcpt 550 no | temporary EndOfBody connection | uncertain\n? failed: the connection was lost at EndOfBody\nCLOSE ProtocolError",
    );
    check("! end\nC: .\n+9m\nS: 250 ok\n? permanent Rcpt 550 no | delivered 250 ok\n? ready\n");
    check(
        "! end\nC: .\n+10m\n? permanent Rcpt 550 no | temporary EndOfBody connection | uncertain\n? failed: timeout at EndOfBody\nCLOSE ProtocolError",
    );
    check("+3m\n? permanent Rcpt 550 no | temporary Body connection\n? failed: timeout at Body\nCLOSE ProtocolError");
    check(
        "! end\nC: .\nS: 421 bye\n? permanent Rcpt 550 no | temporary EndOfBody 421 bye\n? failed: the server closes the connection: 421 bye\nCLOSE ProtocolError",
    );
    check(
        "S: 552 too large\n? permanent Rcpt 550 no | permanent Body 552 too large\n? failed: an unexpected reply at Body: 552 too large\nCLOSE ProtocolError",
    );
    check(
        "! abort\n? permanent Rcpt 550 no | temporary BodyUnavailable\n? failed: the message was given up\nCLOSE ProtocolError",
    );
    check(
        "! text \u{fc}\n? permanent Rcpt 550 no | permanent Needs8BitMime\n? failed: the message was given up\nCLOSE ProtocolError",
    );
}

#[test]
fn chunks_one_at_a_time() {
    client().check_offered(
        &["CHUNKING"],
        r"
        ? ready
        ! send x@d.example
        C: MAIL FROM:<a@b.example>
        S: 250 ok
        C: RCPT TO:<x@d.example>
        S: 250 ok
        ? body
        ! text one
        ? body
        ! text two
        C> BDAT 3\r\none
        S: 250 ok
        ? body
        ! text three
        C> BDAT 3\r\ntwo
        S: 552 too large
        ? permanent Body 552 too large
        C: RSET
        S: 250 ok
        ? ready
        ",
    );
}

#[test]
fn lmtp_has_a_reply_for_each() {
    let lmtp = client().with(|c| c.protocol = ClientProtocol::Lmtp);
    lmtp.check(
        r"
        S: 220 x
        C: LHLO c.example
        S: 250-x
        S: 250 PIPELINING
        ? ready
        ! send x@d.example,y@d.example,z@d.example
        C: MAIL FROM:<a@b.example>
        C: RCPT TO:<x@d.example>
        C: RCPT TO:<y@d.example>
        C: RCPT TO:<z@d.example>
        S: 250 ok
        S: 250 ok
        S: 550 no
        S: 250 ok
        C: DATA
        S: 354 go
        ? body
        ! end
        C: .
        S: 250 kept
        S: 452 full
        ? delivered 250 kept | permanent Rcpt 550 no | temporary EndOfBody 452 full
        ? ready
        ",
    );
}
