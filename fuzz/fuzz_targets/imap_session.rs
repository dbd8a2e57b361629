//! Whatever comes, an IMAP session answers in whole responses, and the same however the octets are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_fuzz::drive::{Cut, drive, tls};
use posthouse_fuzz::imap_house::{ImapHouse, config};
use posthouse_fuzz::imap_wire::check;
use posthouse_fuzz::script::events;
use posthouse_imap::ImapSession;
use posthouse_model::Instant;
use posthouse_model::session::TlsMode;

fuzz_target!(|input: &[u8]| {
    // t: implicit TLS, s: STARTTLS, n: no TLS, m: a mailbox is open; in upper case without LITERAL+.
    let Some((kind, script)) = input.split_first() else { return };
    let events = events(script);
    let run = |cut| {
        let mut house = ImapHouse::default();
        let mode = match kind.to_ascii_lowercase() {
            b's' => TlsMode::StartTlsOptional,
            b'n' => TlsMode::None,
            _ => TlsMode::Implicit,
        };
        let session = match kind {
            b'm' => house.open("a NOOP\r\n"),
            b'M' => house.open("a ENABLE QRESYNC IMAP4rev2\r\n"),
            _ => ImapSession::new(config(mode, kind.is_ascii_lowercase()), Instant(0)),
        };
        drive(session, &mut house, &events, cut, &tls())
    };
    let Some(whole) = run(Cut::AsScripted) else { return };
    check(&whole.sent);
    if let Some(pieces) = run(Cut::EachOctet) {
        assert_eq!(whole.sent.escape_ascii().to_string(), pieces.sent.escape_ascii().to_string());
        assert_eq!(whole.closed, pieces.closed);
    }
});
