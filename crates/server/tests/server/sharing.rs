//! Two users share a folder, over the wire.

use crate::client::Client;
use crate::house::{IMAPS, PASSWORD, TestHouse};

async fn sign_in(house: &TestHouse, who: &str) -> Client {
    let mut client = house.connect_tls(IMAPS).await;
    client.expect("* OK").await;
    client.send(&format!("in LOGIN {who}@example.org \"{PASSWORD}\"")).await;
    client.until("in OK").await;
    client
}

/// The lines that answer a command, its own last.
async fn ask(client: &mut Client, command: &str) -> Vec<String> {
    client.send(&format!("a {command}")).await;
    client.until("a ").await
}

/// How a command ends, without its text.
async fn end(client: &mut Client, command: &str) -> String {
    let last = ask(client, command).await.pop().unwrap();
    let words: Vec<_> = last.split(' ').collect();
    let code = words.get(2).filter(|word| word.starts_with('['));
    code.map_or_else(|| words[1].to_owned(), |code| format!("{} {code}", words[1]))
}

async fn append(client: &mut Client, mailbox: &str, flags: &str) -> String {
    client.send(&format!("a APPEND {mailbox} ({flags}) {{5}}")).await;
    let asked = client.line().await.unwrap();
    if !asked.starts_with('+') {
        return asked;
    }
    client.send("a: b\n").await;
    client.until("a ").await.pop().unwrap()
}

const WORK: &str = "Users/ann@example.org/Work";

/// Ann lets Bob into her mailbox Work, step by step.
#[tokio::test]
async fn two_users_share_a_mailbox() {
    let house = TestHouse::start().await;
    let (mut ann, mut bob) = (sign_in(&house, "ann").await, sign_in(&house, "bob").await);
    assert_eq!(end(&mut ann, "CREATE Work").await, "OK [MAILBOXID");
    append(&mut ann, "Work", "\\Seen").await;
    append(&mut ann, "Work", "").await;
    for command in ["SELECT", "GETACL", "MYRIGHTS", "DELETE", "STATUS"] {
        for mailbox in [WORK, "Users/ann@example.org/Nothing", "Users/nobody@example.org/Work", "Shared/Nothing"] {
            let items = if command == "STATUS" { " (MESSAGES)" } else { "" };
            assert_eq!(end(&mut bob, &format!("{command} {mailbox}{items}")).await, "NO [NONEXISTENT]", "{command}");
        }
    }
    assert_eq!(end(&mut bob, &format!("CREATE {WORK}/Mine")).await, "NO [NOPERM]");
    assert_eq!(append(&mut bob, WORK, "").await, "a NO [TRYCREATE] There is no such mailbox, create it first");
    assert_eq!(end(&mut ann, "SETACL Work bob lrsi").await, "OK");
    let acl = ask(&mut ann, "GETACL Work").await;
    assert_eq!(acl[0], "* ACL \"Work\" \"ann@example.org\" lrswipkxteacd \"bob@example.org\" lrsi");
    let listed = ask(&mut bob, "LIST \"\" Users/* RETURN (MYRIGHTS STATUS (UNSEEN))").await;
    assert_eq!(
        listed[1..4],
        [
            format!("* LIST (\\HasNoChildren) \"/\" \"{WORK}\""),
            format!("* MYRIGHTS \"{WORK}\" lrsi"),
            format!("* STATUS \"{WORK}\" (UNSEEN 2)"),
        ]
    );
    let selected = ask(&mut bob, &format!("SELECT {WORK}")).await;
    assert!(selected.contains(&"* OK [PERMANENTFLAGS (\\Seen)] These flags stay".to_owned()), "{selected:?}");
    assert_eq!(selected.last().unwrap(), "a OK [READ-WRITE] Open");
    assert_eq!(ask(&mut bob, "FETCH 2 BODY[TEXT]").await.last().unwrap(), "a OK Fetched");
    assert_eq!(ask(&mut bob, "SEARCH UNSEEN").await[0], "* SEARCH 1");
    ask(&mut ann, "SELECT Work").await;
    assert_eq!(ask(&mut ann, "SEARCH UNSEEN").await[0], "* SEARCH 2");
    assert_eq!(end(&mut bob, "STORE 1 +FLAGS (\\Deleted)").await, "NO [NOPERM]");
    assert_eq!(end(&mut bob, "STORE 1 +FLAGS ($Later)").await, "NO [NOPERM]");
    assert_eq!(end(&mut bob, "EXPUNGE").await, "NO [NOPERM]");
    assert_eq!(end(&mut bob, "MOVE 1 INBOX").await, "NO [NOPERM]");
    assert_eq!(end(&mut bob, &format!("SETACL {WORK} bob lrswipkxtea")).await, "NO [NOPERM]");
    assert!(append(&mut bob, WORK, "\\Seen \\Deleted").await.starts_with("a OK [APPENDUID"));
    assert_eq!(ask(&mut bob, "FETCH 3 FLAGS").await[0], "* 3 FETCH (FLAGS (\\Seen))");
    ask(&mut ann, "NOOP").await;
    assert_eq!(ask(&mut ann, "FETCH 3 FLAGS").await[0], "* 3 FETCH (FLAGS ())");
    assert_eq!(end(&mut bob, "CLOSE").await, "OK");
}

/// Bob waits in IDLE: what Ann reads is no news to him, what Ann flags is, and when he may not read, all is gone.
#[tokio::test]
async fn idle_tells_each_reader_their_own() {
    let house = TestHouse::start().await;
    let (mut ann, mut bob) = (sign_in(&house, "ann").await, sign_in(&house, "bob").await);
    ask(&mut ann, "CREATE Work").await;
    append(&mut ann, "Work", "").await;
    ask(&mut ann, "SETACL Work bob lrs").await;
    ask(&mut ann, "SELECT Work").await;
    let mut again = sign_in(&house, "bob").await;
    for client in [&mut bob, &mut again] {
        ask(client, &format!("SELECT {WORK}")).await;
    }
    bob.send("i IDLE").await;
    bob.expect("+ ").await;
    ask(&mut again, "STORE 1 +FLAGS (\\Seen)").await;
    bob.expect("* 1 FETCH (FLAGS (\\Seen))").await;
    ask(&mut ann, "STORE 1 +FLAGS ($Mine)").await;
    assert_eq!(bob.until("* 1 FETCH").await.pop().unwrap(), "* 1 FETCH (FLAGS (\\Seen $Mine))");
    ask(&mut ann, "SETACL Work bob l").await;
    append(&mut ann, "Work", "").await;
    bob.expect("* 1 EXPUNGE").await;
    bob.send("DONE").await;
    bob.expect("i OK").await;
    assert_eq!(end(&mut again, "FETCH 1 BODY[]").await, "NO [NONEXISTENT]");
}

/// CONDSTORE and QRESYNC hold for each reader.
#[tokio::test]
async fn readers_resynchronise() {
    let house = TestHouse::start().await;
    let (mut ann, mut bob) = (sign_in(&house, "ann").await, sign_in(&house, "bob").await);
    ask(&mut ann, "CREATE Work").await;
    for _ in 0..3 {
        append(&mut ann, "Work", "").await;
    }
    ask(&mut ann, "SETACL Work bob lrs").await;
    ask(&mut bob, "ENABLE QRESYNC").await;
    let selected = ask(&mut bob, &format!("SELECT {WORK}")).await;
    let number = |name: &str| {
        let line = selected.iter().find_map(|line| line.split_once(&format!("[{name} "))).unwrap().1;
        line.split(']').next().unwrap().to_owned()
    };
    let (validity, modseq) = (number("UIDVALIDITY"), number("HIGHESTMODSEQ"));
    ask(&mut bob, "UNSELECT").await;
    let mut again = sign_in(&house, "bob").await;
    ask(&mut again, &format!("SELECT {WORK}")).await;
    ask(&mut again, "STORE 2 +FLAGS (\\Seen)").await;
    ask(&mut ann, "SELECT Work").await;
    ask(&mut ann, "STORE 3 +FLAGS (\\Deleted)").await;
    ask(&mut ann, "EXPUNGE").await;
    let missed = ask(&mut bob, &format!("SELECT {WORK} (QRESYNC ({validity} {modseq}))")).await;
    let told: Vec<_> = missed.iter().filter(|line| line.contains("VANISHED") || line.contains("FETCH")).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], "* VANISHED (EARLIER) 3");
    assert!(told[1].starts_with("* 2 FETCH (UID 2 ") && told[1].contains("FLAGS (\\Seen)"), "{told:?}");
}
