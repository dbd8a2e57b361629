//! A message as signers see it: fields as they stand there, and a body.

use std::collections::HashMap;

/// The header of a message, and where its body begins.
pub(crate) struct Split {
    /// The header with its blank line; all of the message if it has none.
    pub header: Vec<u8>,
    /// The piece in which the body begins, and where in it.
    body: (usize, usize),
}

impl Split {
    /// Takes the header off a message that is in pieces, one after the other.
    pub fn of<P: AsRef<[u8]>>(pieces: &[P]) -> Self {
        let mut header = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let from = header.len();
            header.extend_from_slice(piece.as_ref());
            if let Some(end) = header_end(&header, from) {
                header.truncate(end);
                return Self { header, body: (at, end - from) };
            }
        }
        Self { header, body: (pieces.len(), 0) }
    }

    /// The body, from the same pieces.
    pub fn body<'a, P: AsRef<[u8]>>(&self, pieces: &'a [P]) -> impl Iterator<Item = &'a [u8]> {
        let (first, offset) = self.body;
        let pieces = pieces.iter().skip(first).map(AsRef::as_ref).enumerate();
        pieces.map(move |(at, piece)| if at == 0 { &piece[offset..] } else { piece })
    }
}

/// Where the body begins, if the header has its end; it had none before `from`.
fn header_end(header: &[u8], from: usize) -> Option<usize> {
    if header.starts_with(b"\r\n") {
        return Some(2);
    }
    let begin = from.saturating_sub(3);
    let at = header[begin..].windows(4).position(|octets| octets == b"\r\n\r\n")?;
    Some(begin + at + 4)
}

/// The fields of a header, as they stand there, each with its line ends.
pub(crate) fn fields(header: &[u8]) -> Vec<&[u8]> {
    let mut fields: Vec<&[u8]> = Vec::new();
    let mut begin = 0;
    let mut at = 0;
    while at < header.len() {
        let end = header[at..].iter().position(|octet| *octet == b'\n').map_or(header.len(), |end| at + end + 1);
        at = end;
        let goes_on = header.get(at).is_some_and(|octet| matches!(octet, b' ' | b'\t'));
        if !goes_on {
            fields.push(&header[begin..at]);
            begin = at;
        }
    }
    fields
}

/// The name of a field as it stands there; empty for what has none.
pub(crate) fn name_of(field: &[u8]) -> &[u8] {
    let colon = field.iter().position(|octet| *octet == b':').unwrap_or(0);
    // RFC 6376 §3.4.2: blanks before the colon do not belong to the name.
    field[..colon].trim_ascii_end()
}

/// Whether a field has this name.
pub(crate) fn has_name(field: &[u8], name: &str) -> bool {
    name_of(field).eq_ignore_ascii_case(name.as_bytes())
}

/// The value of a field, which begins behind its colon, without the line end behind it.
pub(crate) fn value_of(field: &[u8]) -> &[u8] {
    let value = field.iter().position(|octet| *octet == b':').map_or(&[][..], |colon| &field[colon + 1..]);
    value.strip_suffix(b"\r\n").unwrap_or(value)
}

/// Where the fields of a name are, from the first to the last.
pub(crate) struct FieldIndex {
    places: HashMap<Vec<u8>, Vec<usize>>,
}

impl FieldIndex {
    /// Of these fields.
    pub fn of(fields: &[&[u8]]) -> Self {
        let mut places: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        for (at, field) in fields.iter().enumerate().filter(|(_, field)| !name_of(field).is_empty()) {
            places.entry(name_of(field).to_ascii_lowercase()).or_default().push(at);
        }
        Self { places }
    }

    /// The fields that a list of names means: for each name the last field that is left, and none where there is none
    /// (RFC 6376 §5.4.2). `except` is the field that bears the list.
    pub fn select<'n>(&self, names: impl Iterator<Item = &'n str>, except: usize) -> Vec<usize> {
        let mut taken: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut selected = Vec::new();
        for name in names {
            let name = name.as_bytes().to_ascii_lowercase();
            let Some(places) = self.places.get(&name) else { continue };
            let taken = taken.entry(name).or_default();
            let mut left = places.iter().rev().filter(|place| **place != except).skip(*taken);
            if let Some(place) = left.next() {
                selected.push(*place);
                *taken += 1;
            }
        }
        selected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_bodies() {
        for (message, header, body) in [
            ("A: b\r\n\r\nbody\r\n", "A: b\r\n\r\n", "body\r\n"),
            ("A: b\r\n", "A: b\r\n", ""),
            ("\r\nA: b\r\n", "\r\n", "A: b\r\n"),
            ("", "", ""),
        ] {
            for at in 0..=message.len() {
                let (first, second) = message.split_at(at);
                let pieces = [first, second];
                let split = Split::of(&pieces);
                assert_eq!(split.header, header.as_bytes(), "{message:?} cut at {at}");
                let rest: Vec<u8> = split.body(&pieces).flatten().copied().collect();
                assert_eq!(rest, body.as_bytes(), "{message:?} cut at {at}");
            }
        }
    }

    #[test]
    fn selection_goes_from_the_bottom() {
        let header = b"A: 1\r\nB: 2\r\n c\r\nA : 3\r\nX\r\n\r\n";
        let fields = fields(header);
        let index = FieldIndex::of(&fields);
        let select = |names: &str, except| index.select(names.split(':'), except);
        assert_eq!(select("a:b:A:a:none", usize::MAX), [2, 1, 0]);
        assert_eq!(select("a:a", 2), [0]);
        assert_eq!(select("", usize::MAX), Vec::<usize>::new());
        assert_eq!((value_of(fields[1]), name_of(fields[2])), (&b" 2\r\n c"[..], &b"A"[..]));
    }
}
