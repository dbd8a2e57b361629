//! A disk of which one operation fails.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::disk::{Disk, DiskFile, RealDisk};

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The device has an error.
    Device,
    /// The disk is full.
    Full,
}

impl Failure {
    fn error(self) -> io::Error {
        match self {
            Self::Device => io::Error::other("the device has an error"),
            Self::Full => io::Error::from(io::ErrorKind::StorageFull),
        }
    }
}

#[derive(Default)]
struct Plan {
    operations: u64,
    fail_at: Option<(u64, Failure)>,
    failed: Option<&'static str>,
}

/// A disk of which the n-th operation fails. A write that fails has written half; a sync that fails loses what was
/// written since the last, as Linux does.
#[derive(Clone, Default)]
pub(super) struct FaultyDisk {
    plan: Arc<Mutex<Plan>>,
}

impl FaultyDisk {
    /// Lets the `nth` operation from now on fail, counted from 1.
    pub(super) fn fail(&self, nth: u64, failure: Failure) {
        let mut plan = self.plan.lock();
        *plan = Plan { operations: 0, fail_at: Some((nth, failure)), failed: None };
    }

    /// What failed, if anything did.
    pub(super) fn failed(&self) -> Option<&'static str> {
        self.plan.lock().failed
    }

    fn step(&self, operation: &'static str) -> io::Result<()> {
        let mut plan = self.plan.lock();
        plan.operations += 1;
        match plan.fail_at {
            Some((nth, failure)) if nth == plan.operations => {
                plan.failed = Some(operation);
                Err(failure.error())
            }
            _ => Ok(()),
        }
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    /// What was written since the last sync.
    unsynced: Mutex<Vec<(u64, usize)>>,
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.step("create")?;
        let file = RealDisk.create(path)?;
        Ok(Arc::new(FaultyFile { disk: self.clone(), path: path.to_owned(), file, unsynced: Mutex::default() }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.step("open")?;
        let file = RealDisk.open(path)?;
        Ok(Arc::new(FaultyFile { disk: self.clone(), path: path.to_owned(), file, unsynced: Mutex::default() }))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.step("sync directory")?;
        RealDisk.sync_directory(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step("remove")?;
        RealDisk.remove(path)
    }

    fn before_commit(&self) -> io::Result<()> {
        self.step("commit")
    }
}

impl DiskFile for FaultyFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.unsynced.lock().push((offset, bytes.len()));
        if let Err(error) = self.disk.step("write") {
            self.file.write_all_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(error);
        }
        self.file.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        let unsynced = std::mem::take(&mut *self.unsynced.lock());
        if let Err(error) = self.disk.step("sync") {
            let file = OpenOptions::new().write(true).open(&self.path)?;
            for (offset, count) in unsynced {
                FileExt::write_all_at(&file, &vec![0xee; count], offset)?;
            }
            return Err(error);
        }
        self.file.sync_data()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.disk.step("set length")?;
        self.file.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}
