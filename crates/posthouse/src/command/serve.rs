//! `posthouse serve`.

use super::Place;
use crate::certificates::CertificateSource;
use crate::configuration::Configuration;
use crate::house::{Foundation, Opening};
use crate::signals::Signals;
use crate::{logging, service_manager};

pub async fn run(place: &Place) -> anyhow::Result<()> {
    let configuration = Configuration::read(place.config())?;
    let log_switch = logging::start(configuration.log_format, &configuration.log_filter)?;
    let mut signals = Signals::mind()?;
    let opening = Opening {
        certificates: certificates(&configuration),
        may_move_ports: false,
        hashing_threads: None,
        log_switch,
    };
    let (file, host_name) = (configuration.file.clone(), configuration.host_name.clone());
    let running = Foundation::lay(configuration, opening)?.build().await?;
    warn_of_certificates(&running.house.certificates, host_name.as_str());
    tracing::info!(host = %host_name, configuration = %file.display(), "the server is ready");
    service_manager::say_ready();
    signals.until_end(&running.house).await;
    tracing::info!("the server ends");
    service_manager::say_stopping();
    running.shut_down().await;
    Ok(())
}

/// The administrator's certificates, or, where there are none, one of the server's own making (CERT-7).
pub fn certificates(configuration: &Configuration) -> CertificateSource {
    if !configuration.certificates.is_empty() {
        return CertificateSource::Files(configuration.certificates.clone());
    }
    let mut hosts = vec![configuration.host_name.to_string()];
    for name in configuration.listeners.iter().filter_map(|listener| listener.host_name.as_ref()) {
        if !hosts.contains(&name.to_string()) {
            hosts.push(name.to_string());
        }
    }
    CertificateSource::SelfSigned(configuration.data_directory.join("certificates"), hosts)
}

fn warn_of_certificates(certificates: &crate::certificates::Certificates, host_name: &str) {
    let now = i64::try_from(crate::certificates::unix_seconds()).unwrap_or(i64::MAX);
    for certificate in certificates.library().certificates() {
        let facts = certificate.facts();
        if facts.is_self_signed {
            tracing::warn!(
                names = facts.subject_names.join(" "),
                "the certificate is self-signed: clients will ask whether to trust it, and other servers will not \
                 verify it; put one of a public authority into the configuration ([[certificate]])"
            );
        }
        for warning in facts.warnings(now).into_iter().filter(|_| !facts.is_self_signed) {
            tracing::warn!(names = facts.subject_names.join(" "), "{warning}");
        }
    }
    let shown = certificates.library().certificate_for(Some(host_name));
    if shown.is_none_or(|certificate| !certificate.facts().is_for(host_name)) {
        tracing::warn!(host = host_name, "no certificate is for the host's own name");
    }
}
