//! `posthouse status`, `metrics`, `protocol-log` and `reload`.

use super::Place;
use crate::cli::{Output, Switch};
use crate::control::Request;
use crate::control::certificates::{CertificateView, CertificatesRequest};
use crate::control::log_level::{LogLevelRequest, LogLevelView};
use crate::control::protocol_log::ProtocolLogRequest;
use crate::control::status::StatusView;
use crate::output::{date, say, say_json, say_table};

pub async fn status(place: &Place, output: Output) -> anyhow::Result<()> {
    let status: StatusView = place.server().await?.ask(&Request::Status).await?;
    if output.json {
        return say_json(&status);
    }
    say(format!("Posthouse {} runs as process {} for {}.", status.version, status.process, status.host_name));
    say(format!("Data: {}", status.data_directory));
    let index = status.search_index;
    let (indexed, size_kib) = (index.indexed, index.size_bytes / 1024);
    say(format!("Search index: {indexed} messages, {} waiting, {size_kib} KiB", index.waiting));
    let rows: Vec<Vec<String>> = status
        .listeners
        .into_iter()
        .map(|listener| vec![listener.name, listener.role, listener.tls, listener.addresses.join(" ")])
        .collect();
    say_table(&["LISTENER", "ROLE", "TLS", "ADDRESSES"], &rows, "Nothing listens.");
    Ok(())
}

pub async fn metrics(place: &Place) -> anyhow::Result<()> {
    let text: String = place.server().await?.ask(&Request::Metrics).await?;
    say(text.trim_end());
    Ok(())
}

pub async fn log_level(place: &Place, filter: Option<String>) -> anyhow::Result<()> {
    let request = match filter.as_deref() {
        None => LogLevelRequest::Show,
        Some("configured") => LogLevelRequest::Reset,
        Some(filter) => LogLevelRequest::Set { filter: filter.to_owned() },
    };
    let view: LogLevelView = place.server().await?.ask(&Request::LogLevel(request)).await?;
    say(format!("Log lines that are written: {}", view.current));
    if view.current != view.configured {
        say(format!(
            "Until the server ends, or: posthouse{} log-level configured ({})",
            place.as_options(),
            view.configured
        ));
    }
    Ok(())
}

pub async fn protocol_log(place: &Place, switch: Switch, listener: String) -> anyhow::Result<()> {
    let on = switch == Switch::On;
    let request = ProtocolLogRequest { listener: listener.clone(), on };
    let () = place.server().await?.ask(&Request::ProtocolLog(request)).await?;
    match on {
        true => {
            say(format!("Conversations of {listener} are logged from now on, without passwords."));
            say("Verify: connect, and look at the server's log (journalctl -u posthouse -f).");
        }
        false => say(format!("Conversations of {listener} are not logged any more.")),
    }
    Ok(())
}

pub async fn reload(place: &Place, output: Output) -> anyhow::Result<()> {
    let request = Request::Certificates(CertificatesRequest::Reload);
    let certificates: Vec<CertificateView> = place.server().await?.ask(&request).await?;
    if output.json {
        return say_json(&certificates);
    }
    let rows: Vec<Vec<String>> = certificates
        .into_iter()
        .map(|certificate| {
            let until = date(certificate.not_after.saturating_mul(1000));
            vec![certificate.names.join(" "), until, certificate.fingerprint_sha256]
        })
        .collect();
    say_table(&["CERTIFICATE FOR", "VALID UNTIL", "SHA-256"], &rows, "There are no certificates.");
    say(format!("Verify: posthouse{} check", place.as_options()));
    Ok(())
}
