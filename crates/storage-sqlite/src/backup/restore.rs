//! Restoring a generation.

use std::fs;
use std::path::{Path, PathBuf};

use posthouse_storage::StorageError;
use rusqlite::Connection;

use super::generations::{pick, read_manifest};
use super::manifest::Manifest;
use super::take::STORE_DIRECTORY;
use super::{STORE_SETTING, copy};
use crate::Watcher;
use crate::directory_lock::{DirectoryLock, private_directory};
use crate::fault;
use crate::store::INDEX_FILE;

/// Where a store grows while it is restored, in the data directory.
const RESTORING: &str = "store.restoring";
/// Begins the path of what goes back into the data directory.
const DATA_PREFIX: &str = "data/";
/// What stands behind the name of a file or directory in whose place something was restored.
const REPLACED: &str = "before-restore";

/// What a restore came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The generation that it came from.
    pub name: String,
    /// Files that were restored.
    pub files: u64,
    /// Octets of them.
    pub bytes: u64,
    /// What was there before and has another name now.
    pub replaced: Vec<PathBuf>,
    /// Files of the generation that belong elsewhere, and are left to whoever restores: the configuration.
    pub left: Vec<PathBuf>,
}

/// Restores the newest generation of `directory`, or the newest whose name begins with `at`, into a data directory.
///
/// Every octet is checked on its way, and the store takes its place only when all of it is there. A store that is there
/// already is refused with [`StorageError::InUse`] unless `replace`, and then gets another name; nothing is deleted.
pub fn restore(
    directory: &Path,
    at: Option<&str>,
    data_directory: &Path,
    replace: bool,
    watcher: &Watcher,
) -> Result<Restored, StorageError> {
    let name = pick(directory, at)?;
    let generation = directory.join(&name);
    let manifest = read_manifest(&generation)?;
    private_directory(data_directory)?;
    let store = data_directory.join(STORE_DIRECTORY);
    let is_there = store.join(INDEX_FILE).exists();
    if is_there && !replace {
        let what = format!("{} holds mail; say so if it is to be replaced", store.display());
        return Err(StorageError::InUse(posthouse_storage::Named::Mailbox, what));
    }
    // Whoever runs on it keeps it.
    let lock = is_there.then(|| DirectoryLock::take(&store)).transpose()?;
    let restoring = data_directory.join(RESTORING);
    copy::remove_tree(&restoring)?;
    private_directory(&restoring)?;
    let mut restored = Restored {
        name: name.clone(),
        files: manifest.files.len() as u64,
        bytes: manifest.bytes(),
        replaced: Vec::new(),
        left: Vec::new(),
    };
    let mut others = Vec::new();
    each_file(&generation, &manifest, watcher, &mut |path, source, tick| {
        if let Some(inside) = path.strip_prefix("store/") {
            return place(source, &restoring.join(inside), tick);
        }
        if let Some(inside) = path.strip_prefix(DATA_PREFIX) {
            let waiting = restoring.join("data").join(inside);
            others.push((waiting.clone(), data_directory.join(inside)));
            return place(source, &waiting, tick);
        }
        restored.left.push(source.to_owned());
        copy::hash(source, tick)
    })?;
    forget_identity(&restoring.join(INDEX_FILE))?;
    for (waiting, target) in others {
        if let Some(parent) = target.parent() {
            private_directory(parent)?;
        }
        restored.replaced.extend(set_aside(&target, &name)?);
        copy::rename(&waiting, &target)?;
    }
    copy::remove_tree(&restoring.join("data"))?;
    if store.exists() {
        restored.replaced.extend(set_aside(&store, &name)?);
    }
    copy::rename(&restoring, &store)?;
    copy::sync_directory(data_directory)?;
    drop(lock);
    Ok(restored)
}

/// Checks every octet of a generation, and restores nothing. Returns its name, its files and their octets.
pub fn check(directory: &Path, at: Option<&str>, watcher: &Watcher) -> Result<(String, u64, u64), StorageError> {
    let name = pick(directory, at)?;
    let generation = directory.join(&name);
    let manifest = read_manifest(&generation)?;
    each_file(&generation, &manifest, watcher, &mut |_, source, tick| copy::hash(source, tick))?;
    Ok((name, manifest.files.len() as u64, manifest.bytes()))
}

/// Told of each piece that was read.
type Tick<'a> = dyn FnMut(u64) -> Result<(), StorageError> + 'a;
/// Reads a file of the generation, whose path comes first, and says what it read.
type Read<'a> = dyn FnMut(&str, &Path, &mut Tick<'_>) -> Result<(blake3::Hash, u64), StorageError> + 'a;

/// Has each file read, and holds what was read against the manifest.
fn each_file(
    generation: &Path,
    manifest: &Manifest,
    watcher: &Watcher,
    read: &mut Read<'_>,
) -> Result<(), StorageError> {
    let total = manifest.bytes();
    let mut done = 0;
    for file in &manifest.files {
        let source = generation.join(&file.path);
        let (hash, size_bytes) = read(&file.path, &source, &mut |bytes| {
            done += bytes;
            watcher.at("files", done.min(total), total)
        })?;
        if hash != file.hash || size_bytes != file.size_bytes {
            return Err(StorageError::Corrupt(format!("{} is not what was backed up", source.display())));
        }
    }
    Ok(())
}

fn place(source: &Path, target: &Path, tick: &mut Tick<'_>) -> Result<(blake3::Hash, u64), StorageError> {
    if let Some(parent) = target.parent() {
        private_directory(parent)?;
    }
    copy::copy(source, target, None, tick)
}

/// What was restored goes its own way from here, so a backup must not share files with that of the other.
fn forget_identity(index: &Path) -> Result<(), StorageError> {
    let connection = Connection::open(index).map_err(fault::sql)?;
    connection.execute("DELETE FROM setting WHERE name = ?1", [STORE_SETTING]).map_err(fault::sql)?;
    Ok(())
}

/// Gives what is at `path`, if anything, another name; says which.
fn set_aside(path: &Path, generation: &str) -> Result<Option<PathBuf>, StorageError> {
    if !path.exists() {
        return Ok(None);
    }
    let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or(STORE_DIRECTORY);
    for number in 1.. {
        let aside = path.with_file_name(format!("{file_name}.{REPLACED}-{generation}-{number}"));
        if fs::symlink_metadata(&aside).is_err() {
            copy::rename(path, &aside)?;
            return Ok(Some(aside));
        }
    }
    Ok(None)
}
