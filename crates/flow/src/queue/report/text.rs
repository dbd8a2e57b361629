//! The part of a report that is for people: to whom, what happened, why, and what to do.

use posthouse_mime::DateTime;
use posthouse_model::{Language, UnixMillis};

use super::why::Why;
use super::words::Words;
use super::{Told, Verdict};

/// Characters after which a line of prose goes on in the next one.
const LINE_CHARS: usize = 72;
/// A blank at which no line ends, while lines are made.
const GLUE: char = '\u{1}';

/// The subject, by the gravest of what is told.
pub(super) fn subject(told: &[Told], language: Language) -> &'static str {
    let words = Words::of(language);
    if told.iter().any(|one| one.verdict.is_failure()) {
        words.subject_failed
    } else if told.iter().any(|one| matches!(one.verdict, Verdict::Delayed | Verdict::Overdue)) {
        words.subject_delayed
    } else {
        words.subject_delivered
    }
}

/// Who writes.
pub(super) fn sender_name(language: Language) -> &'static str {
    Words::of(language).sender_name
}

/// What the mail server `host` has to say.
pub(super) fn explain(told: &[Told], host: &str, language: Language) -> String {
    let words = Words::of(language);
    let mut text = Prose::default();
    text.sentence(&words.introduction.replace("{host}", host));
    for one in told {
        let what = match one.verdict {
            Verdict::Delivered => words.delivered,
            Verdict::Relayed => words.relayed,
            Verdict::Delayed | Verdict::Overdue => words.delayed,
            Verdict::Failed => words.failed,
            Verdict::Expired => words.expired,
        };
        text.sentence(what);
        text.detail(&[one.recipient.address.to_string()]);
        if let Some(cause) = &one.cause {
            let why = Why::of(cause);
            let advice = if one.verdict.is_failure() { words.advice(why.advice()) } else { "" };
            text.sentence(&format!("{} {advice}", words.why(why)));
            text.sentence(words.details);
            text.detail(&one.host.iter().cloned().chain([cause.to_string()]).collect::<Vec<_>>());
        }
        if let (Verdict::Delayed | Verdict::Overdue, Some(until)) = (one.verdict, one.retry_until) {
            text.sentence(&words.goes_on.replace("{until}", &moment(until)));
        }
    }
    if told.iter().any(|one| one.verdict.is_failure()) {
        text.sentence(words.is_over);
    }
    text.0
}

/// A time that reads the same in every language.
fn moment(at: UnixMillis) -> String {
    let (year, month, day) = DateTime { unix_seconds: at.seconds(), offset_minutes: 0 }.local_date();
    let minutes = at.seconds().rem_euclid(24 * 60 * 60) / 60;
    // Its parts stay together on a line.
    format!("{year:04}-{month:02}-{day:02}{GLUE}{:02}:{:02}{GLUE}UTC", minutes / 60, minutes % 60)
}

/// Paragraphs with an empty line between them.
#[derive(Default)]
struct Prose(String);

impl Prose {
    /// Words, in as many lines as they take.
    fn sentence(&mut self, text: &str) {
        self.begin();
        let mut column = 0;
        for word in text.split_whitespace() {
            let chars = word.chars().count();
            if column > 0 && column + 1 + chars > LINE_CHARS {
                self.0.push_str("\r\n");
                column = 0;
            }
            if column > 0 {
                self.0.push(' ');
                column += 1;
            }
            self.0.push_str(&word.replace(GLUE, " "));
            column += chars;
        }
        self.0.push_str("\r\n");
    }

    /// Lines as they are, each set off.
    fn detail(&mut self, lines: &[String]) {
        self.begin();
        for line in lines {
            self.0.push_str("    ");
            self.0.push_str(line);
            self.0.push_str("\r\n");
        }
    }

    fn begin(&mut self) {
        if !self.0.is_empty() {
            self.0.push_str("\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use posthouse_model::{Address, Recipient};

    use super::*;
    use crate::queue::courier::Cause;

    fn told(verdict: Verdict) -> Told {
        Told {
            recipient: Recipient::new(Address::parse("bob@far.example").unwrap()),
            verdict,
            cause: Some(Cause::Connect("the host refuses connections".to_owned())),
            host: Some("mx.far.example [192.0.2.1]".to_owned()),
            retry_until: Some(UnixMillis(1_700_000_000_000)),
        }
    }

    #[test]
    fn a_report_reads_well() {
        let text = explain(&[told(Verdict::Failed)], "mx.ours.example", Language::English);
        let expected = "This is the mail server mx.ours.example.\r\n\r\nYour message could not be delivered to\r\n\r\n    \
            bob@far.example\r\n\r\nThe recipient's mail server cannot be reached, or does not answer as it\r\nshould. Please \
            reach the recipient in another way, and pass on what is\r\nsaid below, with which the administrator of that mail \
            server can do\r\nsomething.\r\n\r\nFor administrators:\r\n\r\n    mx.far.example [192.0.2.1]\r\n    cannot \
            connect: the host refuses connections\r\n\r\nThe message will not be tried again.\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn each_language_says_what_happened() {
        for language in Language::ALL {
            for verdict in [Verdict::Delivered, Verdict::Relayed, Verdict::Delayed, Verdict::Failed, Verdict::Expired] {
                let text = explain(&[told(verdict)], "mx.ours.example", language);
                assert!(text.contains("mx.ours.example") && text.contains("\r\n    bob@far.example\r\n"), "{text}");
                assert_eq!(text.contains("2023-11-14 22:13 UTC"), verdict == Verdict::Delayed, "{text}");
                assert!(!text.contains(['{', '}']), "{text}");
                assert!(text.lines().all(|line| line.chars().count() <= LINE_CHARS), "{text}");
            }
        }
    }
}
