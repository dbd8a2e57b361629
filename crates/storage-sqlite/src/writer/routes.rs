//! Routes, and how much goes by way of them.

use posthouse_model::{Domain, Secret, UnixMillis};
use posthouse_storage::routes::{MAX_ROUTES, RouteProof, RouteTurn, StoredRoute, TokenRefresh, check_route};
use posthouse_storage::{Named, Scope, StorageError};
use rusqlite::params;

use super::work::Work;
use crate::encryption::{ROUTE, SecretSealer};
use crate::fault::Fault;
use crate::reader::routes::{counts, limits, refresh_token, tls_column};

impl Work<'_> {
    pub(crate) fn put_route(&mut self, route: &StoredRoute) -> Result<(), Fault> {
        check_route(route)?;
        if let Some(account) = route.takes.account {
            self.require_scope(Scope::Account(account))?;
        }
        let sql = "INSERT INTO route (name, to_domain, from_domain, account, tls, certificate_name, connections,
                   messages_per_connection, pause_after, pause_ms, per_minute, per_hour, per_day)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                   ON CONFLICT DO UPDATE SET to_domain = ?2, from_domain = ?3, account = ?4, tls = ?5,
                   certificate_name = ?6, connections = ?7, messages_per_connection = ?8, pause_after = ?9,
                   pause_ms = ?10, per_minute = ?11, per_hour = ?12, per_day = ?13";
        let bounds = &route.limits;
        self.connection.prepare_cached(sql)?.execute(params![
            route.name,
            route.takes.to.as_ref().map(Domain::as_str),
            route.takes.from.as_ref().map(Domain::as_str),
            route.takes.account.map(|account| account.0 as i64),
            tls_column(route.tls),
            route.certificate_name.as_ref().map(Domain::as_str),
            bounds.connections,
            bounds.messages_per_connection,
            bounds.pause_after,
            bounds.pause_ms as i64,
            bounds.per_minute,
            bounds.per_hour,
            bounds.per_day
        ])?;
        self.put_route_login(route)?;
        self.connection.prepare_cached("DELETE FROM route_host WHERE route = ?1")?.execute(params![route.name])?;
        let sql = "INSERT INTO route_host (route, position, preference, host, port) VALUES (?1, ?2, ?3, ?4, ?5)";
        for (position, host) in route.hosts.iter().enumerate() {
            let values = params![route.name, position as i64, host.preference, host.host.as_str(), host.port];
            self.connection.prepare_cached(sql)?.execute(values)?;
        }
        let sql = "SELECT count(*) FROM route";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
        match count as usize > MAX_ROUTES {
            true => Err(StorageError::Limit { what: "routes", limit: MAX_ROUTES as u64 }.into()),
            false => Ok(()),
        }
    }

    /// How to sign in, and what to show.
    fn put_route_login(&mut self, route: &StoredRoute) -> Result<(), Fault> {
        let login = route.login.as_ref();
        let proof = login.map(|login| &login.proof);
        let password = proof.and_then(|proof| match proof {
            RouteProof::Password(password) => Some(password),
            _ => None,
        });
        let file = proof.and_then(|proof| match proof {
            RouteProof::TokenFile(file) => Some(file),
            _ => None,
        });
        let refresh: Option<&TokenRefresh> = proof.and_then(|proof| match proof {
            RouteProof::Refresh(refresh) => Some(refresh),
            _ => None,
        });
        let certificate = route.certificate.as_ref();
        let mut sealer = SecretSealer::new(&self.keys.load(), &ROUTE, &route.name);
        let mut seal = |column, secret: Option<&Secret>| secret.map(|secret| sealer.seal(column, secret));
        let password = seal("password", password);
        let client_secret = seal("client_secret", refresh.and_then(|refresh| refresh.client_secret.as_ref()));
        let refresh_token = seal("refresh_token", refresh.map(|refresh| &refresh.refresh_token));
        let certificate_key = seal("certificate_key", certificate.map(|certificate| &certificate.key));
        let sql = "UPDATE route SET login = ?2, password = ?3, token_file = ?4, token_endpoint = ?5, token_scope = ?6,
                   client_id = ?7, client_secret = ?8, refresh_token = ?9, certificate = ?10, certificate_key = ?11,
                   sealed_by = ?12 WHERE name = ?1";
        self.connection.prepare_cached(sql)?.execute(params![
            route.name,
            login.map(|login| &login.name),
            password,
            file,
            refresh.map(|refresh| &refresh.endpoint),
            refresh.and_then(|refresh| refresh.scope.as_ref()),
            refresh.map(|refresh| &refresh.client_id),
            client_secret,
            refresh_token,
            certificate.map(|certificate| &certificate.chain),
            certificate_key,
            sealer.sealed_by
        ])?;
        Ok(())
    }

    pub(crate) fn renew_route_token(&mut self, name: &str, former: &Secret, token: &Secret) -> Result<(), Fault> {
        let known = refresh_token(self.connection, self.keys, name)?.ok_or(StorageError::NotFound(Named::Route))?;
        if known.is_some_and(|known| known.expose() == former.expose()) {
            // All secrets of a row are under one key.
            self.convert_secret_row(&ROUTE, name)?;
            let token = SecretSealer::new(&self.keys.load(), &ROUTE, name).seal("refresh_token", token);
            let sql = "UPDATE route SET refresh_token = ?2 WHERE name = ?1";
            self.connection.prepare_cached(sql)?.execute(params![name, token])?;
        }
        Ok(())
    }

    pub(crate) fn remove_route(&mut self, name: &str) -> Result<(), Fault> {
        match self.connection.prepare_cached("DELETE FROM route WHERE name = ?1")?.execute(params![name])? {
            0 => Err(StorageError::NotFound(Named::Route).into()),
            _ => Ok(()),
        }
    }

    pub(crate) fn take_route_turn(&mut self, name: &str, at: UnixMillis) -> Result<RouteTurn, Fault> {
        let limits = limits(self.connection, name)?.ok_or(StorageError::NotFound(Named::Route))?;
        let mut counted = counts(self.connection, name)?;
        let turn = counted.take(&limits, at);
        if turn == RouteTurn::Go {
            let sql = "INSERT INTO route_sent (route, counted_at, minute, hour, day) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT DO UPDATE SET counted_at = ?2, minute = ?3, hour = ?4, day = ?5";
            let [minute, hour, day] = counted.counts.map(|count| count as i64);
            self.connection.prepare_cached(sql)?.execute(params![name, counted.counted_at.0, minute, hour, day])?;
        }
        Ok(turn)
    }
}
