//! The running server as where mail goes to, and where it comes from.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_migration::{
    Folder, Folders, Item, Key, Message, Problem, Source, SourceError, Stored, Target, TargetError,
};
use posthouse_model::{Address, MailboxName, SpecialUse, UnixMillis};
use serde::de::DeserializeOwned;

use crate::control::client::{AskError, Client};
use crate::control::migration::{
    ImportedView, MadeView, MailboxView, MessageHead, MessagesView, MigrationRequest, read_flags, written_flags,
};
use crate::control::{Request, Text};

/// A connection that is made anew once when it breaks: the server ends one that was idle for long, as while another
/// server is slow. Whatever is asked here can be asked twice.
struct Line(Client);

impl Line {
    async fn ask<T: DeserializeOwned>(&mut self, request: MigrationRequest, octets: &[Bytes]) -> Result<T, AskError> {
        let request = Request::Migration(request);
        match self.0.ask_with(&request, octets).await {
            Err(AskError::Broken { .. }) => {
                self.0 = self.0.again().await?;
                self.0.ask_with(&request, octets).await
            }
            other => other,
        }
    }
}

/// An account that takes mail.
pub struct HouseTarget {
    line: Line,
    address: Address,
    /// Mailboxes that take the place of others.
    used: HashMap<MailboxName, MailboxName>,
}

impl HouseTarget {
    /// The account of this address.
    pub fn new(server: Client, address: Address) -> Self {
        Self { line: Line(server), address, used: HashMap::new() }
    }

    fn address(&self) -> Text<Address> {
        Text(self.address.clone())
    }
}

/// What the server refuses concerns a mailbox; without a server there is nothing.
fn target_error(error: AskError) -> TargetError {
    match error {
        AskError::Refused(why) => TargetError::Folder(why),
        lost => TargetError::Lost(lost.to_string()),
    }
}

fn source_error(error: AskError) -> SourceError {
    match error {
        AskError::Refused(why) => SourceError::Folder(why),
        lost => SourceError::Lost(lost.to_string()),
    }
}

#[async_trait]
impl Target for HouseTarget {
    async fn prepare(&mut self, folder: &Folder) -> Result<Vec<Problem>, TargetError> {
        let request = MigrationRequest::Make {
            address: self.address(),
            mailbox: Text(folder.name.clone()),
            special_use: folder.special_use.map(|one| one.attribute().to_owned()),
            subscribe: folder.is_subscribed,
            only_subscribe: !folder.has_messages,
        };
        let made: MadeView = self.line.ask(request, &[]).await.map_err(target_error)?;
        let is_same = made.mailbox.0 == folder.name;
        let note = format!("its messages are in {}, which is for the same thing", made.mailbox.0);
        self.used.insert(folder.name.clone(), made.mailbox.0);
        Ok(if is_same { Vec::new() } else { vec![Problem::new(folder.place.clone(), &note)] })
    }

    async fn known(&mut self, _: &Folder, keys: &[Key]) -> Result<Vec<bool>, TargetError> {
        let keys = keys.iter().map(ToString::to_string).collect();
        let request = MigrationRequest::Known { address: self.address(), keys };
        self.line.ask(request, &[]).await.map_err(|error| match error {
            // It is about the account, then.
            AskError::Refused(why) => TargetError::Lost(why),
            other => target_error(other),
        })
    }

    async fn store(&mut self, folder: &Folder, messages: Vec<Message>) -> Result<Vec<Stored>, TargetError> {
        let head = |message: &Message| MessageHead {
            key: message.key.to_string(),
            size_bytes: message.octets.len() as u64,
            flags: written_flags(&message.flags),
            internal_date: message.internal_date.0,
        };
        let request = MigrationRequest::Import {
            address: self.address(),
            mailbox: Text(self.used.get(&folder.name).unwrap_or(&folder.name).clone()),
            messages: messages.iter().map(head).collect(),
        };
        let octets: Vec<Bytes> = messages.into_iter().map(|message| message.octets).collect();
        let answered = self.line.ask(request, &octets).await;
        let imported: ImportedView = answered.map_err(target_error)?;
        if let Some(why) = imported.full {
            return Err(TargetError::Full(format!("{}: {why}", self.address)));
        }
        Ok(imported.new.into_iter().map(|is_new| if is_new { Stored::New } else { Stored::Known }).collect())
    }

    async fn finish(&mut self, _: &Folder) -> Result<Vec<Problem>, TargetError> {
        Ok(Vec::new())
    }
}

/// An account that gives mail.
pub struct HouseSource {
    line: Line,
    address: Address,
    /// Numbers of mailboxes, by that of their folder.
    ids: Vec<u64>,
    open: Option<(Folder, u32)>,
}

impl HouseSource {
    /// The account of this address.
    pub fn new(server: Client, address: Address) -> Self {
        Self { line: Line(server), address, ids: Vec::new(), open: None }
    }

    fn address(&self) -> Text<Address> {
        Text(self.address.clone())
    }
}

#[async_trait]
impl Source for HouseSource {
    async fn folders(&mut self) -> Result<Folders, SourceError> {
        let request = MigrationRequest::Mailboxes { address: self.address() };
        let views: Vec<MailboxView> = self.line.ask(request, &[]).await.map_err(source_error)?;
        let folder = |(number, view): (usize, &MailboxView)| Folder {
            name: view.name.0.clone(),
            place: view.name.0.to_string(),
            number,
            special_use: view.special_use.as_deref().and_then(SpecialUse::from_attribute),
            is_subscribed: view.subscribed,
            has_messages: view.id.is_some(),
        };
        let folders = views.iter().enumerate().map(folder).collect();
        self.ids = views.iter().map(|view| view.id.unwrap_or(0)).collect();
        Ok(Folders { folders, ..Folders::default() })
    }

    async fn open(&mut self, folder: &Folder) -> Result<Vec<Item>, SourceError> {
        // The folder may be called otherwise where it goes.
        let mailbox = MailboxName::parse(&folder.place).map_err(|error| SourceError::Folder(error.to_string()))?;
        let id = self.ids.get(folder.number).copied().unwrap_or(0);
        let mut items = Vec::new();
        let mut after = 0;
        loop {
            let mailbox = Text(mailbox.clone());
            let request = MigrationRequest::Messages { address: self.address(), mailbox, after };
            let page: MessagesView = self.line.ask(request, &[]).await.map_err(source_error)?;
            let validity = page.uid_validity;
            items.extend(page.messages.iter().map(|&(uid, size_bytes)| {
                let address = self.address.folded().to_string();
                let parts =
                    [id.to_le_bytes(), u64::from(validity).to_le_bytes(), u64::from(uid).to_le_bytes()].concat();
                Item { key: Key::of(&[b"posthouse", address.as_bytes(), &parts]), number: u64::from(uid), size_bytes }
            }));
            after = page.messages.last().map_or(after, |&(uid, _)| uid);
            self.open = Some((folder.clone(), validity));
            if !page.more {
                return Ok(items);
            }
        }
    }

    async fn read(&mut self, items: &[Item]) -> Result<Vec<Result<Option<Message>, Problem>>, SourceError> {
        let Some((folder, uid_validity)) = self.open.clone() else { return Ok(Vec::new()) };
        let mailbox = MailboxName::parse(&folder.place).map_err(|error| SourceError::Folder(error.to_string()))?;
        let uids = items.iter().map(|item| u32::try_from(item.number).unwrap_or(0)).collect();
        let request = MigrationRequest::Read { address: self.address(), mailbox: Text(mailbox), uid_validity, uids };
        let heads: Vec<Option<MessageHead>> = self.line.ask(request, &[]).await.map_err(source_error)?;
        let mut messages = Vec::with_capacity(heads.len());
        for (head, item) in heads.into_iter().zip(items) {
            let Some(head) = head else {
                messages.push(Ok(None));
                continue;
            };
            let octets = self.line.0.octets(head.size_bytes).await.map_err(source_error)?;
            messages.push(Ok(Some(Message {
                key: item.key,
                place: format!("{}: UID {}", folder.place, item.number),
                octets,
                flags: read_flags(&head.flags),
                internal_date: UnixMillis(head.internal_date),
            })));
        }
        Ok(messages)
    }
}
