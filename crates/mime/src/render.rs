//! What IMAP says of a message: ENVELOPE, BODY and BODYSTRUCTURE (RFC 3501 §7.4.2, RFC 9051 §7.5.2), made once at
//! delivery.

mod bodystructure;
mod envelope;
mod string;
#[cfg(test)]
mod tests;

pub use bodystructure::{render_body, render_bodystructure};
pub use envelope::render_envelope;

use crate::structure::Structure;

/// The three texts of a message that a FETCH response copies as they are. None holds a line end outside of a literal,
/// NUL, or octets beyond ASCII outside of a literal, so they suit IMAP4rev1 and rev2 alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The value of ENVELOPE, parentheses included.
    pub envelope: Vec<u8>,
    /// The value of BODY, which is BODYSTRUCTURE without extension data.
    pub body: Vec<u8>,
    /// The value of BODYSTRUCTURE.
    pub bodystructure: Vec<u8>,
}

impl Rendered {
    /// Renders all three. `raw` is the message that `structure` was made from.
    #[must_use]
    pub fn new(structure: &Structure, raw: &[u8]) -> Self {
        Self {
            envelope: render_envelope(structure.root(), raw),
            body: render_body(structure, raw),
            bodystructure: render_bodystructure(structure, raw),
        }
    }
}
