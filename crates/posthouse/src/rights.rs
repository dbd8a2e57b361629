//! Dropping the rights of root once the ports are bound.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid, initgroups, setgid, setuid};

use crate::failure::DataError;

/// Rights of directories that hold mail, keys or the control socket.
const PRIVATE_DIRECTORY: u32 = 0o700;

/// Why rights cannot be dropped. The server does not start then.
#[derive(Debug, thiserror::Error)]
pub enum RightsError {
    /// There is no such user.
    #[error("run_as: this system has no user `{0}`: make one (useradd --system {0}), or name another")]
    NoUser(String),
    /// There is no such group.
    #[error("run_as: this system has no group `{0}`")]
    NoGroup(String),
    /// The user is root.
    #[error("run_as: `{0}` is root: name a user without rights")]
    IsRoot(String),
    /// The process was started as somebody else, who cannot become that user.
    #[error("run_as: only root can become `{0}`: start the server as root or as `{0}`")]
    NotRoot(String),
    /// The system refused.
    #[error("run_as: cannot become `{user}`: {error}")]
    Refused {
        /// Who.
        user: String,
        /// What the system said.
        error: nix::Error,
    },
    /// Rights could be had back.
    #[error("run_as: rights were dropped, but could be had back")]
    Regained,
}

/// A user of this system as whom the server is to run.
#[derive(Clone, Debug)]
pub struct RunAs {
    user: User,
    gid: Gid,
}

impl RunAs {
    /// Looks the user up; `None` when the process runs as this user already.
    ///
    /// # Errors
    /// When there is no such user or group, or the process cannot become this user.
    pub fn find(user: &str, group: Option<&str>) -> Result<Option<Self>, RightsError> {
        let refused = |error| RightsError::Refused { user: user.to_owned(), error };
        let found = User::from_name(user).map_err(refused)?.ok_or_else(|| RightsError::NoUser(user.to_owned()))?;
        let gid = match group {
            None => found.gid,
            Some(name) => {
                let group = Group::from_name(name).map_err(refused)?;
                group.ok_or_else(|| RightsError::NoGroup(name.to_owned()))?.gid
            }
        };
        if found.uid.is_root() {
            return Err(RightsError::IsRoot(user.to_owned()));
        }
        if geteuid() == found.uid && getegid() == gid {
            return Ok(None);
        }
        if !geteuid().is_root() {
            return Err(RightsError::NotRoot(user.to_owned()));
        }
        Ok(Some(Self { user: found, gid }))
    }

    /// The user's number.
    pub fn uid(&self) -> u32 {
        self.user.uid.as_raw()
    }

    /// The group's number.
    pub fn gid(&self) -> u32 {
        self.gid.as_raw()
    }

    /// Becomes this user for good, on all threads.
    ///
    /// # Errors
    /// When the system refuses, or the rights could be had back.
    pub fn drop_rights(&self) -> Result<(), RightsError> {
        let refused = |error| RightsError::Refused { user: self.user.name.clone(), error };
        let name = std::ffi::CString::new(self.user.name.as_str()).map_err(|_| refused(nix::Error::EINVAL))?;
        // The group first: afterwards there is no right to change it.
        setgid(self.gid).map_err(refused)?;
        initgroups(&name, self.gid).map_err(refused)?;
        setuid(self.user.uid).map_err(refused)?;
        let regained = setuid(Uid::from_raw(0)).is_ok() || geteuid() != self.user.uid || getegid() != self.gid;
        if regained { Err(RightsError::Regained) } else { Ok(()) }
    }
}

/// Lets the process open as many files as the system allows it: each connection is one.
pub fn raise_open_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(now, most)| if now < most { setrlimit(Resource::RLIMIT_NOFILE, most, most) } else { Ok(()) });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}

/// Makes a directory that only its owner, in the end `owner`, can enter.
///
/// # Errors
/// When it cannot be made or written.
pub fn private_directory(path: &Path, owner: Option<&RunAs>) -> Result<(), DataError> {
    let failed = |what: &str, error: &io::Error| DataError(format!("{}: {what}: {error}", path.display()));
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_DIRECTORY)
        .create(path)
        .map_err(|error| failed("the directory cannot be made", &error))?;
    if let Some(owner) = owner {
        chown(path, Some(owner.uid()), Some(owner.gid()))
            .map_err(|error| failed("the directory cannot be given to its user", &error))?;
    }
    let mode = fs::metadata(path).map_err(|error| failed("the directory cannot be read", &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(PRIVATE_DIRECTORY))
            .map_err(|error| failed("the directory cannot be made private", &error))?;
    }
    Ok(())
}

/// Whether files can be made in `path`.
///
/// # Errors
/// When they cannot.
pub fn require_writable(path: &Path) -> Result<(), DataError> {
    tempfile::tempfile_in(path).map(drop).map_err(|error| {
        let user = User::from_uid(geteuid()).ok().flatten().map_or_else(|| geteuid().to_string(), |user| user.name);
        DataError(format!("{}: the user `{user}` cannot write in this directory: {error}", path.display()))
    })
}

/// The directories below the data directory.
#[derive(Clone, Debug)]
pub struct DataDirectories {
    /// The store.
    pub store: PathBuf,
    /// Messages that come in and are too large for memory.
    pub spool: PathBuf,
    /// Certificates that the server made for itself.
    pub certificates: PathBuf,
}

impl DataDirectories {
    /// Makes what is missing.
    ///
    /// # Errors
    /// When something cannot be made.
    pub fn make(data: &Path, owner: Option<&RunAs>) -> Result<Self, DataError> {
        let directories =
            Self { store: data.join("store"), spool: data.join("spool"), certificates: data.join("certificates") };
        private_directory(data, owner)?;
        for directory in [&directories.store, &directories.spool, &directories.certificates] {
            private_directory(directory, owner)?;
        }
        Ok(directories)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_private() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("a/b");
        let directories = DataDirectories::make(&data, None).unwrap();
        for path in [&data, &directories.store, &directories.spool, &directories.certificates] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, PRIVATE_DIRECTORY);
            require_writable(path).unwrap();
        }
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DataDirectories::make(&file, None).unwrap_err().to_string();
        assert!(error.contains("file"), "{error}");
    }

    #[test]
    fn unknown_users_are_told() {
        assert!(matches!(RunAs::find("no-such-user-here", None), Err(RightsError::NoUser(_))));
        assert!(matches!(RunAs::find("root", None), Err(RightsError::IsRoot(_))));
    }
}
