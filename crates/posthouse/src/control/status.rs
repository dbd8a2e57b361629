//! What runs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reindex::IndexView;
use super::{Refusal, shape};
use crate::house::House;

/// What runs.
#[derive(Debug, Serialize, Deserialize)]
pub struct StatusView {
    /// Release.
    pub version: String,
    /// Number of the process.
    pub process: u32,
    /// The host's name.
    pub host_name: String,
    /// What `Authentication-Results` fields are signed with.
    pub authserv_id: String,
    /// Where everything is kept.
    pub data_directory: String,
    /// What listens.
    pub listeners: Vec<ListenerView>,
    /// How far the index of words is.
    pub search_index: IndexView,
}

/// A listener, for people and scripts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListenerView {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: String,
    /// When it speaks TLS.
    pub tls: String,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// The host whose certificate it shows.
    pub host_name: String,
    /// Whether it expects a PROXY header from whoever connects from this host.
    pub expects_proxy_header: bool,
    /// Why the authorities for client certificates can no longer be read from their file.
    #[serde(default)]
    pub client_certificates_problem: Option<String>,
}

fn as_of_now(listener: &ListenerView, house: &House) -> ListenerView {
    let client_certificates_problem = house.certificates.authorities_problem(&listener.name);
    ListenerView { client_certificates_problem, ..listener.clone() }
}

pub async fn answer(house: &House) -> Result<Value, Refusal> {
    shape(StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        process: std::process::id(),
        host_name: house.host_name.to_string(),
        authserv_id: house.authserv_id.to_string(),
        data_directory: house.data_directory.display().to_string(),
        listeners: house.listeners.iter().map(|listener| as_of_now(listener, house)).collect(),
        search_index: house.indexer.state(None).await?.into(),
    })
}
