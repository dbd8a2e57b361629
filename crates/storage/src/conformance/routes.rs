//! Routes.

use posthouse_model::{AccountId, Secret, UnixMillis};

use super::Harness;
use super::world::{NOW, World, domain};
use crate::routes::{MAX_ROUTE_HOSTS, RouteFor, RouteHost, RouteLimits, RoutePeriod, RouteTls, RouteTurn, StoredRoute};
use crate::{Named, StorageError};

fn host(name: &str, preference: u16) -> RouteHost {
    RouteHost { preference, host: domain(name), port: 587 }
}

fn route(name: &str) -> StoredRoute {
    StoredRoute {
        name: name.to_owned(),
        takes: RouteFor::default(),
        hosts: vec![host("relay.example", 10)],
        tls: RouteTls::StartTls,
        certificate_name: None,
        login: None,
        limits: RouteLimits::default(),
    }
}

/// All that is said of a route, its password included.
fn words(route: &StoredRoute) -> String {
    let password = route.login.as_ref().map(|(_, password)| password.expose().to_vec());
    format!("{route:?} {password:?}")
}

/// A route comes back as it was, whatever is said of it, and is replaced by its name.
pub async fn routes_come_back(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &*world.storage;
    let full = StoredRoute {
        takes: RouteFor {
            to: Some(domain("far.example")),
            account: Some(world.ann),
            from: Some(domain("example.org")),
        },
        hosts: vec![host("b.example", 20), host("a.example", 10), host("[192.0.2.1]", 10)],
        tls: RouteTls::Implicit,
        certificate_name: Some(domain("relay.example")),
        login: Some(("ann@far.example".to_owned(), Secret::new(b"secret\xff".to_vec()))),
        limits: RouteLimits {
            connections: Some(1),
            messages_per_connection: Some(20),
            pause_after: Some(5),
            pause_ms: 1500,
            per_minute: Some(1),
            per_hour: Some(100),
            per_day: Some(u32::MAX),
        },
        ..route("full")
    };
    storage.put_route(route("plain")).await.unwrap();
    storage.put_route(StoredRoute { hosts: vec![host("x.example", 1)], ..route("full") }).await.unwrap();
    storage.put_route(full.clone()).await.unwrap();
    let found: Vec<String> = storage.routes().await.unwrap().iter().map(words).collect();
    assert_eq!(found, [words(&full), words(&route("plain"))]);
    let unknown =
        StoredRoute { takes: RouteFor { account: Some(AccountId(999_999)), ..RouteFor::default() }, ..route("x") };
    assert!(matches!(storage.put_route(unknown).await, Err(StorageError::NotFound(Named::Account))));
    for count in [0, MAX_ROUTE_HOSTS + 1] {
        let hosts = vec![host("a.example", 1); count];
        let refused = storage.put_route(StoredRoute { hosts, ..route("x") }).await;
        assert!(matches!(refused, Err(StorageError::Limit { .. })), "{count}");
    }
    storage.delete_account(world.ann).await.unwrap();
    assert_eq!(storage.routes().await.unwrap().len(), 1);
    storage.remove_route("plain").await.unwrap();
    assert!(matches!(storage.remove_route("plain").await, Err(StorageError::NotFound(Named::Route))));
}

/// No more messages go than may, not even across a restart.
pub async fn route_limits_are_kept(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let limits = RouteLimits { per_hour: Some(2), ..RouteLimits::default() };
    world.storage.put_route(StoredRoute { limits, ..route("a") }).await.unwrap();
    world.storage.put_route(route("b")).await.unwrap();
    for _ in 0..2 {
        assert_eq!(world.storage.take_route_turn("a", NOW).await.unwrap(), RouteTurn::Go);
    }
    let until = RoutePeriod::Hour.ends(NOW);
    let wait = RouteTurn::Wait { period: RoutePeriod::Hour, until };
    assert_eq!(world.storage.take_route_turn("a", NOW).await.unwrap(), wait);
    for _ in 0..5 {
        assert_eq!(world.storage.take_route_turn("b", NOW).await.unwrap(), RouteTurn::Go);
    }
    assert!(matches!(world.storage.take_route_turn("c", NOW).await, Err(StorageError::NotFound(Named::Route))));
    let Some(storage) = harness.reopen(world.storage).await else { return };
    assert_eq!(storage.take_route_turn("a", UnixMillis(until.0 - 1)).await.unwrap(), wait);
    storage.put_route(StoredRoute { limits: RouteLimits { per_hour: Some(3), ..limits }, ..route("a") }).await.unwrap();
    assert_eq!(storage.take_route_turn("a", NOW).await.unwrap(), RouteTurn::Go);
    assert_eq!(storage.route_counts("a", NOW).await.unwrap().counts, [3, 3, 3]);
    assert_eq!(storage.take_route_turn("a", NOW).await.unwrap(), wait);
    assert_eq!(storage.take_route_turn("a", until).await.unwrap(), RouteTurn::Go);
}
