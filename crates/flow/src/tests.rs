//! The room as a whole: on a store in memory, with a courier and DNS that say what a test tells them to, and a clock
//! that only moves when everybody sleeps.

mod alerts;
mod aliases;
mod content_filters;
mod dane_or_sts;
mod deliver_by;
mod delivering;
mod double_bounces;
mod duplicates;
mod durations;
mod fairness;
mod forwarding;
mod full_mailboxes;
mod held_mail;
pub(crate) mod house;
mod lost_reports;
mod receiving;
mod reporting;
mod routes;
mod sending_limits;
mod sending_watch;
mod signing;
mod steering;
mod submitting;
mod tls_reports;

use house::{Carried, House, Outcome, address, answers, envelope};
