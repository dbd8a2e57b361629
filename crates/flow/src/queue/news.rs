//! What the store tells whoever takes mail out of the queue.

use std::collections::HashSet;

use parking_lot::Mutex;
use posthouse_model::{Domain, UnixMillis};
use posthouse_storage::{CommitObserver, MailboxChange, QueueNews};
use tokio::sync::Notify;

/// Most destinations that are remembered until the dispatcher asks; of others it hears that there are some.
const MAX_DESTINATIONS: usize = 10_000;

/// What was heard since it was asked last.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Destinations with something ready.
    pub ready: HashSet<Domain>,
    /// Whether there are others.
    pub has_missed: bool,
    /// When the time comes of something that waits.
    pub next_due: Option<UnixMillis>,
    /// When the time of something is over.
    pub next_deadline: Option<UnixMillis>,
}

/// Keeps what the store tells, and wakes the dispatcher.
#[derive(Default)]
pub(super) struct News {
    heard: Mutex<Heard>,
    wake: Notify,
}

impl News {
    /// What was heard since this was called last.
    pub fn take(&self) -> Heard {
        std::mem::take(&mut *self.heard.lock())
    }

    /// Waits until there is something.
    pub async fn come(&self) {
        self.wake.notified().await;
    }
}

impl CommitObserver for News {
    fn committed(&self, _: &[MailboxChange]) {}

    fn queue_changed(&self, news: &QueueNews) {
        {
            let mut heard = self.heard.lock();
            for destination in &news.ready {
                if heard.ready.len() < MAX_DESTINATIONS {
                    heard.ready.insert(destination.clone());
                } else {
                    heard.has_missed |= !heard.ready.contains(destination);
                }
            }
            heard.next_due = heard.next_due.into_iter().chain(news.next_due).min();
            heard.next_deadline = heard.next_deadline.into_iter().chain(news.next_deadline).min();
        }
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_destinations_are_remembered() {
        let news = News::default();
        let told = |number: usize, due: i64| QueueNews {
            ready: vec![Domain::parse(&format!("d{number}.example")).unwrap()],
            next_due: Some(UnixMillis(due)),
            next_deadline: None,
        };
        (0..MAX_DESTINATIONS).for_each(|number| news.queue_changed(&told(number, 9)));
        news.queue_changed(&told(0, 5));
        let heard = news.take();
        assert_eq!(
            (heard.ready.len(), heard.has_missed, heard.next_due),
            (MAX_DESTINATIONS, false, Some(UnixMillis(5)))
        );
        (0..=MAX_DESTINATIONS).for_each(|number| news.queue_changed(&told(number, 9)));
        let heard = news.take();
        assert_eq!((heard.ready.len(), heard.has_missed), (MAX_DESTINATIONS, true));
        assert!(news.take().ready.is_empty());
    }
}
