//! How long the disk takes to make something durable: the limit that no mail server passes alone.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How long is measured.
const LASTING: Duration = Duration::from_secs(2);
/// Octets of each append.
const APPEND_OCTETS: usize = 4096;

/// Appends of 4 KB, each followed by fdatasync.
#[derive(Clone, Copy, Debug)]
pub struct SyncLatency {
    /// Appends in a second.
    pub per_second: f64,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
}

/// Measures it on the disk of `directory`.
pub fn sync_latency(directory: &Path) -> Result<SyncLatency> {
    let path = directory.join("sync-latency");
    let mut file = File::create(&path)?;
    let octets = [b'x'; APPEND_OCTETS];
    let mut times = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < LASTING {
        let begin = Instant::now();
        file.write_all(&octets)?;
        file.sync_data()?;
        times.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    let per_second = times.len() as f64 / begin.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    Ok(SyncLatency { per_second, p50_ms: at(50), p99_ms: at(99) })
}
