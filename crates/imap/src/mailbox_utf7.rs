//! Modified UTF-7, in which IMAP4rev1 writes mailbox names (RFC 3501 §5.1.3).

use thiserror::Error;

/// The alphabet of base 64 with `,` instead of `/`.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// Why a text is not modified UTF-7.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Utf7Error {
    /// An octet that must be written in base 64.
    #[error("a mailbox name in modified UTF-7 is printable US-ASCII")]
    NotPrintable,
    /// Base 64 that is not closed, has another character in it, or bits left over.
    #[error("a mailbox name has broken base 64 in it")]
    BadBase64,
    /// Base 64 of something that is to be written as itself.
    #[error("a mailbox name writes printable US-ASCII in base 64")]
    NotShortest,
    /// Base 64 of something that is no UTF-16.
    #[error("a mailbox name has broken UTF-16 in it")]
    BadUtf16,
}

/// Reads a name. RFC 3501 §5.1.3 has one way to write each name, and no other is taken.
pub fn decode(text: &[u8]) -> Result<String, Utf7Error> {
    let mut name = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if !(0x20..=0x7e).contains(&byte) {
            return Err(Utf7Error::NotPrintable);
        }
        if byte != b'&' {
            name.push(char::from(byte));
            continue;
        }
        let end = rest.iter().position(|&b| b == b'-').ok_or(Utf7Error::BadBase64)?;
        let (shifted, after) = (&rest[..end], &rest[end + 1..]);
        if shifted.is_empty() {
            name.push('&');
        } else {
            decode_shifted(shifted, &mut name)?;
            if after.starts_with(b"&") && !after.starts_with(b"&-") {
                return Err(Utf7Error::NotShortest);
            }
        }
        rest = after;
    }
    Ok(name)
}

fn decode_shifted(shifted: &[u8], name: &mut String) -> Result<(), Utf7Error> {
    let mut units = Vec::with_capacity(shifted.len() / 2);
    let (mut bits, mut count) = (0u32, 0);
    for byte in shifted {
        let digit = ALPHABET.iter().position(|b| b == byte).ok_or(Utf7Error::BadBase64)?;
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push((bits >> count) as u16);
            bits &= (1 << count) - 1;
        }
    }
    if count >= 6 || bits != 0 {
        return Err(Utf7Error::BadBase64);
    }
    for decoded in char::decode_utf16(units) {
        let c = decoded.map_err(|_| Utf7Error::BadUtf16)?;
        if (' '..='~').contains(&c) {
            return Err(Utf7Error::NotShortest);
        }
        name.push(c);
    }
    Ok(())
}

/// Writes a name.
pub fn encode(name: &str, out: &mut Vec<u8>) {
    let (mut bits, mut count, mut shifted) = (0u32, 0, false);
    for c in name.chars() {
        if (' '..='~').contains(&c) {
            if shifted {
                end_shift(bits, count, out);
                (bits, count, shifted) = (0, 0, false);
            }
            out.push(c as u8);
            if c == '&' {
                out.push(b'-');
            }
            continue;
        }
        if !shifted {
            out.push(b'&');
            shifted = true;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            bits = bits << 16 | u32::from(*unit);
            count += 16;
            while count >= 6 {
                count -= 6;
                out.push(ALPHABET[(bits >> count & 63) as usize]);
            }
            bits &= (1 << count) - 1;
        }
    }
    if shifted {
        end_shift(bits, count, out);
    }
}

fn end_shift(bits: u32, count: u32, out: &mut Vec<u8>) {
    if count > 0 {
        out.push(ALPHABET[(bits << (6 - count) & 63) as usize]);
    }
    out.push(b'-');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(encoded: &str, name: &str) {
        assert_eq!(decode(encoded.as_bytes()).as_deref(), Ok(name));
        let mut out = Vec::new();
        encode(name, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), encoded);
    }

    #[test]
    fn names_of_the_standard() {
        check("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語");
        check("Entw&APw-rfe", "Entwürfe");
        check("&-", "&");
        check("Q&-A", "Q&A");
        check("&2D3eAA-", "😀");
        check("&AOk-&-", "é&");
        check("", "");
    }

    #[test]
    fn other_ways_to_write_are_refused() {
        for (bad, why) in [
            ("&Jjo!", Utf7Error::BadBase64),
            ("&U,BTFw-&ZeVnLIqe-", Utf7Error::NotShortest),
            ("&AGE-", Utf7Error::NotShortest),
            ("&2D0-", Utf7Error::BadUtf16),
            ("&AO-", Utf7Error::BadBase64),
            ("&APx-", Utf7Error::BadBase64),
            ("&A/w-", Utf7Error::BadBase64),
            ("ü", Utf7Error::NotPrintable),
            ("a\r\nb", Utf7Error::NotPrintable),
        ] {
            assert_eq!(decode(bad.as_bytes()), Err(why), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in "\\PC{0,40}") {
            let mut out = Vec::new();
            encode(&name, &mut out);
            prop_assert_eq!(decode(&out), Ok(name));
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "[ -~]{0,30}") {
            if let Ok(name) = decode(text.as_bytes()) {
                let mut out = Vec::new();
                encode(&name, &mut out);
                prop_assert_eq!(String::from_utf8(out).unwrap(), text);
            }
        }
    }
}
