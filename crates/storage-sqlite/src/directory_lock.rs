//! The data directory: made for its owner only, and used by one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use posthouse_storage::StorageError;

use crate::disk::FILE_MODE;
use crate::fault;

const DIRECTORY_MODE: u32 = 0o700;
const LOCK_FILE: &str = "lock";
/// How long the lock may still be held by a process that is just ending, or was just about to run another program.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long to wait between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(10);
/// Most octets of the lock file that are read; it holds a process number.
const LOCK_TEXT_BYTES: u64 = 32;

/// Holds the data directory for this process until dropped. The system frees it when the process ends, however.
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Makes `path` if need be, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, StorageError> {
        private_directory(path)?;
        let lock_path = path.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(&lock_path)
            .map_err(|error| fault::io("open", &lock_path, &error))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(StorageError::Locked(holder(path, &mut file))),
                Err(TryLockError::Error(error)) => return Err(fault::io("lock", &lock_path, &error)),
            }
        }
        // The number only serves the message of the next process, so a disk too full for it does no harm.
        if file.set_len(0).is_ok() {
            let _ = write!(file, "{}", std::process::id());
        }
        Ok(Self { _file: file })
    }
}

fn holder(path: &Path, file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(LOCK_TEXT_BYTES).read_to_string(&mut text));
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(pid)) => format!("{} is held by process {pid}", path.display()),
        _ => format!("{} is held", path.display()),
    }
}

/// Makes `path` a directory for its owner only, and its entry durable.
pub(crate) fn private_directory(path: &Path) -> Result<(), StorageError> {
    let is_missing = |one: &&Path| !one.as_os_str().is_empty() && !one.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)
        .map_err(|error| fault::io("make the directory", path, &error))?;
    for parent in missing.iter().filter_map(|one| one.parent()) {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let synced = File::open(parent).and_then(|directory| directory.sync_all());
        synced.map_err(|error| fault::io("sync", parent, &error))?;
    }
    let mode = fs::metadata(path).map_err(|error| fault::io("look at", path, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(DIRECTORY_MODE))
            .map_err(|error| fault::io("make private", path, &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_taken_once_and_freed() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let lock = DirectoryLock::take(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, DIRECTORY_MODE);
        let Err(StorageError::Locked(text)) = DirectoryLock::take(&path) else { panic!("taken twice") };
        assert!(text.ends_with(&format!("is held by process {}", std::process::id())), "{text}");
        drop(lock);
        DirectoryLock::take(&path).unwrap();
    }

    #[test]
    fn a_wide_open_directory_is_narrowed() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        DirectoryLock::take(directory.path()).unwrap();
        assert_eq!(fs::metadata(directory.path()).unwrap().permissions().mode() & 0o777, DIRECTORY_MODE);
    }

    #[test]
    fn a_path_that_cannot_be_a_directory_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("file");
        fs::write(&path, "x").unwrap();
        let Err(StorageError::Unavailable(text)) = DirectoryLock::take(&path.join("data")) else { panic!("taken") };
        assert!(text.contains("file/data"), "{text}");
    }
}
