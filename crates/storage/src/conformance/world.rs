//! A small world for the cases: a domain, two accounts, and short ways to act and look.

use std::sync::Arc;

use bytes::Bytes;
use posthouse_model::flag::FlagChange;
use posthouse_model::{
    AccountId, Address, Domain, Flags, Keyword, MailboxId, MailboxName, SystemFlag, ThreadId, Uid, UidSet, UnixMillis,
};

use super::Harness;
use crate::{
    Body, BodyKey, BodySlice, Delivery, FlagsStored, FlagsWanted, MailboxRecord, MessageRecord, NewAccount, NewDomain,
    ParsedMessage, Placed, Placement, Storage, StorageError,
};

/// The moment at which everything happens unless a case says otherwise.
pub(super) const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// A store with `example.org`, and ann and bob in it, each with INBOX and Archive.
pub(super) struct World {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) ann: AccountId,
    pub(super) bob: AccountId,
    /// Ann's.
    pub(super) inbox: MailboxId,
    /// Ann's.
    pub(super) archive: MailboxId,
    /// Bob's.
    pub(super) bobs_inbox: MailboxId,
}

impl World {
    pub(super) async fn new(harness: &dyn Harness) -> Self {
        let storage = harness.fresh().await;
        storage.create_domain(new_domain("example.org")).await.unwrap();
        let ann = storage.create_account(new_account("ann@example.org")).await.unwrap().id;
        let bob = storage.create_account(new_account("bob@example.org")).await.unwrap().id;
        let id = async |account, text| {
            storage.mailbox(account, &name(text)).await.unwrap().expect("the mailbox was made").id
        };
        let (inbox, archive) = (id(ann, "INBOX").await, id(ann, "Archive").await);
        let bobs_inbox = id(bob, "INBOX").await;
        Self { storage, ann, bob, inbox, archive, bobs_inbox }
    }

    /// Delivers `text` into ann's INBOX.
    pub(super) async fn deliver(&self, text: &str) -> Placed {
        self.deliver_with(text, "").await
    }

    /// Delivers `text` into ann's INBOX with flags.
    pub(super) async fn deliver_with(&self, text: &str, flags_text: &str) -> Placed {
        let placements = vec![placement(self.ann, self.inbox, flags_text)];
        let delivered = self.storage.deliver(delivery(text, placements)).await.unwrap();
        delivered.placed[0]
    }

    /// One of ann's mailboxes.
    pub(super) async fn mailbox(&self, id: MailboxId) -> MailboxRecord {
        self.storage.mailbox_by_id(self.ann, id).await.unwrap().expect("the mailbox is there")
    }

    /// What is in one of ann's mailboxes.
    pub(super) async fn messages(&self, id: MailboxId) -> Vec<MessageRecord> {
        let (record, messages) = self.storage.messages(self.ann, id).await.unwrap();
        assert_eq!(counters(&record), recount(&messages), "counters of {}", record.name);
        assert!(messages.is_sorted_by(|one, next| one.uid < next.uid));
        assert!(messages.iter().all(|message| message.uid < record.uid_next));
        assert!(messages.iter().all(|message| message.modseq <= record.highest_modseq));
        messages
    }

    /// UIDs and flags of what is in one of ann's mailboxes, such as `1 2(\Seen $x)`.
    pub(super) async fn listing(&self, id: MailboxId) -> String {
        listing(&self.messages(id).await)
    }

    /// Changes flags in ann's INBOX.
    pub(super) async fn store(&self, uids: &str, change: FlagChange, flags_text: &str) -> FlagsStored {
        let wanted = FlagsWanted { uids: set(uids), change, flags: flags(flags_text), unchanged_since: None };
        self.storage.store_flags(self.ann, self.inbox, wanted).await.unwrap()
    }

    /// All of a body.
    pub(super) async fn text(&self, body: BodyKey) -> Result<String, StorageError> {
        let octets = self.storage.read(&[BodySlice { body, range: 0..u64::MAX }]).await?;
        Ok(String::from_utf8(octets[0].to_vec()).unwrap())
    }
}

/// Messages, unseen, deleted, octets.
pub(super) fn counters(record: &MailboxRecord) -> [u64; 4] {
    [record.messages.into(), record.unseen.into(), record.deleted.into(), record.size_bytes]
}

fn recount(messages: &[MessageRecord]) -> [u64; 4] {
    let with = |flag| messages.iter().filter(|message| message.flags.has(flag)).count() as u64;
    let count = messages.len() as u64;
    [
        count,
        count - with(SystemFlag::Seen),
        with(SystemFlag::Deleted),
        messages.iter().map(|message| message.size_bytes).sum(),
    ]
}

pub(super) fn listing(messages: &[MessageRecord]) -> String {
    let one = |message: &MessageRecord| match flags_text(&message.flags) {
        text if text.is_empty() => message.uid.to_string(),
        text => format!("{}({text})", message.uid),
    };
    messages.iter().map(one).collect::<Vec<_>>().join(" ")
}

pub(super) fn flags_text(flags: &Flags) -> String {
    let mut words: Vec<&str> = flags.system().map(SystemFlag::name).collect();
    words.extend(flags.keywords().iter().map(Keyword::as_str));
    words.join(" ")
}

/// Flags from their names, separated by spaces.
pub(super) fn flags(text: &str) -> Flags {
    let mut flags = Flags::none();
    for word in text.split_whitespace() {
        match SystemFlag::from_name(word) {
            Some(flag) => flags.insert(flag),
            None => assert!(flags.insert_keyword(Keyword::parse(word).unwrap())),
        }
    }
    flags
}

/// A set of UIDs such as `1:3,5`; nothing for none.
pub(super) fn set(text: &str) -> UidSet {
    let mut set = UidSet::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        set.insert_range(uid(first.parse().unwrap()), uid(last.parse().unwrap()));
    }
    set
}

pub(super) fn uid(value: u32) -> Uid {
    Uid::new(value).unwrap()
}

pub(super) fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

pub(super) fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

pub(super) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(super) fn new_domain(text: &str) -> NewDomain {
    NewDomain { name: domain(text), catch_all: None, subaddress_separator: Some('+'), created_at: NOW }
}

pub(super) fn new_account(text: &str) -> NewAccount {
    NewAccount {
        address: address(text),
        display_name: String::new(),
        administrator: false,
        credential: None,
        mailboxes: vec![(name("INBOX"), None), (name("Archive"), None)],
        created_at: NOW,
    }
}

pub(super) fn placement(account: AccountId, mailbox: MailboxId, flags_text: &str) -> Placement {
    Placement { account, mailbox, flags: flags(flags_text), internal_date: NOW }
}

/// A delivery whose parsed parts name the text, so that mixing them up shows.
pub(super) fn delivery(text: &str, placements: Vec<Placement>) -> Delivery {
    Delivery {
        body: Body::from_bytes(text.as_bytes().to_vec()),
        parsed: parsed(text),
        placements,
        queue: None,
        trail: Vec::new(),
    }
}

/// What [`delivery`] says about `text`.
pub(super) fn parsed(text: &str) -> ParsedMessage {
    ParsedMessage {
        structure: format!("structure of {text}").into(),
        envelope: format!("envelope of {text}").into(),
        body: format!("body of {text}").into(),
        bodystructure: format!("bodystructure of {text}").into(),
        sent_local_seconds: Some(text.len() as i64),
        preview: Some(format!("preview of {text}")).filter(|_| text.len().is_multiple_of(2)),
        thread: Some(ThreadId([text.len() as u8; 16])).filter(|_| text.len().is_multiple_of(3)),
        sort_keys: Bytes::new(),
    }
}
