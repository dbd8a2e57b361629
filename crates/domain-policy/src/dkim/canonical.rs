//! The form of a message that is signed.

use aws_lc_rs::digest::{Context, SHA256};

/// Octets that are collected before they are hashed.
const CHUNK_BYTES: usize = 4096;

/// How much may change on the way without breaking a signature (RFC 6376 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Canonicalization {
    /// Next to nothing.
    Simple,
    /// Blanks, folds, and the case of names.
    Relaxed,
}

/// What was hashed of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyDigest {
    /// SHA-256 of its canonical form, or of the first octets of that.
    pub hash: [u8; 32],
    /// Octets of its canonical form, hashed or not.
    pub octets: u64,
}

/// The hash of a body, taken piece by piece (RFC 6376 §3.4.3, §3.4.4, §3.7).
pub struct BodyHash {
    form: Canonicalization,
    context: Context,
    chunk: Vec<u8>,
    /// Octets of the canonical form that are still to be hashed, if not all are.
    left: Option<u64>,
    /// Octets of the canonical form so far.
    octets: u64,
    /// Whether blanks stand before what comes next.
    blank: bool,
    /// Ends of lines that count only if more follows.
    line_ends: u64,
    /// Whether a CR may begin the end of a line.
    carriage_return: bool,
    /// Whether there has been anything but ends of lines.
    any: bool,
}

impl BodyHash {
    /// Of nothing so far. `limit`: only so many octets of the canonical form are hashed.
    #[must_use]
    pub fn new(form: Canonicalization, limit: Option<u64>) -> Self {
        Self {
            form,
            context: Context::new(&SHA256),
            chunk: Vec::with_capacity(CHUNK_BYTES),
            left: limit,
            octets: 0,
            blank: false,
            line_ends: 0,
            carriage_return: false,
            any: false,
        }
    }

    /// Adds what comes next of the body.
    pub fn update(&mut self, piece: &[u8]) {
        let is_relaxed = self.form == Canonicalization::Relaxed;
        for &octet in piece {
            if std::mem::take(&mut self.carriage_return) {
                if octet == b'\n' {
                    // Blanks at the end of a line are none.
                    self.blank = false;
                    self.line_ends += 1;
                    continue;
                }
                self.text(b'\r');
            }
            match octet {
                b'\r' => self.carriage_return = true,
                b' ' | b'\t' if is_relaxed => self.blank = true,
                _ => self.text(octet),
            }
        }
    }

    /// The hash of all that was added.
    #[must_use]
    pub fn finish(mut self) -> BodyDigest {
        if self.carriage_return {
            self.text(b'\r');
        }
        // Empty lines at the end are left out; in relaxed form also lines that blanks are all of. A body of nothing is
        // one empty line in simple form, and nothing in relaxed form.
        if self.any || self.form == Canonicalization::Simple {
            self.put(b"\r\n");
        }
        self.context.update(&self.chunk);
        let hash = self.context.finish().as_ref().try_into().expect("SHA-256 has 32 octets");
        BodyDigest { hash, octets: self.octets }
    }

    fn text(&mut self, octet: u8) {
        for _ in 0..std::mem::take(&mut self.line_ends) {
            self.put(b"\r\n");
        }
        if std::mem::take(&mut self.blank) {
            self.put(b" ");
        }
        self.any = true;
        self.put(&[octet]);
    }

    fn put(&mut self, octets: &[u8]) {
        self.octets += octets.len() as u64;
        match &mut self.left {
            None => self.chunk.extend_from_slice(octets),
            Some(left) => {
                let hashed = octets.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= hashed as u64;
                self.chunk.extend_from_slice(&octets[..hashed]);
            }
        }
        if self.chunk.len() >= CHUNK_BYTES {
            self.context.update(&self.chunk);
            self.chunk.clear();
        }
    }
}

/// A header field in relaxed form, without its CRLF (RFC 6376 §3.4.2). `field` may have it or not; it is what stands in
/// the message, folded or not.
#[must_use]
pub fn relaxed_field(field: &[u8]) -> Vec<u8> {
    let colon = field.iter().position(|octet| *octet == b':').unwrap_or(field.len());
    let (name, value) = field.split_at(colon);
    let mut form: Vec<u8> = name.trim_ascii_end().to_ascii_lowercase();
    form.push(b':');
    let begin = form.len();
    let mut blank = false;
    for &octet in value.strip_prefix(b":").unwrap_or(value) {
        match octet {
            // Unfolding takes the line ends out and leaves the blanks after them.
            b'\r' | b'\n' => {}
            b' ' | b'\t' => blank = true,
            _ => {
                if std::mem::take(&mut blank) && form.len() > begin {
                    form.push(b' ');
                }
                form.push(octet);
            }
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::digest;
    use proptest::prelude::*;

    use super::*;

    fn hash(body: &[u8]) -> [u8; 32] {
        hash_in(Canonicalization::Relaxed, body, None).hash
    }

    fn hash_in(form: Canonicalization, body: &[u8], limit: Option<u64>) -> BodyDigest {
        let mut hash = BodyHash::new(form, limit);
        hash.update(body);
        hash.finish()
    }

    fn sha256(text: &str) -> [u8; 32] {
        digest(&SHA256, text.as_bytes()).as_ref().try_into().unwrap()
    }

    fn expect(body: &str, canonical: &str) {
        check(Canonicalization::Relaxed, body, canonical);
    }

    fn check(form: Canonicalization, body: &str, canonical: &str) {
        let octets = canonical.len() as u64;
        assert_eq!(hash_in(form, body.as_bytes(), None), BodyDigest { hash: sha256(canonical), octets }, "{body:?}");
        for limit in 0..=octets {
            let expected = BodyDigest { hash: sha256(&canonical[..limit as usize]), octets };
            assert_eq!(hash_in(form, body.as_bytes(), Some(limit)), expected, "{limit} octets of {body:?}");
        }
    }

    #[test]
    fn bodies_in_simple_form() {
        for (body, canonical) in [
            (" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n"),
            ("", "\r\n"),
            ("\r\n\r\n", "\r\n"),
            (" \r\n\r\n", " \r\n"),
            ("text", "text\r\n"),
            ("a\r\n\r\nb\r", "a\r\n\r\nb\r\r\n"),
        ] {
            check(Canonicalization::Simple, body, canonical);
        }
    }

    #[test]
    fn bodies() {
        // The example of RFC 6376 §3.4.5.
        expect(" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n");
        expect("", "");
        expect("\r\n\r\n", "");
        expect("  \t \r\n \r\n", "");
        expect("text", "text\r\n");
        expect("text  ", "text\r\n");
        expect("one\r\n\r\n two\r\n", "one\r\n\r\n two\r\n");
        expect("a\rb\r\n", "a\rb\r\n");
        expect("a\r", "a\r\r\n");
        expect("a \r\r\n", "a \r\r\n");
        expect("a\nb", "a\nb\r\n");
    }

    #[test]
    fn fields() {
        for (field, canonical) in [
            ("A: X\r\n", "a:X"),
            ("B : Y\t\r\n\tZ  \r\n", "b:Y Z"),
            ("Subject:  many   blanks ", "subject:many blanks"),
            ("Empty:\r\n", "empty:"),
            ("no colon", "no colon:"),
        ] {
            assert_eq!(String::from_utf8(relaxed_field(field.as_bytes())).unwrap(), canonical);
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(body in "[ab \t\r\n]{0,60}", at in 0usize..60) {
            let (first, second) = body.as_bytes().split_at(at.min(body.len()));
            for form in [Canonicalization::Simple, Canonicalization::Relaxed] {
                let mut pieces = BodyHash::new(form, None);
                pieces.update(first);
                pieces.update(second);
                prop_assert_eq!(pieces.finish(), hash_in(form, body.as_bytes(), None));
            }
        }

        /// The definition, line by line, says the same.
        #[test]
        fn it_is_what_the_standard_says(body in "([ab \t]{0,4}(\r\n)?){0,20}") {
            let mut lines: Vec<String> = body.split("\r\n").map(|line| {
                let mut out = String::new();
                for c in line.chars() {
                    match c {
                        ' ' | '\t' if out.ends_with(' ') => {}
                        ' ' | '\t' => out.push(' '),
                        other => out.push(other),
                    }
                }
                out.trim_end().to_owned()
            }).collect();
            while lines.last().is_some_and(String::is_empty) {
                lines.pop();
            }
            let canonical: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let expected: [u8; 32] = digest(&SHA256, canonical.as_bytes()).as_ref().try_into().unwrap();
            prop_assert_eq!(hash(body.as_bytes()), expected);
        }
    }
}
