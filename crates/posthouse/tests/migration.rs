//! Mail moves into a server that runs, and out of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;
use support::{Demo, Talk, check_failure, program, stdout};

const ANN: &str = "ann@example.test";
const BOB: &str = "bob@example.test";

/// A Maildir that is thrown away.
struct Maildir {
    root: tempfile::TempDir,
}

impl Maildir {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &str {
        self.root.path().to_str().unwrap()
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.root.path().join(name);
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(path.join(part)).unwrap();
        }
        path
    }

    /// Puts a message into a folder, as of a moment.
    fn put(&self, folder: &str, file: &str, text: &str, seconds: u64) {
        let path = self.folder(folder).join(file);
        fs::write(&path, text).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }

    fn put_many(&self, count: usize) {
        for number in 0..count {
            let (file, text) = (format!("cur/{number}.many:2,"), format!("Subject: {number}\n\nnumber {number}\n"));
            self.put("", &file, &text, 1_600_000_000 + number as u64);
        }
    }
}

fn signed_in(demo: &Demo, account: usize) -> Talk {
    let (address, password) = demo.account(account);
    let mut talk = demo.talk("imaps");
    assert!(talk.line().starts_with("* OK"));
    talk.imap(&format!("LOGIN {address} {password}"));
    talk
}

fn summary(demo: &Demo, arguments: &[&str]) -> Value {
    demo.server.json(&[arguments, &["--json"]].concat())
}

#[test]
fn a_maildir_comes_in_as_it_is() {
    let demo = Demo::start(&[]);
    let maildir = Maildir::new();
    maildir.put("", "cur/1.a:2,FSb", "Subject: first\n\none\n", 1_234_567_890);
    maildir.put("", "new/2.b", "Subject: second\r\n\r\ntwo\r\n", 1_600_000_000);
    maildir.put(".Work.Entw&APw-rfe", "cur/3.c:2,D", "Subject: third\n\nthree\n", 1_600_000_000);
    fs::write(maildir.root.path().join("dovecot-keywords"), "0 other\n1 $Work\n").unwrap();
    fs::write(maildir.root.path().join("subscriptions"), "Work.Entw&APw-rfe\nGone\n").unwrap();
    let dry = summary(&demo, &["import", "maildir", BOB, maildir.path(), "--dry-run"]);
    assert_eq!((&dry["moved"], &dry["dry_run"]), (&3.into(), &true.into()));
    let done = summary(&demo, &["import", "maildir", BOB, maildir.path()]);
    assert_eq!((&done["moved"], &done["complete"]), (&3.into(), &true.into()));
    let again = summary(&demo, &["import", "maildir", BOB, maildir.path()]);
    assert_eq!((&again["moved"], &again["known"]), (&0.into(), &3.into()));
    let mut talk = signed_in(&demo, 1);
    talk.imap("SELECT INBOX");
    let rows = talk.imap("FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])");
    for expected in
        ["FLAGS (\\Flagged \\Seen $Work)", "\"13-Feb-2009 23:31:30 +0000\"", "Subject: first\r\n\r\none\r\n", "two\r\n"]
    {
        assert!(rows.contains(expected), "{rows}\nlacks {expected}");
    }
    assert!(talk.imap("LIST (SUBSCRIBED) \"\" *").contains("Work/Entw&APw-rfe"));
    talk.imap("SELECT Work/Entw&APw-rfe");
    assert!(talk.imap("FETCH 1:* (FLAGS)").contains("FLAGS (\\Draft)"));
}

#[test]
fn what_goes_out_comes_into_another_account_as_it_was() {
    let demo = Demo::start(&["--accounts", "3"]);
    let maildir = Maildir::new();
    maildir.put_many(250);
    maildir.put(".Work", "cur/3.c:2,DFRST", "From x\n>From y\n", 1_600_000_000);
    summary(&demo, &["import", "maildir", ANN, maildir.path()]);
    let out = tempfile::tempdir().unwrap();
    let path = |name: &str| out.path().join(name).display().to_string();
    let forms: [(&str, &[&str], usize); 3] =
        [("maildir", &["--layout", "fs"], 1), ("maildir", &[], 2), ("mbox", &[], 1)];
    for (number, (form, layout, account)) in forms.into_iter().enumerate() {
        let path = path(&number.to_string());
        let arguments = [&["export", form, ANN, &path][..], layout].concat();
        let exported = summary(&demo, &arguments);
        assert_eq!((&exported["moved"], &exported["complete"]), (&252.into(), &true.into()), "{form}");
        assert_eq!(summary(&demo, &arguments)["moved"], 0);
        let to = demo.account(account).0.to_owned();
        let below = format!("Copy{number}");
        let imported = summary(&demo, &["import", form, &to, &path, "--below", &below]);
        assert_eq!((&imported["moved"], &imported["complete"]), (&252.into(), &true.into()), "{form}");
        assert_eq!(listing(&demo, 0, "Work"), listing(&demo, account, &format!("{below}/Work")));
        assert_eq!(listing(&demo, 0, "INBOX"), listing(&demo, account, &format!("{below}/INBOX")));
    }
}

/// What a mailbox has, without UIDs, in the order of dates.
fn listing(demo: &Demo, account: usize, mailbox: &str) -> Vec<String> {
    let mut talk = signed_in(demo, account);
    talk.imap(&format!("EXAMINE {mailbox}"));
    let rows = talk.imap("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])");
    let without_uid = |row: &str| {
        let (_, rest) = row.split_once("FETCH (").unwrap();
        let rest = rest.split_once("UID ").map_or(rest, |(_, rest)| rest.split_once(' ').unwrap().1);
        rest.replace("FLAGS (\\Recent", "FLAGS (").split("\r\nx OK").next().unwrap().to_owned()
    };
    let mut all: Vec<String> = rows.split("\r\n* ").filter(|row| row.contains("FETCH (")).map(without_uid).collect();
    all.sort();
    all
}

/// Whatever the moment at which it is killed, nothing is doubled and nothing lost.
#[test]
fn an_import_that_is_killed_goes_on() {
    const COUNT: usize = 1500;
    let demo = Demo::start(&[]);
    let maildir = Maildir::new();
    maildir.put_many(COUNT);
    for folder in 0..6 {
        maildir.put(&format!(".f{folder}"), "cur/1.x:2,", "Subject: x\n\nx\n", 1_600_000_000);
    }
    let socket = demo.server.socket.display().to_string();
    let mut talk = signed_in(&demo, 1);
    let mut kills = 0;
    for wanted in [150, 600, 1050] {
        let arguments = ["--socket", &socket, "import", "maildir", BOB, maildir.path()];
        let mut child = program(&arguments).stdout(Stdio::null()).spawn().unwrap();
        while child.try_wait().unwrap().is_none() && messages(&mut talk) < wanted {}
        child.kill().unwrap();
        kills += usize::from(!child.wait().unwrap().success());
    }
    assert!(kills > 0);
    talk.imap("LOGOUT");
    let done = summary(&demo, &["import", "maildir", BOB, maildir.path()]);
    assert_eq!(done["complete"], true);
    let moved = done["moved"].as_u64().unwrap() + done["known"].as_u64().unwrap();
    assert_eq!(moved, COUNT as u64 + 6);
    let mut talk = signed_in(&demo, 1);
    let found = talk.imap("SELECT INBOX");
    // Besides the message of welcome.
    assert!(found.contains(&format!("* {} EXISTS", COUNT + 1)), "{found}");
    let subjects = talk.imap("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]");
    for number in 0..COUNT {
        assert_eq!(subjects.matches(&format!("Subject: {number}\r\n")).count(), 1, "{number}");
    }
}

/// The server is its own peer: one account comes into another, and goes back out into a third.
#[test]
fn an_account_comes_and_goes_by_imap() {
    let demo = Demo::start(&["--accounts", "3"]);
    let maildir = Maildir::new();
    maildir.put_many(120);
    maildir.put(".Work.2024", "cur/3.c:2,DFRST", "Subject: x\n\nx\n", 1_600_000_000);
    fs::write(maildir.root.path().join("subscriptions"), "Work.2024\n").unwrap();
    summary(&demo, &["import", "maildir", ANN, maildir.path()]);
    let host = format!("localhost:{}", demo.port("imaps"));
    let password_file = maildir.root.path().join("password");
    let roots = demo.text("ca_certificate").to_owned();
    let run = |verb: &str, address: &str, login: usize, roots: &str| {
        let (login, password) = demo.account(login);
        fs::write(&password_file, password).unwrap();
        let password_file = password_file.to_str().unwrap();
        let server = ["--host", &host, "--login", login, "--password-file", password_file, "--trust-roots", roots];
        demo.server.command(&[&[verb, "imap", address, "--json"][..], &server].concat())
    };
    let told = |output| serde_json::from_str::<Value>(&stdout(&output)).unwrap();
    let (first, again) = (told(run("import", BOB, 0, &roots)), told(run("import", BOB, 0, &roots)));
    assert_eq!((&first["moved"], &first["complete"]), (&122.into(), &true.into()));
    assert_eq!((&again["moved"], &again["known"]), (&0.into(), &122.into()));
    assert_eq!(listing(&demo, 0, "Work/2024"), listing(&demo, 1, "Work/2024"));
    assert!(signed_in(&demo, 1).imap("LIST (SUBSCRIBED) \"\" *").contains("Work/2024"));
    let (first, again) = (told(run("export", ANN, 2, &roots)), told(run("export", ANN, 2, &roots)));
    assert_eq!((&first["moved"], &again["moved"], &again["known"]), (&122.into(), &0.into(), &122.into()));
    assert_eq!(listing(&demo, 0, "Work/2024"), listing(&demo, 2, "Work/2024"));
    check_failure(&run("import", BOB, 0, "/nowhere.pem"), 1, &["nowhere.pem"]);
}

/// How many messages there are in the INBOX.
fn messages(talk: &mut Talk) -> usize {
    let told = talk.imap("STATUS INBOX (MESSAGES)");
    let (_, count) = told.split_once("(MESSAGES ").unwrap();
    count.split(')').next().unwrap().parse().unwrap()
}

#[test]
fn a_server_that_is_killed_loses_and_doubles_nothing() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data").display().to_string();
    let maildir = Maildir::new();
    maildir.put_many(400);
    let mut demo = Demo::start(&["--data", &data]);
    let socket = demo.server.socket.display().to_string();
    let arguments = ["--socket", &socket, "import", "maildir", BOB, maildir.path()];
    let import = program(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_mail(Path::new(&data));
    demo.server.child.kill().unwrap();
    demo.server.child.wait().unwrap();
    let ended = import.wait_with_output().unwrap();
    drop(demo);
    let demo = Demo::start(&["--data", &data]);
    let done = summary(&demo, &["import", "maildir", BOB, maildir.path()]);
    assert_eq!(done["complete"], true);
    assert_eq!(done["moved"].as_u64().unwrap() + done["known"].as_u64().unwrap(), 400);
    if !ended.status.success() {
        assert!(String::from_utf8_lossy(&ended.stderr).contains("run the same command again"));
    }
    let found = signed_in(&demo, 1).imap("SELECT INBOX");
    assert!(found.contains("* 401 EXISTS"), "{found}");
}

/// Waits until the store has grown, so that an import has begun.
fn wait_for_mail(data: &Path) {
    let log = data.join("store/index.db-wal");
    let size = || fs::metadata(&log).map_or(0, |metadata| metadata.len());
    let before = size();
    let begin = std::time::Instant::now();
    while size() == before && begin.elapsed() < Duration::from_secs(5) {
        std::thread::yield_now();
    }
}

#[test]
fn a_full_account_says_so_and_goes_on_later() {
    let demo = Demo::start(&[]);
    let maildir = Maildir::new();
    maildir.put_many(50);
    stdout(&demo.server.command(&["account", "quota", BOB, "--messages", "31"]));
    let output = demo.server.command(&["import", "maildir", BOB, maildir.path()]);
    check_failure(&output, 1, &["not everything is imported", BOB, "full", "run the same command again"]);
    // The letter that tells Bob how little room is left may come while there is some.
    let first = [30, 29].into_iter().find(|n| String::from_utf8_lossy(&output.stdout).contains(&format!(" {n} (")));
    let first = first.unwrap_or_else(|| panic!("{output:?}"));
    stdout(&demo.server.command(&["account", "quota", BOB, "--messages", "none"]));
    let done = summary(&demo, &["import", "maildir", BOB, maildir.path()]);
    assert_eq!((&done["moved"], &done["known"]), (&(50 - first).into(), &first.into()));
}

#[test]
fn what_cannot_be_moved_is_told() {
    let demo = Demo::start(&[]);
    let maildir = Maildir::new();
    maildir.put("", "cur/1.a:2,", "Subject: good\n\n", 1_600_000_000);
    std::os::unix::fs::symlink("/etc/passwd", maildir.root.path().join("cur/2.b:2,")).unwrap();
    let output = demo.server.command(&["import", "maildir", BOB, maildir.path()]);
    check_failure(&output, 1, &["1 messages were not imported"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("2.b:2,: it is a symbolic link"), "{output:?}");
    let missing = demo.server.command(&["import", "maildir", "nobody@example.test", maildir.path()]);
    check_failure(&missing, 1, &["account"]);
    let missing = demo.server.command(&["import", "mbox", BOB, "/nowhere/at/all"]);
    check_failure(&missing, 1, &["/nowhere/at/all", "No such file"]);
    let others = demo.server.command(&["import", "maildir", BOB, maildir.path(), "--below", "Users/ann@example.test"]);
    check_failure(&others, 1, &["folders were not imported"]);
    stdout(&demo.server.command(&["import", "forget", BOB]));
    let done = demo.server.command(&["import", "maildir", BOB, maildir.path(), "--json"]);
    assert!(String::from_utf8_lossy(&done.stdout).contains("\"moved\":1"), "{done:?}");
}
