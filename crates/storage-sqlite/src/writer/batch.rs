//! Group commit.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};
use posthouse_storage::{Body, CommitObserver, StorageError};
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::bodies::shared_body;
use super::leases::Leases;
use super::modseqs::ModSeqs;
use super::numbers::Numbers;
use super::request::{Job, Request, request};
use super::sending_ledger::SendingLedger;
use super::trail::WaitingTrail;
use super::usage::{Ledger, UsageBoard};
use super::work::{Effects, Work};
use crate::disk::Disk;
use crate::fault::{self, Fault};
use crate::options::{Clock, Limits};
use crate::segment::{self, AppendError, Appended, Appender, SegmentFiles};

/// What the writer shares with the rest of the store.
pub(crate) struct WriterShared {
    /// Who is told of commits.
    pub(crate) observers: RwLock<Vec<Arc<dyn CommitObserver>>>,
    /// Trail events that wait for a commit.
    pub(crate) trail: WaitingTrail,
    /// Number of commits so far; upkeep waits on it.
    pub(crate) commits: Mutex<u64>,
    /// Woken by each commit.
    pub(crate) committed: Condvar,
    /// Set by upkeep when the write-ahead log is too long, so that the writer pauses to finish moving it.
    pub(crate) log_too_long: AtomicBool,
    /// Set by upkeep when the free room of the index is to be emptied; the writer does it between two batches.
    pub(crate) scrub: AtomicBool,
    /// Whether what is expunged is kept to be put back.
    pub(crate) keep_expunged: AtomicBool,
    /// Held for writing while bodies are moved between segments, for reading by whoever needs them to stay.
    pub(crate) files_stay: RwLock<()>,
    /// What accounts use, as of the last commit, of those that got or lost mail of late.
    pub(crate) usage: UsageBoard,
}

impl WriterShared {
    /// Lets upkeep look for something to do.
    pub(crate) fn wake_upkeep(&self) {
        // Upkeep looks and begins to wait under this lock, so what was done before is seen or wakes it.
        let _looking = self.commits.lock();
        self.committed.notify_all();
    }
}

/// What a [`Writer`] is made of.
pub(crate) struct Setting {
    pub(crate) connection: Connection,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) appender: Appender,
    pub(crate) numbers: Numbers,
    pub(crate) files: Arc<SegmentFiles>,
    pub(crate) shared: Arc<WriterShared>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) quota_warning_percent: Option<u8>,
}

/// The writer, on its thread.
pub(crate) struct Writer {
    setting: Setting,
    leases: Leases,
    modseqs: ModSeqs,
    ledger: Ledger,
    sending: SendingLedger,
    /// Whether anybody's duplicates are suppressed, once it is known. May be true when it is so no more.
    suppresses: Option<bool>,
}

/// A request with how it fares.
struct Entry {
    bodies: Vec<Body>,
    job: Box<dyn Job>,
    outcome: Result<(), StorageError>,
}

/// A batch that failed as a whole.
struct Failed {
    error: StorageError,
    /// Whether it did so before any of its requests was applied.
    before_apply: bool,
}

impl Writer {
    pub(crate) fn new(setting: Setting) -> Self {
        Self {
            setting,
            leases: Leases::default(),
            modseqs: ModSeqs::default(),
            ledger: Ledger::default(),
            sending: SendingLedger::default(),
            suppresses: None,
        }
    }

    /// The number of leases, for readers.
    pub(crate) fn lease_count(&self) -> Arc<AtomicU64> {
        self.leases.count()
    }

    /// Serves until all senders are gone.
    pub(crate) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            let mut bytes = body_bytes(&first);
            let mut batch = vec![entry(first)];
            while batch.len() < self.setting.limits.batch_requests && bytes < self.setting.limits.batch_bytes {
                let Ok(next) = requests.try_recv() else { break };
                bytes += body_bytes(&next);
                batch.push(entry(next));
            }
            self.serve(batch);
            if self.setting.shared.log_too_long.swap(false, Ordering::Relaxed) {
                self.finish_checkpoint();
            }
            if self.setting.shared.scrub.swap(false, Ordering::Relaxed) {
                self.scrub();
            }
        }
        self.serve(Vec::new());
        match self.setting.appender.seal() {
            Ok(()) => self.remove_copies(),
            Err(error) => tracing::warn!(%error, "the last segment could not be cut; the next start does it"),
        }
    }

    /// Takes the copies of what segments have by now out of the index.
    fn remove_copies(&self) {
        if let Err(error) = segment::remove_copies(&self.setting.connection) {
            tracing::warn!(%error, "copies of messages are left in the index; the next start removes them");
        }
    }

    fn serve(&mut self, mut batch: Vec<Entry>) {
        match self.commit(&mut batch) {
            Ok(()) => answer(batch),
            // A large message must not keep small ones out of what room is left.
            Err(failed) if failed.before_apply && batch.len() > 1 && matches!(failed.error, StorageError::Full) => {
                for mut one in batch {
                    one.outcome = Ok(());
                    self.serve(vec![one]);
                }
            }
            Err(failed) => {
                for entry in &mut batch {
                    entry.outcome = Err(fault::repeat(&failed.error));
                }
                answer(batch);
            }
        }
    }

    /// Commits what of a batch can be, and notes in each entry how it fared.
    fn commit(&mut self, batch: &mut [Entry]) -> Result<(), Failed> {
        let waiting = self.setting.shared.trail.take();
        if batch.is_empty() && waiting.is_empty() {
            return Ok(());
        }
        let begun = self.begin(batch);
        let appended = begun.map_err(|error| {
            self.setting.appender.abandon();
            self.roll_back();
            Failed { error, before_apply: true }
        });
        let appended = match appended {
            Ok(appended) => appended,
            Err(failed) => {
                self.setting.shared.trail.put_back(waiting);
                return Err(failed);
            }
        };
        let setting = &mut self.setting;
        let mut work = Work {
            connection: &setting.connection,
            numbers: &mut setting.numbers,
            modseqs: &mut self.modseqs,
            leases: &mut self.leases,
            ledger: &mut self.ledger,
            sending: &mut self.sending,
            suppresses: &mut self.suppresses,
            appender: &mut setting.appender,
            files: &setting.files,
            keys: setting.files.keys(),
            appended: &appended,
            keep_expunged: &setting.shared.keep_expunged,
            now: (setting.clock)(),
            effects: Effects::default(),
            tally: Default::default(),
            quota_warning_percent: setting.quota_warning_percent,
            trail_is_observed: setting.shared.trail.is_observed(),
        };
        let commit = apply_all(&mut work, batch, &waiting)
            .and_then(|()| work.finish())
            .and_then(|()| setting.disk.before_commit().map_err(|error| commit_failed(&error)))
            .and_then(|()| Ok(setting.connection.prepare_cached("COMMIT")?.execute(()).map(drop)?));
        let mut effects = mem::take(&mut work.effects);
        if let Err(Fault(error)) = commit {
            self.leases.rewind(0);
            self.modseqs.taken_back();
            self.modseqs.settle();
            self.ledger.forget();
            self.sending = SendingLedger::default();
            self.roll_back();
            self.setting.appender.not_recorded();
            self.setting.shared.trail.put_back(waiting);
            return Err(Failed { error, before_apply: false });
        }
        self.leases.settle();
        self.modseqs.settle();
        self.ledger.committed(&self.setting.shared.usage);
        self.sending.committed();
        self.setting.appender.recorded();
        self.setting.numbers.committed();
        if let Some(keys) = effects.keys.take() {
            self.setting.files.keys().publish(keys.ring, keys.masters);
        }
        self.after_commit(&effects);
        Ok(())
    }

    /// Opens the transaction and appends all new bodies, so that they are durable with the commit at the latest.
    fn begin(&mut self, batch: &mut [Entry]) -> Result<Appended, StorageError> {
        let setting = &mut self.setting;
        let begin = || setting.connection.prepare_cached("BEGIN IMMEDIATE")?.execute(());
        begin().map_err(fault::sql)?;
        let mut appended = Appended::new();
        for entry in batch.iter_mut() {
            for body in &entry.bodies {
                let is_there = || shared_body(&setting.connection, setting.files.keys(), body);
                if appended.contains_key(&body.id) || is_there().map_err(|Fault(error)| error)?.is_some() {
                    continue;
                }
                match setting.appender.append(body) {
                    Ok(location) => drop(appended.insert(body.id, location)),
                    Err(AppendError::Segment(error)) => return Err(error),
                    Err(AppendError::Body(error)) => {
                        entry.outcome = Err(error);
                        break;
                    }
                }
            }
        }
        setting.appender.settle()?;
        Ok(appended)
    }

    fn roll_back(&self) {
        if !self.setting.connection.is_autocommit()
            && let Err(error) = self.setting.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a failed batch could not be rolled back");
        }
    }

    fn after_commit(&self, effects: &Effects) {
        let shared = &self.setting.shared;
        for observer in shared.observers.read().iter() {
            if !effects.changes.is_empty() {
                observer.committed(&effects.changes);
            }
            if !effects.queue.is_empty() {
                observer.queue_changed(&effects.queue);
            }
            if !effects.annotations.is_empty() {
                observer.annotated(&effects.annotations);
            }
            if effects.directory_changed {
                observer.directory_changed();
            }
            if !effects.rights.is_empty() {
                observer.rights_changed(&effects.rights);
            }
            if !effects.nearly_full.is_empty() {
                observer.nearly_full(&effects.nearly_full);
            }
        }
        shared.trail.tell(&effects.trail);
        for account in &effects.nearly_full {
            let percent = self.setting.quota_warning_percent;
            tracing::warn!(account = account.0, percent, "an account has nearly all the mail that its quota allows");
        }
        for &number in &effects.emptied {
            let path = segment::path(self.setting.files.directory(), number);
            self.setting.files.forget(number);
            if let Err(error) = self.setting.disk.remove(&path) {
                tracing::warn!(%error, segment = number, "a compacted segment could not be removed; the next start will");
            }
        }
        *shared.commits.lock() += 1;
        shared.committed.notify_all();
    }

    /// Writes the index anew and empties the write-ahead log, so that nothing of what was deleted is left in either.
    /// Should it fail, upkeep asks again.
    #[allow(clippy::redundant_closure_for_method_calls, reason = "the method is for one lifetime of Work only")]
    fn scrub(&mut self) {
        if let Err(error) = self.setting.appender.sync() {
            return tracing::warn!(%error, "copies of messages cannot be taken out of the index now");
        }
        self.remove_copies();
        let connection = &self.setting.connection;
        // The copy that is made on the way may be large; what is in it is encrypted by now.
        let rewritten = connection
            .execute_batch("PRAGMA temp_store = file; VACUUM; PRAGMA temp_store = memory;")
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get::<_, bool>(0)));
        match rewritten {
            Ok(false) => {}
            Ok(true) => return tracing::info!("the index is being read; its free room is emptied later"),
            Err(error) => return tracing::warn!(%error, "the free room of the index cannot be emptied now"),
        }
        let (settle, answer) = request(Vec::new(), |work| work.scrubbed());
        self.serve(vec![entry(settle)]);
        if let Ok(Err(error)) = answer.blocking_recv() {
            tracing::warn!(%error, "that the index was emptied could not be noted");
        }
    }

    /// Moves the last of the write-ahead log into the database, so that the next commit starts it anew. Upkeep has
    /// moved nearly all of it before.
    fn finish_checkpoint(&self) {
        if let Err(error) = self.setting.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(())) {
            tracing::warn!(%error, "the write-ahead log could not be moved into the database");
        }
    }
}

/// Applies each request so that one that fails leaves nothing behind. An error is one of the batch as a whole.
fn apply_all(work: &mut Work<'_>, batch: &mut [Entry], waiting: &[posthouse_model::TrailEvent]) -> Result<(), Fault> {
    if !waiting.is_empty()
        && let Err(Fault(error)) = undoable(work, Undo::Savepoint, |work| work.write_trail(waiting))?
    {
        tracing::error!(%error, events = waiting.len(), "trail events could not be written");
    }
    let undo = if batch.len() == 1 && waiting.is_empty() { Undo::Transaction } else { Undo::Savepoint };
    for entry in batch {
        if entry.outcome.is_ok() {
            let job = &mut entry.job;
            entry.outcome = undoable(work, undo, |work| job.apply(work))?.map_err(|Fault(error)| error);
        }
    }
    Ok(())
}

/// What is taken back when a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Undo {
    /// A savepoint of its own. SQLite keeps each page aside that is changed after it.
    Savepoint,
    /// The transaction, of which it has been the first to change something; another takes its place.
    Transaction,
}

/// The outer result tells whether the transaction still stands, the inner one whether the request did.
fn undoable(
    work: &mut Work<'_>,
    undo: Undo,
    run: impl FnOnce(&mut Work<'_>) -> Result<(), Fault>,
) -> Result<Result<(), Fault>, Fault> {
    if undo == Undo::Savepoint {
        work.connection.prepare_cached("SAVEPOINT request")?.execute(())?;
    }
    let mark = work.mark();
    work.begin_tally();
    work.sending.begin();
    let outcome = run(work).and_then(|()| work.settle_tally());
    if let Err(fault) = outcome {
        // SQLite itself rolls all back after some errors of the disk.
        if work.connection.is_autocommit() {
            return Err(fault);
        }
        work.rewind(&mark);
        let statements = match undo {
            Undo::Savepoint => ["ROLLBACK TO request", "RELEASE request"],
            Undo::Transaction => ["ROLLBACK", "BEGIN IMMEDIATE"],
        };
        for statement in statements {
            work.connection.prepare_cached(statement)?.execute(())?;
        }
        return Ok(Err(fault));
    }
    if undo == Undo::Savepoint {
        work.connection.prepare_cached("RELEASE request")?.execute(())?;
    }
    Ok(Ok(()))
}

fn commit_failed(error: &std::io::Error) -> Fault {
    match error.kind() {
        std::io::ErrorKind::StorageFull => StorageError::Full.into(),
        _ => StorageError::Unavailable(format!("cannot commit: {error}")).into(),
    }
}

fn entry(request: Request) -> Entry {
    Entry { bodies: request.bodies, job: request.job, outcome: Ok(()) }
}

fn answer(batch: Vec<Entry>) {
    for entry in batch {
        entry.job.answer(entry.outcome);
    }
}

fn body_bytes(request: &Request) -> u64 {
    request.bodies.iter().map(|body| body.size_bytes).sum()
}
