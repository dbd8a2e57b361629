//! Decompressing what is received (RFC 1951).
//!
//! A peer may refer to the last 32 KiB that it sent, so these are kept, in a buffer that grows with what it sends. Between
//! blocks, which is where a peer stops that flushes, nothing else is.

use std::io;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY};
use miniz_oxide::inflate::core::{BlockBoundaryState, DecompressorOxide, TINFL_LZ_DICT_SIZE, decompress_with_limit};

/// Octets of history of a peer that has hardly sent anything.
const FIRST_HISTORY_BYTES: usize = 1024;
/// Octets of history at most: what DEFLATE can refer to.
const MAX_HISTORY_BYTES: usize = TINFL_LZ_DICT_SIZE;

/// A stream that is being decompressed. Holds at most [`MAX_HISTORY_BYTES`] and the decompressor's tables, some 12 KB,
/// and the latter only inside a block.
pub(super) struct Inflate {
    history: Vec<u8>,
    /// Where in `history` the next octet goes. It wraps once `history` is as long as it may be.
    position: usize,
    state: State,
}

enum State {
    InBlock(Box<DecompressorOxide>),
    BetweenBlocks(BlockBoundaryState),
    Ended,
}

/// What a call has done.
pub(super) struct Progress {
    /// Octets of the input that have been used up.
    pub(super) read: usize,
    /// Octets that were written.
    pub(super) written: usize,
    /// The stream is over.
    pub(super) ended: bool,
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self { history: Vec::new(), position: 0, state: State::InBlock(Box::new(DecompressorOxide::new())) }
    }

    /// Octets of memory held.
    #[cfg(test)]
    fn held_bytes(&self) -> usize {
        let tables = if let State::InBlock(_) = self.state { size_of::<DecompressorOxide>() } else { 0 };
        self.history.capacity() + tables
    }

    /// Decompresses `input` into `out`, until one of them is used up. That nothing was written does not mean that there
    /// is nothing more to come of the input before.
    ///
    /// # Errors
    /// When that is no such stream.
    pub(super) fn decompress(&mut self, input: &[u8], out: &mut [u8]) -> io::Result<Progress> {
        let mut progress = Progress { read: 0, written: 0, ended: false };
        while progress.written < out.len() {
            let decompressor = match &mut self.state {
                State::Ended => {
                    progress.ended = true;
                    return Ok(progress);
                }
                State::BetweenBlocks(_) if progress.read == input.len() => return Ok(progress),
                State::BetweenBlocks(boundary) => {
                    let resumed = Box::new(DecompressorOxide::from_block_boundary_state(boundary));
                    self.state = State::InBlock(resumed);
                    continue;
                }
                State::InBlock(decompressor) => decompressor,
            };
            if self.position == self.history.len() {
                make_room(&mut self.history, &mut self.position);
            }
            let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY;
            let most = out.len() - progress.written;
            let rest = &input[progress.read..];
            let (status, read, written) =
                decompress_with_limit(decompressor, rest, &mut self.history, self.position, most, flags);
            let from = self.position;
            out[progress.written..progress.written + written].copy_from_slice(&self.history[from..from + written]);
            self.position += written;
            progress.read += read;
            progress.written += written;
            match status {
                TINFLStatus::BlockBoundary => {
                    if let Some(boundary) = decompressor.block_boundary_state() {
                        self.state = State::BetweenBlocks(boundary);
                    }
                }
                TINFLStatus::Done => self.state = State::Ended,
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput => return Ok(progress),
                _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "what came is not compressed by DEFLATE")),
            }
        }
        Ok(progress)
    }
}

/// Lets the history grow for as long as it may, so that nothing in it changes its place, and begin anew after that.
fn make_room(history: &mut Vec<u8>, position: &mut usize) {
    if history.len() < MAX_HISTORY_BYTES {
        let length = (history.len() * 2).clamp(FIRST_HISTORY_BYTES, MAX_HISTORY_BYTES);
        history.reserve_exact(length - history.len());
        history.resize(length, 0);
    } else {
        *position = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::deflate::compress;
    use super::*;

    /// Feeds `compressed` in pieces of `piece` octets, with room for `room` octets at a time.
    fn inflated(inflate: &mut Inflate, compressed: &[u8], piece: usize, room: usize) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        let mut out = vec![0; room];
        for mut input in compressed.chunks(piece) {
            loop {
                let progress = inflate.decompress(input, &mut out)?;
                all.extend_from_slice(&out[..progress.written]);
                input = &input[progress.read..];
                if progress.ended || (input.is_empty() && progress.written < room) {
                    break;
                }
            }
        }
        Ok(all)
    }

    #[test]
    fn an_idle_stream_holds_little() {
        let mut inflate = Inflate::new();
        let mut compressed = Vec::new();
        for _ in 0..5 {
            compress(b"a UID FETCH 1:* (FLAGS)\r\n", &mut compressed);
        }
        assert_eq!(inflated(&mut inflate, &compressed, 7, 100).unwrap().len(), 5 * 25);
        assert_eq!(inflate.held_bytes(), FIRST_HISTORY_BYTES);
        compressed.clear();
        compress(&vec![b'x'; 500_000], &mut compressed);
        assert_eq!(inflated(&mut inflate, &compressed, 500, 4_096).unwrap().len(), 500_000);
        assert_eq!(inflate.held_bytes(), MAX_HISTORY_BYTES);
    }

    #[test]
    fn a_bomb_comes_in_bites() {
        let mut compressed = Vec::new();
        compress(&vec![0; 10_000_000], &mut compressed);
        assert!(compressed.len() < 20_000);
        let mut inflate = Inflate::new();
        let mut out = vec![0; 1_000];
        let first = inflate.decompress(&compressed, &mut out).unwrap();
        assert_eq!(first.written, 1_000);
        assert!(first.read < compressed.len() / 2);
    }

    #[test]
    fn what_is_no_stream_is_an_error() {
        for garbage in [&b"a NOOP\r\n"[..], &[0xff; 30]] {
            let mut inflate = Inflate::new();
            assert!(inflated(&mut inflate, garbage, 100, 100).is_err(), "{garbage:?}");
        }
    }

    #[test]
    fn a_stream_may_end() {
        // An empty last block, and more behind it, which is not read.
        let mut inflate = Inflate::new();
        let progress = inflate.decompress(&[0x03, 0x00, 0x41], &mut [0; 10]).unwrap();
        assert_eq!((progress.written, progress.ended), (0, true));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_goes_in_comes_out(
            pieces in prop::collection::vec(("[a-d \\r\\n]{0,40}", 0usize..3_000), 0..12),
            piece in 1usize..5_000, room in 1usize..9_000,
        ) {
            let mut compressed = Vec::new();
            let mut expected = Vec::new();
            for (text, times) in pieces {
                let octets = text.repeat(times).into_bytes();
                compress(&octets, &mut compressed);
                expected.extend_from_slice(&octets);
            }
            let mut inflate = Inflate::new();
            prop_assert!(inflated(&mut inflate, &compressed, piece, room).unwrap() == expected);
        }

        #[test]
        fn nothing_panics(octets in prop::collection::vec(any::<u8>(), 0..300), piece in 1usize..50) {
            let _ = inflated(&mut Inflate::new(), &octets, piece, 64);
        }
    }
}
