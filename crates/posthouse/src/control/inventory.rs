//! Who connects with what.

use std::collections::BTreeMap;

use posthouse_model::{Address, UnixMillis};
use posthouse_storage::{Directory, Inventory, Sighting, SightingFilter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, Text, shape};
use crate::house::House;

/// Most sightings of one response.
pub const MAX_SIGHTINGS: usize = 50_000;

/// What is asked: a list of [`SightingView`], those seen last first. What is left out does not matter.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct InventoryRequest {
    /// Of this account.
    pub account: Option<Text<Address>>,
    /// At this listener.
    pub listener: Option<String>,
    /// At this port.
    pub port: Option<u16>,
    /// With this version of TLS; empty for none.
    pub tls_version: Option<String>,
    /// With this mechanism.
    pub mechanism: Option<String>,
    /// Seen at this time or later, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Most of them; at most [`MAX_SIGHTINGS`].
    pub limit: usize,
}

/// A way of connecting, for people and scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SightingView {
    /// The account that signed in.
    pub account: Option<String>,
    /// The domain of a host that handed in mail without signing in, as the host says.
    pub peer: Option<String>,
    /// The listener.
    pub listener: String,
    /// The port of ours.
    pub port: u16,
    /// Such as `TLS1.3`; `None` in clear.
    pub tls_version: Option<String>,
    /// The suite.
    pub cipher_suite: Option<String>,
    /// The mechanism; `None` where nobody signed in.
    pub mechanism: Option<String>,
    /// The label of the credential, where one was signed in with.
    #[serde(default)]
    pub credential: Option<String>,
    /// What the client calls itself, if it does.
    pub client: Option<String>,
    /// When it was seen first, in milliseconds since 1970.
    pub first_at: i64,
    /// When it was seen last, in milliseconds since 1970.
    pub last_at: i64,
    /// How many connections.
    pub connections: u64,
}

pub async fn answer(request: InventoryRequest, house: &House) -> Result<Value, Refusal> {
    // What was seen in this minute counts, too.
    house.sightings.write(&*house.store).await?;
    let account = match request.account {
        Some(address) => Some(house.identity.account_at(&address.0).await?.id),
        None => None,
    };
    let filter = SightingFilter {
        account,
        listener: request.listener,
        port: request.port,
        tls_version: request.tls_version,
        mechanism: request.mechanism,
        since: request.since.map(UnixMillis),
    };
    let found = house.store.sightings(&filter, request.limit.min(MAX_SIGHTINGS)).await?;
    let accounts = house.store.accounts(None).await?;
    let names: BTreeMap<u64, String> = accounts.into_iter().map(|one| (one.id.0, one.address.to_string())).collect();
    let views = found.into_iter().map(|sighting| view(sighting, &names));
    shape(views.collect::<Vec<_>>())
}

fn view(sighting: Sighting, names: &BTreeMap<u64, String>) -> SightingView {
    let Sighting { key, first_at, last_at, connections } = sighting;
    let present = |text: String| Some(text).filter(|text| !text.is_empty());
    SightingView {
        account: key.account.map(|id| names.get(&id.0).cloned().unwrap_or_else(|| id.0.to_string())),
        peer: present(key.peer),
        listener: key.listener,
        port: key.port,
        tls_version: present(key.tls_version),
        cipher_suite: present(key.cipher_suite),
        mechanism: present(key.mechanism),
        credential: present(key.credential),
        client: present(key.client),
        first_at: first_at.0,
        last_at: last_at.0,
        connections,
    }
}
