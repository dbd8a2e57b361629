//! How long a client may be silent.

use std::time::Duration;

use posthouse_model::Instant;
use posthouse_model::session::CloseReason;

use super::{ImapSession, Mode, Phase};

/// What a session remembers of time.
#[derive(Debug)]
pub(crate) struct Clock {
    connected_at: Instant,
    /// When the client was last heard, or got an answer.
    last_heard: Instant,
    /// The wish that the driver knows.
    alarm: Option<Instant>,
}

impl Clock {
    pub(crate) fn new(now: Instant) -> Self {
        Self { connected_at: now, last_heard: now, alarm: None }
    }

    /// The client said something.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
    }

    /// The client is a stranger again, and has as much time as one.
    pub(crate) fn begin_anew(&mut self) {
        self.connected_at = self.last_heard;
    }

    /// The driver's alarm is spent.
    pub(crate) fn woken(&mut self) {
        self.alarm = None;
    }

    /// The wish to be sent to the driver, if the one it knows is later than `deadline`. An earlier one stays: waking
    /// in vain now and then costs less than a new wish with each piece of input.
    pub(crate) fn alarm(&mut self, deadline: Option<Instant>) -> Option<Instant> {
        let deadline = deadline?;
        if self.alarm.is_some_and(|known| known <= deadline) {
            return None;
        }
        self.alarm = Some(deadline);
        Some(deadline)
    }
}

impl ImapSession {
    /// When the client will have been silent for too long, or is to get a sign of life.
    pub(crate) fn deadline(&self) -> Instant {
        match &self.mode {
            Mode::ExpectDone(idling) => idling.keepalive_at.min(idling.until),
            _ => self.silent_until(),
        }
    }

    fn silent_until(&self) -> Instant {
        let limits = &self.config.limits;
        let after = |silence: Duration| self.clock.last_heard + silence;
        match self.phase {
            Phase::LoggedIn if self.reader.in_command() || matches!(self.mode, Mode::ExpectMessage(_)) => {
                after(limits.silence_in_command)
            }
            Phase::LoggedIn => after(limits.silence),
            _ => after(limits.silence_before_login).min(self.clock.connected_at + limits.time_before_login),
        }
    }

    /// Ends the session, or gives a sign of life, if it is time.
    pub(crate) fn time_passed(&mut self, now: Instant) {
        if let Mode::ExpectDone(idling) = &mut self.mode {
            if now >= idling.until {
                self.bye("You have been idle for too long", CloseReason::Timeout);
            } else if now >= idling.keepalive_at {
                idling.keepalive_at = now + self.config.limits.idle_keepalive;
                self.out.extend_from_slice(b"* OK Still here\r\n");
            }
        } else if now >= self.silent_until() {
            self.bye("You have been silent for too long", CloseReason::Timeout);
        }
    }
}
