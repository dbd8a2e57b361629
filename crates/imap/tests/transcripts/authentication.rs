use posthouse_model::Instant;
use posthouse_model::session::{CloseReason, Session, Step, TlsMode};
use posthouse_testkit::transcript::check;

use crate::dialect::{fresh, logged_in};

const CLEAR: &str = "IMAP4rev1 IMAP4rev2 SASL-IR ID ENABLE LITERAL- STARTTLS LOGINDISABLED";
const IN_TLS: &str = "IMAP4rev1 IMAP4rev2 SASL-IR ID ENABLE LITERAL- AUTH=PLAIN AUTH=LOGIN";
const AFTER_LOGIN: &str = "IMAP4rev1 IMAP4rev2 SASL-IR ID ENABLE LITERAL- IDLE NAMESPACE NOTIFY UNSELECT CHILDREN UIDPLUS MOVE \
     SPECIAL-USE LIST-EXTENDED LIST-STATUS STATUS=SIZE ESEARCH SEARCHRES CONDSTORE QRESYNC UTF8=ACCEPT WITHIN \
     OBJECTID SAVEDATE PREVIEW CREATE-SPECIAL-USE \
     I18NLEVEL=1 SORT SORT=DISPLAY ESORT CONTEXT=SEARCH CONTEXT=SORT PARTIAL MULTISEARCH INPROGRESS \
     THREAD=ORDEREDSUBJECT THREAD=REFERENCES \
     MULTIAPPEND BINARY CATENATE REPLACE METADATA FILTERS LIST-METADATA \
     ACL RIGHTS=kxte LIST-MYRIGHTS QUOTA QUOTASET \
     QUOTA=RES-STORAGE QUOTA=RES-MESSAGE QUOTA=RES-MAILBOX \
     UIDONLY \
     COMPRESS=DEFLATE \
     APPENDLIMIT=67108864";

#[test]
fn starttls_comes_before_passwords() {
    check(
        &fresh(TlsMode::StartTlsRequired),
        &format!(
            r"
            S: * OK [CAPABILITY {CLEAR}] imap.example at your service
            C: a CAPABILITY
            S: * CAPABILITY {CLEAR}
            S: a OK That is what we can do
            C: b LOGIN ann secret
            S: b NO [PRIVACYREQUIRED] Begin TLS first
            C: c AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=
            S: c NO [PRIVACYREQUIRED] Begin TLS first
            C: d SELECT INBOX
            S: d BAD Log in first
            C: e starttls
            S: e OK Begin TLS now
            TLS
            C: f CAPABILITY
            S: * CAPABILITY {IN_TLS}
            S: f OK That is what we can do
            C: g STARTTLS
            S: g BAD TLS is active already
            C: h LOGIN ann secret
            ? verify ann secret
            ! accepted
            ? enter ann by PLAIN
            ! done
            S: h OK [CAPABILITY {AFTER_LOGIN}] Logged in
            C: i LOGIN ann secret
            S: i BAD You are logged in
            C: j LOGOUT
            S: * BYE Until next time
            S: j OK Logged out
            CLOSE Quit
            "
        ),
    );
}

#[test]
fn mechanisms_in_clear_need_tls_where_it_is_optional_too() {
    check(
        &fresh(TlsMode::StartTlsOptional),
        r"
        S* * OK [CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR ID ENABLE LITERAL- STARTTLS LOGINDISABLED]
        C: a AUTHENTICATE PLAIN
        S: a NO [PRIVACYREQUIRED] Begin TLS first
        C: b LOGIN {3}
        S: b NO [PRIVACYREQUIRED] Begin TLS first
        C: b LOGIN {3+}
        C: ann {6+}
        C: secret
        S: b NO [PRIVACYREQUIRED] Begin TLS first
        C: c AUTHENTICATE SCRAM-SHA-256
        S: c NO That mechanism is not offered here
        ",
    );
}

#[test]
fn the_greeting_waits_for_implicit_tls() {
    check(
        &fresh(TlsMode::Implicit),
        &format!(
            r#"
            TLS
            S: * OK [CAPABILITY {IN_TLS}] imap.example at your service
            C: a LOGIN "ann" {{6+}}
            C: secret
            ? verify ann secret
            ! rejected
            S: a NO [AUTHENTICATIONFAILED] Authentication failed
            C: b LOGIN ann "se\\cr\"et"
            ? verify ann se\cr"et
            ! unavailable
            S: b NO [UNAVAILABLE] Not available now, try again later
            C: c LOGIN ann secret
            ? verify ann secret
            ! accepted
            ? enter ann by PLAIN
            ! refused AuthorizationFailed
            S: c NO [AUTHORIZATIONFAILED] Not allowed to use this service
            "#
        ),
    );
}

#[test]
fn sasl_with_and_without_an_initial_response() {
    check(
        &fresh(TlsMode::Implicit),
        r"
        TLS
        S* * OK
        C: a AUTHENTICATE PLAIN
        ? sasl-start
        ! sasl-start
        S> +\x20\r\n
        C: *
        S: a BAD Cancelled
        C: b AUTHENTICATE PLAIN
        ? sasl-start
        ! sasl-start
        S> +\x20\r\n
        C: !!!
        S: b BAD The response cannot be read
        C: c AUTHENTICATE PLAIN =
        ? sasl-start
        ! sasl-start
        S: c BAD The response cannot be read
        C: d authenticate login
        ? sasl-start
        ! sasl-start
        S: + VXNlcm5hbWU6
        C: YW5u
        S: + UGFzc3dvcmQ6
        C: c2VjcmV0
        ? verify ann secret
        ! rejected
        S: d NO [AUTHENTICATIONFAILED] Authentication failed
        C: e AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=
        ? sasl-start
        ! sasl-start
        ? verify ann secret
        ! accepted
        ? enter ann by PLAIN
        ! done
        S* e OK [CAPABILITY
        ",
    );
}

#[test]
fn a_session_ends_after_failed_logins() {
    let attempt = |n| {
        format!(
            "C: a{n} LOGIN ann x\n? verify ann x\n! rejected\nS: a{n} NO [AUTHENTICATIONFAILED] Authentication failed\n"
        )
    };
    let attempts: String = (1..=5).map(attempt).collect();
    check(
        &fresh(TlsMode::Implicit),
        &format!("TLS\nS* * OK\n{attempts}S: * BYE Too many failed logins\nCLOSE AuthenticationFailures"),
    );
}

/// What was injected may come in the same piece or in a later one; neither is ever run.
#[test]
fn what_follows_starttls_in_clear_ends_the_session() {
    let first = "a STARTTLS\r\n";
    for injected in ["b NOOP\r\n", "x"] {
        let whole = format!("{first}{injected}");
        for split in [whole.len(), first.len()] {
            let mut session = fresh(TlsMode::StartTlsRequired).session();
            for piece in [&whole[..split], &whole[split..]] {
                if !piece.is_empty() {
                    session.receive(piece.as_bytes(), Instant(0));
                }
            }
            let steps: Vec<_> = std::iter::from_fn(|| session.next()).collect();
            assert!(matches!(steps.last(), Some(Step::Close(CloseReason::PipelinedStartTls))), "{injected}");
            assert!(!session.wants_input());
        }
    }
}

#[test]
fn who_is_who() {
    check(
        &logged_in(),
        r#"
        C: a ID ("name" "Mutt" "version" NIL)
        S> * ID ("name" "Posthouse")\r\n
        ? client-id [("name", Some("Mutt")), ("version", None)]
        ! done
        S: a OK Pleased to meet you
        C: b ID NIL
        S: * ID ("name" "Posthouse")
        S: b OK Pleased to meet you
        C: c ID ("name")
        S: c BAD Expected a space
        C: d ID ()
        S: * ID ("name" "Posthouse")
        S: d OK Pleased to meet you
        "#,
    );
}

#[test]
fn enable_names_what_is_new() {
    check(
        &logged_in(),
        r"
        C: a ENABLE CONDSTORE X-FOO
        S: * ENABLED CONDSTORE
        S: a OK Enabled
        C: b ENABLE qresync condstore utf8=accept
        S: * ENABLED QRESYNC UTF8=ACCEPT
        S: b OK Enabled
        C: c ENABLE IMAP4REV2
        S: * ENABLED IMAP4rev2
        S: c OK Enabled
        C: d ENABLE QRESYNC
        S: * ENABLED
        S: d OK Enabled
        C: e ENABLE
        S: e BAD Expected a space
        ",
    );
}

#[test]
fn namespace_and_noop() {
    check(
        &logged_in(),
        r#"
        C: a NAMESPACE
        S: * NAMESPACE (("" "/")) (("Users/" "/")) (("Shared/" "/"))
        S: a OK That is all
        C: b NOOP
        S: b OK Nothing done
        C: c noop x
        S: c BAD Expected the end of the command
        C: d FETCH 1 FLAGS
        S: d BAD Select a mailbox first
        C: e UID FETCH 1 FLAGS
        S: e BAD Select a mailbox first
        C: f FROB
        S: f BAD There is no such command
        SHUTDOWN
        S: * BYE The server is going down
        CLOSE Shutdown
        "#,
    );
}
