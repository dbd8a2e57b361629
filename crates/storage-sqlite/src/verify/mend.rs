//! Mending a store that nobody has open.

use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;
use posthouse_model::BlobId;
use posthouse_storage::{BodyKey, ParsedMessage, StorageError};
use rusqlite::{Connection, OptionalExtension, params};

use super::checks::{CHECKS, Mend};
use super::{Examination, Parse, Verification, VerifyOptions, bodies, lost};
use crate::directory_lock::DirectoryLock;
use crate::encryption::{Keys, MasterKey};
use crate::fault::Fault;
use crate::reader::mail::{LOCATION_COLUMNS, location_of};
use crate::schema;
use crate::segment::SegmentFiles;
use crate::store::{BODIES_DIRECTORY, INDEX_FILE};
use crate::writer::bodies as bodies_of_writer;

/// Most rounds of checking and mending: mending one thing may let another be seen.
const MAX_ROUNDS: usize = 4;
/// Segment files that are kept open meanwhile.
const OPEN_SEGMENTS: usize = 16;
/// Bodies of which is written in one transaction what is stored beside them.
const STEP_BODIES: usize = 500;

/// What a repair came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// What was mended, one line each.
    pub mended: Vec<String>,
    /// What was found, problems that were mended included.
    pub before: Verification,
    /// What is wrong still. Messages that are lost can only come from a backup.
    pub remaining: Vec<String>,
}

/// Mends what can be worked out from the rest, in the store in `directory`, which nobody may have open.
pub(crate) fn repair(
    directory: &Path,
    master_key: Option<MasterKey>,
    options: &VerifyOptions,
) -> Result<Repair, Fault> {
    let _lock = DirectoryLock::take(directory)?;
    let connection = schema::open_writer(&directory.join(INDEX_FILE))?;
    let keys = Arc::new(Keys::open(&connection, master_key)?);
    let files = SegmentFiles::new(&directory.join(BODIES_DIRECTORY), OPEN_SEGMENTS, keys);
    // Nobody else is there to move them.
    let files_stay = RwLock::default();
    let mut examination = Examination::new(&connection, &files, &files_stay, options);
    let mut finders = examination.look_at_index()?;
    let of_index = examination.found.problems.len();
    bodies::walk(&mut examination)?;
    lost::who_lost(&mut examination)?;
    let misparsed = std::mem::take(&mut examination.misparsed);
    let damaged_bodies: Vec<String> = examination.found.problems.split_off(of_index);
    let mut before = examination.found;
    let mut made = Repair::default();
    let mut remaining = before.problems.clone();
    for _ in 0..MAX_ROUNDS {
        let changed = mend_index(&connection, &finders, &mut made.mended)?;
        let mut again = Examination::new(&connection, &files, &files_stay, options);
        finders = again.look_at_index()?;
        remaining = again.found.problems;
        if remaining.is_empty() || !changed {
            break;
        }
    }
    let mut unmended = damaged_bodies.clone();
    if let Some(parse) = options.parse {
        let mended = mend_parsed(&connection, &files, &misparsed, parse)?;
        if mended > 0 {
            made.mended.push(format!("what is stored beside bodies: {mended} rows"));
        }
        unmended.retain(|line| !line.ends_with("structure") && !line.ends_with("structure of something else"));
    }
    before.problems.extend(damaged_bodies);
    remaining.extend(unmended);
    Ok(Repair { before, remaining, ..made })
}

/// Runs the statements of each check that found something, each check in a transaction. Whether anything changed.
fn mend_index(connection: &Connection, finders: &[usize], mended: &mut Vec<String>) -> Result<bool, Fault> {
    let mut changed = false;
    for check in finders.iter().filter_map(|&at| CHECKS.get(at)) {
        let Mend::Statements(statements) = check.mend else { continue };
        let before = connection.total_changes();
        let mend = || -> Result<(), Fault> {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            for statement in statements {
                connection.execute_batch(statement)?;
            }
            Ok(connection.execute_batch("COMMIT")?)
        };
        if let Err(error) = mend() {
            if !connection.is_autocommit() {
                connection.execute_batch("ROLLBACK")?;
            }
            return Err(error);
        }
        changed = true;
        let rows = connection.total_changes() - before;
        mended.push(format!("{}: {rows} rows", check.about));
    }
    Ok(changed)
}

/// Works out anew what is stored beside bodies.
fn mend_parsed(connection: &Connection, files: &SegmentFiles, keys: &[i64], parse: Parse) -> Result<u64, Fault> {
    let mut mended = 0;
    for step in keys.chunks(STEP_BODIES) {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for &key in step {
            let sql = format!("SELECT {LOCATION_COLUMNS}, id FROM body WHERE key = ?1");
            let row = |row: &rusqlite::Row<'_>| Ok((location_of(row)?, BlobId(row.get("id")?)));
            let found = connection.prepare_cached(&sql)?.query_row(params![key], row).optional()?;
            let Some((location, id)) = found else { continue };
            if let Ok(body) = bodies::read(files, &location, id, true) {
                write_parsed(connection, files.keys(), key, &parse(&body))?;
                mended += 1;
            }
        }
        connection.execute_batch("COMMIT")?;
    }
    Ok(mended)
}

fn write_parsed(connection: &Connection, keys: &Keys, key: i64, parsed: &ParsedMessage) -> Result<(), Fault> {
    bodies_of_writer::write_parsed(connection, &keys.load(), BodyKey(key as u64), parsed)?;
    // They are worked out anew when they are asked for.
    connection.prepare_cached("DELETE FROM sort_key WHERE body = ?1")?.execute(params![key])?;
    Ok(())
}

impl crate::SqliteStorage {
    /// Mends what can be worked out from the rest, in the store in `directory`, and says what cannot. An encrypted store
    /// needs its master key. Blocks.
    ///
    /// Fails with [`StorageError::Locked`] while the store is open.
    pub fn repair(
        directory: impl AsRef<Path>,
        master_key: Option<MasterKey>,
        options: &VerifyOptions,
    ) -> Result<Repair, StorageError> {
        repair(directory.as_ref(), master_key, options).map_err(StorageError::from)
    }
}
