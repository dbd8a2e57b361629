//! What all connections share.

use std::fmt;
use std::sync::{Arc, OnceLock};

use posthouse_flow::{Environment, Flow, SpoolRoom};
use posthouse_identity::Identity;
use posthouse_mailbox::Mailboxes;
use posthouse_sasl::NONCE_BYTES;
use tokio::sync::Semaphore;

use crate::admission::Admission;
use crate::clock::Clock;
use crate::drivers::maildrops::Maildrops;
use crate::failed_logins::FailedLogins;
use crate::inventory::Sightings;
use crate::metrics::Metrics;
use crate::signed_in::SignedIn;
use crate::web::Site;

/// The rooms that sessions ask.
#[derive(Clone)]
pub struct Rooms {
    /// Who somebody is.
    pub identity: Arc<Identity>,
    /// Mail at rest.
    pub mailboxes: Arc<Mailboxes>,
    /// Mail in motion.
    pub flow: Arc<Flow>,
    /// The budget for messages that are coming in.
    pub spool_room: Arc<SpoolRoom>,
    /// Time and chance.
    pub environment: Arc<dyn Environment>,
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms").finish_non_exhaustive()
    }
}

/// What all connections share.
pub(crate) struct House {
    pub(crate) rooms: Rooms,
    pub(crate) clock: Clock,
    pub(crate) admission: Arc<Admission>,
    pub(crate) failed_logins: FailedLogins,
    pub(crate) maildrops: Maildrops,
    pub(crate) signed_in: Arc<SignedIn>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) sightings: Arc<Sightings>,
    /// Who answers requests of HTTP, once there is somebody.
    pub(crate) site: OnceLock<Arc<dyn Site>>,
    /// Room for bodies of such requests.
    pub(crate) web_bodies: Semaphore,
}

impl fmt::Debug for House {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("House").finish_non_exhaustive()
    }
}

impl House {
    /// Fresh random bytes for a SASL exchange.
    pub(crate) fn nonce(&self) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        for piece in nonce.chunks_mut(size_of::<u64>()) {
            let random = self.rooms.environment.random().to_ne_bytes();
            piece.copy_from_slice(&random[..piece.len()]);
        }
        nonce
    }

    /// The time, in seconds since 1970.
    pub(crate) fn unix_seconds(&self) -> u64 {
        u64::try_from(self.rooms.environment.now().seconds()).unwrap_or(0)
    }
}
