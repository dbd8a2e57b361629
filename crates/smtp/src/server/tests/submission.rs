//! The doors of submission (RFC 6409, RFC 8314).

use posthouse_model::session::TlsMode;

use super::dialect::{SIGN_IN, submission};

#[test]
fn nothing_but_a_few_verbs_before_authentication() {
    submission(TlsMode::Implicit).check(
        r"
        TLS
        S* 220 mail.example.org ESMTP
        C: EHLO c.example
        S: 250-mail.example.org
        S* 250-SIZE
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-DSN
        S: 250-REQUIRETLS
        S: 250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN LOGIN
        S* 250 LIMITS
        C: MAIL FROM:<a@example.org>
        S: 530 5.7.0 Authentication required
        C: RCPT TO:<a@example.org>
        S: 530 5.7.0 Authentication required
        C: DATA
        S: 530 5.7.0 Authentication required
        C: VRFY x
        S: 530 5.7.0 Authentication required
        C: HELP
        S: 530 5.7.0 Authentication required
        C: EXPN x
        S: 530 5.7.0 Authentication required
        C: NOOP
        S* 250
        C: RSET
        S* 250
        C: HELO c.example
        S* 250
        C: STARTTLS
        S: 503 5.5.1 TLS is already active
        C: QUIT
        S* 221
        CLOSE Quit
        ",
    );
}

#[test]
fn nothing_of_weight_before_starttls() {
    submission(TlsMode::StartTlsRequired).check(
        r"
        S* 220
        C: EHLO c.example
        S* 250-mail.example.org
        S* 250-SIZE
        S* 250-PIPELINING
        S* 250-8BITMIME
        S* 250-SMTPUTF8
        S* 250-ENHANCEDSTATUSCODES
        S* 250-CHUNKING
        S* 250-BINARYMIME
        S* 250-DSN
        S* 250-STARTTLS
        S* 250-AUTH SCRAM-SHA-256 SCRAM-SHA-1
        S* 250 LIMITS
        C: MAIL FROM:<a@example.org>
        S: 530 5.7.0 Must issue a STARTTLS command first
        C: MAIL FROM:<broken
        S: 530 5.7.0 Must issue a STARTTLS command first
        C: AUTH PLAIN AGEAYg==
        S: 530 5.7.0 Must issue a STARTTLS command first
        C: RSET
        S: 530 5.7.0 Must issue a STARTTLS command first
        C: HELO x
        S: 530 5.7.0 Must issue a STARTTLS command first
        C> BDAT 4\r\nQUIT
        S: 530 5.7.0 Must issue a STARTTLS command first
        C: NOOP
        S* 250
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        TLS
        C: MAIL FROM:<a@example.org>
        S: 530 5.7.0 Authentication required
        ",
    );
}

#[test]
fn a_message_is_submitted() {
    let script = format!(
        r"
        S* 220
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        TLS
        C: EHLO c.example
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-
        S* 250-REQUIRETLS
        S* 250-AUTH
        S* 250 LIMITS
        {SIGN_IN}
        C: MAIL FROM:<u@example.org> AUTH=u@example.org REQUIRETLS
        ? sender <u@example.org> requiretls
        ! ok
        S* 250
        C: RCPT TO:<x@elsewhere.example>
        ? recipient x@elsewhere.example
        ! yes
        S* 250
        C: DATA
        S* 354
        C: .
        ? store x@elsewhere.example 0 bytes with ESMTPSA by u@example.org
        ! stored
        S* 250
        C: QUIT
        S* 221
        CLOSE Quit
        "
    );
    submission(TlsMode::StartTlsRequired).check(&script);
}
