//! How far a long piece of work is, for whoever asks meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far something is. The one who works counts, and another one looks.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    goal: AtomicU64,
}

impl Progress {
    /// Messages that are done; this only grows.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Messages there are to do; zero while that is not known.
    pub fn goal(&self) -> u64 {
        self.goal.load(Ordering::Relaxed)
    }

    /// So many messages are to be done besides those that are.
    pub(crate) fn begin(&self, messages: u64) {
        self.goal.store(self.done() + messages, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, messages: usize) {
        self.done.fetch_add(messages as u64, Ordering::Relaxed);
    }
}
