//! The routes of the configuration, with the secrets that its files hold.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use posthouse_flow::{Route, SmartHost};
use posthouse_storage::routes::{RouteCertificate, RouteLogin, RouteProof};
use posthouse_tls::LoadedCertificate;

use crate::configuration::{CertificateFiles, ProofSource, RouteSettings, read_secret_file};

/// Reads what the routes need.
///
/// # Errors
/// When a password or a certificate is not there, or cannot be used.
pub fn read(routes: &[RouteSettings]) -> anyhow::Result<Vec<Route>> {
    let route = |route: &RouteSettings| {
        let which = || format!("the route by way of {}", route.host);
        let login = route.login.as_ref().map(|(name, proof)| login(name, proof)).transpose().with_context(which)?;
        let certificate = route.certificate.as_ref().map(certificate).transpose().with_context(which)?;
        let host = SmartHost {
            host: route.host.clone(),
            port: route.port,
            tls: route.tls.into(),
            login,
            certificate: certificate.map(Arc::new),
            route: None,
            certificate_name: None,
            max_messages: None,
        };
        Ok(Route { domain: route.domain.clone(), host })
    };
    routes.iter().map(route).collect()
}

fn login(name: &str, proof: &ProofSource) -> anyhow::Result<RouteLogin> {
    Ok(match proof {
        ProofSource::Password(source) => RouteLogin::password(name, source.read()?),
        ProofSource::TokenFile(file) => {
            let file = text(file)?;
            RouteLogin { name: name.to_owned(), proof: RouteProof::TokenFile(file) }
        }
    })
}

fn text(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("{}: the path is no text", path.display()))
}

fn certificate(files: &CertificateFiles) -> anyhow::Result<RouteCertificate> {
    let shown = files.chain.display();
    let key = read_secret_file(&files.key)?;
    let chain = std::fs::read_to_string(&files.chain).with_context(|| format!("{shown}: cannot be read"))?;
    if let Err(problem) = LoadedCertificate::from_pem(chain.as_bytes(), key.expose()) {
        bail!("{shown}: {problem}");
    }
    Ok(RouteCertificate { chain, key })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use posthouse_model::Domain;
    use posthouse_tls::self_signed;

    use super::*;
    use crate::configuration::RouteTls;

    fn route(login: Option<ProofSource>, certificate: Option<CertificateFiles>) -> RouteSettings {
        RouteSettings {
            domain: None,
            host: Domain::parse("relay.example").unwrap(),
            port: 587,
            tls: RouteTls::StartTls,
            login: login.map(|proof| ("me".to_owned(), proof)),
            certificate,
        }
    }

    fn file(directory: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn what_files_hold_is_shown_to_hosts() {
        let directory = tempfile::tempdir().unwrap();
        let made = self_signed(&["me.example".to_owned()], 0, 4_000_000_000).unwrap();
        let files = CertificateFiles {
            chain: file(directory.path(), "chain.pem", &made.certificate, 0o644),
            key: file(directory.path(), "key.pem", &made.key, 0o600),
        };
        // It need not be there yet: another program writes it.
        let token = ProofSource::TokenFile("/run/token".into());
        let read = read(&[route(Some(token), Some(files))]).unwrap();
        let host = &read[0].host;
        assert_eq!(host.certificate.as_ref().unwrap().chain, made.certificate);
        let login = host.login.as_ref().unwrap();
        assert!(login.name == "me" && matches!(&login.proof, RouteProof::TokenFile(file) if file == "/run/token"));
    }

    #[test]
    fn what_cannot_be_used_is_told_at_the_start() {
        let directory = tempfile::tempdir().unwrap();
        let made = self_signed(&["me.example".to_owned()], 0, 4_000_000_000).unwrap();
        let other = self_signed(&["me.example".to_owned()], 0, 4_000_000_000).unwrap();
        let at = |name: &str, text: &str, mode| file(directory.path(), name, text, mode);
        let chain = at("chain.pem", &made.certificate, 0o644);
        let key = at("key.pem", &made.key, 0o600);
        for (chain, key, words) in [
            (chain.clone(), at("open.pem", &made.key, 0o644), "every user can read this secret"),
            (chain.clone(), at("other.pem", &other.key, 0o600), "chain.pem: "),
            (at("empty.pem", "", 0o644), key.clone(), "empty.pem: "),
            (directory.path().join("none.pem"), key, "none.pem: cannot be read"),
            (chain, directory.path().join("none.key"), "none.key: cannot be read"),
        ] {
            let error = read(&[route(None, Some(CertificateFiles { chain, key }))]).unwrap_err();
            let told = format!("{error:#}");
            assert!(told.starts_with("the route by way of relay.example: ") && told.contains(words), "{told}");
        }
    }
}
