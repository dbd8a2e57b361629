//! Whatever comes, a POP3 session answers in lines, and the same however the octets are cut.
#![no_main]

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use posthouse_fuzz::credentials;
use posthouse_fuzz::drive::{Cut, House, drive, tls};
use posthouse_fuzz::script::events;
use posthouse_model::session::{QuestionId, Session as _, TlsMode};
use posthouse_model::{Instant, Uid, UidValidity};
use posthouse_pop3::{Answer, Config, Entry, LoginRefusal, MaildropRefusal, OpenedMaildrop, Question, Session};
use posthouse_sasl::{Mechanism, NONCE_BYTES};

const MESSAGE: &[u8] = b"Subject: x\r\nTo: y\r\n\r\n.\r\n..dots\nbare\r\n\xc3\xa9\rCR\r\n\r\nlast\r\n";

/// A maildrop of three messages.
struct Inbox;

fn maildrop() -> OpenedMaildrop {
    let entry = |uid| Some(Entry { uid: Uid::new(uid)?, size_bytes: MESSAGE.len() as u64 });
    OpenedMaildrop {
        uid_validity: UidValidity(NonZeroU32::new(77).expect("not zero")),
        entries: [1, 5, u32::MAX].into_iter().filter_map(entry).collect(),
    }
}

/// Brings a message: at once, or in pieces of a size that follows from the choice, cut short when enough was taken.
fn bring(session: &mut Session, id: QuestionId, choice: u8, now: Instant) {
    if choice == 0 {
        return session.answer(id, Answer::Message(Bytes::from_static(MESSAGE)), now);
    }
    for piece in MESSAGE.chunks(usize::from(choice)) {
        if session.awaits(id) {
            session.answer(id, Answer::Data(Bytes::from_static(piece)), now);
        }
    }
    session.answer(id, Answer::DataEnd, now);
}

impl House<Session> for Inbox {
    fn asked(&mut self, session: &mut Session, id: QuestionId, question: Question, choice: u8, now: Instant) {
        assert!(!session.wants_input(), "input is wanted while a question is open");
        let answer = match question {
            Question::Nonce => Answer::Nonce { bytes: [7; NONCE_BYTES], unix_time_seconds: 1_700_000_000 },
            Question::Sasl(question) => Answer::Sasl(credentials::choose(&question, choice)),
            Question::Login { .. } => Answer::Login(match choice {
                0 => Ok(()),
                1 => Err(LoginRefusal::InvalidCredentials),
                _ => Err(LoginRefusal::TooSoon),
            }),
            Question::OpenMaildrop { .. } => Answer::Maildrop(match choice {
                0 => Ok(maildrop()),
                1 => Err(MaildropRefusal::InUse),
                _ => Err(MaildropRefusal::Denied),
            }),
            Question::Retrieve { .. } => match choice {
                253 => Answer::Gone,
                254 => Answer::NeedsUtf8,
                255 => Answer::Unavailable,
                _ => return bring(session, id, choice, now),
            },
            Question::Commit { delete } => {
                assert!(!delete.is_empty());
                if choice == 1 { Answer::Unavailable } else { Answer::Committed { not_removed: choice.into() } }
            }
        };
        session.answer(id, answer, now);
    }
}

fuzz_target!(|input: &[u8]| {
    // t: implicit TLS, s: STLS, n: never.
    let Some((kind, script)) = input.split_first() else { return };
    let mode = match kind {
        b's' => TlsMode::StartTlsOptional,
        b'n' => TlsMode::None,
        _ => TlsMode::Implicit,
    };
    let mut config = Config::new("mail.example", mode);
    config.mechanisms = Mechanism::ALL.to_vec();
    config.limits.skipped_bytes = 1_000;
    let config = Arc::new(config);
    let events = events(script);
    let run = |cut| drive(Session::new(Arc::clone(&config), Instant(0)), &mut Inbox, &events, cut, &tls());
    let Some(whole) = run(Cut::AsScripted) else { return };
    let is_reply = whole.sent.is_empty() || whole.sent.starts_with(b"+OK ") || whole.sent.starts_with(b"-ERR ");
    assert!(is_reply && (whole.sent.is_empty() || whole.sent.ends_with(b"\r\n")), "no whole reply");
    // A CR in the middle of a line is kept: it is part of the message.
    let bare = whole.sent.windows(2).any(|pair| pair[0] != b'\r' && pair[1] == b'\n');
    assert!(!bare, "LF without CR: {}", whole.sent.escape_ascii());
    if let Some(pieces) = run(Cut::EachOctet) {
        assert_eq!(whole.sent.escape_ascii().to_string(), pieces.sent.escape_ascii().to_string());
        assert_eq!(whole.closed, pieces.closed);
    }
});
