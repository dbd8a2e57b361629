//! Work that takes long: it is begun by one request, and others ask how far it is. One at a time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use posthouse_storage::StorageError;
use posthouse_storage_sqlite::{Progress, Watcher};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, shape};
use crate::house::House;

/// What is asked about work that takes long.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobRequest {
    /// How far it is: a [`JobView`].
    Look {
        /// The number that beginning it was answered with.
        number: u64,
    },
    /// Let it end before its time.
    Stop {
        /// Which.
        number: u64,
    },
}

/// Work, for people and scripts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct JobView {
    /// Its number.
    pub number: u64,
    /// What it is.
    pub what: String,
    /// What it is doing now.
    pub doing: String,
    /// How much of that is done.
    pub done: u64,
    /// How much there is.
    pub total: u64,
    /// What it came to, once it has succeeded.
    pub outcome: Option<Value>,
    /// Why it failed, once it has.
    pub failure: Option<String>,
}

impl JobView {
    fn is_over(&self) -> bool {
        self.outcome.is_some() || self.failure.is_some()
    }
}

/// What is shown of work, and what lets it end.
type Job = (Arc<Mutex<JobView>>, Arc<AtomicBool>);

/// The work under way, or the last that there was.
#[derive(Default)]
pub struct Jobs {
    last: AtomicU64,
    job: Mutex<Option<Job>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Jobs {
    /// Begins `work` on a thread of its own; the response is its [`JobView`].
    pub fn begin<T: Serialize>(
        &self,
        what: &str,
        work: impl FnOnce(Watcher) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<Value, Refusal> {
        let mut job = lock(&self.job);
        if let Some((view, _)) = job.as_ref()
            && !lock(view).is_over()
        {
            let what = lock(view).what.clone();
            return Err(Refusal::Other(format!("a {what} is under way: wait for it, or stop the server")));
        }
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let view = JobView { number, what: what.to_owned(), doing: "beginning".to_owned(), ..JobView::default() };
        let view = Arc::new(Mutex::new(view));
        let stop = Arc::new(AtomicBool::new(false));
        let (seen, at) = (Arc::clone(&view), Arc::clone(&view));
        let progress = Arc::new(move |progress: Progress| {
            let mut view = lock(&seen);
            progress.doing.clone_into(&mut view.doing);
            (view.done, view.total) = (progress.done, progress.total);
        });
        let watcher = Watcher { progress, stop: Arc::clone(&stop) };
        let what = what.to_owned();
        tokio::task::spawn_blocking(move || {
            let outcome = work(watcher).map_err(|error| error.to_string());
            let outcome = outcome.and_then(|made| serde_json::to_value(made).map_err(|error| error.to_string()));
            match outcome {
                Ok(value) => lock(&at).outcome = Some(value),
                Err(text) => {
                    tracing::error!(error = text, "a {what} failed");
                    lock(&at).failure = Some(text);
                }
            }
        });
        let answer = shape(&*lock(&view));
        *job = Some((view, stop));
        answer
    }

    /// Lets what is under way end soon.
    pub fn stop(&self) {
        if let Some((_, stop)) = lock(&self.job).as_ref() {
            stop.store(true, Ordering::Relaxed);
        }
    }

    fn look(&self, number: u64) -> Option<JobView> {
        let job = lock(&self.job);
        let view = job.as_ref().map(|(view, _)| lock(view).clone());
        view.filter(|view| view.number == number)
    }
}

pub fn answer(request: &JobRequest, house: &House) -> Result<Value, Refusal> {
    let gone = || Refusal::Other("nothing of this number is under way".to_owned());
    match *request {
        JobRequest::Look { number } => shape(house.jobs.look(number).ok_or_else(gone)?),
        JobRequest::Stop { number } => {
            house.jobs.look(number).ok_or_else(gone)?;
            house.jobs.stop();
            shape(())
        }
    }
}
