//! Questions about routes.

use posthouse_model::{AccountId, Domain, Secret, UnixMillis};
use posthouse_storage::routes::{
    RouteCertificate, RouteCounts, RouteFor, RouteHost, RouteLimits, RouteLogin, RouteProof, RouteTls, StoredRoute,
    TokenRefresh,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::convert;
use crate::encryption::{KeyRing, Keys, ROUTE, SecretRow, read_until_opened};
use crate::fault::{Fault, damaged};
use crate::reader::mail::at_one_moment;

/// The column tls.
pub(crate) fn tls_column(tls: RouteTls) -> i64 {
    RouteTls::EACH.iter().position(|one| *one == tls).map_or(0, |at| at as i64)
}

fn tls(column: i64) -> Result<RouteTls, Fault> {
    let found = usize::try_from(column).ok().and_then(|at| RouteTls::EACH.get(at).copied());
    found.ok_or_else(|| damaged("the TLS of a route", column).into())
}

pub(crate) fn routes(connection: &Connection, keys: &Keys) -> Result<Vec<StoredRoute>, Fault> {
    read_until_opened(|| at_one_moment(connection, || routes_now(connection, keys)))
}

/// All of them; `None` when the key of one is not there.
fn routes_now(connection: &Connection, keys: &Keys) -> Result<Option<Vec<StoredRoute>>, Fault> {
    let sql = "SELECT name, to_domain, from_domain, account, tls, certificate_name, connections,
               messages_per_connection, pause_after, pause_ms, per_minute, per_hour, per_day, login, password,
               token_file, token_endpoint, token_scope, client_id, client_secret, refresh_token, certificate,
               certificate_key, sealed_by FROM route ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let ring = keys.load();
    let routes = statement.query_and_then((), |row| route(connection, &ring, row))?;
    routes.collect()
}

fn route(connection: &Connection, ring: &KeyRing, row: &Row<'_>) -> Result<Option<StoredRoute>, Fault> {
    let name: String = row.get(0)?;
    let Some(mut secrets) = SecretRow::of(ring, &ROUTE, &name, row.get("sealed_by")?) else { return Ok(None) };
    let mut secret = |column: &str| secrets.secret(column, row.get_ref(column)?);
    Ok(Some(StoredRoute {
        hosts: hosts(connection, &name)?,
        name,
        takes: RouteFor {
            to: domain(row, 1)?,
            account: row.get::<_, Option<i64>>(3)?.map(|id| AccountId(id as u64)),
            from: domain(row, 2)?,
        },
        tls: tls(row.get(4)?)?,
        certificate_name: domain(row, 5)?,
        login: login(row, &mut secret)?,
        certificate: certificate(row, &mut secret)?,
        limits: RouteLimits {
            connections: row.get("connections")?,
            messages_per_connection: row.get("messages_per_connection")?,
            pause_after: row.get("pause_after")?,
            pause_ms: row.get::<_, i64>("pause_ms")? as u64,
            per_minute: row.get("per_minute")?,
            per_hour: row.get("per_hour")?,
            per_day: row.get("per_day")?,
        },
    }))
}

/// Gives the secret of a column.
type Secrets<'a> = dyn FnMut(&str) -> Result<Option<Secret>, Fault> + 'a;

fn login(row: &Row<'_>, secret: &mut Secrets<'_>) -> Result<Option<RouteLogin>, Fault> {
    let Some(name) = row.get::<_, Option<String>>("login")? else { return Ok(None) };
    let text = |column: &str| row.get::<_, Option<String>>(column);
    let proof = match (secret("password")?, text("token_file")?, text("token_endpoint")?) {
        (Some(password), None, None) => RouteProof::Password(password),
        (None, Some(file), None) => RouteProof::TokenFile(file),
        (None, None, Some(endpoint)) => RouteProof::Refresh(TokenRefresh {
            endpoint,
            client_id: row.get("client_id")?,
            client_secret: secret("client_secret")?,
            refresh_token: secret("refresh_token")?.ok_or_else(|| damaged("the login of a route", &name))?,
            scope: text("token_scope")?,
        }),
        _ => return Err(damaged("the login of a route", &name).into()),
    };
    Ok(Some(RouteLogin { name, proof }))
}

fn certificate(row: &Row<'_>, secret: &mut Secrets<'_>) -> Result<Option<RouteCertificate>, Fault> {
    let chain = row.get::<_, Option<String>>("certificate")?;
    Ok(chain.zip(secret("certificate_key")?).map(|(chain, key)| RouteCertificate { chain, key }))
}

/// The refresh token of a route; `None` without such a route, and inside where it has none.
pub(crate) fn refresh_token(connection: &Connection, keys: &Keys, name: &str) -> Result<Option<Option<Secret>>, Fault> {
    let mut statement = connection.prepare_cached("SELECT refresh_token, sealed_by FROM route WHERE name = ?1")?;
    read_until_opened(|| {
        let mut rows = statement.query(params![name])?;
        let Some(row) = rows.next()? else { return Ok(Some(None)) };
        let ring = keys.load();
        let Some(mut secrets) = SecretRow::of(&ring, &ROUTE, name, row.get(1)?) else { return Ok(None) };
        Ok(Some(Some(secrets.secret("refresh_token", row.get_ref(0)?)?)))
    })
}

fn domain(row: &Row<'_>, at: usize) -> Result<Option<Domain>, Fault> {
    row.get::<_, Option<String>>(at)?.map(|text| convert::domain(&text)).transpose()
}

fn hosts(connection: &Connection, route: &str) -> Result<Vec<RouteHost>, Fault> {
    let sql = "SELECT preference, host, port FROM route_host WHERE route = ?1 ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let hosts = statement.query_and_then(params![route], |row| -> Result<_, Fault> {
        Ok(RouteHost { preference: row.get(0)?, host: convert::domain(&row.get::<_, String>(1)?)?, port: row.get(2)? })
    })?;
    hosts.collect()
}

/// How much may go in each period; `None` without such a route.
pub(crate) fn limits(connection: &Connection, name: &str) -> Result<Option<RouteLimits>, Fault> {
    let sql = "SELECT per_minute, per_hour, per_day FROM route WHERE name = ?1";
    let limits = |row: &Row<'_>| {
        let (per_minute, per_hour, per_day) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(RouteLimits { per_minute, per_hour, per_day, ..RouteLimits::default() })
    };
    Ok(connection.prepare_cached(sql)?.query_row(params![name], limits).optional()?)
}

pub(crate) fn counts(connection: &Connection, name: &str) -> Result<RouteCounts, Fault> {
    let sql = "SELECT counted_at, minute, hour, day FROM route_sent WHERE route = ?1";
    let counts = |row: &Row<'_>| {
        let count = |at: usize| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)? as u64);
        Ok(RouteCounts { counted_at: UnixMillis(row.get(0)?), counts: [count(1)?, count(2)?, count(3)?] })
    };
    Ok(connection.prepare_cached(sql)?.query_row(params![name], counts).optional()?.unwrap_or_default())
}
