//! Writing mbox files.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use async_trait::async_trait;
use posthouse_model::MailboxName;
use posthouse_model::mailbox_name::HIERARCHY_DELIMITER;

use super::index::{self, Entry, Form};
use super::{fields, from_line};
use crate::directory::Directory;
use crate::limits::MAX_NOTE_BYTES;
use crate::maildir::subscriptions;
use crate::{Folder, Key, Message, Problem, Stored, Target, TargetError, line_ends, names};

/// What the name of every file ends with.
pub(super) const ENDING: &str = ".mbox";
/// The file that lists subscribed names, as in a Maildir.
pub(super) const SUBSCRIPTIONS: &str = "subscriptions";

/// Octets within which a message of ours has said how long it is: two lines.
const BEGIN_BYTES: usize = 160;

/// A directory of mbox files, one for each mailbox. Messages are added to what is there.
pub struct MboxTarget {
    root: Directory,
    subscribed: BTreeSet<MailboxName>,
    open: Option<OpenFile>,
}

struct OpenFile {
    name: MailboxName,
    file: File,
    keys: HashSet<Key>,
}

impl MboxTarget {
    /// Opens the directory at `path`, and makes it if it is not there.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub fn open(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let root = Directory::open(path)?;
        let subscribed = match root.read(OsStr::new(SUBSCRIPTIONS), MAX_NOTE_BYTES) {
            Ok(contents) => subscriptions::names(&contents.octets),
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { root, subscribed, open: None })
    }

    /// Opens the file of a mailbox, and makes it if it is not there and is to be.
    fn enter(&mut self, name: &MailboxName, is_made: bool) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|open| open.name == *name) {
            return Ok(());
        }
        self.open = None;
        let levels: Vec<String> = name.as_str().split(HIERARCHY_DELIMITER).map(names::level_file_name).collect();
        let Some((last, above)) = levels.split_last() else { return Ok(()) };
        let mut directory = self.root.enter(OsStr::new("."))?;
        for level in above {
            directory = match is_made {
                true => directory.enter_or_make(OsStr::new(level))?,
                false => directory.enter(OsStr::new(level))?,
            };
        }
        let file_name = names::with_ending(last, ENDING);
        let file_name = OsStr::new(&file_name);
        let file = match directory.file_to_change(file_name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_made => {
                directory.create(file_name)?;
                directory.sync()?;
                directory.file_to_change(file_name)?
            }
            other => other?,
        };
        self.open = Some(OpenFile { name: name.clone(), keys: look(&file, is_made)?, file });
        Ok(())
    }
}

/// The keys of the messages that a file has. One at the end that was not written whole is cut off, if `may_cut`.
fn look(file: &File, may_cut: bool) -> io::Result<HashSet<Key>> {
    let entries = index::find(file, Form::Rd)?;
    let Some((last, before)) = entries.split_last() else { return Ok(HashSet::new()) };
    let mut keys: HashSet<Key> = before.iter().filter_map(|entry| entry.written).map(|(key, _)| key).collect();
    let size = file.metadata()?.len();
    let whole = whole_size(file, last, size)?;
    if whole == size || !may_cut {
        keys.extend(last.written.filter(|_| whole > last.from).map(|(key, _)| key));
        if may_cut && last.end == size && size > 0 {
            // Somebody else ended the file without an empty line.
            let mut file = file;
            file.seek(SeekFrom::End(0))?;
            file.write_all(b"\n\n")?;
        }
        return Ok(keys);
    }
    file.set_len(whole)?;
    keys.extend(last.written.filter(|_| whole > last.from).map(|(key, _)| key));
    Ok(keys)
}

/// Up to where a file is whole, whose last message is `last`.
fn whole_size(file: &File, last: &Entry, size: u64) -> io::Result<u64> {
    let mut begin = [0; BEGIN_BYTES];
    let Some((_, end)) = last.written else {
        // It may be one of ours that was cut short before it said how long it is.
        let count = file.read_at(&mut begin, last.from)?;
        let line_bytes = usize::try_from(last.start - last.from).unwrap_or(BEGIN_BYTES).min(count);
        let (line, text) = begin[..count].split_at(line_bytes);
        return Ok(if from_line::is_ours(line) && fields::is_begun(text) { last.from } else { size });
    };
    // After its octets comes an empty line.
    let whole = end.saturating_add(1);
    if whole > size {
        return Ok(last.from);
    }
    let count = file.read_at(&mut begin, whole)?;
    let is_next_begun = count > 0 && count < BEGIN_BYTES && from_line::is_ours(&begin[..count]);
    Ok(if is_next_begun { whole } else { size })
}

impl OpenFile {
    fn store(&mut self, messages: &[Message]) -> io::Result<Vec<Stored>> {
        let mut stored = Vec::with_capacity(messages.len());
        for message in messages {
            if !self.keys.insert(message.key) {
                stored.push(Stored::Known);
                continue;
            }
            let (clean, _) = fields::taken_out(&message.octets, false);
            let mut octets = index::marked(&line_ends::to_lf(&clean));
            if !octets.is_empty() && !octets.ends_with(b"\n") {
                octets.push(b'\n');
            }
            let mut whole = from_line::written(message.internal_date).into_bytes();
            whole.extend_from_slice(fields::written(&message.flags, message.key, octets.len()).as_bytes());
            whole.extend_from_slice(&octets);
            whole.push(b'\n');
            self.file.seek(SeekFrom::End(0))?;
            self.file.write_all(&whole)?;
            stored.push(Stored::New);
        }
        self.file.sync_data()?;
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
impl Target for MboxTarget {
    async fn prepare(&mut self, folder: &Folder) -> Result<Vec<Problem>, TargetError> {
        if folder.is_subscribed {
            self.subscribed.insert(folder.name.clone());
        }
        let text = subscriptions::written(self.subscribed.iter());
        let written = self.root.replace(OsStr::new(SUBSCRIPTIONS), text.as_bytes());
        written.map_err(|error| TargetError::Lost(error.to_string()))?;
        if folder.has_messages {
            self.open = None;
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

    async fn finish(&mut self, _: &Folder) -> Result<Vec<Problem>, TargetError> {
        self.open = None;
        Ok(Vec::new())
    }
}
