//! ESEARCH (RFC 4731) and SEARCHRES (RFC 5182): what a SEARCH is to return.

use posthouse_model::UidSet;

use crate::extensions::partial::{PartialRange, uid_set_of};
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
    /// Keep the result up to date (RFC 5267 §4.3).
    pub(crate) update: bool,
}

impl ReturnOptions {
    /// What `RETURN ()` means (RFC 4731 §3.1).
    pub(crate) fn all() -> Self {
        Self { wanted: SearchReturn { all: true, ..SearchReturn::default() }, ..Self::default() }
    }

    /// How much of the result that takes. RFC 5182 §2.1: with MIN or MAX and neither ALL nor COUNT, what is saved is
    /// what is returned; with SAVE alone it is everything.
    pub(crate) fn need(self) -> SearchNeed {
        let SearchReturn { min, max, all, count, partial } = self.wanted;
        let ends_suffice = (min || max) && !(all || count || partial.is_some() || self.update);
        if ends_suffice { SearchNeed::Ends { min, max } } else { SearchNeed::All }
    }

    /// RFC 5182 §2.1: with SAVE alone there is no response.
    pub(crate) fn is_silent(self) -> bool {
        self.wanted == SearchReturn::default() && !self.update
    }

    /// What `$` stands for after a result, whose UIDs are given as ranges in its order (RFC 5182 §2.1, and the table
    /// of RFC 9394 §3.2).
    pub(crate) fn saved(self, found: &[(u32, u32)]) -> UidSet {
        let SearchReturn { min, max, all, count, partial } = self.wanted;
        if all || count || !(min || max || partial.is_some()) {
            return uid_set_of(found);
        }
        let mut saved = partial.map_or_else(Vec::new, |partial| partial.of_ranges(found));
        saved.extend(found.first().filter(|_| min).map(|&(first, _)| (first, first)));
        saved.extend(found.last().filter(|_| max).map(|&(_, last)| (last, last)));
        uid_set_of(&saved)
    }
}

/// ```text
/// search-return-opts = "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" SP
/// search-return-opt  = "MIN" / "MAX" / "ALL" / "COUNT" / "SAVE"
///                    / "PARTIAL" SP partial-range / "CONTEXT" / "UPDATE"
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
            return_option(cursor, &mut options)?;
            if !cursor.take(b' ') {
                break;
            }
        }
        cursor.close()?;
    }
    if options.wanted.all && options.wanted.partial.is_some() {
        // RFC 9394 §3.1
        return Err(CommandError::Expected("either ALL or PARTIAL"));
    }
    cursor.space()?;
    Ok(Some(options))
}

fn return_option(cursor: &mut Cursor<'_>, options: &mut ReturnOptions) -> Parsed<()> {
    let name = cursor.atom()?;
    let wanted = &mut options.wanted;
    let flags = [
        ("MIN", &mut wanted.min),
        ("MAX", &mut wanted.max),
        ("ALL", &mut wanted.all),
        ("COUNT", &mut wanted.count),
        ("SAVE", &mut options.save),
        ("UPDATE", &mut options.update),
    ];
    if let Some((_, flag)) = flags.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        *flag = true;
    } else if name.eq_ignore_ascii_case("PARTIAL") {
        cursor.space()?;
        if wanted.partial.replace(PartialRange::read(cursor)?).is_some() {
            return Err(CommandError::Expected("PARTIAL only once"));
        }
    } else if !name.eq_ignore_ascii_case("CONTEXT") {
        // RFC 5267 §4.2: CONTEXT is a hint, and results are worked out anew without it as well.
        return Err(CommandError::Expected("a known RETURN option"));
    }
    Ok(())
}
