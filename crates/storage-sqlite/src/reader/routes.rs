//! Questions about routes.

use posthouse_model::{AccountId, Domain, Secret, UnixMillis};
use posthouse_storage::routes::{
    RouteCertificate, RouteCounts, RouteFor, RouteHost, RouteLimits, RouteLogin, RouteProof, RouteTls, StoredRoute,
    TokenRefresh,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::convert;
use crate::fault::{Fault, damaged};

/// The column tls.
pub(crate) fn tls_column(tls: RouteTls) -> i64 {
    RouteTls::EACH.iter().position(|one| *one == tls).map_or(0, |at| at as i64)
}

fn tls(column: i64) -> Result<RouteTls, Fault> {
    let found = usize::try_from(column).ok().and_then(|at| RouteTls::EACH.get(at).copied());
    found.ok_or_else(|| damaged("the TLS of a route", column).into())
}

pub(crate) fn routes(connection: &Connection) -> Result<Vec<StoredRoute>, Fault> {
    let sql = "SELECT name, to_domain, from_domain, account, tls, certificate_name, connections,
               messages_per_connection, pause_after, pause_ms, per_minute, per_hour, per_day, login, password,
               token_file, token_endpoint, token_scope, client_id, client_secret, refresh_token, certificate,
               certificate_key FROM route ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let routes = statement.query_and_then((), |row| route(connection, row))?;
    routes.collect()
}

fn route(connection: &Connection, row: &Row<'_>) -> Result<StoredRoute, Fault> {
    let name: String = row.get(0)?;
    Ok(StoredRoute {
        hosts: hosts(connection, &name)?,
        name,
        takes: RouteFor {
            to: domain(row, 1)?,
            account: row.get::<_, Option<i64>>(3)?.map(|id| AccountId(id as u64)),
            from: domain(row, 2)?,
        },
        tls: tls(row.get(4)?)?,
        certificate_name: domain(row, 5)?,
        login: login(row)?,
        certificate: certificate(row)?,
        limits: RouteLimits {
            connections: row.get("connections")?,
            messages_per_connection: row.get("messages_per_connection")?,
            pause_after: row.get("pause_after")?,
            pause_ms: row.get::<_, i64>("pause_ms")? as u64,
            per_minute: row.get("per_minute")?,
            per_hour: row.get("per_hour")?,
            per_day: row.get("per_day")?,
        },
    })
}

fn login(row: &Row<'_>) -> Result<Option<RouteLogin>, Fault> {
    let Some(name) = row.get::<_, Option<String>>("login")? else { return Ok(None) };
    let text = |column: &str| row.get::<_, Option<String>>(column);
    let proof = match (secret(row, "password")?, text("token_file")?, text("token_endpoint")?) {
        (Some(password), None, None) => RouteProof::Password(password),
        (None, Some(file), None) => RouteProof::TokenFile(file),
        (None, None, Some(endpoint)) => RouteProof::Refresh(TokenRefresh {
            endpoint,
            client_id: row.get("client_id")?,
            client_secret: secret(row, "client_secret")?,
            refresh_token: Secret::new(row.get::<_, Vec<u8>>("refresh_token")?),
            scope: text("token_scope")?,
        }),
        _ => return Err(damaged("the login of a route", &name).into()),
    };
    Ok(Some(RouteLogin { name, proof }))
}

fn certificate(row: &Row<'_>) -> Result<Option<RouteCertificate>, Fault> {
    let chain = row.get::<_, Option<String>>("certificate")?;
    Ok(chain.zip(secret(row, "certificate_key")?).map(|(chain, key)| RouteCertificate { chain, key }))
}

fn secret(row: &Row<'_>, column: &str) -> Result<Option<Secret>, Fault> {
    Ok(row.get::<_, Option<Vec<u8>>>(column)?.map(Secret::new))
}

/// The refresh token of a route; `None` without such a route, and inside where it has none.
pub(crate) fn refresh_token(connection: &Connection, name: &str) -> Result<Option<Option<Secret>>, Fault> {
    let mut statement = connection.prepare_cached("SELECT refresh_token FROM route WHERE name = ?1")?;
    let mut rows = statement.query(params![name])?;
    rows.next()?.map(|row| secret(row, "refresh_token")).transpose()
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
