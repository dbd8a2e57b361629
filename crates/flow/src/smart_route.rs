//! Mail that goes by way of given hosts, as the configuration or an administrator wants it.
//!
//! A route says whose mail takes it; of those that fit, the closest is taken: one for the destination before one for the
//! account, that before one for the sender's domain, and any of them before one for all mail. Those of the store go
//! before those of the configuration.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use posthouse_model::{AccountId, Domain, ReversePath, UnixMillis};
use posthouse_storage::routes::{RouteFor, RouteLimits, RoutePeriod, RouteTls, RouteTurn, StoredRoute};
use posthouse_storage::{QueueEntry, StorageError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::options::{Route, SmartHost, SmartHostTls};
use crate::queue::hops::smart_hop;
use crate::{Cause, Flow, NextHop};

/// How long a message waits whose route cannot be asked whether it may go, in milliseconds.
const UNKNOWN_PAUSE: u64 = 60 * 1000;

/// All routes, the closest first.
pub(crate) struct RouteBook {
    configured: Vec<Arc<SmartRoute>>,
    all: RwLock<Arc<[Arc<SmartRoute>]>>,
}

/// A route that is open.
pub(crate) struct SmartRoute {
    /// What it is called in the store; `None` for one of the configuration.
    name: Option<String>,
    takes: RouteFor,
    /// Best first.
    pub hosts: Vec<SmartHost>,
    limits: RouteLimits,
    slots: Option<Arc<Semaphore>>,
    /// Messages since the last pause.
    since_pause: Mutex<u32>,
    booked: Mutex<Booked>,
}

/// What has been put off, and to when.
#[derive(Default)]
struct Booked {
    until: UnixMillis,
    messages: u32,
}

/// A message that may not go yet.
pub(crate) struct PutOff {
    pub cause: Cause,
    pub until: UnixMillis,
}

impl RouteBook {
    pub fn new(configured: &[Route]) -> Self {
        let configured: Vec<_> = configured.iter().map(|route| Arc::new(SmartRoute::configured(route))).collect();
        let all = RwLock::new(in_order(configured.clone()));
        Self { configured, all }
    }

    /// The route for such mail, if it does not go by MX.
    pub fn find(&self, sender: &ReversePath, submitter: Option<AccountId>, to: &Domain) -> Option<Arc<SmartRoute>> {
        let all = Arc::clone(&self.all.read());
        all.iter().find(|route| route.fits(sender, submitter, to)).cloned()
    }

    fn replace(&self, stored: Vec<StoredRoute>) {
        let stored = stored.into_iter().map(|route| Arc::new(SmartRoute::stored(route)));
        *self.all.write() = in_order(stored.chain(self.configured.iter().cloned()).collect());
    }
}

/// The closest first; of equally close ones those that come first.
fn in_order(mut routes: Vec<Arc<SmartRoute>>) -> Arc<[Arc<SmartRoute>]> {
    routes.sort_by_key(|route| {
        let takes = &route.takes;
        Reverse((takes.to.is_some(), takes.account.is_some(), takes.from.is_some()))
    });
    routes.into()
}

impl SmartRoute {
    fn configured(route: &Route) -> Self {
        let takes = RouteFor { to: route.domain.clone(), ..RouteFor::default() };
        Self::new(None, takes, vec![route.host.clone()], RouteLimits::default())
    }

    fn stored(route: StoredRoute) -> Self {
        let StoredRoute { name, takes, mut hosts, tls, certificate_name, login, certificate, limits } = route;
        let certificate = certificate.filter(|_| tls.is_verified()).map(Arc::new);
        hosts.sort_by_key(|host| host.preference);
        let host = |host: posthouse_storage::routes::RouteHost| SmartHost {
            host: host.host,
            port: host.port,
            tls: smart_tls(tls),
            login: login.clone().filter(|_| tls.is_verified()),
            certificate: certificate.clone(),
            route: Some(name.clone()),
            certificate_name: certificate_name.clone(),
            max_messages: limits.messages_per_connection.map(|most| most as usize),
        };
        let hosts = hosts.into_iter().map(host).collect();
        Self::new(Some(name), takes, hosts, limits)
    }

    fn new(name: Option<String>, takes: RouteFor, hosts: Vec<SmartHost>, limits: RouteLimits) -> Self {
        let slots = limits.connections.map(|count| Arc::new(Semaphore::new(count.max(1) as usize)));
        Self { name, takes, hosts, limits, slots, since_pause: Mutex::default(), booked: Mutex::default() }
    }

    fn fits(&self, sender: &ReversePath, submitter: Option<AccountId>, to: &Domain) -> bool {
        let RouteFor { to: for_domain, account, from } = &self.takes;
        for_domain.as_ref().is_none_or(|domain| domain == to)
            && account.is_none_or(|account| submitter == Some(account))
            && from.as_ref().is_none_or(|domain| sender.address().is_some_and(|address| address.domain == *domain))
    }

    /// A place among the connections that the route may have at once. It lasts until it is dropped.
    pub async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let slots = self.slots.clone()?;
        // Nobody closes it.
        slots.acquire_owned().await.ok()
    }

    /// Rests, if it is time, after a message.
    pub async fn rest(&self) {
        let Some(after) = self.limits.pause_after else { return };
        let is_time = {
            let mut since_pause = self.since_pause.lock();
            *since_pause += 1;
            let is_time = *since_pause >= after;
            if is_time {
                *since_pause = 0;
            }
            is_time
        };
        if is_time {
            tokio::time::sleep(Duration::from_millis(self.limits.pause_ms)).await;
        }
    }

    /// When a message is to come again that cannot go in this period: not all of them at once, but in each period as
    /// many as it takes.
    fn book(&self, period: RoutePeriod, until: UnixMillis) -> UnixMillis {
        let each = self.limits.in_period(period).unwrap_or(1).max(1);
        let mut booked = self.booked.lock();
        if booked.until < until {
            *booked = Booked { until, messages: 0 };
        }
        if booked.messages >= each {
            *booked = Booked { until: UnixMillis(booked.until.0 + period.length_ms()), messages: 0 };
        }
        booked.messages += 1;
        booked.until
    }
}

fn smart_tls(tls: RouteTls) -> SmartHostTls {
    match tls {
        RouteTls::Implicit => SmartHostTls::Implicit,
        RouteTls::StartTls => SmartHostTls::StartTls,
        RouteTls::StartTlsUnverified => SmartHostTls::StartTlsUnverified,
        RouteTls::StartTlsOptional => SmartHostTls::StartTlsOptional,
        RouteTls::None => SmartHostTls::None,
    }
}

/// The hosts of a route in the order in which they are tried, for trying the route itself.
pub fn hops_of(route: StoredRoute) -> Vec<NextHop> {
    SmartRoute::stored(route).hosts.iter().map(|host| smart_hop(host, posthouse_model::TlsWish::None)).collect()
}

impl Flow {
    /// Reads the routes of the store. They hold for all that is begun from now on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn read_routes(&self) -> Result<(), StorageError> {
        self.routes.replace(self.store.routes().await?);
        Ok(())
    }

    /// The route that an entry takes now.
    pub(crate) fn route_of(&self, entry: &QueueEntry) -> Option<Arc<SmartRoute>> {
        self.routes.find(&entry.message.sender, entry.message.submitter, &entry.recipient.address.domain)
    }

    /// Lets one more message take a route, or says until when it is put off.
    pub(crate) async fn take_turn(&self, route: &SmartRoute) -> Result<(), PutOff> {
        let Some(name) = route.name.as_ref().filter(|_| route.limits.has_pace()) else { return Ok(()) };
        let now = self.environment.now();
        match self.store.take_route_turn(name, now).await {
            Ok(RouteTurn::Go) => Ok(()),
            // It was removed meanwhile; what has begun goes on.
            Err(StorageError::NotFound(_)) => Ok(()),
            Ok(RouteTurn::Wait { period, until }) => {
                let most = route.limits.in_period(period).unwrap_or_default();
                let cause =
                    Cause::RouteLimit(format!("the route {name} carries {most} messages per {}", period.name()));
                Err(PutOff { cause, until: route.book(period, until) })
            }
            Err(error) => {
                tracing::error!(%error, route = name, "a route's count cannot be kept");
                Err(PutOff {
                    cause: Cause::Internal(error.to_string()),
                    until: now + Duration::from_millis(UNKNOWN_PAUSE),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use posthouse_model::{Address, Secret};
    use posthouse_storage::routes::{RouteCertificate, RouteHost, RouteLogin};

    use super::*;

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    fn stored(name: &str, takes: RouteFor) -> StoredRoute {
        let hosts = [("b.example", 20), ("a.example", 10)];
        let hosts = hosts.map(|(host, preference)| RouteHost { preference, host: domain(host), port: 25 });
        StoredRoute {
            name: name.to_owned(),
            takes,
            hosts: hosts.to_vec(),
            tls: RouteTls::StartTlsOptional,
            certificate_name: None,
            login: Some(RouteLogin::password("ann", Secret::new("x"))),
            certificate: Some(RouteCertificate { chain: "chain".to_owned(), key: Secret::new("key") }),
            limits: RouteLimits { per_day: Some(2), ..RouteLimits::default() },
        }
    }

    #[test]
    fn the_closest_route_is_taken() {
        let book = RouteBook::new(&[]);
        let (to, from, account) = (Some(domain("to.example")), Some(domain("from.example")), Some(AccountId(1)));
        book.replace(vec![
            stored("all", RouteFor::default()),
            stored("from", RouteFor { from: from.clone(), ..RouteFor::default() }),
            stored("account", RouteFor { account, ..RouteFor::default() }),
            stored("to", RouteFor { to: to.clone(), ..RouteFor::default() }),
            stored("from-to", RouteFor { to, from, ..RouteFor::default() }),
        ]);
        for (sender, submitter, to, expected) in [
            ("x@other.example", None, "other.example", "all"),
            ("x@from.example", None, "other.example", "from"),
            ("x@from.example", Some(AccountId(1)), "other.example", "account"),
            ("x@from.example", Some(AccountId(2)), "other.example", "from"),
            ("x@other.example", Some(AccountId(1)), "to.example", "to"),
            ("x@from.example", Some(AccountId(1)), "to.example", "from-to"),
        ] {
            let sender = ReversePath::Address(Address::parse(sender).unwrap());
            let found = book.find(&sender, submitter, &domain(to)).unwrap();
            assert_eq!(found.name.as_deref(), Some(expected), "{sender} {submitter:?} {to}");
        }
        assert_eq!(book.find(&ReversePath::Null, None, &domain("x.example")).unwrap().name.as_deref(), Some("all"));
    }

    #[test]
    fn hosts_are_tried_by_preference_and_secrets_stay_inside_tls() {
        let route = SmartRoute::stored(stored("a", RouteFor::default()));
        let secrets = |host: &SmartHost| (host.login.is_some(), host.certificate.is_some());
        let hosts: Vec<_> = route.hosts.iter().map(|host| (host.host.as_str(), secrets(host))).collect();
        assert_eq!(hosts, [("a.example", (false, false)), ("b.example", (false, false))]);
        let verified = StoredRoute { tls: RouteTls::StartTls, ..stored("a", RouteFor::default()) };
        assert!(SmartRoute::stored(verified).hosts.iter().all(|host| secrets(host) == (true, true)));
    }

    #[test]
    fn what_is_put_off_is_spread() {
        let route = SmartRoute::stored(stored("a", RouteFor::default()));
        let day = RoutePeriod::Day.length_ms();
        let booked = [(); 5].map(|()| route.book(RoutePeriod::Day, UnixMillis(day)).0 / day);
        assert_eq!(booked, [1, 1, 2, 2, 3]);
        assert_eq!(route.book(RoutePeriod::Day, UnixMillis(9 * day)).0 / day, 9);
    }
}
