//! Files that a backup takes besides the store: what else is in the data directory, and the configuration.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use posthouse_storage_sqlite::backup::ExtraFile;

/// Most files that a backup takes besides the store.
const MAX_FILES: usize = 10_000;
/// Deepest directory that is looked into.
const MAX_DEPTH: usize = 8;
/// What is in the data directory and does not go into a backup as it is: the store is copied in its own way, the spool
/// is of messages that nobody was promised anything about.
const LEFT_OUT: [&str; 4] = ["store", "spool", "lock", "control.sock"];
/// Begins the names of stores that are being restored or were replaced.
const STORE_PREFIX: &str = "store.";

/// Finds them. `backups` is passed over when it lies in the data directory.
///
/// # Errors
/// When a directory cannot be read, or there are too many.
pub fn find(data: &Path, configuration: &Path, backups: &Path) -> io::Result<Vec<ExtraFile>> {
    let mut files = Vec::new();
    walk(data, "data", backups, MAX_DEPTH, &mut files)?;
    if let Some(name) = configuration.file_name().and_then(|name| name.to_str())
        && fs::File::open(configuration).is_ok()
    {
        files.push(ExtraFile { source: configuration.to_owned(), path: format!("configuration/{name}") });
    }
    Ok(files)
}

fn walk(directory: &Path, inside: &str, backups: &Path, depth: usize, files: &mut Vec<ExtraFile>) -> io::Result<()> {
    let mut entries: Vec<(PathBuf, String, fs::FileType)> = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // A name that is no text is none of ours.
        if let Ok(name) = entry.file_name().into_string() {
            entries.push((entry.path(), name, entry.file_type()?));
        }
    }
    entries.sort_by(|one, next| one.1.cmp(&next.1));
    let is_top = depth == MAX_DEPTH;
    for (path, name, kind) in entries {
        let is_left_out = is_top && (LEFT_OUT.contains(&name.as_str()) || name.starts_with(STORE_PREFIX));
        if is_left_out || path == backups {
            continue;
        }
        let inside = format!("{inside}/{name}");
        if kind.is_dir() && depth > 0 {
            walk(&path, &inside, backups, depth - 1, files)?;
        } else if kind.is_file() {
            if files.len() >= MAX_FILES {
                return Err(io::Error::other(format!("{} has more than {MAX_FILES} files", directory.display())));
            }
            files.push(ExtraFile { source: path, path: inside });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_store_is_found() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        for file in [
            "certificates/key.pem",
            "notes",
            "store/index.db",
            "store.before-restore-1/index.db",
            "spool/x",
            "backups/y/manifest",
        ] {
            let path = data.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let configuration = root.path().join("posthouse.toml");
        let found = |configuration: &Path| {
            let files = find(&data, configuration, &data.join("backups")).unwrap();
            files.into_iter().map(|file| file.path).collect::<Vec<_>>()
        };
        assert_eq!(found(&configuration), ["data/certificates/key.pem", "data/notes"]);
        fs::write(&configuration, "").unwrap();
        let with = ["data/certificates/key.pem", "data/notes", "configuration/posthouse.toml"];
        assert_eq!(found(&configuration), with);
    }
}
