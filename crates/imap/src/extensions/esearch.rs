//! ESEARCH (RFC 4731) and SEARCHRES (RFC 5182): what a SEARCH is to return.

use crate::grammar::cursor::Cursor;
use crate::grammar::{CommandError, Parsed};
use crate::question::SearchNeed;
use crate::response::search::SearchReturn;

/// What stands in `RETURN (…)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReturnOptions {
    pub(crate) wanted: SearchReturn,
    /// Remember the result for `$`.
    pub(crate) save: bool,
}

impl ReturnOptions {
    /// What `RETURN ()` means (RFC 4731 §3.1).
    pub(crate) fn all() -> Self {
        Self { wanted: SearchReturn { all: true, ..SearchReturn::default() }, save: false }
    }

    /// How much of the result that takes. RFC 5182 §2.1: with MIN or MAX and neither ALL nor COUNT, what is saved is
    /// what is returned; with SAVE alone it is everything.
    pub(crate) fn need(self) -> SearchNeed {
        let SearchReturn { min, max, all, count } = self.wanted;
        if all || count || !(min || max) { SearchNeed::All } else { SearchNeed::Ends { min, max } }
    }
}

/// ```text
/// search-return-opts = "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" SP
/// search-return-opt  = "MIN" / "MAX" / "ALL" / "COUNT" / "SAVE"
/// ```
pub(crate) fn return_options(cursor: &mut Cursor<'_>) -> Parsed<Option<ReturnOptions>> {
    let mut ahead = *cursor;
    if !(ahead.take_word("RETURN") && ahead.take(b' ')) {
        return Ok(None);
    }
    *cursor = ahead;
    cursor.open()?;
    let mut options = ReturnOptions::default();
    if cursor.take(b')') {
        options = ReturnOptions::all();
    } else {
        loop {
            let name = cursor.atom()?;
            let option = [
                ("MIN", &mut options.wanted.min),
                ("MAX", &mut options.wanted.max),
                ("ALL", &mut options.wanted.all),
                ("COUNT", &mut options.wanted.count),
                ("SAVE", &mut options.save),
            ]
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
            let (_, wanted) = option.ok_or(CommandError::Expected("a known RETURN option"))?;
            *wanted = true;
            if !cursor.take(b' ') {
                break;
            }
        }
        cursor.close()?;
    }
    cursor.space()?;
    Ok(Some(options))
}
