//! xtext: how DSN parameters carry what a parameter value cannot hold.
//!
//! ```text
//! xtext   = *( xchar / hexchar )
//! xchar   = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for "+" and "="
//! hexchar = ASCII "+" immediately followed by two upper case hexadecimal digits
//! ```
//! (RFC 3461 §4)

use std::fmt::Write as _;

/// Whether `text` is xtext.
#[must_use]
pub fn is_valid(text: &str) -> bool {
    decode(text).is_some()
}

/// The octets that `text` stands for; `None` if it is no xtext.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => octets.push(hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?),
            b'=' => return None,
            b'!'..=b'~' => octets.push(byte),
            _ => return None,
        }
    }
    Some(octets)
}

/// Encodes octets as xtext.
#[must_use]
pub fn encode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for &octet in octets {
        match octet {
            b'+' | b'=' => push_hex(&mut text, octet),
            b'!'..=b'~' => text.push(char::from(octet)),
            _ => push_hex(&mut text, octet),
        }
    }
    text
}

fn push_hex(text: &mut String, octet: u8) {
    write!(text, "+{octet:02X}").expect("a String takes all text");
}

/// Upper case only, as the grammar has it.
fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&[u8]>) {
        assert_eq!(decode(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn xtext_decodes_strictly() {
        check("", Some(b""));
        check("a+2Bb+3D+20", Some(b"a+b= "));
        check("+0D+0A", Some(b"\r\n"));
        for bad in ["a b", "a=b", "+2b", "+2", "+", "\u{e9}", "a\x7f"] {
            check(bad, None);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_decodes(octets: Vec<u8>) {
            proptest::prop_assert_eq!(decode(&encode(&octets)), Some(octets));
        }
    }
}
