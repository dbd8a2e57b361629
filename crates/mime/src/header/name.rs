//! Field names, most of them from a table so that a stored structure stays small.

use std::borrow::Cow;
use std::fmt;

use crate::limits::MAX_FIELD_NAME_BYTES;

/// The name of a header field in lower case, or none.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FieldName(Cow<'static, str>);

impl FieldName {
    /// The name of a line that has no valid one: no colon, white space before the colon, control characters, octets
    /// beyond ASCII, or too long. It equals no name that anybody can ask for.
    pub const NONE: Self = Self(Cow::Borrowed(""));

    /// Reads what stands before the colon.
    ///
    /// RFC 5322 §4.5 lets white space precede the colon in obsolete mail. Here such a field is unknown: mail programs
    /// disagree about it, and a `From :` that only some of them see is a forgery waiting to be shown.
    #[must_use]
    pub fn parse(name: &[u8]) -> Self {
        // RFC 5322 §3.6.8: ftext is %d33-57 / %d59-126.
        let valid = name.iter().all(|octet| octet.is_ascii_graphic() && *octet != b':');
        if name.is_empty() || name.len() > MAX_FIELD_NAME_BYTES || !valid {
            return Self::NONE;
        }
        if let Ok(at) = KNOWN.binary_search_by(|known| compare_lower(known.as_bytes(), name)) {
            return Self(Cow::Borrowed(KNOWN[at]));
        }
        Self(Cow::Owned(String::from_utf8_lossy(name).to_ascii_lowercase()))
    }

    /// The name in lower case; empty for [`FieldName::NONE`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the name of a field without a valid one.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the name stands in [`CODES`], for the stored form.
    pub(crate) fn code(&self) -> Option<u8> {
        let at = KNOWN.binary_search(&self.as_str()).ok()?;
        Some(CODES[at])
    }

    /// The name that a stored code means.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        let at = *POSITIONS.get(usize::from(code))?;
        KNOWN.get(usize::from(at)).map(|name| Self(Cow::Borrowed(*name)))
    }
}

impl fmt::Debug for FieldName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

fn compare_lower(known: &[u8], name: &[u8]) -> std::cmp::Ordering {
    known.iter().copied().cmp(name.iter().map(u8::to_ascii_lowercase))
}

/// Names in the order of their stored codes. Append only: a code that was ever written keeps its meaning.
const BY_CODE: [&str; 112] = [
    "received",
    "from",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "reply-to",
    "sender",
    "return-path",
    "delivered-to",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
    "content-description",
    "content-language",
    "content-location",
    "content-md5",
    "content-length",
    "content-class",
    "content-duration",
    "content-features",
    "dkim-signature",
    "authentication-results",
    "arc-seal",
    "arc-message-signature",
    "arc-authentication-results",
    "received-spf",
    "domainkey-signature",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-subscribe",
    "list-help",
    "list-post",
    "list-owner",
    "list-archive",
    "precedence",
    "auto-submitted",
    "x-auto-response-suppress",
    "importance",
    "priority",
    "x-priority",
    "x-msmail-priority",
    "sensitivity",
    "user-agent",
    "x-mailer",
    "x-mimeole",
    "x-originating-ip",
    "x-original-to",
    "x-received",
    "x-spam-status",
    "x-spam-score",
    "x-spam-level",
    "x-spam-flag",
    "x-spam-checker-version",
    "x-spam-report",
    "x-virus-scanned",
    "x-google-dkim-signature",
    "x-google-smtp-source",
    "x-gm-message-state",
    "x-feedback-id",
    "feedback-id",
    "x-forwarded-to",
    "x-forwarded-for",
    "x-forwarded-encrypted",
    "x-mailman-version",
    "x-beenthere",
    "errors-to",
    "envelope-to",
    "delivery-date",
    "thread-topic",
    "thread-index",
    "accept-language",
    "x-originatororg",
    "x-ms-has-attach",
    "x-ms-tnef-correlator",
    "x-ms-exchange-organization-scl",
    "x-ms-exchange-crosstenant-id",
    "x-ms-exchange-crosstenant-fromentityheader",
    "x-ms-exchange-crosstenant-originalarrivaltime",
    "x-ms-exchange-transport-crosstenantheadersstamped",
    "x-exchange-antispam-report",
    "x-forefront-antispam-report",
    "x-microsoft-antispam",
    "x-microsoft-antispam-message-info",
    "resent-from",
    "resent-to",
    "resent-cc",
    "resent-bcc",
    "resent-date",
    "resent-message-id",
    "resent-sender",
    "comments",
    "keywords",
    "organization",
    "disposition-notification-to",
    "return-receipt-to",
    "mail-followup-to",
    "autocrypt",
    "openpgp",
    "face",
    "x-face",
    "newsgroups",
    "path",
    "lines",
    "xref",
];

/// The same names in alphabetical order, for the search.
static KNOWN: [&str; BY_CODE.len()] = sorted();

/// The code of each name of [`KNOWN`].
static CODES: [u8; BY_CODE.len()] = codes();

/// The place in [`KNOWN`] of each code.
static POSITIONS: [u8; BY_CODE.len()] = positions();

const fn sorted() -> [&'static str; BY_CODE.len()] {
    let mut names = BY_CODE;
    let mut next = 1;
    while next < names.len() {
        let mut at = next;
        while at > 0 && less(names[at], names[at - 1]) {
            let name = names[at];
            names[at] = names[at - 1];
            names[at - 1] = name;
            at -= 1;
        }
        next += 1;
    }
    names
}

const fn codes() -> [u8; BY_CODE.len()] {
    let names = sorted();
    let mut codes = [0; BY_CODE.len()];
    let mut at = 0;
    while at < names.len() {
        let mut code = 0;
        while !same(BY_CODE[code], names[at]) {
            code += 1;
        }
        codes[at] = code as u8;
        at += 1;
    }
    codes
}

const fn positions() -> [u8; BY_CODE.len()] {
    let codes = codes();
    let mut positions = [0; BY_CODE.len()];
    let mut at = 0;
    while at < codes.len() {
        positions[codes[at] as usize] = at as u8;
        at += 1;
    }
    positions
}

const fn less(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return left[at] < right[at];
        }
        at += 1;
    }
    left.len() < right.len()
}

const fn same(left: &str, right: &str) -> bool {
    !less(left, right) && !less(right, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &[u8], expected: &str) {
        assert_eq!(FieldName::parse(name).as_str(), expected);
    }

    #[test]
    fn names_are_lower_case_and_strict() {
        check(b"Subject", "subject");
        check(b"X-Never-Heard-Of", "x-never-heard-of");
        check(b"Subject ", "");
        check(b"Fr om", "");
        check(b"Subject\t", "");
        check("Sübject".as_bytes(), "");
        check(b"", "");
        check(&[b'a'; MAX_FIELD_NAME_BYTES + 1], "");
    }

    /// Stored structures hold these codes. A failure here means that old mail would be misread.
    #[test]
    fn codes_never_change() {
        for (code, name) in [(0, "received"), (15, "content-type"), (64, "x-google-smtp-source"), (111, "xref")] {
            assert_eq!(FieldName::parse(name.as_bytes()).code(), Some(code), "{name}");
        }
    }

    #[test]
    fn every_code_comes_back_as_its_name() {
        for (code, name) in BY_CODE.iter().enumerate() {
            let parsed = FieldName::parse(name.to_uppercase().as_bytes());
            assert_eq!(parsed.code(), u8::try_from(code).ok(), "{name}");
            assert_eq!(FieldName::from_code(code as u8), Some(parsed));
        }
        assert_eq!(FieldName::from_code(BY_CODE.len() as u8), None);
    }
}
