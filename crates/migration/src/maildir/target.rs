//! Writing a Maildir.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use async_trait::async_trait;
use posthouse_model::MailboxName;

use super::file_name;
use super::keywords::{self, Keywords};
use super::layout::{self, Layout};
use super::subscriptions;
use crate::directory::{Directory, set_changed_at};
use crate::limits::{MAX_FOLDER_MESSAGES, MAX_NOTE_BYTES};
use crate::{Folder, Key, Message, Problem, Stored, Target, TargetError, dates, line_ends};

/// In a Maildir++ it says of a directory that it is a folder and no Maildir of its own.
const FOLDER_MARK: &str = "maildirfolder";

/// A Maildir that takes folders and messages. What it has already stays.
pub struct MaildirTarget {
    root: Directory,
    layout: Layout,
    subscribed: BTreeSet<MailboxName>,
    open: Option<OpenFolder>,
}

struct OpenFolder {
    name: MailboxName,
    directory: Directory,
    cur: Directory,
    keywords: Keywords,
    keys: HashSet<Key>,
    files: usize,
    /// Messages some of whose keywords have no letter.
    short: u64,
}

impl MaildirTarget {
    /// Opens the Maildir at `path`, and makes the directory if it is not there.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub fn open(path: &Path, layout: Layout) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let root = Directory::open(path)?;
        let subscribed = match root.read(OsStr::new(subscriptions::FILE_NAME), MAX_NOTE_BYTES) {
            Ok(contents) => {
                let found = subscriptions::read(&contents.octets, layout, false);
                found.into_iter().filter(|found| !found.is_mended).map(|found| found.name).collect()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { root, layout, subscribed, open: None })
    }

    /// Writes which folders are subscribed; none, too, for a reader takes a missing file for all.
    fn write_subscriptions(&self) -> io::Result<()> {
        let text = subscriptions::written(self.subscribed.iter());
        self.root.replace(OsStr::new(subscriptions::FILE_NAME), text.as_bytes())
    }

    /// Opens a folder, and makes it if it is not there and is to be.
    fn enter(&mut self, name: &MailboxName, is_made: bool) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|open| open.name == *name) {
            return Ok(());
        }
        self.open = None;
        let step = |directory: &Directory, name: &str| match is_made {
            true => directory.enter_or_make(OsStr::new(name)),
            false => directory.enter(OsStr::new(name)),
        };
        let mut directory = self.root.enter(OsStr::new("."))?;
        let way = layout::way_to(name, self.layout);
        for name in &way {
            directory = step(&directory, name)?;
        }
        for part in ["new", "tmp"] {
            step(&directory, part)?;
        }
        let cur = step(&directory, "cur")?;
        if is_made && !way.is_empty() && matches!(self.layout, Layout::SideBySide(_)) {
            match directory.create(OsStr::new(FOLDER_MARK)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        let keywords = match directory.read(OsStr::new(keywords::FILE_NAME), MAX_NOTE_BYTES) {
            Ok(contents) => Keywords::read(&contents.octets),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Keywords::default(),
            Err(error) => return Err(error),
        };
        let mut open =
            OpenFolder { name: name.clone(), directory, cur, keywords, keys: HashSet::new(), files: 0, short: 0 };
        open.look()?;
        self.open = Some(open);
        Ok(())
    }
}

impl OpenFolder {
    /// Finds the keys of the messages that are there.
    fn look(&mut self) -> io::Result<()> {
        let mut seen = 0;
        for part in ["cur", "new"] {
            for (name, _) in self.directory.enter(OsStr::new(part))?.entries(MAX_FOLDER_MESSAGES)? {
                let (base, _) = file_name::split(name.as_bytes());
                self.keys.extend(file_name::key(base));
                seen += 1;
            }
        }
        self.files = seen;
        Ok(())
    }

    fn store(&mut self, messages: &[Message]) -> io::Result<Vec<Stored>> {
        let tmp = self.directory.enter(OsStr::new("tmp"))?;
        let mut stored = Vec::with_capacity(messages.len());
        for message in messages {
            if self.keys.contains(&message.key) {
                stored.push(Stored::Known);
                continue;
            }
            let (letters, is_short) = file_name::letters(&message.flags, &mut self.keywords);
            self.short += u64::from(is_short);
            if self.keywords.take_changed() {
                // A letter must never be there before what it stands for.
                self.directory.replace(OsStr::new(keywords::FILE_NAME), self.keywords.written().as_bytes())?;
            }
            let octets = line_ends::to_lf(&message.octets);
            let base = file_name::base(message.key, self.files, message.internal_date, octets.len());
            tmp.remove(OsStr::new(&base))?;
            let mut file = tmp.create(OsStr::new(&base))?;
            file.write_all(&octets)?;
            set_changed_at(&file, dates::system_time(message.internal_date))?;
            file.sync_all()?;
            tmp.rename(OsStr::new(&base), &self.cur, OsStr::new(&format!("{base}:2,{letters}")))?;
            self.keys.insert(message.key);
            self.files += 1;
            stored.push(Stored::New);
        }
        self.cur.sync()?;
        Ok(stored)
    }
}

fn failure(error: &io::Error) -> TargetError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => TargetError::Lost(error.to_string()),
        _ => TargetError::Folder(error.to_string()),
    }
}

#[async_trait]
impl Target for MaildirTarget {
    async fn prepare(&mut self, folder: &Folder) -> Result<Vec<Problem>, TargetError> {
        if folder.is_subscribed {
            self.subscribed.insert(folder.name.clone());
        }
        self.write_subscriptions().map_err(|error| TargetError::Lost(error.to_string()))?;
        if folder.has_messages {
            self.enter(&folder.name, true).map_err(|error| failure(&error))?;
        }
        Ok(Vec::new())
    }

    async fn known(&mut self, folder: &Folder, keys: &[Key]) -> Result<Vec<bool>, TargetError> {
        match self.enter(&folder.name, false) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![false; keys.len()]),
            Err(error) => return Err(failure(&error)),
        }
        let there = self.open.as_ref().map(|open| &open.keys);
        Ok(keys.iter().map(|key| there.is_some_and(|there| there.contains(key))).collect())
    }

    async fn store(&mut self, folder: &Folder, messages: Vec<Message>) -> Result<Vec<Stored>, TargetError> {
        self.enter(&folder.name, true).map_err(|error| failure(&error))?;
        let Some(open) = self.open.as_mut() else { return Err(TargetError::Folder("it is not open".to_owned())) };
        open.store(&messages).map_err(|error| failure(&error))
    }

    async fn finish(&mut self, folder: &Folder) -> Result<Vec<Problem>, TargetError> {
        let Some(open) = self.open.take() else { return Ok(Vec::new()) };
        open.directory.sync().map_err(|error| failure(&error))?;
        Ok(match open.short {
            0 => Vec::new(),
            count => vec![Problem::new(
                folder.place.clone(),
                &format!("{count} messages have keywords that were left out: a Maildir has room for 26 in each folder"),
            )],
        })
    }
}
