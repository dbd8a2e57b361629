//! Who may do what in whose mailboxes (RFC 4314): the one place where it is decided.
//!
//! The owner of a mailbox may do everything, always. Anybody else has the rights that the mailbox's access list gives
//! to the account, to its groups and to anyone, taken together, less those that it takes from any of them.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use posthouse_model::{AccountId, GroupId, MailboxId, Right, Rights};
use posthouse_storage::{
    AccessEntry, CommitObserver, Concerned, MailboxChange, MailboxRecord, SharedMailbox, Storage, StorageError, Subject,
};
use thiserror::Error;

use crate::Permit;
use crate::own_mailboxes::OwnMailboxes;

/// Most pairs of account and mailbox whose rights are remembered.
const MAX_REMEMBERED: usize = 100_000;

/// The holder may use one mailbox, whosever it is, as far as the rights reach. [`AccessControl`] makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxPermit {
    user: AccountId,
    owner: AccountId,
    mailbox: MailboxId,
    rights: Rights,
}

impl MailboxPermit {
    /// For the owner, whose mailbox it is known to be.
    pub(crate) fn of_owner(owner: AccountId, mailbox: MailboxId) -> Self {
        Self { user: owner, owner, mailbox, rights: Rights::ALL }
    }

    /// For an administrator's tools, which act in the owner's place.
    pub(crate) fn for_administration(mailbox: &MailboxRecord) -> Self {
        Self::of_owner(mailbox.account, mailbox.id)
    }

    /// Who acts.
    pub fn user(&self) -> AccountId {
        self.user
    }

    /// Whose mailbox it is.
    pub fn owner(&self) -> AccountId {
        self.owner
    }

    /// Whether it is the user's own.
    pub fn is_own(&self) -> bool {
        self.user == self.owner
    }

    /// Which mailbox.
    pub fn mailbox(&self) -> MailboxId {
        self.mailbox
    }

    /// What may be done, as of the moment at which the permit was made.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// Fails unless the user has all of `needed`.
    ///
    /// # Errors
    /// [`AccessRefusal::Hidden`] to one who may not even see the mailbox, so that nobody learns what there is
    /// (RFC 4314 §6); else [`AccessRefusal::NotPermitted`].
    pub fn require(&self, needed: impl Into<Rights>) -> Result<(), AccessRefusal> {
        if self.rights.covers(needed.into()) {
            Ok(())
        } else if self.rights.has(Right::Lookup) {
            Err(AccessRefusal::NotPermitted)
        } else {
            Err(AccessRefusal::Hidden)
        }
    }
}

/// Why somebody may not do something with a mailbox.
#[derive(Debug, Error)]
pub enum AccessRefusal {
    /// To this user there is no such mailbox.
    #[error("there is no such mailbox")]
    Hidden,
    /// The user sees the mailbox and lacks the right.
    #[error("the access list does not permit it")]
    NotPermitted,
    /// It cannot be told now.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

#[derive(Default)]
struct Remembered {
    /// Rises with each change, so that an answer from before it is not remembered after it.
    generation: u64,
    rights: HashMap<(MailboxId, AccountId), Rights>,
}

/// Forgets everything when an access list, a group or the directory changes.
struct Forgetting(Arc<RwLock<Remembered>>);

impl Forgetting {
    fn forget(&self) {
        let mut remembered = self.0.write();
        *remembered = Remembered { generation: remembered.generation + 1, ..Remembered::default() };
    }
}

impl CommitObserver for Forgetting {
    fn committed(&self, _: &[MailboxChange]) {}

    fn directory_changed(&self) {
        self.forget();
    }

    fn rights_changed(&self, _: &[Concerned]) {
        self.forget();
    }
}

/// Decides who may do what in whose mailboxes.
pub struct AccessControl {
    pub(crate) store: Arc<dyn Storage>,
    remembered: Arc<RwLock<Remembered>>,
    pub(crate) own_mailboxes: Arc<RwLock<OwnMailboxes>>,
}

impl AccessControl {
    /// Remembers nothing yet, and listens to `store` for changes.
    pub fn new(store: Arc<dyn Storage>) -> Self {
        let remembered = Arc::default();
        store.observe(Arc::new(Forgetting(Arc::clone(&remembered))));
        let own_mailboxes = OwnMailboxes::following(&store);
        Self { store, remembered, own_mailboxes }
    }

    /// What the holder of `permit` may do with a mailbox; perhaps nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn permit(&self, permit: &Permit, mailbox: &MailboxRecord) -> Result<MailboxPermit, StorageError> {
        let (user, owner) = (permit.account(), mailbox.account);
        let rights = self.rights(user, owner, mailbox.id).await?;
        Ok(MailboxPermit { user, owner, mailbox: mailbox.id, rights })
    }

    /// The same permit with the rights that there are now. Costs nothing for the owner, and a look into memory for
    /// others until an access list changes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn renewed(&self, permit: &MailboxPermit) -> Result<MailboxPermit, StorageError> {
        let rights = self.rights(permit.user, permit.owner, permit.mailbox).await?;
        Ok(MailboxPermit { rights, ..permit.clone() })
    }

    /// The mailboxes of others that the holder of `permit` sees in lists, with what may be done there.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn shared_with(&self, permit: &Permit) -> Result<Vec<(SharedMailbox, Rights)>, StorageError> {
        let shared = self.store.shared_with(permit.account()).await?;
        let with_rights = shared.into_iter().map(|mailbox| {
            let rights = sum(&mailbox.entries);
            (mailbox, rights)
        });
        Ok(with_rights.filter(|(_, rights)| rights.has(Right::Lookup)).collect())
    }

    async fn rights(&self, user: AccountId, owner: AccountId, mailbox: MailboxId) -> Result<Rights, StorageError> {
        if user == owner {
            return Ok(Rights::ALL);
        }
        let generation = {
            let remembered = self.remembered.read();
            if let Some(rights) = remembered.rights.get(&(mailbox, user)) {
                return Ok(*rights);
            }
            remembered.generation
        };
        let entries = self.store.access(mailbox).await?;
        let groups = self.store.groups_of(user).await?;
        let about: Vec<_> = entries.into_iter().filter(|entry| is_about(entry, user, &groups)).collect();
        let rights = sum(&about);
        let mut remembered = self.remembered.write();
        if remembered.generation == generation {
            if remembered.rights.len() >= MAX_REMEMBERED {
                remembered.rights.clear();
            }
            remembered.rights.insert((mailbox, user), rights);
        }
        Ok(rights)
    }
}

fn is_about(entry: &AccessEntry, user: AccountId, groups: &[GroupId]) -> bool {
    match entry.subject {
        Subject::Anyone => true,
        Subject::Account(account) => account == user,
        Subject::Group(group) => groups.contains(&group),
    }
}

/// What entries that are all about one user come to (RFC 4314 §2: the combination is ours to choose).
fn sum(entries: &[AccessEntry]) -> Rights {
    let all = |negative: bool| {
        let such = entries.iter().filter(|entry| entry.negative == negative);
        such.fold(Rights::NONE, |rights, entry| rights.union(entry.rights))
    };
    all(false).difference(all(true))
}
