//! CONDSTORE (RFC 7162 §3.1): modifiers of FETCH and STORE.

use posthouse_model::{ModSeq, UidSet};

use crate::extensions::partial::PartialRange;
use crate::grammar::cursor::Cursor;
use crate::grammar::{CommandError, Parsed};
use crate::response::token::{ranges, uid_set};
use crate::session::ImapSession;
use crate::view::SequenceView;

impl ImapSession {
    /// A command that enables CONDSTORE (RFC 7162 §3.1): the first one tells the HIGHESTMODSEQ of the open mailbox.
    pub(crate) fn use_condstore(&mut self, used: bool) {
        if !used || self.enabled.condstore {
            return;
        }
        self.enabled.condstore = true;
        if let Some(selected) = &self.selected {
            let highest = selected.known_modseq.0;
            self.write_code(b"HIGHESTMODSEQ", highest, b"From now on changes are numbered");
        }
    }
}

/// The modifiers of a FETCH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FetchModifiers {
    pub(crate) changed_since: Option<ModSeq>,
    /// RFC 7162 §3.2.6
    pub(crate) vanished: bool,
    /// RFC 9394 §3.3
    pub(crate) partial: Option<PartialRange>,
}

/// `[SP "(" fetch-modifier *(SP fetch-modifier) ")"]`, a modifier being `CHANGEDSINCE mod-sequence-value`,
/// `VANISHED` or `PARTIAL partial-range`.
pub(crate) fn fetch_modifiers(cursor: &mut Cursor<'_>) -> Parsed<FetchModifiers> {
    let mut modifiers = FetchModifiers::default();
    if cursor.at_end() {
        return Ok(modifiers);
    }
    cursor.space()?;
    cursor.open()?;
    loop {
        let name = cursor.atom()?;
        if name.eq_ignore_ascii_case("CHANGEDSINCE") {
            cursor.space()?;
            modifiers.changed_since = Some(ModSeq(cursor.number64()?));
        } else if name.eq_ignore_ascii_case("VANISHED") {
            modifiers.vanished = true;
        } else if name.eq_ignore_ascii_case("PARTIAL") {
            cursor.space()?;
            modifiers.partial = Some(PartialRange::read(cursor)?);
        } else {
            return Err(CommandError::Expected("a known modifier of FETCH"));
        }
        if !cursor.take(b' ') {
            break;
        }
    }
    cursor.close()?;
    Ok(modifiers)
}

/// `["(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")" SP]`
pub(crate) fn store_modifier(cursor: &mut Cursor<'_>) -> Parsed<Option<ModSeq>> {
    if !cursor.take(b'(') {
        return Ok(None);
    }
    if !cursor.take_word("UNCHANGEDSINCE ") {
        return Err(CommandError::Expected("a known modifier of STORE"));
    }
    let modseq = ModSeq(cursor.number64()?);
    cursor.close()?;
    cursor.space()?;
    Ok(Some(modseq))
}

/// `"MODIFIED" SP sequence-set`: in the kind of numbers that the client used; none where it knows none of `uids`.
pub(crate) fn modified(uids: &UidSet, view: &SequenceView, by_uid: bool) -> Option<Vec<u8>> {
    let known = view.known(uids);
    if known.is_empty() {
        return None;
    }
    let mut code = b"MODIFIED ".to_vec();
    if by_uid {
        uid_set(&mut code, &known);
    } else {
        ranges(&mut code, view.sequences_of(&known).into_iter());
    }
    Some(code)
}
