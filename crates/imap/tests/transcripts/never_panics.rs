//! Whatever comes, a session neither panics nor grows.

use posthouse_imap::{Answer, Question, Refusal};
use posthouse_model::Instant;
use posthouse_model::session::{Session, Step};
use proptest::prelude::*;

use crate::dialect::{Imap, answer, fresh, logged_in, selected};
use posthouse_model::session::TlsMode;

/// Answers as a house might, or refuses.
fn reply(question: &Question, refuse: bool) -> Vec<Answer> {
    if refuse {
        return vec![Answer::Refused(Refusal::Unavailable)];
    }
    vec![match question {
        Question::SaslStart => answer("sasl-start"),
        Question::Sasl(_) => answer("rejected"),
        Question::List => answer("mailboxes INBOX:1 a/b:2:s"),
        Question::Status { .. } => answer("statuses messages=1"),
        Question::Select { .. } => answer("selected 1:5,9 modseq=5"),
        Question::Create { .. } => answer("created"),
        Question::Append { .. } => answer("appended 10"),
        Question::Fetch(_) => return vec![answer("row uid=2 section=whole:x section=stream:0"), answer("fetched 3")],
        Question::Store { .. } => answer("stored rows=1/-/6 modified=2 missing=3"),
        Question::Copy { .. } | Question::Move { .. } => answer("copied 1 2"),
        Question::Search { .. } => answer("found 1:3,9,12 modseq=4"),
        Question::SearchOpen { .. } => answer("opened 9 1:4"),
        Question::SearchOpened { .. } => answer("found 2:3"),
        Question::Sort { .. } => answer("sorted 9,1,3,12 modseq=4"),
        Question::Thread { .. } => answer("threaded 3+2 1 -+1 2 5"),
        Question::Sync { .. } => answer("changes modseq=7 added=10 vanished=2 changed=1/\\Seen/7"),
        _ => Answer::Done,
    }]
}

fn run(kind: &Imap, pieces: &[Vec<u8>], refuse: bool) {
    let mut session = kind.session();
    let mut now = Instant(0);
    for piece in pieces {
        now = Instant(now.0 + 1);
        while let Some(step) = session.next() {
            if let Step::Ask(id, question) = step {
                for answer in reply(&question, refuse) {
                    session.answer(id, answer, now);
                }
            }
        }
        if session.wants_input() {
            session.receive(piece, now);
        }
    }
    session.wake(Instant(u64::MAX));
    session.mailbox_changed(now);
    session.shut_down(now);
    while session.next().is_some() {}
}

const WORDS: &str = "(a |LOGIN |x |AUTHENTICATE PLAIN|IDLE|DONE|SELECT INBOX|UID |FETCH |STORE |SEARCH |COPY |MOVE |\
    SORT \\(DATE\\) UTF-8 |THREAD REFERENCES UTF-8 |RETURN \\(UPDATE PARTIAL 1:2\\) |ESEARCH IN \\(|\
    EXPUNGE|CLOSE|LIST |\"\" |APPEND x |\\{[0-9]{1,4}\\+?\\}|~|1:\\*|\\$|FLAGS|BODY\\[|\\]|\\(|\\)|\"|\\\\| |RETURN |\
    STATUS x \\(MESSAGES\\)|ENABLE QRESYNC|NOOP|\r\n|\r\n|\r\n|\n|[ -~]{0,4})";

proptest! {
    #[test]
    fn with_any_octets(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
        for kind in [fresh(TlsMode::StartTlsOptional), logged_in(), selected("1:5")] {
            run(&kind, &pieces, false);
        }
    }

    #[test]
    fn with_what_looks_like_commands(
        texts in prop::collection::vec(prop::collection::vec(WORDS, 0..8).prop_map(|words| words.concat()), 0..30),
        refuse in any::<bool>(),
    ) {
        let pieces: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
        for kind in [fresh(TlsMode::StartTlsOptional), logged_in(), selected("1:5")] {
            run(&kind, &pieces, refuse);
        }
    }
}
