//! Conversations, replayed whole, byte by byte and split at random.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod append;
mod attacks;
mod authentication;
mod changes;
mod compressing;
mod contexts;
mod converging;
mod copying;
mod dialect;
mod fetching;
mod filters;
mod idling;
mod mailboxes;
mod metadata;
mod multiappend;
mod multisearching;
mod never_panics;
mod notifying;
mod object_ids;
mod paging;
mod previews;
mod quotas;
mod replacing;
mod resynchronising;
mod save_dates;
mod scram;
mod searching;
mod selecting;
mod sharing;
mod sorting;
mod special_uses;
mod storing;
mod timeouts;
mod uid_only;
mod unauthenticating;
