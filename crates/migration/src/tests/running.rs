//! Runs that are cut short, and those that come after.

use std::fs::{self, OpenOptions};
use std::io::Write;

use bytes::Bytes;
use posthouse_model::{Flags, UnixMillis};

use super::memory::Account;
use super::{moved, moved_as, name};
use crate::limits::MAX_BATCH_MESSAGES;
use crate::maildir::{Layout, LayoutChoice, MaildirSource, MaildirTarget};
use crate::mbox::{Form, MboxSource, MboxTarget};
use crate::{MailboxChoice, Mode};

const MANY: usize = MAX_BATCH_MESSAGES * 3 + 7;

fn account(count: usize) -> Account {
    let mut account = Account::default();
    for mailbox in ["INBOX", "Work"] {
        let message = |number: usize| {
            // Some say the same, and are several nevertheless.
            let text = format!("Subject: {}\r\n\r\nx\r\n", number / 2);
            (UnixMillis(1_600_000_000_000 + number as i64), Flags::none(), Bytes::from(text))
        };
        account.mailboxes.insert(name(mailbox), (0..count).map(message).collect());
    }
    account
}

#[test]
fn a_run_that_was_cut_short_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut source = account(MANY);
    moved(&mut source, &mut MaildirTarget::open(directory.path(), Layout::Nested).unwrap());
    let mut back = Account::default();
    let mut runs = 0;
    loop {
        back.batches_left = Some(2);
        let mut maildir = MaildirSource::open(directory.path(), LayoutChoice::AsItLooks, None).unwrap();
        let summary = moved(&mut maildir, &mut back);
        runs += 1;
        if summary.stopped.is_none() {
            break;
        }
        assert!(!summary.is_complete());
    }
    assert_eq!(runs, 4);
    assert_eq!(back.contents(), source.contents());
}

#[test]
fn a_second_run_brings_what_is_new_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("box.mbox");
    let line = "From x Sat Jan  3 01:05:34 1996\n";
    let text = format!("{line}A: b\n\nsame\n\n{line}A: b\n\nsame\n\n");
    fs::write(&path, &text).unwrap();
    let mut back = Account::default();
    let source = || MboxSource::open(&path, Form::Rd, Some(&name("Old")), None).unwrap();
    assert_eq!(moved(&mut source(), &mut back).moved, 2);
    // Somebody read one and somebody deleted the other; another message came, and the file has new flags.
    let mailbox = back.mailboxes.get_mut(&name("Old")).unwrap();
    mailbox.pop();
    mailbox[0].1 = super::flags("\\Seen");
    fs::write(&path, format!("{line}Status: RO\n{}{line}C: d\n\n", &text[line.len()..])).unwrap();
    let summary = moved(&mut source(), &mut back);
    assert_eq!((summary.moved, summary.known), (1, 2));
    let mailbox = &back.mailboxes[&name("Old")];
    assert_eq!((mailbox.len(), &mailbox[0].1), (2, &super::flags("\\Seen")));
}

#[test]
fn a_full_account_takes_what_fits_and_says_so() {
    let source = account(MANY);
    let mut full = Account { room_bytes: Some(500), ..Account::default() };
    let summary = moved(&mut source.clone(), &mut full);
    assert!(summary.stopped.as_deref().unwrap().contains("full"), "{summary:?}");
    assert!(summary.moved > 0 && summary.moved_bytes <= 500);
    full.room_bytes = None;
    assert!(moved(&mut source.clone(), &mut full).is_complete());
    assert_eq!(full.contents(), source.contents());
}

#[test]
fn a_dry_run_changes_nothing_and_counts_the_same() {
    let mut source = account(5);
    let choice = MailboxChoice { only: vec!["W*".into()], ..MailboxChoice::default() };
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("Maildir");
    let mut target = MaildirTarget::open(&path, Layout::Nested).unwrap();
    let dry = moved_as(&mut source, &mut target, &choice, Mode::DryRun);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    let real = moved_as(&mut source, &mut target, &choice, Mode::Move);
    assert_eq!((dry.moved, dry.folders), (5, 1));
    assert_eq!(dry, real);
    let below = MailboxChoice { below: Some(name("Old/Mail")), ..choice };
    assert_eq!(moved_as(&mut source, &mut target, &below, Mode::Move).moved, 5);
    assert!(path.join("Old/Mail/Work/cur").is_dir());
}

/// Whatever was written of the last message when the machine stopped, it is written again and there once.
#[test]
fn an_mbox_that_was_cut_off_anywhere_is_made_whole() {
    let directory = tempfile::tempdir().unwrap();
    let mut source = account(3);
    let target = || MboxTarget::open(directory.path()).unwrap();
    moved(&mut source, &mut target());
    let path = directory.path().join("Work.mbox");
    let whole = fs::read(&path).unwrap();
    let last = memchr::memmem::rfind(&whole, b"From MAILER-DAEMON").unwrap();
    for end in last..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        assert!(moved(&mut source, &mut target()).is_complete());
        assert_eq!(String::from_utf8_lossy(&fs::read(&path).unwrap()), String::from_utf8_lossy(&whole), "cut at {end}");
    }
}

#[test]
fn what_others_wrote_into_an_mbox_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("Work.mbox");
    let line = "From x Sat Jan  3 01:05:34 1996\n";
    fs::write(&path, format!("{line}Subject: theirs\n\nno empty line after this")).unwrap();
    let source = account(2);
    moved(&mut source.clone(), &mut MboxTarget::open(directory.path()).unwrap());
    OpenOptions::new().append(true).open(&path).unwrap().write_all(format!("{line}B: c\n\n").as_bytes()).unwrap();
    let summary = moved(&mut source.clone(), &mut MboxTarget::open(directory.path()).unwrap());
    assert_eq!((summary.moved, summary.known), (0, 4));
    let mut back = Account::default();
    moved(&mut MboxSource::open(directory.path(), Form::Rd, None, None).unwrap(), &mut back);
    assert_eq!(back.mailboxes[&name("Work")].len(), 4);
}

/// A mail program gives files other names while they are read.
#[test]
fn files_that_move_meanwhile_are_found() {
    let directory = tempfile::tempdir().unwrap();
    for part in ["cur", "new", "tmp"] {
        fs::create_dir(directory.path().join(part)).unwrap();
    }
    for number in 0..3 {
        fs::write(directory.path().join(format!("new/{number}.x")), format!("A: {number}\n\n")).unwrap();
    }
    let mut source = MaildirSource::open(directory.path(), LayoutChoice::AsItLooks, None).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let read = runtime.block_on(async {
        use crate::Source;
        let folder = source.folders().await.unwrap().folders.remove(0);
        let items = source.open(&folder).await.unwrap();
        fs::rename(directory.path().join("new/1.x"), directory.path().join("cur/1.x:2,S")).unwrap();
        fs::remove_file(directory.path().join("new/2.x")).unwrap();
        source.read(&items).await.unwrap()
    });
    let seen = read[1].as_ref().unwrap().as_ref().unwrap();
    assert_eq!((&seen.flags, &seen.octets[..]), (&super::flags("\\Seen"), &b"A: 1\r\n\r\n"[..]));
    assert_eq!(read[2], Ok(None));
}
