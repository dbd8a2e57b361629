//! COMPRESS (RFC 4978).

use posthouse_model::session::TlsMode;
use posthouse_testkit::transcript::check;

use crate::dialect::{fresh, logged_in, selected};

#[test]
fn compression_begins_behind_the_answer() {
    check(
        &logged_in(),
        r"
        C: a COMPRESS GZIP
        S: a BAD Only DEFLATE is known
        C: b COMPRESS
        S: b BAD Expected a space
        C: c compress deflate
        S: c OK Compression begins
        COMPRESSION
        C: d COMPRESS DEFLATE
        S: d NO [COMPRESSIONACTIVE] Compression is active already
        C: e NOOP
        S: e OK Nothing done
        ",
    );
    check(
        &selected("1"),
        r"
        C: a COMPRESS DEFLATE
        S: a OK Compression begins
        COMPRESSION
        C: b NOOP
        ? sync 100
        ! changes modseq=101 added=2
        S: * 2 EXISTS
        S: b OK Nothing done
        ",
    );
}

#[test]
fn strangers_are_not_compressed() {
    check(
        &fresh(TlsMode::None),
        r"
        S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR ID ENABLE LITERAL- LOGINDISABLED] imap.example at your service
        C: a COMPRESS DEFLATE
        S: a BAD Log in first
        ",
    );
}
