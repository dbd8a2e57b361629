//! WITHIN (RFC 5032): the search keys OLDER and YOUNGER.

use crate::grammar::Parsed;
use crate::grammar::cursor::Cursor;

/// `interval = nz-number`, in seconds (RFC 5032 §3)
pub(crate) fn interval(cursor: &mut Cursor<'_>) -> Parsed<u32> {
    cursor.nonzero_number()
}
