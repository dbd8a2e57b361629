//! An account without a server: a source and a target.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::{Flags, MailboxName, SystemFlag, UnixMillis};

use crate::{Folder, Folders, Item, Key, Message, Problem, Source, SourceError, Stored, Target, TargetError};

/// A message: when it came in, its flags, its octets.
pub type Kept = (UnixMillis, Flags, Bytes);

/// An account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    pub mailboxes: BTreeMap<MailboxName, Vec<Kept>>,
    pub subscribed: BTreeSet<MailboxName>,
    pub keys: HashSet<Key>,
    /// So many octets fit in.
    pub room_bytes: Option<usize>,
    /// After so many batches the connection breaks.
    pub batches_left: Option<usize>,
    pub open: Option<MailboxName>,
}

impl Account {
    /// What can be compared: mailboxes with their messages in some order, and subscriptions.
    pub fn contents(&self) -> (BTreeMap<MailboxName, Vec<String>>, BTreeSet<MailboxName>) {
        let shown = |(at, flags, octets): &Kept| {
            let system: Vec<_> = flags.system().map(SystemFlag::name).collect();
            format!("{at} {system:?} {:?} {}", flags.keywords(), octets.escape_ascii())
        };
        let sorted = |messages: &Vec<Kept>| {
            let mut all: Vec<String> = messages.iter().map(shown).collect();
            all.sort();
            all
        };
        let mailboxes = self.mailboxes.iter().map(|(name, messages)| (name.clone(), sorted(messages))).collect();
        (mailboxes, self.subscribed.clone())
    }

    fn bytes(&self) -> usize {
        self.mailboxes.values().flatten().map(|(_, _, octets)| octets.len()).sum()
    }
}

#[async_trait]
impl Source for Account {
    async fn folders(&mut self) -> Result<Folders, SourceError> {
        let with = self.mailboxes.keys().map(|name| (name, true));
        let without =
            self.subscribed.iter().filter(|name| !self.mailboxes.contains_key(*name)).map(|name| (name, false));
        let folder = |(name, has_messages): (&MailboxName, bool)| Folder {
            name: name.clone(),
            place: name.to_string(),
            number: 0,
            special_use: None,
            is_subscribed: self.subscribed.contains(name),
            has_messages,
        };
        Ok(Folders { folders: with.chain(without).map(folder).collect(), ..Folders::default() })
    }

    async fn open(&mut self, folder: &Folder) -> Result<Vec<Item>, SourceError> {
        let name = MailboxName::parse(&folder.place).unwrap();
        let messages = self.mailboxes.get(&name).ok_or_else(|| SourceError::Folder("gone".into()))?;
        let item = |(number, (_, _, octets)): (usize, &Kept)| Item {
            key: Key::of(&[name.as_str().as_bytes(), &number.to_le_bytes()]),
            number: number as u64,
            size_bytes: octets.len() as u64,
        };
        let items = messages.iter().enumerate().map(item).collect();
        self.open = Some(name);
        Ok(items)
    }

    async fn read(&mut self, items: &[Item]) -> Result<Vec<Result<Option<Message>, Problem>>, SourceError> {
        let messages = &self.mailboxes[self.open.as_ref().unwrap()];
        let message = |item: &Item| {
            let (internal_date, flags, octets) = messages[item.number as usize].clone();
            Ok(Some(Message { key: item.key, place: item.number.to_string(), octets, flags, internal_date }))
        };
        Ok(items.iter().map(message).collect())
    }
}

#[async_trait]
impl Target for Account {
    async fn prepare(&mut self, folder: &Folder) -> Result<Vec<Problem>, TargetError> {
        if folder.is_subscribed {
            self.subscribed.insert(folder.name.clone());
        }
        if folder.has_messages {
            self.mailboxes.entry(folder.name.clone()).or_default();
        }
        Ok(Vec::new())
    }

    async fn known(&mut self, _: &Folder, keys: &[Key]) -> Result<Vec<bool>, TargetError> {
        Ok(keys.iter().map(|key| self.keys.contains(key)).collect())
    }

    async fn store(&mut self, folder: &Folder, messages: Vec<Message>) -> Result<Vec<Stored>, TargetError> {
        if self.batches_left == Some(0) {
            return Err(TargetError::Lost("the connection broke".into()));
        }
        self.batches_left = self.batches_left.map(|left| left - 1);
        let coming: usize = messages.iter().map(|message| message.octets.len()).sum();
        if self.room_bytes.is_some_and(|room| self.bytes() + coming > room) {
            return Err(TargetError::Full("a mailbox is full".into()));
        }
        let mailbox = self.mailboxes.get_mut(&folder.name).unwrap();
        let mut stored = Vec::new();
        for message in messages {
            let is_new = self.keys.insert(message.key);
            if is_new {
                mailbox.push((message.internal_date, message.flags, message.octets));
            }
            stored.push(if is_new { Stored::New } else { Stored::Known });
        }
        Ok(stored)
    }

    async fn finish(&mut self, _: &Folder) -> Result<Vec<Problem>, TargetError> {
        Ok(Vec::new())
    }
}
