//! Senders and recipients that were refused before a message came.
//!
//! "It never arrived" is often the end of such a conversation, and whoever asks the trail is to find it there. Strangers
//! can make as many refusals as they like, so only so many of theirs are noted.

use parking_lot::Mutex;
use posthouse_model::session::Peer;
use posthouse_model::{Address, JourneyId, ReversePath, TrailEvent, TrailKind, UnixMillis};

use crate::Flow;

/// Most refusals of strangers that are noted in a minute, of all together.
const MAX_OF_STRANGERS: u32 = 60;
/// Most refusals of those who signed in that are noted in a minute, of all together.
const MAX_OF_LOGINS: u32 = 600;
/// A minute, in milliseconds.
const MINUTE_MILLIS: i64 = 60_000;

/// Who came, before any message did.
#[derive(Clone, Copy, Debug)]
pub struct Knock<'a> {
    /// From where.
    pub peer: Peer,
    /// What the client called itself; empty if nothing.
    pub helo: &'a str,
    /// Version and suite of the TLS it came through.
    pub tls: Option<(&'a str, &'a str)>,
    /// Who signed in.
    pub login: Option<&'a Address>,
}

/// How many refusals were noted in this minute.
#[derive(Debug, Default)]
pub(crate) struct DoorRefusals(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    minute: i64,
    of_strangers: u32,
    of_logins: u32,
    passed_over: u64,
}

impl DoorRefusals {
    /// Whether there is room for one more.
    fn admits(&self, is_stranger: bool, now: UnixMillis) -> bool {
        let mut noted = self.0.lock();
        let minute = now.0.div_euclid(MINUTE_MILLIS);
        if noted.minute != minute {
            if noted.passed_over > 0 {
                tracing::info!(refusals = noted.passed_over, "refusals at the door were too many for the trail");
            }
            *noted = Noted { minute, ..Noted::default() };
        }
        let (count, most) = match is_stranger {
            true => (&mut noted.of_strangers, MAX_OF_STRANGERS),
            false => (&mut noted.of_logins, MAX_OF_LOGINS),
        };
        let admits = *count < most;
        if admits {
            *count += 1;
        } else {
            noted.passed_over += 1;
        }
        admits
    }
}

impl Flow {
    /// Notes that a sender, or where there is a `recipient`, that one, was refused, and why. Gives the journey under which
    /// the trail has it, `journey` if that is given; `None` when there were too many lately.
    pub fn record_door_refusal(
        &self,
        knock: &Knock<'_>,
        journey: Option<JourneyId>,
        sender: &ReversePath,
        recipient: Option<&Address>,
        cause: &str,
    ) -> Option<JourneyId> {
        let now = self.environment.now();
        if !self.door_refusals.admits(knock.login.is_none(), now) {
            return None;
        }
        let journey = journey.unwrap_or_else(|| self.environment.journey());
        let mut event = TrailEvent::new(journey, now, TrailKind::Refused)
            .fact("at", if recipient.is_some() { "RCPT" } else { "MAIL" })
            .fact("cause", cause)
            .fact("from", sender.to_string())
            .fact("peer", knock.peer.remote.to_string())
            .fact("helo", knock.helo);
        if let Some((version, suite)) = knock.tls {
            event = event.fact("tls", format!("{version} {suite}"));
        }
        if let Some(login) = knock.login {
            event = event.fact("login", login.to_string());
        }
        if let Some(address) = sender.address() {
            event = event.about(address);
        }
        if let Some(recipient) = recipient {
            event = event.about(recipient).fact("to", format!("<{recipient}>"));
        }
        self.store.record(vec![event]);
        Some(journey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_fill_no_disk_and_hide_nobody_else() {
        let refusals = DoorRefusals::default();
        let admitted = |is_stranger, at| (0..1000).filter(|_| refusals.admits(is_stranger, UnixMillis(at))).count();
        assert_eq!(admitted(true, 1), MAX_OF_STRANGERS as usize);
        assert_eq!(admitted(false, 1), MAX_OF_LOGINS as usize);
        assert_eq!(admitted(true, MINUTE_MILLIS - 1), 0);
        assert_eq!(admitted(true, MINUTE_MILLIS), MAX_OF_STRANGERS as usize);
    }
}
