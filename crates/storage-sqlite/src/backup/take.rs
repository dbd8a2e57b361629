//! Taking a backup.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use posthouse_storage::StorageError;
use rusqlite::{Connection, OpenFlags};

use super::generations::{PARTIAL, generations, lock, name_of, read_manifest};
use super::manifest::{FileEntry, MANIFEST_FILE, Manifest, is_inside};
use super::{BackupPlan, BackupTaken, GenerationState, STORE_SETTING, copy};
use crate::directory_lock::private_directory;
use crate::fault::{self, Fault};
use crate::schema;
use crate::segment;
use crate::store::{BODIES_DIRECTORY, INDEX_FILE, SqliteStorage};

/// Where the store is in a generation.
pub(super) const STORE_DIRECTORY: &str = "store";
/// What was copied whole already, in a generation under way: the lines that its manifest will have, and the store's.
const JOURNAL_FILE: &str = "copied";

/// A generation under way.
struct Taking<'a> {
    plan: &'a BackupPlan,
    /// Identity of the store.
    store: String,
    /// Where it grows.
    partial: PathBuf,
    /// The newest complete generation of the same store.
    before: Option<(PathBuf, HashMap<String, FileEntry>)>,
    /// Segments that an interrupted backup copied whole.
    copied_before: HashMap<String, FileEntry>,
    files: Vec<FileEntry>,
    copied_bytes: u64,
    done_bytes: u64,
    total_bytes: u64,
}

impl SqliteStorage {
    /// Takes a backup while the store goes on working. Blocks for as long as it takes. No segment is removed
    /// meanwhile.
    ///
    /// Fails with [`StorageError::Locked`] while another backup goes into the same directory.
    pub fn back_up(&self, plan: &BackupPlan) -> Result<BackupTaken, StorageError> {
        let _lock = lock(&plan.directory)?;
        let _files_stay = self.shared.files_stay.read();
        let store = self.identity()?;
        let (mut taking, continued) = Taking::begin(plan, store)?;
        taking.copy_index(&self.index)?;
        let bodies = self.files.directory().to_owned();
        for (number, size_bytes, sealed) in taking.segments()? {
            taking.take_segment(&bodies, number, size_bytes, sealed)?;
        }
        for extra in &plan.files {
            taking.take_extra(&extra.source, &extra.path)?;
        }
        let name = taking.finish()?;
        let bytes = taking.files.iter().map(|file| file.size_bytes).sum();
        let files = taking.files.len() as u64;
        Ok(BackupTaken { name, files, bytes, copied_bytes: taking.copied_bytes, continued })
    }

    /// By what this store is told from others; made at the first backup.
    fn identity(&self) -> Result<String, StorageError> {
        let look = || -> Result<String, Fault> {
            let connection = schema::open_checkpointer(&self.index)?;
            let sql = "INSERT INTO setting (name, value) VALUES (?1, CAST(lower(hex(randomblob(16))) AS BLOB))
                       ON CONFLICT DO NOTHING";
            connection.execute(sql, [STORE_SETTING])?;
            let sql = "SELECT CAST(value AS TEXT) FROM setting WHERE name = ?1";
            Ok(connection.query_row(sql, [STORE_SETTING], |row| row.get(0))?)
        };
        look().map_err(StorageError::from)
    }
}

impl<'a> Taking<'a> {
    /// Makes the directory, or goes on in that of an interrupted backup; second, whether it does.
    fn begin(plan: &'a BackupPlan, store: String) -> Result<(Self, bool), StorageError> {
        let partial = plan.directory.join(format!("{}{PARTIAL}", name_of(plan.taken_at)));
        let mut before = None;
        let mut copied_before = HashMap::new();
        let mut continued = false;
        for generation in generations(&plan.directory)? {
            match generation.state {
                GenerationState::Complete => {
                    let path = plan.directory.join(&generation.name);
                    let manifest = read_manifest(&path)?;
                    if manifest.store == store {
                        let files = manifest.files.into_iter().map(|file| (file.path.clone(), file)).collect();
                        before = Some((path, files));
                    }
                }
                GenerationState::Damaged => {}
                GenerationState::Interrupted => {
                    let old = plan.directory.join(format!("{}{PARTIAL}", generation.name));
                    let journal = fs::read_to_string(old.join(JOURNAL_FILE)).unwrap_or_default();
                    let is_ours = journal.lines().next() == Some(&format!("store {store}"));
                    if continued || !is_ours {
                        copy::remove_tree(&old)?;
                        continue;
                    }
                    if old != partial {
                        copy::rename(&old, &partial)?;
                    }
                    let lines = journal.lines().filter_map(FileEntry::parse);
                    copied_before = lines.map(|file| (file.path.clone(), file)).collect();
                    continued = true;
                }
            }
        }
        private_directory(&partial.join(STORE_DIRECTORY).join(BODIES_DIRECTORY))?;
        let taking = Self {
            plan,
            store,
            partial,
            before,
            copied_before,
            files: Vec::new(),
            copied_bytes: 0,
            done_bytes: 0,
            total_bytes: 0,
        };
        if !continued {
            taking.note(&format!("store {}\n", taking.store))?;
        }
        Ok((taking, continued))
    }

    /// Adds a line to the journal.
    fn note(&self, line: &str) -> Result<(), StorageError> {
        let path = self.partial.join(JOURNAL_FILE);
        let opened = OpenOptions::new().append(true).create(true).open(&path);
        let written = opened.and_then(|mut file| file.write_all(line.as_bytes()));
        written.map_err(|error| fault::io("write to", &path, &error))
    }

    fn path(&self, path: &str) -> PathBuf {
        self.partial.join(path)
    }

    /// A copy of the index as of one moment.
    fn copy_index(&mut self, index: &Path) -> Result<(), StorageError> {
        self.plan.watcher.at("index", 0, 1)?;
        let path = format!("{STORE_DIRECTORY}/{INDEX_FILE}");
        let target = self.path(&path);
        copy::remove_file(&target)?;
        // Made beforehand, so that it is never for others to read.
        drop(copy::create(&target)?);
        let text = target.to_str().ok_or_else(|| {
            StorageError::Unavailable(format!("{}: a path that is not UTF-8 cannot be used", target.display()))
        })?;
        let connection = schema::open_checkpointer(index)?;
        connection.execute("VACUUM INTO ?1", [text]).map_err(fault::sql)?;
        drop(connection);
        let synced = fs::File::open(&target).and_then(|file| file.sync_all());
        synced.map_err(|error| fault::io("sync", &target, &error))?;
        let (hash, size_bytes) = copy::hash(&target, &mut |_| Ok(()))?;
        self.copied_bytes += size_bytes;
        self.files.push(FileEntry { path, hash, size_bytes, sealed: false });
        Ok(())
    }

    /// Segments that the copied index refers to: numbers, lengths, and whether they never change.
    fn segments(&mut self) -> Result<Vec<(u32, u64, bool)>, StorageError> {
        let copied = self.path(&format!("{STORE_DIRECTORY}/{INDEX_FILE}"));
        let read = || {
            let connection = Connection::open_with_flags(&copied, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            let mut statement = connection.prepare("SELECT number, size_bytes, sealed FROM segment ORDER BY number")?;
            let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64, row.get(2)?)))?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        let segments = read().map_err(fault::sql)?;
        self.total_bytes = segments.iter().map(|(_, size_bytes, _)| size_bytes).sum();
        Ok(segments)
    }

    fn take_segment(&mut self, bodies: &Path, number: u32, size_bytes: u64, sealed: bool) -> Result<(), StorageError> {
        let source = segment::path(bodies, number);
        let file_name = source.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let path = format!("{STORE_DIRECTORY}/{BODIES_DIRECTORY}/{file_name}");
        let target = self.path(&path);
        let is_same = |file: &&FileEntry| sealed && file.sealed && file.size_bytes == size_bytes;
        let is_whole = fs::metadata(&target).is_ok_and(|metadata| metadata.len() == size_bytes);
        if let Some(known) = self.copied_before.get(&path).filter(is_same).filter(|_| is_whole) {
            self.files.push(known.clone());
        } else {
            copy::remove_file(&target)?;
            let shared = self.before.as_ref().and_then(|(generation, files)| {
                let known = files.get(&path).filter(is_same)?;
                copy::link(&generation.join(&path), &target).then(|| known.clone())
            });
            let entry = match shared {
                Some(known) => known,
                None => self.copy_file(&source, path, Some(size_bytes), sealed)?,
            };
            self.note(&entry.line())?;
            self.files.push(entry);
        }
        self.done_bytes = self.files.iter().skip(1).map(|file| file.size_bytes).sum();
        self.plan.watcher.at("segments", self.done_bytes, self.total_bytes)
    }

    fn copy_file(
        &mut self,
        source: &Path,
        path: String,
        limit: Option<u64>,
        sealed: bool,
    ) -> Result<FileEntry, StorageError> {
        let (done, total) = (self.done_bytes, self.total_bytes.max(1));
        let watcher = &self.plan.watcher;
        let mut copied = 0;
        let (hash, size_bytes) = copy::copy(source, &self.path(&path), limit, &mut |bytes| {
            copied += bytes;
            watcher.at("segments", (done + copied).min(total), total)
        })?;
        self.copied_bytes += size_bytes;
        Ok(FileEntry { path, hash, size_bytes, sealed })
    }

    fn take_extra(&mut self, source: &Path, path: &str) -> Result<(), StorageError> {
        if !is_inside(path) {
            return Err(StorageError::Unavailable(format!("{path:?} cannot be a path in a backup")));
        }
        let target = self.path(path);
        if let Some(parent) = target.parent() {
            private_directory(parent)?;
        }
        copy::remove_file(&target)?;
        let entry = self.copy_file(source, path.to_owned(), None, false)?;
        self.files.push(entry);
        Ok(())
    }

    /// Takes out what an interrupted backup left and this one does not have, writes the manifest, and gives the
    /// generation its name.
    fn finish(&self) -> Result<String, StorageError> {
        copy::remove_file(&self.partial.join(JOURNAL_FILE))?;
        let bodies = self.partial.join(STORE_DIRECTORY).join(BODIES_DIRECTORY);
        let unlisted = |error| fault::io("list", &bodies, &error);
        for entry in fs::read_dir(&bodies).map_err(unlisted)? {
            let path = entry.map_err(unlisted)?.path();
            if !self.files.iter().any(|file| self.path(&file.path) == path) {
                copy::remove_file(&path)?;
            }
        }
        let manifest = Manifest { store: self.store.clone(), taken_at: self.plan.taken_at, files: self.files.clone() };
        let path = self.partial.join(MANIFEST_FILE);
        copy::remove_file(&path)?;
        let mut file = copy::create(&path)?;
        let written = file.write_all(manifest.encode().as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|error| fault::io("write to", &path, &error))?;
        for directory in self.directories() {
            copy::sync_directory(&directory)?;
        }
        let name = name_of(self.plan.taken_at);
        copy::rename(&self.partial, &self.plan.directory.join(&name))?;
        copy::sync_directory(&self.plan.directory)?;
        Ok(name)
    }

    /// Every directory of the generation.
    fn directories(&self) -> Vec<PathBuf> {
        let mut directories = vec![self.partial.clone()];
        for file in &self.files {
            let path = self.path(&file.path);
            let parents = path.ancestors().skip(1).take_while(|one| *one != self.partial);
            directories.extend(parents.map(Path::to_owned));
        }
        directories.sort();
        directories.dedup();
        directories
    }
}
