//! Routes in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use posthouse_model::{AccountId, Secret, UnixMillis};

use super::MemoryStorage;
use crate::error::{Named, StorageError};
use crate::routes::{MAX_ROUTES, RouteCounts, RouteProof, RouteTurn, Routes, StoredRoute, check_route};
use crate::scope::Scope;

#[derive(Default)]
pub(super) struct RouteTables {
    routes: BTreeMap<String, StoredRoute>,
    counts: BTreeMap<String, RouteCounts>,
}

impl RouteTables {
    pub fn forget_account(&mut self, account: AccountId) {
        self.routes.retain(|_, route| route.takes.account != Some(account));
        self.counts.retain(|name, _| self.routes.contains_key(name));
    }
}

#[async_trait]
impl Routes for MemoryStorage {
    async fn put_route(&self, route: StoredRoute) -> Result<(), StorageError> {
        check_route(&route)?;
        let mut state = self.state()?;
        if let Some(account) = route.takes.account {
            state.require_scope(Scope::Account(account))?;
        }
        let routes = &mut state.routes.routes;
        if routes.len() >= MAX_ROUTES && !routes.contains_key(&route.name) {
            return Err(StorageError::Limit { what: "routes", limit: MAX_ROUTES as u64 });
        }
        routes.insert(route.name.clone(), route);
        Ok(())
    }

    async fn remove_route(&self, name: &str) -> Result<(), StorageError> {
        let mut state = self.state()?;
        state.routes.routes.remove(name).ok_or(StorageError::NotFound(Named::Route))?;
        state.routes.counts.remove(name);
        Ok(())
    }

    async fn renew_route_token(&self, name: &str, former: &Secret, token: Secret) -> Result<(), StorageError> {
        let mut state = self.state()?;
        let route = state.routes.routes.get_mut(name).ok_or(StorageError::NotFound(Named::Route))?;
        if let Some(RouteProof::Refresh(refresh)) = route.login.as_mut().map(|login| &mut login.proof)
            && refresh.refresh_token.expose() == former.expose()
        {
            refresh.refresh_token = token;
        }
        Ok(())
    }

    async fn routes(&self) -> Result<Vec<StoredRoute>, StorageError> {
        Ok(self.state()?.routes.routes.values().cloned().collect())
    }

    async fn take_route_turn(&self, name: &str, at: UnixMillis) -> Result<RouteTurn, StorageError> {
        let mut state = self.state()?;
        let limits = state.routes.routes.get(name).ok_or(StorageError::NotFound(Named::Route))?.limits;
        Ok(state.routes.counts.entry(name.to_owned()).or_default().take(&limits, at))
    }

    async fn route_counts(&self, name: &str, at: UnixMillis) -> Result<RouteCounts, StorageError> {
        Ok(self.state()?.routes.counts.get(name).copied().unwrap_or_default().as_of(at))
    }
}
