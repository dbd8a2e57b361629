//! Conversations in which something went wrong once, as small as they could be made.

use posthouse_model::flag::FlagChange;
use posthouse_storage::MemoryStorage;

use super::client::Kind;
use super::command::{Command, Key, Wanted, Which};
use super::converse;
use super::people::Who;

/// Places among the sets of flags.
const SEEN: usize = 0;
const DELETED: usize = 1;
const DELETED_AND_A: usize = 2;

const APPEND: Command = Command::Append { marks: SEEN, word: 0, minute: 0, answers: None };

fn store(places: &[u32], marks: usize, silent: bool) -> Command {
    let which = Which::Some(places.to_vec());
    Command::Store { by_uid: false, which, change: FlagChange::Add, silent, marks, unchanged_since: None }
}

fn search(key: Key, wanted: Wanted) -> Command {
    Command::Search { by_uid: false, key, wanted }
}

fn check(kinds: &[Kind], commands: &[(usize, Command)]) {
    let seats: Vec<_> = kinds.iter().map(|&kind| (Who::Owner, kind)).collect();
    converse(MemoryStorage::new(), None, &seats, commands);
}

/// A row told a higher modification sequence than that of an expunge which could not be told yet.
#[test]
fn a_delayed_expunge_holds_the_modification_sequence_back() {
    let moved = Command::Move { by_uid: false, which: Which::Some(vec![0]), within: false };
    let resume = Command::Resume { known_uids: false, matches: false };
    let commands =
        [(0, APPEND), (0, APPEND), (0, Command::Noop), (1, moved), (0, store(&[1], DELETED, false)), (0, resume)];
    check(&[Kind::Qresync, Kind::Plain], &commands);
}

/// What somebody else had done to the same message was never told.
#[test]
fn a_silent_change_does_not_hide_that_of_another() {
    let commands = [
        (0, APPEND),
        (0, store(&[0], SEEN, false)),
        (1, store(&[0], DELETED_AND_A, false)),
        (0, store(&[0], DELETED, true)),
        (0, Command::Noop),
    ];
    check(&[Kind::Plain, Kind::Plain], &commands);
    check(&[Kind::Qresync, Kind::Plain], &commands);
}

/// Without a command the result stayed as it was, though its messages were told.
#[test]
fn results_are_kept_up_to_date_by_notify() {
    let commands = [(0, search(Key::All, Wanted::Update)), (1, APPEND)];
    check(&[Kind::Notify, Kind::Plain], &commands);
}

/// UIDs that no message had yet were forgotten.
#[test]
fn a_result_takes_in_uids_that_come_later() {
    let commands = [(0, APPEND), (0, search(Key::Uids(vec![1]), Wanted::Update)), (0, APPEND)];
    check(&[Kind::Plain], &commands);
}

/// The last was one that the client did not know, and so there was none.
#[test]
fn the_last_is_the_last_that_the_client_knows() {
    let commands = [(0, APPEND), (0, Command::Noop), (1, APPEND), (0, search(Key::All, Wanted::MinMax))];
    check(&[Kind::Plain, Kind::Plain], &commands);
}
