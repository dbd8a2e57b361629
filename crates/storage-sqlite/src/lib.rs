//! The embedded store: an SQLite index, and bodies in append-only segment files beside it.
//!
//! **Writing.** One thread writes ([`writer`]). It takes whatever waits, appends all bodies to the current segment,
//! makes them durable with one sync, applies each request in a savepoint of one transaction, commits it (one more
//! sync), tells the observers and answers everybody. A request that fails takes only itself back. When the bodies are
//! small the first sync is left out, and the commit carries a copy of them until a later one has synced the segment.
//!
//! **Reading.** A few threads with a connection each ([`reader`]). A slice of a body is one positioned read.
//!
//! **After a crash** the index knows how far each segment may be referenced; what lies beyond is a torn tail and
//! is cut; what it lacks is put back from the copies in the index. Nothing is ever overwritten in a segment once a commit that refers to it has been attempted.
//!
//! **Room is reserved**: zeros lie behind the last record of the growing segment and in the write-ahead log before
//! it is written, so that a sync has data to write and no inode. Nothing reads what the index does not refer to.
//!
//! **Housekeeping** ([`upkeep`]) moves the write-ahead log into the database off the commit path, empties deleted
//! mailboxes bit by bit, and compacts segments of which half is dead.
//!
//! **Encryption at rest** ([`encryption`]), where it is turned on, seals bodies and what was worked out from them.
//! **Keeping.** [`backup`] copies a store while it works; [`SqliteStorage::verify`] checks all of it, and
//! [`SqliteStorage::repair`] mends what can be worked out from the rest.
//!
//! This crate holds the only SQL for this backend, and knows nothing of protocols.

pub mod backup;
mod convert;
mod directory_lock;
mod disk;
mod encryption;
mod fault;
mod log_reserve;
mod options;
mod port;
mod reader;
mod schema;
mod segment;
mod store;
mod terms;
mod trail_codec;
mod upkeep;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use encryption::{EncryptionStatus, EncryptionStep, MasterKey, MasterKeyError};
pub use options::{Clock, Limits, Options};
pub use store::SqliteStorage;
pub use verify::{LostMessage, Parse, Progress, Repair, Verification, VerifyOptions, Watcher};
