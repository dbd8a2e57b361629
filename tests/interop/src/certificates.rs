//! Certificates, good ones and bad ones.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a certificate is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateKind {
    /// By the authority, valid now.
    Good,
    /// By the authority, over since yesterday.
    Expired,
    /// By itself.
    SelfSigned,
    /// By an authority that nobody trusts.
    Stranger,
}

/// A certificate, its key and the authority that is to be trusted, in files.
#[derive(Debug)]
pub struct CertificateFiles {
    directory: TempDir,
    leaf: Vec<u8>,
}

/// Somebody who vouches for names.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// Makes one.
    ///
    /// # Errors
    /// When its certificate cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate()?;
        let pem = parameters.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(parameters, key), pem })
    }

    /// Makes a certificate for `name`; this is the authority that is to be trusted, whoever signs.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn certificate(&self, name: &str, kind: CertificateKind) -> Result<CertificateFiles> {
        let directory = TempDir::new()?;
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::new(vec![name.to_owned()])?;
        let now = SystemTime::now();
        let (from, until) = match kind {
            CertificateKind::Expired => (now - 9 * DAY, now - DAY),
            _ => (now - DAY, now + 9 * DAY),
        };
        (parameters.not_before, parameters.not_after) = (from.into(), until.into());
        let made = match kind {
            CertificateKind::SelfSigned => parameters.self_signed(&key)?,
            CertificateKind::Stranger => parameters.signed_by(&key, &Self::new("Stranger")?.issuer)?,
            CertificateKind::Good | CertificateKind::Expired => parameters.signed_by(&key, &self.issuer)?,
        };
        fs::write(directory.path().join("chain.pem"), made.pem())?;
        fs::write(directory.path().join("key.pem"), key.serialize_pem())?;
        fs::write(directory.path().join("ca.pem"), &self.pem)?;
        Ok(CertificateFiles { directory, leaf: made.der().to_vec() })
    }
}

impl CertificateFiles {
    /// Makes a certificate for `name`, and an authority for it alone.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn new(name: &str, kind: CertificateKind) -> Result<Self> {
        Authority::new("Trusted")?.certificate(name, kind)
    }

    /// The certificate.
    pub fn chain(&self) -> PathBuf {
        self.directory.path().join("chain.pem")
    }

    /// Its key.
    pub fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }

    /// The authority that is to be trusted.
    pub fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The encoded certificate in hexadecimal digits, as a TLSA record `3 0 0` has it.
    pub fn hexadecimal(&self) -> String {
        self.leaf.iter().map(|octet| format!("{octet:02x}")).collect()
    }
}
