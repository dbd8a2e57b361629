//! A transport whose bytes are compressed (RFC 4978).

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Transport;
use super::deflate::compress;
use super::inflate::Inflate;

/// Compressed octets that are read at once. How much they become is bounded by who reads, who takes no more than the
/// buffer that it brings.
const COMPRESSED_READ_BYTES: usize = 4 * 1024;
/// Octets that are compressed at once; what is written in larger pieces is accepted in parts.
const PLAIN_WRITE_BYTES: usize = 64 * 1024;

/// A transport whose bytes are compressed, both ways. While nothing goes on it holds what [`Inflate`] needs, and no
/// buffer.
pub(crate) struct Deflated {
    inner: Transport,
    inflate: Inflate,
    /// What was received and is still to be decompressed.
    input: Vec<u8>,
    /// There may be more to come of what has been read, though no input is left.
    unfinished: bool,
    /// What is compressed and still to be sent, from `sent` on.
    output: Vec<u8>,
    sent: usize,
}

impl fmt::Debug for Deflated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflated").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Deflated {
    pub(super) fn new(inner: Transport) -> Self {
        let (inflate, input, output) = (Inflate::new(), Vec::new(), Vec::new());
        Self { inner, inflate, input, unfinished: false, output, sent: 0 }
    }

    /// What carries the compressed bytes.
    pub(super) fn inner(&self) -> &Transport {
        &self.inner
    }

    /// Hands on all that is compressed.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.output.len() {
            let count = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.output[self.sent..]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += count;
        }
        (self.output, self.sent) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Deflated {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.input.is_empty() || this.unfinished {
                let room = buffer.initialize_unfilled();
                let most = room.len();
                let progress = this.inflate.decompress(&this.input, room)?;
                this.unfinished = progress.written == most;
                this.input.drain(..progress.read);
                if this.input.is_empty() || progress.ended {
                    this.input = Vec::new();
                }
                buffer.advance(progress.written);
                if progress.written > 0 || progress.ended {
                    return Poll::Ready(Ok(()));
                }
            }
            let mut compressed = [0; COMPRESSED_READ_BYTES];
            let mut received = ReadBuf::new(&mut compressed);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut received))?;
            if received.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.input.extend_from_slice(received.filled());
        }
    }
}

impl AsyncWrite for Deflated {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        let taken = &bytes[..bytes.len().min(PLAIN_WRITE_BYTES)];
        compress(taken, &mut this.output);
        // What does not go out now does so at the next write or flush.
        if let Poll::Ready(Err(error)) = this.poll_drain(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}
