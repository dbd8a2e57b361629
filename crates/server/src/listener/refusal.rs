//! What a client is told that is turned away before it has a session.

use super::ListenerRole;

/// One line that ends the connection in the words of the protocol. Only for connections that begin in clear: a TLS
/// handshake would cost more than a refusal is worth.
pub(super) fn turned_away(role: ListenerRole, host_name: &str) -> String {
    match role {
        // RFC 5321 §3.8 (421), RFC 3463 §3.8 (4.7.0).
        ListenerRole::Mx | ListenerRole::Submission | ListenerRole::Lmtp => {
            format!("421 4.7.0 {host_name} Too many connections, try again later\r\n")
        }
        // RFC 9051 §7.1.5: BYE as a greeting.
        ListenerRole::Imap => "* BYE [UNAVAILABLE] Too many connections, try again later\r\n".to_owned(),
        // RFC 9110 §15.6.4.
        ListenerRole::Https | ListenerRole::Health => {
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
        }
        // RFC 3206 §4.
        ListenerRole::Pop3 => "-ERR [SYS/TEMP] Too many connections, try again later\r\n".to_owned(),
    }
}
