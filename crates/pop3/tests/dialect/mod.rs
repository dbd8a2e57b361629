//! The words for questions and answers in POP3 transcripts.
#![allow(dead_code, reason = "each test binary uses its own part of it")]

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use posthouse_model::session::{CloseReason, QuestionId, Session as _, Step, TlsInfo, TlsMode};
use posthouse_model::time::Instant;
use posthouse_model::{Uid, UidValidity};
use posthouse_pop3::{Answer, Config, Entry, LoginRefusal, MaildropRefusal, OpenedMaildrop, Part, Question, Session};
use posthouse_sasl::{Mechanism, NONCE_BYTES};
use posthouse_testkit::transcript::{self, Dialect};

/// A listener for the tests.
pub struct Pop3(pub Config);

impl Pop3 {
    pub fn new(tls_mode: TlsMode) -> Self {
        let mut config = Config::new("mail.example", tls_mode);
        config.mechanisms = vec![Mechanism::Plain, Mechanism::ScramSha256, Mechanism::Login];
        Self(config)
    }
}

impl Dialect for Pop3 {
    type Session = Session;

    fn start(&self) -> Session {
        Session::new(Arc::new(self.0.clone()), Instant(0))
    }

    fn describe(&self, question: &Question) -> String {
        use posthouse_sasl::Question as Sasl;
        match question {
            Question::Nonce => "nonce".to_owned(),
            Question::Sasl(Sasl::VerifyPassword { authentication_id, authorization_id, password }) => {
                let password = password.expose_str().unwrap();
                format!("verify {authentication_id} {password}{}", acting_as(authorization_id.as_deref()))
            }
            Question::Sasl(Sasl::ExternalIdentity { authorization_id }) => {
                format!("certificate{}", acting_as(authorization_id.as_deref()))
            }
            Question::Sasl(Sasl::ScramCredential { user, hash }) => format!("scram {user} {hash:?}"),
            Question::Sasl(Sasl::CramSecret { user }) => format!("cram {user}"),
            Question::Login { user, password } => format!("login {user} {}", password.expose_str().unwrap()),
            Question::OpenMaildrop { authentication_id, authorization_id } => {
                format!("open {authentication_id}{}", acting_as(authorization_id.as_deref()))
            }
            Question::Retrieve { uid, part, utf8 } => {
                let part = match part {
                    Part::Whole => "whole".to_owned(),
                    Part::Top(lines) => format!("top {lines}"),
                };
                format!("retrieve {uid} {part}{}", if *utf8 { " utf8" } else { "" })
            }
            Question::Commit { delete } => {
                let uids: Vec<_> = delete.iter().map(Uid::to_string).collect();
                format!("commit {}", uids.join(","))
            }
        }
    }

    fn answer(&self, words: &str) -> Answer {
        answer(words)
    }
}

/// The answer that these words stand for.
pub fn answer(words: &str) -> Answer {
    let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
    match (word, rest) {
        ("nonce", _) => Answer::Nonce { bytes: [7; NONCE_BYTES], unix_time_seconds: 1_700_000_000 },
        ("verified", "yes") => Answer::Sasl(posthouse_sasl::Answer::Accepted),
        ("verified", "no") => Answer::Sasl(posthouse_sasl::Answer::Rejected),
        ("verified", "unavailable") => Answer::Sasl(posthouse_sasl::Answer::TemporarilyUnavailable),
        ("login", "yes") => Answer::Login(Ok(())),
        ("login", "no") => Answer::Login(Err(LoginRefusal::InvalidCredentials)),
        ("login", "soon") => Answer::Login(Err(LoginRefusal::TooSoon)),
        ("login", "unavailable") => Answer::Login(Err(LoginRefusal::Unavailable)),
        ("maildrop", "in-use") => Answer::Maildrop(Err(MaildropRefusal::InUse)),
        ("maildrop", "denied") => Answer::Maildrop(Err(MaildropRefusal::Denied)),
        ("maildrop", "soon") => Answer::Maildrop(Err(MaildropRefusal::TooSoon)),
        ("maildrop", "unavailable") => Answer::Maildrop(Err(MaildropRefusal::Unavailable)),
        ("maildrop", entries) => Answer::Maildrop(Ok(maildrop(entries))),
        ("message", text) => Answer::Message(Bytes::from(text.replace("\\r", "\r").replace("\\n", "\n"))),
        ("gone", _) => Answer::Gone,
        ("needs-utf8", _) => Answer::NeedsUtf8,
        ("unavailable", _) => Answer::Unavailable,
        ("committed", left) => Answer::Committed { not_removed: left.parse().unwrap() },
        _ => panic!("unknown answer {words}"),
    }
}

/// Drives a session by hand, for what a transcript cannot say.
pub struct Driver {
    pub session: Session,
    /// What it sent and was not yet looked at.
    pub sent: Vec<u8>,
    /// The question that is or was open.
    pub asked: Option<(QuestionId, Question)>,
    pub closed: Option<CloseReason>,
}

impl Driver {
    /// A session inside TLS, after the greeting.
    pub fn in_tls(configure: impl FnOnce(&mut Config)) -> Self {
        let mut pop3 = Pop3::new(TlsMode::Implicit);
        configure(&mut pop3.0);
        let mut driver = Self { session: pop3.start(), sent: Vec::new(), asked: None, closed: None };
        driver.session.tls_established(bound_tls(), Instant(0));
        driver.drain();
        driver.sent.clear();
        driver
    }

    /// A session after the login to a maildrop.
    pub fn logged_in(maildrop: &str) -> Self {
        let mut driver = Self::in_tls(|_| {});
        driver.receive("USER ada\r\nPASS secret\r\n");
        driver.answer(answer("login yes"));
        driver.answer(answer(&format!("maildrop {maildrop}")));
        driver.sent.clear();
        driver
    }

    pub fn receive(&mut self, bytes: impl AsRef<[u8]>) {
        assert!(self.session.wants_input());
        self.session.receive(bytes.as_ref(), Instant(0));
        self.drain();
    }

    /// Answers the last question, whether it is still open or not.
    pub fn answer(&mut self, answer: Answer) {
        let (id, _) = self.asked.as_ref().unwrap();
        self.session.answer(*id, answer, Instant(0));
        self.drain();
    }

    /// What was sent since the last look.
    #[track_caller]
    pub fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let sent = std::mem::take(&mut self.sent);
        assert_eq!(sent.escape_ascii().to_string(), expected.as_ref().escape_ascii().to_string());
    }

    pub fn drain(&mut self) {
        while let Some(step) = self.session.next() {
            match step {
                Step::Send(bytes) => self.sent.extend_from_slice(&bytes),
                Step::Ask(id, question) => self.asked = Some((id, question)),
                Step::Close(reason) => self.closed = Some(reason),
                Step::StartTls | Step::StartCompression | Step::WakeAt(_) => {}
                Step::Body(_) => panic!("POP3 takes no messages"),
            }
        }
    }
}

fn acting_as(authorization_id: Option<&str>) -> String {
    authorization_id.map_or_else(String::new, |name| format!(" as {name}"))
}

/// `5:120 9:200` is UID 5 of 120 octets and UID 9 of 200.
pub fn maildrop(entries: &str) -> OpenedMaildrop {
    let entry = |word: &str| {
        let (uid, size) = word.split_once(':').unwrap();
        Entry { uid: Uid::new(uid.parse().unwrap()).unwrap(), size_bytes: size.parse().unwrap() }
    };
    OpenedMaildrop {
        uid_validity: UidValidity(NonZeroU32::new(77).unwrap()),
        entries: entries.split_whitespace().map(entry).collect(),
    }
}

/// Replays a conversation on a listener with implicit TLS, in every way of splitting.
#[track_caller]
pub fn check(script: &str) {
    check_with(TlsMode::Implicit, |_| {}, &format!("TLS\nS: +OK mail.example POP3 server ready\n{script}"));
}

/// Replays what happens after a login to a maildrop.
#[track_caller]
pub fn check_logged_in(maildrop: &str, script: &str) {
    check(&logged_in(maildrop, script));
}

/// The words of a login, then `script`.
pub fn logged_in(maildrop: &str, script: &str) -> String {
    format!(
        "C: USER ada\nS: +OK send the password\nC: PASS secret\n? login ada secret\n! login yes\n? open ada\n\
         ! maildrop {maildrop}\nS* +OK the maildrop has\n{script}"
    )
}

/// Replays a conversation on a listener of any kind.
#[track_caller]
pub fn check_with(tls_mode: TlsMode, configure: impl FnOnce(&mut Config), script: &str) {
    let mut pop3 = Pop3::new(tls_mode);
    configure(&mut pop3.0);
    transcript::check(&pop3, script);
}

/// TLS 1.3 with a channel to bind to.
pub fn bound_tls() -> TlsInfo {
    TlsInfo { version: "TLS1.3".to_owned(), tls_exporter: Some(vec![9; 32]), ..TlsInfo::default() }
}
