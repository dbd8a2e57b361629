//! What DNS says about a domain, behind the [`Resolver`] port.
//!
//! The port returns plain data together with what is known of its authenticity; who asks which server is the business
//! of `server`. On top of it stand pure decisions: which hosts take a domain's mail ([`mail_hosts`]), and how much
//! TLS they have to offer ([`transport`]). [`dkim`] signs what leaves and verifies what came; [`arc`] does the same for
//! what others found out before; [`spf`] tells who may send in a domain's name. [`survey`] looks at our own names as
//! others do.
//!
//! This crate opens no socket and knows no clock; where chance is wanted, it is an argument.

mod address_labels;
pub mod arc;
pub mod dkim;
mod mail_hosts;
mod resolver;
mod results;
pub mod spf;
pub mod survey;
#[cfg(test)]
mod test_dns;
pub mod transport;

pub use mail_hosts::{MAX_ADDRESSES_PER_HOST, MAX_MAIL_HOSTS, MailHost, MailHosts, MailHostsError, mail_hosts};
pub use resolver::{LookupError, MxRecord, Proof, Records, Resolver};
pub use results::authentication_results;
