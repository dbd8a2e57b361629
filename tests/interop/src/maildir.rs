//! Maildirs that other servers deliver to.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long a message may take to arrive.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a Maildir is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Waits for the first message in a Maildir that contains `needle`, and returns it. `log` is what its server has to say
/// when none comes.
///
/// # Errors
/// When none comes in time.
pub fn message_with(needle: &str, maildir: &Path, log: impl Fn() -> String) -> Result<String> {
    let begin = Instant::now();
    let new = maildir.join("new");
    loop {
        if new.is_dir() {
            for entry in fs::read_dir(&new)? {
                let text = String::from_utf8_lossy(&fs::read(entry?.path())?).into_owned();
                if text.contains(needle) {
                    return Ok(text);
                }
            }
        }
        if begin.elapsed() > ARRIVAL_TIMEOUT {
            bail!("nothing with {needle:?} came to {}:\n{}", maildir.display(), log());
        }
        std::thread::sleep(POLL);
    }
}
