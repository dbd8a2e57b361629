//! How much TLS the sender of a message asks for on its way.

/// What is known of it once the message has come in (RFC 8689 §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsWish {
    /// Nothing: what others demand holds.
    #[default]
    None,
    /// `REQUIRETLS`: TLS all the way, at hosts that prove who they are.
    Required,
    /// `TLS-Required: No`: to arrive matters more than what the recipient's domain demands.
    Optional,
}
