//! The text of a message on the wire: dots, line ends, and what must not be in it.

mod check;
mod dot_decoder;
mod dot_encoder;
mod line_ends;

pub(crate) use check::{ContentCheck, ContentFault};
pub(crate) use dot_decoder::DotDecoder;
pub(crate) use dot_encoder::DotEncoder;
pub(crate) use line_ends::LineEndNormaliser;
