//! Housekeeping beside the writer: the write-ahead log, deleted mailboxes, dead bodies, waiting trail events.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use posthouse_storage::StorageError;
use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::encryption::Keys;
use crate::options::Limits;
use crate::writer::{Compaction, Conversion, Request, WriterShared, request};

/// How long upkeep lets the writer go on between two looks.
const TICK: Duration = Duration::from_millis(100);
/// How long it is waited until bodies may be moved: longer than a check of the store reads one lot of small ones.
const MOVING_WAIT: Duration = Duration::from_millis(250);
/// How long a log that is not long may wait to be moved.
const LEISURE: Duration = Duration::from_secs(10);
/// How often compaction looks for something to do when nothing was deleted.
const COMPACTION_PAUSE: Duration = Duration::from_secs(5);
/// Pages of 4 KB that a finishing checkpoint of the writer may have left to move.
const ALMOST_DONE_PAGES: i64 = 512;

/// How far bodies have come that follow a new data key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Converted {
    /// There is more to do.
    InPart,
    /// All that can.
    AsFarAsPossible,
}

/// What upkeep works with.
pub(crate) struct Upkeep {
    pub(crate) connection: Connection,
    pub(crate) shared: Arc<WriterShared>,
    pub(crate) writer: mpsc::WeakSender<Request>,
    pub(crate) limits: Limits,
    pub(crate) keys: Arc<Keys>,
}

impl Upkeep {
    /// Works until `stopped` says so.
    pub(crate) fn run(self, stopped: &dyn Fn() -> bool) {
        let mut damaged = Vec::new();
        let mut log_moved = Instant::now();
        let mut compacted: Option<Instant> = None;
        let mut seen = u64::MAX;
        // The data key that some bodies cannot follow because they are damaged.
        let mut stuck = None;
        while !stopped() {
            {
                let mut commits = self.shared.commits.lock();
                if !stopped() && *commits == seen && self.shared.trail.is_empty() {
                    self.shared.committed.wait_for(&mut commits, LEISURE);
                }
                seen = *commits;
            }
            if stopped() {
                break;
            }
            thread::park_timeout(TICK);
            if !self.shared.trail.is_empty() {
                self.ask(|_| Ok(()));
            }
            if !self.keys.load().is_settled() && stuck != Some(self.keys.load().target()) {
                match self.convert(stopped) {
                    Converted::InPart => seen = u64::MAX,
                    Converted::AsFarAsPossible => stuck = Some(self.keys.load().target()),
                }
            }
            if self.move_log(log_moved.elapsed() >= LEISURE) {
                log_moved = Instant::now();
            }
            if compacted.is_none_or(|last| last.elapsed() >= COMPACTION_PAUSE) {
                self.reap_and_compact(&mut damaged, stopped);
                compacted = Some(Instant::now());
            }
        }
    }

    /// Has bodies follow a new data key for as long as upkeep rests afterwards, so that half of the writer's time is
    /// left to others.
    fn convert(&self, stopped: &dyn Fn() -> bool) -> Converted {
        // Whoever checks the whole store wants its files to stay where they are.
        let Some(_moving) = self.shared.files_stay.try_write_for(MOVING_WAIT) else { return Converted::InPart };
        let (begun, bytes) = (Instant::now(), self.limits.conversion_step_bytes);
        while !stopped() && begun.elapsed() < TICK {
            match self.ask(move |work| work.convert(bytes)) {
                Some(Ok(Conversion::Moved)) => {}
                Some(Ok(Conversion::Scrub)) => {
                    self.shared.scrub.store(true, Ordering::Relaxed);
                    self.ask(|_| Ok(()));
                    return Converted::InPart;
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "encryption is put off");
                    return Converted::InPart;
                }
                Some(Ok(Conversion::Idle)) | None => return Converted::AsFarAsPossible,
            }
        }
        Converted::InPart
    }

    /// Moves the write-ahead log into the database if it is long, or if there is `leisure`.
    fn move_log(&self, leisure: bool) -> bool {
        let Some((log, moved)) = self.checkpoint("NOOP") else { return false };
        let waiting = log - moved;
        if waiting == 0 || (waiting < self.limits.checkpoint_pages as i64 && !leisure) {
            // All is moved, but the log only begins anew when a commit finds it so.
            if log >= self.limits.log_pages as i64 && waiting < ALMOST_DONE_PAGES {
                self.shared.log_too_long.store(true, Ordering::Relaxed);
            }
            return false;
        }
        let Some((log, _)) = self.checkpoint("PASSIVE") else { return false };
        if log >= self.limits.log_pages as i64 {
            self.shared.log_too_long.store(true, Ordering::Relaxed);
        }
        true
    }

    /// Pages in the log, and how many of them have been moved.
    fn checkpoint(&self, mode: &str) -> Option<(i64, i64)> {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        match self.connection.query_row(&sql, (), |row| Ok((row.get(1)?, row.get(2)?))) {
            Ok(pages) => Some(pages),
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log could not be moved into the database");
                None
            }
        }
    }

    fn reap_and_compact(&self, damaged: &mut Vec<u32>, stopped: &dyn Fn() -> bool) {
        // Whoever checks the whole store wants its files to stay where they are.
        let Some(_moving) = self.shared.files_stay.try_write_for(MOVING_WAIT) else { return };
        let messages = self.limits.reaping_step_messages;
        while !stopped() && matches!(self.ask(move |work| work.reap(messages)), Some(Ok(true))) {}
        let blocks = self.limits.reaping_step_blocks;
        while !stopped() && matches!(self.ask(move |work| work.reap_segments(blocks)), Some(Ok(true))) {}
        let bytes = self.limits.compaction_step_bytes;
        while !stopped() {
            let passed_over = damaged.clone();
            match self.ask(move |work| work.compact(bytes, &passed_over)) {
                Some(Ok(Compaction::Moved)) => {}
                Some(Err(StorageError::Corrupt(text))) => {
                    tracing::error!(text, "a segment is damaged, and is not compacted");
                    let passed_over = damaged.clone();
                    match self.ask(move |work| work.compaction_candidate(&passed_over)) {
                        Some(Ok(Some(segment))) => damaged.push(segment),
                        _ => break,
                    }
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "compaction is put off");
                    break;
                }
                Some(Ok(Compaction::Idle)) | None => break,
            }
        }
    }

    /// Has the writer do something. `None` when it is closed.
    fn ask<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut crate::writer::Work<'_>) -> Result<T, crate::fault::Fault> + Send + 'static,
    ) -> Option<Result<T, StorageError>> {
        let (request, reply) = request(Vec::new(), run);
        self.writer.upgrade()?.blocking_send(request).ok()?;
        reply.blocking_recv().ok()
    }
}
