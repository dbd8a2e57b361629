//! What works beside the listeners.

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

/// Work that goes on for as long as the house is open.
pub(super) struct Tasks {
    closing: watch::Sender<bool>,
    /// With a name for the log.
    running: Vec<(&'static str, JoinHandle<()>)>,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self { closing: watch::Sender::new(false), running: Vec::new() }
    }

    /// Begins some work. It ends when what it is given says so.
    pub(super) fn begin<F>(&mut self, name: &'static str, work: impl FnOnce(watch::Receiver<bool>) -> F) -> AbortHandle
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let task = tokio::spawn(work(self.closing.subscribe()));
        let handle = task.abort_handle();
        self.running.push((name, task));
        handle
    }

    /// Has all of it end.
    pub(super) fn stop(&self) {
        self.closing.send_replace(true);
    }

    /// Waits until it has.
    pub(super) async fn ended(self) {
        for (name, task) in self.running {
            if let Err(error) = task.await {
                tracing::error!(%error, "the {name} ended in a fault");
            }
        }
    }
}
