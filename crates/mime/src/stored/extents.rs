//! How long a message and its header are, out of the stored form of its structure.

use super::DecodeError;
use super::read::Reader;

/// Lengths in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredExtents {
    /// Of the message.
    pub message_bytes: u64,
    /// Of its header, with the blank line.
    pub header_bytes: u64,
}

impl StoredExtents {
    /// Reads them from the beginning of what [`Structure::encode`](crate::Structure::encode) made. Any octets may be
    /// given.
    ///
    /// # Errors
    ///
    /// When the octets are not what was written, as far as they are looked at.
    pub fn of(structure: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(structure);
        reader.version()?;
        let message_bytes = reader.number()?;
        let [_lines, _flags, _parts, parent, start, length] = reader.numbers()?;
        let header_bytes = start.checked_add(length).filter(|end| parent == 0 && *end <= message_bytes);
        let header_bytes = header_bytes.ok_or(DecodeError::Inconsistent { part: 0 })?;
        Ok(Self { message_bytes, header_bytes })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::structure::Structure;

    #[test]
    fn they_are_those_of_the_structure() {
        for raw in ["", "\r\n", "A: b", "A: b\r\n\r\nbody", "Content-Type: message/rfc822\r\n\r\nX: y\r\n\r\nz"] {
            let structure = Structure::parse(raw.as_bytes());
            let expected = StoredExtents { message_bytes: raw.len() as u64, header_bytes: structure.root().header.end };
            assert_eq!(StoredExtents::of(&structure.encode()), Ok(expected), "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_no_panic(octets in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = StoredExtents::of(&octets);
        }
    }
}
