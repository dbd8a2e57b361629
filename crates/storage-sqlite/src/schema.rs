//! Opening the index: connections, their settings, and migrations.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use posthouse_storage::StorageError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::disk::FILE_MODE;
use crate::fault;

/// The schema's versions in order; the n-th takes a database from version n to n + 1.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_mail_directory_queue_trail.sql"),
    include_str!("../migrations/0002_password_history.sql"),
    include_str!("../migrations/0003_sort_keys.sql"),
    include_str!("../migrations/0004_previews.sql"),
    include_str!("../migrations/0005_annotations.sql"),
    include_str!("../migrations/0006_quotas.sql"),
    include_str!("../migrations/0007_sharing.sql"),
    include_str!("../migrations/0008_search_index.sql"),
    include_str!("../migrations/0009_keeping.sql"),
    include_str!("../migrations/0010_encryption.sql"),
    include_str!("../migrations/0011_sealed_search_index.sql"),
    include_str!("../migrations/0012_signing.sql"),
    include_str!("../migrations/0013_imports.sql"),
    include_str!("../migrations/0014_sending_quotas.sql"),
    include_str!("../migrations/0015_sending_watch.sql"),
    include_str!("../migrations/0016_queue_turns.sql"),
    include_str!("../migrations/0017_leaving.sql"),
    include_str!("../migrations/0018_routes.sql"),
    include_str!("../migrations/0019_transport.sql"),
    include_str!("../migrations/0020_release_and_deadline.sql"),
    include_str!("../migrations/0021_received_tls_reports.sql"),
    include_str!("../migrations/0022_route_tokens.sql"),
    include_str!("../migrations/0023_sealed_secrets.sql"),
    include_str!("../migrations/0025_inventory.sql"),
    include_str!("../migrations/0026_segment_copies.sql"),
    include_str!("../migrations/0027_account_keys.sql"),
    include_str!("../migrations/0028_sightings_of_keys.sql"),
    include_str!("../migrations/0030_copies_in_place.sql"),
    include_str!("../migrations/0031_held_with_account.sql"),
    include_str!("../migrations/0032_small_bodies_are_not_looked_for.sql"),
];

/// How long a connection waits for a lock that another holds for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Prepared statements kept for each connection; more than there are in this crate.
const STATEMENTS: usize = 360;
/// Page cache of the writer, in KiB.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
/// Page cache of each reader, in KiB.
const READER_CACHE_KIB: i64 = 8 * 1024;
/// To what the write-ahead log's file is cut when it starts again after somebody who read for long made it long, in
/// octets. More than it has in normal work, in which it is not to be cut: a commit that overwrites need not write the
/// inode.
const LOG_FILE_BYTES: i64 = 256 * 1024 * 1024;

/// Opens the index for writing; makes it, or brings it to the newest version.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, StorageError> {
    // SQLite gives its other files the mode of this one.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
        .map_err(|error| fault::io("open", path, &error))?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, WRITER_CACHE_KIB)?;
    let version = version(&connection)?;
    // A new index, and one out of a backup, has none. For any other this does nothing.
    connection.pragma_update(None, "journal_mode", "wal").map_err(fault::sql)?;
    migrate(&connection, version)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(fault::sql)?;
    connection.pragma_update(None, "journal_size_limit", LOG_FILE_BYTES).map_err(fault::sql)?;
    Ok(connection)
}

/// Opens the index for reading.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StorageError> {
    // A reader has to be able to write the shared memory beside the log, so the connection is not read-only.
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true).map_err(fault::sql)?;
    Ok(connection)
}

/// Opens the index for moving the write-ahead log into the database.
pub(crate) fn open_checkpointer(path: &Path) -> Result<Connection, StorageError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, READER_CACHE_KIB)
}

fn connect(path: &Path, flags: OpenFlags, cache_kib: i64) -> Result<Connection, StorageError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault::sql)?;
    let settle = || {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Without it some statements are compiled anew whenever they are given other values, to see whether the plan
        // would change; ours are written so that it does not depend on them.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "cache_size", -cache_kib)
    };
    settle().map_err(fault::sql)?;
    Ok(connection)
}

fn version(connection: &Connection) -> Result<usize, StorageError> {
    let found: i64 = connection.query_row("PRAGMA user_version", (), |row| row.get(0)).map_err(fault::sql)?;
    let known = MIGRATIONS.len();
    usize::try_from(found).ok().filter(|&version| version <= known).ok_or_else(|| StorageError::NewerSchema {
        found: u32::try_from(found).unwrap_or(u32::MAX),
        known: u32::try_from(known).unwrap_or(u32::MAX),
    })
}

fn migrate(connection: &Connection, from: usize) -> Result<(), StorageError> {
    // A table that others refer to is made anew by dropping the old one, which is not to take their rows with it.
    connection.pragma_update(None, "foreign_keys", false).map_err(fault::sql)?;
    let migrated = run_migrations(connection, from);
    connection.pragma_update(None, "foreign_keys", true).map_err(fault::sql)?;
    migrated
}

fn run_migrations(connection: &Connection, from: usize) -> Result<(), StorageError> {
    for (at, migration) in MIGRATIONS.iter().enumerate().skip(from) {
        let script = format!("BEGIN IMMEDIATE;\n{migration}\nPRAGMA user_version = {};\nCOMMIT;", at + 1);
        if let Err(error) = connection.execute_batch(&script) {
            // When the rollback fails too there is nothing open, and the first error says why.
            let _ = connection.execute_batch("ROLLBACK");
            return Err(fault::sql(error));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_index_is_at_the_newest_version_and_opens_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index.db");
        for _ in 0..2 {
            let connection = open_writer(&path).unwrap();
            assert_eq!(version(&connection).unwrap(), MIGRATIONS.len());
        }
    }

    /// What every earlier release has written opens, and what was in it is there.
    #[test]
    fn every_earlier_version_is_brought_to_the_newest() {
        for from in 1..MIGRATIONS.len() {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("index.db");
            let old = Connection::open(&path).unwrap();
            MIGRATIONS[..from].iter().for_each(|migration| old.execute_batch(migration).unwrap());
            old.execute_batch("INSERT INTO setting (name, value) VALUES ('kept', x'07')").unwrap();
            old.pragma_update(None, "user_version", i64::try_from(from).unwrap()).unwrap();
            drop(old);
            let connection = open_writer(&path).unwrap();
            assert_eq!(version(&connection).unwrap(), MIGRATIONS.len());
            let kept: Vec<u8> =
                connection.query_row("SELECT value FROM setting WHERE name = 'kept'", (), |row| row.get(0)).unwrap();
            assert_eq!(kept, [7], "from version {from}");
        }
    }

    #[test]
    fn an_index_of_the_first_release_is_brought_up_to_date() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index.db");
        let first = Connection::open(&path).unwrap();
        first.execute_batch(MIGRATIONS[0]).unwrap();
        first.pragma_update(None, "user_version", 1).unwrap();
        drop(first);
        let connection = open_writer(&path).unwrap();
        assert_eq!(version(&connection).unwrap(), MIGRATIONS.len());
    }

    /// An index of the version before the migration that says this.
    fn before(migration: &str, path: &Path) -> Connection {
        let versions = MIGRATIONS.iter().position(|one| one.contains(migration)).unwrap();
        let old = Connection::open(path).unwrap();
        MIGRATIONS[..versions].iter().for_each(|migration| old.execute_batch(migration).unwrap());
        old.pragma_update(None, "user_version", i64::try_from(versions).unwrap()).unwrap();
        old
    }

    #[test]
    fn ways_of_connecting_that_were_seen_before_were_without_a_credential() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index.db");
        let old = before("CREATE TABLE sighting_with_key", &path);
        let row = "INSERT INTO sighting VALUES (0, 'far.example', 'mx', 25, 'TLS1.3', 's', '', 'client', 5, 7, 9)";
        old.execute_batch(row).unwrap();
        drop(old);
        let connection = open_writer(&path).unwrap();
        let sql = "SELECT count(*) FROM sighting WHERE account = 0 AND peer = 'far.example' AND listener = 'mx'
                   AND port = 25 AND tls_version = 'TLS1.3' AND cipher_suite = 's' AND mechanism = ''
                   AND credential = '' AND client = 'client' AND first_at = 5 AND last_at = 7 AND connections = 9";
        assert_eq!(connection.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap(), 1);
    }

    #[test]
    fn what_was_held_of_frozen_accounts_is_held_with_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index.db");
        let old = before("held_with_account INTEGER", &path);
        let rows = "PRAGMA foreign_keys = 0; INSERT INTO sending_freeze VALUES (7, 1, 'much', 5);
            INSERT INTO queue_message (id, journey, body, entries, body_type, smtputf8, require_tls, size_bytes,
                received_at, submitter) VALUES (1, 1, 1, 3, 0, 0, 0, 1, 1, 7), (2, 2, 1, 1, 0, 0, 0, 1, 1, 8);
            INSERT INTO queue_entry (id, message, address, destination, due_at, expires_at, attempts, delay_reported,
                held, cause) VALUES (1, 1, 'a@x.example', 'x.example', 1, 9, 0, 0, 1, NULL),
                (2, 1, 'b@x.example', 'x.example', 1, 9, 0, 0, 1, 'content-filter'),
                (3, 1, 'c@x.example', 'x.example', 1, 9, 0, 0, 0, NULL),
                (4, 2, 'd@x.example', 'x.example', 1, 9, 0, 0, 1, NULL)";
        old.execute_batch(rows).unwrap();
        drop(old);
        let connection = open_writer(&path).unwrap();
        let sql = "SELECT group_concat(id) FROM queue_entry WHERE held_with_account = 1";
        assert_eq!(connection.query_row(sql, (), |row| row.get::<_, String>(0)).unwrap(), "1");
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index.db");
        let connection = open_writer(&path).unwrap();
        connection.pragma_update(None, "user_version", 9000).unwrap();
        drop(connection);
        let error = open_writer(&path).unwrap_err();
        let newest = MIGRATIONS.len();
        let told = matches!(error, StorageError::NewerSchema { found: 9000, known } if known as usize == newest);
        assert!(told, "{error}");
    }

    #[test]
    fn what_was_written_before_there_was_encryption_is_not_encrypted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index.db");
        let connection = Connection::open(&path).unwrap();
        let rows = "INSERT INTO body VALUES (4294967296, x'00', 1, 0, 60, 4, 1, 0);
                    INSERT INTO parsed VALUES (4294967296, x'01', x'02', x'03', x'04', NULL);
                    PRAGMA user_version = 1;";
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        connection.execute_batch(rows).unwrap();
        drop(connection);
        let connection = open_writer(&path).unwrap();
        let sql = "SELECT seal IS NULL AND sealed_by IS NULL AND settled = 1 AND target IS NULL
                   FROM body JOIN parsed ON parsed.key = body.key, encryption";
        assert!(connection.query_row(sql, (), |row| row.get::<_, bool>(0)).unwrap());
    }

    #[test]
    fn what_is_no_database_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("index.db");
        std::fs::write(&path, "x".repeat(8192)).unwrap();
        assert!(matches!(open_writer(&path), Err(StorageError::Corrupt(_))));
    }
}
