//! Many sessions at one mailbox: random commands, with a plain list beside the real mailbox.
//!
//! Everything is real but the connections: sessions, what answers them, mailbox, store. A client stands behind each
//! session, which knows nothing but what it is told, and objects to what may not be said (EXPUNGE where numbers may not
//! change, a number that no message has, something that is not so). Who comes when is up to the test, so that a failure
//! happens again, and shrinks; what was found so is kept in `regressions`. `POSTHOUSE_MODEL_CASES` says how many conversations to try.

mod client;
mod command;
mod reference;
mod regressions;
mod reply;
mod seat;
mod world;

use std::sync::Arc;

use posthouse_storage::{MemoryStorage, Storage};
use posthouse_storage_sqlite::{Options, SqliteStorage};
use proptest::prelude::*;
use tokio::runtime::Builder;

use self::client::Kind;
use self::command::{Command, command, kind};
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

fn conversation() -> impl Strategy<Value = (Vec<Kind>, Vec<(usize, Command)>)> {
    (prop::collection::vec(kind(), SESSIONS), prop::collection::vec((0..SESSIONS.end, command()), 0..COMMANDS))
}

fn converse(store: Arc<dyn Storage>, kinds: &[Kind], commands: &[(usize, Command)]) {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut world = World::build(store, kinds).await;
        for (who, command) in commands {
            world.run(who % kinds.len(), command).await;
        }
        world.settle().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(CASES), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_memory((kinds, commands) in conversation()) {
        converse(MemoryStorage::new(), &kinds, &commands);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(CASES_ON_DISK), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_disk((kinds, commands) in conversation()) {
        let directory = tempfile::tempdir().unwrap();
        converse(SqliteStorage::open(directory.path(), Options::default()).unwrap(), &kinds, &commands);
    }
}
