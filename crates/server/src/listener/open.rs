//! A listener that accepts connections.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use posthouse_identity::{LoginScope, Service};
use posthouse_sasl::Mechanism;
use posthouse_smtp::Role;
use posthouse_smtp::server::{AuthenticationPolicy, BareLineEndings};

use super::{ListenerConfig, ListenerRole};
use crate::admission::ListenerCount;
use crate::house::House;
use crate::metrics::ListenerMetrics;

/// What we say about ourselves where a protocol lets us.
const PRODUCT: &str = "Posthouse";

/// A listener that accepts connections, with all that its connections share.
#[derive(Debug)]
pub(crate) struct OpenListener {
    pub(crate) config: ListenerConfig,
    pub(crate) house: Arc<House>,
    pub(crate) sessions: SessionSettings,
    pub(crate) scope: LoginScope,
    pub(crate) metrics: ListenerMetrics,
    pub(crate) count: Arc<ListenerCount>,
    pub(crate) logs_protocol: AtomicBool,
}

/// The settings that a listener's sessions share.
#[derive(Clone, Debug)]
pub(crate) enum SessionSettings {
    Smtp(Arc<posthouse_smtp::ServerConfig>),
    Imap(Arc<posthouse_imap::Config>),
    Pop3(Arc<posthouse_pop3::Config>),
    Web,
}

impl OpenListener {
    pub(crate) fn new(config: ListenerConfig, house: Arc<House>) -> Self {
        let service = match config.role {
            ListenerRole::Imap => Service::Imap,
            ListenerRole::Pop3 => Service::Pop3,
            // Nobody signs in on those that are not for submission.
            ListenerRole::Mx
            | ListenerRole::Submission
            | ListenerRole::Lmtp
            | ListenerRole::Https
            | ListenerRole::Health => Service::Submission,
        };
        Self {
            sessions: session_settings(&config),
            scope: LoginScope { service, default_domain: config.default_domain.clone() },
            metrics: house.metrics.of_listener(&config.name),
            count: Arc::default(),
            logs_protocol: AtomicBool::new(config.protocol_log),
            house,
            config,
        }
    }

    /// Whether connections from there must begin with a PROXY header.
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.config.proxies.iter().any(|network| network.contains(&address))
    }

    /// Whether clients there may say on whose behalf they come.
    pub(crate) fn trusts_xclient(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.config.xclient_from.iter().any(|network| network.contains(&address))
    }
}

fn session_settings(config: &ListenerConfig) -> SessionSettings {
    let host_name = config.host_name.to_string();
    match config.role {
        ListenerRole::Mx => smtp_settings(config, Role::Mx, AuthenticationPolicy::Off),
        ListenerRole::Submission => smtp_settings(config, Role::Submission, AuthenticationPolicy::Required),
        ListenerRole::Lmtp => smtp_settings(config, Role::Lmtp, AuthenticationPolicy::Off),
        ListenerRole::Imap => SessionSettings::Imap(Arc::new(posthouse_imap::Config {
            host_name,
            tls_mode: config.tls_mode,
            mechanisms: config.mechanisms.clone(),
            server_id: vec![("name".to_owned(), PRODUCT.to_owned())],
            literal_plus: true,
            unauthenticate: config.unauthenticate,
            limits: config.imap_limits.clone(),
        })),
        ListenerRole::Pop3 => SessionSettings::Pop3(Arc::new(posthouse_pop3::Config {
            implementation: Some(PRODUCT.to_owned()),
            // Where only challenges and responses are wanted, USER and PASS would be a way around (AUTH-2).
            user_pass: config.mechanisms.contains(&Mechanism::Plain),
            mechanisms: config.mechanisms.clone(),
            limits: config.pop3_limits.clone(),
            ..posthouse_pop3::Config::new(host_name, config.tls_mode)
        })),
        ListenerRole::Https | ListenerRole::Health => SessionSettings::Web,
    }
}

fn smtp_settings(config: &ListenerConfig, role: Role, authentication: AuthenticationPolicy) -> SessionSettings {
    let mechanisms = if authentication == AuthenticationPolicy::Off { Vec::new() } else { config.mechanisms.clone() };
    SessionSettings::Smtp(Arc::new(posthouse_smtp::ServerConfig {
        role,
        host_name: config.host_name.clone(),
        tls_mode: config.tls_mode,
        authentication,
        mechanisms,
        bare_line_endings: BareLineEndings::Refuse,
        max_hold: config.max_hold,
        min_deliver_by: config.min_deliver_by,
        limits: config.smtp_limits.clone(),
    }))
}
