//! Mail that moves into an account and out of it, for the administrator's `import` and `export`.
//!
//! Messages go beside the lines of JSON as the octets that they are: after a request to import as many as its messages
//! have together, after the response to a request to read likewise. What is read of files and of other servers is read
//! by the command; this side knows accounts and mailboxes only.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use posthouse_identity::Permit;
use posthouse_mailbox::{
    BatchBound, ContentWanted, Mailbox, MailboxError, Prepared, Rows, SectionContent, SectionForm, SectionWanted,
};
use posthouse_migration::Key;
use posthouse_migration::limits::{MAX_BATCH_BYTES, MAX_BATCH_KEYS, MAX_BATCH_MESSAGES, MAX_MESSAGE_BYTES};
use posthouse_mime::{Section, SectionKind};
use posthouse_model::{Address, Flags, Keyword, MailboxName, SpecialUse, SystemFlag, Uid, UidSet, UnixMillis};
use posthouse_storage::{BodyContent, ImportKey, MessageRecord, NewMessage, StorageError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;

use super::frame::{self, MAX_RESPONSE_BYTES};
use super::server::IDLE_LIMIT;
use super::{Refusal, Response, Text, shape};
use crate::house::House;

/// Messages in one page of a list.
const PAGE_MESSAGES: usize = 5000;
/// Memory for messages that are being brought in, of all who do that together, in KiB: two of the largest.
const ROOM_KIB: u32 = (2 * MAX_MESSAGE_BYTES / 1024) as u32;

/// What is asked about mail that moves.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationRequest {
    /// The mailboxes of an account, and subscribed names without one: a list of [`MailboxView`].
    Mailboxes {
        /// Whose.
        address: Text<Address>,
    },
    /// Make a mailbox, if it is not there: a [`MadeView`].
    Make {
        /// Whose.
        address: Text<Address>,
        /// Which.
        mailbox: Text<MailboxName>,
        /// What it is for, with a backslash.
        special_use: Option<String>,
        /// Whether to subscribe to it.
        subscribe: bool,
        /// Whether to do no more than that.
        only_subscribe: bool,
    },
    /// Which messages were brought in before: a list of truth values.
    Known {
        /// Into whose mailboxes.
        address: Text<Address>,
        /// Their keys.
        keys: Vec<String>,
    },
    /// Bring in messages whose octets follow: an [`ImportedView`].
    Import {
        /// Into whose mailboxes.
        address: Text<Address>,
        /// Into which.
        mailbox: Text<MailboxName>,
        /// What there is to say of each.
        messages: Vec<MessageHead>,
    },
    /// What is in a mailbox, page by page: a [`MessagesView`].
    Messages {
        /// Whose.
        address: Text<Address>,
        /// Which.
        mailbox: Text<MailboxName>,
        /// Only with higher UIDs.
        after: u32,
    },
    /// Read messages: a list of [`MessageHead`] or `null` for one that is gone; the octets of all follow.
    Read {
        /// Whose.
        address: Text<Address>,
        /// Of which mailbox.
        mailbox: Text<MailboxName>,
        /// The UIDVALIDITY that it had.
        uid_validity: u32,
        /// Their UIDs, rising.
        uids: Vec<u32>,
    },
    /// Forget what was brought in, so that it would come again: how many messages that were.
    Forget {
        /// Into whose mailboxes.
        address: Text<Address>,
    },
}

/// A mailbox, or a subscribed name without one.
#[derive(Debug, Serialize, Deserialize)]
pub struct MailboxView {
    /// Its name.
    pub name: Text<MailboxName>,
    /// Its number; `None` without a mailbox.
    pub id: Option<u64>,
    /// What it is for, with a backslash.
    pub special_use: Option<String>,
    /// Whether it is subscribed.
    pub subscribed: bool,
}

/// What came of making a mailbox.
#[derive(Debug, Serialize, Deserialize)]
pub struct MadeView {
    /// The mailbox to use: another one, if that has the special use already.
    pub mailbox: Text<MailboxName>,
}

/// What there is to say of a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MessageHead {
    /// Its key.
    pub key: String,
    /// Octets.
    pub size_bytes: u64,
    /// Flags and keywords.
    pub flags: Vec<String>,
    /// When it came in, in milliseconds since 1970.
    pub internal_date: i64,
}

/// What came of bringing in messages.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImportedView {
    /// Which of them are new here.
    pub new: Vec<bool>,
    /// Why there is no room for them; then none was stored.
    pub full: Option<String>,
}

/// Some messages of a mailbox.
#[derive(Debug, Serialize, Deserialize)]
pub struct MessagesView {
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// UIDs and octets of messages, rising.
    pub messages: Vec<(u32, u64)>,
    /// Whether there are more.
    pub more: bool,
}

/// Memory for messages that are brought in.
pub struct MigrationRoom(Arc<Semaphore>);

impl Default for MigrationRoom {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM_KIB as usize)))
    }
}

/// Answers one request, taking and giving the octets that belong to it.
///
/// # Errors
/// When the connection breaks, or nothing more can be understood of it.
pub async fn converse(
    request: MigrationRequest,
    house: &House,
    input: &mut (impl AsyncRead + Unpin),
    output: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let answered = match request {
        MigrationRequest::Import { address, mailbox, messages } => {
            let total = messages.iter().fold(0u64, |sum, head| sum.saturating_add(head.size_bytes));
            if messages.len() > MAX_BATCH_MESSAGES || total > MAX_BATCH_BYTES + MAX_MESSAGE_BYTES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "more octets than there may be at once"));
            }
            let kib = u32::try_from(total.div_ceil(1024)).unwrap_or(ROOM_KIB).clamp(1, ROOM_KIB);
            let _place = Arc::clone(&house.migration_room.0).acquire_many_owned(kib).await.map_err(io::Error::other)?;
            let octets = take(input, &messages).await?;
            import(house, &address.0, &mailbox.0, messages, octets).await
        }
        MigrationRequest::Read { address, mailbox, uid_validity, uids } => {
            match find(house, &address.0, &mailbox.0, uid_validity, &uids).await {
                Ok((opened, found)) => return give(&opened, found, &uids, output).await,
                Err(refusal) => Err(refusal),
            }
        }
        other => answer(other, house).await,
    };
    let response = match answered {
        Ok(value) => Response::Ok(value),
        Err(refusal) => Response::Refused(refusal.to_string()),
    };
    frame::write(output, &response, MAX_RESPONSE_BYTES).await
}

async fn answer(request: MigrationRequest, house: &House) -> Result<Value, Refusal> {
    match request {
        MigrationRequest::Mailboxes { address } => shape(mailboxes(house, &address.0).await?),
        MigrationRequest::Make { address, mailbox, special_use, subscribe, only_subscribe } => {
            let permit = house.identity.migration(&address.0).await?;
            let special_use = special_use.as_deref().and_then(SpecialUse::from_attribute);
            let used = match only_subscribe {
                true => mailbox.0,
                false => make(house, &permit, mailbox.0, special_use).await?,
            };
            if subscribe {
                house.mailboxes.set_subscribed(&permit, &used, true).await?;
            }
            shape(MadeView { mailbox: Text(used) })
        }
        MigrationRequest::Known { address, keys } => {
            if keys.len() > MAX_BATCH_KEYS {
                return Err(Refusal::Other(format!("at most {MAX_BATCH_KEYS} keys at once")));
            }
            let permit = house.identity.migration(&address.0).await?;
            let keys = keys.iter().map(|key| read_key(key)).collect::<Result<Vec<_>, _>>()?;
            shape(house.mailboxes.imported(&permit, &keys).await?)
        }
        MigrationRequest::Messages { address, mailbox, after } => {
            let permit = house.identity.migration(&address.0).await?;
            let opened = house.mailboxes.open(&permit, &mailbox.0, true).await?;
            shape(messages(&opened, after))
        }
        MigrationRequest::Forget { address } => {
            let permit = house.identity.migration(&address.0).await?;
            shape(house.mailboxes.forget_imports(&permit).await?)
        }
        MigrationRequest::Import { .. } | MigrationRequest::Read { .. } => {
            Err(Refusal::Other("this comes with octets".to_owned()))
        }
    }
}

async fn mailboxes(house: &House, address: &Address) -> Result<Vec<MailboxView>, Refusal> {
    let permit = house.identity.migration(address).await?;
    let (records, mut subscribed) = house.mailboxes.own(&permit).await?;
    let mut views = Vec::with_capacity(records.len());
    for record in records {
        let at = subscribed.iter().position(|name| *name == record.name);
        at.map(|at| subscribed.swap_remove(at));
        views.push(MailboxView {
            name: Text(record.name),
            id: Some(record.id.0),
            special_use: record.special_use.map(|one| one.attribute().to_owned()),
            subscribed: at.is_some(),
        });
    }
    views.extend(subscribed.into_iter().map(|name| MailboxView {
        name: Text(name),
        id: None,
        special_use: None,
        subscribed: true,
    }));
    Ok(views)
}

/// Makes a mailbox, unless it is there, or another one is for the same thing: there are not two for what was sent.
async fn make(
    house: &House,
    permit: &Permit,
    name: MailboxName,
    special_use: Option<SpecialUse>,
) -> Result<MailboxName, Refusal> {
    let (records, _) = house.mailboxes.own(permit).await?;
    if records.iter().any(|record| record.name == name) {
        return Ok(name);
    }
    let same = |record: &&posthouse_storage::MailboxRecord| special_use.is_some() && record.special_use == special_use;
    if let Some(other) = records.iter().find(same) {
        return Ok(other.name.clone());
    }
    match house.mailboxes.create(permit, &name, special_use).await {
        Ok(_) | Err(MailboxError::AlreadyExists) => Ok(name),
        Err(error) => Err(error.into()),
    }
}

/// Takes the octets of messages that come after a request.
async fn take(input: &mut (impl AsyncRead + Unpin), messages: &[MessageHead]) -> io::Result<Vec<Bytes>> {
    let mut all = Vec::with_capacity(messages.len());
    for head in messages {
        let mut octets = vec![0; usize::try_from(head.size_bytes).map_err(io::Error::other)?];
        let mut filled = 0;
        while filled < octets.len() {
            match tokio::time::timeout(IDLE_LIMIT, input.read(&mut octets[filled..])).await?? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                some => filled += some,
            }
        }
        all.push(Bytes::from(octets));
    }
    Ok(all)
}

async fn import(
    house: &House,
    address: &Address,
    mailbox: &MailboxName,
    heads: Vec<MessageHead>,
    octets: Vec<Bytes>,
) -> Result<Value, Refusal> {
    let permit = house.identity.migration(address).await?;
    let keys = heads.iter().map(|head| read_key(&head.key)).collect::<Result<Vec<_>, _>>()?;
    // To take messages apart is work for a processor, and others wait for this thread.
    let messages = tokio::task::spawn_blocking(move || {
        let message = |(head, octets): (MessageHead, Bytes)| {
            let prepared = Prepared::new(&octets);
            let date = UnixMillis(head.internal_date);
            prepared.with(BodyContent::Memory(vec![octets]), read_flags(&head.flags), date)
        };
        heads.into_iter().zip(octets).map(message).collect::<Vec<NewMessage>>()
    });
    let messages = messages.await.map_err(|error| Refusal::Other(error.to_string()))?;
    let count = messages.len();
    match house.mailboxes.import(&permit, mailbox, messages, keys).await {
        Ok(uids) => shape(ImportedView { new: uids.iter().map(Option::is_some).collect(), full: None }),
        Err(MailboxError::Storage(error @ (StorageError::OverQuota { .. } | StorageError::Full))) => {
            shape(ImportedView { new: vec![false; count], full: Some(error.to_string()) })
        }
        Err(error) => Err(error.into()),
    }
}

fn messages(opened: &Mailbox, after: u32) -> MessagesView {
    let mut before = UidSet::new();
    if let Some(last) = Uid::new(after) {
        before.insert_range(Uid::MIN, last);
    }
    let uids = UidSet::all().difference(&before);
    let mut rows = Rows::new(uids, None);
    let bound = BatchBound { messages: PAGE_MESSAGES, size_bytes: u64::MAX };
    let page = opened.next_rows(&mut rows, bound);
    MessagesView {
        uid_validity: opened.uid_validity().0.get(),
        more: page.len() == PAGE_MESSAGES,
        messages: page.into_iter().map(|record| (record.uid.value(), record.size_bytes)).collect(),
    }
}

async fn find(
    house: &House,
    address: &Address,
    mailbox: &MailboxName,
    uid_validity: u32,
    uids: &[u32],
) -> Result<(Mailbox, Vec<MessageRecord>), Refusal> {
    if uids.len() > MAX_BATCH_MESSAGES {
        return Err(Refusal::Other(format!("at most {MAX_BATCH_MESSAGES} messages at once")));
    }
    let permit = house.identity.migration(address).await?;
    let opened = house.mailboxes.open(&permit, mailbox, true).await?;
    if opened.uid_validity().0.get() != uid_validity {
        return Err(Refusal::Other("the mailbox is another one now".to_owned()));
    }
    let wanted: UidSet = uids.iter().filter_map(|uid| Uid::new(*uid)).collect();
    let bound = BatchBound { messages: MAX_BATCH_MESSAGES, size_bytes: u64::MAX };
    let found = opened.next_rows(&mut Rows::new(wanted, None), bound);
    Ok((opened, found))
}

/// Gives messages: what there is to say of each, and then the octets of all.
async fn give(
    opened: &Mailbox,
    found: Vec<MessageRecord>,
    uids: &[u32],
    output: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let head = |uid: &u32| {
        let record = found.iter().find(|record| record.uid.value() == *uid)?;
        Some(MessageHead {
            key: String::new(),
            size_bytes: record.size_bytes,
            flags: written_flags(&record.flags),
            internal_date: record.internal_date.0,
        })
    };
    let heads: Vec<Option<MessageHead>> = uids.iter().map(head).collect();
    let response = match serde_json::to_value(heads) {
        Ok(value) => Response::Ok(value),
        Err(error) => Response::Refused(error.to_string()),
    };
    frame::write(output, &response, MAX_RESPONSE_BYTES).await?;
    let whole = SectionWanted {
        section: Section { path: Vec::new(), kind: SectionKind::Full },
        partial: None,
        form: SectionForm::Raw,
    };
    let wanted = ContentWanted { sections: vec![whole], ..ContentWanted::default() };
    for record in &found {
        let read = opened.content(std::slice::from_ref(record), &wanted).await.map_err(io::Error::other)?;
        let section = read.into_iter().next().and_then(|content| content.sections.into_iter().next());
        match section {
            Some(SectionContent::Whole(octets)) if octets.len() as u64 == record.size_bytes => {
                output.write_all(&octets).await?;
            }
            Some(SectionContent::Long(mut reader)) => {
                while let Some(octets) = reader.next().await.map_err(io::Error::other)? {
                    output.write_all(&octets).await?;
                }
            }
            // So many octets were announced: without them nothing that follows can be understood.
            _ => return Err(io::Error::other("a message went while it was read")),
        }
    }
    output.flush().await
}

fn read_key(text: &str) -> Result<ImportKey, Refusal> {
    let key = Key::parse(text).ok_or_else(|| Refusal::Other(format!("`{text}` is no key of a message")))?;
    Ok(ImportKey(key.0))
}

/// Reads flags as IMAP writes them. What is none is left out.
pub fn read_flags(words: &[String]) -> Flags {
    let mut flags = Flags::none();
    for word in words {
        match (SystemFlag::from_name(word), Keyword::parse(word)) {
            (Some(flag), _) => flags.insert(flag),
            (None, Ok(keyword)) => drop(flags.insert_keyword(keyword)),
            (None, Err(_)) => {}
        }
    }
    flags
}

/// Flags as IMAP writes them.
pub fn written_flags(flags: &Flags) -> Vec<String> {
    let system = flags.system().map(|flag| flag.name().to_owned());
    system.chain(flags.keywords().iter().map(ToString::to_string)).collect()
}
