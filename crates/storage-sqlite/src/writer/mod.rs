//! The one thread that writes.
//!
//! `request` is what it is given, `batch` how it commits many of them at once, `work` what a request may do inside a
//! batch; the other modules are the requests' verbs.

mod access;
mod account_keys;
mod accounts;
mod annotations;
mod append;
mod batch;
pub(crate) mod bodies;
mod compaction;
mod copying;
mod counted;
mod deadlines;
mod deliver;
mod domains;
mod duplicates;
mod encryption;
mod expunge;
mod flags;
mod groups;
mod imports;
mod inventory;
mod languages;
mod leases;
mod mailboxes;
mod modseqs;
mod numbers;
mod password_history;
mod queue;
mod queue_steering;
mod queue_tally;
mod queue_turns;
mod quotas;
mod received_tls_reports;
mod recovery;
mod request;
mod retention;
mod routes;
mod search_index;
mod secrets;
mod seen_by;
mod sending_ledger;
mod sending_quotas;
mod sending_watch;
mod sort_keys;
mod trail;
mod transfer;
mod transport;
mod usage;
mod work;

pub(crate) use batch::{Setting, Writer, WriterShared};
pub(crate) use compaction::Compaction;
pub(crate) use encryption::Conversion;
pub(crate) use numbers::Numbers;
pub(crate) use request::{Request, request};
pub(crate) use trail::WaitingTrail;
pub(crate) use usage::UsageBoard;
pub(crate) use work::Work;
