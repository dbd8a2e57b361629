//! The end of a connection.

use std::io;
use std::time::Duration;

use posthouse_model::session::{CloseReason, Peer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::transport::Transport;

/// How long the farewell of TLS and TCP may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long, after our last words, we go on reading what the client still sends: a socket that is closed with unread
/// bytes in it is reset, and the client might never see those words.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// How much is read and thrown away then.
const LINGER_BYTES: usize = 1024 * 1024;

/// Why a connection ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The session closed it.
    Closed(CloseReason),
    /// The connection broke.
    Lost(io::Error),
    /// The client does not read what it asked for.
    ReadsTooSlowly,
    /// TLS could not begin; that has been logged.
    NoTls,
    /// A message was cut off in the middle, and there is no other way to say so.
    CutOff,
    /// The key that the client signed in with is good no longer.
    KeyGone,
}

/// Tells the log why a connection ends, and lets the client hear our last words.
pub(super) async fn end(mut transport: Transport, listener: &str, peer: Peer, ending: Ending) {
    let remote = peer.remote.ip();
    match &ending {
        Ending::Closed(CloseReason::WrongTransport) => tracing::info!(
            listener, %remote,
            "the client began with TLS on a port that begins in clear; \
             it is probably set to \"SSL/TLS\" and should be set to \"STARTTLS\""
        ),
        Ending::Closed(CloseReason::PipelinedStartTls) => tracing::warn!(
            listener, %remote,
            "clear text followed STARTTLS, as in an attack that injects commands; the connection is closed"
        ),
        Ending::Closed(reason) => tracing::debug!(listener, %remote, ?reason, "the connection ends"),
        Ending::Lost(error) => tracing::debug!(listener, %remote, %error, "the connection is lost"),
        Ending::ReadsTooSlowly => tracing::info!(listener, %remote, "the client reads too slowly and is cut off"),
        Ending::CutOff => {
            tracing::warn!(listener, %remote, "a message could not be sent whole, so the client is cut off");
        }
        Ending::KeyGone => {
            tracing::info!(listener, %remote, "the session ends: its credential was removed, or has expired");
        }
        Ending::NoTls => {}
    }
    if matches!(ending, Ending::KeyGone) {
        let _ = timeout(CLOSE_TIMEOUT, transport.shutdown()).await;
    }
    let Ending::Closed(reason) = ending else { return };
    let _ = timeout(CLOSE_TIMEOUT, transport.shutdown()).await;
    if !matches!(reason, CloseReason::Quit | CloseReason::Timeout)
        && let Some(socket) = transport.socket()
    {
        linger(socket).await;
    }
}

/// Closes a connection that has no session yet, so that the client sees an end and not a reset.
pub(crate) async fn close_cleanly(mut socket: TcpStream) {
    if socket.shutdown().await.is_ok() {
        linger(&socket).await;
    }
}

/// Reads and throws away what a client still sends until it closes its side, too, or its time is up.
async fn linger(socket: &TcpStream) {
    let _ = timeout(LINGER_TIMEOUT, throw_away(socket)).await;
}

async fn throw_away(socket: &TcpStream) -> io::Result<()> {
    let mut thrown_away = 0;
    while thrown_away < LINGER_BYTES {
        socket.readable().await?;
        let mut buffer = [0; 1024];
        match socket.try_read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => thrown_away += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
