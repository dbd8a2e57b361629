//! Sections of a message (RFC 9051 §9 `section`).

use std::num::NonZeroU64;

use posthouse_mime::{Section, SectionKind};

use super::cursor::Cursor;
use super::{CommandError, Parsed};
use crate::limits::{MAX_HEADER_NAMES, MAX_SECTION_DEPTH};
use crate::question::Partial;

/// ```text
/// section         = "[" [section-spec] "]"
/// section-spec    = section-msgtext / (section-part ["." section-text])
/// section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
/// section-text    = section-msgtext / "MIME"
/// ```
pub(crate) fn section(cursor: &mut Cursor<'_>) -> Parsed<Section> {
    bracket(cursor, b'[')?;
    let (path, more) = part_numbers(cursor)?;
    let kind = if more { section_text(cursor, !path.is_empty())? } else { SectionKind::Full };
    bracket(cursor, b']')?;
    Ok(Section { path, kind })
}

/// `section-binary = "[" [section-part] "]"`
pub(crate) fn section_binary(cursor: &mut Cursor<'_>) -> Parsed<Section> {
    bracket(cursor, b'[')?;
    let (path, more) = part_numbers(cursor)?;
    if more && !path.is_empty() {
        return Err(CommandError::Expected("a part number"));
    }
    bracket(cursor, b']')?;
    Ok(Section { path, kind: SectionKind::Full })
}

/// `partial = "<" number64 "." nz-number64 ">"`
pub(crate) fn partial(cursor: &mut Cursor<'_>) -> Parsed<Option<Partial>> {
    const BAD: CommandError = CommandError::Expected("a partial range");
    if !cursor.take(b'<') {
        return Ok(None);
    }
    let offset = cursor.number64()?;
    if !cursor.take(b'.') {
        return Err(BAD);
    }
    let length = NonZeroU64::new(cursor.number64()?).ok_or(BAD)?;
    if !cursor.take(b'>') {
        return Err(BAD);
    }
    Ok(Some(Partial { offset, length }))
}

fn bracket(cursor: &mut Cursor<'_>, byte: u8) -> Parsed<()> {
    if cursor.take(byte) { Ok(()) } else { Err(CommandError::Expected("a section in brackets")) }
}

/// `section-part = nz-number *("." nz-number)`, which may be missing; and whether a text follows.
fn part_numbers(cursor: &mut Cursor<'_>) -> Parsed<(Vec<u32>, bool)> {
    let mut path = Vec::new();
    loop {
        if !cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            let more = !path.is_empty() || cursor.peek() != Some(b']');
            return Ok((path, more));
        }
        if path.len() == MAX_SECTION_DEPTH {
            return Err(CommandError::TooMany("part numbers"));
        }
        path.push(cursor.nonzero_number()?);
        if !cursor.take(b'.') {
            return Ok((path, false));
        }
    }
}

fn section_text(cursor: &mut Cursor<'_>, in_part: bool) -> Parsed<SectionKind> {
    if cursor.take_word("HEADER.FIELDS.NOT") {
        Ok(SectionKind::HeaderFieldsNot(header_list(cursor)?))
    } else if cursor.take_word("HEADER.FIELDS") {
        Ok(SectionKind::HeaderFields(header_list(cursor)?))
    } else if cursor.take_word("HEADER") {
        Ok(SectionKind::Header)
    } else if cursor.take_word("TEXT") {
        Ok(SectionKind::Text)
    } else if in_part && cursor.take_word("MIME") {
        Ok(SectionKind::Mime)
    } else {
        Err(CommandError::Expected("a section"))
    }
}

/// ```text
/// SP "(" header-fld-name *(SP header-fld-name) ")"
/// header-fld-name = astring
/// ```
///
/// A name goes back to the client in the answer, so it must be one that can stand in a header
/// (RFC 5322 §3.6.8 `ftext`).
fn header_list(cursor: &mut Cursor<'_>) -> Parsed<Vec<String>> {
    cursor.space()?;
    cursor.open()?;
    let mut names = Vec::new();
    loop {
        if names.len() == MAX_HEADER_NAMES {
            return Err(CommandError::TooMany("header fields"));
        }
        let name = cursor.text()?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
            return Err(CommandError::Expected("the name of a header field"));
        }
        names.push(name);
        if !cursor.take(b' ') {
            break;
        }
    }
    cursor.close()?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&[u32], SectionKind)>) {
        let mut cursor = Cursor::new(text.as_bytes());
        let read = section(&mut cursor).and_then(|section| cursor.end().map(|()| section)).ok();
        let expected = expected.map(|(path, kind)| Section { path: path.to_vec(), kind });
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn sections() {
        check("[]", Some((&[], SectionKind::Full)));
        check("[TEXT]", Some((&[], SectionKind::Text)));
        check("[1]", Some((&[1], SectionKind::Full)));
        check("[1.2.3]", Some((&[1, 2, 3], SectionKind::Full)));
        check("[4.1.mime]", Some((&[4, 1], SectionKind::Mime)));
        check("[2.HEADER]", Some((&[2], SectionKind::Header)));
        let names = || vec!["From".to_owned(), "To".to_owned()];
        check("[HEADER.FIELDS (From \"To\")]", Some((&[], SectionKind::HeaderFields(names()))));
        check("[3.header.fields.not (From {2}\r\nTo)]", Some((&[3], SectionKind::HeaderFieldsNot(names()))));
        for bad in [
            "",
            "[",
            "[MIME]",
            "[0]",
            "[1.]",
            "[.1]",
            "[1..2]",
            "[HEADER.FIELDS]",
            "[HEADER.FIELDS ()]",
            "[HEADER.X]",
            "[HEADER.FIELDS (\"a\\\"b:\")]",
            "[HEADER.FIELDS (\"a b\")]",
            "[1.FOO]",
            "[1 ]",
            "[TEXT",
        ] {
            check(bad, None);
        }
        check(&format!("[{}]", vec!["1"; MAX_SECTION_DEPTH + 1].join(".")), None);
    }
}
