//! In which order entries for one destination come to their turn, so that a sender of a million messages does not keep
//! another's single one waiting.
//!
//! Each entry whose time has come is *ready* and has a turn; a destination's entries are claimed by rising turn, and by
//! number within one. Each sender is a lane of its own: its messages have one turn after the other. Who has nothing
//! ready begins at the lowest turn that is left, beside those who have waited longest. So the lanes go round, one
//! message each (start-time fair queueing), and what is next is at the front of an index: nothing is gone through to
//! find it.
//!
//! The recipients of one message at one destination share a turn, as far as they fit in one transaction.

use posthouse_model::ReversePath;

/// Most recipients of a message that share a turn (RFC 5321 §4.5.3.1.8: a host takes 100 at least in one transaction).
pub const MAX_RECIPIENTS_PER_TURN: usize = 100;

/// The turn of what becomes ready. `last_of_lane` is the highest turn that its sender has at its destination,
/// `first_of_destination` the lowest that anybody has there.
pub fn next_turn(last_of_lane: Option<i64>, first_of_destination: Option<i64>) -> i64 {
    match (last_of_lane, first_of_destination) {
        (Some(last), _) => last + 1,
        (None, Some(first)) => first,
        (None, None) => 0,
    }
}

/// What a sender's lane is called: its domain, a space, and its folded local part; empty for the null sender. Lanes of
/// one domain follow each other in order.
pub fn lane(sender: &ReversePath) -> String {
    sender.address().map_or_else(String::new, |one| format!("{} {}", one.domain, one.local_part.folded()))
}

/// [`lane`] of a folded address; `None` when it is none.
pub fn lane_of_folded(folded: &str) -> Option<String> {
    folded.rsplit_once('@').map(|(local_part, domain)| format!("{domain} {local_part}"))
}

#[cfg(test)]
mod tests {
    use posthouse_model::Address;

    use super::*;

    #[test]
    fn lanes_of_an_address_and_of_its_folded_form_are_the_same() {
        for text in ["Ann@Example.org", "\"a@b c\"@example.org", "x@[192.0.2.1]"] {
            let address = Address::parse(text).unwrap();
            let folded = lane_of_folded(&address.folded()).unwrap();
            assert_eq!(lane(&ReversePath::Address(address)), folded, "{text}");
        }
        assert_eq!(lane(&ReversePath::Null), "");
    }

    #[test]
    fn turns() {
        assert_eq!(next_turn(None, None), 0);
        assert_eq!(next_turn(None, Some(7)), 7);
        assert_eq!(next_turn(Some(9), Some(7)), 10);
    }
}
