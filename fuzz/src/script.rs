//! The input of a session target: octets of the peer, with events between them.
//!
//! ```text
//! script = *( octets / event )
//! event  = %x01 ( "w" octet    ; time passes and the session is woken: 2^(octet mod 16) seconds
//!               / "a" octet    ; the answer to a later question: 0, the default, is the one that leads on
//!               / "t"          ; a TLS handshake is complete
//!               / "e"          ; the peer closes its side
//!               / "d"          ; the server wants to end
//!               / "c"          ; the open mailbox changes
//!               / any other )  ; nothing: the octets before and after come apart
//! ```

use std::time::Duration;

const ESCAPE: u8 = 1;

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Octets of the peer arrive.
    Octets(&'a [u8]),
    /// Time passes.
    Wake(Duration),
    /// How a later question is to be answered.
    Choice(u8),
    /// A handshake is complete.
    TlsEstablished,
    /// The peer closes its side.
    Eof,
    /// The server wants to end.
    ShutDown,
    /// The open mailbox changes.
    Changed,
}

/// Cuts a script into its events.
pub fn events(mut script: &[u8]) -> Vec<Event<'_>> {
    let mut events = Vec::new();
    while !script.is_empty() {
        let end = script.iter().position(|octet| *octet == ESCAPE).unwrap_or(script.len());
        if end > 0 {
            events.push(Event::Octets(&script[..end]));
        }
        script = script.get(end + 1..).unwrap_or_default();
        let argument = script.get(1).copied();
        let (event, length) = match (script.first(), argument) {
            (Some(b'w'), Some(octet)) => (Some(Event::Wake(Duration::from_secs(1 << (octet % 16)))), 2),
            (Some(b'a'), Some(octet)) => (Some(Event::Choice(octet)), 2),
            (Some(b't'), _) => (Some(Event::TlsEstablished), 1),
            (Some(b'e'), _) => (Some(Event::Eof), 1),
            (Some(b'd'), _) => (Some(Event::ShutDown), 1),
            (Some(b'c'), _) => (Some(Event::Changed), 1),
            (Some(_), _) => (None, 1),
            (None, _) => (None, 0),
        };
        events.extend(event);
        script = &script[length.min(script.len())..];
    }
    events
}
