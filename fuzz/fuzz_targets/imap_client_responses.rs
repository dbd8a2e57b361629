//! What a server says is taken apart alike however it comes in pieces, and is bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_migration::imap::{Decoder, Fetched, Response, Token};

/// Larger literals are passed over.
const MAX_LITERAL_BYTES: u64 = 64;

/// The responses, and whether it ended as no IMAP.
fn decode(octets: &[u8], piece: usize) -> (Vec<Response>, bool) {
    let mut decoder = Decoder::new(MAX_LITERAL_BYTES);
    let mut responses = Vec::new();
    for some in octets.chunks(piece) {
        decoder.feed(some);
        loop {
            match decoder.next_response() {
                Ok(Some(response)) => responses.push(response),
                Ok(None) => break,
                Err(_) => return (responses, true),
            }
        }
    }
    (responses, false)
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, octets)) = input.split_first() else { return };
    let whole = decode(octets, octets.len().max(1));
    assert_eq!(whole, decode(octets, usize::from(*piece).max(1)));
    let mut held = 0;
    for response in &whole.0 {
        for token in &response.tokens {
            held += token.octets().map_or(0, <[u8]>::len);
            assert!(!matches!(token, Token::TooLarge(size) if *size <= MAX_LITERAL_BYTES));
        }
        assert!(response.words().chars().all(|c| !c.is_control()));
        let _ = response.code("UIDVALIDITY");
        if let Some(fetched) = Fetched::read(response) {
            assert_ne!(fetched.uid, Some(0));
        }
    }
    assert!(held <= octets.len(), "more than came");
});
