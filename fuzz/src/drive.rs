//! Drives a server session through a script, and holds it to the contract of sessions.

use std::collections::VecDeque;
use std::time::Duration;

use posthouse_model::Instant;
use posthouse_model::session::{ClientCertificate, CloseReason, QuestionId, Session, Step, TlsInfo};

use crate::script::Event;

/// Steps that an event may cause, and those that each octet may.
const STEPS_PER_EVENT: usize = 2_000;
const STEPS_PER_OCTET: usize = 16;

/// Whoever answers a session.
pub trait House<S: Session> {
    /// A question was asked. `choice` says how to answer it: 0 so that it leads on.
    fn asked(&mut self, session: &mut S, id: QuestionId, question: S::Question, choice: u8, now: Instant);

    /// A piece of a message came.
    fn body(&mut self, _octets: &[u8]) {
        panic!("no message was to come");
    }

    /// The open mailbox changes.
    fn changed(&mut self, _session: &mut S, _now: Instant) {}
}

/// What a session did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// All that it sent.
    pub sent: Vec<u8>,
    /// How it ended, if it did.
    pub closed: Option<CloseReason>,
}

/// How octets are handed to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// As the script cuts them.
    AsScripted,
    /// One at a time.
    EachOctet,
}

/// Plays a script; `None` if the cut made a difference that it may make: what follows STARTTLS in the same piece is an
/// attack, and in a later one is not.
pub fn drive<S: Session>(
    session: S,
    house: &mut impl House<S>,
    events: &[Event<'_>],
    cut: Cut,
    tls: &TlsInfo,
) -> Option<Course> {
    let mut driver = Driver {
        session,
        house,
        now: Instant(0),
        choices: VecDeque::new(),
        course: Course::default(),
        handshake: false,
        budget: STEPS_PER_EVENT,
    };
    driver.handshake = !driver.session.wants_input();
    driver.drain();
    for event in events {
        if driver.course.closed.is_some() {
            break;
        }
        driver.budget = STEPS_PER_EVENT;
        match event {
            Event::Octets(octets) => {
                if driver.handshake {
                    driver.establish(tls);
                }
                let size = if cut == Cut::EachOctet { 1 } else { octets.len() };
                for piece in octets.chunks(size) {
                    if driver.handshake && driver.course.closed.is_none() {
                        return None;
                    }
                    driver.receive(piece);
                }
            }
            Event::Wake(time) => driver.wake(*time),
            Event::Choice(choice) => driver.choices.push_back(*choice),
            Event::TlsEstablished if driver.handshake => driver.establish(tls),
            Event::TlsEstablished => driver.session.tls_established(tls.clone(), driver.now),
            Event::Eof => driver.session.receive_eof(driver.now),
            Event::ShutDown => driver.session.shut_down(driver.now),
            Event::Changed => driver.house.changed(&mut driver.session, driver.now),
        }
        driver.drain();
    }
    Some(driver.course)
}

struct Driver<'a, S, H> {
    session: S,
    house: &'a mut H,
    now: Instant,
    choices: VecDeque<u8>,
    course: Course,
    handshake: bool,
    budget: usize,
}

impl<S: Session, H: House<S>> Driver<'_, S, H> {
    fn establish(&mut self, tls: &TlsInfo) {
        self.handshake = false;
        self.session.tls_established(tls.clone(), self.now);
        self.drain();
    }

    fn wake(&mut self, time: Duration) {
        self.now = self.now + time;
        self.session.wake(self.now);
    }

    fn receive(&mut self, piece: &[u8]) {
        if self.session.wants_input() {
            self.budget += piece.len() * STEPS_PER_OCTET;
            self.session.receive(piece, self.now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(step) = self.session.next() {
            self.budget = self.budget.checked_sub(1).expect("the session never stops");
            assert!(self.course.closed.is_none(), "a step after the end");
            match step {
                Step::Send(octets) => {
                    assert!(!octets.is_empty(), "nothing is sent");
                    self.course.sent.extend_from_slice(&octets);
                }
                Step::Body(octets) => self.house.body(&octets),
                Step::Ask(id, question) => {
                    let choice = self.choices.pop_front().unwrap_or(0);
                    self.house.asked(&mut self.session, id, question, choice, self.now);
                }
                Step::StartTls => self.handshake = true,
                Step::StartCompression | Step::WakeAt(_) => {}
                Step::Close(reason) => self.course.closed = Some(reason),
            }
        }
        let must_not_read = self.course.closed.is_some() || self.handshake;
        assert!(!(must_not_read && self.session.wants_input()), "input is wanted that cannot come");
    }
}

/// TLS with everything that authentication can be bound to.
pub fn tls() -> TlsInfo {
    TlsInfo {
        version: "TLS1.3".to_owned(),
        cipher_suite: "TLS_AES_256_GCM_SHA384".to_owned(),
        server_name: None,
        tls_exporter: Some(vec![1; 32]),
        tls_server_end_point: Some(vec![2; 32]),
        client_certificate: Some(ClientCertificate { addresses: vec!["user@example.org".to_owned()] }),
    }
}

/// Splits what was sent into lines, each of which ends in CRLF and has neither CR nor LF elsewhere.
pub fn lines(sent: &[u8]) -> Vec<&[u8]> {
    if sent.is_empty() {
        return Vec::new();
    }
    let text = sent.strip_suffix(b"\r\n").expect("what is sent ends with a line");
    let mut lines = Vec::new();
    for line in text.split(|octet| *octet == b'\n') {
        lines.push(line);
    }
    let last = lines.len() - 1;
    for (at, line) in lines.iter_mut().enumerate() {
        if at < last {
            *line = line.strip_suffix(b"\r").expect("LF without CR");
        }
        assert!(!line.contains(&b'\r'), "CR without LF: {}", line.escape_ascii());
    }
    lines
}
