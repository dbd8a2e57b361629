//! SAVEDATE (RFC 8514): when a message came into its mailbox, which is known of every message here.

use posthouse_model::search::Query;

use crate::grammar::Parsed;
use crate::grammar::cursor::Cursor;
use crate::grammar::date::date;

/// `"SAVEDBEFORE" SP date / "SAVEDON" SP date / "SAVEDSINCE" SP date`, behind the word; `None` for other words.
/// `SAVEDATESUPPORTED` is a key without an argument.
pub(crate) fn saved_key(name: &str, cursor: &mut Cursor<'_>) -> Option<Parsed<Query>> {
    let key = match name {
        "SAVEDBEFORE" => Query::SavedBefore,
        "SAVEDON" => Query::SavedOn,
        "SAVEDSINCE" => Query::SavedSince,
        _ => return None,
    };
    Some(date(cursor).map(key))
}
