//! The room as its guests see it, on a store in memory.

mod annotations;
mod changes;
mod content;
mod delivery;
mod derived;
mod indexing;
mod loading;
mod model;
mod names;
mod quotas;
mod reading;
mod recovery;
mod retention;
mod samples;
mod search;
mod sharing;
mod sorting;
mod threads;
mod warm;
mod watching;
mod writing;

use std::sync::Arc;

use bytes::Bytes;
use posthouse_identity::{HashCost, Identity, IdentityOptions, LoginScope, Permit, Service};
use posthouse_model::{Address, Domain, Flags, Keyword, MailboxName, SystemFlag, Uid, UidSet, UnixMillis};
use posthouse_storage::{Directory, MemoryStorage, NewAccount};

use crate::{Mailbox, Mailboxes};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// Two accounts, Ann and Bob, each with an INBOX and nothing else.
struct House {
    store: Arc<MemoryStorage>,
    identity: Identity,
    mailboxes: Mailboxes,
    ann: Permit,
    bob: Permit,
}

impl House {
    async fn open() -> Self {
        let store = MemoryStorage::new();
        let options =
            IdentityOptions { hash_cost: HashCost::dangerous_minimum(), hashing_threads: 1, ..Default::default() };
        let identity = Identity::open(store.clone(), options).await.unwrap();
        identity.create_domain(Domain::parse("example.org").unwrap(), NOW).await.unwrap();
        let ann = account(&store, &identity, "ann@example.org").await;
        let bob = account(&store, &identity, "bob@example.org").await;
        let mailboxes = Mailboxes::new(store.clone());
        Self { store, identity, mailboxes, ann, bob }
    }

    /// Puts a message into a mailbox of Ann's.
    async fn append(&self, mailbox: &str, raw: impl Into<Bytes>, marks: &str) -> Uid {
        self.append_at(mailbox, raw, marks, NOW).await
    }

    async fn append_at(&self, mailbox: &str, raw: impl Into<Bytes>, marks: &str, at: UnixMillis) -> Uid {
        let name = name(mailbox);
        self.mailboxes.append(&self.ann, &name, raw.into(), flags(marks), at).await.unwrap().uid
    }

    /// Puts `count` small messages into Ann's INBOX.
    async fn fill_inbox(&self, count: usize) {
        for number in 1..=count {
            self.append("INBOX", format!("Subject: {number}\r\n\r\nmessage {number}\r\n"), "").await;
        }
    }

    async fn inbox(&self) -> Mailbox {
        self.mailbox("INBOX").await
    }

    async fn mailbox(&self, mailbox: &str) -> Mailbox {
        self.mailboxes.open(&self.ann, &name(mailbox), false).await.unwrap()
    }
}

async fn account(store: &MemoryStorage, identity: &Identity, address: &str) -> Permit {
    let account = NewAccount {
        address: Address::parse(address).unwrap(),
        display_name: String::new(),
        administrator: false,
        credential: None,
        mailboxes: vec![(MailboxName::inbox(), None)],
        created_at: NOW,
    };
    store.create_account(account).await.unwrap();
    let scope = LoginScope { service: Service::Imap, default_domain: None };
    identity.authorize(address, None, &scope).await.unwrap()
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

fn uid(value: u32) -> Uid {
    Uid::new(value).unwrap()
}

fn uids(values: &[u32]) -> UidSet {
    values.iter().map(|value| uid(*value)).collect()
}

/// Flags as IMAP lists them, such as `\Seen $Junk`.
fn flags(text: &str) -> Flags {
    let mut flags = Flags::none();
    for word in text.split_whitespace() {
        match SystemFlag::from_name(word) {
            Some(flag) => flags.insert(flag),
            None => assert!(flags.insert_keyword(Keyword::parse(word).unwrap())),
        }
    }
    flags
}
