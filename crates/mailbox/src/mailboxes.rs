//! The room's door.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use posthouse_identity::{AccessControl, DeliveryPermit, MailboxPermit, Permit};
use posthouse_model::{AccountId, Flags, MailboxId, MailboxName, Right, UnixMillis};
use posthouse_storage::{
    AnnotationChange, CommitObserver, Concerned, MailboxChange, MailboxDelta, Named, Placement, Storage, StorageError,
};

use crate::account_watch::Watchers;
use crate::followed::Followed;
use crate::own_seen::OwnSeen;
use crate::search::SearchRoom;
use crate::sort::SortRoom;
use crate::warm::Warm;
use crate::{Mailbox, MailboxError};

/// Most accounts whose INBOX number is remembered.
const MAX_REMEMBERED_INBOXES: usize = 100_000;
/// Locks that mailboxes share while they are read into memory.
const OPENING_LOCKS: usize = 32;

/// All mailboxes of all accounts, for those who hold a permit.
pub struct Mailboxes {
    pub(crate) store: Arc<dyn Storage>,
    pub(crate) access: Arc<AccessControl>,
    warm: Arc<Mutex<Warm>>,
    pub(crate) watchers: Arc<Mutex<Watchers>>,
    opening: [tokio::sync::Mutex<()>; OPENING_LOCKS],
    inboxes: Mutex<HashMap<AccountId, MailboxId>>,
    pub(crate) search_room: Arc<SearchRoom>,
    pub(crate) sort_room: SortRoom,
    pub(crate) administrator_url: Option<String>,
}

/// Passes commits on to the mailboxes that are in memory, and then to those who watch.
struct Follower {
    warm: Weak<Mutex<Warm>>,
    watchers: Weak<Mutex<Watchers>>,
}

impl CommitObserver for Follower {
    fn committed(&self, changes: &[MailboxChange]) {
        let Some(warm) = self.warm.upgrade() else { return };
        // What one call changed in a mailbox is taken in at once, so that nobody sees half of it.
        for of_mailbox in changes.chunk_by(|one, next| one.mailbox == next.mailbox) {
            let id = of_mailbox[0].mailbox;
            let mailbox = warm.lock().find(id);
            if let Some(mailbox) = mailbox {
                mailbox.commit(of_mailbox);
            }
            if of_mailbox.iter().any(|change| matches!(change.delta, MailboxDelta::Deleted)) {
                warm.lock().remove(id);
            }
        }
        if let Some(watchers) = self.watchers.upgrade() {
            watchers.lock().committed(changes);
        }
    }

    fn annotated(&self, changes: &[AnnotationChange]) {
        if let Some(watchers) = self.watchers.upgrade() {
            watchers.lock().annotated(changes);
        }
    }

    fn rights_changed(&self, concerned: &[Concerned]) {
        if let Some(watchers) = self.watchers.upgrade() {
            watchers.lock().rights_changed(concerned);
        }
    }
}

impl Mailboxes {
    /// Opens the room on `store`, whose commits it follows from now on.
    pub fn new(store: Arc<dyn Storage>) -> Self {
        let warm = Arc::new(Mutex::new(Warm::default()));
        let access = Arc::new(AccessControl::new(Arc::clone(&store)));
        let watchers = Arc::<Mutex<Watchers>>::default();
        let follower = Follower { warm: Arc::downgrade(&warm), watchers: Arc::downgrade(&watchers) };
        store.observe(Arc::new(follower));
        Self {
            store,
            access,
            warm,
            watchers,
            opening: Default::default(),
            inboxes: Mutex::new(HashMap::new()),
            search_room: Arc::default(),
            sort_room: SortRoom::default(),
            administrator_url: None,
        }
    }

    /// Opens a mailbox.
    ///
    /// # Errors
    /// When there is no such mailbox, or it may not be read.
    pub async fn open(&self, permit: &Permit, name: &MailboxName, read_only: bool) -> Result<Mailbox, MailboxError> {
        let (record, admitted) = self.admitted(permit, name, Right::Read).await?;
        let found = self.warm.lock().find(record.id);
        // One that is still being read takes commits already, but has nothing to show: loading waits for it.
        let followed = match found.filter(|followed| followed.is_loaded()) {
            Some(followed) => followed,
            None => self.load(record.account, record.id).await?,
        };
        self.warm.lock().touch(&followed);
        let own_seen = match admitted.is_own() {
            true => None,
            false => Some(self.load_own_seen(&followed, &admitted).await?),
        };
        Ok(Mailbox::new(permit.clone(), admitted, self, followed, own_seen, read_only))
    }

    /// Reads into memory what a reader has seen of the mailbox of another.
    async fn load_own_seen(&self, followed: &Followed, reader: &MailboxPermit) -> Result<Arc<OwnSeen>, MailboxError> {
        let own_seen = followed.reader(reader.user());
        if !own_seen.is_loaded() {
            let _turn = self.opening[(reader.mailbox().0 % OPENING_LOCKS as u64) as usize].lock().await;
            if !own_seen.is_loaded() {
                own_seen.install(self.store.seen_by(reader.mailbox(), reader.user()).await?);
            }
        }
        Ok(own_seen)
    }

    /// Reads a mailbox into memory. Two sessions do not read the same one at once: the second waits for the first.
    async fn load(&self, account: AccountId, id: MailboxId) -> Result<Arc<Followed>, MailboxError> {
        let _turn = self.opening[(id.0 % OPENING_LOCKS as u64) as usize].lock().await;
        if let Some(followed) = self.warm.lock().find(id) {
            return Ok(followed);
        }
        let record = self.store.mailbox_by_id(account, id).await?.ok_or(MailboxError::NoSuchMailbox)?;
        let followed = Arc::new(Followed::expecting(&record));
        // From here on it takes commits, and so misses none that come while the records are read.
        self.warm.lock().insert(&followed);
        match self.store.messages(account, id).await {
            Ok((record, records)) => {
                followed.install(&record, records);
                Ok(followed)
            }
            Err(error) => {
                self.warm.lock().remove(id);
                Err(error.into())
            }
        }
    }

    /// Where mail for the holder of `permit` goes: the INBOX.
    ///
    /// # Errors
    /// When the account is gone, or the store cannot be read.
    pub async fn placement(
        &self,
        permit: &DeliveryPermit,
        internal_date: UnixMillis,
    ) -> Result<Placement, MailboxError> {
        let account = permit.account();
        let known = self.inboxes.lock().get(&account).copied();
        let mailbox = match known {
            Some(mailbox) => mailbox,
            None => self.find_inbox(account).await?,
        };
        Ok(Placement { account, mailbox, flags: Flags::none(), internal_date })
    }

    /// Forgets where the INBOX of an account was: it has been deleted, as a delivery found out.
    pub fn forget_inbox(&self, account: AccountId) {
        self.inboxes.lock().remove(&account);
    }

    pub(crate) fn room(&self) -> &Arc<SearchRoom> {
        &self.search_room
    }

    async fn find_inbox(&self, account: AccountId) -> Result<MailboxId, MailboxError> {
        let record = self.store.mailbox(account, &MailboxName::inbox()).await?;
        let id = record.ok_or(StorageError::NotFound(Named::Mailbox))?.id;
        let mut inboxes = self.inboxes.lock();
        if inboxes.len() >= MAX_REMEMBERED_INBOXES {
            inboxes.clear();
        }
        inboxes.insert(account, id);
        Ok(id)
    }
}
