//! The stored forms of a structure and of a summary: small, and the same in every release.
//!
//! ```text
//! structure = version size lines flags part-count *part
//! part      = parent header-start header-length body-length body-lines
//!             field-count *field presence [content]
//! field     = name-code [name] value-length-and-line-end
//! summary   = version sent-flag [seconds offset] subject id-count *id in-reply-to-count *id references-count *id preview
//! ```
//!
//! Numbers are variable-length, seven bits an octet, the lowest first. Offsets are relative: a header to the body of
//! the parent, fields to one another, a body to its header. Names and tokens that mail is full of have codes.

mod extents;
mod read;
#[cfg(test)]
mod tests;
mod token;
mod write;

use thiserror::Error;

use crate::structure::Structure;
use crate::summary::Summary;
pub use extents::StoredExtents;
use read::Reader;
use write::Writer;

/// The version of the forms that are written. A release that writes another still reads this one.
const VERSION: u8 = 1;

/// Why octets are no stored structure or summary. All are the fault of what stored them, or of a damaged disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The octets end early.
    #[error("the stored form ends early")]
    Truncated,
    /// A later release wrote them.
    #[error("the stored form has version {0}, which this release does not know")]
    UnknownVersion(u8),
    /// A number is too large, or a text is not UTF-8.
    #[error("the stored form holds a malformed value")]
    Malformed,
    /// The parts do not fit together.
    #[error("part {part} of the stored structure contradicts the parts before it")]
    Inconsistent {
        /// The index of the part.
        part: usize,
    },
    /// There is more after the end.
    #[error("the stored form is followed by {0} octets")]
    TrailingOctets(usize),
}

impl Structure {
    /// The stored form. A message of one part and twenty header fields takes some 150 to 400 octets.
    ///
    /// It keeps what [`Structure::parse`] makes: fields that follow one another from the start of the header, and
    /// bodies that follow their headers. A structure made otherwise comes back with its parts in such places.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.octet(VERSION);
        writer.structure(self);
        writer.finish()
    }

    /// Reads the stored form. Any octets may be given: none make it panic, and memory stays within a small multiple of
    /// their number.
    ///
    /// # Errors
    ///
    /// When the octets are not what [`Structure::encode`] writes.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(octets);
        reader.version()?;
        let structure = reader.structure()?;
        reader.end()?;
        Ok(structure)
    }
}

impl Summary {
    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.octet(VERSION);
        writer.summary(self);
        writer.finish()
    }

    /// Reads the stored form. Any octets may be given, as to [`Structure::decode`].
    ///
    /// # Errors
    ///
    /// When the octets are not what [`Summary::encode`] writes.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(octets);
        reader.version()?;
        let summary = reader.summary()?;
        reader.end()?;
        Ok(summary)
    }
}

/// Which parts of the description of a part follow. A part without any is `text/plain`, `7bit`.
mod presence {
    pub const TYPE: u64 = 1;
    pub const PARAMETERS: u64 = 1 << 1;
    pub const ENCODING: u64 = 1 << 2;
    pub const DISPOSITION: u64 = 1 << 3;
    pub const ID: u64 = 1 << 4;
    pub const DESCRIPTION: u64 = 1 << 5;
    pub const MD5: u64 = 1 << 6;
    pub const LANGUAGES: u64 = 1 << 7;
    pub const LOCATION: u64 = 1 << 8;
    pub const ALL: u64 = (1 << 9) - 1;
}
