//! The generations of a backup directory.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use posthouse_model::UnixMillis;
use posthouse_storage::StorageError;

use super::copy;
use super::manifest::{MANIFEST_FILE, MAX_MANIFEST_BYTES, Manifest};
use crate::directory_lock::{DirectoryLock, private_directory};
use crate::fault;

/// What stands behind the name of a generation under way.
pub(super) const PARTIAL: &str = ".partial";
/// What stands behind the name of a generation that is being removed.
const REMOVING: &str = ".removing";
/// What holds the lock of whoever changes something.
const LOCK_DIRECTORY: &str = ".posthouse";
/// Length of a generation's name.
const NAME_BYTES: usize = "20261121T223000.123Z".len();

/// How complete a generation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenerationState {
    /// It can be restored.
    Complete,
    /// It is under way, or was interrupted. The next backup goes on with it.
    Interrupted,
    /// It has no manifest that can be read.
    Damaged,
}

/// A generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Its name.
    pub name: String,
    /// How complete it is.
    pub state: GenerationState,
    /// When it was taken, in milliseconds since 1970; 0 unless it is complete.
    pub taken_at: UnixMillis,
    /// Files in it; 0 unless it is complete.
    pub files: u64,
    /// Octets of them, those shared with other generations included; 0 unless it is complete.
    pub bytes: u64,
}

/// Takes a backup directory for this process; makes it if need be. One that is there keeps its rights: what is in a
/// generation is for its owner only, whatever they are.
pub(super) fn lock(directory: &Path) -> Result<DirectoryLock, StorageError> {
    if !directory.exists() {
        private_directory(directory)?;
    }
    DirectoryLock::take(&directory.join(LOCK_DIRECTORY))
}

/// The name of a generation taken at this moment, in UTC.
pub(super) fn name_of(at: UnixMillis) -> String {
    let (seconds, ms) = (at.0.div_euclid(1000), at.0.rem_euclid(1000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // The calendar in eras of 400 years that begin in March (Howard Hinnant, "chrono-compatible date algorithms").
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{ms:03}Z")
}

fn is_name(text: &str) -> bool {
    text.len() == NAME_BYTES && text.ends_with('Z') && text.bytes().all(|byte| b"0123456789T.Z".contains(&byte))
}

/// Everything in `directory` that is a generation, by name; others' files are left alone.
pub fn generations(directory: &Path) -> Result<Vec<Generation>, StorageError> {
    let unlisted = |error| fault::io("list", directory, &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(unlisted)? {
        let file_name = entry.map_err(unlisted)?.file_name();
        let Some(text) = file_name.to_str() else { continue };
        let empty = |name: &str, state| Generation {
            name: name.to_owned(),
            state,
            taken_at: UnixMillis(0),
            files: 0,
            bytes: 0,
        };
        if let Some(name) = text.strip_suffix(PARTIAL).filter(|name| is_name(name)) {
            found.push(empty(name, GenerationState::Interrupted));
        } else if is_name(text) {
            found.push(match read_manifest(&directory.join(text)) {
                Ok(manifest) => Generation {
                    name: text.to_owned(),
                    state: GenerationState::Complete,
                    taken_at: manifest.taken_at,
                    files: manifest.files.len() as u64,
                    bytes: manifest.bytes(),
                },
                Err(_) => empty(text, GenerationState::Damaged),
            });
        }
    }
    found.sort_by(|one, next| one.name.cmp(&next.name));
    Ok(found)
}

/// The newest complete generation whose name begins with `at`, or the newest of all.
pub(super) fn pick(directory: &Path, at: Option<&str>) -> Result<String, StorageError> {
    let fits = |one: &&Generation| {
        one.state == GenerationState::Complete && at.is_none_or(|prefix| one.name.starts_with(prefix))
    };
    let found = generations(directory)?;
    let newest = found.iter().rev().find(fits).map(|one| one.name.clone());
    newest.ok_or_else(|| {
        let which = at.map_or_else(|| "no complete generation".to_owned(), |at| format!("no complete generation {at}"));
        StorageError::Unavailable(format!("{} has {which}", directory.display()))
    })
}

/// The manifest of a generation.
pub(super) fn read_manifest(generation: &Path) -> Result<Manifest, StorageError> {
    let path = generation.join(MANIFEST_FILE);
    let opened = fs::File::open(&path).map_err(|error| fault::io("open", &path, &error))?;
    let mut text = String::new();
    let read = opened.take(MAX_MANIFEST_BYTES).read_to_string(&mut text);
    read.map_err(|error| fault::io("read", &path, &error))?;
    Manifest::decode(&text)
}

/// Removes all but the newest `keep` complete generations, and what an earlier removal left behind; at least one stays.
/// Interrupted ones stay for the next backup. Returns the names of those removed.
pub fn prune(directory: &Path, keep: usize) -> Result<Vec<String>, StorageError> {
    let _lock = lock(directory)?;
    finish_removing(directory)?;
    let mut complete: Vec<String> = generations(directory)?
        .into_iter()
        .filter(|one| one.state == GenerationState::Complete)
        .map(|one| one.name)
        .collect();
    complete.truncate(complete.len().saturating_sub(keep.max(1)));
    for name in &complete {
        // Under another name first, so that what is half removed is not taken for a generation.
        let going = directory.join(format!("{name}{REMOVING}"));
        copy::rename(&directory.join(name), &going)?;
        copy::sync_directory(directory)?;
        copy::remove_tree(&going)?;
    }
    Ok(complete)
}

fn finish_removing(directory: &Path) -> Result<(), StorageError> {
    let unlisted = |error| fault::io("list", directory, &error);
    for entry in fs::read_dir(directory).map_err(unlisted)? {
        let path: PathBuf = entry.map_err(unlisted)?.path();
        let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(REMOVING));
        if name.is_some_and(is_name) {
            copy::remove_tree(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dates_and_sort_like_them() {
        for (ms, name) in [
            (0, "19700101T000000.000Z"),
            (951_782_400_000, "20000229T000000.000Z"),
            (1_795_300_200_123, "20261121T223000.123Z"),
            (4_107_542_399_999, "21000228T235959.999Z"),
        ] {
            assert_eq!(name_of(UnixMillis(ms)), name);
            assert!(is_name(name));
        }
        assert!(!is_name("20261122T063000.123Z.partial") && !is_name("lost+found") && !is_name("x"));
    }
}
