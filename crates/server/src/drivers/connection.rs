//! The loop that all sessions share: read, feed the session, do what it says, write.
//!
//! What a session says is collected and written at once, when the session has nothing more to do without input, or
//! when [`OUTPUT_BATCH_BYTES`] have gathered; so pipelined commands are answered by one write (RFC 2920 §3.2).
//!
//! A connection that waits holds no buffer: bytes are read into one that belongs to the thread, when there are any.

#[cfg(test)]
mod unconnected;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use posthouse_model::Instant;
use posthouse_model::session::{Peer, QuestionId, Session, Step, TlsInfo};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep_until, timeout};

use super::Incoming;
pub(crate) use super::ending::Ending;
use super::ending::end;
use crate::handshake::accept_upgrade;
use crate::listener::{OpenListener, handshake_failed};
use crate::protocol_log::ProtocolLog;
use crate::transport::Transport;

/// Bytes that are read at once while commands are expected.
const COMMAND_READ_BYTES: usize = 16 * 1024;
/// Bytes that are read at once while a message comes in.
const BODY_READ_BYTES: usize = 64 * 1024;
/// Bytes of output that are gathered before they are written.
const OUTPUT_BATCH_BYTES: usize = 64 * 1024;
/// Pieces of output from this size on are written as they are instead of being copied together with others.
const UNCOPIED_PIECE_BYTES: usize = 16 * 1024;
thread_local! {
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; BODY_READ_BYTES].into_boxed_slice());
}

/// Answers what one session asks.
pub(crate) trait Desk: Send {
    /// The session.
    type Session: Session<Question: Send, Answer: Send> + Send;

    /// Answers a question through [`Channel::answer`], or piece by piece through [`Channel::answer_part`].
    fn ask(
        &mut self,
        id: QuestionId,
        question: <Self::Session as Session>::Question,
        channel: &mut Channel<Self::Session>,
    ) -> impl Future<Output = Result<(), Ending>> + Send;

    /// Takes a piece of the message that is coming in.
    fn body(&mut self, piece: &Bytes);

    /// Whether a message is coming in, so that more should be read at once.
    fn takes_body(&self) -> bool;

    /// TLS has begun, and this is what is known of it: whatever was learnt in clear is void.
    fn tls_started(&mut self, tls: &TlsInfo);

    /// Waits until something happened that the session wants to be told; for ever if there is no such thing. May be
    /// dropped and called again.
    fn changed(&mut self) -> impl Future<Output = ()> + Send;

    /// Tells the session of it.
    fn tell_changed(&mut self, session: &mut Self::Session, now: Instant);

    /// Whether whoever signed in may not use the service any more. [`Desk::changed`] is then over, once.
    fn is_over(&self) -> bool;
}

/// What happened while the session waited.
enum Event {
    Received,
    EndOfInput,
    Deadline,
    Changed,
    Shutdown,
    Lost(io::Error),
}

/// A session and the connection under it.
pub(crate) struct Channel<S: Session> {
    session: S,
    transport: Transport,
    peer: Peer,
    listener: Arc<OpenListener>,
    output: Vec<Bytes>,
    output_bytes: usize,
    /// A step that came up while a question was answered in pieces.
    next: Option<Step<S::Question>>,
    /// When the session wants to be woken.
    deadline: Option<Instant>,
    alarm: Option<Alarm>,
    log: Option<Box<ProtocolLog>>,
}

/// A timer, which may be set too early but never too late.
struct Alarm {
    at: Instant,
    sleep: Pin<Box<Sleep>>,
}

/// Runs a session to its end.
pub(crate) async fn run<D: Desk>(
    incoming: Incoming,
    session: D::Session,
    mut desk: D,
    listener: &Arc<OpenListener>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut channel = Channel::new(incoming.transport, incoming.peer, session, Arc::clone(listener));
    if let Some(tls) = incoming.tls {
        desk.tls_started(&tls);
        let now = channel.now();
        channel.session.tls_established(tls, now);
    }
    let ending = channel.converse(&mut desk, &mut shutdown).await;
    drop(desk);
    Box::pin(end(channel.transport, &channel.listener.config.name, channel.peer, ending)).await;
}

impl<S> Channel<S>
where
    S: Session<Question: Send, Answer: Send> + Send,
{
    fn new(transport: Transport, peer: Peer, session: S, listener: Arc<OpenListener>) -> Self {
        Self {
            session,
            transport,
            peer,
            listener,
            output: Vec::new(),
            output_bytes: 0,
            next: None,
            deadline: None,
            alarm: None,
            log: None,
        }
    }

    /// The time.
    pub(crate) fn now(&self) -> Instant {
        self.listener.house.clock.now()
    }

    /// The session, to ask it something.
    pub(crate) fn session(&self) -> &S {
        &self.session
    }

    /// Answers a question.
    pub(crate) fn answer(&mut self, id: QuestionId, answer: S::Answer) {
        let now = self.now();
        self.session.answer(id, answer, now);
    }

    /// Answers a part of a question and writes what comes of it as soon as it is worth a write, so that a client that
    /// reads slowly slows down whoever answers. Says whether the session wants more parts.
    pub(crate) async fn answer_part(&mut self, id: QuestionId, answer: S::Answer) -> Result<bool, Ending> {
        self.answer(id, answer);
        while self.next.is_none() {
            match self.session.next() {
                None => break,
                Some(Step::Send(bytes)) => self.queue(bytes),
                Some(Step::WakeAt(at)) => self.deadline = Some(at),
                Some(step) => self.next = Some(step),
            }
        }
        if self.output_bytes >= OUTPUT_BATCH_BYTES {
            self.flush().await?;
        }
        Ok(self.next.is_none())
    }

    /// Says that what is sent from here on is, or is no longer, somebody's mail, which is never logged.
    pub(crate) fn sends_mail(&mut self, mail: bool) {
        if let Some(log) = &mut self.log {
            log.server_sends_mail(mail);
        }
    }

    async fn converse<D: Desk<Session = S>>(&mut self, desk: &mut D, shutdown: &mut watch::Receiver<bool>) -> Ending {
        let mut told_to_end = false;
        loop {
            let done = match self.next.take().or_else(|| self.session.next()) {
                Some(step) => self.carry_out(desk, step).await,
                None => self.wait(desk, shutdown, &mut told_to_end).await,
            };
            if let Err(ending) = done {
                return ending;
            }
        }
    }

    async fn carry_out<D: Desk<Session = S>>(&mut self, desk: &mut D, step: Step<S::Question>) -> Result<(), Ending> {
        match step {
            Step::Send(bytes) => {
                self.queue(bytes);
                if self.output_bytes >= OUTPUT_BATCH_BYTES { Box::pin(self.flush()).await } else { Ok(()) }
            }
            // Questions are rare and their futures large: a box of their own keeps waiting connections small.
            Step::Ask(id, question) => Box::pin(desk.ask(id, question, self)).await,
            Step::Body(piece) => {
                desk.body(&piece);
                Ok(())
            }
            Step::StartTls => Box::pin(self.start_tls(desk)).await,
            Step::StartCompression => Box::pin(self.start_compression()).await,
            Step::WakeAt(at) => {
                self.deadline = Some(at);
                Ok(())
            }
            Step::Close(reason) => match Box::pin(self.flush()).await {
                Ok(()) => Err(Ending::Closed(reason)),
                Err(ending) => Err(ending),
            },
        }
    }

    /// Waits for the next thing to happen and tells the session.
    async fn wait<D: Desk<Session = S>>(
        &mut self,
        desk: &mut D,
        shutdown: &mut watch::Receiver<bool>,
        told_to_end: &mut bool,
    ) -> Result<(), Ending> {
        if !self.output.is_empty() {
            Box::pin(self.flush()).await?;
        }
        // Before anything else is read, so that nobody stays by sending command after command.
        if !*told_to_end && desk.is_over() {
            *told_to_end = true;
            let now = self.now();
            self.session.sign_out(now);
            return Ok(());
        }
        let read_bytes = if desk.takes_body() { BODY_READ_BYTES } else { COMMAND_READ_BYTES };
        let event = tokio::select! {
            biased;
            event = poll_fn(|cx| self.poll_event(read_bytes, cx)) => event,
            () = desk.changed() => Event::Changed,
            _ = shutdown.changed(), if !*told_to_end => Event::Shutdown,
        };
        let now = self.now();
        match event {
            Event::Received => {}
            Event::EndOfInput => self.session.receive_eof(now),
            Event::Deadline => {
                self.deadline = None;
                self.session.wake(now);
            }
            Event::Changed => desk.tell_changed(&mut self.session, now),
            Event::Shutdown => {
                *told_to_end = true;
                self.session.shut_down(now);
            }
            Event::Lost(error) => return Err(Ending::Lost(error)),
        }
        Ok(())
    }

    fn poll_event(&mut self, read_bytes: usize, cx: &mut Context<'_>) -> Poll<Event> {
        if self.session.wants_input()
            && let Poll::Ready(received) = self.poll_receive(read_bytes, cx)
        {
            return Poll::Ready(match received {
                Ok(0) => Event::EndOfInput,
                Ok(_) => Event::Received,
                // A client that does not say goodbye to TLS is at its end all the same.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Event::EndOfInput,
                Err(error) => Event::Lost(error),
            });
        }
        self.poll_deadline(cx).map(|()| Event::Deadline)
    }

    /// Reads what there is, up to `read_bytes`, and gives it to the session.
    fn poll_receive(&mut self, read_bytes: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        READ_BUFFER.with_borrow_mut(|memory| {
            let mut buffer = ReadBuf::new(&mut memory[..read_bytes]);
            ready!(Pin::new(&mut self.transport).poll_read(cx, &mut buffer))?;
            let count = buffer.filled().len();
            if count > 0 {
                let now = self.now();
                self.listener.metrics.received.inc_by(count as u64);
                if let Some(log) = self.protocol_log() {
                    log.client(buffer.filled());
                }
                self.session.receive(buffer.filled(), now);
                // The next connection of this thread must not find a password here.
                memory[..count].fill(0);
            }
            Poll::Ready(Ok(count))
        })
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let clock = self.listener.house.clock;
        let alarm =
            self.alarm.get_or_insert_with(|| Alarm { at: deadline, sleep: Box::pin(sleep_until(clock.at(deadline))) });
        if alarm.at > deadline {
            alarm.at = deadline;
            alarm.sleep.as_mut().reset(clock.at(deadline));
        }
        while alarm.sleep.as_mut().poll(cx).is_ready() {
            if clock.now() >= deadline {
                self.alarm = None;
                return Poll::Ready(());
            }
            alarm.at = deadline;
            alarm.sleep.as_mut().reset(clock.at(deadline));
        }
        Poll::Pending
    }

    fn queue(&mut self, bytes: Bytes) {
        if let Some(log) = self.protocol_log() {
            log.server(&bytes);
        }
        self.output_bytes += bytes.len();
        self.output.push(bytes);
    }

    /// Writes all that is queued. A client gets its time for each batch of [`OUTPUT_BATCH_BYTES`], so that what cuts it
    /// off is how slowly it reads and not how much it asked for.
    pub(crate) async fn flush(&mut self) -> Result<(), Ending> {
        let pieces = std::mem::take(&mut self.output);
        let count = std::mem::take(&mut self.output_bytes);
        let mut joined = Vec::new();
        for piece in &pieces {
            if piece.len() < UNCOPIED_PIECE_BYTES && pieces.len() > 1 {
                joined.extend_from_slice(piece);
                continue;
            }
            self.write(&std::mem::take(&mut joined)).await?;
            self.write(piece).await?;
        }
        self.write(&joined).await?;
        self.listener.metrics.sent.inc_by(count as u64);
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        for batch in bytes.chunks(OUTPUT_BATCH_BYTES) {
            let written = async {
                self.transport.write_all(batch).await?;
                self.transport.flush().await
            };
            match timeout(self.listener.config.limits.write_timeout, written).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(Ending::Lost(error)),
                Err(_) => return Err(Ending::ReadsTooSlowly),
            }
        }
        Ok(())
    }

    /// Nothing that was read in clear is left here: all of it went to the session, which closes when there was
    /// anything behind STARTTLS.
    async fn start_tls<D: Desk<Session = S>>(&mut self, desk: &mut D) -> Result<(), Ending> {
        self.flush().await?;
        let listener = Arc::clone(&self.listener);
        let (Some(tls), Some(socket)) = (&listener.config.tls, self.transport.take_plain()) else {
            return Err(Ending::NoTls);
        };
        match accept_upgrade(socket, tls, listener.config.limits.tls_handshake_timeout).await {
            Ok(established) => {
                listener.metrics.handshake(&established.info.version);
                self.transport = Transport::Tls(established.stream);
                desk.tls_started(&established.info);
                let now = self.now();
                self.session.tls_established(established.info, now);
                Ok(())
            }
            Err(error) => {
                handshake_failed(&listener, self.peer, &error);
                Err(Ending::NoTls)
            }
        }
    }

    /// Everything before this step goes out as it is.
    async fn start_compression(&mut self) -> Result<(), Ending> {
        self.flush().await?;
        self.transport.compress();
        Ok(())
    }

    fn protocol_log(&mut self) -> Option<&mut ProtocolLog> {
        if self.listener.logs_protocol.load(Ordering::Relaxed) {
            let new = || Box::new(ProtocolLog::new(&self.listener.config, self.peer.remote));
            Some(self.log.get_or_insert_with(new))
        } else {
            self.log = None;
            None
        }
    }
}
