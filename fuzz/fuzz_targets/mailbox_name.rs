//! Mailbox names as they are kept, and as IMAP4rev1 writes them: one way to write each name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_model::MailboxName;
use posthouse_model::mailbox_name::{MAX_MAILBOX_LEVELS, MAX_MAILBOX_NAME_BYTES};

#[path = "../../crates/imap/src/mailbox_utf7.rs"]
mod mailbox_utf7;

fn check(text: &str) {
    let Ok(name) = MailboxName::parse(text) else { return };
    assert_eq!(MailboxName::parse(name.as_str()).as_ref(), Ok(&name));
    assert!((1..=MAX_MAILBOX_NAME_BYTES).contains(&name.as_str().len()));
    assert!(!name.as_str().chars().any(char::is_control));
    let mut levels = 1;
    let mut level = name.clone();
    while let Some(parent) = level.parent() {
        assert!(name.is_below(&parent) && !parent.is_below(&name));
        assert_eq!(MailboxName::parse(parent.as_str()).as_ref(), Ok(&parent));
        level = parent;
        levels += 1;
    }
    assert!(levels <= MAX_MAILBOX_LEVELS);
    let elsewhere = MailboxName::parse("else").expect("a good name");
    if let Ok(moved) = name.moved(&level, &elsewhere) {
        assert!(moved == elsewhere || moved.is_below(&elsewhere));
    }
    let mut written = Vec::new();
    mailbox_utf7::encode(name.as_str(), &mut written);
    assert!(written.iter().all(|octet| (b' '..=b'~').contains(octet)));
    assert_eq!(mailbox_utf7::decode(&written).as_deref(), Ok(name.as_str()));
}

fuzz_target!(|input: &[u8]| {
    if let Ok(name) = mailbox_utf7::decode(input) {
        let mut written = Vec::new();
        mailbox_utf7::encode(&name, &mut written);
        assert_eq!(written, input, "written otherwise than it was read");
        check(&name);
    }
    if let Ok(text) = std::str::from_utf8(input) {
        check(text);
    }
});
