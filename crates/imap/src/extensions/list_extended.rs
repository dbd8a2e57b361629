//! LIST-EXTENDED (RFC 5258), LIST-STATUS (RFC 5819) and the options of SPECIAL-USE (RFC 6154 §2).

use posthouse_model::EntryName;

use crate::extensions::metadata::entries;
use crate::grammar::cursor::Cursor;
use crate::grammar::status::status_items;
use crate::grammar::{CommandError, Parsed};
use crate::limits::MAX_LIST_PATTERNS;
use crate::question::StatusItems;

/// Which names a LIST selects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) subscribed: bool,
    pub(crate) special_use: bool,
    pub(crate) recursive_match: bool,
}

/// What a LIST returns of them, beyond what it always does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReturnOptions {
    pub(crate) subscribed: bool,
    pub(crate) status: Option<StatusItems>,
    /// RFC 9590
    pub(crate) metadata: Vec<EntryName>,
    /// RFC 8440 §3.
    pub(crate) my_rights: bool,
}

/// ```text
/// list-select-opts = "(" [list-select-opt *(SP list-select-opt)] ")"
/// list-select-opt  = "SUBSCRIBED" / "REMOTE" / "RECURSIVEMATCH" / "SPECIAL-USE"
/// ```
///
/// There are no remote mailboxes here, so REMOTE adds none. RECURSIVEMATCH cannot stand alone, nor with REMOTE only.
pub(crate) fn selection(cursor: &mut Cursor<'_>) -> Parsed<Selection> {
    let mut selection = Selection::default();
    cursor.open()?;
    if cursor.take(b')') {
        return Ok(selection);
    }
    loop {
        let name = cursor.atom()?;
        if name.eq_ignore_ascii_case("SUBSCRIBED") {
            selection.subscribed = true;
        } else if name.eq_ignore_ascii_case("SPECIAL-USE") {
            selection.special_use = true;
        } else if name.eq_ignore_ascii_case("RECURSIVEMATCH") {
            selection.recursive_match = true;
        } else if !name.eq_ignore_ascii_case("REMOTE") {
            return Err(CommandError::Expected("a known option of LIST"));
        }
        if !cursor.take(b' ') {
            break;
        }
    }
    cursor.close()?;
    if selection.recursive_match && !(selection.subscribed || selection.special_use) {
        return Err(CommandError::Expected("something for RECURSIVEMATCH to match"));
    }
    Ok(selection)
}

/// ```text
/// list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
/// return-option    = "SUBSCRIBED" / "CHILDREN" / "SPECIAL-USE" / "STATUS" SP "(" status-att *(SP status-att) ")"
///                  / "METADATA" SP entries                                    ; RFC 9590
///                  / "MYRIGHTS"                                               ; RFC 8440
/// ```
///
/// CHILDREN and SPECIAL-USE are always returned.
pub(crate) fn return_options(cursor: &mut Cursor<'_>) -> Parsed<ReturnOptions> {
    let mut options = ReturnOptions::default();
    if !cursor.take_word("RETURN ") {
        return Err(CommandError::Expected("RETURN"));
    }
    cursor.open()?;
    if cursor.take(b')') {
        return Ok(options);
    }
    loop {
        let name = cursor.atom()?;
        if name.eq_ignore_ascii_case("SUBSCRIBED") {
            options.subscribed = true;
        } else if name.eq_ignore_ascii_case("MYRIGHTS") {
            options.my_rights = true;
        } else if name.eq_ignore_ascii_case("STATUS") {
            cursor.space()?;
            options.status = Some(status_items(cursor)?);
        } else if name.eq_ignore_ascii_case("METADATA") {
            cursor.space()?;
            options.metadata = entries(cursor)?;
        } else if !["CHILDREN", "SPECIAL-USE"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(CommandError::Expected("a known RETURN option"));
        }
        if !cursor.take(b' ') {
            break;
        }
    }
    cursor.close()?;
    Ok(options)
}

/// `mbox-or-pat = list-mailbox / "(" list-mailbox *(SP list-mailbox) ")"`; and whether it was the longer form.
pub(crate) fn patterns(cursor: &mut Cursor<'_>) -> Parsed<(Vec<Vec<u8>>, bool)> {
    if !cursor.take(b'(') {
        return Ok((vec![cursor.list_mailbox()?.into_owned()], false));
    }
    let mut patterns = Vec::new();
    loop {
        if patterns.len() == MAX_LIST_PATTERNS {
            return Err(CommandError::TooMany("patterns"));
        }
        patterns.push(cursor.list_mailbox()?.into_owned());
        if !cursor.take(b' ') {
            break;
        }
    }
    cursor.close()?;
    Ok((patterns, true))
}
