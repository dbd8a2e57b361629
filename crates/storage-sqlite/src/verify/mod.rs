//! Checking that what is stored agrees with itself, and mending what can be worked out from the rest.
//!
//! What has to hold is listed in [`checks::CHECKS`], one entry for each thing: how a contradiction is found, and how it
//! is mended. Whatever else is kept in the index gets its own entries there.
//!
//! Queries see the index at one moment. Bodies are read some at a time, each lot with a short transaction, so that a
//! check of hours does not keep the write-ahead log from being moved; sorting uses temporary files, so memory does not
//! grow with the store.

mod bodies;
mod checks;
mod lost;
mod mend;
mod segments;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use posthouse_model::Uid;
use posthouse_storage::{ParsedMessage, StorageError};
use rusqlite::Connection;

use crate::fault::Fault;
use crate::reader::mail::at_one_moment;
use crate::segment::SegmentFiles;
use checks::{CHECKS, Find};

pub use mend::Repair;

/// Most problems that are listed; a store with more is damaged enough.
pub const MAX_PROBLEMS: usize = 1000;
/// Most messages that are listed as lost.
pub const MAX_LOST_MESSAGES: usize = 100_000;

/// What checking a store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// What is wrong, one line each; at most [`MAX_PROBLEMS`].
    pub problems: Vec<String>,
    /// Messages whose bodies are damaged or gone; at most [`MAX_LOST_MESSAGES`].
    pub lost: Vec<LostMessage>,
    /// Mailboxes looked at.
    pub mailboxes: u64,
    /// Messages in mailboxes looked at.
    pub messages: u64,
    /// Bodies read.
    pub bodies: u64,
    /// Octets of them.
    pub body_bytes: u64,
    /// Files of segments that nothing refers to, which the next start removes.
    pub orphan_files: u64,
    /// Octets in segments that nothing refers to, which compaction is to give back.
    pub dead_bytes: u64,
}

impl Verification {
    fn problem(&mut self, text: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(text);
        }
    }
}

/// A message whose body is damaged or gone. Only a backup can bring it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostMessage {
    /// Whose, as an address; where it was waiting when it was in the queue.
    pub whose: String,
    /// In which mailbox; `None` when it was in the queue.
    pub mailbox: Option<String>,
    /// Its UID there.
    pub uid: Option<Uid>,
    /// Whether it had been expunged already and could have been put back.
    pub expunged: bool,
}

impl fmt::Display for LostMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.mailbox, self.uid) {
            (Some(mailbox), Some(uid)) => write!(f, "{}: UID {uid} of {mailbox}", self.whose)?,
            _ => write!(f, "{}: in the queue", self.whose)?,
        }
        if self.expunged { f.write_str(" (expunged)") } else { Ok(()) }
    }
}

/// How far a long piece of work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// At what.
    pub doing: &'static str,
    /// How much of it is done.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}

/// What long pieces of work are told, and how they tell of themselves.
#[derive(Clone)]
pub struct Watcher {
    /// Called now and then with how far it has come.
    pub progress: Arc<dyn Fn(Progress) + Send + Sync>,
    /// Set by whoever wants it to end soon; it then fails with [`StorageError::Closed`].
    pub stop: Arc<AtomicBool>,
}

impl Default for Watcher {
    fn default() -> Self {
        Self { progress: Arc::new(|_| {}), stop: Arc::default() }
    }
}

impl Watcher {
    pub(crate) fn at(&self, doing: &'static str, done: u64, total: u64) -> Result<(), StorageError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(StorageError::Closed);
        }
        (self.progress)(Progress { doing, done, total });
        Ok(())
    }
}

/// Works out what is stored beside a message.
pub type Parse = fn(&[u8]) -> ParsedMessage;

/// How a store is checked.
#[derive(Clone, Default)]
pub struct VerifyOptions {
    /// Works out what ought to be stored beside a message; `None` leaves that unchecked.
    pub parse: Option<Parse>,
    /// Who watches.
    pub watcher: Watcher,
}

/// A check under way.
pub(crate) struct Examination<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) files: &'a SegmentFiles,
    /// Held for reading while what was looked up is to be where it was.
    pub(crate) files_stay: &'a RwLock<()>,
    pub(crate) options: &'a VerifyOptions,
    pub(crate) found: Verification,
    /// Keys of bodies that are damaged or gone.
    pub(crate) lost_bodies: Vec<i64>,
    /// Keys of bodies of which something else ought to be stored.
    pub(crate) misparsed: Vec<i64>,
}

impl<'a> Examination<'a> {
    pub(crate) fn new(
        connection: &'a Connection,
        files: &'a SegmentFiles,
        files_stay: &'a RwLock<()>,
        options: &'a VerifyOptions,
    ) -> Self {
        let found = Verification::default();
        Self { connection, files, files_stay, options, found, lost_bodies: Vec::new(), misparsed: Vec::new() }
    }

    pub(crate) fn problem(&mut self, text: String) {
        self.found.problem(text);
    }

    pub(crate) fn count(&self, sql: &str) -> Result<u64, Fault> {
        Ok(self.connection.query_row(sql, (), |row| row.get::<_, i64>(0))? as u64)
    }

    /// Asks every query of the list, and looks at the files. Returns the places in the list that found something.
    fn look_at_index(&mut self) -> Result<Vec<usize>, Fault> {
        // Sorting millions of rows is not to take memory.
        self.connection.pragma_update(None, "temp_store", "file")?;
        let connection = self.connection;
        let _files_stay = self.files_stay.read();
        at_one_moment(connection, || {
            let mut finders = Vec::new();
            for (at, check) in CHECKS.iter().enumerate() {
                self.options.watcher.at("index", at as u64, CHECKS.len() as u64)?;
                let before = self.found.problems.len();
                match check.find {
                    Find::Query(sql) => self.ask(sql)?,
                    Find::Walk(walk) => walk(self)?,
                }
                if self.found.problems.len() > before {
                    finders.push(at);
                }
            }
            self.found.mailboxes = self.count("SELECT count(*) FROM mailbox")?;
            self.found.messages = self.count("SELECT count(*) FROM message")?;
            self.found.dead_bytes = self.count("SELECT coalesce(sum(size_bytes - live_bytes), 0) FROM segment")?;
            Ok(finders)
        })
    }

    /// Each row of the answer is a problem.
    fn ask(&mut self, sql: &str) -> Result<(), Fault> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            self.found.problem(row.get(0)?);
        }
        Ok(())
    }
}

/// Checks everything. The files stay where they are while the index is compared with them, and while the bodies of one
/// lot are read; between two lots bodies may move, and are found where they are then.
pub(crate) fn verify(
    connection: &Connection,
    files: &SegmentFiles,
    files_stay: &RwLock<()>,
    options: &VerifyOptions,
) -> Result<Verification, Fault> {
    let mut examination = Examination::new(connection, files, files_stay, options);
    examination.look_at_index()?;
    bodies::walk(&mut examination)?;
    lost::who_lost(&mut examination)?;
    Ok(examination.found)
}
