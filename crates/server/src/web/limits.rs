//! The bounds of a connection.

use std::time::Duration;

/// The bounds of a connection. Each of them ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebLimits {
    /// How long a client may take for the head of its request, from the first octet to the last.
    pub head_timeout: Duration,
    /// How long it may take for the body.
    pub body_timeout: Duration,
    /// How long it may take to read the reply.
    pub write_timeout: Duration,
    /// How long an answer may take.
    pub answer_timeout: Duration,
    /// Longest body of a request, in octets. A report about TLS of the largest senders has some hundred KiB.
    pub body_bytes: usize,
}

impl Default for WebLimits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(30),
            body_bytes: 1024 * 1024,
        }
    }
}
