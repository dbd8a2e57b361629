//! Whatever comes, an SMTP session answers in reply lines, keeps text clean, and does the same however octets are cut.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use posthouse_fuzz::credentials;
use posthouse_fuzz::drive::{Course, Cut, House, drive, lines, tls};
use posthouse_fuzz::script::{Event, events};
use posthouse_model::session::{Peer, QuestionId, Session, TlsMode};
use posthouse_model::{BodyType, Domain, Instant, JourneyId, UnixMillis};
use posthouse_sasl::{Mechanism, NONCE_BYTES};
use posthouse_smtp::limits::REPLY_LINE_BYTES;
use posthouse_smtp::server::{
    Answer, AuthenticationStart, AuthorizationAnswer, AuthorizationRefusal, BareLineEndings, MessageRefusal, Question,
    RecipientOutcome, RecipientRefusal, RecipientVerdict, Role, SenderRefusal, SenderVerdict, ServerConfig,
    ServerSession, StoreMessage, StoreOutcome,
};

/// The most text that the listeners here take.
const MESSAGE_BYTES: u64 = 200;

#[derive(Default)]
struct Postmaster {
    must_authenticate: bool,
    text: Vec<u8>,
    stored: Vec<Vec<u8>>,
}

impl Postmaster {
    fn check(&self, message: &StoreMessage) {
        assert_eq!(message.size_bytes, self.text.len() as u64, "the text has another length");
        assert!(message.size_bytes <= MESSAGE_BYTES, "the text is too long");
        assert!(!message.envelope.recipients.is_empty(), "mail for nobody");
        assert!(message.identity.is_some() || !self.must_authenticate, "mail without a login");
        assert!(message.has_8bit || self.text.is_ascii(), "octets beyond 127 were not seen");
        if message.envelope.body_type != BodyType::BinaryMime {
            let bare = String::from_utf8_lossy(&self.text).replace("\r\n", "");
            assert!(!bare.contains(['\r', '\n']), "a bare CR or LF is kept");
        }
    }
}

fn words() -> String {
    "because\r\nof \u{e9} it ".repeat(60)
}

impl House<ServerSession> for Postmaster {
    fn asked(&mut self, session: &mut ServerSession, id: QuestionId, question: Question, choice: u8, now: Instant) {
        let refuses = choice % 2 == 1;
        let answer = match &question {
            Question::StartAuthentication { .. } if refuses => {
                Answer::AuthenticationStart(AuthenticationStart::Throttled)
            }
            Question::StartAuthentication { .. } => Answer::AuthenticationStart(AuthenticationStart::Permitted {
                nonce: [7; NONCE_BYTES],
                unix_time_seconds: 1_700_000_000,
            }),
            Question::Credentials(question) => Answer::Credentials(credentials::choose(question, choice)),
            Question::Authorize(_) if refuses => {
                Answer::Authorization(AuthorizationAnswer::Refused(AuthorizationRefusal::Denied))
            }
            Question::Authorize(_) => Answer::Authorization(AuthorizationAnswer::Granted),
            Question::AcceptSender { .. } => {
                assert!(session.identity().is_some() || !self.must_authenticate, "MAIL without a login");
                Answer::Sender(match choice {
                    0 => SenderVerdict::Accepted,
                    1 => SenderVerdict::Refused(SenderRefusal::Policy { text: words() }),
                    _ => SenderVerdict::Refused(SenderRefusal::TemporaryFailure),
                })
            }
            Question::AcceptRecipient { .. } => Answer::Recipient(match choice {
                0 => RecipientVerdict::Accepted,
                1 => RecipientVerdict::Refused(RecipientRefusal::Policy { text: words() }),
                _ => RecipientVerdict::Refused(RecipientRefusal::NoSuchMailbox),
            }),
            Question::StoreMessage(message) => {
                self.check(message);
                self.stored.push(std::mem::take(&mut self.text));
                let journey = JourneyId(7);
                Answer::Store(match choice {
                    0 => StoreOutcome::Stored { journey },
                    1 => StoreOutcome::Refused(MessageRefusal::Content { text: words() }),
                    _ => StoreOutcome::PerRecipient(vec![
                        RecipientOutcome::Stored { journey },
                        RecipientOutcome::Refused(MessageRefusal::MailboxFullForNow),
                    ]),
                })
            }
            Question::AuthenticationFailed { .. } | Question::ClientChanged { .. } => return,
            Question::MessageAborted => return self.text.clear(),
        };
        assert!(!session.wants_input(), "input is wanted while a question is open");
        session.answer(id, answer, now);
    }

    fn body(&mut self, octets: &[u8]) {
        self.text.extend_from_slice(octets);
    }
}

/// m: mx, s: submission by STARTTLS, t: submission in TLS, l: LMTP; in upper case bare line ends are made CRLF.
fn config(kind: u8) -> ServerConfig {
    let host_name = Domain::parse("mail.example.org").expect("a good name");
    let mut config = match kind.to_ascii_lowercase() {
        b's' => ServerConfig::submission(host_name, TlsMode::StartTlsRequired),
        b't' => ServerConfig::submission(host_name, TlsMode::Implicit),
        b'l' => ServerConfig::lmtp(host_name),
        _ => ServerConfig::mx(host_name),
    };
    if kind.is_ascii_uppercase() {
        config.bare_line_endings = BareLineEndings::Normalise;
    }
    if config.role == Role::Submission {
        config.mechanisms = Mechanism::ALL.to_vec();
    }
    config.limits.message_size_bytes = MESSAGE_BYTES;
    config.limits.text_line_bytes = 100;
    config.limits.discarded_bytes = 1_000;
    config.limits.discarded_line_bytes = 4_000;
    config
}

fn run(config: &Arc<ServerConfig>, events: &[Event<'_>], cut: Cut) -> Option<(Course, Vec<Vec<u8>>)> {
    let peer = Peer { remote: ([192, 0, 2, 7], 40_000).into(), local: ([198, 51, 100, 1], 25).into() };
    let must_authenticate = config.role == Role::Submission;
    let mut house = Postmaster { must_authenticate, ..Postmaster::default() };
    let session = ServerSession::new(Arc::clone(config), peer, Instant(0))
        .with_date(UnixMillis(1_700_000_000_000))
        .trusting_xclient();
    let course = drive(session, &mut house, events, cut, &tls())?;
    Some((course, house.stored))
}

fn check_replies(sent: &[u8]) {
    for line in lines(sent) {
        assert!(line.len() + 2 <= REPLY_LINE_BYTES, "a reply line of {} octets", line.len());
        let is_reply = matches!(line, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..]);
        assert!(is_reply, "no reply: {}", line.escape_ascii());
        assert!(!line.iter().any(u8::is_ascii_control), "controls: {}", line.escape_ascii());
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, script)) = input.split_first() else { return };
    let config = Arc::new(config(*kind));
    let events = events(script);
    let Some((whole, stored)) = run(&config, &events, Cut::AsScripted) else { return };
    check_replies(&whole.sent);
    if let Some((pieces, stored_in_pieces)) = run(&config, &events, Cut::EachOctet) {
        assert_eq!(whole.sent.escape_ascii().to_string(), pieces.sent.escape_ascii().to_string());
        assert_eq!((whole.closed, stored), (pieces.closed, stored_in_pieces));
    }
});
