//! `[encryption]`: where the key is that opens the store.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use posthouse_model::Secret;
use posthouse_storage_sqlite::MasterKey;
use serde::Deserialize;

use super::value::{AbsolutePath, Parsed};
use crate::failure::DataError;

/// Where systemd puts what `LoadCredential=` names.
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
/// Rights that others must not have to a key file.
const RIGHTS_OF_OTHERS: u32 = 0o007;
/// Longest key file, in octets: the key, and white space.
const MAX_KEY_FILE_BYTES: u64 = 256;

/// `[encryption]` as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncryptionTable {
    key_file: Option<Parsed<AbsolutePath>>,
    key_environment: Option<String>,
    key_credential: Option<String>,
}

/// Where the master key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file that other users cannot read.
    File(PathBuf),
    /// A variable of the environment.
    Environment(String),
    /// A credential of the systemd service.
    Credential(String),
}

impl KeySource {
    /// Which of the three is named, if one is.
    pub(super) fn of_table(table: EncryptionTable) -> Result<Option<Self>, String> {
        match (table.key_file, table.key_environment, table.key_credential) {
            (None, None, None) => Ok(None),
            (Some(file), None, None) => Ok(Some(Self::File(file.0.0))),
            (None, Some(name), None) => Ok(Some(Self::Environment(name))),
            (None, None, Some(name)) if !name.contains('/') => Ok(Some(Self::Credential(name))),
            (None, None, Some(name)) => Err(format!("`{name}` is no credential: write its name, without a path")),
            _ => Err("write one of `key_file`, `key_environment` and `key_credential`".to_owned()),
        }
    }

    /// Reads the key.
    ///
    /// # Errors
    /// When it is not there, is none, or others can read it.
    pub fn read(&self) -> Result<MasterKey, DataError> {
        match self {
            Self::File(path) => read_key_file(path),
            Self::Environment(name) => {
                let text = std::env::var(name)
                    .map_err(|_| DataError(format!("encryption: the environment variable {name} is not set")))?;
                parse(Secret::new(text), &format!("the environment variable {name}"))
            }
            Self::Credential(name) => {
                let directory = std::env::var_os(CREDENTIALS_DIRECTORY).ok_or_else(|| {
                    DataError(format!(
                        "encryption: there is no credential {name}, for {CREDENTIALS_DIRECTORY} is not set: write \
                         LoadCredentialEncrypted={name}:FILE into the unit of the service"
                    ))
                })?;
                // systemd sees to it that nobody else can read it.
                read_file(&Path::new(&directory).join(name))
            }
        }
    }
}

/// Reads a key from a file that other users cannot read.
///
/// # Errors
/// When it is not there, is none, or others can read it.
pub fn read_key_file(path: &Path) -> Result<MasterKey, DataError> {
    let shown = path.display();
    let metadata =
        fs::metadata(path).map_err(|error| DataError(format!("{shown}: the key cannot be read: {error}")))?;
    if metadata.permissions().mode() & RIGHTS_OF_OTHERS != 0 {
        return Err(DataError(format!("{shown}: every user can read this key: run chmod 600 {shown}")));
    }
    read_file(path)
}

fn read_file(path: &Path) -> Result<MasterKey, DataError> {
    let shown = path.display();
    let mut text = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAX_KEY_FILE_BYTES).read_to_end(&mut text));
    let text = Secret::new(text);
    read.map_err(|error| DataError(format!("{shown}: the key cannot be read: {error}")))?;
    parse(text, &shown.to_string())
}

fn parse(text: Secret, place: &str) -> Result<MasterKey, DataError> {
    let key = MasterKey::parse(&text).map_err(|error| DataError(format!("{place}: {error}")));
    drop(text);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_a_file_that_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let key = MasterKey::generate();
        fs::write(&path, [key.to_text().expose(), b"\n"].concat()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let source = KeySource::File(path.clone());
        assert_eq!(source.read().unwrap().fingerprint(), key.fingerprint());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(source.read().unwrap_err().to_string().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "secret").unwrap();
        let error = source.read().unwrap_err().to_string();
        assert!(error.contains("64 hexadecimal digits") && !error.contains("secret"), "{error}");
        let missing = KeySource::File(directory.path().join("none")).read().unwrap_err().to_string();
        assert!(missing.contains("none"), "{missing}");
    }

    #[test]
    fn one_source_is_named() {
        let table = |text: &str| toml::from_str::<EncryptionTable>(text).map_err(|error| error.to_string());
        let read = |text: &str| table(text).and_then(KeySource::of_table);
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("key_file = \"/k\""), Ok(Some(KeySource::File("/k".into()))));
        assert_eq!(read("key_environment = \"K\""), Ok(Some(KeySource::Environment("K".into()))));
        assert_eq!(read("key_credential = \"k\""), Ok(Some(KeySource::Credential("k".into()))));
        for bad in ["key_file = \"k\"", "key_credential = \"a/b\"", "key_file = \"/k\"\nkey_environment = \"K\""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
