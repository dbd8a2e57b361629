//! Reading a certificate chain and its key, and refusing what would only fail later.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use crate::facts::{CertificateFacts, KeyType, UnreadableCertificate};
use crate::{provider, tls_server_end_point};

/// The largest PEM file that is read, in bytes. A chain takes some 10 KB.
pub(crate) const MAX_PEM_BYTES: u64 = 1024 * 1024;

/// The most certificates in one chain. Clients follow far fewer.
const MAX_CHAIN_CERTIFICATES: usize = 16;

/// The smallest RSA key that we serve, in bits (RFC 9325 §4.5).
const MIN_RSA_BITS: usize = 2048;

/// Why a certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateProblem {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The file is larger than any certificate.
    #[error("is larger than {limit} bytes, which no certificate file is")]
    TooLarge {
        /// The largest file that is read, in bytes.
        limit: u64,
    },
    /// The chain file has no `-----BEGIN CERTIFICATE-----`.
    #[error("contains no certificate (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// A PEM section is broken.
    #[error("is not valid PEM: {0}")]
    BadPem(String),
    /// The chain is longer than any client would follow.
    #[error("contains more than {limit} certificates")]
    ChainTooLong {
        /// The most certificates allowed.
        limit: usize,
    },
    /// A certificate of the chain cannot be decoded. The first has number 1.
    #[error("certificate {number}: {error}")]
    Unreadable {
        /// Position in the file, from 1.
        number: usize,
        /// What the decoder found.
        error: UnreadableCertificate,
    },
    /// The key file has no private key.
    #[error("contains no private key (-----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// The private key is encrypted, and nobody is there to type its password.
    #[error("the private key is encrypted; store it without a password, readable by the server only")]
    EncryptedKey,
    /// The private key is of a kind that we cannot use, or damaged.
    #[error("the private key cannot be used: {0}")]
    UnusableKey(String),
    /// The RSA key is too small to be safe.
    #[error("the RSA key has {bits} bits, at least {MIN_RSA_BITS} are required")]
    WeakRsaKey {
        /// Its size.
        bits: usize,
    },
    /// Certificate and key are not a pair.
    #[error("the private key does not belong to the certificate{}", match matching_number {
        Some(number) => format!(" (it belongs to certificate {number} of the file; the server's own must come first)"),
        None => String::new(),
    })]
    KeyMismatch {
        /// The certificate of the same file that the key does belong to, counted from 1.
        matching_number: Option<usize>,
    },
}

/// Why the certificate of a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct LoadError {
    /// The file where the problem was found.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: CertificateProblem,
}

/// A certificate chain with its key, checked and ready to serve.
#[derive(Debug)]
pub struct LoadedCertificate {
    certified_key: Arc<CertifiedKey>,
    facts: CertificateFacts,
    end_point: Option<Vec<u8>>,
    names: Vec<String>,
    chain_digest: [u8; 32],
}

impl LoadedCertificate {
    /// Takes a chain (the server's own certificate first) and its key from PEM text. Both may
    /// be the same text; sections of other kinds are skipped.
    ///
    /// An expired certificate is not refused, for a server with an expired certificate is
    /// worth more than none: see [`CertificateFacts::warnings`].
    pub fn from_pem(chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, CertificateProblem> {
        Self::assemble(chain_from_pem(chain_pem)?, key_from_pem(key_pem)?)
    }

    /// Reads a chain and its key from files in PEM; both may be the same file.
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, LoadError> {
        let in_chain = |problem| LoadError { path: chain.to_owned(), problem };
        let in_key = |problem| LoadError { path: key.to_owned(), problem };
        let chain_der = read_pem_file(chain).and_then(|pem| chain_from_pem(&pem)).map_err(in_chain)?;
        let key_der = read_pem_file(key).and_then(|pem| key_from_pem(&pem)).map_err(in_key)?;
        Self::assemble(chain_der, key_der).map_err(|problem| match problem {
            CertificateProblem::UnusableKey(_) | CertificateProblem::KeyMismatch { .. } => in_key(problem),
            _ => in_chain(problem),
        })
    }

    /// The same certificate, served for these names instead of the ones that stand in it.
    #[must_use]
    pub fn serving(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.names = names.into_iter().collect();
        self
    }

    /// Chain and key in the form that rustls uses.
    pub fn certified_key(&self) -> &Arc<CertifiedKey> {
        &self.certified_key
    }

    /// What the certificate says about itself.
    pub fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// The names this certificate is served for, in lower case; `*.` stands for one label.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The `tls-server-end-point` channel binding of RFC 5929 §4.1, if defined.
    pub fn tls_server_end_point(&self) -> Option<&[u8]> {
        self.end_point.as_deref()
    }

    /// SHA-256 over the whole chain: a chain to which an intermediate was added is another.
    pub(crate) fn chain_digest(&self) -> &[u8; 32] {
        &self.chain_digest
    }

    fn assemble(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, CertificateProblem> {
        let mut all_facts = chain.iter().enumerate().map(|(index, der)| {
            CertificateFacts::of_der(der).map_err(|error| CertificateProblem::Unreadable { number: index + 1, error })
        });
        let facts = all_facts.next().ok_or(CertificateProblem::NoCertificate)??;
        all_facts.try_for_each(|facts| facts.map(drop))?;
        if let KeyType::Rsa { bits } = facts.key_type
            && bits < MIN_RSA_BITS
        {
            return Err(CertificateProblem::WeakRsaKey { bits });
        }
        let key = provider::modern()
            .key_provider
            .load_private_key(key)
            .map_err(|error| CertificateProblem::UnusableKey(error.to_string()))?;
        require_pair(&chain, &key)?;
        Ok(Self {
            end_point: tls_server_end_point(&chain[0]),
            names: facts.subject_names.clone(),
            chain_digest: digest_of(&chain),
            facts,
            certified_key: Arc::new(CertifiedKey::new(chain, key)),
        })
    }
}

fn digest_of(chain: &[CertificateDer<'static>]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    chain.iter().for_each(|certificate| context.update(certificate));
    let mut result = [0; 32];
    result.copy_from_slice(context.finish().as_ref());
    result
}

fn require_pair(chain: &[CertificateDer<'static>], key: &Arc<dyn SigningKey>) -> Result<(), CertificateProblem> {
    let key = key.public_key();
    let belongs_to = |der: &CertificateDer<'static>| {
        let parsed = X509Certificate::from_der(der);
        let of_certificate = parsed.as_ref().ok().map(|(_, it)| it.public_key().raw);
        key.is_some() && of_certificate == key.as_deref()
    };
    match chain.iter().position(belongs_to) {
        Some(0) => Ok(()),
        position => Err(CertificateProblem::KeyMismatch { matching_number: position.map(|index| index + 1) }),
    }
}

/// Reads a whole file, up to [`MAX_PEM_BYTES`]. It may hold a key, so it is wiped after use.
pub(crate) fn read_pem_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, CertificateProblem> {
    let mut pem = Zeroizing::new(Vec::new());
    File::open(path)?.take(MAX_PEM_BYTES + 1).read_to_end(&mut pem)?;
    if pem.len() as u64 > MAX_PEM_BYTES {
        return Err(CertificateProblem::TooLarge { limit: MAX_PEM_BYTES });
    }
    Ok(pem)
}

fn chain_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateProblem> {
    let chain = CertificateDer::pem_slice_iter(pem)
        .take(MAX_CHAIN_CERTIFICATES + 1)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| CertificateProblem::BadPem(error.to_string()))?;
    match chain.len() {
        0 => Err(CertificateProblem::NoCertificate),
        1..=MAX_CHAIN_CERTIFICATES => Ok(chain),
        _ => Err(CertificateProblem::ChainTooLong { limit: MAX_CHAIN_CERTIFICATES }),
    }
}

fn key_from_pem(pem: &[u8]) -> Result<PrivateKeyDer<'static>, CertificateProblem> {
    use rustls::pki_types::pem::Error;
    let is_encrypted = [&b"BEGIN ENCRYPTED PRIVATE KEY"[..], b"Proc-Type: 4,ENCRYPTED"]
        .iter()
        .any(|mark| pem.windows(mark.len()).any(|window| window == *mark));
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(_) | Err(_) if is_encrypted => Err(CertificateProblem::EncryptedKey),
        Ok(key) => Ok(key),
        Err(Error::NoItemsFound) => Err(CertificateProblem::NoKey),
        Err(error) => Err(CertificateProblem::BadPem(error.to_string())),
    }
}
