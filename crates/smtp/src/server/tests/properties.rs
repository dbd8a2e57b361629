//! What holds for any bytes.

use posthouse_model::session::{Session, Step};
use posthouse_model::time::Instant;
use posthouse_testkit::transcript::{Dialect, Random};
use proptest::prelude::*;

use super::dialect::{Listener, lmtp, mx};
use crate::limits::{AUTH_LINE_BYTES, COMMAND_LINE_BYTES};
use crate::server::*;

/// Pieces of conversations, from which random ones are made.
const WORDS: &[&str] = &[
    "EHLO x\r\n",
    "LHLO x\r\n",
    "MAIL FROM:<a@b.example>\r\n",
    "MAIL FROM:<> BODY=BINARYMIME\r\n",
    "RCPT TO:<u@example.org>\r\n",
    "DATA\r\n",
    "BDAT 5\r\n",
    "BDAT 3 LAST\r\n",
    "BDAT 0 LAST\r\n",
    ".\r\n",
    "..\r\n",
    "\r\n",
    "\n",
    "\r",
    ".",
    "text\r\n",
    "\0",
    "\u{e9}",
    "RSET\r\n",
    "NOOP\r\n",
    "AUTH PLAIN AHUAcA==\r\n",
    "QUIT\r\n",
];

/// All that a session did, with neighbouring texts joined, and bodies without what was thrown away.
#[derive(Debug, Default, PartialEq, Eq)]
struct Record {
    sent: Vec<u8>,
    body: Vec<u8>,
    stored: Vec<(Vec<u8>, u64)>,
    questions: Vec<String>,
    closed: Option<String>,
}

fn answer(listener: &Listener, question: &Question) -> Option<Answer> {
    Some(listener.answer(match question {
        Question::AcceptSender { .. } => "ok",
        Question::AcceptRecipient { .. } => "yes",
        Question::StoreMessage(_) => "stored",
        Question::StartAuthentication { .. } => "nonce",
        Question::Credentials(_) => "wrong",
        Question::Authorize(_) => "denied",
        Question::AuthenticationFailed { .. } | Question::ClientChanged { .. } | Question::MessageAborted => {
            return None;
        }
    }))
}

/// Runs a session over pieces; as a socket would, it keeps what the session does not want yet.
fn run<'a>(listener: &Listener, pieces: impl Iterator<Item = &'a [u8]>) -> Record {
    let mut session = listener.start();
    let mut record = Record::default();
    let largest = COMMAND_LINE_BYTES.max(AUTH_LINE_BYTES);
    for piece in pieces {
        if session.wants_input() {
            session.receive(piece, Instant(0));
        }
        while let Some(step) = session.next() {
            match step {
                Step::Send(bytes) => record.sent.extend_from_slice(&bytes),
                Step::Body(bytes) => record.body.extend_from_slice(&bytes),
                Step::Ask(id, question) => {
                    record.questions.push(listener.describe(&question));
                    if let Question::StoreMessage(message) = &question {
                        record.stored.push((std::mem::take(&mut record.body), message.size_bytes));
                    } else if matches!(question, Question::MessageAborted) {
                        record.body.clear();
                    }
                    if let Some(answer) = answer(listener, &question) {
                        session.answer(id, answer, Instant(0));
                    }
                }
                Step::Close(reason) => record.closed = Some(format!("{reason:?}")),
                Step::WakeAt(_) => {}
                Step::StartTls | Step::StartCompression => {}
            }
        }
        assert!(session.buffered_bytes() <= largest, "{}", session.buffered_bytes());
    }
    record.body.clear();
    record
}

fn conversation() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(WORDS), 0..40).prop_map(|words| words.concat().into_bytes())
}

fn cut(wire: &[u8], seed: u64) -> Vec<&[u8]> {
    let mut random = Random::new(seed);
    let mut pieces = Vec::new();
    let mut rest = wire;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(1 + random.below(rest.len().min(12)));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

proptest! {
    #[test]
    fn cuts_change_nothing(wire in conversation(), seed: u64, normalise: bool) {
        for listener in [mx(), lmtp()] {
            let listener = listener.with(|config| {
                config.limits.message_size_bytes = 40;
                config.limits.text_line_bytes = 15;
                if normalise {
                    config.bare_line_endings = BareLineEndings::Normalise;
                }
            });
            let greeting = if listener.0.role == Role::Lmtp { "LHLO x\r\n" } else { "EHLO x\r\n" };
            let wire = [greeting.as_bytes(), b"MAIL FROM:<>\r\nRCPT TO:<u@example.org>\r\n", &wire].concat();
            let whole = run(&listener, [&wire[..]].into_iter());
            prop_assert_eq!(&run(&listener, wire.chunks(1)), &whole);
            prop_assert_eq!(&run(&listener, cut(&wire, seed).into_iter()), &whole);
            for (body, size_bytes) in &whole.stored {
                prop_assert_eq!(body.len() as u64, *size_bytes);
            }
        }
    }

    #[test]
    fn random_bytes_do_not_panic(wire: Vec<u8>, seed: u64) {
        let pieces = cut(&wire, seed);
        run(&mx(), pieces.into_iter());
    }

    #[test]
    fn text_never_holds_a_bare_line_end(text in "[a.\r\n]{0,30}", normalise: bool) {
        let listener = mx().with(|config| {
            if normalise {
                config.bare_line_endings = BareLineEndings::Normalise;
            }
        });
        let wire = format!("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<u@example.org>\r\nDATA\r\n{text}\r\n.\r\n");
        let record = run(&listener, [wire.as_bytes()].into_iter());
        if let Some((body, _)) = record.stored.first() {
            let without = String::from_utf8(body.clone()).unwrap().replace("\r\n", "");
            prop_assert!(!without.contains(['\r', '\n']));
        }
    }
}
