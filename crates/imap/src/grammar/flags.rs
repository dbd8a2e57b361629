//! Flags (RFC 9051 §9 `flag`, `flag-list`).

use posthouse_model::{Flags, Keyword, SystemFlag};

use super::cursor::Cursor;
use super::{CommandError, Parsed};

/// `flag-list = "(" [flag *(SP flag)] ")"`
pub(crate) fn flag_list(cursor: &mut Cursor<'_>) -> Parsed<Flags> {
    cursor.open()?;
    let mut flags = Flags::none();
    if cursor.take(b')') {
        return Ok(flags);
    }
    one_or_more(cursor, &mut flags)?;
    cursor.close()?;
    Ok(flags)
}

/// `flag-list / (flag *(SP flag))`, as STORE has it.
pub(crate) fn flag_list_or_flags(cursor: &mut Cursor<'_>) -> Parsed<Flags> {
    if cursor.peek() == Some(b'(') {
        return flag_list(cursor);
    }
    let mut flags = Flags::none();
    one_or_more(cursor, &mut flags)?;
    Ok(flags)
}

fn one_or_more(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Parsed<()> {
    loop {
        flag(cursor, flags)?;
        if !cursor.take(b' ') {
            return Ok(());
        }
    }
}

/// ```text
/// flag           = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
/// flag-extension = "\" atom
/// ```
///
/// `\Recent` cannot be set by a client (RFC 3501 §2.3.2) and is left out without a word, because old clients send
/// back what they fetched. Other extensions are refused.
fn flag(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Parsed<()> {
    if cursor.take(b'\\') {
        let name = cursor.atom()?;
        match SystemFlag::EACH.into_iter().find(|flag| flag.name()[1..].eq_ignore_ascii_case(name)) {
            Some(flag) => flags.insert(flag),
            None if name.eq_ignore_ascii_case("Recent") => {}
            None => return Err(CommandError::Expected("a flag that a client may set")),
        }
        return Ok(());
    }
    let keyword = keyword(cursor)?;
    if flags.insert_keyword(keyword) { Ok(()) } else { Err(CommandError::TooMany("keywords")) }
}

/// `flag-keyword = atom`
pub(crate) fn keyword(cursor: &mut Cursor<'_>) -> Parsed<Keyword> {
    Keyword::parse(cursor.atom()?).map_err(|_| CommandError::BadKeyword)
}
