//! Runs a protocol conversation written as text against a sans-IO session.
//!
//! ```text
//! # a comment; blank lines are nothing
//! S: 220 mail.example.org ESMTP         a line the server sends
//! C: EHLO client.example                a line the client sends (CRLF is added)
//! S* 250-                               a line the server sends that starts with this
//! C> half a line\r\n\x00                raw bytes from the client, with escapes, nothing added
//! S> + ready\r\n                        raw bytes from the server
//! B> Subject: x\r\n                     raw bytes of the message body
//! ? accept-sender a@b.example           the question the session asks, as `Dialect::describe` prints it
//! ! yes                                 the answer, as `Dialect::answer` reads it
//! +30s                                  time passes (ms, s, m, h); the session is woken when it wished to be
//! TLS                                   the TLS handshake completes; `StartTls` must have come if one is pending
//! COMPRESSION                           the session wants compression to begin; what follows is written as if it had not
//! EOF                                   the client closes its side
//! SHUTDOWN                              the server wants to end
//! CLOSE Quit                            the session closes, for this reason
//! ```
//!
//! Escapes in `>` lines: `\r \n \t \0 \\ \xHH`, `\e` for nothing (to keep a space at the end of a line), and
//! `\(N*c)` for the character `c` N times.
//!
//! [`check`] replays a conversation whole (all that the client may say at a time in one piece), byte by byte, and
//! [`RANDOM_REPLAYS`] times split at random from a fixed seed; the server must say the same each time. Neighbouring
//! sends are joined before they are compared, and so are neighbouring pieces of a body. Everything the session does
//! must be in the script: an extra line, question or close fails.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use posthouse_model::session::{CloseReason, QuestionId, Session, Step, TlsInfo};
use posthouse_model::time::Instant;

/// How often a conversation is replayed with random splits.
pub const RANDOM_REPLAYS: u64 = 16;
/// Steps that a session may take at one go before we believe that it will never stop.
const MAX_STEPS_AT_ONCE: usize = 1_000_000;

/// What the runner must know about a protocol: how to start a session, and the words for questions and answers.
pub trait Dialect {
    /// The session under test.
    type Session: Session;

    /// A fresh session at time zero.
    fn start(&self) -> Self::Session;

    /// One line for a question, as `?` lines of the script have it.
    fn describe(&self, question: &<Self::Session as Session>::Question) -> String;

    /// The answer that a `!` line stands for. It may panic on words it does not know.
    fn answer(&self, words: &str) -> <Self::Session as Session>::Answer;

    /// What `TLS` lines tell the session.
    fn tls(&self) -> TlsInfo {
        TlsInfo {
            version: "TLS1.3".to_owned(),
            cipher_suite: "TLS_AES_256_GCM_SHA384".to_owned(),
            ..TlsInfo::default()
        }
    }
}

/// How the client's bytes are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// As much at once as the script lets the client say.
    Whole,
    /// Byte by byte.
    Bytes,
    /// At random, from this seed.
    Random(u64),
}

/// Replays `script` in every way of splitting and panics with both sides where the session differs from it.
#[track_caller]
pub fn check<D: Dialect>(dialect: &D, script: &str) {
    for split in [Split::Whole, Split::Bytes].into_iter().chain((0..RANDOM_REPLAYS).map(Split::Random)) {
        check_split(dialect, script, split);
    }
}

/// Replays `script` in one way of splitting only, for what may depend on it (bytes behind STARTTLS reach a session
/// only if they came with it).
#[track_caller]
pub fn check_split<D: Dialect>(dialect: &D, script: &str, split: Split) {
    if let Err(failure) = Run::new(dialect, split).play(&parse(script)) {
        panic!("{failure}\nsplit: {split:?}\nscript:\n{script}");
    }
}

/// A small generator of pseudo-random numbers (SplitMix64), the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Numbers that follow from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1))
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `bound - 1`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.next_u64() % bound).unwrap_or(0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Client(Vec<u8>),
    Server(Vec<u8>),
    ServerPrefix(String),
    Body(Vec<u8>),
    Question(String),
    Answer(String),
    Pass(Duration),
    Tls,
    Compression,
    Eof,
    ShutDown,
    Close(String),
}

/// A line of the script with its number.
type Numbered = (usize, Line);

/// Reads a script; what the client says in neighbouring lines becomes one piece.
fn parse(script: &str) -> Vec<Numbered> {
    let mut lines: Vec<Numbered> = Vec::new();
    for (index, raw) in script.lines().enumerate() {
        let text = raw.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let line = parse_line(text).unwrap_or_else(|| panic!("line {} of the script: {raw}", index + 1));
        match (lines.last_mut(), line) {
            (Some((_, Line::Client(before))), Line::Client(more)) => before.extend(more),
            (Some((_, Line::Server(before))), Line::Server(more)) => before.extend(more),
            (_, line) => lines.push((index + 1, line)),
        }
    }
    lines
}

fn parse_line(text: &str) -> Option<Line> {
    let (mark, rest) = text.split_at_checked(2).unwrap_or((text, ""));
    let words = rest.strip_prefix(' ').unwrap_or(rest);
    let line = |words: &str| [words.as_bytes(), b"\r\n"].concat();
    Some(match mark {
        "C:" => Line::Client(line(words)),
        "S:" => Line::Server(line(words)),
        "S*" => Line::ServerPrefix(words.to_owned()),
        "C>" => Line::Client(unescape(words)?),
        "S>" => Line::Server(unescape(words)?),
        "B>" => Line::Body(unescape(words)?),
        _ if text == "TLS" => Line::Tls,
        _ if text == "COMPRESSION" => Line::Compression,
        _ if text == "EOF" => Line::Eof,
        _ if text == "SHUTDOWN" => Line::ShutDown,
        _ if text.starts_with('?') => Line::Question(text[1..].trim().to_owned()),
        _ if text.starts_with('!') => Line::Answer(text[1..].trim().to_owned()),
        _ if text.starts_with('+') => Line::Pass(parse_duration(text[1..].trim())?),
        _ => Line::Close(text.strip_prefix("CLOSE ")?.trim().to_owned()),
    })
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let count: u64 = text[..digits].parse().ok()?;
    Some(match &text[digits..] {
        "ms" => Duration::from_millis(count),
        "s" => Duration::from_secs(count),
        "m" => Duration::from_secs(count * 60),
        "h" => Duration::from_secs(count * 3600),
        _ => return None,
    })
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let code = rest[at + 1..].chars().next()?;
        rest = &rest[at + 1 + code.len_utf8()..];
        match code {
            'r' => bytes.push(b'\r'),
            'n' => bytes.push(b'\n'),
            't' => bytes.push(b'\t'),
            '0' => bytes.push(0),
            '\\' => bytes.push(b'\\'),
            'e' => {}
            'x' => {
                bytes.push(u8::from_str_radix(rest.get(..2)?, 16).ok()?);
                rest = &rest[2..];
            }
            '(' => {
                let (inner, after) = rest.split_once(')')?;
                let (count, unit) = inner.split_once('*')?;
                bytes.extend(unit.repeat(count.parse().ok()?).into_bytes());
                rest = after;
            }
            _ => return None,
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

/// Something that the session did.
#[derive(Debug)]
enum Event {
    Sent(Vec<u8>),
    Body(Vec<u8>),
    Asked(String),
    StartTls,
    StartCompression,
    Closed(CloseReason),
}

struct Run<'a, D: Dialect> {
    dialect: &'a D,
    session: D::Session,
    split: Split,
    random: Random,
    now: Instant,
    wake_at: Option<Instant>,
    unsent: VecDeque<u8>,
    events: VecDeque<Event>,
    open: Option<QuestionId>,
    closed: bool,
}

impl<'a, D: Dialect> Run<'a, D> {
    fn new(dialect: &'a D, split: Split) -> Self {
        let seed = if let Split::Random(seed) = split { seed } else { 0 };
        Self {
            dialect,
            session: dialect.start(),
            split,
            random: Random::new(seed),
            now: Instant(0),
            wake_at: None,
            unsent: VecDeque::new(),
            events: VecDeque::new(),
            open: None,
            closed: false,
        }
    }

    fn play(mut self, lines: &[Numbered]) -> Result<(), String> {
        self.drain();
        for (number, line) in lines {
            self.line(line).map_err(|failure| format!("line {number}: {failure}"))?;
        }
        if let Some(event) = self.events.pop_front() {
            return Err(format!("after the script the session still did: {}", print(&event)));
        }
        if !self.unsent.is_empty() && !self.closed {
            return Err(format!("after the script the session would not take {} more bytes", self.unsent.len()));
        }
        Ok(())
    }

    fn line(&mut self, line: &Line) -> Result<(), String> {
        match line {
            Line::Client(bytes) => {
                self.unsent.extend(bytes);
                self.feed();
            }
            Line::Server(bytes) => return self.expect_sent(bytes),
            Line::ServerPrefix(start) => return self.expect_sent_line(start),
            Line::Body(bytes) => return self.expect_body(bytes),
            Line::Question(words) => match self.events.pop_front() {
                Some(Event::Asked(asked)) if asked == *words => {}
                other => return Err(differs(&format!("the question {words:?}"), other)),
            },
            Line::Answer(words) => {
                let id = self.open.take().ok_or("there is no open question to answer")?;
                self.session.answer(id, self.dialect.answer(words), self.now);
                self.drain();
                self.feed();
            }
            Line::Pass(duration) => self.pass(*duration),
            Line::Tls => {
                if let Some(Event::StartTls) = self.events.front() {
                    self.events.pop_front();
                } else if let Some(event) = self.events.front() {
                    return Err(format!("expected the start of TLS, but: {}", print(event)));
                }
                self.session.tls_established(self.dialect.tls(), self.now);
                self.drain();
                self.feed();
            }
            Line::Compression => match self.events.pop_front() {
                Some(Event::StartCompression) => {}
                other => {
                    let other = other.as_ref().map_or("nothing".to_owned(), print);
                    return Err(format!("expected the start of compression, but: {other}"));
                }
            },
            Line::Eof => {
                self.session.receive_eof(self.now);
                self.drain();
            }
            Line::ShutDown => {
                self.session.shut_down(self.now);
                self.drain();
                self.feed();
            }
            Line::Close(reason) => match self.events.pop_front() {
                Some(Event::Closed(closed)) if format!("{closed:?}") == *reason => {}
                other => return Err(differs(&format!("to close with {reason}"), other)),
            },
        }
        Ok(())
    }

    /// Gives the session what the client has to say, in pieces, for as long as it wants input.
    fn feed(&mut self) {
        while !self.unsent.is_empty() && !self.closed && self.session.wants_input() {
            let length = match self.split {
                Split::Whole => self.unsent.len(),
                Split::Bytes => 1,
                Split::Random(_) => 1 + self.random.below(self.unsent.len().min(64)),
            };
            let piece: Vec<u8> = self.unsent.drain(..length).collect();
            self.session.receive(&piece, self.now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        for _ in 0..MAX_STEPS_AT_ONCE {
            let Some(step) = self.session.next() else { return };
            match step {
                Step::Send(bytes) => match self.events.back_mut() {
                    Some(Event::Sent(sent)) => sent.extend_from_slice(&bytes),
                    _ => self.events.push_back(Event::Sent(bytes.to_vec())),
                },
                Step::Body(bytes) => match self.events.back_mut() {
                    Some(Event::Body(body)) => body.extend_from_slice(&bytes),
                    _ => self.events.push_back(Event::Body(bytes.to_vec())),
                },
                Step::Ask(id, question) => {
                    self.open = Some(id);
                    self.events.push_back(Event::Asked(self.dialect.describe(&question)));
                }
                Step::StartTls => self.events.push_back(Event::StartTls),
                Step::StartCompression => self.events.push_back(Event::StartCompression),
                Step::WakeAt(at) => self.wake_at = Some(at),
                Step::Close(reason) => {
                    self.closed = true;
                    self.wake_at = None;
                    self.events.push_back(Event::Closed(reason));
                }
            }
        }
        panic!("the session never stops");
    }

    /// Lets time pass, waking the session at each time it wished for on the way.
    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(at) = self.wake_at.filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.wake_at = None;
            self.session.wake(self.now);
            self.drain();
            self.feed();
        }
        self.now = end;
    }

    fn expect_sent(&mut self, expected: &[u8]) -> Result<(), String> {
        let Some(Event::Sent(sent)) = self.events.front_mut() else {
            return Err(differs(&print_bytes(expected), self.events.pop_front()));
        };
        if !sent.starts_with(expected) {
            return Err(differs(&print_bytes(expected), self.events.pop_front()));
        }
        sent.drain(..expected.len());
        self.drop_empty();
        Ok(())
    }

    fn expect_sent_line(&mut self, start: &str) -> Result<(), String> {
        let Some(Event::Sent(sent)) = self.events.front_mut() else {
            return Err(differs(&format!("a line that starts with {start:?}"), self.events.pop_front()));
        };
        let Some(end) = sent.windows(2).position(|pair| pair == b"\r\n").filter(|_| sent.starts_with(start.as_bytes()))
        else {
            return Err(differs(&format!("a line that starts with {start:?}"), self.events.pop_front()));
        };
        sent.drain(..end + 2);
        self.drop_empty();
        Ok(())
    }

    fn expect_body(&mut self, expected: &[u8]) -> Result<(), String> {
        let Some(Event::Body(body)) = self.events.front_mut() else {
            return Err(differs(&format!("the body {}", print_bytes(expected)), self.events.pop_front()));
        };
        if !body.starts_with(expected) {
            return Err(differs(&format!("the body {}", print_bytes(expected)), self.events.pop_front()));
        }
        body.drain(..expected.len());
        self.drop_empty();
        Ok(())
    }

    fn drop_empty(&mut self) {
        if let Some(Event::Sent(bytes) | Event::Body(bytes)) = self.events.front()
            && bytes.is_empty()
        {
            self.events.pop_front();
        }
    }
}

fn differs(expected: &str, happened: Option<Event>) -> String {
    let happened = happened.map_or_else(|| "nothing happened".to_owned(), |event| print(&event));
    format!("expected {expected}\n         but: {happened}")
}

fn print(event: &Event) -> String {
    match event {
        Event::Sent(bytes) => format!("sent {}", print_bytes(bytes)),
        Event::Body(bytes) => format!("body {}", print_bytes(bytes)),
        Event::Asked(words) => format!("asked {words:?}"),
        Event::StartTls => "wants TLS".to_owned(),
        Event::StartCompression => "wants compression".to_owned(),
        Event::Closed(reason) => format!("closed with {reason:?}"),
    }
}

fn print_bytes(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes {
        let _ = write!(text, "{}", byte.escape_ascii());
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// Sends each line back; `ask X` asks, `tls` starts TLS, `quit` quits.
    #[derive(Default)]
    struct Echo {
        buffer: Vec<u8>,
        steps: VecDeque<Step<String>>,
        asking: bool,
        last_at: Instant,
    }

    impl Echo {
        fn run(&mut self) {
            while !self.asking
                && let Some(end) = self.buffer.iter().position(|b| *b == b'\n')
            {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                match text.split_once(' ') {
                    Some(("ask", what)) => {
                        self.asking = true;
                        self.steps.push_back(Step::Ask(QuestionId(7), what.to_owned()));
                    }
                    Some(("body", what)) => self.steps.push_back(Step::Body(Bytes::from(what.to_owned()))),
                    _ if text == "tls" => self.steps.push_back(Step::StartTls),
                    _ if text == "quit" => self.steps.push_back(Step::Close(CloseReason::Quit)),
                    _ => self.steps.push_back(Step::Send(line.into())),
                }
            }
        }
    }

    impl Session for Echo {
        type Question = String;
        type Answer = String;

        fn receive(&mut self, bytes: &[u8], now: Instant) {
            assert!(!self.asking);
            self.last_at = now;
            self.buffer.extend_from_slice(bytes);
            self.run();
            self.steps.push_back(Step::WakeAt(now + Duration::from_secs(60)));
        }
        fn receive_eof(&mut self, _: Instant) {
            self.steps.push_back(Step::Close(CloseReason::ProtocolError));
        }
        fn wake(&mut self, now: Instant) {
            assert_eq!(now, self.last_at + Duration::from_secs(60));
            self.steps.push_back(Step::Close(CloseReason::Timeout));
        }
        fn answer(&mut self, id: QuestionId, answer: String, _: Instant) {
            assert_eq!(id, QuestionId(7));
            self.asking = false;
            self.steps.push_back(Step::Send(Bytes::from(answer + "\r\n")));
            self.run();
        }
        fn tls_established(&mut self, tls: TlsInfo, _: Instant) {
            self.steps.push_back(Step::Send(Bytes::from(tls.version + "\r\n")));
        }
        fn shut_down(&mut self, _: Instant) {
            self.steps.push_back(Step::Close(CloseReason::Shutdown));
        }
        fn next(&mut self) -> Option<Step<String>> {
            self.steps.pop_front()
        }
        fn wants_input(&self) -> bool {
            !self.asking
        }
    }

    struct EchoDialect;

    impl Dialect for EchoDialect {
        type Session = Echo;
        fn start(&self) -> Echo {
            Echo::default()
        }
        fn describe(&self, question: &String) -> String {
            question.clone()
        }
        fn answer(&self, words: &str) -> String {
            words.to_owned()
        }
    }

    #[test]
    fn a_conversation_is_followed() {
        check(
            &EchoDialect,
            r"
            C: hello
            C> two\x20words\r\n\(3*ab)\r\n
            S: hello
            S* two
            S> ababab\r\n
            C: ask why
            C: after
            ? why
            ! because
            S: because
            S: after
            C: body x
            B> x
            C: tls
            TLS
            S: TLS1.3
            +59s
            +1s
            CLOSE Timeout
            ",
        );
        check(&EchoDialect, "EOF\nCLOSE ProtocolError");
        check(&EchoDialect, "SHUTDOWN\nCLOSE Shutdown");
        check(&EchoDialect, "C: quit\nCLOSE Quit");
    }

    #[track_caller]
    fn check_fails(script: &str) {
        let failed = Run::new(&EchoDialect, Split::Whole).play(&parse(script)).is_err();
        assert!(failed, "{script}");
    }

    #[test]
    fn differences_are_failures() {
        check_fails("C: a\nS: b");
        check_fails("C: a");
        check_fails("C: ask a\n? b\n! c\nS: c");
        check_fails("S: a");
        check_fails("! a");
        check_fails("C: quit\nCLOSE Timeout");
        check_fails("C: a\nTLS");
    }
}
