//! What is to be sent, in order: small things are copied together, large pieces go as they are.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// From this size on, in bytes, a piece is sent as it is instead of being copied.
const UNCOPIED_PIECE_BYTES: usize = 4096;

/// The queue of bytes to send.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Bytes>,
    tail: BytesMut,
    length: usize,
}

impl Outbox {
    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Copies bytes to the end.
    pub(crate) fn push_slice(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Puts `piece[from..to]` at the end, without a copy if it is large.
    pub(crate) fn push_part(&mut self, piece: &Bytes, from: usize, to: usize) {
        if to - from < UNCOPIED_PIECE_BYTES {
            self.push_slice(&piece[from..to]);
            return;
        }
        if !self.tail.is_empty() {
            self.pieces.push_back(self.tail.split().freeze());
        }
        self.pieces.push_back(piece.slice(from..to));
        self.length += to - from;
    }

    /// The next bytes to send.
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        let piece = match self.pieces.pop_front() {
            Some(piece) => piece,
            None if self.tail.is_empty() => return None,
            None => std::mem::take(&mut self.tail).freeze(),
        };
        self.length -= piece.len();
        Some(piece)
    }
}

impl std::fmt::Write for Outbox {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_large_pieces_are_not_copied() {
        let mut outbox = Outbox::default();
        let large = Bytes::from(vec![b'x'; UNCOPIED_PIECE_BYTES + 2]);
        outbox.push_slice(b"a");
        outbox.push_part(&large, 0, 1);
        outbox.push_part(&large, 1, large.len());
        outbox.push_slice(b"b");
        assert_eq!(outbox.len(), large.len() + 2);
        assert_eq!(outbox.pop().unwrap(), "ax");
        assert_eq!(outbox.pop().unwrap().as_ptr(), large[1..].as_ptr());
        assert_eq!(outbox.pop().unwrap(), "b");
        assert_eq!((outbox.pop(), outbox.len()), (None, 0));
    }
}
