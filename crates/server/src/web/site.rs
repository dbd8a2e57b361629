//! The port to whoever knows what there is.

use std::net::IpAddr;

use async_trait::async_trait;
use bytes::Bytes;

use super::reply::Reply;
use crate::listener::ListenerRole;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Show it.
    Get,
    /// Say about it what there is to say without showing it.
    Head,
    /// Take something.
    Post,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// With what: octets of a URL path as they came, beginning with `/`, without the query.
    pub path: String,
    /// The host that the client thinks it talks to, in lower case, without a port; empty if it does not say.
    pub host: String,
    /// What the body is.
    pub media_type: String,
    /// The body.
    pub body: Bytes,
    /// Who asks.
    pub peer: IpAddr,
}

/// Answers requests.
#[async_trait]
pub trait Site: Send + Sync + 'static {
    /// Whether something can be posted there. Only then a body is read.
    fn takes(&self, role: ListenerRole, path: &str) -> bool;

    /// The answer to a request that came to a listener of this role.
    async fn answer(&self, role: ListenerRole, request: Request) -> Reply;
}
