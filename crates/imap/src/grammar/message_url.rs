//! URLs of messages on this server (RFC 4469 §3, RFC 2192).
//!
//! Only what the base URL `imap://user@server/mailbox` leaves open is read: the path of a message, from the root or in
//! the mailbox that is open. What names a server, a search or a whole mailbox is not one.

use std::num::{NonZeroU32, NonZeroU64};

use posthouse_mime::{Section, SectionKind};
use posthouse_model::{MailboxName, Uid, UidValidity};

use super::cursor::Cursor;
use super::section::section;
use crate::question::{MessageUrl, Partial};

/// ```text
/// message-url = ["/" enc-mailbox [";UIDVALIDITY=" nz-number] "/"] ";UID=" nz-number
///               ["/;SECTION=" enc-section] ["/;PARTIAL=" number ["." nz-number]]
/// ```
///
/// Without a mailbox the one that is open is meant.
pub(crate) fn message_url(text: &str) -> Option<MessageUrl> {
    // What precedes the first parameter is the mailbox; a ";" in its name would be encoded.
    let (mailbox, message) = match find(text, "/;UID=") {
        Some(at) => (&text[..at], &text[at + "/".len()..]),
        None => ("", text),
    };
    let (mailbox, uid_validity) = match find(mailbox, ";UIDVALIDITY=") {
        Some(at) => {
            let number = mailbox[at + ";UIDVALIDITY=".len()..].parse::<NonZeroU32>().ok()?;
            (&mailbox[..at], Some(UidValidity(number)))
        }
        None => (mailbox, None),
    };
    let mailbox = match mailbox.strip_prefix('/') {
        Some(name) if !name.starts_with('/') => {
            Some(MailboxName::parse(&String::from_utf8(percent_decoded(name)?).ok()?).ok()?)
        }
        None if mailbox.is_empty() => None,
        _ => return None,
    };
    let mut parameters = message.split('/');
    let uid = Uid::new(parameter(parameters.next()?, ";UID=")?.parse().ok()?)?;
    let (mut section, mut partial) = (None, None);
    for text in parameters {
        if let Some(encoded) = parameter(text, ";SECTION=")
            && section.is_none()
            && partial.is_none()
        {
            section = Some(encoded_section(encoded)?);
        } else if let Some(range) = parameter(text, ";PARTIAL=")
            && partial.is_none()
        {
            partial = Some(partial_range(range)?);
        } else {
            return None;
        }
    }
    let section = section.unwrap_or(Section { path: Vec::new(), kind: SectionKind::Full });
    Some(MessageUrl { mailbox, uid_validity, uid, section, partial })
}

/// Where `name` begins, in any case.
fn find(text: &str, name: &str) -> Option<usize> {
    text.as_bytes().windows(name.len()).position(|window| window.eq_ignore_ascii_case(name.as_bytes()))
}

fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    (find(text, name) == Some(0)).then(|| &text[name.len()..])
}

/// A section of FETCH without its brackets, percent-encoded.
fn encoded_section(encoded: &str) -> Option<Section> {
    let mut bracketed = vec![b'['];
    bracketed.extend(percent_decoded(encoded)?);
    bracketed.push(b']');
    let mut cursor = Cursor::new(&bracketed);
    let read = section(&mut cursor).ok()?;
    cursor.at_end().then_some(read)
}

/// `partial-range = number ["." nz-number]`: without a length, to the end (RFC 5092 §11).
fn partial_range(text: &str) -> Option<Partial> {
    let (offset, length) = match text.split_once('.') {
        Some((offset, length)) => (offset, length.parse().ok()?),
        None => (text, NonZeroU64::MAX),
    };
    let all_digits = offset.bytes().all(|byte| byte.is_ascii_digit());
    Some(Partial { offset: offset.parse().ok().filter(|_| all_digits)?, length })
}

/// `%` and two hexadecimal digits stand for an octet (RFC 3986 §2.1).
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        decoded.push((high * 16 + low) as u8);
    }
    Some(decoded)
}

/// A URL as it may stand in a response code: `url-resp-text = 1*<any TEXT-CHAR except "]">` (RFC 4469 §5); other octets
/// are percent-encoded, as a URL has them.
pub(crate) fn write_url(out: &mut Vec<u8>, url: &str) {
    for byte in url.bytes() {
        if (0x20..0x7f).contains(&byte) && byte != b']' {
            out.push(byte);
        } else {
            let digit = |value: u8| b"0123456789ABCDEF"[usize::from(value & 15)];
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `mailbox validity uid section partial`
    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let read = message_url(text).map(|url| {
            let mailbox = url.mailbox.map_or("-".to_owned(), |name| name.as_str().to_owned());
            let validity = url.uid_validity.map_or(0, |validity| validity.0.get());
            let partial = url.partial.map_or(String::new(), |p| format!(" {}.{}", p.offset, p.length));
            format!("{mailbox} {validity} {} {:?}:{:?}{partial}", url.uid, url.section.path, url.section.kind)
        });
        assert_eq!(read.as_deref(), expected, "{text}");
    }

    #[test]
    fn urls() {
        check("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER", Some("Drafts 385759045 20 []:Header"));
        check("/Drafts;uidvalidity=7/;UID=20/;section=1.MIME", Some("Drafts 7 20 [1]:Mime"));
        check("/Drafts/;UID=3002", Some("Drafts 0 3002 []:Full"));
        check("/a/b%20c%c3%A4/;UID=1", Some("a/b cä 0 1 []:Full"));
        check(";UID=20/;SECTION=1.2", Some("- 0 20 [1, 2]:Full"));
        check("/;UID=20", Some("- 0 20 []:Full"));
        check("/inbox/;uid=1/;section=TEXT/;partial=5.10", Some("INBOX 0 1 []:Text 5.10"));
        check("/x/;UID=1/;PARTIAL=5", Some(&format!("x 0 1 []:Full 5.{}", u64::MAX)));
        check("/x/;UID=1/;SECTION=HEADER.FIELDS%20(From%20To)", Some("x 0 1 []:HeaderFields([\"From\", \"To\"])"));
        for bad in [
            "",
            "/",
            "/Drafts",
            "/Drafts;UIDVALIDITY=1",
            "/Drafts/;UID=0",
            "/Drafts/;UID=x",
            "/Drafts/;UID=1/;SECTION=NONE",
            "/Drafts/;UID=1/;SECTION=TEXT]x",
            "/Drafts/;UID=1/;PARTIAL=1.0",
            "/Drafts/;UID=1/;PARTIAL=+1",
            "/Drafts/;UID=1/;PARTIAL=1/;SECTION=1",
            "/Drafts/;UID=1/;URLAUTH=anonymous",
            "/Drafts;UIDVALIDITY=0/;UID=1",
            "/Drafts%/;UID=1",
            "/Drafts%zz/;UID=1",
            "/%ff/;UID=1",
            "//other.example/Drafts/;UID=1",
            "imap://other.example/Drafts/;UID=1",
            "Drafts/;UID=1",
            "/Drafts?SUBJECT%20x",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn urls_in_answers_cannot_end_the_line() {
        let mut out = Vec::new();
        write_url(&mut out, "/a b]\r\nä;UID=1");
        assert_eq!(String::from_utf8(out).unwrap(), "/a b%5D%0D%0A%C3%A4;UID=1");
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(/|;UID=|;SECTION=|;PARTIAL=|;UIDVALIDITY=|%|[0-9.]|[a-zä]){0,12}", any in any::<String>()) {
            let _ = message_url(&text);
            let _ = message_url(&any);
        }
    }
}
