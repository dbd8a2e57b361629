//! Answers requests of HTTP: one a connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::Incoming;
use crate::listener::OpenListener;
use crate::transport::Transport;
use crate::web::{BodyReader, Fault, Framing, Head, Method, Reply, Request, head_of};

/// How long, and for how many octets, we listen after the reply: a connection that is closed on somebody who still writes
/// may lose it (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(2);
const MAX_LINGER_BYTES: usize = 256 * 1024;
/// Octets read at once.
const READ_BYTES: usize = 4096;
/// That the client is to go on (RFC 9110 §15.2.1).
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Runs one connection.
pub(crate) async fn serve(incoming: Incoming, listener: &Arc<OpenListener>, mut shutdown: watch::Receiver<bool>) {
    let mut connection = Connection { transport: incoming.transport, ahead: Vec::new() };
    let peer = incoming.peer.remote.ip();
    let asked = tokio::select! {
        asked = connection.exchange(listener, peer) => asked,
        // Who has not asked yet is not waited for.
        _ = shutdown.wait_for(|is_over| *is_over) => return,
    };
    let Some((reply, with_body)) = asked else { return };
    if reply.status >= 400 {
        tracing::debug!(listener = listener.config.name, %peer, status = reply.status, "a request was refused");
    }
    let octets = reply.octets(listener.house.rooms.environment.now(), with_body);
    listener.metrics.sent.inc_by(octets.len() as u64);
    let written = timeout(listener.config.web_limits.write_timeout, connection.finish(&octets)).await;
    if !matches!(written, Ok(Ok(()))) {
        tracing::debug!(listener = listener.config.name, %peer, "a reply could not be sent");
    }
}

struct Connection {
    transport: Transport,
    /// What was read behind the head.
    ahead: Vec<u8>,
}

impl Connection {
    /// Reads a request and has it answered. `None` when the client went away. Whether the body is wanted, too.
    async fn exchange(&mut self, listener: &Arc<OpenListener>, peer: std::net::IpAddr) -> Option<(Reply, bool)> {
        let head = match self.head(listener).await? {
            Ok(head) => head,
            Err(fault) => return Some((fault.reply(), true)),
        };
        let with_body = head.method != Method::Head;
        let Some(site) = listener.house.site.get() else { return Some((Reply::plain(503), with_body)) };
        let role = listener.config.role;
        // The permit lasts until the answer: for so long the body is in memory.
        let (body, _permit) = match head.method {
            Method::Get | Method::Head => (Vec::new(), None),
            Method::Post if !site.takes(role, &head.path) => return Some((Reply::only("GET, HEAD"), true)),
            Method::Post => {
                let Ok(permit) = listener.house.web_bodies.try_acquire() else {
                    return Some((Reply::plain(503), true));
                };
                match self.body(&head, listener).await? {
                    Ok(body) => (body, Some(permit)),
                    Err(fault) => return Some((fault.reply(), true)),
                }
            }
        };
        let Head { method, path, host, media_type, .. } = head;
        let request = Request { method, path, host, media_type, body: body.into(), peer };
        let answer = timeout(listener.config.web_limits.answer_timeout, site.answer(role, request)).await;
        Some((answer.unwrap_or_else(|_| Reply::plain(503)), with_body))
    }

    async fn head(&mut self, listener: &OpenListener) -> Option<Result<Head, Fault>> {
        let deadline = Instant::now() + listener.config.web_limits.head_timeout;
        loop {
            match head_of(&self.ahead) {
                Ok(None) => {}
                Ok(Some((head, length))) => {
                    self.ahead.drain(..length);
                    return Some(Ok(head));
                }
                Err(fault) => return Some(Err(fault)),
            }
            let has_begun = !self.ahead.is_empty();
            match timeout_at(deadline, self.read(listener)).await {
                Ok(octets) => self.ahead.extend_from_slice(&octets?),
                Err(_) if has_begun => return Some(Err(Fault::TooSlow)),
                Err(_) => return None,
            }
        }
    }

    async fn body(&mut self, head: &Head, listener: &OpenListener) -> Option<Result<Vec<u8>, Fault>> {
        let mut reader = match BodyReader::new(head.framing, listener.config.web_limits.body_bytes) {
            Ok(reader) => reader,
            Err(fault) => return Some(Err(fault)),
        };
        if head.expects_continue && head.framing != Framing::None && self.ahead.is_empty() {
            self.transport.write_all(CONTINUE).await.ok()?;
            self.transport.flush().await.ok()?;
        }
        let deadline = Instant::now() + listener.config.web_limits.body_timeout;
        let mut octets = std::mem::take(&mut self.ahead);
        loop {
            if let Err(fault) = reader.push(&octets) {
                return Some(Err(fault));
            }
            if reader.is_whole() {
                return Some(Ok(reader.into_body()));
            }
            match timeout_at(deadline, self.read(listener)).await {
                Ok(more) => octets = more?,
                Err(_) => return Some(Err(Fault::TooSlow)),
            }
        }
    }

    /// What comes next; `None` at the end.
    async fn read(&mut self, listener: &OpenListener) -> Option<Vec<u8>> {
        let mut buffer = vec![0; READ_BYTES];
        let count = self.transport.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        listener.metrics.received.inc_by(count as u64);
        buffer.truncate(count);
        Some(buffer)
    }

    /// Sends the reply, and closes so that it arrives.
    async fn finish(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.transport.write_all(octets).await?;
        self.transport.flush().await?;
        self.transport.shutdown().await?;
        let lingering = async {
            let (mut buffer, mut heard) = (vec![0; READ_BYTES], 0);
            while heard < MAX_LINGER_BYTES {
                match self.transport.read(&mut buffer).await {
                    Ok(0) | Err(_) => return,
                    Ok(count) => heard += count,
                }
            }
        };
        // However it ends, the reply has been sent.
        let _ = timeout(LINGER, lingering).await;
        Ok(())
    }
}
