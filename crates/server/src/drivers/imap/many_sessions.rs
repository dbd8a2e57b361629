//! Many sessions at one mailbox: random commands, with a plain list beside the real mailbox.
//!
//! Some sessions are the owner's, others those of people with whom the mailbox is shared, who have seen what they have
//! seen, and may do what they may. Some servers let a command work on a few messages only (MESSAGELIMIT).
//!
//! Everything is real but the connections: sessions, what answers them, mailbox, store. A client stands behind each
//! session, which knows nothing but what it is told, and objects to what may not be said (EXPUNGE where numbers may not
//! change, a number that no message has, something that is not so). Who comes when is up to the test, so that a failure
//! happens again, and shrinks; what was found so is kept in `regressions`. `POSTHOUSE_MODEL_CASES` says how many conversations to try.

mod client;
mod command;
mod order;
mod people;
mod reference;
mod regressions;
mod reply;
mod seat;
mod world;

use std::num::NonZeroU32;
use std::sync::Arc;

use posthouse_storage::{MemoryStorage, Storage};
use posthouse_storage_sqlite::{Options, SqliteStorage};
use proptest::prelude::*;
use tokio::runtime::Builder;

use self::client::Kind;
use self::command::{Command, command, kind, who};
use self::people::Who;
use self::world::World;

/// Conversations that are tried unless the environment says otherwise.
const CASES: u32 = 48;
/// Likewise, with a store on disk.
const CASES_ON_DISK: u32 = 8;
/// Most commands of a conversation.
const COMMANDS: usize = 60;
const SESSIONS: std::ops::Range<usize> = 2..5;

fn cases(usual: u32) -> u32 {
    std::env::var("POSTHOUSE_MODEL_CASES").map_or(usual, |cases| cases.parse().unwrap())
}

/// Who is there, with what enabled; and who of them does what.
type Conversation = (Option<NonZeroU32>, Vec<(Who, Kind)>, Vec<(usize, Command)>);

fn conversation() -> impl Strategy<Value = Conversation> {
    let limit = prop::option::weighted(0.3, (2u32..6).prop_map(|limit| NonZeroU32::new(limit).unwrap()));
    let seats = prop::collection::vec((who(), kind()), SESSIONS);
    (limit, seats, prop::collection::vec((0..SESSIONS.end, command()), 0..COMMANDS))
}

fn converse(store: Arc<dyn Storage>, limit: Option<NonZeroU32>, seats: &[(Who, Kind)], commands: &[(usize, Command)]) {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut world = World::build(store, limit, seats).await;
        for (who, command) in commands {
            world.run(who % seats.len(), command).await;
        }
        world.settle().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(CASES), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_memory((limit, seats, commands) in conversation()) {
        converse(MemoryStorage::new(), limit, &seats, &commands);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(CASES_ON_DISK), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_disk((limit, seats, commands) in conversation()) {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStorage::open(directory.path(), Options::default()).unwrap();
        converse(store, limit, &seats, &commands);
    }
}
