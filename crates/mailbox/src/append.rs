//! Messages that the holder of an account hands in: APPEND and REPLACE.

use bytes::Bytes;
use posthouse_identity::{MailboxPermit, Permit};
use posthouse_model::flag::FlagChange;
use posthouse_model::{BlobId, Flags, MailboxId, MailboxName, Right, SystemFlag, Uid, UidSet, UidValidity, UnixMillis};
use posthouse_storage::{AppendWanted, Appended, Body, BodyContent, FlagsWanted, NewMessage, ParsedMessage};

use crate::{Mailbox, MailboxError, Mailboxes, parse_message};

/// Where an appended message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendedUid {
    /// UIDVALIDITY of the mailbox.
    pub uid_validity: UidValidity,
    /// UID there.
    pub uid: Uid,
}

/// What was worked out about a message, without its bytes, which may be wherever the store can find them.
#[derive(Clone, Debug)]
pub struct Prepared {
    id: BlobId,
    size_bytes: u64,
    parsed: ParsedMessage,
}

impl Prepared {
    /// Works out what is stored beside a message, of which `bytes` are all.
    pub fn new(bytes: &Bytes) -> Self {
        let Body { id, size_bytes, .. } = Body::from_bytes(bytes.clone());
        Self { id, size_bytes, parsed: parse_message(bytes).stored }
    }

    /// The message, its bytes being `content`, with what its owner says about it.
    pub fn with(self, content: BodyContent, flags: Flags, internal_date: UnixMillis) -> NewMessage {
        let body = Body { id: self.id, size_bytes: self.size_bytes, content };
        NewMessage { body, parsed: self.parsed, flags, internal_date }
    }
}

impl Mailboxes {
    /// Stores a message in a mailbox, with those of its flags that the user may set there (RFC 4314 §4).
    ///
    /// # Errors
    /// When there is no such mailbox, nothing may be put there, or the store cannot be written.
    pub async fn append(
        &self,
        permit: &Permit,
        name: &MailboxName,
        message: Bytes,
        flags: Flags,
        internal_date: UnixMillis,
    ) -> Result<AppendedUid, MailboxError> {
        let prepared = Prepared::new(&message);
        let message = prepared.with(BodyContent::Memory(vec![message]), flags, internal_date);
        let appended = self.append_all(permit, name, vec![message]).await?;
        let uid = appended.uids.first().copied().ok_or(MailboxError::NoSuchMailbox)?;
        Ok(AppendedUid { uid_validity: appended.uid_validity, uid })
    }

    /// Stores messages in a mailbox likewise, all or none (RFC 3502).
    ///
    /// # Errors
    /// When there is no such mailbox, nothing may be put there, or the store cannot be written.
    pub async fn append_all(
        &self,
        permit: &Permit,
        name: &MailboxName,
        messages: Vec<NewMessage>,
    ) -> Result<Appended, MailboxError> {
        let target = self.target(permit, name, Right::Insert).await?;
        self.append_to(&target, messages, None).await
    }

    /// Whether the holder of `permit` may put messages into a mailbox.
    ///
    /// # Errors
    /// When there is no such mailbox, or nothing may be put there.
    pub async fn check_insert(&self, permit: &Permit, name: &MailboxName) -> Result<(), MailboxError> {
        self.target(permit, name, Right::Insert).await.map(drop)
    }

    /// Whether it may be done was asked before. In the mailbox of another, \Seen is kept apart from the messages.
    async fn append_to(
        &self,
        target: &MailboxPermit,
        mut messages: Vec<NewMessage>,
        replaces: Option<(MailboxId, Uid)>,
    ) -> Result<Appended, MailboxError> {
        let mut seen = Vec::new();
        if !target.is_own() {
            let scope = target.rights().flag_scope();
            for message in &mut messages {
                message.flags = scope.of(&message.flags);
                seen.push(message.flags.has(SystemFlag::Seen));
                message.flags.remove(SystemFlag::Seen);
            }
        }
        let wanted = AppendWanted { account: target.owner(), mailbox: target.mailbox(), messages, replaces };
        let appended = self.store.append(wanted).await?;
        let seen: UidSet = appended.uids.iter().zip(seen).filter(|(_, seen)| *seen).map(|(uid, _)| *uid).collect();
        if !seen.is_empty() {
            let flags = Flags::from_bits(SystemFlag::Seen as u8);
            let wanted = FlagsWanted { uids: seen, change: FlagChange::Add, flags, unchanged_since: None };
            let (owner, user, scope) = (target.owner(), target.user(), target.rights().flag_scope());
            self.store.store_flags_by(owner, target.mailbox(), user, wanted, scope).await?;
        }
        Ok(appended)
    }
}

impl Mailbox {
    /// Stores a message in a mailbox of the same owner and removes `replaced` from this one, both or neither (RFC 8508).
    /// It takes the rights to append there, and to set \Deleted and expunge here (RFC 8508 §3.7).
    ///
    /// # Errors
    /// [`MailboxError::NoSuchMailbox`] when there is no mailbox `to`; when this one is open for reading only; when it is
    /// not permitted; when `replaced` is gone.
    pub async fn replace(
        &self,
        mailboxes: &Mailboxes,
        replaced: Uid,
        to: &MailboxName,
        message: NewMessage,
    ) -> Result<Appended, MailboxError> {
        let source = self.writable().await?;
        let target = mailboxes.target(self.permit(), to, Right::Insert).await?;
        if target.owner() != source.owner() {
            return Err(MailboxError::AnotherOwner);
        }
        if !source.rights().covers([Right::DeleteMessages, Right::Expunge].into_iter().collect()) {
            return Err(MailboxError::NotPermitted);
        }
        mailboxes.append_to(&target, vec![message], Some((self.id(), replaced))).await
    }
}
