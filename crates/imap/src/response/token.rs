//! Tokens: numbers, strings, names of mailboxes, sets.

use posthouse_model::{MailboxName, UidSet};

use crate::grammar::mailbox::NameEncoding;
use crate::mailbox_utf7;

/// Longest string that is written in quotes; longer ones are literals.
const MAX_QUOTED_BYTES: usize = 1_000;

/// Digits of the largest 64-bit number.
const MAX_DIGITS: usize = 20;

/// `number64`
pub(crate) fn number(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0u8; MAX_DIGITS];
    let mut at = MAX_DIGITS;
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Two digits.
pub(crate) fn two_digits(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&[b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]);
}

/// `string = quoted / literal`: in quotes if every octet may stand there, as a literal otherwise, so that nothing a
/// client or a sender made up can end the line early.
pub(crate) fn string(out: &mut Vec<u8>, text: &[u8]) {
    let plain = text.len() <= MAX_QUOTED_BYTES && text.iter().all(|byte| (0x20..0x7f).contains(byte));
    if plain { quoted(out, text) } else { literal(out, text) }
}

/// `literal = "{" number64 "}" CRLF *CHAR8`
pub(crate) fn literal(out: &mut Vec<u8>, text: &[u8]) {
    literal_header(out, text.len() as u64);
    out.extend_from_slice(text);
}

pub(crate) fn literal_header(out: &mut Vec<u8>, length: u64) {
    out.push(b'{');
    number(out, length);
    out.extend_from_slice(b"}\r\n");
}

fn quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        if byte == b'"' || byte == b'\\' {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// `mailbox`: always in quotes; a stored name has no control characters.
pub(crate) fn mailbox(out: &mut Vec<u8>, name: &MailboxName, encoding: NameEncoding) {
    match encoding {
        NameEncoding::Utf8 => quoted(out, name.as_str().as_bytes()),
        NameEncoding::Utf7 => {
            let mut encoded = Vec::with_capacity(name.as_str().len());
            mailbox_utf7::encode(name.as_str(), &mut encoded);
            quoted(out, &encoded);
        }
    }
}

/// `sequence-set` of rising ranges.
pub(crate) fn ranges(out: &mut Vec<u8>, ranges: impl Iterator<Item = (u32, u32)>) {
    for (index, (from, to)) in ranges.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        number(out, u64::from(from));
        if to != from {
            out.push(b':');
            number(out, u64::from(to));
        }
    }
}

/// `uid-set`
pub(crate) fn uid_set(out: &mut Vec<u8>, uids: &UidSet) {
    ranges(out, uids.ranges().map(|range| (*range.start(), *range.end())));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(write: impl Fn(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn tokens() {
        check(|out| number(out, 0), "0");
        check(|out| number(out, u64::MAX), "18446744073709551615");
        check(|out| string(out, b"a \"b\\"), "\"a \\\"b\\\\\"");
        check(|out| string(out, b""), "\"\"");
        check(|out| string(out, b"a\r\nb"), "{4}\r\na\r\nb");
        check(|out| string(out, "é".as_bytes()), "{2}\r\né");
        check(|out| ranges(out, [(1, 1), (3, 5)].into_iter()), "1,3:5");
        let name = MailboxName::parse("Entwürfe/\"x\"").unwrap();
        check(|out| mailbox(out, &name, NameEncoding::Utf7), "\"Entw&APw-rfe/\\\"x\\\"\"");
        check(|out| mailbox(out, &name, NameEncoding::Utf8), "\"Entwürfe/\\\"x\\\"\"");
    }
}
