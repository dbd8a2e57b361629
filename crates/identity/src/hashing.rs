//! Password hashing on threads of its own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use parking_lot::Mutex;
use posthouse_model::Secret;
use tokio::sync::oneshot;

use crate::credential::random;

/// Bytes of salt in a new hash (RFC 9106 §3.1 recommends 16).
const ARGON2_SALT_BYTES: usize = 16;

/// What hashing one password with Argon2id (RFC 9106) costs.
#[derive(Clone, Copy, Debug)]
pub struct HashCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for HashCost {
    /// 19 MiB and two passes, the least that OWASP recommends: about 40 ms of one processor.
    fn default() -> Self {
        Self { memory_kib: Params::DEFAULT_M_COST, passes: Params::DEFAULT_T_COST }
    }
}

impl HashCost {
    /// The cheapest hash there is. For tests and throw-away demonstrations only.
    pub fn dangerous_minimum() -> Self {
        Self { memory_kib: Params::MIN_M_COST, passes: Params::MIN_T_COST }
    }

    /// Hashes `password` with a fresh salt, in PHC string format. Blocks for as long as it takes.
    pub(crate) fn hash(&self, password: &Secret) -> Secret {
        let params = Params::new(self.memory_kib, self.passes, 1, None).expect("the cost is within Argon2's bounds");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let salt = random::<ARGON2_SALT_BYTES>();
        let hash: PasswordHash =
            argon2.hash_password_with_salt(password.expose(), &salt).expect("salt and output have fixed lengths");
        Secret::new(hash.to_string())
    }
}

/// Whether `password` is the one of `hash`, a PHC string. Blocks for as long as it takes.
pub(crate) fn verify(hash: &Secret, password: &Secret) -> bool {
    let parsed = hash.expose_str().and_then(|text| PasswordHash::new(text).ok());
    parsed.is_some_and(|hash| Argon2::default().verify_password(password.expose(), &hash).is_ok())
}

type Job = Box<dyn FnOnce() + Send>;

/// A few threads that do nothing but hash. What waits for them is bounded, too.
pub struct HashingThreads {
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

/// All threads are busy and the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overloaded;

impl HashingThreads {
    /// Starts `threads` threads, with room for `queue` jobs to wait.
    pub fn start(threads: usize, queue: usize) -> Self {
        let (jobs, waiting) = sync_channel::<Job>(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        let threads = (0..threads.max(1))
            .map(|n| {
                let waiting = Arc::clone(&waiting);
                std::thread::Builder::new()
                    .name(format!("hashing-{n}"))
                    .spawn(move || work(&waiting))
                    .expect("a thread can be started at start-up")
            })
            .collect();
        Self { jobs: Some(jobs), threads }
    }

    /// Runs `job` on one of the threads and brings back its result.
    ///
    /// # Errors
    /// [`Overloaded`] when too many jobs wait already.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Overloaded> {
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Whoever asked may have hung up meanwhile.
            let _ = answer.send(job());
        });
        match self.jobs.as_ref().ok_or(Overloaded)?.try_send(job) {
            Ok(()) => result.await.map_err(|_| Overloaded),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Overloaded),
        }
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    loop {
        let job = waiting.lock().recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

impl Drop for HashingThreads {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A job that panicked has been answered by its dropped channel.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_verify() {
        let hash = HashCost::dangerous_minimum().hash(&Secret::new("right"));
        assert!(hash.expose_str().unwrap().starts_with("$argon2id$v=19$"));
        assert!(verify(&hash, &Secret::new("right")));
        assert!(!verify(&hash, &Secret::new("wrong")));
        assert!(!verify(&Secret::new("rubbish"), &Secret::new("right")));
    }

    #[tokio::test]
    async fn a_full_queue_is_an_answer() {
        let threads = HashingThreads::start(1, 1);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (started, has_started) = oneshot::channel();
        let busy = threads.run(move || {
            let _ = started.send(());
            let _ = held.recv();
            1
        });
        tokio::pin!(busy);
        tokio::select! {
            biased;
            _ = &mut busy => panic!("the job is held"),
            _ = has_started => {}
        }
        let second = threads.run(|| 2);
        tokio::pin!(second);
        assert!(futures_pending(&mut second).await);
        assert_eq!(threads.run(|| 3).await, Err(Overloaded));
        release.send(()).unwrap();
        assert_eq!(busy.await, Ok(1));
        assert_eq!(second.await, Ok(2));
    }

    /// Polls once, so that the job is queued.
    async fn futures_pending<F: Future + Unpin>(future: &mut F) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())).await
    }
}
