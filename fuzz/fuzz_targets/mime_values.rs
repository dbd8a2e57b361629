//! Values of header fields: what is read of them can be written, and is then read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_mime::address::mailboxes;
use posthouse_mime::build::field::{address_field, structured_field, text_field};
use posthouse_mime::limits::{MAX_ADDRESSES, MAX_MESSAGE_IDS};
use posthouse_mime::message_id::{parse_message_id, parse_message_ids};
use posthouse_mime::{DateTime, decode_header_text, parse_addresses};

const MAX_CHARS: usize = 500;

/// A field that was written is one field, however it is folded.
fn check_field(field: &str) {
    let lines = field.strip_suffix("\r\n").expect("it ends with its line");
    assert!(lines.split("\r\n").skip(1).all(|line| line.starts_with(' ')), "two fields: {field:?}");
    assert!(!lines.replace("\r\n", "").contains(['\r', '\n', '\0']), "a stray line end: {field:?}");
}

fn check_addresses(value: &[u8]) {
    let addresses = parse_addresses(value);
    assert!(mailboxes(&addresses).count() <= MAX_ADDRESSES);
    let found: Vec<_> = mailboxes(&addresses).cloned().collect();
    for mailbox in &found {
        let texts = [mailbox.name.as_deref().unwrap_or_default(), &mailbox.local_part, &mailbox.domain];
        assert!(!texts.iter().any(|text| text.contains(['\r', '\n', '\0'])), "{mailbox:?}");
    }
    check_field(&address_field("To", &found));
}

fuzz_target!(|value: &[u8]| {
    check_addresses(value);
    if let Some(date) = DateTime::parse(value) {
        let written = date.to_rfc5322();
        assert!(written.is_ascii() && !written.contains(['\r', '\n']));
        assert_eq!(DateTime::parse(written.as_bytes()), Some(date), "written as {written}");
        let (_, month, day) = date.local_date();
        assert!((1..=12).contains(&month) && (1..=31).contains(&day));
    }
    let text = decode_header_text(value, MAX_CHARS);
    assert!(text.chars().count() <= MAX_CHARS && !text.contains(['\r', '\n', '\0']), "{text:?}");
    let ids = parse_message_ids(value);
    assert!(ids.len() <= MAX_MESSAGE_IDS);
    for id in ids.iter().chain(&parse_message_id(value)) {
        assert!(!id.is_empty() && !id.contains(['\r', '\n', '\0', ' ']), "{id:?}");
    }
    for text in [text.as_str(), &String::from_utf8_lossy(value)] {
        check_field(&structured_field("References", text));
        let field = text_field("Subject", text);
        check_field(&field);
        assert!(field.is_ascii());
    }
});
