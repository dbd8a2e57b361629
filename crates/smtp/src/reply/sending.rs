//! What somebody is told who may not send a message, or not now.

use std::time::Duration;

use super::{EnhancedCode, Reply, local_error};
use crate::server::{QuotaOwner, QuotaPeriod, QuotaUnit, SendingRefusal};

/// The longest wait that a client is to bear. Mail that would have to wait longer is refused for good, so that its
/// sender hears of it today (RFC 5321 §4.5.4.1: clients give up after four or five days, and tell nobody before).
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Why somebody may not send.
#[must_use]
pub fn sending(refusal: &SendingRefusal) -> Reply {
    let too_large = |what: &str, limit: u64| {
        Reply::new(
            552,
            EnhancedCode::new(5, 3, 4),
            format!("{what} is larger than the {limit} octets that you may send"),
        )
    };
    match refusal {
        SendingRefusal::QuotaUsedUp { owner, most, unit, period, wait } => {
            quota_used_up(*owner, *most, *unit, *period, *wait)
        }
        SendingRefusal::MessageTooLarge { limit_bytes } => too_large("The message", *limit_bytes),
        SendingRefusal::HeaderTooLarge { limit_bytes } => too_large("The message header", *limit_bytes),
        SendingRefusal::AttachmentTooLarge { limit_bytes } => too_large("An attachment", *limit_bytes),
        // RFC 5321 §4.5.3.1.10: with 452 a client sends the message to the others by itself.
        SendingRefusal::TooManyRecipients { limit } => {
            let text = format!("Too many recipients: at most {limit} in one message");
            Reply::new(452, EnhancedCode::new(4, 5, 3), text)
        }
        SendingRefusal::SwitchedOff => {
            let text = "Sending is switched off for this account, ask its administrator";
            Reply::new(550, EnhancedCode::new(5, 7, 1), text)
        }
        // It may be a mistake, and then nothing is to be lost.
        SendingRefusal::Suspended => {
            let text = "Sending is suspended for this account because of what it sent, ask its administrator";
            Reply::new(450, EnhancedCode::new(4, 7, 1), text)
        }
        SendingRefusal::TemporaryFailure => local_error(),
    }
}

fn quota_used_up(owner: QuotaOwner, most: u64, unit: QuotaUnit, period: QuotaPeriod, wait: Duration) -> Reply {
    let owner = match owner {
        QuotaOwner::Key => "This credential",
        QuotaOwner::Account => "This account",
        QuotaOwner::Domain => "This domain",
        QuotaOwner::Server => "This server",
    };
    if most == 0 {
        return Reply::new(550, EnhancedCode::new(5, 7, 1), format!("{owner} may not send mail"));
    }
    let plural = if most == 1 { "" } else { "s" };
    let amount = match unit {
        QuotaUnit::Messages => format!("{most} message{plural}"),
        QuotaUnit::Recipients => format!("to {most} recipient{plural}"),
    };
    let period = match period {
        QuotaPeriod::Hour => "an hour",
        QuotaPeriod::Day => "a day",
        QuotaPeriod::Month => "a month",
    };
    let text = format!("{owner} may send {amount} {period}, and has: try again in {}", words(wait));
    match wait > LONGEST_WAIT {
        true => Reply::new(550, EnhancedCode::new(5, 7, 1), text),
        false => Reply::new(450, EnhancedCode::new(4, 7, 1), text),
    }
}

/// A time to wait, rounded up.
fn words(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let (number, unit) = match seconds {
        0..=90 => (seconds.max(1), "second"),
        91..=5400 => (seconds.div_ceil(60), "minute"),
        5401..=172_800 => (seconds.div_ceil(3600), "hour"),
        _ => (seconds.div_ceil(86_400), "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(most: u64, unit: QuotaUnit, wait_seconds: u64, expected: &str) {
        let wait = Duration::from_secs(wait_seconds);
        let refusal =
            SendingRefusal::QuotaUsedUp { owner: QuotaOwner::Account, most, unit, period: QuotaPeriod::Hour, wait };
        let reply = sending(&refusal);
        let enhanced = reply.enhanced.map(|code| code.to_string()).unwrap_or_default();
        assert_eq!(format!("{} {enhanced} {}", reply.code, reply.lines.join("|")), expected);
    }

    #[test]
    fn a_sender_is_told_when_to_try_again() {
        let recipients = QuotaUnit::Recipients;
        check(
            100,
            recipients,
            2220,
            "450 4.7.1 This account may send to 100 recipients an hour, and has: try again in 37 minutes",
        );
        check(
            1,
            recipients,
            1,
            "450 4.7.1 This account may send to 1 recipient an hour, and has: try again in 1 second",
        );
        let messages = QuotaUnit::Messages;
        check(
            20,
            messages,
            86_400,
            "450 4.7.1 This account may send 20 messages an hour, and has: try again in 24 hours",
        );
        check(1, messages, 86_401, "550 5.7.1 This account may send 1 message an hour, and has: try again in 25 hours");
        check(
            2,
            messages,
            1_000_000,
            "550 5.7.1 This account may send 2 messages an hour, and has: try again in 12 days",
        );
        check(0, messages, 5, "550 5.7.1 This account may not send mail");
    }
}
