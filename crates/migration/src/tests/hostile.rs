//! Directories and files that were made to do harm, or by programs that do not know better.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use posthouse_model::{MailboxName, UnixMillis};

use super::memory::Account;
use super::{flags, moved, name};
use crate::Summary;
use crate::maildir::{Layout, LayoutChoice, MaildirSource, MaildirTarget};
use crate::mbox::{Form, MboxSource};

fn make_folder(path: &Path) {
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(path.join(part)).unwrap();
    }
}

fn read(path: &Path, choice: LayoutChoice) -> (Summary, Account) {
    let mut account = Account::default();
    let summary = moved(&mut MaildirSource::open(path, choice, None).unwrap(), &mut account);
    (summary, account)
}

fn names(account: &Account) -> Vec<&str> {
    account.mailboxes.keys().map(MailboxName::as_str).collect()
}

#[test]
fn links_lead_nowhere() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    make_folder(outside.path());
    fs::write(outside.path().join("cur/1.secret:2,S"), "Subject: secret\n\n").unwrap();
    make_folder(root.path());
    symlink(outside.path(), root.path().join(".Linked")).unwrap();
    symlink(outside.path().join("cur/1.secret:2,S"), root.path().join("cur/2.link:2,S")).unwrap();
    make_folder(&root.path().join(".Half"));
    fs::remove_dir(root.path().join(".Half/cur")).unwrap();
    symlink(outside.path().join("cur"), root.path().join(".Half/cur")).unwrap();
    nix::unistd::mkfifo(&root.path().join("cur/3.pipe:2,"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::write(root.path().join("cur/4.good:2,F"), "Subject: good\n\n").unwrap();
    let (summary, account) = read(root.path(), LayoutChoice::Given(Layout::SideBySide('.')));
    assert_eq!((summary.moved, summary.failed, summary.failed_folders), (1, 2, 1), "{summary:?}");
    assert_eq!(names(&account), ["INBOX"]);
    assert_eq!(account.mailboxes[&name("INBOX")][0].1, flags("\\Flagged"));
    assert!(summary.problems.iter().any(|problem| problem.place.contains("2.link") && problem.why.contains("link")));
}

#[test]
fn nothing_is_written_through_links() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    make_folder(outside.path());
    symlink(outside.path(), root.path().join(".Work")).unwrap();
    symlink(outside.path().join("subscriptions"), root.path().join("subscriptions.new")).unwrap();
    let mut account = Account::default();
    account.mailboxes.insert(name("Work"), vec![(UnixMillis(1_600_000_000_000), flags(""), "A: b\r\n".into())]);
    account.mailboxes.insert(name("Home"), Vec::new());
    account.subscribed.insert(name("Home"));
    let summary = moved(&mut account, &mut MaildirTarget::open(root.path(), Layout::SideBySide('.')).unwrap());
    assert_eq!((summary.failed_folders, summary.stopped), (1, None));
    assert!(root.path().join(".Home/cur").is_dir());
    assert_eq!(fs::read_dir(outside.path().join("cur")).unwrap().count(), 0);
    assert!(!outside.path().join("subscriptions").exists());
}

#[test]
fn names_of_every_kind_become_mailboxes() {
    let root = tempfile::tempdir().unwrap();
    make_folder(root.path());
    let long = format!(".{}", "x".repeat(250));
    for folder in [
        b".." as &[u8],
        b"...",
        b"..a",
        b".a.",
        b".a..b",
        b".inbox",
        b".INBOX.x",
        b".bad\xff\xfe",
        b".new\nline\x1b[31m",
        b".Users.bob@example^org.INBOX",
        b".Shared",
        b".per%cent*",
        b".&broken",
        b".Entw&APw-rfe",
        long.as_bytes(),
    ] {
        if folder != b".." {
            let path = root.path().join(OsStr::from_bytes(folder));
            make_folder(&path);
            fs::write(path.join("cur/1.x:2,"), format!("Subject: {}\n\n", folder.escape_ascii())).unwrap();
        }
    }
    fs::write(root.path().join("new/1.x"), "Subject: new\n\n").unwrap();
    let (summary, account) = read(root.path(), LayoutChoice::AsItLooks);
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!((summary.moved, summary.notes.len()), (15, 8), "{:#?}", summary.notes);
    assert!(account.mailboxes.keys().all(|name| !name.is_of_others() && !name.as_str().contains('\n')));
    // Two folders are the INBOX, whose name is in any case.
    assert_eq!(account.mailboxes[&name("INBOX")].len(), 2);
    assert!(names(&account).contains(&"Entwürfe"));
}

#[test]
fn messages_of_every_kind_are_read() {
    let root = tempfile::tempdir().unwrap();
    make_folder(root.path());
    let file = |name: &str, octets: &[u8]| fs::write(root.path().join("cur").join(name), octets).unwrap();
    file("1.empty:2,S", b"");
    file("2.nul:2,", b"A: b\n\n\0\0\xff");
    file("3.no-header:2,", b"\r\n\r\n\n\r");
    file("4:2,SSSSRRXYZ123", b"A: b\n\n");
    file("5;2,F", b"A: b\n\n");
    file("99999999999999999999.huge:2,", b"Date: Tue, 14 Nov 2023 23:30:00 -0500\n\n");
    file(".hidden", b"not a message");
    file("6.locked:2,", b"A: b\n\n");
    fs::create_dir(root.path().join("cur/7.directory:2,")).unwrap();
    let set = |name: &str, seconds: u64| {
        let file = fs::File::options().write(true).open(root.path().join("cur").join(name)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
    };
    set("99999999999999999999.huge:2,", 0);
    set("1.empty:2,S", 1_234_567_890);
    fs::set_permissions(root.path().join("cur/6.locked:2,"), fs::Permissions::from_mode(0o0)).unwrap();
    let (summary, account) = read(root.path(), LayoutChoice::AsItLooks);
    let messages = &account.mailboxes[&name("INBOX")];
    // Root reads what is locked.
    let is_root = nix::unistd::Uid::effective().is_root();
    assert_eq!((summary.moved, summary.failed), if is_root { (7, 0) } else { (6, 1) }, "{summary:?}");
    let found = |octets: &[u8]| messages.iter().filter(|(_, _, there)| there == octets).collect::<Vec<_>>();
    assert_eq!(found(b"")[0].0, UnixMillis(1_234_567_890_000));
    assert_eq!(found(b"A: b\r\n\r\n\0\0\xff").len(), 1);
    assert_eq!(found(b"\r\n\r\n\r\n\r").len(), 1);
    assert_eq!(found(b"Date: Tue, 14 Nov 2023 23:30:00 -0500\r\n\r\n")[0].0, UnixMillis(1_700_022_600_000));
    assert!(messages.iter().any(|(_, there, _)| *there == flags("\\Seen \\Answered")));
}

#[test]
fn deep_trees_and_files_that_are_no_mbox_are_told() {
    let root = tempfile::tempdir().unwrap();
    let deep = root.path().join(vec!["d"; 60].join("/"));
    make_folder(&deep);
    let (summary, _) = read(root.path(), LayoutChoice::Given(Layout::Nested));
    assert_eq!(summary.failed_folders, 1, "{summary:?}");
    fs::write(root.path().join("notes.txt"), "hello").unwrap();
    fs::write(root.path().join("INBOX"), "From x Sat Jan  3 01:05:34 1996\nA: b\n\n").unwrap();
    fs::create_dir(root.path().join("Work.sbd")).unwrap();
    fs::write(root.path().join("Work.sbd/Sent"), "").unwrap();
    symlink("/etc/passwd", root.path().join("passwd")).unwrap();
    let mut account = Account::default();
    let summary = moved(&mut MboxSource::open(root.path(), Form::Rd, None, None).unwrap(), &mut account);
    assert_eq!((summary.moved, summary.failed_folders), (1, 2), "{summary:?}");
    assert_eq!(names(&account), ["INBOX", "Work/Sent"]);
    assert!(MboxSource::open(&root.path().join("nothing"), Form::Rd, None, None).is_err());
    let single = MboxSource::open(&root.path().join("notes.txt"), Form::Rd, None, None);
    let summary = moved(&mut single.unwrap(), &mut account);
    assert!(summary.problems[0].why.contains("no mbox"), "{summary:?}");
}

#[test]
fn keywords_beyond_the_alphabet_are_told() {
    let root = tempfile::tempdir().unwrap();
    let mut account = Account::default();
    let words: Vec<String> = (0..30).map(|number| format!("k{number}")).collect();
    account
        .mailboxes
        .insert(name("INBOX"), vec![(UnixMillis(1_600_000_000_000), flags(&words.join(" ")), "A: b\r\n".into())]);
    let summary = moved(&mut account, &mut MaildirTarget::open(root.path(), Layout::Nested).unwrap());
    assert!(summary.is_complete());
    assert!(summary.notes[0].why.contains("keywords"), "{summary:?}");
}
