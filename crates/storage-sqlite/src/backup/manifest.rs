//! What is in a generation, as text.
//!
//! ```text
//! posthouse-backup 1
//! store IDENTITY
//! taken-at MILLISECONDS-SINCE-1970
//! file BLAKE3 OCTETS sealed|whole PATH            any number of these
//! end BLAKE3-OF-EVERYTHING-ABOVE
//! ```

use std::fmt::Write as _;

use posthouse_model::UnixMillis;
use posthouse_storage::StorageError;

/// The manifest's name in a generation.
pub(super) const MANIFEST_FILE: &str = "manifest";
/// Longest manifest, in octets: some hundred thousand segments.
pub(super) const MAX_MANIFEST_BYTES: u64 = 256 * 1024 * 1024;
const FIRST_LINE: &str = "posthouse-backup 1";

/// A file of a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileEntry {
    /// Path in the generation.
    pub(super) path: String,
    /// BLAKE3 of its octets.
    pub(super) hash: blake3::Hash,
    /// How many.
    pub(super) size_bytes: u64,
    /// Whether it is a segment that never changes.
    pub(super) sealed: bool,
}

impl FileEntry {
    /// The entry as a line.
    pub(super) fn line(&self) -> String {
        let word = if self.sealed { "sealed" } else { "whole" };
        format!("file {} {} {word} {}\n", self.hash.to_hex(), self.size_bytes, self.path)
    }

    /// Reads [`Self::line`], without its end.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("file ")?.splitn(4, ' ');
        let hash = blake3::Hash::from_hex(words.next()?).ok()?;
        let size_bytes = words.next()?.parse().ok()?;
        let sealed = match words.next()? {
            "sealed" => true,
            "whole" => false,
            _ => return None,
        };
        let path = words.next()?.to_owned();
        is_inside(&path).then_some(Self { path, hash, size_bytes, sealed })
    }
}

/// Whether a path stays inside the generation, and fits on a line.
pub(super) fn is_inside(path: &str) -> bool {
    let is_name = |part: &str| !part.is_empty() && part != "." && part != "..";
    path.split('/').all(is_name) && !path.chars().any(char::is_control)
}

/// What is in a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) store: String,
    pub(super) taken_at: UnixMillis,
    pub(super) files: Vec<FileEntry>,
}

impl Manifest {
    /// Octets of all files together.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    pub(super) fn encode(&self) -> String {
        let mut text = format!("{FIRST_LINE}\nstore {}\ntaken-at {}\n", self.store, self.taken_at.0);
        self.files.iter().for_each(|file| text.push_str(&file.line()));
        let hash = blake3::hash(text.as_bytes()).to_hex();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "end {hash}");
        text
    }

    /// Reads what [`Self::encode`] made.
    pub(super) fn decode(text: &str) -> Result<Self, StorageError> {
        let damaged = |what: &str| StorageError::Corrupt(format!("the manifest of a backup {what}"));
        let (above, end) = text.trim_end().rsplit_once('\n').ok_or_else(|| damaged("is cut off"))?;
        let above = format!("{above}\n");
        let hash = end.strip_prefix("end ").and_then(|hex| blake3::Hash::from_hex(hex).ok());
        if hash.ok_or_else(|| damaged("is cut off"))? != blake3::hash(above.as_bytes()) {
            return Err(damaged("is not what was written"));
        }
        let mut lines = above.lines();
        if lines.next() != Some(FIRST_LINE) {
            return Err(damaged("was written by another release: use that one"));
        }
        let mut fact = |name: &str| lines.next().and_then(|line| line.strip_prefix(name)).map(str::to_owned);
        let store = fact("store ").ok_or_else(|| damaged("does not name its store"))?;
        let taken_at = fact("taken-at ").and_then(|text| text.parse().ok());
        let taken_at = UnixMillis(taken_at.ok_or_else(|| damaged("has no time"))?);
        let files = lines.map(FileEntry::parse).collect::<Option<Vec<_>>>();
        Ok(Self { store, taken_at, files: files.ok_or_else(|| damaged("names a file in a wrong way"))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let file = |path: &str, sealed| FileEntry {
            path: path.to_owned(),
            hash: blake3::hash(path.as_bytes()),
            size_bytes: path.len() as u64,
            sealed,
        };
        let files = vec![file("store/bodies/00000001.seg", true), file("data/certificates/my key.pem", false)];
        Manifest { store: "abc".to_owned(), taken_at: UnixMillis(17), files }
    }

    #[test]
    fn what_is_written_is_read() {
        let manifest = sample();
        assert_eq!(Manifest::decode(&manifest.encode()).unwrap(), manifest);
    }

    #[test]
    fn a_changed_or_shortened_manifest_is_refused() {
        let text = sample().encode();
        for at in 0..text.len() - 1 {
            assert!(Manifest::decode(&text[..at]).is_err(), "{at}");
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            let changed = String::from_utf8(changed).unwrap();
            assert!(Manifest::decode(&changed).is_err(), "{changed}");
        }
    }

    #[test]
    fn paths_stay_inside() {
        for path in ["", "/etc/passwd", "../x", "data/../../x", "data//x", "data/./x", "data/a\nb"] {
            assert!(!is_inside(path), "{path}");
            let line = FileEntry { path: path.to_owned(), ..sample().files[0].clone() }.line();
            assert_eq!(FileEntry::parse(line.trim_end_matches('\n')), None, "{path}");
        }
    }
}
