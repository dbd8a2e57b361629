//! What the writer is asked to do.

use posthouse_storage::{Body, StorageError};
use tokio::sync::oneshot;

use super::work::Work;
use crate::fault::Fault;

/// Something to do inside a batch.
pub(super) trait Job: Send {
    /// Does it, once.
    fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Fault>;
    /// Answers who asked: with what [`Self::apply`] made if `outcome` is `Ok`.
    fn answer(self: Box<Self>, outcome: Result<(), StorageError>);
}

/// What the writer is asked to do.
pub(crate) struct Request {
    /// Bodies that have to be in a segment before the job is done.
    pub(super) bodies: Vec<Body>,
    pub(super) job: Box<dyn Job>,
}

/// Where the answer comes.
type Reply<T> = oneshot::Receiver<Result<T, StorageError>>;

struct Task<F, T> {
    run: Option<F>,
    made: Option<T>,
    reply: oneshot::Sender<Result<T, StorageError>>,
}

impl<F, T> Job for Task<F, T>
where
    F: FnOnce(&mut Work<'_>) -> Result<T, Fault> + Send,
    T: Send,
{
    fn apply(&mut self, work: &mut Work<'_>) -> Result<(), Fault> {
        if let Some(run) = self.run.take() {
            self.made = Some(run(work)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StorageError>) {
        let Self { made, reply, .. } = *self;
        // Who asked may have gone; what was done is done all the same.
        let _ = reply.send(outcome.and_then(|()| made.ok_or(StorageError::Closed)));
    }
}

/// A request and where its answer comes.
pub(crate) fn request<T: Send + 'static>(
    bodies: Vec<Body>,
    run: impl FnOnce(&mut Work<'_>) -> Result<T, Fault> + Send + 'static,
) -> (Request, Reply<T>) {
    let (reply, answer) = oneshot::channel();
    (Request { bodies, job: Box::new(Task { run: Some(run), made: None, reply }) }, answer)
}
