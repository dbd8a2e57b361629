//! The grammar of IMAP commands: each command has exactly one tagged reply.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_fuzz::drive::House;
use posthouse_fuzz::imap_house::ImapHouse;
use posthouse_fuzz::imap_wire::check;
use posthouse_imap::ImapSession;
use posthouse_model::Instant;
use posthouse_model::session::{Session, Step};

const TAG: &[u8] = b"tag";

/// What a session sent, and whether it has ended.
#[derive(Default)]
struct Heard {
    sent: Vec<u8>,
    ended: bool,
}

fn say(session: &mut ImapSession, house: &mut ImapHouse, octets: &[u8], heard: &mut Heard) {
    if session.wants_input() {
        session.receive(octets, Instant(0));
    }
    while let Some(step) = session.next() {
        match step {
            Step::Send(octets) => heard.sent.extend_from_slice(&octets),
            Step::Ask(id, question) => house.asked(session, id, question, 0, Instant(0)),
            Step::Body(octets) => house.body(&octets),
            Step::Close(_) => heard.ended = true,
            Step::StartTls | Step::StartCompression | Step::WakeAt(_) => {}
        }
    }
}

fuzz_target!(|input: &[u8]| {
    // The first octet says what was enabled; each line after the first is what follows a literal's header.
    let Some((kind, command)) = input.split_first() else { return };
    let mut house = ImapHouse::default();
    let mut session = house.open(match kind {
        b'2' => "a ENABLE IMAP4rev2\r\n",
        b'8' => "a ENABLE UTF8=ACCEPT\r\n",
        b'q' => "a ENABLE QRESYNC\r\n",
        _ => "a NOOP\r\n",
    });
    let mut heard = Heard::default();
    let lines: Vec<&[u8]> = command.split(|octet| *octet == b'\n').collect();
    let first = lines[0].strip_suffix(b"\r").unwrap_or(lines[0]);
    say(&mut session, &mut house, &[TAG, b" ", first, b"\r\n"].concat(), &mut heard);
    for line in &lines[1..] {
        let asked_for_more = check(&heard.sent).last().is_some_and(|response| response.text.starts_with(b"+"));
        if !asked_for_more || heard.ended {
            break;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        say(&mut session, &mut house, &[line, b"\r\n"].concat(), &mut heard);
    }
    let responses = check(&heard.sent);
    let tagged = responses.iter().filter(|response| response.text.starts_with(b"tag ")).count();
    assert!(tagged <= 1, "{tagged} replies to one command: {}", heard.sent.escape_ascii());
    let continued = responses.iter().any(|response| response.text.starts_with(b"+"));
    let is_whole = !continued && !first.ends_with(b"}") && !heard.ended;
    assert!(tagged == 1 || !is_whole || first.contains(&b'\r'), "no reply: {}", heard.sent.escape_ascii());
});
