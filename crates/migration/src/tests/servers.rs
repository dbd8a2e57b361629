//! IMAP servers that mean harm, or fail.

use std::sync::Arc;

use posthouse_model::Secret;
use posthouse_tls::{ClientTls, TrustRoots};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::memory::Account;
use super::{Nobody, name};
use crate::imap::{ConnectError, ImapServer, ImapSource, Protection};
use crate::{MailboxChoice, Mode, Summary, transfer};

/// What a command has to be, and what is said to it, `TAG` standing for its tag.
type Step = (&'static str, &'static str);

/// What becomes of a connection when the script is at its end.
#[derive(Clone, Copy)]
enum End {
    Close,
    Silence,
    Flood(&'static str),
}

struct Conversation(Vec<Step>, End);

const CAPABILITY: Step = ("CAPABILITY", "* CAPABILITY IMAP4rev1 LIST-EXTENDED\r\nTAG OK\r\n");
const LOGIN: Step = ("LOGIN \"ann\" \"secret\"", "TAG OK in\r\n");
const DELIMITER: Step = ("LIST \"\" \"\"", "* LIST () \"/\" \"\"\r\nTAG OK\r\n");
const LIST: Step = ("LIST \"\" \"*\"", "* LIST () \"/\" INBOX\r\nTAG OK\r\n");
const EXAMINE: Step = ("EXAMINE \"INBOX\"", "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\nTAG OK\r\n");
const SIZES: Step = (
    "UID FETCH 1:* (UID RFC822.SIZE)",
    "* 1 FETCH (UID 5 RFC822.SIZE 6)\r\n* 2 FETCH (RFC822.SIZE 6 UID 9)\r\nTAG OK\r\n",
);
const FETCH: &str = "UID FETCH 5,9 (UID FLAGS INTERNALDATE BODY.PEEK[])";
const BODIES: Step = (
    FETCH,
    "* 1 FETCH (UID 5 FLAGS (\\Seen) BODY[] {6}\r\na: b\r\n)\r\n* 2 FETCH (UID 9 FLAGS () BODY[] {6}\r\nc: d\r\n)\r\nTAG OK\r\n",
);

fn signed_in(rest: &[Step], end: End) -> Conversation {
    Conversation([&[CAPABILITY, LOGIN, CAPABILITY], rest].concat(), end)
}

/// Holds the conversations, one after the other, and then is there no more.
async fn serve(conversations: Vec<Conversation>) -> (ImapServer, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        for Conversation(steps, end) in conversations {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            stream.write_all(b"* OK hello\r\n").await.unwrap();
            let mut tag = String::new();
            for (expected, said) in steps {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let (its_tag, command) = line.trim_end().split_once(' ').unwrap_or_else(|| panic!("no {expected}"));
                assert!(command.starts_with(expected), "{command} and not {expected}");
                its_tag.clone_into(&mut tag);
                stream.write_all(said.replace("TAG", &tag).as_bytes()).await.unwrap();
            }
            match end {
                End::Close => {}
                // What comes is taken, until the client has enough.
                End::Silence => while stream.read_line(&mut String::new()).await.is_ok_and(|count| count > 0) {},
                End::Flood(said) => {
                    stream.read_line(&mut String::new()).await.unwrap();
                    while stream.write_all(said.as_bytes()).await.is_ok() {}
                }
            }
        }
    });
    let tls = Arc::new(ClientTls::new(&TrustRoots::Platform, None).unwrap());
    let server = ImapServer {
        host: "127.0.0.1".to_owned(),
        port,
        protection: Protection::Clear { dangerous_anywhere: false },
        tls,
        login: "ann".to_owned(),
        password: Secret::new("secret"),
    };
    (server, serving)
}

/// Imports everything from such a server; it has to come to the end of its script.
async fn imported(conversations: Vec<Conversation>) -> (Summary, Account) {
    let (server, serving) = serve(conversations).await;
    let mut source = ImapSource::open(server, None).await.unwrap();
    let mut account = Account::default();
    let choice = MailboxChoice::default();
    let summary = transfer(&mut source, &mut account, &choice, Mode::Move, &mut Nobody).await;
    drop(source);
    serving.await.unwrap();
    (summary, account)
}

/// Why such a server cannot be used.
async fn refused(protection: Protection, conversation: Conversation) -> ConnectError {
    let (server, serving) = serve(vec![conversation]).await;
    let outcome = ImapSource::open(ImapServer { protection, ..server }, None).await;
    serving.await.unwrap();
    outcome.err().expect("nobody is let in")
}

fn subjects(account: &Account) -> Vec<String> {
    let messages = account.mailboxes.get(&name("INBOX")).into_iter().flatten();
    messages.map(|(_, _, octets)| String::from_utf8_lossy(octets).trim().to_owned()).collect()
}

const ALL: [Step; 4] = [DELIMITER, LIST, EXAMINE, SIZES];

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_made_anew() {
    let half = (FETCH, "* 1 FETCH (UID 5 FLAGS (\\Seen) BODY[] {6}\r\na: b\r\n)\r\n* 2 FETCH (UID 9 BODY[] {6}\r\nc:");
    let first = signed_in(&[&ALL[..], &[half]].concat(), End::Close);
    let nothing = Conversation(Vec::new(), End::Close);
    let last = signed_in(&[EXAMINE, BODIES], End::Silence);
    let (summary, account) = imported(vec![first, nothing, last]).await;
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!(subjects(&account), ["a: b", "c: d"]);
}

#[tokio::test(start_paused = true)]
async fn another_mailbox_of_that_name_is_not_taken_for_it() {
    let first = signed_in(&[&ALL[..], &[(FETCH, "* 1 FETCH (")]].concat(), End::Close);
    let other = ("EXAMINE", "* 2 EXISTS\r\n* OK [UIDVALIDITY 8] another\r\nTAG OK\r\n");
    let (summary, account) = imported(vec![first, signed_in(&[other], End::Silence)]).await;
    assert!(!summary.is_complete());
    assert_eq!(subjects(&account), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_away_is_given_up() {
    let first =
        signed_in(&[&ALL[..], &[(FETCH, "* 1 FETCH (UID 5 BODY[] {99999999999999}\r\nabc")]].concat(), End::Close);
    let again = || signed_in(&[EXAMINE, (FETCH, "* 1 FETCH (UID 5 BODY[] {99999999999999}\r\nabc")], End::Close);
    let (summary, account) = imported(vec![first, again(), again(), again(), again(), again()]).await;
    assert!(summary.stopped.is_some(), "{summary:?}");
    assert_eq!(subjects(&account), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn wrong_counts_and_numbers_do_no_harm() {
    let examine = ("EXAMINE", "* 4294967295 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\nTAG OK\r\n");
    let sizes = (
        SIZES.0,
        "* 1 FETCH (UID 5 RFC822.SIZE 99)\r\n* 1 FETCH (UID 5)\r\n* 7 FETCH (UID 0)\r\n* 3 FETCH (UID 4294967296)\r\n\
         * 4 FETCH (FLAGS ())\r\n* 2 FETCH (UID 9 RFC822.SIZE -6)\r\nTAG OK\r\n",
    );
    let bodies = (
        FETCH,
        "* 8 FETCH (UID 77 BODY[] {6}\r\nx: y\r\n)\r\n* 1 FETCH (BODY[] {6}\r\nx: z\r\n)\r\n* 2 EXPUNGE\r\n\
         * 1 FETCH (UID 5 BODY[] {6}\r\na: b\r\n)\r\nTAG OK\r\n",
    );
    let (summary, account) = imported(vec![signed_in(&[DELIMITER, LIST, examine, sizes, bodies], End::Silence)]).await;
    assert_eq!(subjects(&account), ["a: b"], "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_tls_is_not_believed() {
    let injected = ("STARTTLS", "TAG OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\np2 OK done\r\n");
    let error = refused(Protection::StartTls, Conversation(vec![injected], End::Silence)).await;
    assert!(matches!(error, ConnectError::Garbled(_)), "{error}");
}

/// Nothing is said in clear to a server that has no TLS, or takes no passwords.
#[tokio::test(start_paused = true)]
async fn passwords_are_kept_back() {
    let refuses = Conversation(vec![("STARTTLS", "TAG BAD what?\r\n")], End::Silence);
    let error = refused(Protection::StartTls, refuses).await;
    assert!(matches!(error, ConnectError::No(_)), "{error}");
    let disabled = ("CAPABILITY", "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nTAG OK\r\n");
    let clear = Protection::Clear { dangerous_anywhere: false };
    let error = refused(clear, Conversation(vec![disabled], End::Silence)).await;
    assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn who_never_answers_is_not_waited_for() {
    let error = refused(Protection::Clear { dangerous_anywhere: false }, Conversation(Vec::new(), End::Silence)).await;
    assert!(matches!(&error, ConnectError::Io(error) if error.kind() == std::io::ErrorKind::TimedOut), "{error}");
    let error = refused(Protection::Tls, Conversation(Vec::new(), End::Silence)).await;
    assert!(matches!(error, ConnectError::Tls(_) | ConnectError::Io(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn who_never_ends_is_not_listened_to() {
    let clear = Protection::Clear { dangerous_anywhere: false };
    for said in ["* 1 EXISTS\r\n* 2 EXISTS\r\n* 3 EXISTS\r\n", "* x", "* x {0}\r\n"] {
        let error = refused(clear, Conversation(Vec::new(), End::Flood(said))).await;
        assert!(matches!(error, ConnectError::Garbled(_)), "{error}");
    }
}
