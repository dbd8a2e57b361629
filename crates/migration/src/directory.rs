//! Directories that belong to somebody else, held open while they are used.
//!
//! Everything below the directory that was named is reached from an open directory by one name, which may not be a
//! symbolic link: whoever owns the mail cannot make a program that runs with more rights read or write elsewhere, not
//! even by putting links in its way while it runs.

use std::ffi::{OsStr, OsString};
use std::fs::{File, FileTimes};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Rights of directories that are made.
const DIRECTORY_MODE: Mode = Mode::S_IRWXU;
/// Rights of files that are made.
const FILE_MODE: Mode = Mode::S_IRUSR.union(Mode::S_IWUSR);

/// What a name in a directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file with octets in it.
    File,
    /// A symbolic link, a device, a socket.
    Other,
}

/// A file that was read.
#[derive(Debug)]
pub struct Contents {
    /// Its octets.
    pub octets: Vec<u8>,
    /// When they last changed.
    pub changed_at: SystemTime,
}

/// An open directory.
#[derive(Debug)]
pub struct Directory(OwnedFd);

impl Directory {
    /// Opens the directory that somebody named, wherever it is.
    ///
    /// # Errors
    /// When it is none, or cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(File::open(path)?.into())).and_then(|directory: Self| {
            // Only a directory lets itself be looked into.
            directory.enter(OsStr::new(".")).map(|_| directory)
        })
    }

    /// Opens a directory in this one.
    ///
    /// # Errors
    /// When it is none, a link to one, or cannot be opened.
    pub fn enter(&self, name: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(Self(openat(&self.0, one_name(name)?, flags, Mode::empty())?))
    }

    /// Opens a directory in this one, and makes it if it is not there.
    ///
    /// # Errors
    /// When it cannot be made, or as [`Self::enter`].
    pub fn enter_or_make(&self, name: &OsStr) -> io::Result<Self> {
        match mkdirat(&self.0, one_name(name)?, DIRECTORY_MODE) {
            Ok(()) | Err(Errno::EEXIST) => self.enter(name),
            Err(error) => Err(error.into()),
        }
    }

    /// The names in it, in no order; fails rather than gives more than `most`.
    ///
    /// # Errors
    /// When it cannot be read, or there are too many.
    pub fn entries(&self, most: usize) -> io::Result<Vec<(OsString, Kind)>> {
        let mut entries = Vec::new();
        let mut dir = Dir::from_fd(self.enter(OsStr::new("."))?.0)?;
        for entry in dir.iter() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            if entries.len() >= most {
                return Err(io::Error::other(format!("there are more than {most} files in it")));
            }
            let kind = match entry.file_type() {
                Some(Type::Directory) => Kind::Directory,
                Some(Type::File) => Kind::File,
                Some(_) => Kind::Other,
                None => self.kind(name)?,
            };
            entries.push((name.to_owned(), kind));
        }
        Ok(entries)
    }

    /// What a name stands for.
    ///
    /// # Errors
    /// When there is nothing of that name.
    pub fn kind(&self, name: &OsStr) -> io::Result<Kind> {
        let stat: FileStat = fstatat(&self.0, one_name(name)?, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        Ok(match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFDIR => Kind::Directory,
            SFlag::S_IFREG => Kind::File,
            _ => Kind::Other,
        })
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// When it is none, a link to one, or cannot be opened.
    pub fn file(&self, name: &OsStr) -> io::Result<File> {
        self.open_file(name, OFlag::O_RDONLY)
    }

    fn open_file(&self, name: &OsStr, access: OFlag) -> io::Result<File> {
        // What is no file must not keep us waiting, either.
        let flags = access | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = match openat(&self.0, one_name(name)?, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::ELOOP) => return Err(io::Error::other("it is a symbolic link")),
            Err(error) => return Err(error.into()),
        };
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::other("it is no regular file")),
        }
    }

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// As [`Self::file`].
    pub fn file_to_change(&self, name: &OsStr) -> io::Result<File> {
        self.open_file(name, OFlag::O_RDWR)
    }

    /// Reads a file, if it has at most `most` octets.
    ///
    /// # Errors
    /// When it is larger, or as [`Self::file`].
    pub fn read(&self, name: &OsStr, most: u64) -> io::Result<Contents> {
        let file = self.file(name)?;
        let metadata = file.metadata()?;
        let mut octets = Vec::with_capacity(usize::try_from(metadata.len().min(most)).unwrap_or(0));
        (&file).take(most + 1).read_to_end(&mut octets)?;
        if octets.len() as u64 > most {
            return Err(io::Error::other(format!("it has more than {most} octets")));
        }
        Ok(Contents { octets, changed_at: metadata.modified()? })
    }

    /// Makes a file that is not there yet.
    ///
    /// # Errors
    /// When there is one, or it cannot be made.
    pub fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(File::from(openat(&self.0, one_name(name)?, flags, FILE_MODE)?))
    }

    /// Makes a file, or puts another in its place, with these octets: there are all of them or none.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn replace(&self, name: &OsStr, octets: &[u8]) -> io::Result<()> {
        let mut beside = name.to_owned();
        beside.push(".new");
        self.remove(&beside)?;
        let mut file = self.create(&beside)?;
        file.write_all(octets)?;
        file.sync_all()?;
        self.rename(&beside, self, name)
    }

    /// Gives a file another name, in another directory perhaps. What had that name is gone.
    ///
    /// # Errors
    /// When it cannot.
    pub fn rename(&self, name: &OsStr, to: &Self, new_name: &OsStr) -> io::Result<()> {
        Ok(renameat(self.0.as_fd(), one_name(name)?, to.0.as_fd(), one_name(new_name)?)?)
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        match unlinkat(&self.0, one_name(name)?, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Has what was renamed and made here outlive a crash of the machine.
    ///
    /// # Errors
    /// When it cannot.
    pub fn sync(&self) -> io::Result<()> {
        Ok(nix::unistd::fsync(&self.0)?)
    }
}

/// Sets when a file was last changed.
///
/// # Errors
/// When it cannot be set.
pub fn set_changed_at(file: &File, at: SystemTime) -> io::Result<()> {
    file.set_times(FileTimes::new().set_modified(at))
}

/// A name that leads into the directory and not out of it.
fn one_name(name: &OsStr) -> io::Result<&OsStr> {
    let octets = name.as_bytes();
    let leads_away = octets.is_empty() || octets == b".." || octets.contains(&b'/') || octets.contains(&0);
    match leads_away {
        true => Err(io::Error::new(io::ErrorKind::InvalidInput, "this is not the name of a file")),
        false => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn name(text: &str) -> &OsStr {
        OsStr::new(text)
    }

    #[test]
    fn links_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "x").unwrap();
        symlink(outside.path(), root.path().join("link")).unwrap();
        symlink(outside.path().join("secret"), root.path().join("file")).unwrap();
        let directory = Directory::open(root.path()).unwrap();
        assert!(directory.enter(name("link")).is_err());
        assert!(directory.enter_or_make(name("link")).is_err());
        assert!(directory.read(name("file"), 10).unwrap_err().to_string().contains("symbolic link"));
        assert!(directory.create(name("file")).is_err());
        for bad in ["..", "link/secret", "", "../x", "a\0b"] {
            assert!(directory.read(name(bad), 10).is_err(), "{bad}");
            assert!(directory.enter(name(bad)).is_err(), "{bad}");
        }
        let mut entries = directory.entries(9).unwrap();
        entries.sort();
        assert_eq!(entries, [("file".into(), Kind::Other), ("link".into(), Kind::Other)]);
        assert!(directory.entries(1).is_err());
        assert!(Directory::open(&outside.path().join("secret")).is_err());
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let root = tempfile::tempdir().unwrap();
        nix::unistd::mkfifo(&root.path().join("pipe"), FILE_MODE).unwrap();
        fs::create_dir(root.path().join("directory")).unwrap();
        fs::write(root.path().join("large"), "12345").unwrap();
        let directory = Directory::open(root.path()).unwrap();
        assert!(directory.read(name("pipe"), 10).is_err());
        assert!(directory.read(name("directory"), 10).is_err());
        assert!(directory.read(name("large"), 4).is_err());
        assert_eq!(directory.read(name("large"), 5).unwrap().octets, b"12345");
    }

    #[test]
    fn files_are_replaced_whole() {
        let root = tempfile::tempdir().unwrap();
        let directory = Directory::open(root.path()).unwrap();
        for text in ["one", "two"] {
            directory.replace(name("note"), text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(root.path().join("note")).unwrap(), text);
        }
        assert_eq!(directory.entries(9).unwrap().len(), 1);
    }
}
