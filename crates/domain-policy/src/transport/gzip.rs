//! gzip (RFC 1952) in one piece.

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use thiserror::Error;

/// How hard to try: the usual.
const LEVEL: u8 = 6;
/// Identification, DEFLATE, no flags, no time, no hints, Unix.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
/// Octets of the checksum and the length behind the data.
const TRAILER_BYTES: usize = 8;
/// The flags that say what follows the header (RFC 1952 §2.3.1).
const HEADER_CHECKSUM: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;

/// What is no gzip, or too long.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("it is not compressed by gzip, is damaged, or is longer than allowed")]
pub struct NotGzip;

/// Compresses.
pub fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut compressed = HEADER.to_vec();
    compressed.extend(compress_to_vec(octets, LEVEL));
    compressed.extend(crc32fast::hash(octets).to_le_bytes());
    // RFC 1952 §2.3.1: the length modulo 2^32.
    compressed.extend((octets.len() as u32).to_le_bytes());
    compressed
}

/// Decompresses to `limit` octets at most.
///
/// # Errors
/// When it is not gzip, or longer.
pub fn gunzip(octets: &[u8], limit: usize) -> Result<Vec<u8>, NotGzip> {
    let (header, mut rest) = octets.split_at_checked(HEADER.len()).ok_or(NotGzip)?;
    if header[..3] != HEADER[..3] {
        return Err(NotGzip);
    }
    let flags = header[3];
    if flags & EXTRA != 0 {
        let (length, behind) = rest.split_first_chunk::<2>().ok_or(NotGzip)?;
        rest = behind.get(usize::from(u16::from_le_bytes(*length))..).ok_or(NotGzip)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|octet| *octet == 0).ok_or(NotGzip)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEADER_CHECKSUM != 0 {
        rest = rest.get(2..).ok_or(NotGzip)?;
    }
    let data = rest.len().checked_sub(TRAILER_BYTES).map(|end| &rest[..end]).ok_or(NotGzip)?;
    let plain = decompress_to_vec_with_limit(data, limit).map_err(|_| NotGzip)?;
    let checksum = rest[data.len()..].first_chunk::<4>().ok_or(NotGzip)?;
    if crc32fast::hash(&plain).to_le_bytes() != *checksum {
        return Err(NotGzip);
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bomb_is_bounded() {
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(gunzip(&bomb, 1_000_000), Err(NotGzip));
    }

    #[test]
    fn a_name_is_passed_over() {
        let mut named = gzip(b"hello");
        named[3] = NAME;
        named.splice(10..10, *b"report.json\0");
        assert_eq!(gunzip(&named, 100).as_deref(), Ok(&b"hello"[..]));
    }

    #[test]
    fn damage_is_noticed() {
        let mut damaged = gzip(b"hello");
        let last = damaged.len() - TRAILER_BYTES;
        damaged[last] ^= 1;
        assert_eq!(gunzip(&damaged, 100), Err(NotGzip));
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(octets in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(gunzip(&gzip(&octets), 2000), Ok(octets));
        }

        #[test]
        fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = gunzip(&octets, 1000);
            let _ = gunzip(&[&HEADER[..3], &octets].concat(), 1000);
        }
    }
}
