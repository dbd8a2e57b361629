//! Header fields in which a mailbox file keeps what is known of a message.

use std::fmt::Write;

use posthouse_model::{Flags, Keyword, SystemFlag};

use crate::Key;

/// Ours: the key of a message that was written, and how many octets follow this field up to its end.
const KEY_FIELD: &str = "X-Posthouse-Key";
/// Fields that belong to the file and not to the message.
const FIELDS: [&str; 10] = [
    "status",
    "x-status",
    "x-keywords",
    "x-uid",
    "x-imap",
    "x-imapbase",
    "x-mozilla-status",
    "x-mozilla-status2",
    "x-mozilla-keys",
    "x-posthouse-key",
];
/// In files that have it, it says where a message ends.
const LENGTH_FIELD: &str = "content-length";
/// What Alpine and others call the first message of a file, which is none.
const INTERNAL_SUBJECT: &[u8] = b"FOLDER INTERNAL DATA";

/// What the fields of a message say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub flags: Flags,
    /// Octets of the text after the header.
    pub length: Option<u64>,
    /// The key that it was written with, and how many octets it has after that field.
    pub written: Option<(Key, u64)>,
    has_imap: bool,
    has_internal_subject: bool,
}

impl Fields {
    /// Whether this is no message but a note of the program that made the file.
    pub fn is_internal(&self) -> bool {
        self.has_imap && self.has_internal_subject
    }

    /// Takes in a field; whether it is one of the file's.
    pub fn take(&mut self, line: &[u8]) -> bool {
        let Some(colon) = memchr::memchr(b':', line) else { return false };
        let name = String::from_utf8_lossy(line[..colon].trim_ascii_end()).to_ascii_lowercase();
        let value = String::from_utf8_lossy(&line[colon + 1..]);
        let value = value.trim();
        match name.as_str() {
            "status" if value.contains('R') => self.flags.insert(SystemFlag::Seen),
            "x-status" => {
                for (letter, flag) in X_STATUS {
                    if value.contains(letter) {
                        self.flags.insert(flag);
                    }
                }
            }
            "x-keywords" | "x-mozilla-keys" => self.take_keywords(value),
            "x-mozilla-status" => self.take_mozilla(value),
            "x-imap" => self.has_imap = true,
            "subject" => {
                self.has_internal_subject = memchr::memmem::find(value.as_bytes(), INTERNAL_SUBJECT).is_some();
            }
            LENGTH_FIELD => self.length = value.parse().ok(),
            "x-posthouse-key" => self.written = read_key(value),
            _ => {}
        }
        FIELDS.contains(&name.as_str())
    }

    fn take_keywords(&mut self, value: &str) {
        for keyword in value.split([' ', '\t', ',']).filter_map(|word| Keyword::parse(word).ok()) {
            self.flags.insert_keyword(keyword);
        }
    }

    /// Thunderbird's bits.
    fn take_mozilla(&mut self, value: &str) {
        let bits = u16::from_str_radix(value, 16).unwrap_or(0);
        for (bit, flag) in [
            (0x1, SystemFlag::Seen),
            (0x2, SystemFlag::Answered),
            (0x4, SystemFlag::Flagged),
            (0x8, SystemFlag::Deleted),
        ] {
            if bits & bit != 0 {
                self.flags.insert(flag);
            }
        }
        if bits & 0x1000 != 0
            && let Ok(forwarded) = Keyword::parse("$Forwarded")
        {
            self.flags.insert_keyword(forwarded);
        }
    }
}

const X_STATUS: [(char, SystemFlag); 4] =
    [('A', SystemFlag::Answered), ('F', SystemFlag::Flagged), ('D', SystemFlag::Deleted), ('T', SystemFlag::Draft)];

fn read_key(value: &str) -> Option<(Key, u64)> {
    let (key, octets) = value.split_once(' ')?;
    Some((Key::parse(key)?, octets.parse().ok()?))
}

/// The fields of a message that is being written, of which so many octets follow them. Ours comes first, so that one
/// that was not written whole is known.
pub(super) fn written(flags: &Flags, key: Key, octets: usize) -> String {
    let status = status(flags);
    format!("{KEY_FIELD}: {key} {}\n{status}", status.len() + octets)
}

/// Whether this is the beginning of a message of ours, whose first field is not whole.
pub(super) fn is_begun(octets: &[u8]) -> bool {
    let begin = format!("{KEY_FIELD}: ");
    let is_field = octets.starts_with(begin.as_bytes()) && !octets.contains(&b'\n');
    is_field || begin.as_bytes().starts_with(octets)
}

fn status(flags: &Flags) -> String {
    let mut text = format!("Status: {}O\n", if flags.has(SystemFlag::Seen) { "R" } else { "" });
    let letters: String = X_STATUS.iter().filter(|(_, flag)| flags.has(*flag)).map(|(letter, _)| *letter).collect();
    // Writing to a string cannot fail.
    if !letters.is_empty() {
        let _ = writeln!(text, "X-Status: {letters}");
    }
    if !flags.keywords().is_empty() {
        let words: Vec<&str> = flags.keywords().iter().map(Keyword::as_str).collect();
        let _ = writeln!(text, "X-Keywords: {}", words.join(" "));
    }
    text
}

/// A message without the fields of the file, and what they say. With `has_length`, that of the length is one of them.
pub(super) fn taken_out(octets: &[u8], has_length: bool) -> (Vec<u8>, Fields) {
    let mut fields = Fields::default();
    let mut out = Vec::with_capacity(octets.len());
    let mut rest = octets;
    let mut is_taken = false;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        if line.trim_ascii().is_empty() {
            break;
        }
        let is_folded = line.starts_with(b" ") || line.starts_with(b"\t");
        if !is_folded {
            let is_length = line.len() > LENGTH_FIELD.len()
                && line[..LENGTH_FIELD.len()].eq_ignore_ascii_case(LENGTH_FIELD.as_bytes());
            is_taken = fields.take(line) || (has_length && is_length);
        }
        if !is_taken {
            out.extend_from_slice(line);
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    (out, fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, message: &str, flags: &str) {
        let (out, fields) = taken_out(text.as_bytes(), false);
        assert_eq!(String::from_utf8(out).unwrap(), message, "{text:?}");
        let system = fields.flags.system().map(|flag| flag.name().to_owned());
        let keywords = fields.flags.keywords().iter().map(ToString::to_string);
        assert_eq!(system.chain(keywords).collect::<Vec<_>>().join(" "), flags, "{text:?}");
    }

    #[test]
    fn flags_stand_in_fields() {
        check(
            "Status: RO\nX-Status: AFDT\nSubject: x\n\nStatus: b\n",
            "Subject: x\n\nStatus: b\n",
            "\\Answered \\Flagged \\Deleted \\Seen \\Draft",
        );
        check("A: b\nX-Keywords: $Junk  b\n\tfolded\nX-UID: 5\n\n", "A: b\n\n", "$Junk b");
        check("status: o\r\nA: b\r\n\r\nx", "A: b\r\n\r\nx", "");
        check(
            "X-Mozilla-Status: 1005\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: $label1\n\nx",
            "\nx",
            "\\Flagged \\Seen $Forwarded $label1",
        );
        check("", "", "");
        check("no header at all\n", "no header at all\n", "");
        check("Status\n: R\n\n", "Status\n: R\n\n", "");
    }

    #[test]
    fn what_is_written_is_read() {
        let mut flags = Flags::from_bits(0x1f);
        flags.insert_keyword(Keyword::parse("$a").unwrap());
        for flags in [Flags::none(), flags] {
            let key = Key::of(&[b"x"]);
            let text = format!("{}Subject: x\n\nbody", written(&flags, key, 17));
            let (out, fields) = taken_out(text.as_bytes(), false);
            assert_eq!(out, b"Subject: x\n\nbody");
            let told = fields.written.map(|(key, octets)| (key, octets as usize));
            assert_eq!((&fields.flags, told), (&flags, Some((key, status(&flags).len() + 17))));
        }
    }

    #[test]
    fn notes_of_programs_are_no_messages() {
        let (_, fields) =
            taken_out(b"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\n", false);
        assert!(fields.is_internal());
        let (_, fields) = taken_out(b"X-IMAP: 1 2\nSubject: hello\n\n", false);
        assert!(!fields.is_internal());
        assert_eq!(taken_out(b"Content-Length: 5\nA: b\n\n", true).0, b"A: b\n\n");
    }
}
