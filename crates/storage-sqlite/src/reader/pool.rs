//! The threads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::{Condvar, Mutex};
use posthouse_storage::StorageError;
use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use crate::fault::Fault;
use crate::segment::SegmentFiles;

/// What a question may use.
pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) files: Arc<SegmentFiles>,
    /// Room to read into, kept from question to question.
    pub(crate) scratch: Vec<u8>,
}

type Question = Box<dyn FnOnce(&mut Reader) + Send>;

#[derive(Default)]
struct Waiting {
    questions: VecDeque<Question>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

/// The threads that read.
pub(crate) struct ReaderPool {
    shared: Arc<Shared>,
    /// One permit for each question that may wait.
    room: Semaphore,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl ReaderPool {
    /// Starts a thread for each connection.
    pub(crate) fn start(
        connections: Vec<Connection>,
        files: &Arc<SegmentFiles>,
        waiting: usize,
    ) -> Result<Self, StorageError> {
        let shared = Arc::new(Shared::default());
        let mut threads = Vec::new();
        for connection in connections {
            let shared = Arc::clone(&shared);
            let mut reader = Reader { connection, files: Arc::clone(files), scratch: Vec::new() };
            let thread = thread::Builder::new()
                .name("store-reader".into())
                .spawn(move || serve(&shared, &mut reader))
                .map_err(|error| StorageError::Unavailable(format!("cannot start a thread: {error}")))?;
            threads.push(thread);
        }
        Ok(Self { shared, room: Semaphore::new(waiting.max(1)), threads: Mutex::new(threads) })
    }

    /// Has a thread answer a question. Waits for room while too many others wait.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Reader) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StorageError> {
        let _room = self.room.acquire().await.map_err(|_| StorageError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(move |reader| {
            // Who asked may have gone.
            let _ = reply.send(question(reader).map_err(StorageError::from));
        });
        {
            let mut waiting = self.shared.waiting.lock();
            if waiting.closed {
                return Err(StorageError::Closed);
            }
            waiting.questions.push_back(question);
        }
        self.shared.arrived.notify_one();
        answer.await.map_err(|_| StorageError::Closed)?
    }

    /// Answers what waits, ends the threads and waits for them.
    pub(crate) fn close(&self) {
        self.shared.waiting.lock().closed = true;
        self.shared.arrived.notify_all();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a reader of the store panicked");
            }
        }
    }
}

fn serve(shared: &Shared, reader: &mut Reader) {
    loop {
        let question = {
            let mut waiting = shared.waiting.lock();
            loop {
                if let Some(question) = waiting.questions.pop_front() {
                    break question;
                }
                if waiting.closed {
                    return;
                }
                shared.arrived.wait(&mut waiting);
            }
        };
        question(reader);
    }
}
