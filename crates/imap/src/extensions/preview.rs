//! PREVIEW (RFC 8970): the first words of a message.

use crate::grammar::Parsed;
use crate::grammar::cursor::Cursor;
use crate::question::PreviewNeed;
use crate::response::token::string;

/// `"PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]`, behind the word; the one modifier is `LAZY`.
///
/// Behind an item that stands alone a parenthesis may as well begin the modifiers of FETCH, so only `LAZY` is taken.
pub(crate) fn preview_need(cursor: &mut Cursor<'_>) -> Parsed<PreviewNeed> {
    let mut ahead = *cursor;
    if !ahead.take_word(" (LAZY") {
        return Ok(PreviewNeed::Always);
    }
    *cursor = ahead;
    while cursor.take_word(" LAZY") {}
    cursor.close()?;
    Ok(PreviewNeed::AtHand)
}

/// Who asks twice gets the better answer.
pub(crate) fn both(before: Option<PreviewNeed>, now: PreviewNeed) -> PreviewNeed {
    if before == Some(PreviewNeed::Always) { PreviewNeed::Always } else { now }
}

/// `"PREVIEW" SP nstring`; NIL only where `LAZY` allows it (RFC 8970 §3.2).
pub(crate) fn preview(out: &mut Vec<u8>, need: PreviewNeed, preview: Option<&str>) {
    out.extend_from_slice(b"PREVIEW ");
    match (preview, need) {
        (Some(text), _) => string(out, text.as_bytes()),
        (None, PreviewNeed::Always) => string(out, b""),
        (None, PreviewNeed::AtHand) => out.extend_from_slice(b"NIL"),
    }
}
