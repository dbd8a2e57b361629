//! The trace field that we put on top (RFC 5321 §4.4).

use std::fmt::Write as _;
use std::net::IpAddr;

use posthouse_mime::DateTime;
use posthouse_model::{Address, Domain, JourneyId, UnixMillis};

use crate::Arrival;

/// Longest HELO name that is repeated in a trace field, in octets.
const MAX_HELO_BYTES: usize = 255;

/// Writes the field, line end included. `recipient` only where there is a single one: others must not learn of each
/// other (RFC 5321 §7.6).
pub(crate) fn received_field(
    arrival: &Arrival,
    host_name: &Domain,
    journey: JourneyId,
    recipient: Option<&Address>,
    now: UnixMillis,
    held_until: Option<UnixMillis>,
) -> String {
    let mut field = String::with_capacity(256);
    let helo = if is_plain(&arrival.helo) { arrival.helo.as_str() } else { "unknown" };
    let address = literal(arrival.peer.remote.ip());
    let _ = write!(field, "Received: from {helo} ({address})\r\n\tby {host_name} (Posthouse) with {}", arrival.with);
    if let Some(tls) = &arrival.tls {
        let _ = write!(field, "\r\n\t({} {})", tls.version, tls.cipher_suite);
    }
    let _ = write!(field, "\r\n\tid {journey}");
    if let Some(recipient) = recipient.filter(|recipient| !recipient.needs_smtputf8()) {
        let _ = write!(field, "\r\n\tfor <{recipient}>");
    }
    if let Some(until) = held_until {
        // RFC 4865 §6: nothing hides from the recipient that it waited.
        let _ = write!(field, "\r\n\t(held until {})", until.to_rfc3339());
    }
    let date = DateTime { unix_seconds: now.seconds(), offset_minutes: 0 };
    let _ = write!(field, ";\r\n\t{}\r\n", date.to_rfc5322());
    field
}

fn literal(ip: IpAddr) -> String {
    Domain::literal(ip.to_canonical()).to_string()
}

/// Whether a name can stand in a trace field as it is, without opening a comment or ending the field.
fn is_plain(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
    !name.is_empty() && name.len() <= MAX_HELO_BYTES && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use posthouse_model::session::{Peer, TlsInfo};

    use super::*;
    use crate::Door;

    fn check(helo: &str, tls: bool, recipient: Option<&str>, expected: &str) {
        check_held(helo, tls, recipient, None, expected);
    }

    fn check_held(helo: &str, tls: bool, recipient: Option<&str>, held: Option<UnixMillis>, expected: &str) {
        let tls = tls.then(|| TlsInfo {
            version: "TLS1.3".to_owned(),
            cipher_suite: "TLS_AES_256_GCM_SHA384".to_owned(),
            ..TlsInfo::default()
        });
        let peer = Peer { remote: "192.0.2.7:4711".parse().unwrap(), local: "192.0.2.1:25".parse().unwrap() };
        let arrival = Arrival { door: Door::Mx, peer, helo: helo.to_owned(), with: "ESMTPS", tls };
        let recipient = recipient.map(|text| Address::parse(text).unwrap());
        let host = Domain::parse("mx.example").unwrap();
        let field = received_field(
            &arrival,
            &host,
            JourneyId(7),
            recipient.as_ref(),
            UnixMillis::from_seconds(1_700_000_000),
            held,
        );
        assert_eq!(field, expected);
    }

    #[test]
    fn fields() {
        check(
            "client.example",
            true,
            Some("ann@example.org"),
            "Received: from client.example ([192.0.2.7])\r\n\tby mx.example (Posthouse) with ESMTPS\r\n\
             \t(TLS1.3 TLS_AES_256_GCM_SHA384)\r\n\tid 0000000000007\r\n\tfor <ann@example.org>;\r\n\
             \tTue, 14 Nov 2023 22:13:20 +0000\r\n",
        );
    }

    #[test]
    fn what_waits_says_so() {
        check_held(
            "client.example",
            false,
            None,
            Some(UnixMillis::from_seconds(1_700_000_060)),
            "Received: from client.example ([192.0.2.7])\r\n\tby mx.example (Posthouse) with ESMTPS\r\n\
             \tid 0000000000007\r\n\t(held until 2023-11-14T22:14:20Z);\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n",
        );
    }

    #[test]
    fn a_name_cannot_add_a_field() {
        check(
            "x (y)\r\nBcc: z",
            false,
            None,
            "Received: from unknown ([192.0.2.7])\r\n\tby mx.example (Posthouse) with ESMTPS\r\n\
             \tid 0000000000007;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n",
        );
    }
}
