//! A connection in clear or in TLS, one type for both.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// The bytes' way to a host.
pub(super) enum Wire {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What happened first while bytes were to be written.
pub(super) enum Progress {
    /// So many of them were.
    Wrote(usize),
    /// So many came the other way; none means that the host closed its side.
    Read(usize),
}

impl Wire {
    /// Writes some of `bytes`, or reads, whatever can be done first: a host that speaks instead of listening is heard.
    pub async fn write_or_read(&mut self, bytes: &[u8], buffer: &mut [u8]) -> io::Result<Progress> {
        poll_fn(|context| {
            if let Poll::Ready(written) = Pin::new(&mut *self).poll_write(context, bytes) {
                return Poll::Ready(written.map(Progress::Wrote));
            }
            self.poll_some(context, buffer).map(|read| read.map(Progress::Read))
        })
        .await
    }

    /// Sends on what was written, then waits for something to read.
    pub async fn flush_and_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|context| {
            if let Poll::Ready(Err(error)) = Pin::new(&mut *self).poll_flush(context) {
                return Poll::Ready(Err(error));
            }
            self.poll_some(context, buffer)
        })
        .await
    }

    /// Whether nothing has come and the host has not closed its side.
    pub async fn is_quiet(&mut self) -> bool {
        let mut buffer = [0; 1];
        let mut read = pin!(poll_fn(|context| self.poll_some(context, &mut buffer)));
        poll_fn(|context| Poll::Ready(read.as_mut().poll(context).is_pending())).await
    }

    fn poll_some(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        Pin::new(&mut *self).poll_read(context, &mut read).map(|done| done.map(|()| read.filled().len()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
