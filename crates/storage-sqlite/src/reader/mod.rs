//! Threads that read, each with its own connection; and the questions they answer.

pub(crate) mod access;
pub(crate) mod account_keys;
pub(crate) mod annotations;
pub(crate) mod beginnings;
pub(crate) mod directory;
pub(crate) mod future_releases;
pub(crate) mod groups;
pub(crate) mod headers;
pub(crate) mod imports;
pub(crate) mod inventory;
pub(crate) mod languages;
pub(crate) mod mail;
pub(crate) mod password_history;
mod pool;
pub(crate) mod queue;
mod queue_filter;
pub(crate) mod quotas;
pub(crate) mod received_tls_reports;
pub(crate) mod recovery;
pub(crate) mod retention;
pub(crate) mod routes;
pub(crate) mod search_index;
pub(crate) mod seen_by;
pub(crate) mod sending_quotas;
pub(crate) mod sending_watch;
pub(crate) mod sort_keys;
pub(crate) mod trail;
pub(crate) mod transport;

pub(crate) use pool::{Reader, ReaderPool};
