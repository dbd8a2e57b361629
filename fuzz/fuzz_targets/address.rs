//! An address that was understood is written so that it is understood again, as the same address.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_model::Address;

fuzz_target!(|raw: &[u8]| {
    let Ok(text) = std::str::from_utf8(raw) else { return };
    let Ok(address) = Address::parse(text) else { return };
    let written = address.to_string();
    assert_eq!(Address::parse(&written), Ok(address), "{text:?} was written as {written:?}");
    assert!(!written.contains(['\r', '\n', '\0']), "{written:?} would end its line");
});
