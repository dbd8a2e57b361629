//! The grammar of SMTP commands: what is read is within its bounds, and cannot bring a line end into a reply or a log.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_model::{Address, Domain, ReversePath};
use posthouse_smtp::command::{Command, parse};
use posthouse_smtp::limits::{COMMAND_LINE_BYTES, ENVELOPE_ID_BYTES, HELO_NAME_BYTES, ORIGINAL_RECIPIENT_BYTES};

fn check_address(address: &Address) {
    let written = address.to_string();
    assert_eq!(Address::parse(&written).as_ref(), Ok(address), "written as {written:?}");
    assert!(!written.chars().any(char::is_control), "{written:?} holds controls");
}

fuzz_target!(|line: &[u8]| {
    if line.len() > COMMAND_LINE_BYTES {
        return;
    }
    let Ok(command) = parse(line) else { return };
    assert!(!line.contains(&b'\r') && !line.contains(&b'\n') && !line.contains(&0), "{}", line.escape_ascii());
    match command {
        Command::Helo(name) | Command::Ehlo(name) | Command::Lhlo(name) => {
            assert!((1..=HELO_NAME_BYTES).contains(&name.len()));
            assert!(name.bytes().all(|octet| octet.is_ascii_graphic()));
        }
        Command::Mail(mail) => {
            if let ReversePath::Address(address) = &mail.reverse_path {
                check_address(address);
            }
            assert!(mail.envelope_id.is_none_or(|id| (1..=ENVELOPE_ID_BYTES).contains(&id.len())));
            assert!(mail.has_utf8 || line.is_ascii());
        }
        Command::Rcpt(rcpt) => {
            let host_name = Domain::parse("mail.example.org").expect("a good name");
            check_address(&rcpt.address(&host_name));
            assert!(rcpt.original.is_none_or(|original| original.len() <= ORIGINAL_RECIPIENT_BYTES));
            assert!(rcpt.has_utf8 || line.is_ascii());
        }
        _ => {}
    }
});
