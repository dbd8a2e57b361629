//! What a client that just connected seems to speak, from its first bytes.
//!
//! A listener uses it only to name a likely mistake in its log: TLS on a plain port, or plain
//! text on a TLS port. It decides nothing.

/// The signature of a binary (version 2) PROXY header.
const PROXY_V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The beginning of a textual (version 1) PROXY header.
const PROXY_V1_PREFIX: &[u8; 6] = b"PROXY ";

/// What the first bytes of a connection look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstBytes {
    /// A TLS (or SSL 3) record: the client starts TLS at once.
    TlsRecord,
    /// A ClientHello of SSL 2: software from the last century, or a scanner.
    SslV2,
    /// Text, such as `EHLO …` or `a1 LOGIN …`.
    PlainText,
    /// A PROXY header on a listener that was not told to expect one.
    ProxyHeader,
    /// Nothing we know.
    Unknown,
    /// Too few bytes to tell; ask again with more (five are enough but for a PROXY header,
    /// which takes twelve).
    NeedMore,
}

/// Names what the first bytes that a client sent look like. Looks at 12 bytes at most.
pub fn sniff(first_bytes: &[u8]) -> FirstBytes {
    let Some(&first) = first_bytes.first() else {
        return FirstBytes::NeedMore;
    };
    match first {
        // RFC 8446 §5.1: a record starts with its type (20 to 24), then the legacy version,
        // whose first byte has been 3 since SSL 3.
        20..=24 => match first_bytes.get(1..3) {
            Some([3, 0..=4]) => FirstBytes::TlsRecord,
            Some(_) => FirstBytes::Unknown,
            None => FirstBytes::NeedMore,
        },
        // RFC 5246 §E.2: a two-byte length with the top bit set, message type 1, version.
        0x80..=0xff => match first_bytes.get(2..5) {
            Some([1, 0, 2] | [1, 3, 0..=3]) => FirstBytes::SslV2,
            Some(_) => text_or_unknown(first_bytes),
            None => FirstBytes::NeedMore,
        },
        _ if first_bytes.starts_with(PROXY_V2_SIGNATURE) => FirstBytes::ProxyHeader,
        _ if first_bytes.starts_with(PROXY_V1_PREFIX) => FirstBytes::ProxyHeader,
        b'\r' if PROXY_V2_SIGNATURE.starts_with(first_bytes) => FirstBytes::NeedMore,
        b'P' if PROXY_V1_PREFIX.starts_with(first_bytes) => FirstBytes::NeedMore,
        _ => text_or_unknown(first_bytes),
    }
}

/// Text is what has neither control characters (but tab and line ends) nor NUL in the bytes
/// that we look at. UTF-8 counts as text.
fn text_or_unknown(bytes: &[u8]) -> FirstBytes {
    let seen = &bytes[..bytes.len().min(PROXY_V2_SIGNATURE.len())];
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~' | 0x80..=0xff);
    if seen.iter().all(is_text) && seen.iter().any(u8::is_ascii) { FirstBytes::PlainText } else { FirstBytes::Unknown }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(bytes: &[u8], expected: FirstBytes) {
        assert_eq!(sniff(bytes), expected, "{bytes:02x?}");
    }

    #[test]
    fn names_what_clients_send() {
        check(b"", FirstBytes::NeedMore);
        check(&[0x16], FirstBytes::NeedMore);
        check(&[0x16, 3], FirstBytes::NeedMore);
        check(&[0x16, 3, 1, 2, 0, 1], FirstBytes::TlsRecord);
        check(&[0x15, 3, 3, 0, 2], FirstBytes::TlsRecord);
        check(&[0x16, 4, 1], FirstBytes::Unknown);
        check(&[0x80, 0x2e, 1, 0, 2, 0, 0x15], FirstBytes::SslV2);
        check(&[0x80, 0x2e, 1, 3, 1, 0, 0x15], FirstBytes::SslV2);
        check(&[0x80, 0x2e], FirstBytes::NeedMore);
        check(b"EHLO client.example\r\n", FirstBytes::PlainText);
        check(b"a1 LOGIN", FirstBytes::PlainText);
        check(b"E", FirstBytes::PlainText);
        check(b"\r\n", FirstBytes::NeedMore);
        check(b"\r\nEHLO x", FirstBytes::PlainText);
        check(b"GET / HTTP/1.1\r\n", FirstBytes::PlainText);
        check(b"PROXY TCP4 192.0.2.1", FirstBytes::ProxyHeader);
        check(b"PROX", FirstBytes::NeedMore);
        check(b"PASS secret", FirstBytes::PlainText);
        check(PROXY_V2_SIGNATURE, FirstBytes::ProxyHeader);
        check(b"EHLO\0\x01", FirstBytes::Unknown);
        check(&[0, 0, 0, 1], FirstBytes::Unknown);
    }

    proptest! {
        #[test]
        fn twelve_bytes_are_always_enough(bytes in proptest::collection::vec(any::<u8>(), 12..40)) {
            prop_assert_ne!(sniff(&bytes), FirstBytes::NeedMore);
            prop_assert_eq!(sniff(&bytes), sniff(&bytes[..12]));
        }
    }
}
