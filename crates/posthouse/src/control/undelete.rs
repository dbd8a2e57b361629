//! Putting back what was expunged.

use posthouse_identity::RecoveryPermit;
use posthouse_mailbox::{MailboxError, Recoverable, RecoverablePage, RecoveryFilter};
use posthouse_model::{Address, MailboxId, Uid, UnixMillis};
use posthouse_storage::{ExpungedKey, StorageError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;

/// Why what fits is not put back.
const NO_ROOM: &str =
    "the account may not keep so much mail: give it more room (posthouse account quota), or choose fewer";

/// What is asked about expunged messages.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndeleteRequest {
    /// Some of them: a [`PageView`]. The client asks again for what follows.
    List {
        /// Whose.
        whose: Whose,
        /// Which.
        filter: Filter,
        /// What follows the last of the page before.
        after: Option<After>,
    },
    /// Put some back: how many of the page were, as a [`PageView`] of them.
    PutBack {
        /// Whose.
        whose: Whose,
        /// Which.
        filter: Filter,
        /// What follows the last of the page before.
        after: Option<After>,
    },
    /// Forget all of them for good: how many there were.
    Forget {
        /// Whose.
        whose: Whose,
    },
}

/// Whose messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Whose {
    /// The account's address.
    pub address: Text<Address>,
    /// Not what the account lost, but what accounts had that were removed and had this address.
    pub removed: bool,
}

/// Which messages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Filter {
    /// Expunged since then, in milliseconds since 1970.
    pub since: Option<i64>,
    /// From has this.
    pub from: Option<String>,
    /// Subject has this.
    pub subject: Option<String>,
    /// Out of this mailbox.
    pub mailbox: Option<String>,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct After {
    /// Which of the accounts, when several were removed.
    account: usize,
    expunged_at: i64,
    mailbox: u64,
    uid: u32,
}

/// Some expunged messages.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PageView {
    /// They.
    pub messages: Vec<MessageView>,
    /// Where the next page begins, if there is one.
    pub next_after: Option<After>,
}

/// An expunged message, for people and scripts.
#[derive(Debug, Serialize, Deserialize)]
pub struct MessageView {
    /// When it was expunged, in milliseconds since 1970.
    pub expunged_at: i64,
    /// Where it goes back to.
    pub mailbox: String,
    /// Whether that mailbox is there.
    pub mailbox_exists: bool,
    /// INTERNALDATE, in milliseconds since 1970.
    pub received_at: i64,
    /// Its From field.
    pub from: String,
    /// Its Subject field.
    pub subject: String,
    /// Octets.
    pub size_bytes: u64,
}

impl From<Recoverable> for MessageView {
    fn from(one: Recoverable) -> Self {
        Self {
            expunged_at: one.message.key.expunged_at.0,
            mailbox: one.message.mailbox_name.to_string(),
            mailbox_exists: one.message.mailbox_exists,
            received_at: one.message.record.internal_date.0,
            from: one.from,
            subject: one.subject,
            size_bytes: one.message.record.size_bytes,
        }
    }
}

pub async fn answer(request: UndeleteRequest, house: &House) -> Result<Value, Refusal> {
    match request {
        UndeleteRequest::List { whose, filter, after } => {
            let permits = permits(&whose, house).await?;
            let (page, next_after) = page(&permits, &filter.read()?, after, house).await?;
            let messages = page.map(|(_, page)| page.messages).unwrap_or_default();
            shape(PageView { messages: messages.into_iter().map(MessageView::from).collect(), next_after })
        }
        UndeleteRequest::PutBack { whose, filter, after } => {
            let permits = permits(&whose, house).await?;
            let (page, next_after) = page(&permits, &filter.read()?, after, house).await?;
            let mut messages = Vec::new();
            if let Some((permit, page)) = page {
                let keys = page.messages.iter().map(|one| one.message.key).collect();
                let back = house.mailboxes.put_back(permit, keys).await.map_err(refusal)?;
                let is_back = |one: &Recoverable| back.iter().any(|done| done.key == one.message.key);
                messages = page.messages.into_iter().filter(is_back).map(MessageView::from).collect();
            }
            shape(PageView { messages, next_after })
        }
        UndeleteRequest::Forget { whose } => {
            let mut forgotten = 0;
            for permit in permits(&whose, house).await? {
                forgotten += house.mailboxes.forget_expunged(&permit).await.map_err(refusal)?;
            }
            shape(forgotten)
        }
    }
}

async fn permits(whose: &Whose, house: &House) -> Result<Vec<RecoveryPermit>, Refusal> {
    match whose.removed {
        false => Ok(vec![house.identity.recovery(&whose.address.0).await?]),
        true => Ok(house.identity.recovery_of_removed(&whose.address.0).await?),
    }
}

/// A page of what the filter lets through, with the permit for it, and where the next one begins.
async fn page<'a>(
    permits: &'a [RecoveryPermit],
    filter: &RecoveryFilter,
    after: Option<After>,
    house: &House,
) -> Result<(Option<(&'a RecoveryPermit, RecoverablePage)>, Option<After>), Refusal> {
    let account = after.map_or(0, |after| after.account);
    let Some(permit) = permits.get(account) else { return Ok((None, None)) };
    // A key of nobody's is where the first page of a further account begins.
    let key = after.and_then(|after| {
        let uid = Uid::new(after.uid)?;
        let (expunged_at, mailbox) = (UnixMillis(after.expunged_at), MailboxId(after.mailbox));
        Some(ExpungedKey { expunged_at, mailbox, uid })
    });
    let page = house.mailboxes.recoverable(permit, filter, key).await.map_err(refusal)?;
    let next_after = match page.next_after {
        Some(key) => {
            Some(After { account, expunged_at: key.expunged_at.0, mailbox: key.mailbox.0, uid: key.uid.value() })
        }
        None if account + 1 < permits.len() => Some(After { account: account + 1, expunged_at: 0, mailbox: 0, uid: 0 }),
        None => None,
    };
    Ok((Some((permit, page)), next_after))
}

impl Filter {
    fn read(self) -> Result<RecoveryFilter, Refusal> {
        let mailbox = self.mailbox.map(|name| super::retention::mailbox_name(&name)).transpose()?;
        Ok(RecoveryFilter { since: self.since.map(UnixMillis), from: self.from, subject: self.subject, mailbox })
    }
}

fn refusal(error: MailboxError) -> Refusal {
    match error {
        MailboxError::Storage(StorageError::OverQuota { .. }) => Refusal::Other(NO_ROOM.to_owned()),
        MailboxError::Storage(error) => Refusal::Storage(error),
        other => Refusal::Other(other.to_string()),
    }
}
