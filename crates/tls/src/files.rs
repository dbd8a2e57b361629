//! The files of certificates that the server made for itself.
//!
//! A set of files is complete when its certificate is there: the certificate is removed first
//! and written last, so whatever moment a crash chooses, the next start sees a complete set or
//! makes a new one. Each file appears by a rename, with its final rights.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::generate::{GenerateError, demo_certificates, self_signed};
use crate::library::ChosenCertificate;
use crate::load::{CertificateProblem, LoadError, LoadedCertificate, read_pem_file};

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// How long a certificate that we made is valid. Apple's clients refuse server certificates of
/// more than 825 days, even of an authority that the user trusts.
const VALIDITY_SECONDS: u64 = 800 * DAY_SECONDS;

/// Certificates begin an hour before they are made, for clients whose clocks are slow.
const BACKDATED_SECONDS: u64 = 60 * 60;

/// A certificate that we made is made again at a start that finds it this near to its end.
const RENEW_BEFORE_SECONDS: u64 = 30 * DAY_SECONDS;

const CERTIFICATE_FILE: &str = "self-signed.crt";
const KEY_FILE: &str = "self-signed.key";
const DEMO_AUTHORITY_FILE: &str = "demo-ca.crt";
const DEMO_CERTIFICATE_FILE: &str = "demo.crt";
const DEMO_KEY_FILE: &str = "demo.key";

/// Rights of a file that holds a private key.
const KEY_MODE: u32 = 0o600;

/// Rights of a file that everyone may read.
const PUBLIC_MODE: u32 = 0o644;

/// Why the server's own certificate files could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file could not be written.
    #[error("{}: cannot be written: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The existing files cannot be used. They are left as they are.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The certificate could not be made.
    #[error(transparent)]
    Generate(#[from] GenerateError),
}

/// The files of a self-signed certificate.
#[derive(Debug)]
pub struct SelfSignedFiles {
    /// The certificate.
    pub chain: PathBuf,
    /// Its key, readable by the owner only.
    pub key: PathBuf,
    /// The content of both.
    pub certificate: ChosenCertificate,
    /// Whether this call made them.
    pub is_new: bool,
}

/// The files of a demonstration: an authority's certificate, and a server's signed by it.
#[derive(Debug)]
pub struct DemoFiles {
    /// The authority's certificate, for clients to trust.
    pub authority: PathBuf,
    /// The server's certificate.
    pub chain: PathBuf,
    /// Its key, readable by the owner only.
    pub key: PathBuf,
    /// The content of the latter two.
    pub certificate: ChosenCertificate,
    /// Whether this call made them.
    pub is_new: bool,
}

/// Loads the self-signed certificate of a directory, or makes one: if there is none, if it is
/// not for all of `hosts`, or if it ends within 30 days of the Unix time `now`. The directory
/// is created if it is missing (its parent must exist).
///
/// # Errors
/// Files that are there but cannot be used are an error, and stay as they are.
pub fn ensure_files(dir: &Path, hosts: &[String], now: u64) -> Result<SelfSignedFiles, FilesError> {
    let (chain, key) = (dir.join(CERTIFICATE_FILE), dir.join(KEY_FILE));
    if let Some(certificate) = load_existing(&chain, &key, hosts, now)? {
        return Ok(SelfSignedFiles { chain, key, certificate, is_new: false });
    }
    let made = self_signed(hosts, begin(now), end(now))?;
    create_dir(dir)?;
    remove(&chain)?;
    write_atomically(&key, made.key.as_bytes(), KEY_MODE)?;
    write_atomically(&chain, made.certificate.as_bytes(), PUBLIC_MODE)?;
    let certificate = Arc::new(LoadedCertificate::from_files(&chain, &key)?);
    Ok(SelfSignedFiles { chain, key, certificate, is_new: true })
}

/// The same as [`ensure_files`] for the files of a demonstration.
pub fn ensure_demo_files(dir: &Path, hosts: &[String], now: u64) -> Result<DemoFiles, FilesError> {
    let authority = dir.join(DEMO_AUTHORITY_FILE);
    let (chain, key) = (dir.join(DEMO_CERTIFICATE_FILE), dir.join(DEMO_KEY_FILE));
    if authority.exists()
        && let Some(certificate) = load_existing(&chain, &key, hosts, now)?
    {
        require_certificate(&authority)?;
        return Ok(DemoFiles { authority, chain, key, certificate, is_new: false });
    }
    let made = demo_certificates(hosts, begin(now), end(now))?;
    create_dir(dir)?;
    remove(&chain)?;
    write_atomically(&authority, made.authority.as_bytes(), PUBLIC_MODE)?;
    write_atomically(&key, made.server.key.as_bytes(), KEY_MODE)?;
    write_atomically(&chain, made.server.certificate.as_bytes(), PUBLIC_MODE)?;
    let certificate = Arc::new(LoadedCertificate::from_files(&chain, &key)?);
    Ok(DemoFiles { authority, chain, key, certificate, is_new: true })
}

fn begin(now: u64) -> u64 {
    now.saturating_sub(BACKDATED_SECONDS)
}

fn end(now: u64) -> u64 {
    now.saturating_add(VALIDITY_SECONDS)
}

/// The certificate of complete files, unless it should be made again.
fn load_existing(
    chain: &Path,
    key: &Path,
    hosts: &[String],
    now: u64,
) -> Result<Option<ChosenCertificate>, FilesError> {
    if !chain.exists() {
        return Ok(None);
    }
    let certificate = LoadedCertificate::from_files(chain, key)?;
    let facts = certificate.facts();
    let needed_until = i64::try_from(now.saturating_add(RENEW_BEFORE_SECONDS)).unwrap_or(i64::MAX);
    let is_good = facts.not_after > needed_until && hosts.iter().all(|host| facts.is_for(host));
    Ok(is_good.then(|| Arc::new(certificate)))
}

fn require_certificate(path: &Path) -> Result<(), LoadError> {
    let in_file = |problem| LoadError { path: path.to_owned(), problem };
    let pem = read_pem_file(path).map_err(in_file)?;
    CertificateDer::from_pem_slice(&pem).map(drop).map_err(|_| in_file(CertificateProblem::NoCertificate))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> FilesError + '_ {
    move |error| FilesError::Write { path: path.to_owned(), error }
}

fn create_dir(dir: &Path) -> Result<(), FilesError> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(failed(dir)),
    }
}

fn remove(path: &Path) -> Result<(), FilesError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(failed(path)),
    }
}

/// Writes a file beside its place and renames it there, with both file and directory on disk
/// before it returns. The file never has other rights than `mode`.
fn write_atomically(path: &Path, content: &[u8], mode: u32) -> Result<(), FilesError> {
    let draft = path.with_extension("new");
    remove(&draft)?;
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        match path.parent() {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(failed(path))
}
