//! The certificates that the server shows: the administrator's, or one of its own making. And those it asks clients
//! for.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use posthouse_model::Domain;
use posthouse_tls::{
    CertificateLibrary, CertificatePaths, FilesError, LoadError, RootsError, ServerTls, ServerTlsError,
    ensure_demo_files, ensure_files, roots_from_file,
};
use thiserror::Error;

use crate::configuration::{Certificate, Listener};

/// Where certificates come from.
#[derive(Clone, Debug)]
pub enum CertificateSource {
    /// Files that the administrator brings.
    Files(Vec<Certificate>),
    /// A certificate that nobody vouches for, made in this directory for these hosts.
    SelfSigned(PathBuf, Vec<String>),
    /// A certificate of a demonstration's own authority, made in this directory for these hosts.
    Demo(PathBuf, Vec<String>),
}

/// The certificates of the server, and where they come from.
#[derive(Debug)]
pub struct Certificates {
    source: CertificateSource,
    library: Arc<CertificateLibrary>,
    authorities: Mutex<Vec<ClientAuthorities>>,
}

/// A listener that asks its clients for certificates of the authorities in a file.
#[derive(Clone, Debug)]
struct ClientAuthorities {
    listener: String,
    file: PathBuf,
    tls: Arc<ServerTls>,
}

/// Why certificates cannot be read again.
#[derive(Debug, Error)]
pub enum ReloadError {
    /// One that the server shows.
    #[error(transparent)]
    Own(#[from] LoadError),
    /// The authorities for those of clients.
    #[error(transparent)]
    Authorities(#[from] RootsError),
    /// The authorities are no use for TLS.
    #[error(transparent)]
    Tls(#[from] ServerTlsError),
}

impl Certificates {
    /// Reads the administrator's files, as long as there may be a right to. What the server makes for itself comes
    /// with [`Self::make_own`], when that right has been dropped.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn read(source: CertificateSource) -> Result<Self, LoadError> {
        let certificates = Self { source, library: Arc::default(), authorities: Mutex::default() };
        certificates.read_own()?;
        Ok(certificates)
    }

    /// Makes the server's own certificate, or reads it, unless the administrator brings some.
    ///
    /// # Errors
    /// When it can be neither read nor written.
    pub fn make_own(&self) -> Result<(), FilesError> {
        let certificate = match &self.source {
            CertificateSource::Files(_) => return Ok(()),
            CertificateSource::SelfSigned(directory, hosts) => {
                ensure_files(directory, hosts, unix_seconds())?.certificate
            }
            CertificateSource::Demo(directory, hosts) => {
                ensure_demo_files(directory, hosts, unix_seconds())?.certificate
            }
        };
        self.library.replace(vec![certificate]);
        Ok(())
    }

    /// Reads the administrator's files again: the server's certificates, and the authorities for those of clients,
    /// which count from the next handshake on. When one cannot be used, nothing changes.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn reload(&self) -> Result<(), ReloadError> {
        let asking = self.asking();
        let roots = asking.iter().map(|each| roots_from_file(&each.file)).collect::<Result<Vec<_>, _>>()?;
        self.read_own()?;
        for (each, roots) in asking.iter().zip(&roots) {
            each.tls.replace_client_authorities(roots)?;
        }
        Ok(())
    }

    /// From now on the authorities of this listener are read again, too.
    pub fn follow_authorities(&self, listener: &str, file: PathBuf, tls: &Arc<ServerTls>) {
        let one = ClientAuthorities { listener: listener.to_owned(), file, tls: Arc::clone(tls) };
        self.authorities.lock().unwrap_or_else(PoisonError::into_inner).push(one);
    }

    /// Why the authorities of this listener could not be read again now; `None` if they can, or there are none.
    pub fn authorities_problem(&self, listener: &str) -> Option<String> {
        let one = self.asking().into_iter().find(|each| each.listener == listener)?;
        roots_from_file(&one.file).err().map(|error| error.to_string())
    }

    fn asking(&self) -> Vec<ClientAuthorities> {
        self.authorities.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read_own(&self) -> Result<(), LoadError> {
        match &self.source {
            CertificateSource::Files(files) => {
                let paths: Vec<CertificatePaths> = files.iter().map(paths_of).collect();
                self.library.reload_from(&paths)
            }
            CertificateSource::SelfSigned(..) | CertificateSource::Demo(..) => Ok(()),
        }
    }

    /// The certificates as handshakes see them.
    pub fn library(&self) -> &Arc<CertificateLibrary> {
        &self.library
    }

    /// The name whose certificate a client of `listener` gets that names no host.
    pub fn fallback_name(&self, listener: &Listener, host_name: &Domain) -> String {
        let usual = || listener.host_name.as_ref().unwrap_or(host_name).to_string();
        let CertificateSource::Files(files) = &self.source else { return usual() };
        let chosen = files.iter().position(|file| Some(&file.name) == listener.certificate.as_ref());
        // Certificates stand in the library in the order of the files.
        let certificate = chosen.and_then(|at| self.library.certificates().into_iter().nth(at));
        certificate.and_then(|certificate| certificate.names().first().cloned()).unwrap_or_else(usual)
    }
}

fn paths_of(file: &Certificate) -> CertificatePaths {
    CertificatePaths { chain: file.chain.clone(), key: file.key.clone(), names: file.hosts.clone() }
}

/// The time, in seconds since 1970.
pub fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
