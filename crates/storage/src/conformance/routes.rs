//! Routes.

use posthouse_model::{AccountId, Secret, UnixMillis};

use super::Harness;
use super::world::{NOW, World, domain};
use crate::routes::{
    MAX_ROUTE_HOSTS, RouteCertificate, RouteFor, RouteHost, RouteLimits, RouteLogin, RoutePeriod, RouteProof, RouteTls,
    RouteTurn, StoredRoute, TokenRefresh,
};
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
        certificate: None,
        limits: RouteLimits::default(),
    }
}

/// All that is said of a route, its secrets included.
fn words(route: &StoredRoute) -> String {
    let shown = |secret: &Secret| secret.expose().to_vec();
    let secrets: Vec<Vec<u8>> = match route.login.as_ref().map(|login| &login.proof) {
        Some(RouteProof::Password(password)) => vec![shown(password)],
        Some(RouteProof::Refresh(TokenRefresh { client_secret, refresh_token, .. })) => {
            client_secret.iter().chain([refresh_token]).map(shown).collect()
        }
        Some(RouteProof::TokenFile(_)) | None => Vec::new(),
    };
    let key = route.certificate.as_ref().map(|certificate| shown(&certificate.key));
    format!("{route:?} {secrets:?} {key:?}")
}

fn refresh() -> TokenRefresh {
    TokenRefresh {
        endpoint: "https://accounts.example/token".to_owned(),
        client_id: "me".to_owned(),
        client_secret: Some(Secret::new("client secret")),
        refresh_token: Secret::new("first"),
        scope: Some("mail".to_owned()),
    }
}

fn login(proof: RouteProof) -> Option<RouteLogin> {
    Some(RouteLogin { name: "ann".to_owned(), proof })
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
        login: Some(RouteLogin::password("ann@far.example", Secret::new(b"secret\xff".to_vec()))),
        certificate: Some(RouteCertificate { chain: "a certificate".to_owned(), key: Secret::new("its key") }),
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

/// Each way of signing in comes back, and a refresh token is only replaced by what came in its place.
pub async fn route_logins_come_back(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &*world.storage;
    let public = TokenRefresh { client_secret: None, scope: None, ..refresh() };
    let routes = [
        StoredRoute { login: login(RouteProof::TokenFile("/run/token".to_owned())), ..route("file") },
        StoredRoute { login: login(RouteProof::Refresh(public)), ..route("public") },
        StoredRoute { login: login(RouteProof::Refresh(refresh())), ..route("refresh") },
    ];
    for one in &routes {
        storage.put_route(one.clone()).await.unwrap();
    }
    let found: Vec<String> = storage.routes().await.unwrap().iter().map(words).collect();
    assert_eq!(found, routes.each_ref().map(words));
    let (first, second) = (Secret::new("first"), Secret::new("second"));
    for (name, former) in [("refresh", &first), ("refresh", &first), ("public", &second), ("file", &first)] {
        // The second time it is another one already.
        storage.renew_route_token(name, former, Secret::new("second")).await.unwrap();
    }
    let gone = storage.renew_route_token("gone", &first, second.clone()).await;
    assert!(matches!(gone, Err(StorageError::NotFound(Named::Route))));
    let renewed = TokenRefresh { refresh_token: second, ..refresh() };
    let [file, public, of_refresh] = routes;
    let expected = [file, public, StoredRoute { login: login(RouteProof::Refresh(renewed)), ..of_refresh }];
    let Some(storage) = harness.reopen(world.storage).await else { return };
    let found: Vec<String> = storage.routes().await.unwrap().iter().map(words).collect();
    assert_eq!(found, expected.each_ref().map(words));
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
