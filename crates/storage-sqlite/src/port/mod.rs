//! The port's parts. Each method hands its question to a reader or its request to the writer.

mod access;
mod annotations;
mod append;
mod beginnings;
mod directory;
mod duplicates;
mod encryption;
mod future_releases;
mod groups;
mod imports;
mod languages;
mod mail;
mod password_history;
mod queue;
mod quotas;
mod recovery;
mod retention;
mod routes;
mod search_index;
mod seen_by;
mod sending_quotas;
mod sending_watch;
mod settings;
mod sort_keys;
mod trail;
mod transport;
