//! Tokens of OAuth for signing in at smart hosts: out of files that other programs renew, or got for a refresh token
//! (RFC 6749 §6) and kept in memory while they are good.
//!
//! A refresh token that comes in the place of another is kept in the store before its access token is used. Nothing
//! secret is in what is logged or told: an endpoint's answer is reduced to its word for the error.

mod refresh;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthouse_flow::{Environment, NextHop, TokenSource};
use posthouse_model::{Secret, UnixMillis};
use posthouse_storage::Storage;
use posthouse_storage::routes::{MAX_ROUTES, RouteProof, TokenRefresh};

use posthouse_server::https::HttpsClient;

use refresh::{Granted, refreshed};

/// Largest file with a token, in octets: tokens have up to some thousand.
const MAX_TOKEN_FILE_BYTES: u64 = 16 * 1024;
/// Rights of users who are neither the owner nor of the group.
const RIGHTS_OF_OTHERS: u32 = 0o007;
/// A token is not used that ends this soon.
const SPARE_TIME: Duration = Duration::from_secs(60);
/// How long an endpoint that refused is not asked again for the same refresh token.
const REFUSAL_PAUSE: Duration = Duration::from_secs(30);

/// Where tokens of routes come from.
pub struct RouteTokens {
    https: HttpsClient,
    store: Arc<dyn Storage>,
    environment: Arc<dyn Environment>,
    /// What is known of each route; at most as many as there can be routes.
    slots: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Slot>>>>,
}

/// What is known of a route.
#[derive(Default)]
struct Slot {
    /// The refresh token that the route had when all this was learnt: with another one nothing of it holds.
    of: Option<Secret>,
    /// The newest refresh token, and the one in the store, where it could not be kept yet.
    newest: Option<Secret>,
    in_store: Option<Secret>,
    /// A token, and when it ends.
    access: Option<(Secret, UnixMillis)>,
    /// Why there was none, and until when nobody is asked again.
    refusal: Option<(String, UnixMillis)>,
}

impl Slot {
    fn is_of(&self, token: &Secret) -> bool {
        self.of.as_ref().is_some_and(|of| of.expose() == token.expose())
    }
}

impl RouteTokens {
    /// Asks by `https`, and keeps new refresh tokens in `store`.
    pub fn new(https: HttpsClient, store: Arc<dyn Storage>, environment: Arc<dyn Environment>) -> Self {
        Self { https, store, environment, slots: Mutex::default() }
    }

    fn slot(&self, route: &str) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut slots = self.slots.lock();
        if slots.len() >= MAX_ROUTES && !slots.contains_key(route) {
            // Routes that are gone; those that are there ask once more.
            slots.clear();
        }
        Arc::clone(slots.entry(route.to_owned()).or_default())
    }

    async fn by_refresh(&self, route: &str, refresh: &TokenRefresh) -> Result<Secret, String> {
        let slot = self.slot(route);
        // One asks; the others wait and get the same.
        let mut slot = slot.lock().await;
        if !slot.is_of(&refresh.refresh_token) {
            *slot = Slot { of: Some(refresh.refresh_token.clone()), ..Slot::default() };
        }
        let now = self.environment.now();
        if let Some((token, _)) = slot.access.as_ref().filter(|(_, ends_at)| *ends_at > now + SPARE_TIME) {
            return Ok(token.clone());
        }
        if let Some((words, _)) = slot.refusal.as_ref().filter(|(_, until)| *until > now) {
            return Err(words.clone());
        }
        let newest = slot.newest.clone().unwrap_or_else(|| refresh.refresh_token.clone());
        match refreshed(&self.https, refresh, &newest).await {
            Ok(Granted { token, lasts, refresh_token }) => {
                slot.access = Some((token.clone(), now + lasts));
                slot.refusal = None;
                if let Some(newer) = refresh_token.filter(|newer| newer.expose() != newest.expose()) {
                    slot.in_store.get_or_insert(newest);
                    slot.newest = Some(newer);
                }
                self.keep(route, &mut slot).await;
                Ok(token)
            }
            Err(error) => {
                let words = format!("no token from {}: {error}", refresh.endpoint);
                tracing::warn!(route, %error, endpoint = refresh.endpoint, "a route has no token");
                slot.refusal = Some((words.clone(), now + REFUSAL_PAUSE));
                Err(words)
            }
        }
    }

    /// Keeps a new refresh token. While that fails it is known here only, and kept with the next one.
    async fn keep(&self, route: &str, slot: &mut Slot) {
        let (Some(newest), Some(in_store)) = (&slot.newest, &slot.in_store) else { return };
        match self.store.renew_route_token(route, in_store, newest.clone()).await {
            Ok(()) => slot.in_store = None,
            Err(error) => tracing::error!(route, %error, "the new refresh token of a route cannot be kept"),
        }
    }
}

#[async_trait]
impl TokenSource for RouteTokens {
    async fn token(&self, hop: &NextHop) -> Result<Secret, String> {
        let nobody = || "the login is none by token".to_owned();
        match &hop.login.as_ref().ok_or_else(nobody)?.proof {
            RouteProof::Password(_) => Err(nobody()),
            RouteProof::TokenFile(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || token_of_file(Path::new(&path)));
                read.await.map_err(|error| error.to_string())?
            }
            RouteProof::Refresh(refresh) => self.by_refresh(hop.route.as_deref().unwrap_or_default(), refresh).await,
        }
    }

    fn refused(&self, hop: &NextHop, token: &Secret) {
        let slot = self.slot(hop.route.as_deref().unwrap_or_default());
        // Whoever holds it is asking for another already.
        let Ok(mut slot) = slot.try_lock() else { return };
        if slot.access.as_ref().is_some_and(|(known, _)| known.expose() == token.expose()) {
            slot.access = None;
        }
    }
}

/// The first line of a file that other users cannot read.
fn token_of_file(path: &Path) -> Result<Secret, String> {
    let shown = path.display();
    let failed = |error: std::io::Error| format!("{shown}: the token cannot be read: {error}");
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.permissions().mode() & RIGHTS_OF_OTHERS != 0 {
        return Err(format!("{shown}: every user can read this token: run chmod 600 {shown}"));
    }
    if metadata.len() > MAX_TOKEN_FILE_BYTES {
        return Err(format!("{shown}: longer than {MAX_TOKEN_FILE_BYTES} octets"));
    }
    let text = Secret::new(fs::read(path).map_err(failed)?);
    let line = text.expose().split(|octet| *octet == b'\n').next().unwrap_or_default().trim_ascii();
    if line.is_empty() {
        return Err(format!("{shown}: the first line is to be the token, and it is empty"));
    }
    Ok(Secret::new(line))
}
