//! `posthouse check`: does the running server do what it should?

mod conversation;
mod dns;
mod listeners;
mod round_trip;

use std::collections::HashSet;

use anyhow::{Context, bail};
use posthouse_tls::{ClientTls, TrustRoots};

use super::Place;
use crate::cli::CheckOptions;
use crate::control::Request;
use crate::control::status::StatusView;
use crate::output::{printable, say};

/// What was found out, line by line.
#[derive(Debug, Default)]
pub struct Findings {
    warnings: usize,
    failures: usize,
    /// Certificates that were looked at, by fingerprint, and the names they were looked at for.
    certificates: HashSet<(String, String)>,
}

impl Findings {
    /// It is as it should be.
    fn good(&mut self, what: &str, details: &str) {
        say(format!("ok    {what}: {}", printable(details)));
    }

    /// It works, but something should be changed.
    fn warn(&mut self, what: &str, details: &str, advice: &str) {
        self.warnings += 1;
        say(format!("warn  {what}: {}", printable(details)));
        say(format!("      → {advice}"));
    }

    /// Whether a certificate has not been looked at for this name yet: many listeners show the same one.
    fn is_new_certificate(&mut self, fingerprint: &str, host: &str) -> bool {
        self.certificates.insert((fingerprint.to_owned(), host.to_owned()))
    }

    /// It does not work.
    fn fail(&mut self, what: &str, details: &str, advice: &str) {
        self.failures += 1;
        say(format!("FAIL  {what}: {}", printable(details)));
        say(format!("      → {advice}"));
    }
}

pub async fn run(place: &Place, options: &CheckOptions) -> anyhow::Result<()> {
    let mut server = place.server().await?;
    let status: StatusView = server.ask(&Request::Status).await?;
    let roots = options.trust_roots.clone().map_or(TrustRoots::Platform, TrustRoots::PemFile);
    let tls = ClientTls::new(&roots, None).context("--trust-roots")?;
    say(format!("Posthouse {} for {}, process {}", status.version, status.host_name, status.process));
    let mut findings = Findings::default();
    if !status.host_name.contains('.') {
        findings.warn(
            "host name",
            &format!("`{}` is not a name that other servers can look up", status.host_name),
            "set host_name to the name in your DNS, such as mail.example.org",
        );
    }
    let (proxied, direct): (Vec<_>, Vec<_>) =
        status.listeners.iter().cloned().partition(|listener| listener.expects_proxy_header);
    for listener in &status.listeners {
        if let Some(problem) = &listener.client_certificates_problem {
            let advice = "the server goes on with the authorities it has read before, until it is started again: \
                          mend the file that client_certificates names, or let the server's user read it";
            findings.warn(&format!("{}, client certificates", listener.name), problem, advice);
        }
    }
    for listener in &proxied {
        let advice = "try it through its proxy, or take this host out of proxy_protocol_from";
        findings.warn(&listener.name, "not tried: it expects a PROXY header from this host", advice);
    }
    for listener in &direct {
        for address in &listener.addresses {
            listeners::check(listener, address, &tls, &mut findings).await;
        }
    }
    if !options.no_dns {
        dns::check(&mut server, options.blocklists, &mut findings).await?;
    }
    round_trip::check(&mut server, &direct, &tls, &mut findings).await;
    let Findings { warnings, failures, .. } = findings;
    match failures {
        0 => say(format!("Everything that was tried works; {warnings} warnings.")),
        _ => bail!("{failures} of the checks failed, and there are {warnings} warnings"),
    }
    Ok(())
}
