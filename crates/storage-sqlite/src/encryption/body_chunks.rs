//! A body in chunks that are sealed one by one, so that a part can be read without the rest.
//!
//! ```text
//! sealed body = *(AES-256-GCM(chunk of 16 KiB))  AES-256-GCM(last chunk)     a body of no octets has one empty chunk
//! ```
//!
//! The nonce is the number of the chunk; body and length are authenticated with each, so that chunks cannot be left
//! out, exchanged or put into another body.

use std::io;
use std::ops::Range;

use super::sealing::{Derivation, RecordKey, RootKey, Seal, TAG_BYTES};

/// Octets of a chunk: most messages are one or a few, and what is read in vain of them costs microseconds.
const CHUNK_BYTES: usize = 16 * 1024;
/// Octets of a chunk that is sealed.
const SEALED_CHUNK_BYTES: u64 = (CHUNK_BYTES + TAG_BYTES) as u64;

/// Octets of a sealed body of `body_bytes`.
pub(crate) fn sealed_bytes(body_bytes: u64) -> u64 {
    body_bytes + chunks(body_bytes) * TAG_BYTES as u64
}

fn chunks(body_bytes: u64) -> u64 {
    body_bytes.div_ceil(CHUNK_BYTES as u64).max(1)
}

fn place(seal: &Seal, body_bytes: u64) -> Vec<u8> {
    [&b"posthouse body\0"[..], &seal.body.0.to_le_bytes(), &body_bytes.to_le_bytes()].concat()
}

/// Seals a body as it comes.
pub(crate) struct BodySealer {
    key: RecordKey,
    place: Vec<u8>,
    chunk: Vec<u8>,
    next: u64,
}

impl BodySealer {
    /// For a body of `body_bytes`; the caller sees to it that no more and no fewer are pushed.
    pub(crate) fn new(root: &RootKey, seal: &Seal, body_bytes: u64) -> Self {
        let key = root.record_key(Derivation::Body, &seal.salt);
        Self { key, place: place(seal, body_bytes), chunk: Vec::new(), next: 0 }
    }

    /// Takes the next octets, and hands on each chunk that is full.
    pub(crate) fn push<E>(
        &mut self,
        mut octets: &[u8],
        hand_on: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while !octets.is_empty() {
            // A full chunk waits until there is more, for the last one may be full and is never empty.
            if self.chunk.len() == CHUNK_BYTES {
                self.seal(hand_on)?;
            }
            let (now, later) = octets.split_at(octets.len().min(CHUNK_BYTES - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            octets = later;
        }
        Ok(())
    }

    /// Hands on the last chunk.
    pub(crate) fn finish<E>(mut self, hand_on: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.seal(hand_on)
    }

    fn seal<E>(&mut self, hand_on: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.key.seal(self.next, &self.place, &mut self.chunk);
        self.next += 1;
        hand_on(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

/// Opens `range` of a body of `body_bytes`; what lies beyond its end is left out. `read` fills its buffer from an offset
/// in the sealed body. [`io::ErrorKind::InvalidData`] when it is not what was sealed.
pub(crate) fn open_range(
    root: &RootKey,
    seal: &Seal,
    body_bytes: u64,
    range: Range<u64>,
    read: impl FnOnce(u64, &mut [u8]) -> io::Result<()>,
) -> io::Result<Vec<u8>> {
    let end = range.end.min(body_bytes);
    let start = range.start.min(end);
    if start == end {
        return Ok(Vec::new());
    }
    let (first, last) = (start / CHUNK_BYTES as u64, (end - 1) / CHUNK_BYTES as u64);
    let sealed_start = first * SEALED_CHUNK_BYTES;
    let sealed_end = sealed_bytes(body_bytes).min((last + 1) * SEALED_CHUNK_BYTES);
    let mut octets = vec![0; usize::try_from(sealed_end - sealed_start).map_err(io::Error::other)?];
    read(sealed_start, &mut octets)?;
    let (key, place) = (root.record_key(Derivation::Body, &seal.salt), place(seal, body_bytes));
    let mut length = 0;
    for (number, at) in (first..=last).zip((0..octets.len()).step_by(SEALED_CHUNK_BYTES as usize)) {
        let chunk_end = octets.len().min(at + SEALED_CHUNK_BYTES as usize);
        let opened = key.open(number, &place, &mut octets[at..chunk_end]).ok_or_else(not_what_was_sealed)?.len();
        octets.copy_within(at..at + opened, length);
        length += opened;
    }
    let skipped = usize::try_from(start - first * CHUNK_BYTES as u64).map_err(io::Error::other)?;
    octets.truncate(length.min(skipped + usize::try_from(end - start).map_err(io::Error::other)?));
    octets.drain(..skipped);
    Ok(octets)
}

fn not_what_was_sealed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is not what was encrypted, or the key is another")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use posthouse_storage::BodyKey;
    use proptest::prelude::*;

    use super::*;

    fn octets(count: usize) -> Vec<u8> {
        (0..count as u64).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect()
    }

    fn seal_all(root: &RootKey, seal: &Seal, body: &[u8], piece: usize) -> Vec<u8> {
        let mut sealed = Vec::new();
        let mut hand_on = |chunk: &[u8]| {
            sealed.extend_from_slice(chunk);
            Ok::<_, Infallible>(())
        };
        let mut sealer = BodySealer::new(root, seal, body.len() as u64);
        for piece in body.chunks(piece) {
            sealer.push(piece, &mut hand_on).unwrap();
        }
        sealer.finish(&mut hand_on).unwrap();
        sealed
    }

    fn open(root: &RootKey, seal: &Seal, body_bytes: u64, sealed: &[u8], range: Range<u64>) -> io::Result<Vec<u8>> {
        open_range(root, seal, body_bytes, range, |offset, buffer| {
            let from = sealed.get(offset as usize..).unwrap_or_default();
            let from = from.get(..buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            buffer.copy_from_slice(from);
            Ok(())
        })
    }

    const SIZES: [usize; 8] =
        [0, 1, 100, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 5];

    proptest! {
        #[test]
        fn any_part_comes_back(size in 0..4 * CHUNK_BYTES, piece in 1..40_000usize, from in 0..70_000u64, count in 0..70_000u64) {
            let (root, seal) = (RootKey::generate(), Seal::new(1, BodyKey(5)));
            let body = octets(size);
            let sealed = seal_all(&root, &seal, &body, piece);
            prop_assert_eq!(sealed.len() as u64, sealed_bytes(size as u64));
            let (start, end) = ((from as usize).min(size), ((from + count) as usize).min(size));
            let opened = open(&root, &seal, size as u64, &sealed, from..from + count).unwrap();
            prop_assert!(opened == body[start..end]);
        }

        #[test]
        fn a_changed_octet_is_seen(size in prop::sample::select(SIZES.to_vec()), at: prop::sample::Index, change in 1u8..) {
            prop_assume!(size > 0);
            let (root, seal) = (RootKey::generate(), Seal::new(1, BodyKey(5)));
            let mut sealed = seal_all(&root, &seal, &octets(size), 1000);
            let at = at.index(sealed.len());
            sealed[at] ^= change;
            let error = open(&root, &seal, size as u64, &sealed, 0..u64::MAX).unwrap_err();
            prop_assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn sizes_at_the_edges_come_back() {
        let (root, seal) = (RootKey::generate(), Seal::new(1, BodyKey(5)));
        for size in SIZES {
            let body = octets(size);
            let sealed = seal_all(&root, &seal, &body, CHUNK_BYTES);
            assert_eq!(sealed.len() as u64, sealed_bytes(size as u64));
            assert!(open(&root, &seal, size as u64, &sealed, 0..u64::MAX).unwrap() == body, "{size}");
        }
    }

    #[test]
    fn a_shorter_length_another_body_and_exchanged_chunks_are_seen() {
        let (root, seal) = (RootKey::generate(), Seal::new(1, BodyKey(5)));
        let size = 2 * CHUNK_BYTES as u64;
        let sealed = seal_all(&root, &seal, &octets(size as usize), 1000);
        let attempt = |seal: &Seal, size, sealed: &[u8]| open(&root, seal, size, sealed, 0..u64::MAX).is_err();
        assert!(!attempt(&seal, size, &sealed));
        assert!(attempt(&seal, CHUNK_BYTES as u64, &sealed));
        assert!(attempt(&seal, size, &sealed[..sealed.len() - 1]));
        assert!(attempt(&Seal { body: BodyKey(6), ..seal }, size, &sealed));
        assert!(attempt(&Seal { salt: [0; 24], ..seal }, size, &sealed));
        let (first, second) = sealed.split_at(SEALED_CHUNK_BYTES as usize);
        assert!(attempt(&seal, size, &[second, first].concat()));
    }

    #[test]
    fn a_part_is_opened_without_the_rest() {
        let (root, seal) = (RootKey::generate(), Seal::new(1, BodyKey(5)));
        let size = 10 * CHUNK_BYTES as u64;
        let sealed = seal_all(&root, &seal, &octets(size as usize), 1000);
        let mut asked = 0;
        let opened =
            open_range(&root, &seal, size, 5 * CHUNK_BYTES as u64..5 * CHUNK_BYTES as u64 + 10, |offset, buffer| {
                asked = buffer.len();
                buffer.copy_from_slice(&sealed[offset as usize..offset as usize + buffer.len()]);
                Ok(())
            });
        assert_eq!((opened.unwrap().len(), asked as u64), (10, SEALED_CHUNK_BYTES));
    }
}
