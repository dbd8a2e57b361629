//! A store with one mailbox, and short ways to act and look.

use std::mem;
use std::path::Path;
use std::sync::Arc;

use posthouse_model::{AccountId, Address, Domain, Flags, MailboxId, MailboxName, UidSet, UnixMillis};
use posthouse_storage::beginnings::MAX_HEADER_BYTES;
use posthouse_storage::{
    Beginnings, Body, BodySlice, Delivered, Delivery, Directory, Header, Mail, NewAccount, NewDomain, ParsedMessage,
    Placement, StorageError,
};

use crate::disk::{Disk, RealDisk};
use crate::{Limits, MasterKey, Options, SqliteStorage};

pub(super) struct World {
    pub(super) store: Arc<SqliteStorage>,
    pub(super) account: AccountId,
    pub(super) inbox: MailboxId,
}

impl World {
    /// A new store in `directory`, with segments of `segment_bytes`.
    pub(super) async fn new(directory: &Path, segment_bytes: u64) -> Self {
        let store = open(directory, segment_bytes, Arc::new(RealDisk));
        let created_at = UnixMillis(0);
        let name = Domain::parse("example.org").unwrap();
        let domain = NewDomain { name, catch_all: None, subaddress_separator: None, created_at };
        store.create_domain(domain).await.unwrap();
        let account = NewAccount {
            address: Address::parse("ann@example.org").unwrap(),
            display_name: String::new(),
            administrator: false,
            credential: None,
            mailboxes: vec![(MailboxName::inbox(), None)],
            created_at,
        };
        store.create_account(account).await.unwrap();
        Self::of(store).await
    }

    /// A new store in which upkeep moves and removes nothing until it is opened again, so that a test can do so step by
    /// step.
    pub(super) async fn without_upkeep(directory: &Path, segment_bytes: u64) -> Self {
        let world = Self::new(directory, segment_bytes).await;
        mem::forget(world.store.shared.files_stay.read());
        world
    }

    /// The world that [`Self::new`] made, on `disk`.
    pub(super) async fn reopen(directory: &Path, segment_bytes: u64, disk: Arc<dyn Disk>) -> Self {
        Self::of(open(directory, segment_bytes, disk)).await
    }

    /// The world that [`Self::new`] made, on `disk`, with segments synced in each commit.
    pub(super) async fn reopen_syncing(directory: &Path, segment_bytes: u64, disk: Arc<dyn Disk>) -> Self {
        let limits = Limits { copy_bytes: 0, ..limits(segment_bytes) };
        Self::of(SqliteStorage::open_on(directory, Options { limits, ..Options::default() }, disk).unwrap()).await
    }

    /// The world that [`Self::new`] made, with a master key.
    pub(super) async fn reopen_with(directory: &Path, segment_bytes: u64, master_key: &MasterKey) -> Self {
        Self::of(try_open(directory, segment_bytes, Arc::new(RealDisk), Some(master_key)).unwrap()).await
    }

    pub(super) async fn of(store: Arc<SqliteStorage>) -> Self {
        let account = store.accounts(None).await.unwrap()[0].id;
        let inbox = store.mailbox(account, &MailboxName::inbox()).await.unwrap().unwrap().id;
        Self { store, account, inbox }
    }

    pub(super) async fn deliver(&self, text: &str) -> Result<Delivered, StorageError> {
        self.store.deliver(self.delivery(text)).await
    }

    pub(super) fn delivery(&self, text: &str) -> Delivery {
        let placement = Placement {
            account: self.account,
            mailbox: self.inbox,
            flags: Flags::none(),
            internal_date: UnixMillis(0),
        };
        Delivery {
            body: Body::from_bytes(text.as_bytes().to_vec()),
            parsed: ParsedMessage::default(),
            placements: vec![placement],
            queue: None,
            trail: Vec::new(),
        }
    }

    /// The texts of all messages, by UID, and a look at the whole store, which has to be sound.
    pub(super) async fn texts(&self) -> Vec<String> {
        let verification = self.store.verify().await.unwrap();
        assert_eq!(verification.problems, Vec::<String>::new());
        let (_, messages) = self.store.messages(self.account, self.inbox).await.unwrap();
        let whole = |body| BodySlice { body, range: 0..u64::MAX };
        let slices: Vec<_> = messages.iter().map(|message| whole(message.body)).collect();
        let bodies = self.store.read(&slices).await.unwrap();
        // However they are read, they are the same.
        let keys: Vec<_> = messages.iter().map(|message| message.body).collect();
        let beginnings = self.store.beginnings(&keys, |_| u64::MAX).await.unwrap();
        assert!(
            beginnings.iter().zip(&bodies).all(|(read, body)| read.as_ref().is_some_and(|read| read.octets == body))
        );
        let headers = self.store.headers(&keys, |octets, is_whole| is_whole.then_some(octets.len())).await.unwrap();
        for (header, body) in headers.into_iter().zip(&bodies) {
            let is_long = body.len() as u64 >= MAX_HEADER_BYTES;
            assert_eq!(header, if is_long { Header::Long } else { Header::Whole(body.clone()) });
        }
        bodies.iter().map(|body| String::from_utf8(body.to_vec()).unwrap()).collect()
    }

    pub(super) async fn expunge(&self, uids: &UidSet) {
        self.store.expunge(self.account, self.inbox, uids, false).await.unwrap();
    }
}

pub(super) fn open(directory: &Path, segment_bytes: u64, disk: Arc<dyn Disk>) -> Arc<SqliteStorage> {
    try_open(directory, segment_bytes, disk, None).unwrap()
}

pub(super) fn try_open(
    directory: &Path,
    segment_bytes: u64,
    disk: Arc<dyn Disk>,
    master_key: Option<&MasterKey>,
) -> Result<Arc<SqliteStorage>, StorageError> {
    let options = Options { limits: limits(segment_bytes), master_key: master_key.cloned(), ..Options::default() };
    SqliteStorage::open_on(directory, options, disk)
}

fn limits(segment_bytes: u64) -> Limits {
    Limits { segment_bytes, log_reserve_pages: 100, conversion_step_bytes: 500, ..Limits::default() }
}
