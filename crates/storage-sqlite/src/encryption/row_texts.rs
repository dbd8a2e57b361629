//! Reading the texts of a row, sealed or not.

use bytes::Bytes;
use posthouse_storage::{BodyKey, StorageError};
use rusqlite::types::ValueRef;

use super::key_ring::KeyRing;
use super::sealing::RowOpener;
use crate::fault::{Fault, damaged};

/// How often a row is read again because it followed another key at that moment.
const READINGS: usize = 3;

/// Reads the row of `body`; `read` gives `None` when the row's key is not there.
pub(crate) fn read_row<T>(body: BodyKey, mut read: impl FnMut() -> Result<Option<T>, Fault>) -> Result<T, Fault> {
    for _ in 0..READINGS {
        if let Some(row) = read()? {
            return Ok(row);
        }
    }
    Err(StorageError::Corrupt(format!("the key of body {} is not there", body.0)).into())
}

/// Opens the texts of one row.
pub(crate) struct RowTexts<'a> {
    table: &'static str,
    row: BodyKey,
    opener: Option<RowOpener<'a>>,
}

impl<'a> RowTexts<'a> {
    /// For a row with this in `sealed_by`. `None` when the key is not there: then the row has changed since it was
    /// read, and is to be read again.
    pub(crate) fn of(ring: &'a KeyRing, table: &'static str, row: BodyKey, sealed_by: Option<u32>) -> Option<Self> {
        let opener = match sealed_by {
            Some(id) => Some(RowOpener::new(ring.reading(id)?, table, row)),
            None => None,
        };
        Some(Self { table, row, opener })
    }

    /// The text of a column.
    pub(crate) fn text(&mut self, column: &str, value: ValueRef<'_>) -> Result<Bytes, Fault> {
        let octets = value.as_bytes().map_err(rusqlite::Error::from)?;
        let Some(opener) = &mut self.opener else { return Ok(Bytes::copy_from_slice(octets)) };
        let damaged = || {
            let text = format!("{column} in {} of body {} is not what was encrypted", self.table, self.row.0);
            StorageError::Corrupt(text)
        };
        Ok(opener.open(column, octets).ok_or_else(damaged)?.into())
    }

    /// The text of a column that may have none, where it is text for people.
    pub(crate) fn string(&mut self, column: &str, value: ValueRef<'_>) -> Result<Option<String>, Fault> {
        if value == ValueRef::Null {
            return Ok(None);
        }
        let octets = self.text(column, value)?;
        Ok(Some(String::from_utf8(octets.into()).map_err(|_| damaged(column, self.row.0))?))
    }

    /// The octets of a column that may have none, where their number is fixed.
    pub(crate) fn array<const N: usize>(
        &mut self,
        column: &str,
        value: ValueRef<'_>,
    ) -> Result<Option<[u8; N]>, Fault> {
        if value == ValueRef::Null {
            return Ok(None);
        }
        let octets = self.text(column, value)?;
        Ok(Some(octets[..].try_into().map_err(|_| damaged(column, self.row.0))?))
    }
}
