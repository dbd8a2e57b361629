//! Decoding of bodies: transfer encodings, character sets, HTML.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_mime::{Structure, TransferEncoding, body_text, decode_charset, decode_transfer, preview};

const MAX_CHARS: usize = 300;
const CHARSETS: [&str; 8] =
    ["utf-8", "us-ascii", "iso-8859-1", "iso-2022-jp", "utf-16", "utf-7", "shift_jis", "unknown-8bit"];
const ENCODINGS: [&str; 4] = ["8bit", "base64", "quoted-printable", "x-uuencode"];

fuzz_target!(|input: &[u8]| {
    let Some((kind, body)) = input.split_first() else { return };
    let charset = CHARSETS[usize::from(kind & 7)];
    let encoding = ENCODINGS[usize::from(kind >> 3 & 3)];
    let subtype = if kind & 32 == 0 { "plain" } else { "html" };

    let octets = decode_transfer(TransferEncoding::from_token(encoding), body);
    assert!(octets.len() <= body.len());
    for label in [Some(charset), None] {
        assert!(decode_charset(label, &octets, MAX_CHARS).chars().count() <= MAX_CHARS);
    }
    let head =
        format!("Content-Type: text/{subtype}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n");
    let raw = [head.as_bytes(), body].concat();
    let structure = Structure::parse(&raw);
    let text = body_text(structure.root(), body, MAX_CHARS).expect("this is text");
    assert!(text.chars().count() <= MAX_CHARS);
    assert!(!preview(&structure, &raw).contains(['\r', '\n', '\0']));
});
