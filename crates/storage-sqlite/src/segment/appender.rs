//! Writing to the current segment.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use posthouse_model::BlobId;
use posthouse_storage::{Body, BodyContent, BodyKey, StorageError};
use rusqlite::Connection;

use super::copies::Copies;
use super::record::Header;
use super::sync_time::SyncTime;
use super::{Location, MAX_BODY_BYTES};
use crate::disk::{Disk, DiskFile};
use crate::encryption::{BodySealer, Keys, SEAL_BYTES, Seal};
use crate::fault::{self, Fault};
use crate::options::Limits;

/// Octets that are gathered before they go to the system in one call.
const WRITE_BUFFER_BYTES: usize = 1024 * 1024;
/// Octets of a body's file that are read at once.
const COPY_BYTES: usize = 256 * 1024;
/// Octets of zeros that are written behind what was appended, so that what follows does not change the file's length
/// and its sync need not write the inode.
const RESERVE_BYTES: u64 = 1024 * 1024;
/// Octets between two syncs from which no room is reserved: there is so much to write that writing it twice costs
/// more than the inode does.
const RESERVE_BELOW_BYTES: u64 = 256 * 1024;
/// Zeros that are written in one call.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Why a body was not appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// The body itself is at fault, and others can still be appended.
    Body(StorageError),
    /// The segment is, and nothing since the last [`Appender::sync`] can be relied on.
    Segment(StorageError),
}

/// The segment that grows.
struct Current {
    number: u32,
    file: Arc<dyn DiskFile>,
    /// Where the next record begins, counting what is still in the buffer.
    end: u64,
    /// Up to where the index may refer to it: all of that is durable, here or as a copy in the index.
    kept_end: u64,
    /// Up to where everything has been synced.
    synced_end: u64,
    /// Length of the file: the records that were written, and zeros. Nothing looks for records beyond the end that
    /// the index knows, so what lies there has no meaning.
    file_bytes: u64,
    /// Whether room may be reserved: not after there was too little.
    reserving: bool,
}

impl Current {
    /// A segment that is durable up to its `end`.
    fn new(number: u32, file: Arc<dyn DiskFile>, end: u64, file_bytes: u64) -> Self {
        Self { number, file, end, kept_end: end, synced_end: end, file_bytes, reserving: true }
    }

    /// Cuts the file to `bytes`. If that fails, what lies beyond is overwritten, or cut at the next start.
    fn cut(&mut self, bytes: u64) {
        if self.file_bytes > bytes && self.file.set_len(bytes).is_ok() {
            self.file_bytes = bytes;
        }
    }

    /// Writes `bytes`, which end at `self.end`, and reserves room behind them if there is none.
    fn write(&mut self, bytes: &[u8], segment_bytes: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, self.end - bytes.len() as u64)?;
        if self.end <= self.file_bytes {
            return Ok(());
        }
        self.file_bytes = self.end;
        let reserved_end = segment_bytes.min(self.end + RESERVE_BYTES);
        if !self.reserving || self.end - self.synced_end >= RESERVE_BELOW_BYTES {
            return Ok(());
        }
        let reserved = self.reserve(reserved_end);
        match reserved {
            // What was appended does fit.
            Err(error) if fault::is_full(&error) => {
                self.reserving = false;
                self.file_bytes = self.file_bytes.max(reserved_end);
                self.cut(self.end);
                Ok(())
            }
            reserved => reserved,
        }
    }

    /// Writes zeros up to `reserved_end`.
    fn reserve(&mut self, reserved_end: u64) -> io::Result<()> {
        while self.file_bytes < reserved_end {
            let count = (reserved_end - self.file_bytes).min(ZEROS.len() as u64);
            self.file.write_all_at(&ZEROS[..count as usize], self.file_bytes)?;
            self.file_bytes += count;
        }
        Ok(())
    }
}

/// How the content of a record is written.
#[derive(Default)]
struct Content {
    crc: crc32fast::Hasher,
    /// What lies before a sealed body, and what seals it.
    seal: Option<([u8; SEAL_BYTES], BodySealer)>,
}

/// Appends bodies to segment files. Never writes where a commit might already refer to.
pub(crate) struct Appender {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    segment_bytes: u64,
    current: Option<Current>,
    /// Number of the next segment to make; rises with each attempt.
    next_number: u32,
    /// What is appended and not yet handed to the system; it ends at `current.end`.
    buffer: Vec<u8>,
    /// Up to where segments may be referred to, as far as the index does not know it yet.
    unrecorded: BTreeMap<u32, u64>,
    copies: Copies,
    /// Most octets of one commit that the index carries a copy of, however long a sync takes.
    copy_bytes: usize,
    sync_time: SyncTime,
    /// Whether something was appended that is neither synced nor copied, and might be referred to: the transaction that
    /// would have taken the copy with it failed, and nobody can say whether the disk has it.
    must_sync: bool,
    keys: Arc<Keys>,
}

impl Appender {
    /// Continues `current` (number and end), if given and if it can be opened.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        directory: &Path,
        limits: &Limits,
        next_number: u32,
        current: Option<(u32, u64)>,
        keys: Arc<Keys>,
    ) -> Self {
        let current = current.and_then(|(number, end)| {
            let file = disk.open(&super::path(directory, number)).ok()?;
            // A segment that lost committed octets gets no more: what follows would lie at wrong offsets.
            let file_bytes = file.len().ok()?;
            (file_bytes >= end).then_some(Current::new(number, file, end, file_bytes))
        });
        Self {
            disk,
            directory: directory.to_owned(),
            segment_bytes: limits.segment_bytes,
            current,
            next_number,
            buffer: Vec::new(),
            unrecorded: BTreeMap::new(),
            copies: Copies::new(),
            copy_bytes: limits.copy_bytes,
            sync_time: SyncTime::default(),
            must_sync: false,
            keys,
        }
    }

    /// The segment that grows.
    pub(crate) fn growing(&self) -> Option<u32> {
        self.current.as_ref().map(|current| current.number)
    }

    /// Segments and up to where they may be referred to, as far as the index does not know it yet.
    pub(crate) fn unrecorded(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.unrecorded.iter().map(|(&number, &end)| (number, end))
    }

    /// Writes what the transaction under way has to take with it.
    pub(crate) fn write_copies(&self, connection: &Connection) -> Result<(), Fault> {
        self.copies.write(connection)
    }

    /// The index knows everything of [`Self::unrecorded`] now, and has the copies.
    pub(crate) fn recorded(&mut self) {
        self.unrecorded.clear();
        self.copies.committed();
    }

    /// The transaction failed.
    pub(crate) fn not_recorded(&mut self) {
        self.must_sync |= self.copies.rolled_back();
    }

    /// The lowest number that no segment has had.
    pub(crate) fn next_number(&self) -> u32 {
        self.next_number
    }

    /// Appends a body. It is durable after the next [`Self::sync`], or with the
    /// commit that follows [`Self::settle`].
    pub(crate) fn append(&mut self, body: &Body) -> Result<Location, AppendError> {
        self.append_as(body, None)
    }

    /// Appends a body that is in the index as `key` once more, sealed as new ones are.
    pub(crate) fn append_again(&mut self, body: &Body, key: BodyKey) -> Result<Location, AppendError> {
        self.append_as(body, Some(key))
    }

    fn append_as(&mut self, body: &Body, key: Option<BodyKey>) -> Result<Location, AppendError> {
        if body.size_bytes > MAX_BODY_BYTES {
            let limit = StorageError::Limit { what: "octets of one message", limit: MAX_BODY_BYTES };
            return Err(AppendError::Body(limit));
        }
        let keys = Arc::clone(&self.keys);
        let ring = keys.load();
        let writing = ring.writing();
        let is_sealed = writing.is_some();
        let id = BlobId(ring.content_id(body.id, is_sealed));
        let extension_bytes = if is_sealed { SEAL_BYTES as u32 } else { 0 };
        let header = Header { is_sealed, extension_bytes, body_bytes: body.size_bytes, id };
        let mut location = self.begin(&header)?;
        let mut content = Content::default();
        if let Some((data_key, root)) = writing {
            let seal = Seal::new(data_key, key.unwrap_or_else(|| location.key()));
            content.seal = Some((seal.encode(), BodySealer::new(root, &seal, body.size_bytes)));
            location.seal = Some(seal);
        }
        let written = self.write(&header.encode()).and_then(|()| self.content(body, content));
        if let Err(error) = written {
            self.take_back(location.record_offset);
            return Err(error);
        }
        Ok(location)
    }

    /// Appends a record as it lies elsewhere.
    pub(crate) fn append_record(&mut self, header: &Header, record: &[u8]) -> Result<Location, AppendError> {
        let location = self.begin(header)?;
        if let Err(error) = self.write(record) {
            self.take_back(location.record_offset);
            return Err(error);
        }
        Ok(location)
    }

    /// Has the next commit make everything appended durable: by a copy that it carries if that is small, or by a sync
    /// now.
    pub(crate) fn settle(&mut self) -> Result<(), StorageError> {
        let Some(current) = &self.current else { return Ok(()) };
        let new_bytes = current.end - current.kept_end;
        // What has gone to the system on the way is no longer at hand to be copied.
        let is_at_hand = new_bytes == self.buffer.len() as u64;
        let worth_copying = self.sync_time.worth_copying().min(self.copy_bytes);
        if self.must_sync || !is_at_hand || self.buffer.len() > worth_copying || !self.copies.has_room() {
            return self.sync();
        }
        if new_bytes == 0 {
            return Ok(());
        }
        let octets = self.buffer.clone();
        self.flush()?;
        if let Some(current) = &mut self.current {
            self.copies.take(current.number, current.kept_end, octets);
            current.kept_end = current.end;
            self.unrecorded.insert(current.number, current.end);
        }
        Ok(())
    }

    /// Makes everything appended durable. After an error nothing that was appended since the index was last told may be
    /// referred to, and the segment gets no more: the system may have dropped what it could not write, and say
    /// so only once.
    pub(crate) fn sync(&mut self) -> Result<(), StorageError> {
        if self.current.as_ref().is_none_or(|current| current.end == current.synced_end) {
            return Ok(());
        }
        self.flush()?;
        let Some(current) = &mut self.current else { return Ok(()) };
        let begun = Instant::now();
        let synced = current.file.sync_data();
        self.sync_time.took(begun.elapsed());
        self.must_sync = false;
        match synced {
            Ok(()) => {
                (current.kept_end, current.synced_end) = (current.end, current.end);
                self.unrecorded.insert(current.number, current.end);
                self.copies.synced(current.number);
                Ok(())
            }
            Err(error) => {
                let path = super::path(&self.directory, current.number);
                self.give_up();
                Err(fault::io("sync", &path, &error))
            }
        }
    }

    /// Forgets everything appended since the index was last told, none of which may have been referred to.
    pub(crate) fn abandon(&mut self) {
        if let Some(current) = &self.current {
            let kept_end = current.kept_end;
            self.take_back(kept_end);
        }
    }

    /// Makes everything appended durable, gives back the room that was reserved, and lets go of the segment.
    pub(crate) fn seal(&mut self) -> Result<(), StorageError> {
        self.sync()?;
        if let Some(mut current) = self.current.take() {
            current.cut(current.end);
        }
        Ok(())
    }

    /// Finds room for a record, in a new segment if this one is full.
    fn begin(&mut self, header: &Header) -> Result<Location, AppendError> {
        let record_bytes = header.record_bytes();
        let full = |current: &Current| current.end > 0 && current.end + record_bytes > self.segment_bytes;
        if self.current.as_ref().is_none_or(full) {
            self.seal().map_err(AppendError::Segment)?;
            self.current = Some(self.create().map_err(AppendError::Segment)?);
        }
        let current = self.current.as_ref().expect("a segment was made");
        Ok(Location {
            segment: current.number,
            record_offset: current.end,
            record_bytes,
            size_bytes: header.body_bytes,
            seal: None,
        })
    }

    fn create(&mut self) -> Result<Current, StorageError> {
        let number = self.next_number;
        self.next_number += 1;
        let path = super::path(&self.directory, number);
        let make = || {
            let file = self.disk.create(&path)?;
            file.sync_data()?;
            self.disk.sync_directory(&self.directory)?;
            Ok(file)
        };
        match make() {
            Ok(file) => Ok(Current::new(number, file, 0, 0)),
            Err(error) => {
                // Nothing refers to it; should removing fail too, the next start finds it and removes it.
                let _ = self.disk.remove(&path);
                Err(fault::io("make", &path, &error))
            }
        }
    }

    fn content(&mut self, body: &Body, content: Content) -> Result<(), AppendError> {
        let Content { mut crc, seal } = content;
        let mut hand_on = |octets: &[u8]| {
            crc.update(octets);
            self.write(octets)
        };
        let mut sealer = None;
        if let Some((seal, body_sealer)) = seal {
            hand_on(&seal)?;
            sealer = Some(body_sealer);
        }
        let mut push = |octets: &[u8]| match &mut sealer {
            Some(sealer) => sealer.push(octets, &mut hand_on),
            None => hand_on(octets),
        };
        let mut left = body.size_bytes;
        let pieces = match &body.content {
            BodyContent::Memory(pieces) | BodyContent::File(pieces, _) => pieces.as_slice(),
            BodyContent::Source(_) => &[],
        };
        for piece in pieces {
            left = left.checked_sub(piece.len() as u64).ok_or_else(|| length_differs(body))?;
            push(piece)?;
        }
        if let Some(opened) = open_rest(&body.content) {
            let unreadable = |error: io::Error| AppendError::Body(unreadable(&body.content, &error));
            let mut file = opened.map_err(unreadable)?;
            let mut chunk = vec![0; COPY_BYTES];
            loop {
                let read = file.read(&mut chunk).map_err(unreadable)?;
                if read == 0 {
                    break;
                }
                left = left.checked_sub(read as u64).ok_or_else(|| length_differs(body))?;
                push(&chunk[..read])?;
            }
        }
        if left != 0 {
            return Err(length_differs(body));
        }
        if let Some(sealer) = sealer {
            sealer.finish(&mut hand_on)?;
        }
        self.write(&crc.finalize().to_le_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), AppendError> {
        if self.buffer.len() + bytes.len() > WRITE_BUFFER_BYTES {
            self.flush().map_err(AppendError::Segment)?;
        }
        self.buffer.extend_from_slice(bytes);
        if let Some(current) = &mut self.current {
            current.end += bytes.len() as u64;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        let Some(current) = &mut self.current else { return Ok(()) };
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = current.write(&self.buffer, self.segment_bytes);
        let path = super::path(&self.directory, current.number);
        if let Err(error) = written {
            let error = fault::io("write to", &path, &error);
            self.abandon();
            if !matches!(error, StorageError::Full) {
                self.give_up();
            }
            return Err(error);
        }
        self.buffer.clear();
        self.buffer.shrink_to(WRITE_BUFFER_BYTES);
        Ok(())
    }

    /// Lets nothing more come into the segment, after an error.
    fn give_up(&mut self) {
        if let Some(current) = self.current.take() {
            self.copies.mend(current.number, &*current.file);
        }
    }

    /// Lets the next record begin at `offset`, up to which everything stays.
    fn take_back(&mut self, offset: u64) {
        let Some(current) = &mut self.current else {
            self.buffer.clear();
            return;
        };
        let unwritten = current.end - self.buffer.len() as u64;
        if offset >= unwritten {
            self.buffer.truncate(usize::try_from(offset - unwritten).unwrap_or(0));
        } else {
            self.buffer.clear();
            // A write that failed may have made the file longer than is noted. Gives back room on a full disk.
            current.file_bytes = current.file_bytes.max(current.end);
            current.cut(offset);
        }
        current.end = offset;
    }
}

/// What of a body is not in memory.
fn open_rest(content: &BodyContent) -> Option<io::Result<Box<dyn Read + Send>>> {
    match content {
        BodyContent::Memory(_) => None,
        BodyContent::File(_, path) => Some(File::open(path).map(|file| Box::new(file) as _)),
        BodyContent::Source(source) => Some(source.open()),
    }
}

fn unreadable(content: &BodyContent, error: &io::Error) -> StorageError {
    match content {
        BodyContent::File(_, path) => fault::io("read", path, error),
        _ => StorageError::Unavailable(format!("cannot read a message that is to be stored: {error}")),
    }
}

fn length_differs(body: &Body) -> AppendError {
    let text = format!("message {} does not have the {} octets announced", body.id, body.size_bytes);
    AppendError::Body(StorageError::Unavailable(text))
}
