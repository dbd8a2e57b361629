//! What SQLite's and the system's errors mean in the port's words.

use std::io;
use std::path::Path;

use posthouse_storage::StorageError;
use rusqlite::ErrorCode;

/// What an error of SQLite means.
pub(crate) fn sql(error: rusqlite::Error) -> StorageError {
    let rusqlite::Error::SqliteFailure(failure, text) = &error else {
        return match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..) => StorageError::Corrupt(error.to_string()),
            other => StorageError::Unavailable(other.to_string()),
        };
    };
    match failure.code {
        ErrorCode::DiskFull => StorageError::Full,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            StorageError::Corrupt(text.clone().unwrap_or_else(|| failure.to_string()))
        }
        _ => StorageError::Unavailable(error.to_string()),
    }
}

/// What an error of the system means, `doing` something with the file at `path`.
pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> StorageError {
    if is_full(error) {
        return StorageError::Full;
    }
    StorageError::Unavailable(format!("cannot {doing} {}: {error}", path.display()))
}

/// Whether an error of the system means that there is no room left.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The same error once more, for each request of a batch that failed as a whole.
pub(crate) fn repeat(error: &StorageError) -> StorageError {
    match error {
        StorageError::Full => StorageError::Full,
        StorageError::OverQuota { accounts } => StorageError::OverQuota { accounts: accounts.clone() },
        StorageError::Corrupt(text) => StorageError::Corrupt(text.clone()),
        StorageError::Closed => StorageError::Closed,
        StorageError::Unavailable(text) => StorageError::Unavailable(text.clone()),
        other => StorageError::Unavailable(other.to_string()),
    }
}

/// A stored value that cannot be what was stored.
pub(crate) fn damaged(what: &str, value: impl std::fmt::Display) -> StorageError {
    StorageError::Corrupt(format!("{what} {value} cannot be what was stored"))
}

/// An error on its way out of this crate, into which SQLite's errors turn by themselves.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) StorageError);

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self(sql(error))
    }
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        Self(error)
    }
}

impl From<Fault> for StorageError {
    fn from(fault: Fault) -> Self {
        fault.0
    }
}
