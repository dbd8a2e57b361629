//! A small server of HTTP/1.1 (RFC 9110, RFC 9112): for the policy that others fetch, for reports that they post, and
//! for whoever watches over this server.
//!
//! It is strict, and it does little: one request a connection, and then the connection ends. So nothing that stands
//! behind a request is ever taken for another one, whatever somebody in front of us thinks. Paths are compared as they
//! are, and never lead to files.

mod body;
mod fault;
mod head;
mod limits;
mod reply;
mod site;

pub(crate) use body::BodyReader;
pub(crate) use fault::Fault;
pub(crate) use head::{Framing, Head, head_of};
pub use limits::WebLimits;
pub use reply::Reply;
pub use site::{Method, Request, Site};

/// Bodies that are read at once, of all connections.
pub const MAX_BODIES_AT_ONCE: usize = 16;
