//! Connections that are kept for a moment, for the message that comes next.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_flow::{HopTls, NextHop};
use posthouse_model::Domain;
use tokio::time::Instant;

use super::connection::Connection;

/// What two hops must share to share a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    host: Domain,
    address: IpAddr,
    port: u16,
    tls: HopTls,
    login: Option<String>,
    certificate: Option<String>,
    certificate_name: Option<Domain>,
}

impl Key {
    pub fn new(hop: &NextHop, address: IpAddr) -> Self {
        let login = hop.login.as_ref().map(|login| login.name.clone());
        Self {
            host: hop.host.clone(),
            address,
            port: hop.port,
            tls: hop.tls.clone(),
            login,
            certificate: hop.certificate.as_ref().map(|certificate| certificate.chain.clone()),
            certificate_name: hop.certificate_name.clone(),
        }
    }
}

struct Kept {
    key: Key,
    connection: Connection,
    until: Instant,
}

#[derive(Default)]
struct Shelf {
    /// Oldest first, and so the first whose time is over.
    kept: VecDeque<Kept>,
    /// Whether a task sees to those whose time is over.
    is_attended: bool,
}

/// The connections that are kept.
pub(super) struct Pool {
    shelf: Mutex<Shelf>,
    capacity: usize,
    time: Duration,
}

impl Pool {
    pub fn new(capacity: usize, time: Duration) -> Arc<Self> {
        Arc::new(Self { shelf: Mutex::default(), capacity, time })
    }

    pub fn len(&self) -> usize {
        self.shelf.lock().kept.len()
    }

    /// The newest connection for this key that is still alive.
    pub async fn take(&self, key: &Key) -> Option<Connection> {
        loop {
            let mut connection = self.remove(key)?;
            if connection.is_alive().await {
                return Some(connection);
            }
        }
    }

    fn remove(&self, key: &Key) -> Option<Connection> {
        let mut shelf = self.shelf.lock();
        let at = shelf.kept.iter().rposition(|kept| kept.key == *key)?;
        shelf.kept.remove(at).map(|kept| kept.connection)
    }

    /// Keeps a connection for a while. When there is no room, the oldest goes.
    pub fn put(pool: &Arc<Self>, key: Key, connection: Connection) {
        let until = Instant::now() + pool.time;
        let (surplus, is_attended) = {
            let mut shelf = pool.shelf.lock();
            shelf.kept.push_back(Kept { key, connection, until });
            let surplus = if shelf.kept.len() > pool.capacity { shelf.kept.pop_front() } else { None };
            (surplus, std::mem::replace(&mut shelf.is_attended, true))
        };
        if let Some(surplus) = surplus {
            tokio::spawn(surplus.connection.quit());
        }
        if !is_attended {
            tokio::spawn(attend(Arc::downgrade(pool)));
        }
    }

    /// Says goodbye where the time is over, and tells when it is for the next one; `None` when nothing is kept.
    fn expire(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut shelf = self.shelf.lock();
        while let Some(first) = shelf.kept.pop_front_if(|first| first.until <= now) {
            tokio::spawn(first.connection.quit());
        }
        let next = shelf.kept.front().map(|first| first.until);
        shelf.is_attended = next.is_some();
        next
    }

    /// Says goodbye on all of them, side by side.
    pub async fn close_all(&self) {
        let all = std::mem::take(&mut self.shelf.lock().kept);
        let mut goodbyes = tokio::task::JoinSet::new();
        all.into_iter().for_each(|kept| drop(goodbyes.spawn(kept.connection.quit())));
        while goodbyes.join_next().await.is_some() {}
    }
}

/// A connection over which something went of which the house has still to take note. It can be used again, or is said
/// goodbye on, when this is dropped.
pub(super) struct Held {
    pool: Arc<Pool>,
    carried: Option<(Key, Connection)>,
}

impl Held {
    pub fn new(pool: &Arc<Pool>, key: Key, connection: Connection) -> Self {
        Self { pool: Arc::clone(pool), carried: Some((key, connection)) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some((key, connection)) = self.carried.take() else { return };
        // At the end of the process there is nobody left to say goodbye.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        if connection.can_be_kept() {
            Pool::put(&self.pool, key, connection);
        } else {
            tokio::spawn(connection.quit());
        }
    }
}

/// Ends connections when their time is over, until none is left.
async fn attend(pool: Weak<Pool>) {
    while let Some(next) = pool.upgrade().and_then(|pool| pool.expire()) {
        tokio::time::sleep_until(next).await;
    }
}
