//! Messages that the holder of an account hands in: APPEND and REPLACE.

use bytes::Bytes;
use posthouse_identity::Permit;
use posthouse_model::{BlobId, Flags, MailboxName, Uid, UidValidity, UnixMillis};
use posthouse_storage::{AppendWanted, Appended, Body, BodyContent, NewMessage, ParsedMessage};

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
    /// Stores a message in a mailbox.
    ///
    /// # Errors
    /// When there is no such mailbox, or the store cannot be written.
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

    /// Stores messages in a mailbox, all or none (RFC 3502).
    ///
    /// # Errors
    /// When there is no such mailbox, or the store cannot be written.
    pub async fn append_all(
        &self,
        permit: &Permit,
        name: &MailboxName,
        messages: Vec<NewMessage>,
    ) -> Result<Appended, MailboxError> {
        let mailbox = self.record(permit, name).await?.id;
        let wanted = AppendWanted { account: permit.account(), mailbox, messages, replaces: None };
        Ok(self.store.append(wanted).await?)
    }
}

impl Mailbox {
    /// Stores a message in a mailbox of the account and removes `replaced` from this one, both or neither (RFC 8508).
    ///
    /// # Errors
    /// [`MailboxError::NoSuchMailbox`] when there is no mailbox `to`; when this one is open for reading only; when
    /// `replaced` is gone.
    pub async fn replace(
        &self,
        mailboxes: &Mailboxes,
        replaced: Uid,
        to: &MailboxName,
        message: NewMessage,
    ) -> Result<Appended, MailboxError> {
        self.require_writable()?;
        let target = mailboxes.record(self.permit(), to).await?.id;
        let wanted = AppendWanted {
            account: self.permit().account(),
            mailbox: target,
            messages: vec![message],
            replaces: Some((self.id(), replaced)),
        };
        Ok(self.store.append(wanted).await?)
    }
}
