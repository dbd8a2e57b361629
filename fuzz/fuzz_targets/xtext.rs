//! What xtext says is said again in the same way by whoever writes it anew, and nothing in it can end a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_smtp::xtext::{decode, encode, is_valid};

fuzz_target!(|octets: &[u8]| {
    let written = encode(octets);
    assert!(written.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'='));
    assert_eq!(decode(&written).as_deref(), Some(octets));
    let Ok(text) = std::str::from_utf8(octets) else { return };
    match decode(text) {
        Some(decoded) => {
            assert!(is_valid(text) && text.is_ascii());
            assert_eq!(decode(&encode(&decoded)), Some(decoded));
        }
        None => assert!(!is_valid(text)),
    }
});
