//! Listeners: what the configuration says of them, their ports, and how they are shown.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use posthouse_model::session::TlsMode;
use posthouse_sasl::Mechanism;
use posthouse_server::{BindError, BoundListener, ListenerConfig, ListenerRole as Role, bind};
use posthouse_tls::{ServerTls, ServerTlsOptions, roots_from_file};

use crate::certificates::Certificates;
use crate::configuration::{Configuration, Listener, ListenerRole, ListenerTls};
use crate::control::status::ListenerView;

/// Connections of a listener for HTTP at once, where the file does not say.
const MAX_WEB_CONNECTIONS: usize = 1000;
/// Of them, from one address.
const MAX_WEB_CONNECTIONS_PER_ADDRESS: usize = 20;
/// How long a TLS handshake may take there.
const WEB_HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn listener_config(
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
pub(super) fn bind_nearby(config: &ListenerConfig) -> Result<BoundListener, BindError> {
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

pub(super) fn listener_view(bound: &BoundListener, configuration: &Configuration) -> ListenerView {
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
