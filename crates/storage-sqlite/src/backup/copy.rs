//! Copying files, hashing on the way.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use posthouse_storage::StorageError;

use crate::disk::FILE_MODE;
use crate::fault;

/// Octets that are copied at once.
const COPY_BYTES: usize = 1024 * 1024;

/// Makes a new file for its owner only.
pub(super) fn create(path: &Path) -> Result<File, StorageError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path);
    made.map_err(|error| fault::io("make", path, &error))
}

/// Copies the first `limit` octets of a file, which has to have that many when `limit` is given, and makes them
/// durable. `tick` is told of each piece.
pub(super) fn copy(
    from: &Path,
    to: &Path,
    limit: Option<u64>,
    tick: &mut dyn FnMut(u64) -> Result<(), StorageError>,
) -> Result<(blake3::Hash, u64), StorageError> {
    let mut target = create(to)?;
    let mut write = |bytes: &[u8]| target.write_all(bytes).map_err(|error| fault::io("write to", to, &error));
    let hashed = each_piece(from, limit, &mut |bytes| {
        write(bytes)?;
        tick(bytes.len() as u64)
    })?;
    target.sync_all().map_err(|error| fault::io("sync", to, &error))?;
    Ok(hashed)
}

/// Hashes a file.
pub(super) fn hash(
    path: &Path,
    tick: &mut dyn FnMut(u64) -> Result<(), StorageError>,
) -> Result<(blake3::Hash, u64), StorageError> {
    each_piece(path, None, &mut |bytes| tick(bytes.len() as u64))
}

fn each_piece(
    path: &Path,
    limit: Option<u64>,
    see: &mut dyn FnMut(&[u8]) -> Result<(), StorageError>,
) -> Result<(blake3::Hash, u64), StorageError> {
    let source = File::open(path).map_err(|error| fault::io("open", path, &error))?;
    let mut source = source.take(limit.unwrap_or(u64::MAX));
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; COPY_BYTES];
    let mut bytes = 0;
    loop {
        let count = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(fault::io("read", path, &error)),
        };
        hasher.update(&chunk[..count]);
        bytes += count as u64;
        see(&chunk[..count])?;
    }
    if limit.is_some_and(|limit| bytes < limit) {
        return Err(StorageError::Corrupt(format!("{} lacks octets that are referred to", path.display())));
    }
    Ok((hasher.finalize(), bytes))
}

/// Gives a file a second name. False where the file system cannot do that.
pub(super) fn link(from: &Path, to: &Path) -> bool {
    fs::hard_link(from, to).is_ok()
}

/// Makes the entries of a directory durable.
pub(super) fn sync_directory(path: &Path) -> Result<(), StorageError> {
    let synced = File::open(path).and_then(|directory| directory.sync_all());
    synced.map_err(|error| fault::io("sync", path, &error))
}

/// Gives a file or directory another name.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StorageError> {
    fs::rename(from, to).map_err(|error| fault::io("rename", from, &error))
}

/// Removes a directory with all that is in it, if it is there.
pub(super) fn remove_tree(path: &Path) -> Result<(), StorageError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fault::io("remove", path, &error)),
        _ => Ok(()),
    }
}

/// Removes a file, if it is there.
pub(super) fn remove_file(path: &Path) -> Result<(), StorageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fault::io("remove", path, &error)),
        _ => Ok(()),
    }
}
