//! A client of HTTPS, as small as what it is for: fetching MTA-STS policies and sending reports.
//!
//! One request a connection, no redirects (RFC 8461 §3.3 forbids them), bounded in time and octets. The certificate is
//! always verified ([`post_here`] is for what listens on this host itself, and does without TLS). Names that lead to addresses of this host or of networks that are not public are not followed, and
//! the address that was looked at is the one that is connected to, so that no second answer of DNS can change it.

mod address;
mod client;
mod response;

pub use client::{HttpsClient, HttpsError, HttpsOptions, post_here};
pub use response::{Response, ResponseError};
