//! `posthouse demo`: a whole server on this machine only, with accounts to try, gone when it ends.

mod accounts;
mod instructions;
mod welcome;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use posthouse_flow::RetrySchedule;
use posthouse_model::{Address, Domain, LocalPart};
use serde::Serialize;
use tempfile::TempDir;

use crate::certificates::CertificateSource;
use crate::cli::DemoOptions;
use crate::configuration::{
    Configuration, Listener, ListenerRole, ListenerTls, LogFormat, PasswordSource, ProofSource, RouteSettings,
    RouteTls, Trust,
};
use crate::house::{Foundation, Opening, RunningHouse};
use crate::logging::{self, LogSwitch};
use crate::output::{say, say_json};
use crate::signals::Signals;
use accounts::DemoAccount;

/// The domain of the accounts; it can exist nowhere else, for `.test` is reserved.
const DOMAIN: &str = "example.test";
/// The file of the authority's certificate, below the data directory.
const AUTHORITY_FILE: &str = "certificates/demo-ca.crt";

/// Name, role, TLS and usual port of each listener. Those that have the lower ports take theirs first.
const LISTENERS: [(&str, ListenerRole, ListenerTls, u16); 10] = [
    ("lmtp", ListenerRole::Lmtp, ListenerTls::None, 24),
    ("mx", ListenerRole::Mx, ListenerTls::StartTlsOptional, 25),
    ("health", ListenerRole::Health, ListenerTls::None, 80),
    ("pop3", ListenerRole::Pop3, ListenerTls::StartTlsRequired, 110),
    ("imap", ListenerRole::Imap, ListenerTls::StartTlsRequired, 143),
    ("https", ListenerRole::Https, ListenerTls::Implicit, 443),
    ("submissions", ListenerRole::Submission, ListenerTls::Implicit, 465),
    ("submission", ListenerRole::Submission, ListenerTls::StartTlsRequired, 587),
    ("imaps", ListenerRole::Imap, ListenerTls::Implicit, 993),
    ("pop3s", ListenerRole::Pop3, ListenerTls::Implicit, 995),
];

/// What a script is told when the server is ready.
#[derive(Debug, Serialize)]
struct Ready<'a> {
    host: &'a str,
    domain: &'a str,
    listeners: &'a [DemoListener],
    accounts: &'a [DemoAccount],
    ca_certificate: &'a Path,
    data_directory: &'a Path,
    socket: &'a Path,
}

/// A listener, as scripts and the instructions want it.
#[derive(Debug, Serialize)]
struct DemoListener {
    name: String,
    role: String,
    tls: String,
    port: u16,
}

/// Where the data is, and whether it goes when the server ends.
enum DataPlace {
    ThrowAway(TempDir),
    Kept(PathBuf),
}

impl DataPlace {
    fn find(wanted: Option<&Path>) -> anyhow::Result<Self> {
        match wanted {
            Some(directory) => Ok(Self::Kept(std::path::absolute(directory)?)),
            None => {
                let made = tempfile::Builder::new().prefix("posthouse-demo-").tempdir();
                Ok(Self::ThrowAway(made.context("no directory for throw-away data can be made")?))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::ThrowAway(directory) => directory.path(),
            Self::Kept(directory) => directory,
        }
    }
}

pub async fn run(options: &DemoOptions) -> anyhow::Result<()> {
    let log_switch = logging::start(LogFormat::Text, &options.log)?;
    let mut signals = Signals::mind()?;
    let place = DataPlace::find(options.data.as_deref())?;
    let outcome = serve(options, place.path(), log_switch, &mut signals).await;
    if let DataPlace::ThrowAway(directory) = place {
        directory.close().context("the throw-away data cannot be removed")?;
    }
    outcome
}

async fn serve(options: &DemoOptions, data: &Path, log_switch: LogSwitch, signals: &mut Signals) -> anyhow::Result<()> {
    let domain = Domain::parse(DOMAIN)?;
    let configuration = configuration(options, data, &domain)?;
    let opening = Opening {
        certificates: CertificateSource::Demo(data.join("certificates"), certificate_hosts(&options.host)),
        may_move_ports: true,
        hashing_threads: std::thread::available_parallelism().ok().map(usize::from),
        log_switch,
    };
    let running = Foundation::lay(configuration, opening)?.build().await?;
    let ready = async {
        let accounts = accounts::ensure(&running.house, &domain, options.accounts, data).await?;
        announce(options, &running, &accounts).await
    };
    let outcome = tokio::select! {
        outcome = ready => outcome,
        () = signals.until_interrupted() => {
            running.shut_down().await;
            return Ok(());
        }
    };
    if outcome.is_ok() {
        signals.until_end(&running.house).await;
    }
    running.shut_down().await;
    outcome
}

/// Puts the welcome messages into the new accounts and says that all is ready.
async fn announce(options: &DemoOptions, running: &RunningHouse, accounts: &[DemoAccount]) -> anyhow::Result<()> {
    let house = &running.house;
    let listeners = listeners_of(running)?;
    let authority = house.data_directory.join(AUTHORITY_FILE);
    let ready = Ready {
        host: options.host.as_str(),
        domain: DOMAIN,
        listeners: &listeners,
        accounts,
        ca_certificate: &authority,
        data_directory: &house.data_directory,
        socket: &house.control_socket,
    };
    let lines = instructions::lines_to_paste(&ready);
    for account in accounts.iter().filter(|account| account.is_new) {
        welcome::deliver(house, account, &lines).await?;
    }
    if options.json {
        return say_json(&ready);
    }
    let certificate = house.certificates.library().certificate_for(None);
    let fingerprint = certificate.map(|certificate| certificate.facts().fingerprint_sha256.clone());
    say(instructions::whole(&ready, options, &fingerprint.unwrap_or_default(), &lines));
    Ok(())
}

fn listeners_of(running: &RunningHouse) -> anyhow::Result<Vec<DemoListener>> {
    let listeners = running.house.listeners.iter().map(|listener| {
        let first = listener.addresses.first().context("a listener has an address")?;
        Ok(DemoListener {
            name: listener.name.clone(),
            role: listener.role.clone(),
            tls: listener.tls.clone(),
            port: first.parse::<SocketAddr>()?.port(),
        })
    });
    listeners.collect()
}

fn certificate_hosts(host: &Domain) -> Vec<String> {
    let mut hosts = vec![host.as_str().trim_matches(['[', ']']).to_owned()];
    for name in ["localhost", "127.0.0.1", "::1"] {
        if !hosts.iter().any(|known| known == name) {
            hosts.push(name.to_owned());
        }
    }
    hosts
}

fn configuration(options: &DemoOptions, data: &Path, domain: &Domain) -> anyhow::Result<Configuration> {
    let mut configuration = Configuration::usual(options.host.clone(), data.to_owned());
    if let Some(file) = &options.settings {
        let Configuration { host_name, data_directory, control_socket, authserv_id, .. } = configuration;
        let read = Configuration::read(&std::path::absolute(file)?)?;
        configuration = Configuration { host_name, data_directory, control_socket, authserv_id, ..read };
    }
    configuration.listeners =
        LISTENERS.iter().map(|&listener| demo_listener(listener, options.port_base, domain)).collect();
    if let Some(resolver) = options.resolver {
        configuration.resolvers = vec![resolver];
    }
    configuration.keep_cram_md5 |= options.cram_md5;
    if options.settings.is_none() {
        // Whoever tries it may send as much as they like.
        configuration.sending_watch = None;
    }
    configuration.postmaster =
        Some(Address { local_part: LocalPart::parse(accounts::FIRST_NAME)?, domain: domain.clone() });
    if let Some(seconds) = options.retry_after {
        configuration.schedule = RetrySchedule { waits: vec![Duration::from_secs(seconds)], ..configuration.schedule };
    }
    let outgoing = &mut configuration.outgoing;
    outgoing.smtp_port = options.smtp_port;
    if let Some(file) = &options.trust_roots {
        outgoing.trust = Trust::File(std::path::absolute(file)?);
    }
    if let Some(route) = &options.route {
        let login = route.login.clone().map(|(login, file)| (login, ProofSource::Password(PasswordSource::File(file))));
        // A password goes only to a host whose certificate holds up; without one, whatever the host offers will do.
        let tls = if login.is_some() { RouteTls::StartTls } else { RouteTls::StartTlsOptional };
        let (host, port) = (route.host.clone(), route.port);
        outgoing.routes = vec![RouteSettings { domain: None, host, port, tls, login, certificate: None }];
    }
    Ok(configuration)
}

fn demo_listener(
    (name, role, tls, usual_port): (&str, ListenerRole, ListenerTls, u16),
    port_base: u16,
    domain: &Domain,
) -> Listener {
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, if port_base == 0 { 0 } else { port_base + usual_port }));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, v4.port()));
    // With port 0 the two families would get different ports.
    let addresses = if port_base == 0 { vec![v4] } else { vec![v4, v6] };
    Listener {
        addresses,
        skips_absent_families: true,
        default_domain: Some(domain.clone()),
        ..Listener::standard(name, role, tls, &[])
    }
}
