//! Mail that goes by way of given hosts.

pub mod login;

use posthouse_model::{Address, Domain};
use posthouse_storage::routes::{RouteFor, RouteHost, RouteLimits, RouteTls, Routes, StoredRoute};
use posthouse_storage::{Directory, Named, StorageError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;
use crate::route_presets;
use login::{Certificate, Login, shown_names};

/// What is asked about routes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteRequest {
    /// Make a route.
    Add {
        /// Which.
        route: Box<RouteDraft>,
        /// Whether it may take the place of one of the same name.
        replace: bool,
    },
    /// All routes of the store: a list of [`RouteView`].
    List,
    /// Remove one.
    Remove {
        /// What it is called.
        name: String,
    },
    /// Connect to each host and sign in: a list of [`TestView`].
    Test {
        /// What it is called.
        name: String,
    },
    /// The providers that are known: a list of [`route_presets::Preset`].
    Presets,
}

/// A route that somebody wants.
#[derive(Debug, Serialize, Deserialize)]
pub struct RouteDraft {
    /// What it is called.
    pub name: String,
    /// As this provider wants it.
    pub preset: Option<String>,
    /// By way of these: host, port and preference, as far as they are said.
    pub hosts: Vec<(Text<Domain>, Option<u16>, Option<u16>)>,
    /// For mail to this domain.
    pub to: Option<Text<Domain>>,
    /// For mail that this account hands in.
    pub account: Option<Text<Address>>,
    /// For mail from senders of this domain.
    pub from: Option<Text<Domain>>,
    /// How the hosts speak TLS, by [`RouteTls::name`].
    pub tls: Option<String>,
    /// The name that their certificates have to be for.
    pub certificate_name: Option<Text<Domain>>,
    /// The login there.
    pub login: Option<Login>,
    /// The certificate that is shown.
    pub certificate: Option<Certificate>,
    /// How much may go, where the preset does not say it or is not to.
    pub limits: Limits,
}

/// How much may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Connections at once.
    pub connections: Option<u32>,
    /// Messages over one connection.
    pub messages_per_connection: Option<u32>,
    /// Messages after which there is a pause.
    pub pause_after: Option<u32>,
    /// How long it is, in milliseconds.
    pub pause_ms: Option<u64>,
    /// Messages in a minute.
    pub per_minute: Option<u32>,
    /// Messages in an hour.
    pub per_hour: Option<u32>,
    /// Messages in a day.
    pub per_day: Option<u32>,
}

/// A route, for people and scripts. It never shows a secret.
#[derive(Debug, Serialize, Deserialize)]
pub struct RouteView {
    /// What it is called.
    pub name: String,
    /// For mail to this domain.
    pub to: Option<String>,
    /// For mail that this account hands in.
    pub account: Option<String>,
    /// For mail from senders of this domain.
    pub from: Option<String>,
    /// By way of these, such as `relay.example:587`, best first.
    pub hosts: Vec<String>,
    /// How they speak TLS.
    pub tls: String,
    /// The name that their certificates have to be for, if it is not their own.
    pub certificate_name: Option<String>,
    /// The login there.
    pub login: Option<String>,
    /// What proves it: `password`, `token file FILE`, or `refresh token at URL`.
    pub login_by: Option<String>,
    /// Whose certificate is shown.
    pub shows_certificate: Option<String>,
    /// How much may go.
    pub limits: Limits,
    /// How much has gone in this minute, hour and day.
    pub gone: [u64; 3],
}

/// What became of a test of a host.
#[derive(Debug, Serialize, Deserialize)]
pub struct TestView {
    /// Which.
    pub host: String,
    /// The TLS around the connection; `None` for clear text.
    pub tls: Option<String>,
    /// Why it cannot be used; `None` if all is well.
    pub failure: Option<String>,
}

pub async fn answer(request: RouteRequest, house: &House) -> Result<Value, Refusal> {
    match request {
        RouteRequest::Add { route, replace } => {
            let route = read_draft(*route, house).await?;
            if !replace && house.store.routes().await?.iter().any(|other| other.name == route.name) {
                return Err(Refusal::Other(format!("there is a route called {} already: --replace", route.name)));
            }
            house.store.put_route(route).await?;
            shape(house.flow.read_routes().await?)
        }
        RouteRequest::List => {
            let mut views = Vec::new();
            for route in house.store.routes().await? {
                views.push(view(route, house).await?);
            }
            shape(views)
        }
        RouteRequest::Remove { name } => {
            house.store.remove_route(&name).await?;
            shape(house.flow.read_routes().await?)
        }
        RouteRequest::Test { name } => {
            let route = house.store.routes().await?.into_iter().find(|route| route.name == name);
            let route = route.ok_or(StorageError::NotFound(Named::Route))?;
            let mut views = Vec::new();
            for hop in posthouse_flow::hops_of(route) {
                let host = format!("{}:{}", hop.host, hop.port);
                views.push(match house.courier.try_hop(&hop).await {
                    Ok(tls) => TestView { host, tls, failure: None },
                    Err(failure) => TestView { host, tls: None, failure: Some(failure.cause.to_string()) },
                });
            }
            shape(views)
        }
        RouteRequest::Presets => shape(presets(house)?),
    }
}

fn presets(house: &House) -> Result<Vec<route_presets::Preset>, Refusal> {
    route_presets::read(&house.data_directory).map_err(|error| Refusal::Other(format!("{error:#}")))
}

async fn read_draft(draft: RouteDraft, house: &House) -> Result<StoredRoute, Refusal> {
    let other = |words: String| Refusal::Other(words);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if draft.name.is_empty() || !draft.name.chars().all(is_name) {
        return Err(other("a route's name has letters, digits, dots, dashes and underscores".to_owned()));
    }
    let preset = match &draft.preset {
        None => None,
        Some(name) => {
            let found = presets(house)?.into_iter().find(|preset| preset.name == *name);
            Some(found.ok_or_else(|| other(format!("there is no preset {name}: see posthouse route presets")))?)
        }
    };
    let tls_name = draft.tls.as_deref().or(preset.as_ref().map(|preset| preset.tls.as_str())).unwrap_or("starttls");
    let tls = RouteTls::from_name(tls_name).ok_or_else(|| other(format!("there is no TLS mode {tls_name}")))?;
    if (draft.login.is_some() || draft.certificate.is_some()) && !tls.is_verified() {
        return Err(other(format!("nobody signs in with --tls {tls_name}: allowed are implicit and starttls")));
    }
    let login = draft.login.map(|login| login.read(preset.as_ref())).transpose().map_err(other)?;
    let usual_port = if tls == RouteTls::Implicit { 465 } else { 587 };
    let mut hosts = Vec::new();
    for (position, (host, port, preference)) in draft.hosts.into_iter().enumerate() {
        let preference = preference.unwrap_or_else(|| u16::try_from(position + 1).unwrap_or(u16::MAX));
        hosts.push(RouteHost { preference, host: host.0, port: port.unwrap_or(usual_port) });
    }
    if let Some(preset) = preset.as_ref().filter(|_| hosts.is_empty()) {
        let host = Domain::parse(&preset.host).map_err(|_| other(format!("`{}` is not a host", preset.host)))?;
        hosts.push(RouteHost { preference: 1, host, port: preset.port });
    }
    let account = match draft.account {
        Some(address) => Some(house.identity.account_at(&address.0).await?.id),
        None => None,
    };
    let given = draft.limits;
    let preset_pause = preset.as_ref().map_or(Ok(0), route_presets::Preset::pause_ms).map_err(other)?;
    let of_preset = |read: fn(&route_presets::Preset) -> Option<u32>| preset.as_ref().and_then(read);
    Ok(StoredRoute {
        name: draft.name,
        takes: RouteFor { to: draft.to.map(|to| to.0), account, from: draft.from.map(|from| from.0) },
        hosts,
        tls,
        certificate_name: draft.certificate_name.map(|name| name.0),
        login,
        certificate: draft.certificate.map(Certificate::read),
        limits: RouteLimits {
            connections: given.connections.or(of_preset(|preset| preset.connections)),
            messages_per_connection: given.messages_per_connection.or(of_preset(|one| one.messages_per_connection)),
            pause_after: given.pause_after.or(of_preset(|preset| preset.pause_after)),
            pause_ms: given.pause_ms.unwrap_or(preset_pause),
            per_minute: given.per_minute.or(of_preset(|preset| preset.per_minute)),
            per_hour: given.per_hour.or(of_preset(|preset| preset.per_hour)),
            per_day: given.per_day.or(of_preset(|preset| preset.per_day)),
        },
    })
}

async fn view(route: StoredRoute, house: &House) -> Result<RouteView, Refusal> {
    let account = match route.takes.account {
        Some(id) => house.store.account(id).await?.map(|account| account.address.to_string()),
        None => None,
    };
    let counts = house.store.route_counts(&route.name, house.now()).await?.counts;
    let mut hosts = route.hosts;
    hosts.sort_by_key(|host| host.preference);
    let limits = route.limits;
    Ok(RouteView {
        name: route.name,
        to: route.takes.to.map(|to| to.to_string()),
        account,
        from: route.takes.from.map(|from| from.to_string()),
        hosts: hosts.iter().map(|host| format!("{}:{}", host.host, host.port)).collect(),
        tls: route.tls.name().to_owned(),
        certificate_name: route.certificate_name.map(|name| name.to_string()),
        login_by: route.login.as_ref().map(login::words_of),
        shows_certificate: route.certificate.as_ref().map(shown_names),
        login: route.login.map(|login| login.name),
        limits: Limits {
            connections: limits.connections,
            messages_per_connection: limits.messages_per_connection,
            pause_after: limits.pause_after,
            pause_ms: Some(limits.pause_ms).filter(|pause| *pause > 0),
            per_minute: limits.per_minute,
            per_hour: limits.per_hour,
            per_day: limits.per_day,
        },
        gone: counts,
    })
}
