//! The words in which the scripts write questions and answers.

mod answers;
mod questions;

use std::sync::Arc;

use posthouse_imap::{Answer, Config, ImapSession, Limits, Question};
use posthouse_model::Instant;
use posthouse_model::session::{QuestionId, Session, Step, TlsInfo, TlsMode};
use posthouse_sasl::Mechanism;
use posthouse_testkit::transcript::Dialect;

pub use self::answers::{answer, uids};
use self::questions::describe;

/// Sessions of one kind: fresh, logged in, or with a mailbox open.
#[derive(Clone)]
pub struct Imap {
    pub config: Config,
    /// Logged in before the script begins.
    pub logged_in: bool,
    /// What was enabled before the script begins.
    pub enable: &'static str,
    /// UIDs of the mailbox that is open when the script begins; its highest modification sequence is 100.
    pub selected: Option<&'static str>,
    pub read_only: bool,
    /// What the user may do in the mailbox that is open.
    pub rights: &'static str,
    /// `EOF` in the script means that the mailbox changed.
    pub idling: bool,
    /// `EOF` in the script means that there is news of the account.
    pub notified: bool,
}

pub fn config(tls_mode: TlsMode) -> Config {
    Config {
        host_name: "imap.example".to_owned(),
        tls_mode,
        mechanisms: vec![Mechanism::Plain, Mechanism::Login],
        server_id: vec![("name".to_owned(), "Posthouse".to_owned())],
        literal_plus: false,
        unauthenticate: false,
        limits: Limits::default(),
    }
}

pub fn fresh(tls_mode: TlsMode) -> Imap {
    Imap {
        config: config(tls_mode),
        logged_in: false,
        enable: "",
        selected: None,
        read_only: false,
        rights: "lrswipkxtea",
        idling: false,
        notified: false,
    }
}

pub fn logged_in() -> Imap {
    Imap { logged_in: true, ..fresh(TlsMode::Implicit) }
}

pub fn enabled(capabilities: &'static str) -> Imap {
    Imap { enable: capabilities, ..logged_in() }
}

pub fn selected(uids: &'static str) -> Imap {
    Imap { selected: Some(uids), ..logged_in() }
}

fn drain(session: &mut ImapSession) -> Option<QuestionId> {
    let mut question = None;
    while let Some(step) = session.next() {
        if let Step::Ask(id, _) = step {
            question = Some(id);
        }
    }
    question
}

/// Says `line` and gives the answers, without looking at what comes back.
fn say(session: &mut ImapSession, line: &str, answers: Vec<Answer>) {
    session.receive(line.as_bytes(), Instant(0));
    for answer in answers {
        let question = drain(session).expect("a question");
        session.answer(question, answer, Instant(0));
    }
    assert_eq!(drain(session), None, "{line}");
}

impl Imap {
    pub fn session(&self) -> ImapSession {
        let mut session = ImapSession::new(Arc::new(self.config.clone()), Instant(0));
        if !self.logged_in {
            return session;
        }
        session.tls_established(TlsInfo::default(), Instant(0));
        say(&mut session, "a LOGIN ann secret\r\n", vec![Answer::Sasl(posthouse_sasl::Answer::Accepted), Answer::Done]);
        if !self.enable.is_empty() {
            say(&mut session, &format!("a ENABLE {}\r\n", self.enable), vec![]);
        }
        if let Some(uids) = self.selected {
            let answer = answer(&format!(
                "selected {uids} modseq=100 rights={}{}",
                self.rights,
                if self.read_only { " read-only" } else { "" }
            ));
            say(&mut session, "a SELECT INBOX\r\n", vec![answer]);
        }
        session
    }
}

/// A session whose question asks for `more` after each answer that leaves it open, so that scripts can say when.
/// `EOF` in a script of [`Imap::idling`] sessions tells that the mailbox changed.
#[derive(Debug)]
pub struct Scripted {
    session: ImapSession,
    open: Option<QuestionId>,
    eof_is_change: bool,
    eof_is_news: bool,
}

/// A question of a [`Scripted`] session.
#[derive(Debug)]
pub enum Asked {
    First(Box<Question>),
    More,
}

impl Session for Scripted {
    type Question = Asked;
    type Answer = Answer;

    fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.session.receive(bytes, now);
    }
    fn receive_eof(&mut self, now: Instant) {
        match (self.eof_is_change, self.eof_is_news) {
            (_, true) => self.session.account_changed(now),
            (true, false) => self.session.mailbox_changed(now),
            (false, false) => self.session.receive_eof(now),
        }
    }
    fn wake(&mut self, now: Instant) {
        self.session.wake(now);
    }
    fn answer(&mut self, id: QuestionId, answer: Answer, now: Instant) {
        let partial = matches!(
            answer,
            Answer::FetchRows(_) | Answer::FetchData(_) | Answer::FetchVanished(_) | Answer::Progress { .. }
        );
        self.open = partial.then_some(id);
        self.session.answer(id, answer, now);
    }
    fn tls_established(&mut self, tls: TlsInfo, now: Instant) {
        self.session.tls_established(tls, now);
    }
    fn shut_down(&mut self, now: Instant) {
        self.session.shut_down(now);
    }
    fn next(&mut self) -> Option<Step<Asked>> {
        Some(match self.session.next() {
            Some(Step::Ask(id, question)) => Step::Ask(id, Asked::First(Box::new(question))),
            Some(Step::Send(bytes)) => Step::Send(bytes),
            Some(Step::Body(bytes)) => Step::Body(bytes),
            Some(Step::StartTls) => Step::StartTls,
            Some(Step::StartCompression) => Step::StartCompression,
            Some(Step::WakeAt(at)) => Step::WakeAt(at),
            Some(Step::Close(reason)) => {
                self.open = None;
                Step::Close(reason)
            }
            None => Step::Ask(self.open.take()?, Asked::More),
        })
    }
    fn wants_input(&self) -> bool {
        self.session.wants_input()
    }
}

impl Dialect for Imap {
    type Session = Scripted;

    fn start(&self) -> Scripted {
        Scripted { session: self.session(), open: None, eof_is_change: self.idling, eof_is_news: self.notified }
    }

    fn describe(&self, question: &Asked) -> String {
        match question {
            Asked::First(question) => describe(question),
            Asked::More => "more".to_owned(),
        }
    }

    fn answer(&self, words: &str) -> Answer {
        answer(words)
    }
}
