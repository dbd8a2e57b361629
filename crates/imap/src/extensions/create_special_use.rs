//! CREATE-SPECIAL-USE (RFC 6154 §3): saying at creation what a mailbox is for.

use posthouse_model::SpecialUse;

use crate::grammar::cursor::Cursor;
use crate::grammar::{CommandError, Parsed};
use crate::refusal::Refusal;

/// Most attributes in one CREATE; there are fewer.
const MAX_USE_ATTRIBUTES: usize = 16;

/// What CREATE is asked for beyond a name.
pub(crate) type WantedUse = Result<Option<SpecialUse>, Refusal>;

/// ```text
/// create-params = SP "(" create-param *(SP create-param) ")"         ; RFC 4466 §2.2
/// create-param  = "USE" SP "(" [use-attr *(SP use-attr)] ")"
/// use-attr      = "\All" / "\Archive" / ... / use-attr-ext
/// ```
///
/// What is well written and cannot be had is refused, not BAD: attributes that nobody knows, more than one of them, and
/// those of mailboxes that would have to fill themselves.
pub(crate) fn create_parameters(cursor: &mut Cursor<'_>) -> Parsed<WantedUse> {
    if cursor.at_end() {
        return Ok(Ok(None));
    }
    cursor.space()?;
    cursor.open()?;
    if !cursor.take_word("USE (") {
        return Err(CommandError::Expected("a known parameter of CREATE"));
    }
    let mut wanted = Ok(None);
    let mut count = 0;
    while !cursor.take(b')') {
        if count > 0 {
            cursor.space()?;
        }
        count += 1;
        if count > MAX_USE_ATTRIBUTES {
            return Err(CommandError::TooMany("special uses"));
        }
        if !cursor.take(b'\\') {
            return Err(CommandError::Expected("a special use"));
        }
        let attribute = format!("\\{}", cursor.atom()?);
        wanted = match (wanted, SpecialUse::from_attribute(&attribute)) {
            (Ok(None), Some(one)) if can_be_made(one) => Ok(Some(one)),
            (Ok(Some(before)), Some(one)) if before == one => Ok(Some(one)),
            _ => Err(Refusal::UseAttr),
        };
    }
    cursor.close()?;
    Ok(wanted)
}

/// `\All` and `\Flagged` are views of other mailboxes (RFC 6154 §2), and there are none here.
fn can_be_made(special_use: SpecialUse) -> bool {
    !matches!(special_use, SpecialUse::All | SpecialUse::Flagged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<WantedUse>) {
        let mut cursor = Cursor::new(text.as_bytes());
        let read = create_parameters(&mut cursor).ok().filter(|_| cursor.at_end());
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn parameters() {
        check("", Some(Ok(None)));
        check(" (USE ())", Some(Ok(None)));
        check(" (use (\\drafts))", Some(Ok(Some(SpecialUse::Drafts))));
        check(" (USE (\\Sent \\Sent))", Some(Ok(Some(SpecialUse::Sent))));
        for refused in ["\\Sent \\Trash", "\\All", "\\Flagged", "\\Unheard-of", "\\Unheard \\Sent"] {
            check(&format!(" (USE ({refused}))"), Some(Err(Refusal::UseAttr)));
        }
        let many = vec!["\\Sent"; MAX_USE_ATTRIBUTES + 1].join(" ");
        for bad in [" ", " ()", " (USE)", " (USE (Sent))", " (USE (\\))", " (USE (\\Sent)", " (FOO ())"] {
            check(bad, None);
        }
        check(&format!(" (USE ({many}))"), None);
    }
}
