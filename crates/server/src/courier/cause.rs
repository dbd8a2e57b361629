//! From what the session, the socket and TLS say to the words of `flow`.

use std::io;

use posthouse_flow::{Cause, PeerReply, RecipientResult, TlsProblem, TlsProblemKind};
use posthouse_smtp::client::{Cause as SmtpCause, ClientFailure, DeliveryOutcome, PeerReply as SmtpReply, Stage};
use posthouse_tls::TlsFailure;

/// Longest text of a reply that is kept, in octets.
const MAX_REPLY_TEXT_BYTES: usize = 2048;

/// What became of one recipient.
pub(super) fn recipient_result(outcome: &DeliveryOutcome) -> RecipientResult {
    match outcome {
        DeliveryOutcome::Delivered(reply) => RecipientResult::Accepted(reply_of(reply)),
        DeliveryOutcome::Permanent(cause) => RecipientResult::Refused(cause_of(cause)),
        DeliveryOutcome::Temporary(cause) => RecipientResult::Refused(passing(cause_of(cause))),
    }
}

/// The session takes some refusals for passing that say otherwise (552 to RCPT, RFC 5321 §4.5.3.1.10).
fn passing(cause: Cause) -> Cause {
    match cause {
        Cause::Reply(reply) if reply.code >= 500 => {
            let text = format!("{} {}", reply.code, reply.text);
            Cause::Reply(PeerReply { code: 452, enhanced: Some("4.5.3".to_owned()), text })
        }
        cause => cause,
    }
}

fn cause_of(cause: &SmtpCause) -> Cause {
    match cause {
        SmtpCause::Reply { reply, .. } => Cause::Reply(reply_of(reply)),
        SmtpCause::Connection { failure, .. } => cause_of_failure(failure, None),
        SmtpCause::Needs8BitMime | SmtpCause::NeedsBinaryMime => Cause::NoEightBitMime,
        SmtpCause::NeedsSmtpUtf8 => Cause::NoSmtpUtf8,
        SmtpCause::NeedsRequireTls => Cause::NoRequireTls,
        SmtpCause::NeedsDeliverBy => Cause::NoDeliverBy,
        SmtpCause::TooLarge { limit_bytes } => Cause::TooLarge { limit_bytes: *limit_bytes },
        SmtpCause::TooManyRecipients { limit } => {
            Cause::Protocol(format!("the host takes {limit} recipients at once, and did not take more later"))
        }
        SmtpCause::BodyUnavailable => Cause::Internal("the text could not be supplied".to_owned()),
    }
}

/// Why a connection failed. `tls` is what the handshake said, where there was one.
pub(super) fn cause_of_failure(failure: &ClientFailure, tls: Option<&TlsFailure>) -> Cause {
    match failure {
        ClientFailure::Refused { reply, .. } | ClientFailure::ServiceClosing(reply) => Cause::Reply(reply_of(reply)),
        ClientFailure::TlsNotOffered => {
            Cause::Tls(TlsProblem::new(TlsProblemKind::NoStartTls, "the host does not offer STARTTLS"))
        }
        ClientFailure::TlsRefused(reply) => {
            let detail = format!("the host refuses STARTTLS: {}", reply_of(reply));
            Cause::Tls(TlsProblem::new(TlsProblemKind::StartTlsRefused, detail))
        }
        ClientFailure::TlsHandshake => match tls {
            Some(failure) => cause_of_tls(failure),
            None => Cause::Tls(TlsProblem::new(TlsProblemKind::Handshake, "the handshake failed")),
        },
        ClientFailure::InjectedPlaintext => Cause::Protocol(
            "clear text behind the reply to STARTTLS: somebody on the way may have put it there".to_owned(),
        ),
        ClientFailure::NoMechanism => Cause::Login("the host offers no way to sign in that we may use".to_owned()),
        ClientFailure::AuthenticationRefused { reply, token_error } => Cause::Login(match token_error {
            Some(word) => format!("the host said: {} (it does not take the token: {word})", reply_of(reply)),
            None => format!("the host said: {}", reply_of(reply)),
        }),
        ClientFailure::Authentication(error) => Cause::Login(error.to_string()),
        ClientFailure::Timeout(stage) => Cause::Lost(format!("no answer in time {}", when(*stage))),
        ClientFailure::ConnectionLost(stage) => Cause::Lost(format!("closed {}", when(*stage))),
        ClientFailure::BadReply(error) => Cause::Protocol(error.to_string()),
        ClientFailure::UnexpectedReply { stage, reply } => {
            Cause::Protocol(format!("an unexpected reply {}: {}", when(*stage), reply_of(reply)))
        }
        ClientFailure::GivenUp => Cause::Internal("the message was given up".to_owned()),
    }
}

/// Why TLS failed.
pub(super) fn cause_of_tls(failure: &TlsFailure) -> Cause {
    Cause::Tls(TlsProblem::new(kind_of(failure), failure.to_string()))
}

/// Of which kind a failure is.
pub(super) fn kind_of(failure: &TlsFailure) -> TlsProblemKind {
    match failure {
        TlsFailure::VersionTooLow => TlsProblemKind::VersionTooLow,
        TlsFailure::Expired { .. } | TlsFailure::NotYetValid { .. } => TlsProblemKind::Expired,
        TlsFailure::NameMismatch { .. } => TlsProblemKind::Name,
        TlsFailure::Untrusted => TlsProblemKind::Untrusted,
        TlsFailure::SelfSigned => TlsProblemKind::SelfSigned,
        TlsFailure::Revoked | TlsFailure::BadCertificate { .. } => TlsProblemKind::BadCertificate,
        TlsFailure::DaneMismatch => TlsProblemKind::DaneMismatch,
        TlsFailure::Handshake { .. }
        | TlsFailure::Incompatible { .. }
        | TlsFailure::ProtocolMismatch
        | TlsFailure::Misbehaved { .. }
        | TlsFailure::IoDuringHandshake { .. } => TlsProblemKind::Handshake,
        TlsFailure::BadHostName { .. } | TlsFailure::Internal { .. } => TlsProblemKind::OurSide,
    }
}

/// Why no connection could be made.
pub(super) fn cause_of_connect(error: &io::Error) -> Cause {
    Cause::Connect(match error.kind() {
        io::ErrorKind::ConnectionRefused => "the host refuses connections".to_owned(),
        io::ErrorKind::TimedOut => "the host does not answer".to_owned(),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "the host cannot be reached".to_owned(),
        _ => error.to_string(),
    })
}

fn when(stage: Stage) -> &'static str {
    match stage {
        Stage::Greeting => "before the greeting",
        Stage::Ehlo => "after EHLO",
        Stage::Tls => "at STARTTLS",
        Stage::Auth => "while signing in",
        Stage::Mail => "after MAIL",
        Stage::Rcpt => "while recipients were named",
        Stage::Data => "after DATA",
        Stage::Body => "in the middle of the message",
        Stage::EndOfBody => "after the end of the message",
        Stage::Reset => "after RSET",
        Stage::Idle => "between messages",
        Stage::Quit => "after QUIT",
    }
}

fn reply_of(reply: &SmtpReply) -> PeerReply {
    let enhanced = reply.enhanced.map(|code| code.to_string());
    let lines = reply.lines.iter().map(|line| without_code(line, enhanced.as_deref()));
    let mut text = lines.collect::<Vec<_>>().join(" ");
    if text.len() > MAX_REPLY_TEXT_BYTES {
        let end = (0..=MAX_REPLY_TEXT_BYTES).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
    }
    PeerReply { code: reply.code, enhanced, text }
}

/// A line without the enhanced code in front of it, which RFC 2034 §4 repeats on each.
fn without_code<'a>(line: &'a str, code: Option<&str>) -> &'a str {
    let rest = code.and_then(|code| line.strip_prefix(code));
    rest.filter(|rest| rest.is_empty() || rest.starts_with(' ')).map_or(line, str::trim_start)
}

#[cfg(test)]
mod tests {
    use posthouse_smtp::reply::EnhancedCode;

    use super::*;

    fn check(code: u16, enhanced: Option<EnhancedCode>, lines: &[&str], expected: &str) {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        assert_eq!(reply_of(&SmtpReply { code, enhanced, lines }).to_string(), expected);
    }

    #[test]
    fn replies_in_one_line() {
        check(250, None, &["ok"], "250 ok");
        let code = EnhancedCode::new(5, 1, 1);
        check(550, Some(code), &["5.1.1 no such", "5.1.1 user"], "550 5.1.1 no such user");
        check(550, Some(code), &["5.1.1"], "550 5.1.1 ");
        check(550, Some(code), &["5.1.10 other"], "550 5.1.1 5.1.10 other");
        check(550, None, &["é".repeat(2000).as_str()], &format!("550 {}", "é".repeat(1024)));
    }

    #[test]
    fn passing_refusals_stay_passing() {
        let reply = SmtpReply { code: 552, enhanced: None, lines: vec!["too many".to_owned()] };
        let outcome = DeliveryOutcome::Temporary(SmtpCause::Reply { stage: Stage::Rcpt, reply });
        let RecipientResult::Refused(cause) = recipient_result(&outcome) else { panic!("refused") };
        assert!(cause.is_passing());
        assert_eq!(cause.status(), "4.5.3");
    }
}
