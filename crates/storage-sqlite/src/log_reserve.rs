//! Room for the write-ahead log.
//!
//! SQLite writes the log from its beginning to its end, and then over it again. A sync of a file that has grown
//! writes the inode too, which costs more than the rest, so the file has its length before the first commit.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use posthouse_storage::StorageError;

use crate::fault;

/// Octets of a page with its header in the log.
const FRAME_BYTES: u64 = 4096 + 24;
/// Zeros that are written in one call.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Writes zeros to the end of the log of `index` until it has room for `pages`. Nobody else may write to it meanwhile.
///
/// SQLite reads the log up to the first frame that does not follow from the one before; zeros never do, and as a
/// header they are no log at all. When the disk has no room for it the log is left as it was.
pub(crate) fn reserve(index: &Path, pages: u64) -> Result<(), StorageError> {
    let mut path = index.as_os_str().to_owned();
    path.push("-wal");
    let path = Path::new(&path);
    let mut file = match OpenOptions::new().append(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(fault::io("open", path, &error)),
    };
    let before = file.metadata().map_err(|error| fault::io("look at", path, &error))?.len();
    match extend(&mut file, before, pages * FRAME_BYTES) {
        Err(error) if fault::is_full(&error) => {
            file.set_len(before).map_err(|error| fault::io("cut", path, &error))?;
            tracing::warn!(path = %path.display(), "no room could be reserved for the write-ahead log");
            Ok(())
        }
        extended => extended.map_err(|error| fault::io("extend", path, &error)),
    }
}

fn extend(file: &mut File, mut from: u64, to: u64) -> io::Result<()> {
    if from >= to {
        return Ok(());
    }
    while from < to {
        let count = (to - from).min(ZEROS.len() as u64);
        file.write_all(&ZEROS[..count as usize])?;
        from += count;
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::schema;

    fn log_bytes(index: &Path) -> u64 {
        std::fs::metadata(index.with_extension("db-wal")).unwrap().len()
    }

    fn put(connection: &Connection, value: i64) {
        connection.execute("INSERT INTO setting (name, value) VALUES (?1, x'00')", [value.to_string()]).unwrap();
    }

    fn settings(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM setting", (), |row| row.get(0)).unwrap()
    }

    #[test]
    fn commits_do_not_change_the_length() {
        let directory = tempfile::tempdir().unwrap();
        let index = directory.path().join("index.db");
        let connection = schema::open_writer(&index).unwrap();
        reserve(&index, 300).unwrap();
        for round in 0..3 {
            for value in 0..20 {
                put(&connection, round * 100 + value);
            }
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(())).unwrap();
            assert_eq!(log_bytes(&index), 300 * FRAME_BYTES);
        }
    }

    #[test]
    fn a_log_with_zeros_at_its_end_is_recovered() {
        let directory = tempfile::tempdir().unwrap();
        let index = directory.path().join("index.db");
        let connection = schema::open_writer(&index).unwrap();
        put(&connection, 1);
        reserve(&index, 300).unwrap();
        put(&connection, 2);
        // What a process that was killed leaves.
        let copy = directory.path().join("copy.db");
        for extension in ["db", "db-wal"] {
            std::fs::copy(index.with_extension(extension), copy.with_extension(extension)).unwrap();
        }
        let again = schema::open_writer(&copy).unwrap();
        reserve(&copy, 400).unwrap();
        assert_eq!((settings(&again), log_bytes(&copy)), (2, 400 * FRAME_BYTES));
        put(&again, 3);
        drop(again);
        let last = schema::open_writer(&copy).unwrap();
        assert_eq!(settings(&last), 3);
        let sound: String = last.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }

    #[test]
    fn nothing_but_zeros_is_an_empty_log() {
        let directory = tempfile::tempdir().unwrap();
        let index = directory.path().join("index.db");
        drop(schema::open_writer(&index).unwrap());
        std::fs::write(index.with_extension("db-wal"), vec![0; 100_000]).unwrap();
        let connection = schema::open_writer(&index).unwrap();
        put(&connection, 1);
        assert_eq!(settings(&connection), 1);
    }
}
