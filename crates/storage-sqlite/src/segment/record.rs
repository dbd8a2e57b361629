//! The form in which a body lies in a segment.
//!
//! ```text
//! record    = header extension body trailer      all numbers little endian
//! header    = "PHB" version(1)                   version 1: as it is; 2: sealed
//!             extension-bytes(4)  body-bytes(8)  BLAKE3-of-body(32)
//!             CRC-32-of-the-header-so-far(4)
//! extension = what version 1 leaves empty and readers pass over; of version 2 the data key(4) and the salt(24)
//! body      = the octets, or in version 2 what `encryption::body_chunks` makes of them; BLAKE3 is keyed then
//! trailer   = CRC-32 of extension and body(4)
//! ```

use posthouse_model::BlobId;

use crate::encryption::sealed_bytes;

/// Octets of a header.
pub(crate) const HEADER_BYTES: u64 = HEADER_LEN as u64;
/// Octets of a trailer.
pub(crate) const TRAILER_BYTES: u64 = 4;
/// Largest body, in octets: what leaves every offset in a segment below 2^32.
pub(crate) const MAX_BODY_BYTES: u64 = 2 * 1024 * 1024 * 1024;

const HEADER_LEN: usize = 52;
const PLAIN: [u8; 4] = *b"PHB\x01";
const SEALED: [u8; 4] = *b"PHB\x02";

/// The beginning of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Whether the body is sealed.
    pub(crate) is_sealed: bool,
    /// Octets between header and body.
    pub(crate) extension_bytes: u32,
    /// Octets of the body.
    pub(crate) body_bytes: u64,
    /// Its hash.
    pub(crate) id: BlobId,
}

impl Header {
    /// Octets of the whole record.
    pub(crate) fn record_bytes(&self) -> u64 {
        let body_bytes = if self.is_sealed { sealed_bytes(self.body_bytes) } else { self.body_bytes };
        HEADER_BYTES + u64::from(self.extension_bytes) + body_bytes + TRAILER_BYTES
    }

    /// Whether the trailer at the end of `record`, which begins with this header, fits what lies between them.
    pub(crate) fn covers(&self, record: &[u8]) -> bool {
        let Some((covered, trailer)) = record.split_last_chunk::<{ TRAILER_BYTES as usize }>() else { return false };
        let Some(covered) = covered.get(HEADER_LEN..) else { return false };
        record.len() as u64 == self.record_bytes() && crc32fast::hash(covered) == u32::from_le_bytes(*trailer)
    }

    /// The header's octets.
    pub(crate) fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..4].copy_from_slice(if self.is_sealed { &SEALED } else { &PLAIN });
        bytes[4..8].copy_from_slice(&self.extension_bytes.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.body_bytes.to_le_bytes());
        bytes[16..48].copy_from_slice(&self.id.0);
        let crc = crc32fast::hash(&bytes[..48]);
        bytes[48..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header; `None` when the octets are not one that was written.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (covered, rest) = bytes.split_at_checked(48)?;
        let crc = u32::from_le_bytes(rest.get(..4)?.try_into().ok()?);
        let is_sealed = covered[..4] == SEALED;
        if !(is_sealed || covered[..4] == PLAIN) || crc32fast::hash(covered) != crc {
            return None;
        }
        Some(Self {
            is_sealed,
            extension_bytes: u32::from_le_bytes(covered[4..8].try_into().ok()?),
            body_bytes: u64::from_le_bytes(covered[8..16].try_into().ok()?),
            id: BlobId(covered[16..48].try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(is_sealed: bool, extension_bytes: u32, body_bytes: u64, id: [u8; 32]) {
            let header = Header { is_sealed, extension_bytes, body_bytes, id: BlobId(id) };
            prop_assert_eq!(Header::decode(&header.encode()), Some(header));
        }

        #[test]
        fn a_changed_octet_is_seen(id: [u8; 32], at in 0..HEADER_LEN, change in 1u8..) {
            let mut bytes = Header { is_sealed: false, extension_bytes: 0, body_bytes: 7, id: BlobId(id) }.encode();
            bytes[at] ^= change;
            prop_assert_eq!(Header::decode(&bytes), None);
        }

        #[test]
        fn a_short_header_is_none(bytes in prop::collection::vec(any::<u8>(), 0..HEADER_LEN)) {
            prop_assert_eq!(Header::decode(&bytes), None);
        }
    }
}
