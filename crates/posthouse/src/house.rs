//! The whole house: every room, put together, and taken apart in the right order.
//!
//! It opens in two steps. [`Foundation::lay`] does what may need the rights of root: it makes directories, reads the
//! administrator's certificates and takes the ports; then it drops those rights. [`Foundation::build`] does the rest as
//! the server's own user.

mod building;
mod tasks;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::route_tokens::RouteTokens;
use anyhow::Context;
use nix::sys::stat::{Mode, umask};
use posthouse_domain_policy::Resolver;
use posthouse_flow::alerts::CERTIFICATE_UNREADABLE;
use posthouse_flow::{Environment, Flow, FlowOptions, Route, SmartHost, SpoolLimits, SpoolRoom};
use posthouse_flow::{
    Dispatcher, Environment, Flow, FlowOptions, QuotaNotices, SpoolLimits, SpoolRoom, SystemEnvironment,
};
use posthouse_identity::{Identity, IdentityOptions};
use posthouse_mailbox::{Indexer, Mailboxes};
use posthouse_model::session::TlsMode;
use posthouse_model::{Domain, UnixMillis};
use posthouse_sasl::Mechanism;
use posthouse_server::courier::{CourierOptions, SmtpCourier};
use posthouse_server::https::{HttpsClient, HttpsOptions};
use posthouse_server::inventory::Sightings;
use posthouse_server::resolver::{DnsResolver, ResolverConfig, ResolverOptions};
use posthouse_server::tls_reports::Reporter;
use posthouse_server::{
    BindError, BoundListener, ListenerConfig, ListenerRole as Role, MaxFailedLogins, Metrics, Server, ServerOptions,
    bind,
};
use posthouse_storage::routes::RouteLogin;
use posthouse_storage::{Recovery, Storage, Trail};
use posthouse_storage_sqlite::{MasterKey, Options as StoreOptions, SqliteStorage};
use posthouse_tls::{ClientTls, ServerTls, ServerTlsOptions, TrustRoots, roots_from_file};
use tokio::task::AbortHandle;

use self::tasks::Tasks;
use crate::certificates::{CertificateSource, Certificates, ReloadError};
use crate::configuration::{
    Configuration, KeySource, Listener, ListenerRole, ListenerTls, OwnPolicies, Trust, WhenFull,
};
use crate::configured_routes;
use crate::control;
use crate::control::job::Jobs;
use crate::control::metrics::{AlertFigures, FilterFigures, IndexFigures, QueueFigures};
use crate::control::migration::MigrationRoom;
use crate::control::status::ListenerView;
use crate::logging::LogSwitch;
use crate::rights::{self, DataDirectories, RunAs, require_writable};
use crate::telemetry::Telemetry;

/// Connections of a listener for HTTP at once, where the file does not say.
const MAX_WEB_CONNECTIONS: usize = 1000;
/// Of them, from one address.
const MAX_WEB_CONNECTIONS_PER_ADDRESS: usize = 20;
/// How long a TLS handshake may take there.
const WEB_HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// What is there before the house is built: directories, certificates and ports.
pub struct Foundation {
    configuration: Configuration,
    directories: DataDirectories,
    certificates: Certificates,
    bound: Vec<BoundListener>,
    hashing_threads: Option<usize>,
    log_switch: LogSwitch,
    master_key: Option<MasterKey>,
}

/// What the listeners are to be told when they are bound, besides their configuration.
pub struct Opening {
    /// Where certificates come from.
    pub certificates: CertificateSource,
    /// Whether a port that is taken may be replaced by the next one that is free.
    pub may_move_ports: bool,
    /// Threads that hash passwords; `None` leaves the default.
    pub hashing_threads: Option<usize>,
    /// Decides which log lines are written.
    pub log_switch: LogSwitch,
}

impl Foundation {
    /// Makes directories, reads certificates, takes the ports, and drops the rights that this needed.
    ///
    /// # Errors
    /// When something of it cannot be had.
    pub fn lay(configuration: Configuration, opening: Opening) -> anyhow::Result<Self> {
        // Whatever is made from here on is for this user only: the socket, above all.
        umask(Mode::S_IRWXG | Mode::S_IRWXO);
        rights::raise_open_files();
        let run_as = match &configuration.run_as {
            Some((user, group)) => RunAs::find(user, group.as_deref())?,
            None => None,
        };
        control::server::require_nobody(&configuration.control_socket)?;
        let directories = DataDirectories::make(&configuration.data_directory, run_as.as_ref())?;
        let certificates = Certificates::read(opening.certificates)?;
        let master_key = configuration.encryption_key.as_ref().map(KeySource::read).transpose()?;
        let mut bound = Vec::with_capacity(configuration.listeners.len());
        for listener in &configuration.listeners {
            let config = listener_config(listener, &configuration, &certificates)?;
            bound.push(if opening.may_move_ports { bind_nearby(&config)? } else { bind(config)? });
        }
        if let Some(run_as) = &run_as {
            run_as.drop_rights()?;
        }
        require_writable(&configuration.data_directory)?;
        certificates.make_own()?;
        Ok(Self {
            configuration,
            directories,
            certificates,
            bound,
            hashing_threads: opening.hashing_threads,
            log_switch: opening.log_switch,
            master_key,
        })
    }
}

/// The rooms of a house that runs, for those who administer it.
pub struct House {
    /// The store.
    pub store: Arc<SqliteStorage>,
    /// Domains, accounts, credentials.
    pub identity: Arc<Identity>,
    /// Mail at rest.
    pub mailboxes: Arc<Mailboxes>,
    /// Work that takes long.
    pub jobs: Jobs,
    /// Memory for messages that are brought in.
    pub migration_room: MigrationRoom,
    /// Mail in motion.
    pub flow: Arc<Flow>,
    /// What carries it to other hosts.
    pub courier: Arc<SmtpCourier>,
    /// DNS.
    pub resolver: Arc<dyn Resolver>,
    /// Whether that is the DNS of the operating system, and not servers that were chosen for this house.
    pub asks_the_worlds_dns: bool,
    /// The index of words.
    pub indexer: Arc<Indexer>,
    /// Memory for messages in flight.
    pub spool_room: Arc<SpoolRoom>,
    environment: Arc<dyn Environment>,
    /// The figures of the listeners.
    pub metrics: Arc<Metrics>,
    /// The figures of the queue, which go with them.
    pub queue_figures: QueueFigures,
    /// The figures of alerts.
    pub alert_figures: AlertFigures,
    /// The figures of content filters.
    pub filter_figures: FilterFigures,
    /// The figures of the index of words.
    pub index_figures: IndexFigures,
    /// Decides which log lines are written.
    pub log_switch: LogSwitch,
    /// Who connects with what.
    pub sightings: Arc<Sightings>,
    /// Who follows the trail for a collector of traces.
    pub telemetry: Option<Arc<Telemetry>>,
    server: Mutex<Option<Server>>,
    /// Whoever works on the queue.
    queue: AbortHandle,
    /// What others may expect of our hosts.
    pub own_policies: OwnPolicies,
    /// What the listeners show.
    pub certificates: Certificates,
    /// What listens.
    pub listeners: Vec<ListenerView>,
    /// The host's name.
    pub host_name: Domain,
    /// What `Authentication-Results` fields are signed with.
    pub authserv_id: Domain,
    /// The configuration file.
    pub configuration_file: PathBuf,
    /// Where everything is kept.
    pub data_directory: PathBuf,
    /// Where the command line finds the server.
    pub control_socket: PathBuf,
}

impl House {
    /// The time.
    pub fn now(&self) -> UnixMillis {
        self.environment.now()
    }

    /// Reads the certificate files again. Where they cannot be used, an alert says so until they can.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn reload_certificates(&self) -> Result<(), ReloadError> {
        let outcome = self.certificates.reload();
        let problem = outcome.as_ref().err().map(ToString::to_string);
        self.flow.alerts().set(&CERTIFICATE_UNREADABLE, "", problem);
        outcome
    }

    /// Whether every listener accepts connections.
    pub fn is_accepting(&self) -> bool {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.as_ref().is_some_and(Server::is_accepting)
    }

    /// Whether the queue is worked on.
    pub fn queue_runs(&self) -> bool {
        !self.queue.is_finished()
    }

    /// Switches the log of one listener's conversations; `false` when there is no such listener.
    pub fn set_protocol_log(&self, listener: &str, on: bool) -> bool {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.as_ref().is_some_and(|server| server.set_protocol_log(listener, on))
    }
}

/// A house that runs.
pub struct RunningHouse {
    /// Its rooms.
    pub house: Arc<House>,
    tasks: Tasks,
}

impl RunningHouse {
    /// Ends everything in order: no new connections, sessions end, deliveries end, the store closes.
    pub async fn shut_down(self) {
        let Self { house, tasks } = self;
        tasks.stop();
        house.jobs.stop();
        let server = house.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.shutdown().await;
        }
        tasks.ended().await;
        house.courier.close_idle().await;
        house.store.close().await;
    }
}

fn server_options(configuration: &Configuration) -> ServerOptions {
    let bounds = &configuration.connections;
    let mut options = ServerOptions::default();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let control = &mut options.flow_control;
    control.max_connections = bounds.total.unwrap_or(control.max_connections);
    control.new_per_minute_per_network =
        bounds.new_per_minute_per_network.map_or(control.new_per_minute_per_network, count);
    control.exempt.extend(&bounds.exempt);
    if let Some(failed) = bounds.failed_logins_per_address {
        options.max_failed_logins = MaxFailedLogins(count(failed));
    }
    options
}

fn listener_config(
    listener: &Listener,
    configuration: &Configuration,
    certificates: &Certificates,
) -> anyhow::Result<ListenerConfig> {
    let tls_mode = match listener.tls {
        ListenerTls::Implicit => TlsMode::Implicit,
        ListenerTls::StartTlsRequired => TlsMode::StartTlsRequired,
        ListenerTls::StartTlsOptional => TlsMode::StartTlsOptional,
        ListenerTls::None => TlsMode::None,
    };
    let (role, alpn) = match listener.role {
        ListenerRole::Mx => (Role::Mx, None),
        ListenerRole::Submission => (Role::Submission, None),
        ListenerRole::Lmtp => (Role::Lmtp, None),
        ListenerRole::Imap => (Role::Imap, Some("imap")),
        ListenerRole::Pop3 => (Role::Pop3, Some("pop3")),
        // RFC 7301 §6.
        ListenerRole::Https => (Role::Https, Some("http/1.1")),
        ListenerRole::Health => (Role::Health, Some("http/1.1")),
    };
    let authorities = match &listener.client_certificates {
        Some(path) => Some((
            path.clone(),
            roots_from_file(path)
                .with_context(|| format!("the listener `{}` cannot ask for client certificates", listener.name))?,
        )),
        None => None,
    };
    let tls = match tls_mode {
        TlsMode::None => None,
        _ => Some(Arc::new(ServerTls::new(
            Arc::clone(certificates.library()),
            ServerTlsOptions {
                alpn: alpn.map(|name| name.as_bytes().to_vec()).into_iter().collect(),
                session_tickets: role != Role::Mx,
                client_certificates: authorities.as_ref().map(|(_, roots)| Arc::clone(roots)),
                fallback_name: Some(certificates.fallback_name(listener, &configuration.host_name)),
            },
        )?)),
    };
    if let (Some((path, _)), Some(tls)) = (authorities, &tls) {
        certificates.follow_authorities(&listener.name, path, tls);
    }
    let host_name = listener.host_name.clone().unwrap_or_else(|| configuration.host_name.clone());
    let addresses = match listener.skips_absent_families && !has_ipv6() {
        true => listener.addresses.iter().copied().filter(std::net::SocketAddr::is_ipv4).collect(),
        false => listener.addresses.clone(),
    };
    let mut config = ListenerConfig::new(&listener.name, addresses, role, tls_mode, tls, host_name);
    match &listener.mechanisms {
        Some(mechanisms) => config.mechanisms.clone_from(mechanisms),
        None if configuration.keep_cram_md5 => config.mechanisms.push(Mechanism::CramMd5),
        None => {}
    }
    config.default_domain.clone_from(&listener.default_domain);
    config.proxies.clone_from(&listener.proxy_protocol_from);
    config.xclient_from.clone_from(&listener.xclient_from);
    config.protocol_log = listener.protocol_log;
    config.unauthenticate = listener.unauthenticate;
    if matches!(role, Role::Https | Role::Health) {
        // One request a connection: who has many at once means no good.
        config.limits.max_connections = MAX_WEB_CONNECTIONS;
        config.limits.max_per_address = MAX_WEB_CONNECTIONS_PER_ADDRESS;
        config.limits.tls_handshake_timeout = WEB_HANDSHAKE_PATIENCE;
    }
    let limits = &listener.limits;
    config.limits.max_connections = limits.connections.unwrap_or(config.limits.max_connections);
    config.limits.max_per_address = limits.connections_per_address.unwrap_or(config.limits.max_per_address);
    if let Some(bytes) = limits.message_size_bytes {
        config.smtp_limits.message_size_bytes = bytes;
        config.imap_limits.append_bytes = bytes;
        config.imap_limits.append_command_bytes = config.imap_limits.append_command_bytes.max(bytes);
    }
    if let Some(time) = limits.hold_time {
        config.max_hold = Some(time).filter(|time| !time.is_zero());
    }
    config.min_deliver_by = limits.shortest_deliver_by.filter(|time| !time.is_zero());
    config.imap_limits.messages_per_command = limits.messages_per_command;
    config.smtp_limits.recipients_per_message = limits.recipients.unwrap_or(config.smtp_limits.recipients_per_message);
    Ok(config)
}

/// Whether this host speaks IPv6 at all (a kernel may be without it, and containers often are).
fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// How many ports above the wanted one are tried.
const PORTS_TRIED: u16 = 200;

/// Binds a listener with one address, or, where its port is taken or not to be had, the next one that is free.
fn bind_nearby(config: &ListenerConfig) -> Result<BoundListener, BindError> {
    let wanted = config.addresses.clone();
    let mut outcome = bind(config.clone());
    for step in 1..=PORTS_TRIED {
        if outcome.is_ok() {
            break;
        }
        let mut moved = config.clone();
        moved.addresses.clone_from(&wanted);
        for address in &mut moved.addresses {
            address.set_port(address.port().saturating_add(step));
        }
        outcome = bind(moved);
    }
    outcome
}

fn listener_view(bound: &BoundListener, configuration: &Configuration) -> ListenerView {
    let config = bound.config();
    let tls = configuration.listeners.iter().find(|listener| listener.name == config.name);
    ListenerView {
        name: config.name.clone(),
        role: config.role.name().to_owned(),
        tls: tls.map_or("none", |listener| listener.tls.word()).to_owned(),
        addresses: bound.addresses().map(|address| address.to_string()).collect(),
        host_name: config.host_name.to_string(),
        expects_proxy_header: [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()]
            .iter()
            .any(|here| config.proxies.iter().any(|network| network.contains(here))),
        client_certificates_problem: None,
    }
}

fn identity_options(configuration: &Configuration, hashing_threads: Option<usize>) -> IdentityOptions {
    let usual = IdentityOptions::default();
    IdentityOptions {
        hashing_threads: hashing_threads.unwrap_or(usual.hashing_threads),
        password_policy: configuration.password_policy.clone(),
        keep_cram_md5: configuration.keep_cram_md5,
        ..usual
    }
}

fn store_options(configuration: &Configuration) -> StoreOptions {
    StoreOptions { quota_warning_percent: configuration.quota_warning_percent, ..StoreOptions::default() }
}

fn flow_options(configuration: &Configuration) -> anyhow::Result<FlowOptions> {
    let outgoing = &configuration.outgoing;
    let mut options = FlowOptions::new(configuration.host_name.clone());
    options.schedule = configuration.schedule.clone();
    options.authserv_id = configuration.authserv_id.clone();
    options.postmaster.clone_from(&configuration.postmaster);
    options.language = configuration.language;
    options.forwarding = configuration.forwarding.clone();
    options.alert_mail = configuration.alerts.mail;
    options.when_full = match configuration.when_full {
        WhenFull::Retry => posthouse_flow::WhenFull::TryAgain,
        WhenFull::Refuse => posthouse_flow::WhenFull::GiveUp,
    };
    options.default_tls = outgoing.default_tls.into();
    options.smtp_port = outgoing.smtp_port;
    options.max_deliveries = configuration.deliveries.unwrap_or(options.max_deliveries);
    options.max_deliveries_per_destination =
        configuration.deliveries_per_destination.unwrap_or(options.max_deliveries_per_destination);
    options.max_held_messages = configuration.held_messages_per_account.unwrap_or(options.max_held_messages);
    options.watch = configuration.sending_watch;
    options.default_rate = configuration.default_rate;
    options.destination_rates.clone_from(&configuration.destination_rates);
    let required =
        outgoing.required_tls.iter().map(|domain| (domain.clone(), posthouse_flow::DestinationTls::Required));
    let verified =
        outgoing.verified_tls.iter().map(|domain| (domain.clone(), posthouse_flow::DestinationTls::Verified));
    let transport = &configuration.transport;
    let dane_only = transport.dane_only.iter().map(|domain| (domain.clone(), posthouse_flow::DestinationTls::DaneOnly));
    // A domain on several lists gets the strictest.
    options.destination_tls = required.chain(verified).chain(dane_only).collect();
    options.use_dane = transport.dane;
    options.floor = transport.floor;
    options.routes = configured_routes::read(&outgoing.routes)?;
    Ok(options)
}

fn spool_limits(configuration: &Configuration, directory: PathBuf) -> SpoolLimits {
    let usual = SpoolLimits::new(directory);
    let spool = &configuration.spool;
    SpoolLimits {
        memory_bytes: spool.memory_bytes.unwrap_or(usual.memory_bytes),
        message_memory_bytes: spool.message_memory_bytes.unwrap_or(usual.message_memory_bytes),
        large_at_once: spool.large_at_once.unwrap_or(usual.large_at_once),
        directory: usual.directory,
        seals_files: configuration.encryption_key.is_some(),
    }
}

fn resolver(configuration: &Configuration) -> anyhow::Result<DnsResolver> {
    let options = ResolverOptions {
        validate: configuration.validates_dnssec,
        trust_anchors: configuration.trust_anchors.clone(),
        ..ResolverOptions::default()
    };
    let config = match configuration.resolvers.as_slice() {
        [] => ResolverConfig::System,
        servers => ResolverConfig::Servers(servers.to_vec()),
    };
    Ok(DnsResolver::new(&config, &options)?)
}

/// Who reports about TLS, where anybody does.
fn tls_reports(configuration: &Configuration) -> Option<Reporter> {
    let transport = &configuration.transport;
    let from = configuration.postmaster.clone().filter(|_| transport.tls_reports)?;
    let organization = transport.report_organization.clone();
    Some(Reporter { organization: organization.unwrap_or_else(|| configuration.host_name.to_string()), from })
}

fn https_client(configuration: &Configuration, resolver: &Arc<dyn Resolver>, tls: &Arc<ClientTls>) -> HttpsClient {
    let transport = &configuration.transport;
    let options = HttpsOptions {
        port: transport.https_port,
        may_be_private: transport.dangerous_private_https,
        ..HttpsOptions::default()
    };
    HttpsClient::new(Arc::clone(resolver), Arc::clone(tls), options)
}

fn client_tls(configuration: &Configuration) -> anyhow::Result<Arc<ClientTls>> {
    let roots = match &configuration.outgoing.trust {
        Trust::Platform => TrustRoots::Platform,
        Trust::File(path) => TrustRoots::PemFile(path.clone()),
    };
    let tls = Arc::new(ClientTls::new(&roots, None).context("the trust roots for outgoing mail cannot be used")?);
    tracing::debug!(roots = %tls.trust_source(), "outgoing mail trusts");
    Ok(tls)
}

fn courier(
    configuration: &Configuration,
    resolver: &Arc<dyn Resolver>,
    tls: Arc<ClientTls>,
    tokens: RouteTokens,
) -> Arc<SmtpCourier> {
    let timeouts = &configuration.outgoing.timeouts;
    let options = CourierOptions {
        connect_timeout: timeouts.connect,
        timeouts: timeouts.replies.clone(),
        ..CourierOptions::new(configuration.host_name.clone())
    };
    Arc::new(SmtpCourier::new(Arc::clone(resolver), tls, options).with_tokens(Arc::new(tokens)))
}
