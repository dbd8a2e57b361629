//! A spool file that only the process that wrote it can read.
//!
//! The key is random, in memory only, and this file's own, so the numbers of the chunks are nonces that never repeat.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use posthouse_storage::BodySource;
use tempfile::{NamedTempFile, TempPath};

/// Octets that are sealed at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// Octets by which a sealed chunk is longer.
const TAG_BYTES: usize = 16;
/// Octets of a key.
const KEY_BYTES: usize = 32;

/// A file that is being written.
pub(super) struct SealedFile {
    file: NamedTempFile,
    key: LessSafeKey,
    chunk: Vec<u8>,
    next: u64,
}

impl SealedFile {
    /// A new one in `directory`, which goes with this value.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        let mut key = [0; KEY_BYTES];
        aws_lc_rs::rand::fill(&mut key).map_err(io::Error::other)?;
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(io::Error::other)?;
        let file = NamedTempFile::new_in(directory)?;
        Ok(Self { file, key: LessSafeKey::new(key), chunk: Vec::new(), next: 0 })
    }

    /// Writes the next octets.
    pub(super) fn write_all(&mut self, mut octets: &[u8]) -> io::Result<()> {
        while !octets.is_empty() {
            let (now, later) = octets.split_at(octets.len().min(CHUNK_BYTES - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            octets = later;
            if self.chunk.len() == CHUNK_BYTES {
                self.seal()?;
            }
        }
        Ok(())
    }

    /// Ends writing.
    pub(super) fn finish(mut self) -> io::Result<SealedText> {
        self.seal()?;
        Ok(SealedText { path: self.file.into_temp_path(), key: Arc::new(self.key) })
    }

    fn seal(&mut self) -> io::Result<()> {
        let sealed = self.key.seal_in_place_append_tag(nonce(self.next), Aad::empty(), &mut self.chunk);
        sealed.map_err(io::Error::other)?;
        self.next += 1;
        self.file.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

/// A file that was written.
pub(super) struct SealedText {
    path: TempPath,
    key: Arc<LessSafeKey>,
}

impl SealedText {
    /// All of it.
    pub(super) async fn read(&self) -> io::Result<Vec<u8>> {
        let mut octets = tokio::fs::read(&self.path).await?;
        let mut length = 0;
        for (number, at) in (0..octets.len()).step_by(CHUNK_BYTES + TAG_BYTES).enumerate() {
            let end = octets.len().min(at + CHUNK_BYTES + TAG_BYTES);
            let opened = open(&self.key, number as u64, &mut octets[at..end])?.len();
            octets.copy_within(at..at + opened, length);
            length += opened;
        }
        octets.truncate(length);
        Ok(octets)
    }
}

impl fmt::Debug for SealedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedText").field("path", &self.path).finish_non_exhaustive()
    }
}

impl BodySource for SealedText {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let file = File::open(&self.path)?;
        Ok(Box::new(Opening { file, key: Arc::clone(&self.key), next: 0, chunk: Vec::new(), taken: 0 }))
    }
}

/// Reads a file chunk by chunk.
struct Opening {
    file: File,
    key: Arc<LessSafeKey>,
    next: u64,
    chunk: Vec<u8>,
    /// Octets of the chunk that have been handed out.
    taken: usize,
}

impl Read for Opening {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.chunk.len() {
            self.chunk.clear();
            self.taken = 0;
            let limit = (CHUNK_BYTES + TAG_BYTES) as u64;
            if (&mut self.file).take(limit).read_to_end(&mut self.chunk)? > 0 {
                let length = open(&self.key, self.next, &mut self.chunk)?.len();
                self.chunk.truncate(length);
                self.next += 1;
            }
        }
        let count = buffer.len().min(self.chunk.len() - self.taken);
        buffer[..count].copy_from_slice(&self.chunk[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

fn open<'a>(key: &LessSafeKey, number: u64, chunk: &'a mut [u8]) -> io::Result<&'a mut [u8]> {
    let opened = key.open_in_place(nonce(number), Aad::empty(), chunk);
    opened.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a spool file was changed"))
}

fn nonce(number: u64) -> Nonce {
    let mut octets = [0; NONCE_LEN];
    octets[..8].copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_written_is_read_and_cannot_be_read_by_others() {
        for length in [0, 1, 100, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 7] {
            let directory = tempfile::tempdir().unwrap();
            let text: Vec<u8> = b"xyzzy ".iter().copied().cycle().take(length).collect();
            let mut file = SealedFile::create(directory.path()).unwrap();
            for piece in text.chunks(50_000) {
                file.write_all(piece).unwrap();
            }
            let path = file.file.path().to_owned();
            assert!(!std::fs::read(&path).unwrap().windows(5).any(|window| window == b"xyzzy"));
            let sealed = file.finish().unwrap();
            assert!(sealed.read().await.unwrap() == text, "{length}");
            let mut streamed = Vec::new();
            sealed.open().unwrap().read_to_end(&mut streamed).unwrap();
            assert!(streamed == text, "{length}");
            drop(sealed);
            assert!(!path.exists());
        }
    }

    #[tokio::test]
    async fn a_file_that_was_changed_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = SealedFile::create(directory.path()).unwrap();
        file.write_all(&[b'x'; CHUNK_BYTES]).unwrap();
        let mut octets = std::fs::read(file.file.path()).unwrap();
        octets[10] ^= 1;
        std::fs::write(file.file.path(), octets).unwrap();
        let sealed = file.finish().unwrap();
        assert_eq!(sealed.read().await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        let streamed = io::copy(&mut sealed.open().unwrap(), &mut io::sink());
        assert_eq!(streamed.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
