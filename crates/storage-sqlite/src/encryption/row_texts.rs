//! Reading the texts of a row, sealed or not.

use std::ops::Range;

use bytes::Bytes;
use posthouse_storage::{BodyKey, StorageError};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::key_ring::KeyRing;
use super::sealing::RowOpener;
use crate::fault::{Fault, damaged};
use crate::reader::mail::at_one_moment;

/// How often a row is read again because it followed another key at that moment.
const READINGS: usize = 3;

/// Reads the row of `body`; `read` gives `None` when the row's key is not there.
fn read_row<T>(body: BodyKey, mut read: impl FnMut() -> Result<Option<T>, Fault>) -> Result<T, Fault> {
    for _ in 0..READINGS {
        if let Some(row) = read()? {
            return Ok(row);
        }
    }
    Err(StorageError::Corrupt(format!("the key of body {} is not there", body.0)).into())
}

/// Reads the rows of `bodies` at one moment, and those again, one by one, whose keys are not there.
pub(crate) fn read_rows<T>(
    connection: &Connection,
    bodies: &[BodyKey],
    mut read: impl FnMut(BodyKey) -> Result<Option<T>, Fault>,
) -> Result<Vec<T>, Fault> {
    let rows: Vec<Option<T>> =
        at_one_moment(connection, || bodies.iter().map(|body| read(*body)).collect::<Result<_, _>>())?;
    let whole = rows.into_iter().zip(bodies).map(|(row, body)| match row {
        Some(row) => Ok(row),
        None => read_row(*body, || read(*body)),
    });
    whole.collect()
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

    /// Appends the text of a column to `buffer`, and says where it is in it.
    pub(crate) fn append(
        &mut self,
        column: &str,
        value: ValueRef<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<Range<usize>, Fault> {
        let start = buffer.len();
        match self.opener {
            None => buffer.extend_from_slice(value.as_bytes().map_err(rusqlite::Error::from)?),
            Some(_) => buffer.extend_from_slice(&self.text(column, value)?),
        }
        Ok(start..buffer.len())
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
