//! Reading a Maildir.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::{MailboxName, UnixMillis};

use super::file_name;
use super::keywords::{self, Keywords};
use super::layout::{self, Layout, LayoutChoice, Place};
use super::subscriptions;
use crate::directory::{Directory, Kind};
use crate::limits::{MAX_FOLDER_MESSAGES, MAX_MESSAGE_BYTES, MAX_NOTE_BYTES};
use crate::{Folder, Folders, Item, Key, Message, Problem, Source, SourceError, dates, line_ends, names};

/// A Maildir with all its folders.
pub struct MaildirSource {
    root: Directory,
    /// What tells its messages apart from those of other Maildirs, some of whose names might be the same.
    identity: Vec<u8>,
    layout: LayoutChoice,
    places: Vec<Place>,
    open: Option<OpenFolder>,
}

struct OpenFolder {
    directory: Directory,
    shown: String,
    keywords: Keywords,
    files: Vec<MessageFile>,
}

/// In which of the two directories a file is, and its name there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MessageFile {
    part: &'static str,
    name: Vec<u8>,
}

impl MaildirSource {
    /// Opens the Maildir at `path`. Messages are known again by this path, or by `identity` in its place.
    ///
    /// # Errors
    /// When there is no directory, or it cannot be read.
    pub fn open(path: &Path, layout: LayoutChoice, identity: Option<&str>) -> io::Result<Self> {
        let root = Directory::open(path)?;
        let whole: PathBuf = std::fs::canonicalize(path)?;
        let identity = identity.map_or_else(|| whole.as_os_str().as_bytes().to_vec(), |name| name.as_bytes().to_vec());
        Ok(Self { root, identity, layout, places: Vec::new(), open: None })
    }

    fn directory(&self, place: &Place) -> io::Result<Directory> {
        let mut directory = self.root.enter(OsStr::new("."))?;
        for name in &place.way {
            directory = directory.enter(OsStr::from_bytes(name))?;
        }
        Ok(directory)
    }

    fn find_folders(&mut self) -> io::Result<Folders> {
        let layout = self.layout.find(&self.root)?;
        let (places, problems) = layout::places(&self.root, layout)?;
        self.places = places;
        let subscribed = self.subscribed(layout);
        let mut found = Folders { problems, ..Folders::default() };
        let mut without_folder = subscribed.clone().unwrap_or_default();
        for (number, place) in self.places.iter().enumerate() {
            let named = names::from_levels(&place.levels);
            if named.is_mended {
                found.notes.push(Problem::new(place.shown(), &format!("the mailbox is called {}", named.name)));
            }
            without_folder.remove(&named.name);
            found.folders.push(Folder {
                // Where nobody says to what they are subscribed, they see all of it.
                is_subscribed: subscribed.as_ref().is_none_or(|subscribed| subscribed.contains(&named.name)),
                name: named.name,
                place: place.shown(),
                number,
                special_use: None,
                has_messages: true,
            });
        }
        found.folders.extend(without_folder.into_iter().map(|name| Folder {
            place: name.to_string(),
            name,
            number: usize::MAX,
            special_use: None,
            is_subscribed: true,
            has_messages: false,
        }));
        Ok(found)
    }

    /// Subscribed names; `None` where there is no file that lists them.
    fn subscribed(&self, layout: Layout) -> Option<BTreeSet<MailboxName>> {
        let files = [(subscriptions::FILE_NAME, false), (subscriptions::COURIER_FILE_NAME, true)];
        files.into_iter().find_map(|(file, is_couriers)| {
            let contents = self.root.read(OsStr::new(file), MAX_NOTE_BYTES).ok()?;
            let found = subscriptions::read(&contents.octets, layout, is_couriers);
            Some(found.into_iter().filter(|found| !found.is_mended).map(|found| found.name).collect())
        })
    }

    fn list(&mut self, folder: &Folder) -> io::Result<Vec<Item>> {
        let place = self.places.get(folder.number).ok_or(io::ErrorKind::NotFound)?.clone();
        let directory = self.directory(&place)?;
        let keywords = match directory.read(OsStr::new(keywords::FILE_NAME), MAX_NOTE_BYTES) {
            Ok(contents) => Keywords::read(&contents.octets),
            Err(_) => Keywords::default(),
        };
        let mut files = files_of(&directory)?;
        files.sort_by_cached_key(|file| (file_name::seconds(&file.name), file.name.clone()));
        let way: Vec<u8> = place.way.join(&b'/');
        let items = files.iter().enumerate().map(|(number, file)| {
            let (base, _) = file_name::split(&file.name);
            let key = Key::of(&[b"maildir", &self.identity, &way, base]);
            Item { key, number: number as u64, size_bytes: size_hint(base) }
        });
        let items = items.collect();
        self.open = Some(OpenFolder { directory, shown: folder.place.clone(), keywords, files });
        Ok(items)
    }
}

/// Octets that a name tells (`,S=123`), else those of a usual message.
fn size_hint(base: &[u8]) -> u64 {
    const USUAL_BYTES: u64 = 16 * 1024;
    let told = memchr::memmem::find(base, b",S=").map(|at| &base[at + 3..]);
    told.and_then(file_name::seconds).and_then(|size| u64::try_from(size).ok()).unwrap_or(USUAL_BYTES)
}

fn files_of(directory: &Directory) -> io::Result<Vec<MessageFile>> {
    let mut files = Vec::new();
    for part in ["cur", "new"] {
        let entries = match directory.enter(OsStr::new(part)) {
            Ok(directory) => directory.entries(MAX_FOLDER_MESSAGES)?,
            // A folder may lack `new`.
            Err(error) if part == "new" && error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let messages = entries.into_iter().filter(|(name, kind)| {
            // What begins with a dot is no message; what is no file is told when it is read.
            *kind != Kind::Directory && !name.as_bytes().starts_with(b".")
        });
        files.extend(messages.map(|(name, _)| MessageFile { part, name: name.as_bytes().to_vec() }));
    }
    Ok(files)
}

impl OpenFolder {
    fn read(&mut self, item: &Item) -> Result<Option<Message>, Problem> {
        let number = usize::try_from(item.number).unwrap_or(usize::MAX);
        let Some(file) = self.files.get(number).cloned() else { return Ok(None) };
        match self.read_file(&file, item) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Problem::new(self.place_of(&file), &error)),
            Ok(message) => return Ok(Some(message)),
        }
        // Somebody reads this mail at the same time: its flags, and so its name, are others now. Or it is gone.
        self.look_again().map_err(|error| Problem::new(self.shown.clone(), &error))?;
        let Some(file) = self.files.get(number).cloned() else { return Ok(None) };
        match self.read_file(&file, item) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Problem::new(self.place_of(&file), &error)),
            Ok(message) => Ok(Some(message)),
        }
    }

    fn place_of(&self, file: &MessageFile) -> String {
        format!("{}: {}/{}", self.shown, file.part, file.name.escape_ascii())
    }

    /// Finds the names that the files have now.
    fn look_again(&mut self) -> io::Result<()> {
        let now: HashMap<Vec<u8>, MessageFile> = files_of(&self.directory)?
            .into_iter()
            .map(|file| (file_name::split(&file.name).0.to_vec(), file))
            .collect();
        for file in &mut self.files {
            if let Some(found) = now.get(file_name::split(&file.name).0) {
                file.clone_from(found);
            }
        }
        Ok(())
    }

    fn read_file(&self, file: &MessageFile, item: &Item) -> io::Result<Message> {
        let part = self.directory.enter(OsStr::new(file.part))?;
        let contents = part.read(OsStr::from_bytes(&file.name), MAX_MESSAGE_BYTES)?;
        let (base, letters) = file_name::split(&file.name);
        let octets = Bytes::from(line_ends::to_crlf(contents.octets));
        let told = file_name::seconds(base).map(UnixMillis::from_seconds);
        Ok(Message {
            key: item.key,
            place: self.place_of(file),
            internal_date: dates::received([Some(dates::unix_millis(contents.changed_at)), told], &octets),
            // Dovecot sets flags of what is still in `new`, too.
            flags: file_name::flags(letters, &self.keywords),
            octets,
        })
    }
}

#[async_trait]
impl Source for MaildirSource {
    async fn folders(&mut self) -> Result<Folders, SourceError> {
        self.find_folders().map_err(|error| SourceError::Lost(error.to_string()))
    }

    async fn open(&mut self, folder: &Folder) -> Result<Vec<Item>, SourceError> {
        self.list(folder).map_err(|error| SourceError::Folder(error.to_string()))
    }

    async fn read(&mut self, items: &[Item]) -> Result<Vec<Result<Option<Message>, Problem>>, SourceError> {
        let open = self.open.as_mut().ok_or_else(|| SourceError::Folder("no folder is open".to_owned()))?;
        Ok(items.iter().map(|item| open.read(item)).collect())
    }
}
