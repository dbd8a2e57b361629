//! Mail that leaves: whom to trust, how much TLS, and by way of which hosts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use posthouse_flow::DestinationTls;
use posthouse_model::{Domain, Secret};
use serde::Deserialize;
use toml::Spanned;

use super::listener::Fault;
use super::route::{RouteSettings, RouteTable};
use super::timeouts::{OutgoingTimeouts, TimeoutsTable};
use super::value::{AbsolutePath, Parsed, Word, words};

/// Most octets of a file with a secret: certificates have some thousand.
const MAX_SECRET_FILE_BYTES: u64 = 64 * 1024;
/// Rights of a password file that other users have: none.
const RIGHTS_OF_OTHERS: u32 = 0o007;

words! {
    /// How much TLS other hosts have to offer.
    OutgoingTls, "how much TLS to ask for":
    /// Encrypt where the host can.
    Opportunistic = "opportunistic",
    /// Encrypt, with whatever certificate.
    Required = "required",
    /// Encrypt to a host whose certificate holds up.
    Verified = "verified",
}

impl From<OutgoingTls> for DestinationTls {
    fn from(tls: OutgoingTls) -> Self {
        match tls {
            OutgoingTls::Opportunistic => Self::Opportunistic,
            OutgoingTls::Required => Self::Required,
            OutgoingTls::Verified => Self::Verified,
        }
    }
}

/// Whom to trust when other hosts show certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Whom the operating system trusts.
    Platform,
    /// The authorities of a PEM file.
    File(PathBuf),
}

impl Word for Trust {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "platform" => Ok(Self::Platform),
            _ => AbsolutePath::read(text)
                .map(|path| Self::File(path.0))
                .map_err(|_| format!("`{text}` is neither `platform` nor the absolute path of a PEM file")),
        }
    }
}

/// Where the password for a smart host is. Never in the configuration file, which others may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// The first line of a file that other users cannot read.
    File(PathBuf),
    /// A variable of the environment.
    Environment(String),
}

impl PasswordSource {
    /// Reads the password.
    ///
    /// # Errors
    /// When it is not there, or other users can read it.
    pub fn read(&self) -> anyhow::Result<Secret> {
        match self {
            Self::File(path) => read_password_file(path),
            Self::Environment(name) => std::env::var(name)
                .map(Secret::new)
                .with_context(|| format!("the password of a route: the environment variable {name} is not set")),
        }
    }
}

/// The first line of a file that other users cannot read.
pub fn read_password_file(path: &Path) -> anyhow::Result<Secret> {
    let shown = path.display();
    let whole = read_secret_file(path)?;
    let text = whole.expose_str().with_context(|| format!("{shown}: the password is no text"))?;
    let line = text.lines().next().unwrap_or_default();
    ensure!(!line.is_empty(), "{shown}: the first line is to be the password, and it is empty");
    Ok(Secret::new(line))
}

/// The whole of a file that other users cannot read.
pub fn read_secret_file(path: &Path) -> anyhow::Result<Secret> {
    let shown = path.display();
    let metadata = fs::metadata(path).with_context(|| format!("{shown}: cannot be read"))?;
    let mode = metadata.permissions().mode();
    ensure!(mode & RIGHTS_OF_OTHERS == 0, "{shown}: every user can read this secret: run chmod 600 {shown}");
    ensure!(metadata.len() <= MAX_SECRET_FILE_BYTES, "{shown}: longer than {MAX_SECRET_FILE_BYTES} octets");
    Ok(Secret::new(fs::read(path).with_context(|| format!("{shown}: cannot be read"))?))
}

/// `[outgoing]` as it stands in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutgoingTable {
    trust_roots: Option<Parsed<Trust>>,
    smtp_port: Option<u16>,
    tls: Option<Parsed<OutgoingTls>>,
    #[serde(default)]
    required_tls: Vec<Parsed<Domain>>,
    #[serde(default)]
    verified_tls: Vec<Parsed<Domain>>,
    #[serde(default)]
    timeouts: TimeoutsTable,
    #[serde(default)]
    route: Vec<Spanned<RouteTable>>,
}

/// How mail leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Whom to trust.
    pub trust: Trust,
    /// The port on which other hosts take mail.
    pub smtp_port: u16,
    /// TLS towards domains that no list names.
    pub default_tls: OutgoingTls,
    /// Domains that must offer TLS.
    pub required_tls: Vec<Domain>,
    /// Domains that must show a valid certificate.
    pub verified_tls: Vec<Domain>,
    /// How long other hosts may take.
    pub timeouts: OutgoingTimeouts,
    /// Smart hosts.
    pub routes: Vec<RouteSettings>,
}

/// Where other hosts take mail (RFC 5321 §4.5.4.2).
const SMTP_PORT: u16 = 25;

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            trust: Trust::Platform,
            smtp_port: SMTP_PORT,
            default_tls: OutgoingTls::Opportunistic,
            required_tls: Vec::new(),
            verified_tls: Vec::new(),
            timeouts: OutgoingTimeouts::default(),
            routes: Vec::new(),
        }
    }
}

impl Outgoing {
    /// Reads the table.
    pub fn of_table(table: OutgoingTable) -> Result<Self, Fault> {
        let mut routes: Vec<RouteSettings> = Vec::new();
        for route in table.route {
            let span = route.span();
            let route = RouteSettings::of_table(route.into_inner()).map_err(|message| (span.clone(), message))?;
            if routes.iter().any(|other| other.domain == route.domain) {
                let whom = route.domain.map_or("all other domains".to_owned(), |domain| domain.to_string());
                return Err((span, format!("there is a route for {whom} already")));
            }
            routes.push(route);
        }
        let usual = Self::default();
        Ok(Self {
            trust: table.trust_roots.map_or(usual.trust, |trust| trust.0),
            smtp_port: table.smtp_port.unwrap_or(usual.smtp_port),
            default_tls: table.tls.map_or(usual.default_tls, |tls| tls.0),
            required_tls: table.required_tls.into_iter().map(|domain| domain.0).collect(),
            verified_tls: table.verified_tls.into_iter().map(|domain| domain.0).collect(),
            timeouts: OutgoingTimeouts::of_table(table.timeouts)?,
            routes,
        })
    }
}
