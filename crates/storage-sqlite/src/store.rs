//! Opening and closing.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use parking_lot::{Condvar, Mutex, RwLock};
use posthouse_storage::{Body, StorageError};
use rusqlite::{Connection, params};
use tokio::sync::mpsc;

use crate::directory_lock::{DirectoryLock, private_directory};
use crate::disk::{Disk, RealDisk};
use crate::encryption::Keys;
use crate::fault::{self, Fault};
use crate::log_reserve;
use crate::options::Options;
use crate::reader::{Reader, ReaderPool};
use crate::schema;
use crate::segment::{self, Appender, SegmentFiles};
use crate::terms::{DOOMED, WRITING};
use crate::upkeep::Upkeep;
use crate::verify::{self, Verification, VerifyOptions};
use crate::writer::{Numbers, Request, Setting, UsageBoard, WaitingTrail, Work, Writer, WriterShared, request};

pub(crate) const INDEX_FILE: &str = "index.db";
pub(crate) const BODIES_DIRECTORY: &str = "bodies";

/// The embedded store, open. Dropping it closes it, waiting for what is under way; [`Self::close`] does so without
/// blocking.
pub struct SqliteStorage {
    writer: Mutex<Option<mpsc::Sender<Request>>>,
    pub(crate) readers: ReaderPool,
    pub(crate) shared: Arc<WriterShared>,
    pub(crate) lease_count: Arc<AtomicU64>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stopped: Arc<AtomicBool>,
    pub(crate) index: PathBuf,
    pub(crate) files: Arc<SegmentFiles>,
    lock: Mutex<Option<DirectoryLock>>,
}

impl SqliteStorage {
    /// Opens the store in `directory`, making both if need be, and takes it for this process.
    ///
    /// Fails with [`StorageError::Locked`] when another process has it, [`StorageError::NewerSchema`] when a newer
    /// release wrote it, [`StorageError::Corrupt`] when the index is damaged, and [`StorageError::Unavailable`],
    /// naming the path, when the directory cannot be used.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Arc<Self>, StorageError> {
        Self::open_on(directory.as_ref(), options, Arc::new(RealDisk))
    }

    /// Opens the store with its segments on `disk`.
    pub(crate) fn open_on(directory: &Path, options: Options, disk: Arc<dyn Disk>) -> Result<Arc<Self>, StorageError> {
        let lock = DirectoryLock::take(directory)?;
        let bodies = directory.join(BODIES_DIRECTORY);
        private_directory(&bodies)?;
        let index = directory.join(INDEX_FILE);
        let connection = schema::open_writer(&index)?;
        disk.sync_directory(directory).map_err(|error| fault::io("sync", directory, &error))?;
        log_reserve::reserve(&index, options.limits.log_reserve_pages)?;
        give_up_unfinished(&connection)?;
        let keys = Arc::new(Keys::open(&connection, options.master_key)?);
        segment::put_back(&connection, &bodies, &*disk)?;
        let growing = recover_segments(&connection, &bodies, &*disk)?;
        let numbers = Numbers::load(&connection)?;
        let limits = options.limits;
        let appender =
            Appender::new(Arc::clone(&disk), &bodies, &limits, numbers.next_segment(), growing, Arc::clone(&keys));
        let files = Arc::new(SegmentFiles::new(&bodies, limits.open_segments, Arc::clone(&keys)));
        let shared = Arc::new(WriterShared {
            observers: RwLock::default(),
            trail: WaitingTrail::new(limits.waiting_trail_events),
            commits: Mutex::default(),
            committed: Condvar::new(),
            log_too_long: AtomicBool::new(false),
            scrub: AtomicBool::new(false),
            keep_expunged: AtomicBool::new(false),
            files_stay: RwLock::default(),
            usage: UsageBoard::default(),
        });
        let connections = (0..limits.reader_threads.max(1)).map(|_| schema::open_reader(&index));
        let readers = ReaderPool::start(connections.collect::<Result<_, _>>()?, &files, limits.waiting_reads)?;
        let (sender, requests) = mpsc::channel(limits.waiting_writes.max(1));
        let upkeep = Upkeep {
            connection: schema::open_checkpointer(&index)?,
            shared: Arc::clone(&shared),
            writer: sender.downgrade(),
            limits,
            keys: Arc::clone(&keys),
        };
        let writer = Writer::new(Setting {
            connection,
            disk,
            appender,
            numbers,
            files: Arc::clone(&files),
            shared: Arc::clone(&shared),
            clock: options.clock,
            limits,
            quota_warning_percent: options.quota_warning_percent,
        });
        let lease_count = writer.lease_count();
        let stopped = Arc::new(AtomicBool::new(false));
        let stop_seen = Arc::clone(&stopped);
        let threads = vec![
            spawn("store-upkeep", move || upkeep.run(&|| stop_seen.load(Ordering::Relaxed)))?,
            spawn("store-writer", move || writer.run(requests))?,
        ];
        Ok(Arc::new(Self {
            writer: Mutex::new(Some(sender)),
            readers,
            shared,
            lease_count,
            threads: Mutex::new(threads),
            stopped,
            index,
            files,
            lock: Mutex::new(Some(lock)),
        }))
    }

    /// Closes the store: what has been asked is still done, what is asked afterwards fails with
    /// [`StorageError::Closed`].
    pub async fn close(self: &Arc<Self>) {
        let store = Arc::clone(self);
        if tokio::task::spawn_blocking(move || store.end()).await.is_err() {
            tracing::error!("closing the store panicked");
        }
    }

    /// Checks that counters, references, places and hashes agree with each other. Reads every body.
    pub async fn verify(&self) -> Result<Verification, StorageError> {
        self.verify_with(VerifyOptions::default()).await
    }

    /// Checks as [`Self::verify`] does, and also what `options` ask for.
    pub async fn verify_with(&self, options: VerifyOptions) -> Result<Verification, StorageError> {
        let (index, files, shared) = (self.index.clone(), Arc::clone(&self.files), Arc::clone(&self.shared));
        let verify = move || {
            verify::verify(&schema::open_reader(&index)?, &files, &shared.files_stay, &options)
                .map_err(StorageError::from)
        };
        tokio::task::spawn_blocking(verify).await.map_err(|_| StorageError::Closed)?
    }

    /// Has the writer do `run`, after `bodies` have been put into a segment, in one commit. Once the request is in
    /// the writer's hands it is carried out, even if nobody awaits the answer any more.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        bodies: Vec<Body>,
        run: impl FnOnce(&mut Work<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StorageError> {
        let writer = self.writer.lock().clone().ok_or(StorageError::Closed)?;
        let (request, reply) = request(bodies, run);
        writer.send(request).await.map_err(|_| StorageError::Closed)?;
        drop(writer);
        reply.await.map_err(|_| StorageError::Closed)?
    }

    /// Has a reader answer a question.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Reader) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StorageError> {
        self.readers.ask(question).await
    }

    /// What it takes to merge segments of the index of words: where the database is, and the way to the writer.
    pub(crate) fn for_merging(&self) -> Result<(PathBuf, mpsc::Sender<Request>), StorageError> {
        let writer = self.writer.lock().clone().ok_or(StorageError::Closed)?;
        Ok((self.index.clone(), writer))
    }

    fn end(&self) {
        drop(self.writer.lock().take());
        self.stopped.store(true, Ordering::Relaxed);
        let mut threads = self.threads.lock();
        for thread in threads.drain(..) {
            self.shared.wake_upkeep();
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
        self.readers.close();
        if let Some(lock) = self.lock.lock().take() {
            if let Err(error) = truncate_log(&self.index) {
                tracing::warn!(%error, "the write-ahead log could not be emptied; the next start does it");
            }
            drop(lock);
        }
    }
}

impl Drop for SqliteStorage {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for SqliteStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStorage").field("index", &self.index).finish_non_exhaustive()
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StorageError> {
    let cannot = |error| StorageError::Unavailable(format!("cannot start a thread: {error}"));
    thread::Builder::new().name(name.into()).spawn(run).map_err(cannot)
}

fn truncate_log(index: &Path) -> Result<(), StorageError> {
    let connection = schema::open_checkpointer(index)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).map_err(fault::sql)
}

/// Segments of the index of words that a crash left unfinished are to be taken out.
fn give_up_unfinished(connection: &Connection) -> Result<(), StorageError> {
    let sql = "UPDATE search_segment SET state = ?2 WHERE state = ?1 AND state <> 1";
    connection.execute(sql, params![WRITING, DOOMED]).map(drop).map_err(fault::sql)
}

/// Cuts what lies beyond the last commit, removes segments that were never committed, and says which segment goes
/// on growing and where it ends.
fn recover_segments(
    connection: &Connection,
    directory: &Path,
    disk: &dyn Disk,
) -> Result<Option<(u32, u64)>, StorageError> {
    let (known, growing) = known_segments(connection)?;
    let unlisted = |error| fault::io("list", directory, &error);
    for entry in fs::read_dir(directory).map_err(unlisted)? {
        let path = entry.map_err(unlisted)?.path();
        let Some(number) = path.file_name().and_then(|name| segment::number(name.to_str()?)) else { continue };
        if !known.contains_key(&number) {
            tracing::info!(segment = number, "a segment that no commit refers to is removed");
            disk.remove(&path).map_err(|error| fault::io("remove", &path, &error))?;
        }
    }
    for (&number, &committed_bytes) in &known {
        let path = segment::path(directory, number);
        let file_bytes = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "a segment cannot be found; its messages are lost");
                continue;
            }
        };
        if file_bytes < committed_bytes {
            tracing::error!(path = %path.display(), file_bytes, committed_bytes, "a segment is too short");
        } else if file_bytes > committed_bytes {
            let cut = || disk.open(&path)?.set_len(committed_bytes);
            cut().map_err(|error| fault::io("cut the torn tail of", &path, &error))?;
            tracing::info!(segment = number, bytes = file_bytes - committed_bytes, "a torn tail is cut");
        }
    }
    Ok(growing)
}

/// Segments and their committed lengths, and the one that is not sealed.
type Known = (BTreeMap<u32, u64>, Option<(u32, u64)>);

fn known_segments(connection: &Connection) -> Result<Known, StorageError> {
    let read = || {
        let mut statement = connection.prepare("SELECT number, size_bytes, sealed FROM segment ORDER BY number")?;
        let mut rows = statement.query(())?;
        let (mut known, mut growing) = (BTreeMap::new(), None);
        while let Some(row) = rows.next()? {
            let (number, size_bytes) = (row.get(0)?, row.get::<_, i64>(1)? as u64);
            known.insert(number, size_bytes);
            if !row.get::<_, bool>(2)? {
                growing = Some((number, size_bytes));
            }
        }
        Ok((known, growing))
    };
    read().map_err(fault::sql)
}
