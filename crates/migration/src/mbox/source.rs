//! Reading mbox files.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::MailboxName;

use super::fields;
use super::from_line::MARK;
use super::index::{self, Entry, Form};
use super::target::{ENDING, SUBSCRIPTIONS};
use crate::directory::{Directory, Kind};
use crate::limits::{MAX_DEPTH, MAX_FOLDERS, MAX_MESSAGE_BYTES, MAX_NOTE_BYTES};
use crate::maildir::subscriptions;
use crate::names::{self, THUNDERBIRD_ENDING};
use crate::{Folder, Folders, Item, Key, Message, Problem, Source, SourceError, dates, line_ends};

/// One mbox file, or all of a directory.
pub struct MboxSource {
    root: Directory,
    identity: Vec<u8>,
    form: Form,
    /// The only file that is meant, and the mailbox that it is.
    single: Option<(OsString, MailboxName)>,
    /// The ways to the files, one name after another.
    places: Vec<Vec<OsString>>,
    open: Option<OpenFile>,
}

struct OpenFile {
    file: File,
    entries: Vec<Entry>,
    shown: String,
}

impl MboxSource {
    /// Opens the file, or the directory of files, at `path`. A single file is the mailbox `single_name`, or the one
    /// that its name says. Messages are known again by this path, or by `identity` in its place.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(
        path: &Path,
        form: Form,
        single_name: Option<&MailboxName>,
        identity: Option<&str>,
    ) -> io::Result<Self> {
        let whole = std::fs::canonicalize(path)?;
        let identity = identity.map_or_else(|| whole.as_os_str().as_bytes().to_vec(), |name| name.as_bytes().to_vec());
        let (root, single) = match (std::fs::metadata(&whole)?.is_dir(), whole.parent(), whole.file_name()) {
            (false, Some(above), Some(file)) => {
                let named =
                    single_name.cloned().unwrap_or_else(|| names::from_levels(&levels(&[file.to_owned()])).name);
                (Directory::open(above)?, Some((file.to_owned(), named)))
            }
            _ => (Directory::open(&whole)?, None),
        };
        Ok(Self { root, identity, form, single, places: Vec::new(), open: None })
    }

    fn find_folders(&mut self) -> io::Result<Folders> {
        let mut found = Folders::default();
        if let Some((file, name)) = &self.single {
            self.places = vec![vec![file.clone()]];
            found.folders.push(folder(name.clone(), shown(&self.places[0]), 0, true));
            return Ok(found);
        }
        let mut places = Vec::new();
        look(&self.root, &[], &mut places, &mut found.problems)?;
        if places.len() > MAX_FOLDERS {
            return Err(io::Error::other(format!("there are more than {MAX_FOLDERS} files")));
        }
        places.sort();
        self.places = places;
        let subscribed = self.subscribed();
        let mut without_file = subscribed.clone().unwrap_or_default();
        for (number, place) in self.places.iter().enumerate() {
            let named = names::from_levels(&levels(place));
            if named.is_mended {
                found.notes.push(Problem::new(shown(place), &format!("the mailbox is called {}", named.name)));
            }
            without_file.remove(&named.name);
            let is_subscribed = subscribed.as_ref().is_none_or(|subscribed| subscribed.contains(&named.name));
            found.folders.push(folder(named.name, shown(place), number, is_subscribed));
        }
        found.folders.extend(
            without_file
                .into_iter()
                .map(|name| Folder { has_messages: false, ..folder(name.clone(), name.to_string(), usize::MAX, true) }),
        );
        Ok(found)
    }

    fn subscribed(&self) -> Option<BTreeSet<MailboxName>> {
        let contents = self.root.read(OsStr::new(SUBSCRIPTIONS), MAX_NOTE_BYTES).ok()?;
        Some(subscriptions::names(&contents.octets))
    }

    fn list(&mut self, folder: &Folder) -> io::Result<Vec<Item>> {
        let place = self.places.get(folder.number).ok_or(io::ErrorKind::NotFound)?;
        let (name, above) = place.split_last().ok_or(io::ErrorKind::NotFound)?;
        let mut directory = self.root.enter(OsStr::new("."))?;
        for step in above {
            directory = directory.enter(step)?;
        }
        let file = directory.file(name)?;
        let mut entries = index::find(&file, self.form)?;
        entries.retain(|entry| !entry.is_internal);
        let way: Vec<u8> = place.iter().map(|name| name.as_bytes()).collect::<Vec<_>>().join(&b'/');
        // Several messages may say the same: each is one of its own.
        let mut equals: HashMap<Key, u64> = HashMap::new();
        let items = entries.iter().enumerate().map(|(number, entry)| {
            let before = equals.entry(entry.key).or_default();
            *before += 1;
            let key = Key::of(&[b"mbox", &self.identity, &way, &entry.key.0, &before.to_le_bytes()]);
            Item { key, number: number as u64, size_bytes: entry.end - entry.start }
        });
        let items = items.collect();
        self.open = Some(OpenFile { file, entries, shown: folder.place.clone() });
        Ok(items)
    }
}

fn folder(name: MailboxName, place: String, number: usize, is_subscribed: bool) -> Folder {
    Folder { name, place, number, special_use: None, is_subscribed, has_messages: true }
}

fn shown(place: &[OsString]) -> String {
    place.iter().map(|name| name.as_bytes().escape_ascii().to_string()).collect::<Vec<_>>().join("/")
}

/// What a mailbox is called, to which these directories and this file lead.
fn levels(place: &[OsString]) -> Vec<String> {
    let Some((file, above)) = place.split_last() else { return Vec::new() };
    let above = above.iter().map(|directory| without(directory, THUNDERBIRD_ENDING));
    above.chain([without(file, ENDING)]).collect()
}

fn without(name: &OsStr, ending: &str) -> String {
    let raw = name.as_bytes();
    let inner = raw.strip_suffix(ending.as_bytes()).filter(|inner| !inner.is_empty());
    names::decode_level(inner.unwrap_or(raw))
}

/// Finds the files that are mbox files.
fn look(
    directory: &Directory,
    above: &[OsString],
    places: &mut Vec<Vec<OsString>>,
    problems: &mut Vec<Problem>,
) -> io::Result<()> {
    for (name, kind) in directory.entries(MAX_FOLDERS * 2)? {
        if name.as_bytes().starts_with(b".") || places.len() > MAX_FOLDERS {
            continue;
        }
        let mut place = above.to_vec();
        place.push(name.clone());
        match kind {
            Kind::Directory if place.len() >= MAX_DEPTH => {
                problems.push(Problem::new(shown(&place), &format!("it lies more than {MAX_DEPTH} levels deep")));
            }
            Kind::Directory => match directory.enter(&name) {
                Ok(below) => look(&below, &place, places, problems)?,
                Err(error) => problems.push(Problem::new(shown(&place), &error)),
            },
            Kind::File => match is_mbox(directory, &name) {
                Ok(true) => places.push(place),
                Ok(false) => {}
                Err(error) => problems.push(Problem::new(shown(&place), &error)),
            },
            Kind::Other => problems.push(Problem::new(shown(&place), "it is a symbolic link, or no file")),
        }
    }
    Ok(())
}

/// Whether a file begins as an mbox does; an empty one is a folder with nothing in it.
fn is_mbox(directory: &Directory, name: &OsStr) -> io::Result<bool> {
    let mut begin = Vec::new();
    directory.file(name)?.take(MARK.len() as u64).read_to_end(&mut begin)?;
    Ok(begin.is_empty() || begin == MARK)
}

impl OpenFile {
    fn read(&self, item: &Item, form: Form) -> Result<Option<Message>, Problem> {
        let number = usize::try_from(item.number).unwrap_or(usize::MAX);
        let Some(entry) = self.entries.get(number) else { return Ok(None) };
        let place = format!("{}: message {}", self.shown, item.number + 1);
        let size = entry.end - entry.start;
        if size > MAX_MESSAGE_BYTES {
            return Err(Problem::new(place, &format!("it has more than {MAX_MESSAGE_BYTES} octets")));
        }
        let mut raw = vec![0; usize::try_from(size).unwrap_or(0)];
        self.file.read_exact_at(&mut raw, entry.start).map_err(|error| Problem::new(place.clone(), &error))?;
        cut_blanks(&mut raw, entry);
        let (raw, fields) = fields::taken_out(&raw, form == Form::Cl2);
        let octets = Bytes::from(line_ends::to_crlf(index::unmarked(&raw, form)));
        let internal_date = dates::received([entry.date], &octets);
        Ok(Some(Message { key: item.key, place, flags: fields.flags, internal_date, octets }))
    }
}

/// A message that has no empty line after its header cannot be told from one that has, but by what was written with it.
fn cut_blanks(raw: &mut Vec<u8>, entry: &Entry) {
    let whole = entry.written.and_then(|(_, end)| usize::try_from(end.checked_sub(entry.start)?).ok());
    if let Some(whole) = whole
        && raw.get(whole..).is_some_and(|rest| rest.trim_ascii().is_empty())
    {
        raw.truncate(whole);
    }
}

#[async_trait]
impl Source for MboxSource {
    async fn folders(&mut self) -> Result<Folders, SourceError> {
        self.find_folders().map_err(|error| SourceError::Lost(error.to_string()))
    }

    async fn open(&mut self, folder: &Folder) -> Result<Vec<Item>, SourceError> {
        self.list(folder).map_err(|error| SourceError::Folder(error.to_string()))
    }

    async fn read(&mut self, items: &[Item]) -> Result<Vec<Result<Option<Message>, Problem>>, SourceError> {
        let open = self.open.as_ref().ok_or_else(|| SourceError::Folder("no file is open".to_owned()))?;
        Ok(items.iter().map(|item| open.read(item, self.form)).collect())
    }
}
