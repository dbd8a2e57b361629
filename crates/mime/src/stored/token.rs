//! Texts that have a code in the stored form.

/// In the order of their codes. Append only: a code that was ever written keeps its meaning.
const TEXTS: [&str; 64] = [
    "text",
    "plain",
    "html",
    "multipart",
    "mixed",
    "alternative",
    "related",
    "signed",
    "report",
    "digest",
    "message",
    "rfc822",
    "delivery-status",
    "application",
    "octet-stream",
    "pdf",
    "zip",
    "pgp-signature",
    "pkcs7-signature",
    "x-pkcs7-signature",
    "image",
    "png",
    "jpeg",
    "gif",
    "svg+xml",
    "calendar",
    "csv",
    "audio",
    "video",
    "charset",
    "utf-8",
    "UTF-8",
    "us-ascii",
    "US-ASCII",
    "iso-8859-1",
    "ISO-8859-1",
    "iso-8859-15",
    "windows-1252",
    "Windows-1252",
    "boundary",
    "format",
    "flowed",
    "delsp",
    "yes",
    "no",
    "name",
    "filename",
    "size",
    "creation-date",
    "modification-date",
    "type",
    "text/html",
    "multipart/alternative",
    "protocol",
    "application/pgp-signature",
    "micalg",
    "report-type",
    "method",
    "7bit",
    "8bit",
    "binary",
    "base64",
    "quoted-printable",
    "attachment",
];

/// The code of a text, if it has one.
pub(super) fn code(text: &str) -> Option<u64> {
    // A short table of short texts; the length tells most of them apart.
    TEXTS.iter().zip(0..).find_map(|(known, code)| (*known == text).then_some(code))
}

/// The text that a code means.
pub(super) fn text(code: u64) -> Option<&'static str> {
    TEXTS.get(usize::try_from(code).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored structures hold these codes. A failure here means that old mail would be misread.
    #[test]
    fn codes_never_change() {
        for (known, text_of_code) in [(0, "text"), (11, "rfc822"), (30, "utf-8"), (39, "boundary"), (63, "attachment")]
        {
            assert_eq!((code(text_of_code), text(known)), (Some(known), Some(text_of_code)));
        }
        assert_eq!((code("Text"), text(64)), (None, None));
    }
}
