//! Listeners: which protocol on which addresses, with how much TLS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use posthouse_model::Domain;
use posthouse_sasl::Mechanism;
use posthouse_smtp::limits::{FURTHEST_BY_SECONDS, LONGEST_HOLD};
use serde::Deserialize;
use toml::Spanned;

use super::value::{AbsolutePath, ByteSize, Name, Parsed, words};

words! {
    /// What a listener is for.
    ListenerRole, "a role":
    /// SMTP, from any host, for our own recipients.
    Mx = "mx",
    /// SMTP, from who signs in, for anybody.
    Submission = "submission",
    /// LMTP, from a trusted neighbour, for our own recipients.
    Lmtp = "lmtp",
    /// IMAP.
    Imap = "imap",
    /// POP3.
    Pop3 = "pop3",
    /// HTTPS, for other hosts: our MTA-STS policy, and reports about TLS.
    Https = "https",
    /// HTTP, for whoever watches over this server: whether all is well, and the figures.
    Health = "health",
}

words! {
    /// When a listener speaks TLS.
    ListenerTls, "a TLS mode":
    /// From the first byte.
    Implicit = "implicit",
    /// After STARTTLS, and nothing of consequence before it.
    StartTlsRequired = "starttls-required",
    /// After STARTTLS, where the client wants it.
    StartTlsOptional = "starttls-optional",
    /// Never.
    None = "none",
}

/// Most listeners.
const MAX_LISTENERS: usize = 64;
/// Where the role `health` listens when nothing else is said.
const HEALTH_PORT: u16 = 9125;
/// Most addresses of one listener.
const MAX_ADDRESSES: usize = 64;

/// One `[[listener]]` as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerTable {
    name: Option<Spanned<Parsed<Name>>>,
    role: Spanned<Parsed<ListenerRole>>,
    addresses: Option<Spanned<Vec<Parsed<SocketAddr>>>>,
    tls: Option<Spanned<Parsed<ListenerTls>>>,
    mechanisms: Option<Spanned<Vec<Parsed<Mechanism>>>>,
    host_name: Option<Parsed<Domain>>,
    default_domain: Option<Parsed<Domain>>,
    certificate: Option<Spanned<Parsed<Name>>>,
    client_certificates: Option<Spanned<Parsed<AbsolutePath>>>,
    #[serde(default)]
    proxy_protocol_from: Vec<Parsed<IpNet>>,
    xclient_from: Option<Spanned<Vec<Parsed<IpNet>>>>,
    #[serde(default)]
    protocol_log: bool,
    unauthenticate: Option<Spanned<bool>>,
    #[serde(default)]
    limits: LimitsTable,
}

/// `limits` of a listener as it stands in the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    connections: Option<usize>,
    connections_per_address: Option<usize>,
    message_size: Option<Parsed<ByteSize>>,
    recipients: Option<usize>,
    messages_per_command: Option<NonZeroU32>,
    hold_time: Option<Spanned<Parsed<Duration>>>,
    shortest_deliver_by: Option<Spanned<Parsed<Duration>>>,
}

/// Bounds of a listener that the file sets; `None` leaves the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenerLimits {
    /// Connections at once.
    pub connections: Option<usize>,
    /// Of them, from one address.
    pub connections_per_address: Option<usize>,
    /// Octets of one message.
    pub message_size_bytes: Option<u64>,
    /// Recipients of one message.
    pub recipients: Option<usize>,
    /// Messages that one IMAP command works on.
    pub messages_per_command: Option<NonZeroU32>,
    /// How long a message may be told to wait before it is let go; zero for not at all.
    pub hold_time: Option<Duration>,
    /// The least time in which mail can be asked to be delivered or returned.
    pub shortest_deliver_by: Option<Duration>,
}

/// A listener, valid by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What logs, metrics and the command line call it.
    pub name: String,
    /// What it is for.
    pub role: ListenerRole,
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// Whether an address of a kind that this host lacks (such as IPv6) may be left out.
    pub skips_absent_families: bool,
    /// When it speaks TLS.
    pub tls: ListenerTls,
    /// What it offers for signing in; `None` leaves the default of its protocol.
    pub mechanisms: Option<Vec<Mechanism>>,
    /// What it calls itself, when that is not the host's name.
    pub host_name: Option<Domain>,
    /// The domain of a login without one.
    pub default_domain: Option<Domain>,
    /// The certificate for clients that name no host.
    pub certificate: Option<String>,
    /// The file of the authorities whose certificates clients are asked for.
    pub client_certificates: Option<PathBuf>,
    /// Who may say, by the PROXY protocol, on whose behalf it connects.
    pub proxy_protocol_from: Vec<IpNet>,
    /// Who may say, by XCLIENT, on whose behalf it connects.
    pub xclient_from: Vec<IpNet>,
    /// Whether its sessions are logged from the start.
    pub protocol_log: bool,
    /// Whether IMAP clients may log in as somebody else on the same connection.
    pub unauthenticate: bool,
    /// Its bounds.
    pub limits: ListenerLimits,
}

/// What is wrong with a table, with the octets of the file that it concerns.
pub type Fault = (std::ops::Range<usize>, String);

impl Listener {
    /// A listener with everything as usual, on these ports of all addresses.
    pub fn standard(name: &str, role: ListenerRole, tls: ListenerTls, ports: &[u16]) -> Self {
        Self {
            name: name.to_owned(),
            role,
            addresses: ports.iter().flat_map(|&port| on_all_addresses(port)).collect(),
            skips_absent_families: true,
            tls,
            mechanisms: None,
            host_name: None,
            default_domain: None,
            certificate: None,
            client_certificates: None,
            proxy_protocol_from: Vec::new(),
            xclient_from: Vec::new(),
            protocol_log: false,
            unauthenticate: false,
            limits: ListenerLimits::default(),
        }
    }

    /// What listens when the file names no listener.
    pub fn defaults() -> Vec<Self> {
        use ListenerRole::{Imap, Mx, Pop3, Submission};
        use ListenerTls::{Implicit, StartTlsOptional, StartTlsRequired};
        vec![
            Self::standard("mx", Mx, StartTlsOptional, &[25]),
            Self::standard("submissions", Submission, Implicit, &[465]),
            Self::standard("submission", Submission, StartTlsRequired, &[587, 2525]),
            Self::standard("imaps", Imap, Implicit, &[993]),
            Self::standard("imap", Imap, StartTlsRequired, &[143]),
            Self::standard("pop3s", Pop3, Implicit, &[995]),
            Self::standard("pop3", Pop3, StartTlsRequired, &[110]),
        ]
    }

    /// Reads one table, given the names of the certificates that there are.
    fn of_table(table: ListenerTable, certificates: &[&str]) -> Result<Self, Fault> {
        let role_span = table.role.span();
        let role = table.role.into_inner().0;
        let tls_span = table.tls.as_ref().map_or(role_span.clone(), Spanned::span);
        let tls = table.tls.map_or_else(|| usual_tls(role), |tls| tls.into_inner().0);
        let skips_absent_families = table.addresses.is_none();
        let addresses_span = table.addresses.as_ref().map_or(role_span.clone(), Spanned::span);
        let addresses: Vec<SocketAddr> = match table.addresses {
            None => usual_addresses(role, tls),
            Some(list) => list.into_inner().into_iter().map(|address| address.0).collect(),
        };
        check_addresses(&addresses).map_err(|message| (addresses_span, message))?;
        check_tls(role, tls, &addresses).map_err(|message| (tls_span, message))?;
        let mechanisms = table.mechanisms.map(|list| read_mechanisms(list, role)).transpose()?;
        let unauthenticate = table.unauthenticate.as_ref().is_some_and(|wanted| *wanted.as_ref());
        if let Some(wanted) = &table.unauthenticate
            && role != ListenerRole::Imap
        {
            return Err((wanted.span(), "`unauthenticate` is for the role `imap` only".to_owned()));
        }
        if let Some(name) = &table.certificate
            && !certificates.contains(&name.as_ref().0.0.as_str())
        {
            let message = super::problem::refusal(&name.as_ref().0.0, "the name of a [[certificate]]", certificates);
            return Err((name.span(), message));
        }
        let client_certificates =
            table.client_certificates.map(|file| read_authorities(file, role, tls)).transpose()?;
        Ok(Self {
            name: table.name.map_or_else(|| role.word().to_owned(), |name| name.into_inner().0.0),
            role,
            addresses,
            skips_absent_families,
            tls,
            mechanisms,
            host_name: table.host_name.map(|name| name.0),
            default_domain: table.default_domain.map(|name| name.0),
            certificate: table.certificate.map(|name| name.into_inner().0.0),
            client_certificates,
            proxy_protocol_from: table.proxy_protocol_from.into_iter().map(|network| network.0).collect(),
            xclient_from: table.xclient_from.map(|list| read_neighbours(list, role)).transpose()?.unwrap_or_default(),
            protocol_log: table.protocol_log,
            unauthenticate,
            limits: ListenerLimits {
                connections: table.limits.connections,
                connections_per_address: table.limits.connections_per_address,
                message_size_bytes: table.limits.message_size.map(|size| size.0.0),
                recipients: table.limits.recipients,
                messages_per_command: table.limits.messages_per_command,
                shortest_deliver_by: table
                    .limits
                    .shortest_deliver_by
                    .map(|time| read_deliver_by(&time, role))
                    .transpose()?,
                hold_time: table.limits.hold_time.map(|time| read_hold_time(&time, role)).transpose()?,
            },
        })
    }

    /// Reads all tables; no two may share a name or an address.
    pub fn of_tables(tables: Vec<ListenerTable>, certificates: &[&str]) -> Result<Vec<Self>, Fault> {
        let mut listeners: Vec<Self> = Vec::new();
        for table in tables {
            let span = table.name.as_ref().map_or_else(|| table.role.span(), Spanned::span);
            let addresses_span = table.addresses.as_ref().map_or_else(|| span.clone(), Spanned::span);
            let listener = Self::of_table(table, certificates)?;
            if listeners.len() == MAX_LISTENERS {
                return Err((span, format!("there are more than {MAX_LISTENERS} listeners")));
            }
            if listeners.iter().any(|other| other.name == listener.name) {
                let message = format!("another listener is called `{}`: give each a `name` of its own", listener.name);
                return Err((span, message));
            }
            for other in &listeners {
                if let Some(shared) =
                    listener.addresses.iter().find(|&each| other.addresses.contains(each) && each.port() != 0)
                {
                    let message = format!("the listener `{}` is on {shared} already", other.name);
                    return Err((addresses_span, message));
                }
            }
            listeners.push(listener);
        }
        Ok(listeners)
    }
}

fn on_all_addresses(port: u16) -> [SocketAddr; 2] {
    [SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port), SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)]
}

fn usual_tls(role: ListenerRole) -> ListenerTls {
    match role {
        ListenerRole::Mx => ListenerTls::StartTlsOptional,
        ListenerRole::Submission => ListenerTls::StartTlsRequired,
        ListenerRole::Imap | ListenerRole::Pop3 | ListenerRole::Https => ListenerTls::Implicit,
        ListenerRole::Lmtp | ListenerRole::Health => ListenerTls::None,
    }
}

/// The registered ports (RFC 8314 §7 for those with implicit TLS). LMTP has none but must not use SMTP's (RFC 2033 §5),
/// and its clients do not sign in, so it stays on the loopback interface.
fn usual_addresses(role: ListenerRole, tls: ListenerTls) -> Vec<SocketAddr> {
    let is_implicit = tls == ListenerTls::Implicit;
    let port = match role {
        ListenerRole::Mx => 25,
        ListenerRole::Submission if is_implicit => 465,
        ListenerRole::Submission => 587,
        ListenerRole::Imap if is_implicit => 993,
        ListenerRole::Imap => 143,
        ListenerRole::Pop3 if is_implicit => 995,
        ListenerRole::Pop3 => 110,
        ListenerRole::Https => 443,
        ListenerRole::Lmtp => return vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 24)],
        // Nobody signs in there: it stays on this host, unless somebody wants it otherwise.
        ListenerRole::Health => return vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), HEALTH_PORT)],
    };
    on_all_addresses(port).to_vec()
}

fn check_addresses(addresses: &[SocketAddr]) -> Result<(), String> {
    if addresses.is_empty() {
        return Err("a listener needs an address: leave `addresses` out for the usual ones".to_owned());
    }
    if addresses.len() > MAX_ADDRESSES {
        return Err(format!("a listener has at most {MAX_ADDRESSES} addresses"));
    }
    let twice = addresses.iter().enumerate().find(|(at, each)| each.port() != 0 && addresses[..*at].contains(each));
    match twice {
        Some((_, address)) => Err(format!("{address} stands here twice")),
        None => Ok(()),
    }
}

/// Where people sign in there is TLS, unless nobody but this host can connect (a proxy that ends TLS, say).
fn check_tls(role: ListenerRole, tls: ListenerTls, addresses: &[SocketAddr]) -> Result<(), String> {
    let is_open = |address: &SocketAddr| !is_loopback(address.ip());
    if signs_in(role) && tls == ListenerTls::None && addresses.iter().any(is_open) {
        return Err(format!(
            "`none` is allowed for the role {} on loopback addresses only: passwords do not cross a network in clear; \
             use implicit or starttls-required",
            role.word()
        ));
    }
    let is_web = matches!(role, ListenerRole::Https | ListenerRole::Health);
    if is_web && matches!(tls, ListenerTls::StartTlsRequired | ListenerTls::StartTlsOptional) {
        return Err(format!("there is no STARTTLS in HTTP: allowed for the role {} are implicit, none", role.word()));
    }
    if role == ListenerRole::Https && tls == ListenerTls::None && addresses.iter().any(is_open) {
        return Err(
            "`none` is allowed for the role https on loopback addresses only, behind a proxy that ends TLS: use \
                    implicit"
                .to_owned(),
        );
    }
    if role == ListenerRole::Mx && tls == ListenerTls::Implicit {
        return Err("other servers do not speak implicit TLS to an mx: allowed are starttls-optional, \
                    starttls-required, none"
            .to_owned());
    }
    Ok(())
}

/// Whether people sign in there.
fn signs_in(role: ListenerRole) -> bool {
    matches!(role, ListenerRole::Submission | ListenerRole::Imap | ListenerRole::Pop3)
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn read_hold_time(time: &Spanned<Parsed<Duration>>, role: ListenerRole) -> Result<Duration, Fault> {
    let given = time.as_ref().0;
    if role != ListenerRole::Submission {
        return Err((time.span(), "`hold_time` is for the role `submission` only".to_owned()));
    }
    if given > LONGEST_HOLD {
        return Err((time.span(), format!("the longest that can be announced is {} seconds", LONGEST_HOLD.as_secs())));
    }
    Ok(given)
}

fn read_deliver_by(time: &Spanned<Parsed<Duration>>, role: ListenerRole) -> Result<Duration, Fault> {
    let given = time.as_ref().0;
    if !matches!(role, ListenerRole::Mx | ListenerRole::Submission) {
        let message = "`shortest_deliver_by` is for the roles `mx` and `submission` only".to_owned();
        return Err((time.span(), message));
    }
    if i64::try_from(given.as_secs()).unwrap_or(i64::MAX) > FURTHEST_BY_SECONDS {
        return Err((time.span(), format!("the longest that can be announced is {FURTHEST_BY_SECONDS} seconds")));
    }
    Ok(given)
}

fn read_authorities(
    file: Spanned<Parsed<AbsolutePath>>,
    role: ListenerRole,
    tls: ListenerTls,
) -> Result<PathBuf, Fault> {
    let span = file.span();
    if !signs_in(role) {
        let message = format!(
            "a certificate is asked for where people sign in with it, and nobody signs in on role {}: allowed are \
             submission, imap, pop3",
            role.word()
        );
        return Err((span, message));
    }
    if tls == ListenerTls::None {
        return Err((span, "there are no certificates without TLS: use implicit or starttls-required".to_owned()));
    }
    Ok(file.into_inner().0.0)
}

fn read_neighbours(list: Spanned<Vec<Parsed<IpNet>>>, role: ListenerRole) -> Result<Vec<IpNet>, Fault> {
    let span = list.span();
    if matches!(role, ListenerRole::Imap | ListenerRole::Pop3) {
        return Err((span, "`xclient_from` is for the roles `mx`, `submission` and `lmtp` only".to_owned()));
    }
    let networks: Vec<IpNet> = list.into_inner().into_iter().map(|network| network.0).collect();
    match networks.iter().any(|network| network.prefix_len() == 0) {
        true => Err((span, "this trusts the whole world: name the neighbours that may use XCLIENT".to_owned())),
        false => Ok(networks),
    }
}

fn read_mechanisms(list: Spanned<Vec<Parsed<Mechanism>>>, role: ListenerRole) -> Result<Vec<Mechanism>, Fault> {
    let span = list.span();
    if !signs_in(role) {
        let message =
            format!("nobody signs in on role {}: use role `submission` on an address of its own", role.word());
        return Err((span, message));
    }
    let mechanisms: Vec<Mechanism> = list.into_inner().into_iter().map(|mechanism| mechanism.0).collect();
    if let Some(client_only) = mechanisms.iter().find(|mechanism| mechanism.takes_token()) {
        return Err((span, format!("{client_only} is for signing in at other servers only")));
    }
    match mechanisms.is_empty() {
        true => Err((span, "nobody could sign in: leave `mechanisms` out for the usual ones".to_owned())),
        false => Ok(mechanisms),
    }
}
