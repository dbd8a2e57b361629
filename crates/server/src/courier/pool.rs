//! Connections that are kept for a moment, for the message that comes next.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_flow::{HopTls, NextHop};
use posthouse_model::Domain;

use super::connection::Connection;

/// What two hops must share to share a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    host: Domain,
    address: IpAddr,
    port: u16,
    tls: HopTls,
    login: Option<String>,
}

impl Key {
    pub fn new(hop: &NextHop, address: IpAddr) -> Self {
        let login = hop.login.as_ref().map(|(name, _)| name.clone());
        Self { host: hop.host.clone(), address, port: hop.port, tls: hop.tls, login }
    }
}

struct Kept {
    number: u64,
    key: Key,
    connection: Connection,
}

#[derive(Default)]
struct Shelf {
    /// Oldest first.
    kept: VecDeque<Kept>,
    last_number: u64,
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
        let (number, surplus) = {
            let mut shelf = pool.shelf.lock();
            shelf.last_number += 1;
            let number = shelf.last_number;
            shelf.kept.push_back(Kept { number, key, connection });
            let surplus = if shelf.kept.len() > pool.capacity { shelf.kept.pop_front() } else { None };
            (number, surplus)
        };
        if let Some(surplus) = surplus {
            tokio::spawn(surplus.connection.quit());
        }
        let (pool, time) = (Arc::downgrade(pool), pool.time);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            let Some(pool) = pool.upgrade() else { return };
            let expired = pool.remove_number(number);
            if let Some(expired) = expired {
                expired.connection.quit().await;
            }
        });
    }

    fn remove_number(&self, number: u64) -> Option<Kept> {
        let mut shelf = self.shelf.lock();
        let at = shelf.kept.iter().position(|kept| kept.number == number)?;
        shelf.kept.remove(at)
    }

    /// Says goodbye on all of them, side by side.
    pub async fn close_all(&self) {
        let all = std::mem::take(&mut self.shelf.lock().kept);
        let mut goodbyes = tokio::task::JoinSet::new();
        all.into_iter().for_each(|kept| drop(goodbyes.spawn(kept.connection.quit())));
        while goodbyes.join_next().await.is_some() {}
    }
}
