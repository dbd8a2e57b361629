//! Messages while they come in: in memory while there is room, else in a file.

mod sealed_file;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use posthouse_storage::BodyContent;
use tempfile::{NamedTempFile, TempPath};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use sealed_file::{SealedFile, SealedText};

/// How much memory messages in flight may use.
#[derive(Clone, Debug)]
pub struct SpoolLimits {
    /// Octets of all messages in memory together.
    pub memory_bytes: u64,
    /// Octets of one message in memory; what is longer goes to a file.
    pub message_memory_bytes: u64,
    /// Messages that were in a file and are in memory again while they are stored.
    pub large_at_once: usize,
    /// Where the files are. They are removed with the message.
    pub directory: PathBuf,
    /// Whether the files are encrypted, with keys that are in memory only.
    pub seals_files: bool,
}

impl SpoolLimits {
    /// Limits for a process of ordinary size: 64 MiB in all, 1 MiB for one message, two large ones at once.
    pub fn new(directory: PathBuf) -> Self {
        Self { memory_bytes: 64 << 20, message_memory_bytes: 1 << 20, large_at_once: 2, directory, seals_files: false }
    }
}

/// Why a message could not be spooled.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// The file could not be written or read.
    #[error("a message cannot be kept in a file: {0}")]
    Io(#[from] std::io::Error),
    /// The server is going down.
    #[error("the server is shutting down")]
    Closed,
}

/// The one budget of the process for messages in flight.
pub struct SpoolRoom {
    limits: SpoolLimits,
    in_memory: AtomicU64,
    large: Arc<Semaphore>,
}

impl SpoolRoom {
    /// Sets the budget.
    pub fn new(limits: SpoolLimits) -> Arc<Self> {
        let large = Arc::new(Semaphore::new(limits.large_at_once));
        Arc::new(Self { limits, in_memory: AtomicU64::new(0), large })
    }

    /// Octets in memory now.
    pub fn in_memory_bytes(&self) -> u64 {
        self.in_memory.load(Ordering::Relaxed)
    }

    /// A place for one message.
    pub fn spool(self: &Arc<Self>) -> Spool {
        Spool {
            room: Arc::clone(self),
            memory: BytesMut::new(),
            reserved: 0,
            file: None,
            length: 0,
            began: Instant::now(),
        }
    }

    fn reserve(&self, bytes: u64) -> bool {
        let reserved = self.in_memory.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|&sum| sum <= self.limits.memory_bytes)
        });
        reserved.is_ok()
    }
}

/// A message that is coming in.
pub struct Spool {
    room: Arc<SpoolRoom>,
    memory: BytesMut,
    reserved: u64,
    file: Option<SpoolFile>,
    length: u64,
    began: Instant,
}

/// A message, or its beginning, in a file that goes with this value.
enum SpoolFile {
    Plain(NamedTempFile),
    Sealed(SealedFile),
}

impl SpoolFile {
    fn create(limits: &SpoolLimits) -> std::io::Result<Self> {
        Ok(match limits.seals_files {
            true => Self::Sealed(SealedFile::create(&limits.directory)?),
            false => Self::Plain(NamedTempFile::new_in(&limits.directory)?),
        })
    }

    fn write_all(&mut self, chunk: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(chunk),
            Self::Sealed(file) => file.write_all(chunk),
        }
    }

    async fn read(self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Plain(file) => tokio::fs::read(file.path()).await,
            Self::Sealed(file) => file.finish()?.read().await,
        }
    }
}

/// A message that has come in, in memory. While it is there, its octets count against the budget.
pub struct Spooled {
    /// All of it.
    pub bytes: Bytes,
    /// How long it took to come.
    pub took: Duration,
    _room: Room,
}

/// A message that has come in and been looked at, where it was: in memory, against whose budget it counts, or in a file,
/// which goes with this.
pub struct Kept {
    place: Place,
}

enum Place {
    Memory(Spooled),
    File(TempPath),
    Sealed(Arc<SealedText>),
}

impl Kept {
    /// Where the store finds the octets.
    pub fn content(&self) -> BodyContent {
        match &self.place {
            Place::Memory(spooled) => BodyContent::Memory(vec![spooled.bytes.clone()]),
            Place::File(path) => BodyContent::File(Vec::new(), path.to_path_buf()),
            Place::Sealed(text) => BodyContent::Source(Arc::clone(text) as _),
        }
    }
}

/// What a message holds of the budget.
enum Room {
    Memory { room: Arc<SpoolRoom>, reserved: u64 },
    Large { _permit: OwnedSemaphorePermit },
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Self::Memory { room, reserved } = self {
            room.in_memory.fetch_sub(*reserved, Ordering::Relaxed);
        }
    }
}

impl Spool {
    /// Octets so far.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether nothing has come yet.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Takes the next octets.
    ///
    /// # Errors
    /// When they have to go to a file and cannot.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), SpoolError> {
        let bytes = chunk.len() as u64;
        self.length += bytes;
        if let Some(file) = &mut self.file {
            return Ok(file.write_all(chunk)?);
        }
        let fits = self.length <= self.room.limits.message_memory_bytes && self.room.reserve(bytes);
        if fits {
            self.reserved += bytes;
            self.memory.extend_from_slice(chunk);
            return Ok(());
        }
        let mut file = SpoolFile::create(&self.room.limits)?;
        file.write_all(&self.memory)?;
        file.write_all(chunk)?;
        self.file = Some(file);
        self.memory = BytesMut::new();
        self.release();
        Ok(())
    }

    /// The whole message. A large one waits for its turn to be in memory.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub async fn finish(mut self) -> Result<Spooled, SpoolError> {
        let took = self.began.elapsed();
        let Some(file) = self.file.take() else {
            let room = Room::Memory { room: Arc::clone(&self.room), reserved: std::mem::take(&mut self.reserved) };
            return Ok(Spooled { bytes: std::mem::take(&mut self.memory).freeze(), took, _room: room });
        };
        let permit = Arc::clone(&self.room.large).acquire_owned().await.map_err(|_| SpoolError::Closed)?;
        let bytes = file.read().await?;
        Ok(Spooled { bytes: Bytes::from(bytes), took, _room: Room::Large { _permit: permit } })
    }

    /// Shows the whole message to `look`, and then leaves it where it is, so that many messages can be held at once and
    /// none of the large ones is in memory. A large one waits for its turn to be looked at.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub async fn examine<T>(mut self, look: impl FnOnce(&Bytes) -> T) -> Result<(Kept, T), SpoolError> {
        let Some(file) = self.file.take() else {
            let spooled = self.finish().await?;
            let seen = look(&spooled.bytes);
            return Ok((Kept { place: Place::Memory(spooled) }, seen));
        };
        let _permit = Arc::clone(&self.room.large).acquire_owned().await.map_err(|_| SpoolError::Closed)?;
        let (place, octets) = match file {
            SpoolFile::Plain(file) => {
                let path = file.into_temp_path();
                let octets = tokio::fs::read(&path).await?;
                (Place::File(path), octets)
            }
            SpoolFile::Sealed(file) => {
                let text = file.finish()?;
                let octets = text.read().await?;
                (Place::Sealed(Arc::new(text)), octets)
            }
        };
        let seen = look(&Bytes::from(octets));
        Ok((Kept { place }, seen))
    }

    fn release(&mut self) {
        self.room.in_memory.fetch_sub(self.reserved, Ordering::Relaxed);
        self.reserved = 0;
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(memory_bytes: u64, message_memory_bytes: u64) -> (tempfile::TempDir, Arc<SpoolRoom>) {
        let directory = tempfile::tempdir().unwrap();
        let limits = SpoolLimits {
            memory_bytes,
            message_memory_bytes,
            large_at_once: 1,
            ..SpoolLimits::new(directory.path().into())
        };
        (directory, SpoolRoom::new(limits))
    }

    fn files(directory: &tempfile::TempDir) -> usize {
        std::fs::read_dir(directory.path()).unwrap().count()
    }

    #[tokio::test]
    async fn small_messages_stay_in_memory() {
        let (directory, room) = room(100, 50);
        let mut spool = room.spool();
        spool.push(b"hello ").unwrap();
        spool.push(b"world").unwrap();
        assert_eq!((room.in_memory_bytes(), files(&directory)), (11, 0));
        let spooled = spool.finish().await.unwrap();
        assert_eq!(&spooled.bytes[..], b"hello world");
        assert_eq!(room.in_memory_bytes(), 11);
        drop(spooled);
        assert_eq!(room.in_memory_bytes(), 0);
    }

    #[tokio::test]
    async fn large_messages_go_to_a_file() {
        let (directory, room) = room(100, 10);
        let mut spool = room.spool();
        spool.push(b"0123456789").unwrap();
        spool.push(b"abc").unwrap();
        assert_eq!((room.in_memory_bytes(), files(&directory)), (0, 1));
        assert_eq!(&spool.finish().await.unwrap().bytes[..], b"0123456789abc");
        assert_eq!(files(&directory), 0);
    }

    #[tokio::test]
    async fn messages_are_looked_at_one_after_another() {
        let (directory, room) = room(100, 10);
        let mut kept = Vec::new();
        for text in ["small", "a large one", "another large one"] {
            let mut spool = room.spool();
            spool.push(text.as_bytes()).unwrap();
            let (message, length) = spool.examine(Bytes::len).await.unwrap();
            assert_eq!(length, text.len());
            kept.push(message);
        }
        assert_eq!((room.in_memory_bytes(), files(&directory)), (5, 2));
        assert!(matches!(kept[0].content(), BodyContent::Memory(pieces) if pieces.concat() == b"small"));
        let BodyContent::File(_, path) = kept[2].content() else { panic!() };
        assert_eq!(std::fs::read(path).unwrap(), b"another large one");
        drop(kept);
        assert_eq!((room.in_memory_bytes(), files(&directory)), (0, 0));
    }

    #[tokio::test]
    async fn files_can_be_sealed() {
        let directory = tempfile::tempdir().unwrap();
        let limits =
            SpoolLimits { message_memory_bytes: 10, seals_files: true, ..SpoolLimits::new(directory.path().into()) };
        let mut spool = SpoolRoom::new(limits).spool();
        spool.push(b"0123456789").unwrap();
        spool.push(b"abc").unwrap();
        assert_eq!(files(&directory), 1);
        assert_eq!(&spool.finish().await.unwrap().bytes[..], b"0123456789abc");
        assert_eq!(files(&directory), 0);
    }

    #[tokio::test]
    async fn sealed_messages_are_looked_at_and_left_where_they_are() {
        let directory = tempfile::tempdir().unwrap();
        let limits =
            SpoolLimits { message_memory_bytes: 10, seals_files: true, ..SpoolLimits::new(directory.path().into()) };
        let room = SpoolRoom::new(limits);
        let mut spool = room.spool();
        spool.push(b"another large one").unwrap();
        let (kept, length) = spool.examine(Bytes::len).await.unwrap();
        assert_eq!((length, files(&directory)), (17, 1));
        let BodyContent::Source(source) = kept.content() else { panic!() };
        for _ in 0..2 {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut source.open().unwrap(), &mut text).unwrap();
            assert_eq!(text, "another large one");
        }
        drop((kept, source));
        assert_eq!(files(&directory), 0);
    }

    #[tokio::test]
    async fn when_memory_is_used_up_small_ones_go_to_files_too() {
        let (directory, room) = room(15, 10);
        let mut first = room.spool();
        first.push(b"0123456789").unwrap();
        let mut second = room.spool();
        second.push(b"abcdef").unwrap();
        assert_eq!((room.in_memory_bytes(), files(&directory)), (10, 1));
        drop(first);
        drop(second);
        assert_eq!((room.in_memory_bytes(), files(&directory)), (0, 0));
    }
}
