//! Mail that is to be delivered within a time (RFC 2852).

use std::fmt;

use crate::time::UnixMillis;

/// What is done with a message that is not delivered in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByMode {
    /// Its sender is told of the delay, and it goes on.
    Notify,
    /// It is returned.
    Return,
}

/// Until when a message is to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliverBy {
    /// The deliver-by-time. In [`ByMode::Notify`] it may be past when the message comes.
    pub at: UnixMillis,
    /// What is done when it is not.
    pub mode: ByMode,
    /// Whether its sender is told of every host that it is handed to.
    pub trace: bool,
}

impl DeliverBy {
    /// The seconds that are left at `now`, rounded down; negative once the time is over.
    #[must_use]
    pub fn seconds_left(&self, now: UnixMillis) -> i64 {
        self.at.0.saturating_sub(now.0).div_euclid(1000)
    }

    /// `by-mode [by-trace]` (RFC 2852 §4).
    #[must_use]
    pub fn mode_word(&self) -> &'static str {
        mode_word(self.mode, self.trace)
    }

    /// Reads [`Self::mode_word`], in any case.
    #[must_use]
    pub fn read_mode(word: &str) -> Option<(ByMode, bool)> {
        match word.to_ascii_uppercase().as_str() {
            "N" => Some((ByMode::Notify, false)),
            "NT" => Some((ByMode::Notify, true)),
            "R" => Some((ByMode::Return, false)),
            "RT" => Some((ByMode::Return, true)),
            _ => None,
        }
    }
}

/// `by-mode [by-trace]` (RFC 2852 §4).
#[must_use]
pub const fn mode_word(mode: ByMode, trace: bool) -> &'static str {
    match (mode, trace) {
        (ByMode::Notify, false) => "N",
        (ByMode::Notify, true) => "NT",
        (ByMode::Return, false) => "R",
        (ByMode::Return, true) => "RT",
    }
}

impl fmt::Display for DeliverBy {
    /// The time and the mode, such as `2023-11-14T22:13:20Z;R`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};{}", self.at.to_rfc3339(), self.mode_word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_down() {
        let by = DeliverBy { at: UnixMillis(10_000), mode: ByMode::Notify, trace: false };
        let left = |now| by.seconds_left(UnixMillis(now));
        assert_eq!((left(0), left(1), left(9_999), left(10_000), left(10_001)), (10, 9, 0, 0, -1));
    }

    #[test]
    fn modes_are_read_as_they_are_written() {
        for word in ["N", "NT", "R", "RT"] {
            let (mode, trace) = DeliverBy::read_mode(word).unwrap();
            assert_eq!(DeliverBy { at: UnixMillis(0), mode, trace }.mode_word(), word);
        }
        assert_eq!(DeliverBy::read_mode("rt"), Some((ByMode::Return, true)));
        for word in ["", "T", "X", "NTT", "NR"] {
            assert_eq!(DeliverBy::read_mode(word), None);
        }
    }
}
