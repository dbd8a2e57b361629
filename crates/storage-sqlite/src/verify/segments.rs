//! The files of segments.

use std::collections::BTreeMap;
use std::fs;

use super::Examination;
use crate::fault::{self, Fault};
use crate::segment;

/// Every segment has a file that is long enough; files that nothing refers to are counted.
pub(super) fn check_files(examination: &mut Examination<'_>) -> Result<(), Fault> {
    let connection = examination.connection;
    let mut statement = connection.prepare("SELECT number, size_bytes FROM segment")?;
    let known: BTreeMap<u32, i64> =
        statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    // One that was just made has a number from here on, and no commit refers to it yet.
    let next: u32 = connection.query_row("SELECT next_segment FROM counter", (), |row| row.get(0))?;
    for (&number, &committed_bytes) in &known {
        match examination.files.len(number) {
            Ok(bytes) if bytes < committed_bytes as u64 => {
                examination.problem(format!("segment {number} has {bytes} octets of {committed_bytes}"));
            }
            Ok(_) => {}
            Err(error) => examination.problem(format!("segment {number} cannot be opened: {error}")),
        }
    }
    let directory = examination.files.directory().to_owned();
    let unlisted = |error| fault::io("list", &directory, &error);
    for entry in fs::read_dir(&directory).map_err(unlisted)? {
        let name = entry.map_err(unlisted)?.file_name();
        match name.to_str().and_then(segment::number) {
            Some(number) if number >= next || known.contains_key(&number) => {}
            // Left behind when writing failed. The next start removes it.
            Some(_) => examination.found.orphan_files += 1,
            None => examination.problem(format!("{} is no segment", directory.join(&name).display())),
        }
    }
    Ok(())
}
