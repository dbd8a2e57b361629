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

impl CertificateFiles {
    /// Makes a certificate for `name`.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn new(name: &str, kind: CertificateKind) -> Result<Self> {
        let directory = TempDir::new()?;
        let (authority, authority_pem) = authority("Trusted")?;
        let (stranger, _) = self::authority("Stranger")?;
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
            CertificateKind::Stranger => parameters.signed_by(&key, &stranger)?,
            CertificateKind::Good | CertificateKind::Expired => parameters.signed_by(&key, &authority)?,
        };
        fs::write(directory.path().join("chain.pem"), made.pem())?;
        fs::write(directory.path().join("key.pem"), key.serialize_pem())?;
        fs::write(directory.path().join("ca.pem"), authority_pem)?;
        Ok(Self { directory, leaf: made.der().to_vec() })
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

fn authority(name: &str) -> Result<(Issuer<'static, KeyPair>, String)> {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate()?;
    let pem = parameters.self_signed(&key)?.pem();
    Ok((Issuer::new(parameters, key), pem))
}
