//! How many deliveries to one destination may be under way at once.
//!
//! It begins small, doubles while the destination serves, and from where it was last pushed back it grows by one for
//! each round of messages served. Where the destination pushes back it halves, and where it cannot be reached it falls
//! to one, with a rest before the next attempt (RFC 5321 §4.5.4.1 asks not to hammer a host that is down).

use std::time::Duration;

use super::courier::{Cause, DeliveryResult, HopFailure, RecipientResult};

/// Deliveries to a destination of which nothing is known yet.
const FIRST_DELIVERIES: usize = 4;
/// Messages that are taken out of the queue at once for a destination that cannot be reached: one attempt speaks for
/// all of them.
const MESSAGES_FOR_UNREACHABLE: usize = 500;
/// The rest after a destination could not be reached; it doubles each time.
const FIRST_REST: Duration = Duration::from_secs(1);
/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// A message that takes longer than this makes its destination slow.
const SLOW_MESSAGE: Duration = Duration::from_secs(20);

/// How a destination took a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It answered about the message, well or badly, for good.
    Served,
    /// It said 4xx to all of it, or broke off.
    PushedBack,
    /// None of its hosts could be used.
    Unreachable,
    /// Nothing is known of it by this.
    Silent,
}

impl Answer {
    /// What an attempt says of the destination.
    pub fn of(result: &Result<DeliveryResult, HopFailure>) -> Self {
        let passes = |one: &RecipientResult| matches!(one, RecipientResult::Refused(cause) if cause.is_passing());
        match result {
            Err(HopFailure { cause: Cause::Internal(_), .. }) => Self::Silent,
            Err(failure) if failure.cause.is_passing() => Self::Unreachable,
            Err(_) => Self::Silent,
            Ok(result) if result.recipients.iter().all(passes) => Self::PushedBack,
            Ok(_) => Self::Served,
        }
    }
}

/// How a destination took the messages of one delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    pub served: usize,
    pub pushed_back: usize,
    pub unreachable: usize,
    /// Of all of them, those that took long.
    pub slow: usize,
}

impl Answers {
    /// A message that took so long.
    pub fn note(&mut self, answer: Answer, took: Duration) {
        self.slow += usize::from(took > SLOW_MESSAGE);
        match answer {
            Answer::Served => self.served += 1,
            Answer::PushedBack => self.pushed_back += 1,
            Answer::Unreachable => self.unreachable += 1,
            Answer::Silent => {}
        }
    }
}

/// How many deliveries to one destination may be under way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    size: usize,
    /// Up to here it doubles.
    threshold: usize,
    /// Messages served since it grew last.
    served: usize,
    /// Deliveries in a row that could not reach the destination.
    failures: u32,
    /// Whether the last delivery took long.
    is_slow: bool,
}

impl Window {
    /// For a destination of which nothing is known, with `most` deliveries at once.
    pub fn new(most: usize) -> Self {
        Self { size: FIRST_DELIVERIES.min(most).max(1), threshold: most, served: 0, failures: 0, is_slow: false }
    }

    /// How many deliveries there may be.
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many messages one delivery takes.
    pub fn messages(&self) -> usize {
        if self.failures > 0 { MESSAGES_FOR_UNREACHABLE } else { self.size }
    }

    /// Whether the destination could not be reached last time, or took long.
    pub fn is_suspect(&self) -> bool {
        self.failures > 0 || self.is_slow
    }

    /// Whether it is as for a destination of which nothing is known.
    pub fn is_new(&self, most: usize) -> bool {
        *self == Self::new(most)
    }

    /// A delivery has ended. Gives how long the destination is to rest.
    pub fn learn(&mut self, answers: Answers, most: usize) -> Option<Duration> {
        if answers.served == 0 && answers.unreachable > 0 {
            self.failures = self.failures.saturating_add(1);
            self.threshold = (self.size / 2).max(1);
            self.size = 1;
            self.served = 0;
            let doubled = FIRST_REST.saturating_mul(1_u32.checked_shl(self.failures - 1).unwrap_or(u32::MAX));
            return Some(doubled.min(LONGEST_REST));
        }
        if answers.served > 0 || answers.pushed_back > 0 {
            self.failures = 0;
            self.is_slow = answers.slow > 0;
        }
        if answers.pushed_back > answers.served {
            self.size = (self.size / 2).max(1);
            self.threshold = self.size;
            self.served = 0;
        } else if answers.pushed_back == 0 {
            (0..answers.served).for_each(|_| self.grow(most));
        }
        None
    }

    fn grow(&mut self, most: usize) {
        self.served += 1;
        if self.size < most && (self.size < self.threshold || self.served >= self.size) {
            self.size += 1;
            self.served = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::courier::{PeerReply, Protection};

    const MOST: usize = 20;

    fn answers(served: usize, pushed_back: usize, unreachable: usize) -> Answers {
        Answers { served, pushed_back, unreachable, slow: 0 }
    }

    /// What the window is after each of these.
    #[track_caller]
    fn check(steps: &[(Answers, usize, Option<u64>)]) {
        let mut window = Window::new(MOST);
        for (at, (answers, size, rest)) in steps.iter().enumerate() {
            let rested = window.learn(*answers, MOST).map(|rest| rest.as_secs());
            assert_eq!((window.size(), rested), (*size, *rest), "step {at}");
        }
    }

    #[test]
    fn success_makes_it_grow_up_to_the_limit() {
        check(&[(answers(4, 0, 0), 8, None), (answers(8, 0, 0), 16, None), (answers(16, 0, 0), 20, None)]);
    }

    #[test]
    fn after_a_push_it_grows_slowly() {
        check(&[
            (answers(12, 0, 0), 16, None),
            (answers(0, 3, 0), 8, None),
            (answers(7, 0, 0), 8, None),
            (answers(1, 0, 0), 9, None),
            (answers(9, 1, 0), 9, None),
            (answers(1, 2, 0), 4, None),
            (answers(0, 1, 0), 2, None),
            (answers(0, 1, 0), 1, None),
            (answers(0, 1, 0), 1, None),
            (answers(1, 0, 0), 2, None),
        ]);
    }

    #[test]
    fn what_cannot_be_reached_rests_longer_and_longer() {
        check(&[
            (answers(0, 0, 1), 1, Some(1)),
            (answers(0, 0, 500), 1, Some(2)),
            (answers(0, 0, 500), 1, Some(4)),
            (answers(0, 0, 1), 1, Some(8)),
            (answers(0, 0, 1), 1, Some(16)),
            (answers(0, 0, 1), 1, Some(30)),
            (answers(0, 0, 1), 1, Some(30)),
            (answers(1, 0, 3), 2, None),
            (answers(0, 0, 1), 1, Some(1)),
        ]);
        let mut window = Window::new(MOST);
        for _ in 0..100 {
            assert!(window.learn(answers(0, 0, 1), MOST).unwrap() <= LONGEST_REST);
        }
        assert!(window.is_suspect());
        window.learn(answers(0, 1, 0), MOST);
        assert!(!window.is_suspect());
    }

    #[test]
    fn a_slow_destination_is_suspect_until_it_is_quick() {
        let mut window = Window::new(MOST);
        let mut answers = Answers::default();
        answers.note(Answer::Served, SLOW_MESSAGE);
        window.learn(answers, MOST);
        assert!(!window.is_suspect());
        answers.note(Answer::Served, SLOW_MESSAGE * 2);
        window.learn(answers, MOST);
        assert!(window.is_suspect() && window.messages() <= MOST);
        window.learn(Answers { served: 1, ..Answers::default() }, MOST);
        assert!(!window.is_suspect());
    }

    #[test]
    fn one_is_enough_where_no_more_are_allowed() {
        let mut window = Window::new(1);
        window.learn(answers(9, 0, 0), 1);
        assert_eq!((window.size(), window.messages()), (1, 1));
    }

    fn reply(code: u16) -> RecipientResult {
        let reply = PeerReply { code, enhanced: None, text: String::new() };
        if code < 300 { RecipientResult::Accepted(reply) } else { RecipientResult::Refused(Cause::Reply(reply)) }
    }

    #[test]
    fn answers_of_attempts() {
        let answered = |codes: &[u16]| {
            let recipients = codes.iter().map(|&code| reply(code)).collect();
            Answer::of(&Ok(DeliveryResult {
                recipients,
                tls: None,
                protection: Protection::Clear,
                host: String::new(),
                offers_dsn: false,
                offers_deliver_by: false,
            }))
        };
        assert_eq!(answered(&[250, 450]), Answer::Served);
        assert_eq!(answered(&[550]), Answer::Served);
        assert_eq!(answered(&[450, 421]), Answer::PushedBack);
        let failed = |cause| Answer::of(&Err(HopFailure { cause, host: String::new() }));
        assert_eq!(failed(Cause::Connect(String::new())), Answer::Unreachable);
        assert_eq!(failed(Cause::Internal(String::new())), Answer::Silent);
        assert_eq!(failed(Cause::NoSmtpUtf8), Answer::Silent);
    }
}
