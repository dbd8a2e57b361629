//! Where the messages of a file begin and end.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use posthouse_model::UnixMillis;

use super::fields::Fields;
use super::from_line::{self, MARK};
use crate::Key;
use crate::limits::MAX_FOLDER_MESSAGES;

/// Longest piece of a line that is looked at at once, in octets.
const MAX_PIECE_BYTES: u64 = 64 * 1024;

/// How a file keeps lines of messages apart from its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// mboxrd: `>From ` has had one `>` less, however many there are.
    Rd,
    /// mboxo: only `>From ` has had one less.
    O,
    /// mboxcl2: nothing is marked; `Content-Length` says where a message ends.
    Cl2,
}

/// A message in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where the line before it begins.
    pub from: u64,
    /// Where it begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// The date of the line before it.
    pub date: Option<UnixMillis>,
    /// Names it among those of the file: of what it says, and which of several that say the same it is.
    pub key: Key,
    /// The key with which it was written by us, and up to where.
    pub written: Option<(Key, u64)>,
    /// Whether it is no message.
    pub is_internal: bool,
}

/// Finds the messages of a file. Everything before the first one that looks like one is an error.
pub(super) fn find(file: &File, form: Form) -> io::Result<Vec<Entry>> {
    let mut finder = Finder { entries: Vec::new(), current: None, position: 0, file, form };
    let mut reader = BufReader::with_capacity(1 << 18, file);
    reader.seek(SeekFrom::Start(0))?;
    let (mut is_line_start, mut after_blank) = (true, true);
    let mut piece = Vec::new();
    loop {
        piece.clear();
        if (&mut reader).take(MAX_PIECE_BYTES).read_until(b'\n', &mut piece)? == 0 {
            break;
        }
        let starts = is_line_start && after_blank && piece.starts_with(MARK);
        let skipped = finder.take(&piece, is_line_start, starts)?;
        if let Some(to) = skipped {
            reader.seek(SeekFrom::Start(to))?;
            finder.position = to;
            // What follows was looked at: the end of the file, or a line that begins a message.
            (is_line_start, after_blank) = (true, true);
            continue;
        }
        after_blank = is_line_start && matches!(&piece[..], b"\n" | b"\r\n");
        is_line_start = piece.ends_with(b"\n");
    }
    finder.end_message(finder.position, 0);
    Ok(finder.entries)
}

struct Finder<'a> {
    entries: Vec<Entry>,
    current: Option<Current>,
    position: u64,
    file: &'a File,
    form: Form,
}

struct Current {
    from: u64,
    start: u64,
    date: Option<UnixMillis>,
    hasher: blake3::Hasher,
    fields: Fields,
    in_header: bool,
    is_taken: bool,
    /// Octets of an empty line that may be the one before the next message.
    blank: &'static [u8],
    /// Where octets are counted from that were told with the key.
    written_from: u64,
}

impl Finder<'_> {
    /// Takes in a piece of the file. Returns where to go on, if that is not after it.
    fn take(&mut self, piece: &[u8], is_line_start: bool, starts: bool) -> io::Result<Option<u64>> {
        let from = self.position;
        self.position += piece.len() as u64;
        let date = if starts { from_line::date(piece) } else { None };
        // The first line of a file need not be well made to be one.
        if date.is_some() || (starts && from == 0) {
            let blank = self.current.as_ref().map_or(0, |current| current.blank.len() as u64);
            self.end_message(from, blank);
            if self.entries.len() >= MAX_FOLDER_MESSAGES {
                return Err(io::Error::other(format!("there are more than {MAX_FOLDER_MESSAGES} messages in it")));
            }
            self.current = Some(Current::new(from, self.position, date));
            return Ok(None);
        }
        let Some(current) = &mut self.current else {
            return match piece.trim_ascii().is_empty() {
                true => Ok(None),
                false => Err(io::Error::other("it does not begin with `From `: it is no mbox")),
            };
        };
        let is_end = current.take(piece, is_line_start, self.position);
        match (is_end, self.form, current.fields.length) {
            (true, Form::Cl2, Some(length)) => self.skip(length),
            _ => Ok(None),
        }
    }

    /// Passes over the text of a message whose header says how long it is, if there is a message or the end after it.
    fn skip(&mut self, length: u64) -> io::Result<Option<u64>> {
        let size = self.file.metadata()?.len();
        let Some(end) = self.position.checked_add(length).filter(|end| *end <= size) else { return Ok(None) };
        let mut after = [0; 7];
        let count = self.file.read_at(&mut after, end)?;
        let after = &after[..count];
        let blank: &[u8] = if after.starts_with(b"\r\n") {
            b"\r\n"
        } else if after.starts_with(b"\n") {
            b"\n"
        } else {
            b""
        };
        let rest = &after[blank.len()..];
        if !(rest.starts_with(MARK) || (rest.is_empty() && end + blank.len() as u64 == size)) {
            return Ok(None);
        }
        if let Some(current) = &mut self.current {
            let mut reader = BufReader::new(self.file);
            reader.seek(SeekFrom::Start(self.position))?;
            let mut text = reader.take(length);
            loop {
                let some = text.fill_buf()?;
                if some.is_empty() {
                    break;
                }
                current.hasher.update(some);
                let count = some.len();
                text.consume(count);
            }
        }
        self.end_message(end, 0);
        Ok(Some(end + blank.len() as u64))
    }

    fn end_message(&mut self, at: u64, blank: u64) {
        let Some(current) = self.current.take() else { return };
        // At the end of the file the empty line is there or is missing.
        let blank = if blank == 0 { current.blank.len() as u64 } else { blank };
        let key = Key::of(&[&current.hasher.finalize().as_bytes()[..16]]);
        let written = current.fields.written.map(|(key, octets)| (key, current.written_from.saturating_add(octets)));
        self.entries.push(Entry {
            from: current.from,
            start: current.start,
            end: at.saturating_sub(blank).max(current.start),
            date: current.date,
            key,
            written,
            is_internal: current.fields.is_internal(),
        });
    }
}

impl Current {
    fn new(from: u64, start: u64, date: Option<UnixMillis>) -> Self {
        Self {
            from,
            start,
            date,
            hasher: blake3::Hasher::new(),
            fields: Fields::default(),
            in_header: true,
            is_taken: false,
            blank: b"",
            written_from: start,
        }
    }

    /// Takes in a piece of a message, which ends at `position`; whether it is the line that ends the header.
    fn take(&mut self, piece: &[u8], is_line_start: bool, position: u64) -> bool {
        self.hasher.update(self.blank);
        self.blank = match piece {
            b"\n" if is_line_start => b"\n",
            b"\r\n" if is_line_start => b"\r\n",
            _ => b"",
        };
        let is_end = self.in_header && !self.blank.is_empty();
        if is_end {
            // It belongs to the message even if another follows.
            self.hasher.update(self.blank);
            self.blank = b"";
        }
        self.in_header &= !is_end;
        if self.in_header && is_line_start && !piece.starts_with(b" ") && !piece.starts_with(b"\t") {
            let had_key = self.fields.written.is_some();
            self.is_taken = self.fields.take(piece);
            if !had_key && self.fields.written.is_some() {
                self.written_from = position;
            }
        }
        let is_other = self.in_header && self.is_taken;
        if !is_end && !is_other && self.blank.is_empty() {
            self.hasher.update(piece);
        }
        is_end
    }
}

/// Undoes the marks before lines that begin with `From `.
pub(super) fn unmarked(octets: &[u8], form: Form) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    for line in octets.split_inclusive(|&octet| octet == b'\n') {
        let marks = line.iter().take_while(|&&octet| octet == b'>').count();
        let is_marked = match form {
            Form::Rd => marks > 0,
            Form::O => marks == 1,
            Form::Cl2 => false,
        };
        let is_marked = is_marked && line[marks..].starts_with(MARK);
        out.extend_from_slice(&line[usize::from(is_marked)..]);
    }
    out
}

/// Puts marks before lines that begin with `From `, after any number of marks.
pub(super) fn marked(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    for line in octets.split_inclusive(|&octet| octet == b'\n') {
        let marks = line.iter().take_while(|&&octet| octet == b'>').count();
        if line[marks..].starts_with(MARK) {
            out.push(b'>');
        }
        out.extend_from_slice(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    const LINE: &str = "From ann Sat Jan  3 01:05:34 1996\n";

    fn found(text: &str, form: Form) -> io::Result<Vec<String>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let entries = find(&file, form)?;
        Ok(entries.iter().map(|entry| text[entry.start as usize..entry.end as usize].to_owned()).collect())
    }

    fn check(text: &str, form: Form, expected: &[&str]) {
        let text = text.replace("@@", LINE);
        assert_eq!(found(&text, form).unwrap(), expected, "{text}");
    }

    #[test]
    fn messages_are_found() {
        check("", Form::Rd, &[]);
        check("\n\n", Form::Rd, &[]);
        check("@@", Form::Rd, &[""]);
        check("@@A: b\n\nx\n", Form::Rd, &["A: b\n\nx\n"]);
        check("@@A: b\n\nx\n\n@@B: c\n\ny\n\n", Form::Rd, &["A: b\n\nx\n", "B: c\n\ny\n"]);
        check("@@A: b\n\nx\n\n\n@@\n@@", Form::Rd, &["A: b\n\nx\n\n", "\n", ""]);
        check("@@A: b\n\nx\n@@y\n", Form::Rd, &[&format!("A: b\n\nx\n{LINE}y\n")]);
        check(
            "@@A: b\n\nFrom here to there\n\nFrom then on\n",
            Form::Rd,
            &["A: b\n\nFrom here to there\n\nFrom then on\n"],
        );
        check("@@A: b\r\n\r\nx\r\n\r\n@@B: c\r\n", Form::Rd, &["A: b\r\n\r\nx\r\n", "B: c\r\n"]);
    }

    #[test]
    fn lengths_are_believed_where_they_fit() {
        let body = format!("x\n\n{LINE}y\n");
        let length = body.len();
        let text = format!("{LINE}Content-Length: {length}\n\n{body}\n{LINE}B: c\n\n");
        assert_eq!(found(&text, Form::Rd).unwrap().len(), 3);
        let expected = [format!("Content-Length: {length}\n\n{body}"), "B: c\n\n".to_owned()];
        assert_eq!(found(&text, Form::Cl2).unwrap(), expected);
        for wrong in ["9999999", "18446744073709551615", "3", "x"] {
            let text = format!("{LINE}Content-Length: {wrong}\n\n{body}\n{LINE}B: c\n\n");
            assert_eq!(found(&text, Form::Cl2).unwrap().len(), 3, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_mbox_is_refused() {
        assert!(found("hello\n", Form::Rd).unwrap_err().to_string().contains("no mbox"));
        assert_eq!(found(&format!("From odd\nA: b\n\n{LINE}"), Form::Rd).unwrap().len(), 2);
        let long = format!("{LINE}A: {}\n\nx\n", "y".repeat(300_000));
        assert_eq!(found(&long, Form::Rd).unwrap(), [&long[LINE.len()..]]);
    }

    #[test]
    fn keys_stay_when_flags_change() {
        let key = |text: &str| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            find(&file, Form::Rd).unwrap().into_iter().map(|entry| entry.key).collect::<Vec<_>>()
        };
        let one = key(&format!("{LINE}A: b\n\nx\n"));
        assert_eq!(one, key(&format!("{LINE}Status: RO\nA: b\nX-Keywords: a\n b\n\nx\n\n")));
        assert_ne!(one, key(&format!("{LINE}A: b\n\ny\n")));
    }

    proptest! {
        #[test]
        fn marks_come_off_again(text in "(>{0,2}From x\n|a\n|>b\n|From){0,6}") {
            let there = marked(text.as_bytes());
            prop_assert!(!there.split(|&b| b == b'\n').any(|line| line.starts_with(MARK)));
            prop_assert_eq!(unmarked(&there, Form::Rd), text.as_bytes());
        }
    }
}
