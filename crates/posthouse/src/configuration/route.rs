//! `[[outgoing.route]]`: a host that takes mail for others.

use std::path::PathBuf;

use posthouse_flow::SmartHostTls;
use posthouse_model::Domain;
use serde::Deserialize;

use super::outgoing::PasswordSource;
use super::value::{AbsolutePath, Parsed, words};

words! {
    /// How a smart host speaks TLS.
    RouteTls, "how a route speaks TLS":
    /// From the first byte.
    Implicit = "implicit",
    /// After STARTTLS.
    StartTls = "starttls",
    /// After STARTTLS, whatever its certificate.
    StartTlsUnverified = "starttls-unverified",
    /// After STARTTLS where it is offered, else in clear.
    StartTlsOptional = "starttls-optional",
    /// Not at all.
    None = "none",
}

impl From<RouteTls> for SmartHostTls {
    fn from(tls: RouteTls) -> Self {
        match tls {
            RouteTls::Implicit => Self::Implicit,
            RouteTls::StartTls => Self::StartTls,
            RouteTls::StartTlsUnverified => Self::StartTlsUnverified,
            RouteTls::StartTlsOptional => Self::StartTlsOptional,
            RouteTls::None => Self::None,
        }
    }
}

/// A route as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteTable {
    domain: Option<Parsed<Domain>>,
    host: Parsed<Domain>,
    port: Option<u16>,
    tls: Option<Parsed<RouteTls>>,
    login: Option<String>,
    password_file: Option<Parsed<AbsolutePath>>,
    password_environment: Option<String>,
    token_file: Option<Parsed<AbsolutePath>>,
    client_certificate: Option<Parsed<AbsolutePath>>,
    client_key: Option<Parsed<AbsolutePath>>,
}

/// What proves a login at a smart host, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofSource {
    /// A password, which is read at the start.
    Password(PasswordSource),
    /// A token of OAuth: the first line of this file, which is read for each login, so that another program may renew it.
    TokenFile(PathBuf),
}

/// A certificate to show, in files of PEM that are read at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// It, and those that certify it.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Mail that goes by way of a given host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSettings {
    /// For this domain; `None` for all that no other route takes.
    pub domain: Option<Domain>,
    /// By way of this host.
    pub host: Domain,
    /// Its port.
    pub port: u16,
    /// How it speaks TLS.
    pub tls: RouteTls,
    /// How to sign in there.
    pub login: Option<(String, ProofSource)>,
    /// What is shown to it if it asks for a certificate.
    pub certificate: Option<CertificateFiles>,
}

/// Where smart hosts take mail from who signs in: with implicit TLS and without (RFC 8314 §3.3).
const SUBMISSIONS_PORT: u16 = 465;
const SUBMISSION_PORT: u16 = 587;

/// What may prove a login.
const PROOFS: &str = "`password_file`, `password_environment` or `token_file`";

impl RouteSettings {
    pub(super) fn of_table(table: RouteTable) -> Result<Self, String> {
        let tls = table.tls.map_or(RouteTls::StartTls, |tls| tls.0);
        let mut sources = [
            table.password_file.map(|file| ProofSource::Password(PasswordSource::File(file.0.0))),
            table.password_environment.map(|name| ProofSource::Password(PasswordSource::Environment(name))),
            table.token_file.map(|file| ProofSource::TokenFile(file.0.0)),
        ]
        .into_iter()
        .flatten();
        let (source, another) = (sources.next(), sources.next());
        if another.is_some() {
            return Err(format!("one of {PROOFS}, not several"));
        }
        let login = match (table.login, source) {
            (Some(login), Some(source)) => Some((login, source)),
            (None, None) => None,
            (Some(_), None) => return Err(format!("`login` needs {PROOFS}")),
            (None, Some(ProofSource::Password(_))) => return Err("a password needs a `login`".to_owned()),
            (None, Some(ProofSource::TokenFile(_))) => return Err("a token needs a `login`".to_owned()),
        };
        let certificate = match (table.client_certificate, table.client_key) {
            (Some(chain), Some(key)) => Some(CertificateFiles { chain: chain.0.0, key: key.0.0 }),
            (None, None) => None,
            (Some(_), None) => return Err("`client_certificate` needs its `client_key`".to_owned()),
            (None, Some(_)) => return Err("`client_key` needs its `client_certificate`".to_owned()),
        };
        if (login.is_some() || certificate.is_some()) && !matches!(tls, RouteTls::Implicit | RouteTls::StartTls) {
            return Err(format!(
                "nobody signs in with `tls = \"{}\"`: with a `login` or a certificate, allowed are implicit, starttls",
                tls.word()
            ));
        }
        let usual_port = if tls == RouteTls::Implicit { SUBMISSIONS_PORT } else { SUBMISSION_PORT };
        Ok(Self {
            domain: table.domain.map(|domain| domain.0),
            host: table.host.0,
            port: table.port.unwrap_or(usual_port),
            tls,
            login,
            certificate,
        })
    }
}
