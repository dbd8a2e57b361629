//! Sessions under random bytes, answers and events: they never panic, never loop, and keep the contract.
#![allow(clippy::unwrap_used, reason = "a test may end where it stands")]

mod dialect;

use std::time::Duration;

use bytes::Bytes;
use dialect::Pop3;
use posthouse_model::session::{QuestionId, Session as _, Step, TlsMode};
use posthouse_model::time::Instant;
use posthouse_pop3::{Answer, Session};
use posthouse_testkit::transcript::Dialect as _;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Event {
    Line(&'static str),
    Raw(Vec<u8>),
    Answer(&'static str),
    Data(Vec<u8>),
    DataEnd,
    Tls,
    Eof,
    Wake(u64),
    ShutDown,
}

const LINES: &[&str] = &[
    "USER a",
    "PASS b",
    "AUTH PLAIN",
    "AUTH PLAIN AGEAYg==",
    "AGEAYg==",
    "*",
    "AUTH SCRAM-SHA-256",
    "STLS",
    "UTF8",
    "CAPA",
    "STAT",
    "LIST",
    "LIST 1",
    "UIDL",
    "UIDL 2",
    "RETR 1",
    "TOP 1 1",
    "TOP 2 0",
    "DELE 1",
    "DELE 2",
    "RSET",
    "NOOP",
    "QUIT",
];
const ANSWERS: &[&str] = &[
    "nonce",
    "verified yes",
    "verified no",
    "login yes",
    "login yes",
    "login no",
    "maildrop 1:5 2:7",
    "maildrop 1:5 2:7",
    "maildrop in-use",
    "message A\\r\\n\\r\\n.b\\r\\n",
    "gone",
    "unavailable",
    "committed 0",
];

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => proptest::sample::select(LINES).prop_map(Event::Line),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Event::Raw),
        12 => proptest::sample::select(ANSWERS).prop_map(Event::Answer),
        2 => proptest::collection::vec(proptest::sample::select(&b"a.\r\n"[..]), 0..20).prop_map(Event::Data),
        2 => Just(Event::DataEnd),
        1 => Just(Event::Tls),
        1 => Just(Event::Eof),
        1 => (0..200u64).prop_map(Event::Wake),
        1 => Just(Event::ShutDown),
    ]
}

/// Far more steps than any event here can cause.
const MAX_STEPS: usize = 1000;

#[derive(Default)]
struct Seen {
    open: Option<QuestionId>,
    handshake: bool,
    closed: bool,
}

fn drain(session: &mut Session, seen: &mut Seen) {
    for _ in 0..MAX_STEPS {
        let Some(step) = session.next() else {
            assert!(!(session.wants_input() && (seen.closed || seen.handshake)));
            assert!(!(session.wants_input() && seen.open.is_some_and(|id| session.awaits(id))));
            return;
        };
        assert!(!seen.closed, "{step:?} after the end");
        match step {
            Step::Send(bytes) => assert!(!bytes.is_empty()),
            Step::Ask(id, _) => seen.open = Some(id),
            Step::StartTls => seen.handshake = true,
            Step::StartCompression => panic!("POP3 has no compression"),
            Step::Close(_) => seen.closed = true,
            Step::WakeAt(_) => {}
            Step::Body(_) => panic!("POP3 takes no messages"),
        }
    }
    panic!("the session never stops");
}

fn play(mode: TlsMode, events: &[Event]) {
    let mut session = Pop3::new(mode).start();
    let mut seen = Seen::default();
    let mut now = Instant(0);
    drain(&mut session, &mut seen);
    for event in events {
        let answer = match event {
            Event::Line(line) if session.wants_input() => {
                session.receive(format!("{line}\r\n").as_bytes(), now);
                None
            }
            Event::Raw(bytes) if session.wants_input() => {
                session.receive(bytes, now);
                None
            }
            Event::Answer(words) => Some(dialect::answer(words)),
            Event::Data(bytes) => Some(Answer::Data(Bytes::from(bytes.clone()))),
            Event::DataEnd => Some(Answer::DataEnd),
            Event::Tls => {
                seen.handshake = false;
                session.tls_established(dialect::bound_tls(), now);
                None
            }
            Event::Eof => {
                session.receive_eof(now);
                None
            }
            Event::Wake(seconds) => {
                now = now + Duration::from_secs(*seconds);
                session.wake(now);
                None
            }
            Event::ShutDown => {
                session.shut_down(now);
                None
            }
            Event::Line(_) | Event::Raw(_) => None,
        };
        if let (Some(answer), Some(id)) = (answer, seen.open) {
            session.answer(id, answer, now);
        }
        drain(&mut session, &mut seen);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn sessions_keep_the_contract(
        mode in proptest::sample::select(&[TlsMode::Implicit, TlsMode::StartTlsOptional, TlsMode::None][..]),
        events in proptest::collection::vec(event(), 0..60),
    ) {
        let begin = if mode == TlsMode::Implicit { vec![Event::Tls] } else { Vec::new() };
        play(mode, &[begin, events].concat());
    }

    #[test]
    fn sessions_after_a_login_keep_the_contract(events in proptest::collection::vec(event(), 0..60)) {
        let begin = [
            Event::Tls,
            Event::Line("USER a"),
            Event::Line("PASS b"),
            Event::Answer("login yes"),
            Event::Answer("maildrop 1:5 2:7"),
        ];
        play(TlsMode::Implicit, &[begin.to_vec(), events].concat());
    }
}
