//! `posthouse probe` and `posthouse transport`.

use posthouse_model::Domain;

use super::Place;
use crate::cli::Output;
use crate::cli::transport::{ProbeOptions, TransportCommand};
use crate::control::transport::{
    AddressProbe, CertificateView, DomainProbe, HostProbe, RecordView, Suggestion, TransportRequest,
};
use crate::control::{Request, Text};
use crate::output::{date, printable, say, say_json, say_table};

pub async fn probe(place: &Place, options: &ProbeOptions) -> anyhow::Result<()> {
    let request = TransportRequest::Probe { domain: Text(options.domain.clone()) };
    let found: DomainProbe = place.server().await?.ask(&Request::Transport(request)).await?;
    if options.output.json {
        return say_json(&found);
    }
    show(&found);
    Ok(())
}

pub async fn run(place: &Place, command: TransportCommand) -> anyhow::Result<()> {
    match command {
        TransportCommand::Suggest(output) => suggest(place, output).await,
        TransportCommand::Records { domain, output } => records(place, domain, output).await,
    }
}

fn show(found: &DomainProbe) {
    say(&found.domain);
    if let Some(problem) = &found.problem {
        return say(format!("  {}", printable(problem)));
    }
    if let Some(route) = &found.route {
        say(format!("  mail goes by the route to {route}, whatever stands below"));
    }
    let named_by = if found.has_mx { "MX records" } else { "addresses, for there are no MX records" };
    say(format!("  hosts       by {named_by}; DNSSEC: {}", found.mx_dnssec));
    let policy = found.mta_sts.as_ref().map_or_else(
        || "no policy".to_owned(),
        |policy| format!("{}, for {} s, names {}", policy.mode, policy.max_age_seconds, policy.mx.join(", ")),
    );
    say(format!("  MTA-STS     {}", printable(&policy)));
    if let Some(problem) = &found.mta_sts_problem {
        say(format!("              {}", printable(problem)));
    }
    let reports = if found.tls_reports.is_empty() { "not wanted".to_owned() } else { found.tls_reports.join(", ") };
    say(format!("  TLS reports {}", printable(&reports)));
    if found.always_verified {
        say("  so far      every host proved who it is");
    }
    found.hosts.iter().for_each(show_host);
}

fn show_host(host: &HostProbe) {
    say(format!("\n{} (preference {})", host.host, host.preference));
    say(format!("  DNSSEC      {}", host.dnssec));
    say(format!("  TLSA        {}", host.tlsa.join("\n              ")));
    say(format!("  MTA-STS     {}", host.mta_sts));
    say(format!("  policy      {} ({})", printable(&host.demand), host.reason));
    host.addresses.iter().for_each(show_address);
}

fn show_address(found: &AddressProbe) {
    say(format!("  {}", found.address));
    let line = |name: &str, value: &str| say(format!("    {name:<13} {}", printable(value)));
    line("STARTTLS", if found.starttls { "works" } else { "no" });
    if let (Some(version), Some(suite)) = (&found.tls_version, &found.cipher_suite) {
        line("TLS", &format!("{version} {suite} {}", found.key_exchange.as_deref().unwrap_or_default()));
    }
    found.chain.iter().enumerate().for_each(|(at, certificate)| show_certificate(at, certificate));
    if let Some(verification) = &found.verification {
        line("authorities", verification);
    }
    if let Some(dane) = &found.dane {
        line("DANE", dane);
    }
    if found.requiretls {
        line("REQUIRETLS", "offered");
    }
    if let Some(problem) = &found.problem {
        line("problem", problem);
    }
    line("mail", if found.is_acceptable { "would go here" } else { "would not go here" });
}

/// One of a chain, of which the first is the host's own.
fn show_certificate(at: usize, certificate: &CertificateView) {
    let line = |name: &str, value: &str| say(format!("    {name:<13} {}", printable(value)));
    let name = if at == 0 { "certificate".to_owned() } else { format!("  signed by {at}") };
    line(&name, &format!("{}, by {}", certificate.subject, certificate.issuer));
    if !certificate.names.is_empty() {
        line("  names", &certificate.names.join(", "));
    }
    let day = |seconds: i64| date(seconds.saturating_mul(1000));
    line("  valid", &format!("{} to {}", day(certificate.not_before), day(certificate.not_after)));
    line("  key", &certificate.key);
}

async fn suggest(place: &Place, output: Output) -> anyhow::Result<()> {
    let found: Vec<Suggestion> = place.server().await?.ask(&Request::Transport(TransportRequest::Suggest)).await?;
    if output.json {
        return say_json(&found);
    }
    let row =
        |one: &Suggestion| vec![one.domain.clone(), one.list.clone(), one.deliveries.to_string(), date(one.since)];
    let rows: Vec<_> = found.iter().map(row).collect();
    let none = "Nothing to suggest: no domain has shown for long enough that it can keep a stricter policy.";
    say_table(&["DOMAIN", "LIST IN [outgoing]", "DELIVERIES", "SINCE"], &rows, none);
    Ok(())
}

async fn records(place: &Place, domain: Domain, output: Output) -> anyhow::Result<()> {
    let request = TransportRequest::Records { domain: Text(domain.clone()) };
    let views: Vec<RecordView> = place.server().await?.ask(&Request::Transport(request)).await?;
    if output.json {
        return say_json(&views);
    }
    for view in views {
        say(format!("; {}\n{}\n", view.purpose, view.text));
    }
    say(format!("Verify, from another server: posthouse{} probe {domain}", place.as_options()));
    Ok(())
}
