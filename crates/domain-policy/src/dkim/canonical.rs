//! The form of a message that is signed.

use aws_lc_rs::digest::{Context, SHA256};

/// Octets that are collected before they are hashed.
const CHUNK_BYTES: usize = 4096;

/// The hash of a body in relaxed form, taken piece by piece (RFC 6376 §3.4.4, §3.7).
pub struct BodyHash {
    context: Context,
    chunk: Vec<u8>,
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
    /// Of nothing so far.
    #[must_use]
    pub fn new() -> Self {
        Self {
            context: Context::new(&SHA256),
            chunk: Vec::with_capacity(CHUNK_BYTES),
            blank: false,
            line_ends: 0,
            carriage_return: false,
            any: false,
        }
    }

    /// Adds what comes next of the body.
    pub fn update(&mut self, piece: &[u8]) {
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
                b' ' | b'\t' => self.blank = true,
                _ => self.text(octet),
            }
        }
    }

    /// The hash of all that was added.
    #[must_use]
    pub fn finish(mut self) -> [u8; 32] {
        if self.carriage_return {
            self.text(b'\r');
        }
        // A last line that blanks are all of is an empty one, and those at the end are left out.
        if self.any {
            self.chunk.extend_from_slice(b"\r\n");
        }
        self.context.update(&self.chunk);
        self.context.finish().as_ref().try_into().expect("SHA-256 has 32 octets")
    }

    fn text(&mut self, octet: u8) {
        for _ in 0..std::mem::take(&mut self.line_ends) {
            self.chunk.extend_from_slice(b"\r\n");
            self.flush_if_long();
        }
        if std::mem::take(&mut self.blank) {
            self.chunk.push(b' ');
        }
        self.chunk.push(octet);
        self.any = true;
        self.flush_if_long();
    }

    fn flush_if_long(&mut self) {
        if self.chunk.len() >= CHUNK_BYTES {
            self.context.update(&self.chunk);
            self.chunk.clear();
        }
    }
}

impl Default for BodyHash {
    fn default() -> Self {
        Self::new()
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
        let mut hash = BodyHash::new();
        hash.update(body);
        hash.finish()
    }

    fn expect(body: &str, canonical: &str) {
        let expected: [u8; 32] = digest(&SHA256, canonical.as_bytes()).as_ref().try_into().unwrap();
        assert_eq!(hash(body.as_bytes()), expected, "{body:?}");
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
            let mut pieces = BodyHash::new();
            pieces.update(first);
            pieces.update(second);
            prop_assert_eq!(pieces.finish(), hash(body.as_bytes()));
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
