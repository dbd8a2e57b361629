//! Who connects with what: noted where somebody signs in or hands in mail, gathered in memory, and written together.
//!
//! A note costs a lock and a few short texts, and waits for nothing. What was gathered since the last write, a minute at
//! most, is lost when the process is killed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use posthouse_model::UnixMillis;
use posthouse_storage::inventory::{MAX_SIGHTING_TEXT_BYTES, MAX_SIGHTINGS_AT_ONCE};
use posthouse_storage::{Sighting, SightingKey, Storage, StorageError};
use tokio::sync::watch;

/// Most ways of connecting that are gathered before they are written; what is beyond is left out.
const MAX_GATHERED: usize = MAX_SIGHTINGS_AT_ONCE;
/// How often what was gathered is written.
const WRITE_INTERVAL: Duration = Duration::from_secs(60);
/// How often it is looked for what is too old.
const FORGET_INTERVAL_ROUNDS: u32 = 60;
/// What hosts are called that give no name.
const NAMELESS: &str = "(no name)";
/// What clients are called that give an address and no name.
const AN_ADDRESS: &str = "(address)";
/// What stands before a country's name where domains are handed out one level further down, such as `co.uk`.
const SECOND_LEVELS: [&str; 10] = ["ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"];
/// Length of the name of a country.
const COUNTRY: usize = 2;

/// Gathers who connects with what.
#[derive(Debug, Default)]
pub struct Sightings {
    gathered: Mutex<HashMap<SightingKey, Figures>>,
}

#[derive(Clone, Copy, Debug)]
struct Figures {
    first_at: UnixMillis,
    last_at: UnixMillis,
    connections: u64,
}

impl Sightings {
    /// Notes a connection.
    pub(crate) fn note(&self, key: SightingKey, now: UnixMillis) {
        let mut gathered = self.gathered.lock();
        let has_room = gathered.len() < MAX_GATHERED;
        match gathered.get_mut(&key) {
            Some(figures) => {
                figures.last_at = figures.last_at.max(now);
                figures.connections += 1;
            }
            None if has_room => drop(gathered.insert(key, Figures { first_at: now, last_at: now, connections: 1 })),
            None => {}
        }
    }

    /// A client of a connection that was noted says what it is: it is noted as such, and not as one without a name,
    /// unless that has been written already.
    pub(crate) fn name(&self, noted: &SightingKey, client: &str, now: UnixMillis) {
        {
            let mut gathered = self.gathered.lock();
            if let Some(figures) = gathered.get_mut(noted) {
                figures.connections -= 1;
                if figures.connections == 0 {
                    gathered.remove(noted);
                }
            }
        }
        self.note(SightingKey { client: bounded(client), ..noted.clone() }, now);
    }

    /// Writes what was gathered.
    ///
    /// # Errors
    /// When it cannot be written; it is tried again with the next.
    pub async fn write(&self, store: &dyn Storage) -> Result<(), StorageError> {
        let gathered = std::mem::take(&mut *self.gathered.lock());
        if gathered.is_empty() {
            return Ok(());
        }
        let sighting = |(key, figures): (&SightingKey, &Figures)| {
            let Figures { first_at, last_at, connections } = *figures;
            Sighting { key: key.clone(), first_at, last_at, connections }
        };
        let written = store.add_sightings(gathered.iter().map(sighting).collect()).await;
        if written.is_err() {
            self.put_back(gathered);
        }
        written
    }

    /// Writes what was gathered from time to time, and once more at the end; forgets what was not seen for `keep_for`.
    pub async fn run(
        self: Arc<Self>,
        store: Arc<dyn Storage>,
        now: impl Fn() -> UnixMillis + Send,
        keep_for: Duration,
        mut is_over: watch::Receiver<bool>,
    ) {
        let keep_ms = i64::try_from(keep_for.as_millis()).unwrap_or(i64::MAX);
        for round in 0_u32.. {
            if round.is_multiple_of(FORGET_INTERVAL_ROUNDS) {
                let before = UnixMillis(now().0.saturating_sub(keep_ms));
                if let Err(error) = store.forget_sightings(before).await {
                    tracing::error!(%error, "clients that were not seen for long cannot be forgotten");
                }
            }
            let ends = tokio::select! {
                () = tokio::time::sleep(WRITE_INTERVAL) => false,
                _ = is_over.wait_for(|is_over| *is_over) => true,
            };
            if let Err(error) = self.write(&*store).await {
                tracing::error!(%error, "who connects with what cannot be stored now");
            }
            if ends {
                return;
            }
        }
    }

    fn put_back(&self, earlier: HashMap<SightingKey, Figures>) {
        let mut gathered = self.gathered.lock();
        for (key, figures) in earlier {
            let has_room = gathered.len() < MAX_GATHERED;
            match gathered.get_mut(&key) {
                Some(later) => {
                    later.first_at = later.first_at.min(figures.first_at);
                    later.connections += figures.connections;
                }
                None if has_room => drop(gathered.insert(key, figures)),
                None => {}
            }
        }
    }
}

/// A text of a client as it can be kept: printable, and not too long.
pub(crate) fn bounded(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(MAX_SIGHTING_TEXT_BYTES));
    for c in text.chars() {
        if kept.len() + c.len_utf8() > MAX_SIGHTING_TEXT_BYTES {
            break;
        }
        kept.push(if c.is_control() { ' ' } else { c });
    }
    kept
}

/// What a client that greets with this name is called: phones give whatever address they have just now.
pub(crate) fn client_of_greeting(name: &str) -> String {
    if is_address(name) { AN_ADDRESS.to_owned() } else { bounded(name) }
}

fn is_address(name: &str) -> bool {
    name.starts_with('[') || name.parse::<IpAddr>().is_ok()
}

/// Whose host it is that gives this name: its domain, as far as the name alone can tell. That it is really theirs nobody
/// has checked.
pub(crate) fn domain_of_host(name: &str) -> String {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name.is_empty() || is_address(&name) {
        return NAMELESS.to_owned();
    }
    let labels: Vec<&str> = name.rsplit('.').collect();
    let is_shared = matches!(labels.as_slice(), [top, second, _, ..]
        if top.len() == COUNTRY && SECOND_LEVELS.contains(second));
    let wanted = if is_shared { 3 } else { 2 };
    let kept: Vec<&str> = labels.into_iter().take(wanted).rev().collect();
    bounded(&kept.join("."))
}

#[cfg(test)]
mod tests {
    use posthouse_storage::{Inventory, MemoryStorage, SightingFilter};

    use super::*;

    fn key(client: &str) -> SightingKey {
        SightingKey { listener: "mx".to_owned(), client: client.to_owned(), ..SightingKey::default() }
    }

    async fn kept(store: &MemoryStorage) -> Vec<(String, u64)> {
        let found = store.sightings(&SightingFilter::default(), 100).await.unwrap();
        found.into_iter().map(|one| (one.key.client, one.connections)).collect()
    }

    #[tokio::test]
    async fn what_is_noted_is_written_once() {
        let (sightings, store) = (Sightings::default(), MemoryStorage::new());
        for at in 1..4 {
            sightings.note(key("a"), UnixMillis(at));
        }
        sightings.write(&*store).await.unwrap();
        sightings.write(&*store).await.unwrap();
        assert_eq!(kept(&store).await, [("a".to_owned(), 3)]);
    }

    #[tokio::test]
    async fn a_client_that_gives_its_name_is_not_counted_twice() {
        let (sightings, store) = (Sightings::default(), MemoryStorage::new());
        sightings.note(key(""), UnixMillis(1));
        sightings.note(key(""), UnixMillis(2));
        sightings.name(&key(""), "Thunder\r\nbird", UnixMillis(3));
        sightings.write(&*store).await.unwrap();
        assert_eq!(kept(&store).await, [("Thunder  bird".to_owned(), 1), (String::new(), 1)]);
        sightings.name(&key(""), &"ü".repeat(1000), UnixMillis(4));
        sightings.write(&*store).await.unwrap();
        assert_eq!(kept(&store).await[0].0.len(), MAX_SIGHTING_TEXT_BYTES);
    }

    /// Clients that give ever other names cost no more than so much.
    #[tokio::test]
    async fn gathering_is_bounded() {
        let (sightings, store) = (Sightings::default(), MemoryStorage::new());
        for number in 0..MAX_GATHERED + 50 {
            sightings.note(key(&number.to_string()), UnixMillis(1));
        }
        assert_eq!(sightings.gathered.lock().len(), MAX_GATHERED);
        sightings.write(&*store).await.unwrap();
    }

    #[test]
    fn hosts_belong_to_domains() {
        for (name, expected) in [
            ("mail-ej1-f54.Google.com", "google.com"),
            ("mx.example.co.uk", "example.co.uk"),
            ("mx1.mail.ru", "mail.ru"),
            ("a.b.gmx.de", "gmx.de"),
            ("localhost", "localhost"),
            ("[192.0.2.1]", NAMELESS),
            ("192.0.2.1", NAMELESS),
            ("", NAMELESS),
        ] {
            assert_eq!(domain_of_host(name), expected, "{name}");
        }
    }
}
