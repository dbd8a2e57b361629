//! One session's hold on an opened mailbox.

use std::sync::Arc;

use posthouse_identity::Permit;
use posthouse_model::flag::FlagChange;
use posthouse_model::{Flags, Keyword, MailboxId, MailboxName, ModSeq, Uid, UidSet, UidValidity};
use posthouse_storage::{CopiedUids, FlagsWanted, Storage};
use tokio::sync::watch;

use crate::followed::{Followed, State};
use crate::search::SearchRoom;
use crate::sort::SortRoom;
use crate::{MailboxError, Mailboxes};

/// An opened mailbox.
#[derive(Clone)]
pub struct Mailbox {
    permit: Permit,
    pub(crate) store: Arc<dyn Storage>,
    pub(crate) followed: Arc<Followed>,
    search_room: Arc<SearchRoom>,
    read_only: bool,
    pub(crate) sort_room: SortRoom,
}

/// An opened mailbox at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its messages.
    pub uids: UidSet,
    /// The UID that the next message gets at least; one more than the largest UID when there are no more.
    pub uid_next: u64,
    /// Its highest modification sequence.
    pub highest_modseq: ModSeq,
    /// The first message without \Seen.
    pub first_unseen: Option<Uid>,
    /// Keywords in use, sorted.
    pub keywords: Vec<Keyword>,
}

/// What happened to a mailbox since some modification sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxChanges {
    /// Messages that came and are still there. When the caller was far behind, messages that only changed may be
    /// among them.
    pub added: UidSet,
    /// Messages whose flags changed; rising.
    pub changed: Vec<(Uid, Flags, ModSeq)>,
    /// Messages that went.
    pub vanished: UidSet,
    /// The modification sequence that all this brings the caller to.
    pub highest_modseq: ModSeq,
    /// Keywords in use now, sorted.
    pub keywords: Vec<Keyword>,
}

/// What a change of flags came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagOutcome {
    /// Every message it was applied to, whether it altered anything or not; rising.
    pub rows: Vec<(Uid, Flags, ModSeq)>,
    /// Messages left alone because they had changed.
    pub modified: UidSet,
    /// Messages that are gone.
    pub missing: UidSet,
}

impl Mailbox {
    pub(crate) fn new(
        permit: Permit,
        store: Arc<dyn Storage>,
        followed: Arc<Followed>,
        search_room: Arc<SearchRoom>,
        read_only: bool,
        sort_room: SortRoom,
    ) -> Self {
        Self { permit, store, followed, search_room, read_only, sort_room }
    }

    /// Its number.
    pub fn id(&self) -> MailboxId {
        self.followed.mailbox
    }

    /// Its UIDVALIDITY.
    pub fn uid_validity(&self) -> UidValidity {
        self.followed.uid_validity
    }

    /// Whether it was opened for reading only.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether it has been deleted meanwhile.
    pub fn is_gone(&self) -> bool {
        self.followed.read().deleted
    }

    /// What is in it now.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.followed.read();
        Snapshot {
            uids: state.uids.clone(),
            uid_next: state.uid_next,
            highest_modseq: state.highest_modseq,
            first_unseen: state.records.first_unseen(),
            keywords: state.keywords(),
        }
    }

    /// Tells of every commit that changes the mailbox, by its modification sequence.
    pub fn watch(&self) -> watch::Receiver<ModSeq> {
        self.followed.watch()
    }

    /// What happened after `since`.
    ///
    /// # Errors
    /// When `since` lies so far back that the store has to be asked, and it cannot be read.
    pub async fn changes_since(&self, since: ModSeq) -> Result<MailboxChanges, MailboxError> {
        {
            let state = self.followed.read();
            if state.highest_modseq <= since {
                return Ok(MailboxChanges { highest_modseq: since, keywords: state.keywords(), ..Default::default() });
            }
            if let Some(logged) = state.changes_since(since) {
                return Ok(MailboxChanges {
                    changed: rows_of(&state, &logged.changed),
                    added: logged.added,
                    vanished: logged.vanished,
                    highest_modseq: state.highest_modseq,
                    keywords: state.keywords(),
                });
            }
        }
        let changes = self.store.changes(self.permit.account(), self.id(), since).await;
        let changes = changes.map_err(MailboxError::of_open_mailbox)?;
        Ok(MailboxChanges {
            added: changes.records.iter().map(|record| record.uid).collect(),
            changed: changes.records.into_iter().map(|record| (record.uid, record.flags, record.modseq)).collect(),
            vanished: changes.vanished,
            highest_modseq: changes.highest_modseq,
            keywords: self.followed.read().keywords(),
        })
    }

    /// Changes flags.
    ///
    /// # Errors
    /// When the mailbox is open for reading only, or the store cannot be written.
    pub async fn store_flags(
        &self,
        uids: &UidSet,
        change: FlagChange,
        flags: &Flags,
        unchanged_since: Option<ModSeq>,
    ) -> Result<FlagOutcome, MailboxError> {
        self.require_writable()?;
        let present = uids.intersection(&self.followed.read().uids);
        let wanted = FlagsWanted { uids: present, change, flags: flags.clone(), unchanged_since };
        let stored = self.store.store_flags(self.permit.account(), self.id(), wanted).await;
        let stored = stored.map_err(MailboxError::of_open_mailbox)?;
        let state = self.followed.read();
        Ok(FlagOutcome {
            rows: rows_of(&state, &uids.difference(&stored.modified)),
            missing: uids.difference(&state.uids),
            modified: stored.modified,
        })
    }

    /// Copies messages to another mailbox of the account; all or none. Those that are gone are passed over.
    ///
    /// # Errors
    /// [`MailboxError::NoSuchMailbox`] when there is no mailbox `to`.
    pub async fn copy_to(
        &self,
        mailboxes: &Mailboxes,
        uids: &UidSet,
        to: &MailboxName,
    ) -> Result<CopiedUids, MailboxError> {
        self.require_present()?;
        let target = mailboxes.record(&self.permit, to).await?;
        Ok(self.store.copy(self.permit.account(), self.id(), uids, target.id).await?)
    }

    /// Moves messages likewise.
    ///
    /// # Errors
    /// As [`Self::copy_to`], and when the mailbox is open for reading only.
    pub async fn move_to(
        &self,
        mailboxes: &Mailboxes,
        uids: &UidSet,
        to: &MailboxName,
    ) -> Result<CopiedUids, MailboxError> {
        self.require_writable()?;
        let target = mailboxes.record(&self.permit, to).await?;
        Ok(self.store.move_messages(self.permit.account(), self.id(), uids, target.id).await?)
    }

    /// Removes messages that have \Deleted, of all or only of `uids`. Returns what went.
    ///
    /// # Errors
    /// When the mailbox is open for reading only, or the store cannot be written.
    pub async fn expunge(&self, uids: Option<&UidSet>) -> Result<UidSet, MailboxError> {
        self.require_writable()?;
        let all = UidSet::all();
        let gone = self.store.expunge(self.permit.account(), self.id(), uids.unwrap_or(&all), true).await;
        gone.map_err(MailboxError::of_open_mailbox)
    }

    /// Removes messages whether or not they have \Deleted, as POP3 does at the end. Returns what went.
    ///
    /// # Errors
    /// When the mailbox is open for reading only, or the store cannot be written.
    pub async fn remove(&self, uids: &UidSet) -> Result<UidSet, MailboxError> {
        self.require_writable()?;
        let gone = self.store.expunge(self.permit.account(), self.id(), uids, false).await;
        gone.map_err(MailboxError::of_open_mailbox)
    }

    fn require_present(&self) -> Result<(), MailboxError> {
        if self.is_gone() { Err(MailboxError::Gone) } else { Ok(()) }
    }

    pub(crate) fn require_writable(&self) -> Result<(), MailboxError> {
        self.require_present()?;
        if self.read_only { Err(MailboxError::ReadOnly) } else { Ok(()) }
    }

    pub(crate) fn room(&self) -> &SearchRoom {
        &self.search_room
    }

    pub(crate) fn permit(&self) -> &Permit {
        &self.permit
    }
}

fn rows_of(state: &State, uids: &UidSet) -> Vec<(Uid, Flags, ModSeq)> {
    let present = uids.intersection(&state.uids);
    let records = present.iter().filter_map(|uid| state.records.get(uid));
    records.map(|record| (record.uid, record.flags.clone(), record.modseq)).collect()
}
