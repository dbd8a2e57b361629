//! Routes: mail that goes by way of given hosts, and how much has gone.

mod login;
mod pace;

use async_trait::async_trait;
use posthouse_model::{AccountId, Domain, Secret, UnixMillis};

use crate::error::StorageError;

pub use login::{RouteCertificate, RouteLogin, RouteProof, TokenRefresh};
pub use pace::{RouteCounts, RoutePeriod, RouteTurn};

/// Most routes.
pub const MAX_ROUTES: usize = 1000;
/// Most hosts of one route.
pub const MAX_ROUTE_HOSTS: usize = 16;
/// Longest name of a route, in octets.
pub const MAX_ROUTE_NAME_BYTES: usize = 64;

/// How a host of a route speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteTls {
    /// From the first byte, and its certificate has to hold up.
    Implicit,
    /// After STARTTLS, and its certificate has to hold up.
    StartTls,
    /// After STARTTLS, whatever its certificate.
    StartTlsUnverified,
    /// After STARTTLS where it is offered, whatever its certificate; else in clear. Never signs in.
    StartTlsOptional,
    /// Not at all. Never signs in.
    None,
}

impl RouteTls {
    /// All of them, in the order of their codes.
    pub const EACH: [Self; 5] =
        [Self::Implicit, Self::StartTls, Self::StartTlsUnverified, Self::StartTlsOptional, Self::None];

    /// The word under which it is printed and read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Implicit => "implicit",
            Self::StartTls => "starttls",
            Self::StartTlsUnverified => "starttls-unverified",
            Self::StartTlsOptional => "starttls-optional",
            Self::None => "none",
        }
    }

    /// Reads [`Self::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::EACH.into_iter().find(|tls| tls.name() == name)
    }

    /// Whether the host has to prove who it is, so that a password may be shown to it.
    pub fn is_verified(self) -> bool {
        matches!(self, Self::Implicit | Self::StartTls)
    }
}

/// Whose mail takes a route: all that is said has to be so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteFor {
    /// Mail to this domain.
    pub to: Option<Domain>,
    /// Mail that this account hands in.
    pub account: Option<AccountId>,
    /// Mail from senders of this domain.
    pub from: Option<Domain>,
}

/// A host that takes mail for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteHost {
    /// Lower ones are tried first.
    pub preference: u16,
    /// Its name or address literal.
    pub host: Domain,
    /// Its port.
    pub port: u16,
}

/// How much may go. `None` for as much as there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteLimits {
    /// Connections at once.
    pub connections: Option<u32>,
    /// Messages over one connection.
    pub messages_per_connection: Option<u32>,
    /// Messages after which there is a pause.
    pub pause_after: Option<u32>,
    /// How long it is, in milliseconds.
    pub pause_ms: u64,
    /// Messages in a minute.
    pub per_minute: Option<u32>,
    /// Messages in an hour.
    pub per_hour: Option<u32>,
    /// Messages in a day.
    pub per_day: Option<u32>,
}

/// A route.
#[derive(Clone, Debug)]
pub struct StoredRoute {
    /// What it is called; at most [`MAX_ROUTE_NAME_BYTES`].
    pub name: String,
    /// Whose mail takes it.
    pub takes: RouteFor,
    /// By way of these; at least one, at most [`MAX_ROUTE_HOSTS`].
    pub hosts: Vec<RouteHost>,
    /// How they speak TLS.
    pub tls: RouteTls,
    /// The name that their certificates have to be for, instead of their own.
    pub certificate_name: Option<Domain>,
    /// How to sign in there.
    pub login: Option<RouteLogin>,
    /// The certificate that is shown to them, if they ask for one.
    pub certificate: Option<RouteCertificate>,
    /// How much may go.
    pub limits: RouteLimits,
}

/// Routes at rest.
#[async_trait]
pub trait Routes: Send + Sync + 'static {
    /// Makes a route, or replaces the one of this name; what has gone that way stays counted. Fails without the account
    /// it is for.
    async fn put_route(&self, route: StoredRoute) -> Result<(), StorageError>;
    /// Removes a route.
    async fn remove_route(&self, name: &str) -> Result<(), StorageError>;
    /// Keeps the refresh token that came in the place of `former` (RFC 6749 §6). A route that has another one meanwhile, or
    /// none, stays as it is.
    async fn renew_route_token(&self, name: &str, former: &Secret, token: Secret) -> Result<(), StorageError>;
    /// All routes, by name.
    async fn routes(&self) -> Result<Vec<StoredRoute>, StorageError>;
    /// Lets one message go, and counts it, or says how long none may. Durable, so that a restart grants nothing more.
    async fn take_route_turn(&self, name: &str, at: UnixMillis) -> Result<RouteTurn, StorageError>;
    /// What has gone by way of a route in the minute, hour and day of `at`.
    async fn route_counts(&self, name: &str, at: UnixMillis) -> Result<RouteCounts, StorageError>;
}

/// Whether a route can be kept.
///
/// # Errors
/// When it has too many hosts, none, or too long a name.
pub fn check_route(route: &StoredRoute) -> Result<(), StorageError> {
    if route.hosts.is_empty() || route.hosts.len() > MAX_ROUTE_HOSTS {
        return Err(StorageError::Limit { what: "hosts of a route, and one at least", limit: MAX_ROUTE_HOSTS as u64 });
    }
    if route.name.is_empty() || route.name.len() > MAX_ROUTE_NAME_BYTES {
        return Err(StorageError::Limit { what: "octets of the name of a route", limit: MAX_ROUTE_NAME_BYTES as u64 });
    }
    Ok(())
}
