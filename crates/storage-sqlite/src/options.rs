//! How a store is opened.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use posthouse_model::UnixMillis;

use crate::encryption::MasterKey;

/// Bounds of what the store holds, does at once and lets wait. The defaults are right for a server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most requests that wait for the writer; whoever comes then waits to be let in.
    pub waiting_writes: usize,
    /// Most requests that one commit carries.
    pub batch_requests: usize,
    /// Octets of bodies after which a commit takes no further request. One larger body still goes, alone.
    pub batch_bytes: u64,
    /// Threads that read, each with its own connection.
    pub reader_threads: usize,
    /// Most requests that wait for a reader; whoever comes then waits to be let in.
    pub waiting_reads: usize,
    /// Size at which a segment file is sealed, in octets. A body larger than this makes a segment of its own size.
    pub segment_bytes: u64,
    /// Most octets of bodies of which a commit takes a copy into the index, so that it need not wait until the segment
    /// has them; 0 for never. On a disk that is quick it takes copies of fewer.
    pub copy_bytes: usize,
    /// Most segment files that are kept open for reading.
    pub open_segments: usize,
    /// Size of the write-ahead log, in pages of 4 KB, from which its content is moved into the database.
    pub checkpoint_pages: u64,
    /// Size of the write-ahead log, in pages of 4 KB, from which writing pauses until its content has been moved.
    pub log_pages: u64,
    /// Pages of 4 KB for which the write-ahead log has room from the start. More than `log_pages`, it does not grow in
    /// normal work.
    pub log_reserve_pages: u64,
    /// Most octets of live bodies that compaction moves in one commit.
    pub compaction_step_bytes: u64,
    /// Most octets of bodies that follow a new data key in one commit.
    pub conversion_step_bytes: u64,
    /// Most messages of a deleted mailbox that are taken out in one commit.
    pub reaping_step_messages: usize,
    /// Most blocks of the index of words, of 8 KB, that are taken out in one commit.
    pub reaping_step_blocks: usize,
    /// Most trail events that wait for a commit; older ones are dropped, and that is logged.
    pub waiting_trail_events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            waiting_writes: 1024,
            batch_requests: 256,
            batch_bytes: 16 * 1024 * 1024,
            reader_threads: 4,
            waiting_reads: 4096,
            segment_bytes: 256 * 1024 * 1024,
            copy_bytes: 256 * 1024,
            open_segments: 128,
            checkpoint_pages: 4_000,
            log_pages: 14_000,
            log_reserve_pages: 16_000,
            compaction_step_bytes: 4 * 1024 * 1024,
            conversion_step_bytes: 4 * 1024 * 1024,
            reaping_step_messages: 500,
            reaping_step_blocks: 128,
            waiting_trail_events: 10_000,
        }
    }
}

/// Tells what time it is.
pub type Clock = Arc<dyn Fn() -> UnixMillis + Send + Sync>;

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// Bounds.
    pub limits: Limits,
    /// Where the time of saving (SAVEDATE) and new UIDVALIDITYs come from.
    pub clock: Clock,
    /// Of what part of its quota that an account comes to use the log is to tell, in percent; `None` for never.
    pub quota_warning_percent: Option<u8>,
    /// The key that opens the store if it is encrypted, and that it may be encrypted with if it is not.
    pub master_key: Option<MasterKey>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            clock: Arc::new(system_time),
            quota_warning_percent: Some(90),
            master_key: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("limits", &self.limits).finish_non_exhaustive()
    }
}

fn system_time() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
