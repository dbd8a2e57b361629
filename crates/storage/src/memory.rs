//! A store without a disk, for tests of the rooms above.
//!
//! Everything lies in plain maps under one lock, so that each call is a transaction: it checks first and changes
//! afterwards. It keeps to the letter of the ports, and two switches make it slow or broken when a test wants that.

mod access;
mod account_keys;
mod annotations;
mod append;
mod beginnings;
mod bodies;
mod deadlines;
mod directory;
mod duplicates;
mod future_releases;
mod groups;
mod imports;
mod inventory;
mod languages;
mod mail;
mod messages;
mod password_history;
mod queue;
mod quotas;
mod received_tls_reports;
mod recovery;
mod retention;
mod routes;
mod search_index;
mod seen_by;
mod sending_quotas;
mod sending_watch;
mod settings;
mod shelf;
mod sort_keys;
mod trail;
mod transport;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use posthouse_model::{AccountId, Secret};
use tokio::sync::watch;

use crate::access::Subject;
use crate::error::StorageError;
use crate::imports::ImportKey;
use crate::observe::{AnnotationChange, CommitObserver, Concerned, MailboxChange};
use crate::password_history::EarlierPassword;

use access::AccessTables;
use account_keys::KeyTables;
use annotations::AnnotationTables;
use bodies::Bodies;
use directory::DirectoryTables;
use duplicates::DuplicateTables;
use groups::GroupTables;
use inventory::InventoryTable;
use languages::LanguageTables;
use queue::QueueTables;
use quotas::QuotaTables;
use received_tls_reports::ReportTables;
use recovery::RecoveryTables;
use retention::RetentionTable;
use routes::RouteTables;
use search_index::SearchTables;
use seen_by::SeenTables;
use sending_quotas::SendingTables;
use sending_watch::WatchTables;
use shelf::MailTables;
use trail::TrailTables;
use transport::TransportTables;

/// A store without a disk. What it holds is gone with it.
pub struct MemoryStorage {
    state: Mutex<State>,
    paused: watch::Sender<bool>,
}

/// All tables. One lock guards them, and observers are called under it: that is what keeps commit order.
#[derive(Default)]
struct State {
    access: AccessTables,
    annotations: AnnotationTables,
    directory: DirectoryTables,
    groups: GroupTables,
    inventory: InventoryTable,
    languages: LanguageTables,
    /// The newest first.
    earlier_passwords: BTreeMap<AccountId, Vec<EarlierPassword>>,
    keys: KeyTables,
    mail: MailTables,
    seen: SeenTables,
    bodies: Bodies,
    queue: QueueTables,
    search: SearchTables,
    quotas: QuotaTables,
    sending: SendingTables,
    watch: WatchTables,
    trail: TrailTables,
    transport: TransportTables,
    tls_reports: ReportTables,
    settings: BTreeMap<String, Secret>,
    recovery: RecoveryTables,
    retention: RetentionTable,
    routes: RouteTables,
    duplicates: DuplicateTables,
    imports: BTreeSet<(AccountId, ImportKey)>,
    observers: Vec<Arc<dyn CommitObserver>>,
    broken: bool,
}

impl State {
    /// Tells the observers what has just been done.
    fn announce(&self, changes: &[MailboxChange]) {
        if !changes.is_empty() {
            self.observers.iter().for_each(|observer| observer.committed(changes));
        }
    }

    fn announce_annotations(&self, changes: &[AnnotationChange]) {
        self.observers.iter().for_each(|observer| observer.annotated(changes));
    }

    fn announce_directory(&self) {
        self.observers.iter().for_each(|observer| observer.directory_changed());
    }

    fn announce_rights(&self, concerned: &[Concerned]) {
        if !concerned.is_empty() {
            self.observers.iter().for_each(|observer| observer.rights_changed(concerned));
        }
    }

    /// Whom it concerns what an access list says about `subject`.
    fn concerned(&self, subject: Subject) -> Vec<Concerned> {
        match subject {
            Subject::Anyone => vec![Concerned::Everybody],
            Subject::Account(account) => vec![Concerned::Account(account)],
            Subject::Group(group) => self.groups.members_of(group).map(Concerned::Account).collect(),
        }
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self { state: Mutex::default(), paused: watch::channel(false).0 }
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStorage").finish_non_exhaustive()
    }
}

/// Ends, when dropped, what [`MemoryStorage::pause_loading`] began.
#[derive(Debug)]
pub struct LoadingPause(watch::Sender<bool>);

impl Drop for LoadingPause {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

impl MemoryStorage {
    /// An empty store.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// From now on every call fails with [`StorageError::Unavailable`], or none does.
    pub fn set_broken(&self, broken: bool) {
        self.state.lock().broken = broken;
    }

    /// Until the pause is dropped, [`Mail::messages`](crate::Mail::messages) reads at once, but returns what it read
    /// only when the pause is over: commits can be made in between. Likewise
    /// [`SearchIndex::match_terms`](crate::SearchIndex::match_terms), as if the index were large.
    #[must_use]
    pub fn pause_loading(&self) -> LoadingPause {
        self.paused.send_replace(true);
        LoadingPause(self.paused.clone())
    }

    /// From now on no body can be read, as if all were gone; what was worked out about them is still there.
    pub fn lose_bodies(&self) {
        self.state.lock().bodies.lose_octets();
    }

    /// Number of bodies that something refers to.
    pub fn body_count(&self) -> usize {
        self.state.lock().bodies.len()
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, StorageError> {
        let state = self.state.lock();
        if state.broken {
            return Err(StorageError::Unavailable("the test broke it".to_owned()));
        }
        Ok(state)
    }

    async fn loading_goes_on(&self) {
        // The sender lives as long as `self`.
        let _ = self.paused.subscribe().wait_for(|paused| !paused).await;
    }
}
