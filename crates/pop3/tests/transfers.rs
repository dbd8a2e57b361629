//! Messages that come in pieces.
#![allow(clippy::unwrap_used, reason = "a test may end where it stands")]

mod dialect;

use bytes::Bytes;
use dialect::Driver;
use posthouse_model::session::{CloseReason, Session as _};
use posthouse_model::time::Instant;
use posthouse_pop3::{Answer, Part, Question};
use proptest::prelude::*;

fn data(text: &'static str) -> Answer {
    Answer::Data(Bytes::from_static(text.as_bytes()))
}

#[test]
fn pieces_go_out_as_they_come() {
    let mut driver = Driver::logged_in("5:9");
    driver.receive("RETR 1\r\n");
    driver.expect("");
    assert!(!driver.session.wants_input());
    driver.answer(data("A: 1\r"));
    driver.expect("+OK 9 octets\r\nA: 1\r");
    driver.answer(data("\n"));
    driver.expect("\n");
    driver.answer(data(".\r\n"));
    driver.expect("..\r\n");
    driver.answer(data(""));
    driver.answer(Answer::DataEnd);
    driver.expect(".\r\n");
    assert!(driver.session.wants_input());
    // What comes after the end is for nobody.
    driver.answer(data("late"));
    driver.answer(Answer::DataEnd);
    driver.expect("");
    driver.receive("NOOP\r\n");
    driver.expect("+OK\r\n");
}

#[test]
fn an_empty_message_is_a_message() {
    let mut driver = Driver::logged_in("5:0");
    driver.receive("RETR 1\r\n");
    driver.answer(Answer::DataEnd);
    driver.expect("+OK 0 octets\r\n.\r\n");
}

#[test]
fn top_ends_the_question_when_it_has_enough() {
    let mut driver = Driver::logged_in("5:9");
    driver.receive("TOP 1 1\r\nNOOP\r\n");
    let Some((id, Question::Retrieve { part: Part::Top(1), .. })) = driver.asked else { panic!() };
    driver.answer(data("A: 1\r\n\r"));
    assert!(driver.session.awaits(id));
    driver.answer(data("\none\r\ntwo\r\n"));
    assert!(!driver.session.awaits(id));
    driver.expect("+OK top of message follows\r\nA: 1\r\n\r\none\r\n.\r\n+OK\r\n");
    driver.answer(data("three\r\n"));
    driver.answer(Answer::DataEnd);
    driver.expect("");
}

#[test]
fn what_comes_late_is_not_taken_for_the_next_message() {
    let mut driver = Driver::logged_in("5:9 6:1");
    driver.receive("TOP 1 0\r\nRETR 2\r\n");
    let Some((first, _)) = driver.asked else { panic!() };
    driver.answer(data("A: 1\r\n\r\none\r\n"));
    driver.expect("+OK top of message follows\r\nA: 1\r\n\r\n.\r\n");
    driver.session.answer(first, data("two\r\n"), Instant(0));
    driver.session.answer(first, Answer::DataEnd, Instant(0));
    driver.drain();
    driver.expect("");
    driver.answer(data("x"));
    driver.answer(Answer::DataEnd);
    driver.expect("+OK 1 octets\r\nx\r\n.\r\n");
}

#[test]
fn a_message_that_breaks_off_is_not_taken_for_whole() {
    for failure in [Answer::Unavailable, Answer::Gone, Answer::NeedsUtf8, dialect::answer("login yes")] {
        let mut driver = Driver::logged_in("5:9");
        driver.receive("RETR 1\r\nQUIT\r\n");
        driver.answer(data("A: 1\r\n"));
        driver.answer(failure);
        driver.expect("+OK 9 octets\r\nA: 1\r\n");
        assert_eq!(driver.closed, Some(CloseReason::Shutdown));
    }
}

#[test]
fn a_client_that_closed_its_side_is_served_to_the_end() {
    let mut driver = Driver::logged_in("5:9");
    driver.receive("RETR 1\r\nDELE 1\r\nQUIT\r\n");
    driver.session.receive_eof(Instant(0));
    driver.drain();
    driver.answer(dialect::answer("message x"));
    driver.expect("+OK 9 octets\r\nx\r\n.\r\n+OK marked as deleted\r\n");
    assert!(matches!(driver.asked, Some((_, Question::Commit { .. }))));
    driver.answer(dialect::answer("committed 0"));
    driver.expect("+OK goodbye\r\n");
    assert_eq!(driver.closed, Some(CloseReason::Quit));
}

#[test]
fn a_large_piece_is_not_copied() {
    let mut driver = Driver::logged_in("5:64000");
    driver.receive("RETR 1\r\n");
    let piece = Bytes::from(b"sixty-four octets of text that say nothing, again and again..\r\n".repeat(1000));
    let (id, _) = driver.asked.take().unwrap();
    driver.session.answer(id, Answer::Message(piece.clone()), Instant(0));
    let steps: Vec<_> = std::iter::from_fn(|| driver.session.next()).collect();
    let uncopied = steps
        .iter()
        .any(|step| matches!(step, posthouse_model::session::Step::Send(bytes) if bytes.as_ptr() == piece.as_ptr()));
    assert!(uncopied, "{} steps", steps.len());
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        message in proptest::collection::vec(proptest::sample::select(&b"\r\n\r\n..ab"[..]), 0..80),
        size in 1..9usize,
        lines in proptest::option::of(0..5u64),
    ) {
        let command = lines.map_or_else(|| "RETR 1\r\n".to_owned(), |lines| format!("TOP 1 {lines}\r\n"));
        let mut whole = Driver::logged_in("5:1");
        whole.receive(&command);
        whole.answer(Answer::Message(Bytes::from(message.clone())));
        let mut pieces = Driver::logged_in("5:1");
        pieces.receive(&command);
        for piece in message.chunks(size) {
            pieces.answer(Answer::Data(Bytes::copy_from_slice(piece)));
        }
        pieces.answer(Answer::DataEnd);
        prop_assert!(whole.sent.ends_with(b"\r\n.\r\n"));
        prop_assert_eq!(whole.sent, pieces.sent);
        prop_assert!(pieces.session.wants_input());
    }
}
