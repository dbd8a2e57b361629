//! What the process needs to start: `posthouse.toml`. Everything else is in the store.
//!
//! The file is short, and safe when empty. Whatever is wrong with it is told with file, line, column and what is
//! allowed, before anything is opened.

mod alerts;
mod encryption;
mod forwarding;
mod keeping;
mod listener;
mod outgoing;
mod own_policy;
mod problem;
mod queue;
mod route;
mod search;
mod sending_watch;
mod telemetry;
mod template;
#[cfg(test)]
mod tests;
mod timeouts;
mod transport;
mod value;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use posthouse_flow::{DestinationRate, Forwarding, RetrySchedule, WatchThresholds};
use posthouse_identity::PasswordPolicy;
use posthouse_mailbox::IndexerOptions;
use posthouse_model::{Address, Domain, Language};
use posthouse_storage::password_history::MAX_EARLIER_PASSWORDS;
use serde::Deserialize;
use toml::Spanned;

pub use alerts::AlertSettings;
use alerts::AlertsTable;
use encryption::EncryptionTable;
pub use encryption::{KeySource, read_key_file};
use forwarding::ForwardingTable;
pub use keeping::Keeping;
use keeping::KeepingTable;
use listener::{Fault, ListenerTable};
pub use listener::{Listener, ListenerRole, ListenerTls};
use outgoing::OutgoingTable;
pub use outgoing::{Outgoing, PasswordSource, Trust, read_password_file, read_secret_file};
pub use own_policy::OwnPolicies;
use own_policy::OwnPolicyTable;
pub use problem::Problem;
use queue::QueueTable;
pub use route::{CertificateFiles, ProofSource, RouteSettings, RouteTls};
use search::SearchTable;
use sending_watch::SendingWatchTable;
use telemetry::TelemetryTable;
pub use telemetry::{Endpoint, TelemetrySettings};
pub use template::template;
pub use transport::Transport;
use transport::TransportTable;
use value::{AbsolutePath, ByteSize, Name, Parsed, Word, words};

/// Where the file is when nothing else is said.
pub const USUAL_FILE: &str = "/etc/posthouse/posthouse.toml";
/// Where the data is when nothing else is said.
pub const USUAL_DATA_DIRECTORY: &str = "/var/lib/posthouse";
/// The socket's name in the data directory.
const SOCKET_FILE: &str = "control.sock";
/// How long the trail of a message is kept when nothing else is said.
const USUAL_TRAIL_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long it is remembered who connects with what when nothing else is said.
const USUAL_INVENTORY_RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Longest configuration file, in octets.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Where Linux keeps the name of the host.
const SYSTEM_HOST_NAME: &str = "/proc/sys/kernel/hostname";

words! {
    /// How log lines look.
    LogFormat, "a log format":
    /// Lines for people.
    Text = "text",
    /// One JSON object a line.
    Json = "json",
}

words! {
    /// What senders are told of a mailbox that is full.
    WhenFull, "an answer for full mailboxes":
    /// To try again.
    Retry = "retry",
    /// To give up.
    Refuse = "refuse",
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    host_name: Option<Parsed<Domain>>,
    data_directory: Option<Parsed<AbsolutePath>>,
    control_socket: Option<Parsed<AbsolutePath>>,
    authserv_id: Option<Parsed<Domain>>,
    postmaster: Option<Parsed<Address>>,
    language: Option<Parsed<Language>>,
    #[serde(default)]
    log: LogTable,
    #[serde(default)]
    run_as: RunAsTable,
    #[serde(default)]
    listener: Vec<ListenerTable>,
    #[serde(default)]
    certificate: Vec<CertificateTable>,
    #[serde(default)]
    connections: ConnectionsTable,
    #[serde(default)]
    resolver: ResolverTable,
    #[serde(default)]
    outgoing: OutgoingTable,
    #[serde(default)]
    transport: TransportTable,
    #[serde(default)]
    mta_sts_policy: OwnPolicyTable,
    #[serde(default)]
    forwarding: ForwardingTable,
    #[serde(default)]
    queue: QueueTable,
    #[serde(default)]
    quota: QuotaTable,
    #[serde(default)]
    sending_watch: SendingWatchTable,
    #[serde(default)]
    trail: TrailTable,
    #[serde(default)]
    telemetry: TelemetryTable,
    #[serde(default)]
    inventory: InventoryTable,
    #[serde(default)]
    alerts: AlertsTable,
    #[serde(default)]
    keeping: KeepingTable,
    #[serde(default)]
    passwords: PasswordsTable,
    #[serde(default)]
    search: SearchTable,
    #[serde(default)]
    spool: SpoolTable,
    encryption: Option<Spanned<EncryptionTable>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogTable {
    format: Option<Parsed<LogFormat>>,
    filter: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunAsTable {
    user: Option<String>,
    group: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateTable {
    name: Spanned<Parsed<Name>>,
    chain: Parsed<AbsolutePath>,
    key: Parsed<AbsolutePath>,
    #[serde(default)]
    hosts: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectionsTable {
    total: Option<Spanned<usize>>,
    new_per_minute_per_network: Option<Spanned<usize>>,
    failed_logins_per_address: Option<Spanned<usize>>,
    #[serde(default)]
    exempt: Vec<Parsed<IpNet>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResolverTable {
    servers: Option<Spanned<Vec<Parsed<SocketAddr>>>>,
    #[serde(default)]
    validate: bool,
    trust_anchors: Option<Parsed<AbsolutePath>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaTable {
    when_full: Option<Parsed<WhenFull>>,
    warn_at_percent: Option<Spanned<u8>>,
    warn_by_mail: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrailTable {
    keep_for: Option<Parsed<Duration>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct InventoryTable {
    keep_for: Option<Parsed<Duration>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordsTable {
    min_characters: Option<Spanned<usize>>,
    min_strength: Option<Spanned<u8>>,
    max_age: Option<Spanned<Parsed<Duration>>>,
    history: Option<Spanned<usize>>,
    #[serde(default)]
    cram_md5: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpoolTable {
    memory: Option<Parsed<ByteSize>>,
    message_memory: Option<Parsed<ByteSize>>,
    large_at_once: Option<Spanned<usize>>,
}

/// A certificate that the administrator brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// What listeners call it.
    pub name: String,
    /// Certificate and intermediates, PEM.
    pub chain: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// Hosts it is for; empty means those that it names itself.
    pub hosts: Vec<String>,
}

/// How much memory messages in flight may use; `None` leaves the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpoolSettings {
    /// Octets of all messages together.
    pub memory_bytes: Option<u64>,
    /// Octets of one message.
    pub message_memory_bytes: Option<u64>,
    /// Large messages that are handled at once.
    pub large_at_once: Option<usize>,
}

/// Bounds of all listeners together; `None` leaves the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionBounds {
    /// Connections at once.
    pub total: Option<usize>,
    /// New connections in a minute from one network.
    pub new_per_minute_per_network: Option<usize>,
    /// Failed sign-ins from one address before further ones are put off.
    pub failed_logins_per_address: Option<usize>,
    /// Networks that are not bounded, besides this host itself.
    pub exempt: Vec<IpNet>,
}

/// A configuration that is valid by itself; whether ports are free and files readable shows when it is used.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The file it came from.
    pub file: PathBuf,
    /// The name of this host.
    pub host_name: Domain,
    /// Where everything is kept.
    pub data_directory: PathBuf,
    /// Where the command line finds the server.
    pub control_socket: PathBuf,
    /// What `Authentication-Results` fields are signed with (RFC 8601 §2.2).
    pub authserv_id: Domain,
    /// Who gets what cannot be delivered or returned.
    pub postmaster: Option<Address>,
    /// The language of reports, where neither account nor domain has one.
    pub language: Language,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which of them are written.
    pub log_filter: String,
    /// As whom to run, when started as root: user and group.
    pub run_as: Option<(String, Option<String>)>,
    /// What listens.
    pub listeners: Vec<Listener>,
    /// Certificates.
    pub certificates: Vec<Certificate>,
    /// Bounds of all listeners together.
    pub connections: ConnectionBounds,
    /// DNS servers; empty means the system's.
    pub resolvers: Vec<SocketAddr>,
    /// Whether DNSSEC signatures are checked here, not left to those servers.
    pub validates_dnssec: bool,
    /// A file of DNSKEY records to check them up to, in place of the root's.
    pub trust_anchors: Option<PathBuf>,
    /// How mail leaves.
    pub outgoing: Outgoing,
    /// What proves the hosts that it goes to.
    pub transport: Transport,
    /// What others may expect of our own mail hosts.
    pub own_policies: OwnPolicies,
    /// What is done with mail that aliases lead on.
    pub forwarding: Forwarding,
    /// When to try again.
    pub schedule: RetrySchedule,
    /// The same for some domains and smart hosts.
    pub schedules: BTreeMap<Domain, RetrySchedule>,
    /// Deliveries under way at once.
    pub deliveries: Option<usize>,
    /// Of them, to one destination.
    pub deliveries_per_destination: Option<usize>,
    /// Messages of one account that may wait for their release.
    pub held_messages_per_account: Option<usize>,
    /// Messages a minute to one destination, where nothing else is said for it; `None` for as many as there are.
    pub default_rate: Option<DestinationRate>,
    /// Messages a minute to these.
    pub destination_rates: BTreeMap<Domain, DestinationRate>,
    /// What senders are told of a mailbox that is full.
    pub when_full: WhenFull,
    /// Whether the account is told, too.
    pub warns_of_quota_by_mail: bool,
    /// Of what part of its quota that an account comes to use the log tells; `None` for never.
    pub quota_warning_percent: Option<u8>,
    /// From when on accounts that send too much are frozen; `None` for never.
    pub sending_watch: Option<WatchThresholds>,
    /// How long the trail of a message is kept after its end.
    pub keep_trail_for: Duration,
    /// Who is told of each message's journey; `None` for nobody.
    pub telemetry: Option<TelemetrySettings>,
    /// How long it is remembered who connects with what.
    pub keep_inventory_for: Duration,
    /// When there are alerts, and who hears of them.
    pub alerts: AlertSettings,
    /// What is kept of what was expunged.
    pub keeping: Keeping,
    /// What a new password has to be like.
    pub password_policy: PasswordPolicy,
    /// Whether new passwords get a CRAM-MD5 state, too.
    pub keep_cram_md5: bool,
    /// How the index of words is kept.
    pub search: IndexerOptions,
    /// Memory for messages in flight.
    pub spool: SpoolSettings,
    /// Where the key is that opens the store, if it is encrypted or is to be.
    pub encryption_key: Option<KeySource>,
}

impl Configuration {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read(file: &Path) -> Result<Self, Problem> {
        let mut text = String::new();
        let opened = fs::File::open(file).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Problem::of_file(
                file,
                "there is no such file: run `posthouse setup HOST` to make one, or name another with --config",
            ),
            _ => Problem::of_file(file, format!("cannot be read: {error}")),
        })?;
        let read = opened.take(MAX_FILE_BYTES + 1).read_to_string(&mut text);
        read.map_err(|error| Problem::of_file(file, format!("cannot be read: {error}")))?;
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(Problem::of_file(file, format!("is longer than {MAX_FILE_BYTES} octets")));
        }
        Self::of_text(file, &text)
    }

    /// Reads the text of `file`.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn of_text(file: &Path, text: &str) -> Result<Self, Problem> {
        let tables: File = toml::from_str(text).map_err(|error| Problem::of_toml(file, text, &error))?;
        let host_name = match &tables.host_name {
            Some(name) => name.0.clone(),
            None => system_host_name().map_err(|message| Problem::of_file(file, message))?,
        };
        Self::of_tables(file, host_name, tables).map_err(|(span, message)| Problem::at(file, text, span, message))
    }

    fn of_tables(file: &Path, host_name: Domain, tables: File) -> Result<Self, Fault> {
        let certificates = read_certificates(tables.certificate)?;
        let names: Vec<&str> = certificates.iter().map(|certificate| certificate.name.as_str()).collect();
        let listeners = match tables.listener.is_empty() {
            true => Listener::defaults(),
            false => Listener::of_tables(tables.listener, &names)?,
        };
        let data_directory =
            tables.data_directory.map_or_else(|| PathBuf::from(USUAL_DATA_DIRECTORY), |directory| directory.0.0);
        let control_socket =
            tables.control_socket.map_or_else(|| data_directory.join(SOCKET_FILE), |socket| socket.0.0);
        let own_policies = OwnPolicies::of_table(tables.mta_sts_policy, &host_name)?;
        let queue = &tables.queue;
        Ok(Self {
            file: file.to_owned(),
            authserv_id: tables.authserv_id.map_or_else(|| host_name.clone(), |id| id.0),
            host_name,
            data_directory,
            control_socket,
            postmaster: tables.postmaster.map(|address| address.0),
            language: tables.language.map_or_else(Language::default, |language| language.0),
            log_format: tables.log.format.map_or(LogFormat::Text, |format| format.0),
            log_filter: read_log_filter(tables.log.filter)?,
            run_as: read_run_as(tables.run_as)?,
            listeners,
            certificates,
            connections: read_connections(tables.connections)?,
            validates_dnssec: tables.resolver.validate,
            trust_anchors: tables.resolver.trust_anchors.as_ref().map(|path| path.0.0.clone()),
            resolvers: read_resolvers(tables.resolver)?,
            outgoing: Outgoing::of_table(tables.outgoing)?,
            transport: Transport::of_table(tables.transport),
            own_policies,
            forwarding: tables.forwarding.options(),
            encryption_key: read_encryption(tables.encryption)?,
            deliveries: queue.deliveries.as_ref().map(at_least_one).transpose()?,
            deliveries_per_destination: queue.deliveries_per_destination.as_ref().map(at_least_one).transpose()?,
            held_messages_per_account: queue.held_messages_per_account,
            default_rate: queue.default_rate()?,
            destination_rates: queue.rates()?,
            schedule: queue.schedule()?,
            schedules: queue.schedules()?,
            when_full: tables.quota.when_full.map_or(WhenFull::Retry, |when| when.0),
            warns_of_quota_by_mail: tables.quota.warn_by_mail.unwrap_or(true),
            quota_warning_percent: read_warning_percent(tables.quota.warn_at_percent)?,
            sending_watch: tables.sending_watch.thresholds()?,
            keep_trail_for: tables.trail.keep_for.map_or(USUAL_TRAIL_RETENTION, |keep| keep.0),
            telemetry: TelemetrySettings::of_table(tables.telemetry)?,
            keep_inventory_for: tables.inventory.keep_for.map_or(USUAL_INVENTORY_RETENTION, |keep| keep.0),
            alerts: AlertSettings::of_table(tables.alerts)?,
            keeping: Keeping::of_table(tables.keeping)?,
            keep_cram_md5: tables.passwords.cram_md5,
            password_policy: read_password_policy(&tables.passwords)?,
            search: tables.search.options(),
            spool: SpoolSettings {
                memory_bytes: tables.spool.memory.map(|size| size.0.0),
                message_memory_bytes: tables.spool.message_memory.map(|size| size.0.0),
                large_at_once: tables.spool.large_at_once.as_ref().map(at_least_one).transpose()?,
            },
        })
    }

    /// The file's content when it is absent: everything as usual, for a host of this name.
    pub fn usual(host_name: Domain, data_directory: PathBuf) -> Self {
        let tables = File { data_directory: Some(Parsed(AbsolutePath(data_directory))), ..File::default() };
        Self::of_tables(Path::new(USUAL_FILE), host_name, tables).expect("an empty file is valid")
    }
}

/// Reads a span of time such as `90s`, `4h` or `5d`.
///
/// # Errors
/// What is wrong with it.
pub fn read_duration(text: &str) -> Result<Duration, String> {
    Duration::read(text)
}

/// Where the control socket of a data directory is, unless the file says otherwise.
pub fn usual_socket(data_directory: &Path) -> PathBuf {
    data_directory.join(SOCKET_FILE)
}

fn system_host_name() -> Result<Domain, String> {
    let text = fs::read_to_string(SYSTEM_HOST_NAME).unwrap_or_default();
    Domain::read(text.trim()).map_err(|_| {
        "`host_name` is missing, and the system has none: write host_name = \"mail.example.org\"".to_owned()
    })
}

fn read_certificates(tables: Vec<CertificateTable>) -> Result<Vec<Certificate>, Fault> {
    let mut certificates: Vec<Certificate> = Vec::new();
    for table in tables {
        let span = table.name.span();
        let name = table.name.into_inner().0.0;
        if certificates.iter().any(|other| other.name == name) {
            return Err((span, format!("another certificate is called `{name}`")));
        }
        certificates.push(Certificate { name, chain: table.chain.0.0, key: table.key.0.0, hosts: table.hosts });
    }
    Ok(certificates)
}

fn read_log_filter(filter: Option<Spanned<String>>) -> Result<String, Fault> {
    const USUAL_FILTER: &str = "info";
    let Some(filter) = filter else { return Ok(USUAL_FILTER.to_owned()) };
    match crate::logging::check_filter(filter.as_ref()) {
        Ok(()) => Ok(filter.into_inner()),
        Err(error) => {
            let message = format!(
                "`{}` is not a log filter ({error}): write error, warn, info, debug or trace, or `target=level` \
                 separated by commas",
                filter.as_ref()
            );
            Err((filter.span(), message))
        }
    }
}

fn read_encryption(table: Option<Spanned<EncryptionTable>>) -> Result<Option<KeySource>, Fault> {
    let Some(table) = table else { return Ok(None) };
    let span = table.span();
    KeySource::of_table(table.into_inner()).map_err(|message| (span, message))
}

fn read_run_as(table: RunAsTable) -> Result<Option<(String, Option<String>)>, Fault> {
    match (table.user, table.group) {
        (Some(user), group) => Ok(Some((user, group.map(Spanned::into_inner)))),
        (None, None) => Ok(None),
        (None, Some(group)) => Err((group.span(), "`group` needs a `user`".to_owned())),
    }
}

fn read_connections(table: ConnectionsTable) -> Result<ConnectionBounds, Fault> {
    Ok(ConnectionBounds {
        total: table.total.as_ref().map(at_least_one).transpose()?,
        new_per_minute_per_network: table.new_per_minute_per_network.as_ref().map(at_least_one).transpose()?,
        failed_logins_per_address: table.failed_logins_per_address.as_ref().map(at_least_one).transpose()?,
        exempt: table.exempt.into_iter().map(|network| network.0).collect(),
    })
}

fn read_resolvers(table: ResolverTable) -> Result<Vec<SocketAddr>, Fault> {
    let Some(servers) = table.servers else { return Ok(Vec::new()) };
    if servers.as_ref().is_empty() {
        return Err((servers.span(), "no DNS server is named: leave `servers` out to use the system's".to_owned()));
    }
    Ok(servers.into_inner().into_iter().map(|server| server.0).collect())
}

fn read_password_policy(table: &PasswordsTable) -> Result<PasswordPolicy, Fault> {
    /// A shorter password is none.
    const LEAST_CHARACTERS: usize = 8;
    const MOST_CHARACTERS: usize = 64;
    const HIGHEST_STRENGTH: u8 = 4;
    /// With less, nobody could keep up.
    const LEAST_MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
    let usual = PasswordPolicy::default();
    if let Some(given) = &table.min_characters
        && !(LEAST_CHARACTERS..=MOST_CHARACTERS).contains(given.as_ref())
    {
        return Err((given.span(), format!("allowed are {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters")));
    }
    if let Some(given) = &table.min_strength
        && *given.as_ref() > HIGHEST_STRENGTH
    {
        return Err((given.span(), "allowed are 0 (guessed at once) to 4 (very strong)".to_owned()));
    }
    if let Some(given) = &table.max_age
        && given.as_ref().0 < LEAST_MAX_AGE
    {
        return Err((
            given.span(),
            "allowed are 1d and more; leave `max_age` out and passwords do not expire".to_owned(),
        ));
    }
    if let Some(given) = &table.history
        && *given.as_ref() > MAX_EARLIER_PASSWORDS
    {
        return Err((given.span(), format!("allowed are 0 to {MAX_EARLIER_PASSWORDS} earlier passwords")));
    }
    Ok(PasswordPolicy {
        max_age: table.max_age.as_ref().map(|given| given.as_ref().0),
        history: table.history.as_ref().map_or(usual.history, |given| *given.as_ref()),
        min_characters: table.min_characters.as_ref().map_or(usual.min_characters, |given| *given.as_ref()),
        min_strength: table.min_strength.as_ref().map_or(usual.min_strength, |given| *given.as_ref()),
    })
}

fn read_warning_percent(given: Option<Spanned<u8>>) -> Result<Option<u8>, Fault> {
    const USUAL_PERCENT: u8 = 90;
    match given {
        None => Ok(Some(USUAL_PERCENT)),
        Some(percent) if *percent.as_ref() > 100 => {
            Err((percent.span(), "allowed are 1 to 100 percent, and 0 for no warning".to_owned()))
        }
        Some(percent) => Ok(Some(percent.into_inner()).filter(|percent| *percent > 0)),
    }
}

fn at_least_one(count: &Spanned<usize>) -> Result<usize, Fault> {
    match *count.as_ref() {
        0 => Err((count.span(), "allowed are 1 and more".to_owned())),
        count => Ok(count),
    }
}
