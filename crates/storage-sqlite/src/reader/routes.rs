//! Questions about routes.

use posthouse_model::{AccountId, Domain, Secret, UnixMillis};
use posthouse_storage::routes::{RouteCounts, RouteFor, RouteHost, RouteLimits, RouteTls, StoredRoute};
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
    let sql = "SELECT name, to_domain, from_domain, account, tls, certificate_name, login, password, connections,
               messages_per_connection, pause_after, pause_ms, per_minute, per_hour, per_day FROM route ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let routes = statement.query_and_then((), |row| route(connection, row))?;
    routes.collect()
}

fn route(connection: &Connection, row: &Row<'_>) -> Result<StoredRoute, Fault> {
    let name: String = row.get(0)?;
    let login = row.get::<_, Option<String>>(6)?.zip(row.get::<_, Option<Vec<u8>>>(7)?);
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
        login: login.map(|(login, password)| (login, Secret::new(password))),
        limits: RouteLimits {
            connections: row.get(8)?,
            messages_per_connection: row.get(9)?,
            pause_after: row.get(10)?,
            pause_ms: row.get::<_, i64>(11)? as u64,
            per_minute: row.get(12)?,
            per_hour: row.get(13)?,
            per_day: row.get(14)?,
        },
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
