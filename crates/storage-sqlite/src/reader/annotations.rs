//! Questions about annotations.

use bytes::Bytes;
use posthouse_model::{AccountId, EntryName, EntryScope};
use posthouse_storage::{Annotation, AnnotationPlace, Named, StorageError};
use rusqlite::{Connection, params};

use super::mail;
use crate::fault::{Fault, damaged};

/// The mailbox in the columns that stands for the server.
const SERVER: i64 = 0;
/// The holder in the columns that stands for everybody.
pub(crate) const EVERYBODY: i64 = 0;

/// What the columns call a place, if there is one.
pub(crate) fn place_column(connection: &Connection, place: AnnotationPlace) -> Result<i64, Fault> {
    match place {
        AnnotationPlace::Server => Ok(SERVER),
        AnnotationPlace::Mailbox { owner, id } => match mail::mailbox_by_id(connection, owner, id)? {
            Some(record) => Ok(record.id.0 as i64),
            None => Err(StorageError::NotFound(Named::Mailbox).into()),
        },
    }
}

pub(crate) fn annotations(
    connection: &Connection,
    reader: AccountId,
    place: AnnotationPlace,
) -> Result<Vec<Annotation>, Fault> {
    let mailbox = place_column(connection, place)?;
    let sql = "SELECT name, value FROM annotation WHERE mailbox = ?1 AND holder = ?2 ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut all = Vec::new();
    for (scope, holder) in [(EntryScope::Private, reader.0 as i64), (EntryScope::Shared, EVERYBODY)] {
        let mut rows = statement.query(params![mailbox, holder])?;
        while let Some(row) = rows.next()? {
            let path: String = row.get(0)?;
            let name = EntryName::from_parts(scope, &path).map_err(|_| damaged("annotation", &path))?;
            all.push(Annotation { name, value: Bytes::from(row.get::<_, Vec<u8>>(1)?) });
        }
    }
    Ok(all)
}
