//! One session's hold on an opened mailbox.

use std::sync::Arc;

use parking_lot::RwLockReadGuard;
use posthouse_identity::{AccessControl, MailboxPermit, Permit};
use posthouse_model::flag::FlagChange;
use posthouse_model::{
    AccountId, Flags, Keyword, MailboxId, MailboxName, ModSeq, Right, Rights, Uid, UidSet, UidValidity,
};
use posthouse_storage::{CopiedUids, FlagsStored, FlagsWanted, MessageRecord, Storage, Transfer};
use tokio::sync::watch;

use crate::followed::{Followed, State};
use crate::own_seen::{OwnSeen, SeenState};
use crate::search::SearchRoom;
use crate::sort::SortRoom;
use crate::{MailboxError, Mailboxes};

/// An opened mailbox.
#[derive(Clone)]
pub struct Mailbox {
    permit: Permit,
    admitted: MailboxPermit,
    access: Arc<AccessControl>,
    pub(crate) store: Arc<dyn Storage>,
    pub(crate) followed: Arc<Followed>,
    /// What the user has seen, in the mailbox of somebody else.
    own_seen: Option<Arc<OwnSeen>>,
    search_room: Arc<SearchRoom>,
    read_only: bool,
    pub(crate) sort_room: SortRoom,
}

/// An opened mailbox at this moment, as the user sees it. Short-lived: commits wait for it.
pub(crate) struct Sight<'a> {
    pub state: RwLockReadGuard<'a, State>,
    seen: Option<RwLockReadGuard<'a, SeenState>>,
}

impl Sight<'_> {
    pub fn modseq_of(&self, record: &MessageRecord) -> ModSeq {
        self.seen.as_ref().map_or(record.modseq, |seen| seen.modseq_of(record))
    }

    pub fn record(&self, record: &MessageRecord) -> MessageRecord {
        self.seen.as_ref().map_or_else(|| record.clone(), |seen| seen.record(record))
    }

    fn highest_modseq(&self) -> ModSeq {
        self.seen.as_ref().map_or(ModSeq(0), |seen| seen.highest_modseq).max(self.state.highest_modseq)
    }

    fn first_unseen(&self) -> Option<Uid> {
        match &self.seen {
            Some(seen) => seen.first_unseen(&self.state.uids),
            None => self.state.records.first_unseen(),
        }
    }

    fn seen_since(&self, since: ModSeq) -> UidSet {
        self.seen.as_ref().map(|seen| seen.changed_since(since)).unwrap_or_default()
    }

    /// Those of `uids` that are there, rising.
    fn rows(&self, uids: &UidSet) -> Vec<(Uid, Flags, ModSeq)> {
        let mut rows = Vec::new();
        for range in uids.intersection(&self.state.uids).ranges() {
            let Some(first) = Uid::new(*range.start()) else { continue };
            let records = self.state.records.iter_from(first);
            rows.extend(records.take_while(|record| record.uid.value() <= *range.end()).map(|record| self.row(record)));
        }
        rows
    }

    fn row(&self, record: &MessageRecord) -> (Uid, Flags, ModSeq) {
        match &self.seen {
            Some(seen) => (record.uid, seen.flags_of(record), seen.modseq_of(record)),
            None => (record.uid, record.flags.clone(), record.modseq),
        }
    }
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
    /// What the user may do now.
    pub rights: Rights,
}

/// What a change of flags came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagOutcome {
    /// Every message it was applied to, whether it altered anything or not; rising.
    pub rows: Vec<(Uid, Flags, ModSeq)>,
    /// Of each row, the modification sequence of the last change to it that was not this one.
    pub others: Vec<ModSeq>,
    /// Messages left alone because they had changed.
    pub modified: UidSet,
    /// Messages that are gone.
    pub missing: UidSet,
}

impl Mailbox {
    pub(crate) fn new(
        permit: Permit,
        admitted: MailboxPermit,
        mailboxes: &Mailboxes,
        followed: Arc<Followed>,
        own_seen: Option<Arc<OwnSeen>>,
        read_only: bool,
    ) -> Self {
        Self {
            permit,
            admitted,
            access: Arc::clone(&mailboxes.access),
            store: Arc::clone(&mailboxes.store),
            followed,
            own_seen,
            search_room: Arc::clone(&mailboxes.search_room),
            read_only,
            sort_room: mailboxes.sort_room.clone(),
        }
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

    /// What the user may do here now.
    ///
    /// # Errors
    /// [`MailboxError::Gone`] when it has been deleted, or may not be read any more.
    pub async fn rights(&self) -> Result<Rights, MailboxError> {
        Ok(self.renewed().await?.rights())
    }

    /// The permit of this moment. Rights that are withdrawn while the mailbox is open end here: to one who may not read
    /// it any more, it is gone.
    async fn renewed(&self) -> Result<MailboxPermit, MailboxError> {
        self.require_present()?;
        let admitted = self.access.renewed(&self.admitted).await?;
        if admitted.rights().has(Right::Read) { Ok(admitted) } else { Err(MailboxError::Gone) }
    }

    /// Whether it has been deleted meanwhile.
    pub fn is_gone(&self) -> bool {
        self.followed.read().deleted
    }

    /// What is in it now.
    pub fn snapshot(&self) -> Snapshot {
        let sight = self.sight();
        Snapshot {
            uids: sight.state.uids.clone(),
            uid_next: sight.state.uid_next,
            highest_modseq: sight.highest_modseq(),
            first_unseen: sight.first_unseen(),
            keywords: sight.state.keywords(),
        }
    }

    /// What all see, and then what the user alone does: in that order, which the commits keep to, too.
    pub(crate) fn sight(&self) -> Sight<'_> {
        let state = self.followed.read();
        Sight { seen: self.own_seen.as_ref().map(|seen| seen.read()), state }
    }

    /// Tells of every commit that changes the mailbox, by its modification sequence.
    pub fn watch(&self) -> watch::Receiver<ModSeq> {
        self.own_seen.as_ref().map_or_else(|| self.followed.watch(), |seen| seen.watch())
    }

    /// What happened after `since`.
    ///
    /// # Errors
    /// [`MailboxError::Gone`] when it has been deleted, or may not be read any more; or when `since` lies so far back
    /// that the store has to be asked, and it cannot be read.
    pub async fn changes_since(&self, since: ModSeq) -> Result<MailboxChanges, MailboxError> {
        let rights = self.rights().await?;
        {
            let sight = self.sight();
            let (state, highest_modseq) = (&sight.state, sight.highest_modseq());
            if highest_modseq <= since {
                return Ok(MailboxChanges {
                    highest_modseq: since,
                    keywords: state.keywords(),
                    rights,
                    ..Default::default()
                });
            }
            if let Some(logged) = state.changes_since(since) {
                let changed = logged.changed.union(&sight.seen_since(since).difference(&logged.added));
                return Ok(MailboxChanges {
                    changed: sight.rows(&changed),
                    added: logged.added,
                    vanished: logged.vanished,
                    highest_modseq,
                    keywords: state.keywords(),
                    rights,
                });
            }
        }
        let changes = self.store.changes(self.owner(), self.id(), since).await;
        let changes = changes.map_err(MailboxError::of_open_mailbox)?;
        let sight = self.sight();
        let added: UidSet = changes.records.iter().map(|record| record.uid).collect();
        let mut changed: Vec<_> = changes.records.iter().map(|record| sight.row(record)).collect();
        changed.extend(sight.rows(&sight.seen_since(since).difference(&added)));
        changed.sort_unstable_by_key(|(uid, ..)| *uid);
        Ok(MailboxChanges {
            added,
            changed,
            vanished: changes.vanished,
            // What the user has seen since the store was read comes again, rather than that anything is passed over.
            highest_modseq: changes.highest_modseq.max(since),
            keywords: sight.state.keywords(),
            rights,
        })
    }

    /// Changes flags, as far as the user may.
    ///
    /// # Errors
    /// When the mailbox is open for reading only, the user may change none of them, or the store cannot be written.
    pub async fn store_flags(
        &self,
        uids: &UidSet,
        change: FlagChange,
        flags: &Flags,
        unchanged_since: Option<ModSeq>,
    ) -> Result<FlagOutcome, MailboxError> {
        let admitted = self.writable().await?;
        let present = uids.intersection(&self.followed.read().uids);
        let wanted = FlagsWanted { uids: present, change, flags: flags.clone(), unchanged_since };
        let stored = if admitted.is_own() {
            self.store.store_flags(self.owner(), self.id(), wanted).await
        } else {
            let scope = admitted.rights().flag_scope();
            // RFC 4314 §4: what may be changed is changed, and only when that is nothing the command fails.
            if !scope.allows_some(change, flags) {
                return Err(MailboxError::NotPermitted);
            }
            self.store.store_flags_by(self.owner(), self.id(), admitted.user(), wanted, scope).await
        };
        let stored = stored.map_err(MailboxError::of_open_mailbox)?;
        let sight = self.sight();
        let rows = sight.rows(&uids.difference(&stored.modified));
        Ok(FlagOutcome {
            others: rows.iter().map(|(uid, _, modseq)| last_other(&stored, *uid, *modseq)).collect(),
            rows,
            missing: uids.difference(&sight.state.uids),
            modified: stored.modified,
        })
    }

    /// Copies messages to another mailbox; all or none. Those that are gone are passed over, and so are flags that the
    /// user may not set there (RFC 4314 §4).
    ///
    /// # Errors
    /// [`MailboxError::NoSuchMailbox`] when there is no mailbox `to`; when messages may not be put there.
    pub async fn copy_to(
        &self,
        mailboxes: &Mailboxes,
        uids: &UidSet,
        to: &MailboxName,
    ) -> Result<CopiedUids, MailboxError> {
        let source = self.renewed().await?;
        let target = mailboxes.target(&self.permit, to, Right::Insert).await?;
        if source.is_own() && target.is_own() {
            return Ok(self.store.copy(self.owner(), self.id(), uids, target.mailbox()).await?);
        }
        self.transfer(&target, uids, false).await
    }

    /// Moves messages likewise. RFC 6851 §4.2: it takes the rights to copy, to set \Deleted and to expunge.
    ///
    /// # Errors
    /// As [`Self::copy_to`], and when the mailbox is open for reading only, or messages may not be taken out of it.
    pub async fn move_to(
        &self,
        mailboxes: &Mailboxes,
        uids: &UidSet,
        to: &MailboxName,
    ) -> Result<CopiedUids, MailboxError> {
        let source = self.writable().await?;
        let target = mailboxes.target(&self.permit, to, Right::Insert).await?;
        if source.is_own() && target.is_own() {
            return Ok(self.store.move_messages(self.owner(), self.id(), uids, target.mailbox()).await?);
        }
        permit_of_open_mailbox(&source, Right::DeleteMessages)?;
        permit_of_open_mailbox(&source, Right::Expunge)?;
        self.transfer(&target, uids, true).await
    }

    async fn transfer(&self, target: &MailboxPermit, uids: &UidSet, moves: bool) -> Result<CopiedUids, MailboxError> {
        let transfer = Transfer {
            by: target.user(),
            from: (self.owner(), self.id()),
            uids: uids.clone(),
            to: (target.owner(), target.mailbox()),
            scope: target.rights().flag_scope(),
            moves,
        };
        Ok(self.store.transfer(transfer).await?)
    }

    /// Removes messages that have \Deleted, of all or only of `uids`. Returns what went.
    ///
    /// # Errors
    /// When the mailbox is open for reading only, the user may not expunge, or the store cannot be written.
    pub async fn expunge(&self, uids: Option<&UidSet>) -> Result<UidSet, MailboxError> {
        permit_of_open_mailbox(&self.writable().await?, Right::Expunge)?;
        let all = UidSet::all();
        let gone = self.store.expunge(self.owner(), self.id(), uids.unwrap_or(&all), true).await;
        gone.map_err(MailboxError::of_open_mailbox)
    }

    /// Removes messages whether or not they have \Deleted, as POP3 does at the end. Returns what went.
    ///
    /// # Errors
    /// When the mailbox is open for reading only, the user may not expunge, or the store cannot be written.
    pub async fn remove(&self, uids: &UidSet) -> Result<UidSet, MailboxError> {
        permit_of_open_mailbox(&self.writable().await?, Right::Expunge)?;
        let gone = self.store.expunge(self.owner(), self.id(), uids, false).await;
        gone.map_err(MailboxError::of_open_mailbox)
    }

    fn require_present(&self) -> Result<(), MailboxError> {
        if self.is_gone() { Err(MailboxError::Gone) } else { Ok(()) }
    }

    pub(crate) async fn writable(&self) -> Result<MailboxPermit, MailboxError> {
        let admitted = self.renewed().await?;
        if self.read_only { Err(MailboxError::ReadOnly) } else { Ok(admitted) }
    }

    pub(crate) fn room(&self) -> &SearchRoom {
        &self.search_room
    }

    pub(crate) fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Whose mailbox it is, whoever has it open.
    pub(crate) fn owner(&self) -> AccountId {
        self.admitted.owner()
    }
}

/// When a message was last changed by something else than what was stored, its last change being `modseq`.
fn last_other(stored: &FlagsStored, uid: Uid, modseq: ModSeq) -> ModSeq {
    let own = stored.changed.binary_search_by_key(&uid, |(changed, ..)| *changed).ok();
    let own = own.filter(|&at| stored.changed[at].2 == modseq);
    own.and_then(|at| stored.before.get(at)).copied().unwrap_or(modseq)
}

/// One who has the mailbox open knows that it is there.
fn permit_of_open_mailbox(admitted: &MailboxPermit, needed: Right) -> Result<(), MailboxError> {
    if admitted.rights().has(needed) { Ok(()) } else { Err(MailboxError::NotPermitted) }
}
