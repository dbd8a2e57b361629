//! Stores that an earlier release wrote, with something of all that it could keep, open, migrate and are sound.
//!
//! `data/release-0019.sql` is the index that the release with migrations up to 0019 made through its own storage API, as
//! SQLite dumps it, with the segment behind it. `data/release-0019-encrypted.sql` is one of the same with encryption at rest.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use posthouse_model::{
    AccountId, Address, Domain, GroupName, JourneyId, Keyword, MailboxId, MailboxName, Secret, SystemFlag, UnixMillis,
};
use posthouse_storage::routes::{RouteLogin, RouteProof};
use posthouse_storage::{
    AnnotationPlace, BodySlice, Claim, ImportKey, Mail, MessageRecord, QueueFilter, SearchIndex, Sighting,
    SightingFilter, SightingKey, Storage, TermMatch, TermRange, TlsReportFilter, Usage,
};
use posthouse_storage_sqlite::{EncryptionStep, MasterKey, Options, SqliteStorage};
use rusqlite::Connection;

const PLAIN: &str = include_str!("data/release-0019.sql");
const ENCRYPTED: &str = include_str!("data/release-0019-encrypted.sql");
/// The master key of [`ENCRYPTED`], which nothing else has.
const MASTER_KEY: &str = "36de9f7259b53da760ade808350a79350e1cc49ef9ec3161de03f26c43f3c44f";
const VERSION: u32 = 19;
/// Stands before the octets of the segment, at the end of a dump.
const SEGMENT: &str = "-- bodies/00000001.seg ";

fn write_store(directory: &Path, dump: &str) {
    let (sql, segment) = dump.trim_end().split_once(SEGMENT).unwrap();
    let connection = Connection::open(directory.join("index.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.execute_batch(sql).unwrap();
    connection.pragma_update(None, "user_version", VERSION).unwrap();
    let octets: Vec<u8> = segment
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    fs::create_dir(directory.join("bodies")).unwrap();
    fs::write(directory.join("bodies/00000001.seg"), octets).unwrap();
}

/// Whose mail it is, and where.
struct People {
    ann: AccountId,
    bob: AccountId,
    inbox: MailboxId,
    archive: MailboxId,
}

impl People {
    async fn of(store: &dyn Storage) -> Self {
        let accounts = store.accounts(None).await.unwrap();
        let addresses: Vec<String> = accounts.iter().map(|account| account.address.to_string()).collect();
        assert_eq!(addresses, ["ann@example.org", "bob@example.org", "support@example.org"]);
        let ann = accounts[0].id;
        let mailbox = async |text| store.mailbox(ann, &name(text)).await.unwrap().unwrap().id;
        Self { ann, bob: accounts[1].id, inbox: mailbox("INBOX").await, archive: mailbox("Archive").await }
    }
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

/// What a mailbox shows: UIDs, flags, texts.
async fn shown(store: &dyn Storage, account: AccountId, mailbox: MailboxId) -> Vec<String> {
    let (_, messages) = store.messages(account, mailbox).await.unwrap();
    let slices: Vec<_> = messages.iter().map(|one| BodySlice { body: one.body, range: 0..u64::MAX }).collect();
    let texts = store.read(&slices).await.unwrap();
    let one = |message: &MessageRecord, text: &[u8]| {
        let mut words = vec![message.uid.to_string()];
        words.extend(message.flags.system().map(|flag| SystemFlag::name(flag).to_owned()));
        words.extend(message.flags.keywords().iter().map(|keyword| Keyword::as_str(keyword).to_owned()));
        words.push(String::from_utf8_lossy(text).trim().to_owned());
        words.join(" ")
    };
    messages.iter().zip(&texts).map(|(message, text)| one(message, text)).collect()
}

async fn check_mail(store: &dyn Storage, people: &People) {
    let People { ann, bob, inbox, archive } = *people;
    let of_inbox = ["1 \\Seen one", "2 \\Answered \\Flagged later two", "5 shared by both"];
    assert_eq!(shown(store, ann, inbox).await, of_inbox);
    let of_archive = ["1 \\Seen one", "2 \\Flagged later two", "3 four", "4 \\Seen brought in"];
    assert_eq!(shown(store, ann, archive).await, of_archive);
    let bobs = store.mailbox(bob, &MailboxName::inbox()).await.unwrap().unwrap().id;
    assert_eq!(shown(store, bob, bobs).await, ["1 shared by both"]);
    assert!(store.mailbox(ann, &name("Lists/Crab")).await.unwrap().is_some());
    assert_eq!(store.subscriptions(ann).await.unwrap().len(), 3);
    let (_, messages) = store.messages(ann, inbox).await.unwrap();
    let parsed = store.parsed(&[messages[2].body]).await.unwrap().remove(0);
    assert_eq!(
        (&*parsed.envelope, parsed.preview.as_deref()),
        (&b"envelope of shared by both"[..], Some("preview of shared by both"))
    );
    assert_eq!(store.account_quota(ann).await.unwrap().used, Usage { size_bytes: 44, messages: 7 });
    assert_eq!(store.imported(ann, &[ImportKey([7; 16]), ImportKey([8; 16])]).await.unwrap(), [true, false]);
    assert_eq!(store.expunged(ann, None, 9).await.unwrap().len(), 1);
    assert_eq!(store.changes(ann, inbox, posthouse_model::ModSeq(9)).await.unwrap().vanished.to_string(), "3:4");
}

async fn check_sharing(store: &dyn Storage, people: &People) {
    let People { ann, bob, inbox, archive } = *people;
    let rights = async |mailbox| {
        let entries = store.access(mailbox).await.unwrap();
        entries.iter().map(|entry| entry.rights.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        (rights(inbox).await, rights(archive).await),
        (vec!["lrs".to_owned()], vec!["l".to_owned(), "lr".to_owned()])
    );
    assert_eq!(store.shared_with(bob).await.unwrap().len(), 2);
    assert_eq!(store.seen_figures(inbox, bob).await.unwrap().seen, 1);
    let team = store.group(&GroupName::parse("team").unwrap()).await.unwrap().unwrap();
    assert_eq!(store.members(team.id).await.unwrap(), [Address::parse("bob@example.org").unwrap()]);
    assert_eq!(store.shared_areas().await.unwrap().len(), 1);
    let place = AnnotationPlace::Mailbox { owner: ann, id: inbox };
    assert_eq!(store.annotations(ann, place).await.unwrap().len(), 2);
    assert_eq!(store.annotations(bob, place).await.unwrap().len(), 1);
}

async fn check_settings(store: &dyn Storage, people: &People) {
    assert_eq!(store.setting("a secret").await.unwrap().unwrap().expose(), b"of the server");
    let route = store.routes().await.unwrap().remove(0);
    let Some(RouteLogin { proof: RouteProof::Password(password), .. }) = route.login else { panic!("{route:?}") };
    assert_eq!((password.expose(), route.limits.per_hour), (&b"of the relay"[..], Some(100)));
    let credential = store.credential(people.ann).await.unwrap().unwrap();
    assert_eq!(credential.argon2.expose(), b"argon2 second");
    assert_eq!(store.aliases(None).await.unwrap()[0].targets.len(), 2);
    assert_eq!(store.retention_rules().await.unwrap().len(), 1);
    assert_eq!(store.sending_limits(None).await.unwrap()[0].most, Some(50));
    assert_eq!(store.sts_policy(&domain("far.example")).await.unwrap().unwrap().id, "1");
    assert_eq!(store.tls_history(&domain("far.example")).await.unwrap().unwrap().verified, 2);
}

/// What waits is there, and nothing is said of it that its sender did not say.
async fn check_queue(store: &dyn Storage) {
    let entries = store.queue_entries(&QueueFilter::default(), None, 9).await.unwrap();
    let told: Vec<_> = entries.iter().map(|entry| (entry.destination.to_string(), entry.attempts)).collect();
    assert_eq!(told, [("far.example".to_owned(), 0), ("elsewhere.example".to_owned(), 1)]);
    assert_eq!(entries[1].cause.as_deref(), Some("connect"));
    let message = &entries[0].message;
    assert!(message.may_sign && !message.awaits_release);
    assert_eq!((&message.future_release, &message.deliver_by), (&None, &None));
    let text = store.read(&[BodySlice { body: entries[0].body, range: 0..u64::MAX }]).await.unwrap();
    assert_eq!(&*text[0], b"leaving");
    assert_eq!(store.trail(JourneyId(7)).await.unwrap().len(), 1);
}

/// What later releases keep can be kept, and what waited is sent.
async fn check_what_is_new(store: &dyn Storage, people: &People) {
    assert_eq!(store.tls_reports(&TlsReportFilter::default(), 9).await.unwrap(), []);
    let key = SightingKey { account: Some(people.ann), ..SightingKey::default() };
    let at = UnixMillis(1);
    store.add_sightings(vec![Sighting { key, first_at: at, last_at: at, connections: 1 }]).await.unwrap();
    assert_eq!(store.sightings(&SightingFilter::default(), 9).await.unwrap().len(), 1);
    assert_eq!(store.awaiting_release(people.ann, 9).await.unwrap(), 0);
    store.ripen(UnixMillis(i64::MAX), 9).await.unwrap();
    for destination in store.ready_destinations(None, 9).await.unwrap() {
        let claimed = store.claim(vec![Claim { destination, messages: 9, entries: 9 }]).await.unwrap();
        assert_eq!(claimed[0].entries.len(), 1);
    }
    store.put_setting("another", Secret::new("secret")).await.unwrap();
}

async fn check(store: &Arc<SqliteStorage>) -> People {
    assert_eq!(store.verify().await.unwrap().problems, Vec::<String>::new());
    let people = People::of(&**store).await;
    check_mail(&**store, &people).await;
    check_sharing(&**store, &people).await;
    check_settings(&**store, &people).await;
    check_queue(&**store).await;
    people
}

fn open(directory: &Path, master_key: Option<&MasterKey>) -> Arc<SqliteStorage> {
    let options = Options { master_key: master_key.cloned(), ..Options::default() };
    SqliteStorage::open(directory, options).unwrap()
}

#[tokio::test]
async fn a_store_of_the_release_before_opens_migrates_and_verifies() {
    let directory = tempfile::tempdir().unwrap();
    write_store(directory.path(), PLAIN);
    // Twice: what was migrated opens, too.
    for _ in 0..2 {
        let store = open(directory.path(), None);
        let people = check(&store).await;
        // The index of words says the same of the same bodies.
        let (_, messages) = store.messages(people.ann, people.inbox).await.unwrap();
        let term = |term| vec![TermRange { first: term, last: term, kinds: 1 }];
        let matched = store.match_terms(people.ann, 7, vec![messages[0].body], vec![term(8), term(24)]).await.unwrap();
        assert_eq!(matched, [TermMatch::Meets(1)]);
        store.close().await;
    }
    let store = open(directory.path(), None);
    let people = People::of(&*store).await;
    check_what_is_new(&*store, &people).await;
    assert_eq!(store.verify().await.unwrap().problems, Vec::<String>::new());
    store.close().await;
}

/// How often it is looked whether a store has settled.
const LOOK: Duration = Duration::from_millis(5);

/// The secrets of an encrypted store were as they are until 0023: they are sealed now.
#[tokio::test]
async fn an_encrypted_store_of_the_release_before_is_sealed_wholly() {
    let directory = tempfile::tempdir().unwrap();
    write_store(directory.path(), ENCRYPTED);
    let master_key = MasterKey::parse(&Secret::new(MASTER_KEY)).unwrap();
    assert_eq!(holding(directory.path(), b"of the server"), ["index.db"], "the search finds what is there");
    for _ in 0..2 {
        let store = open(directory.path(), Some(&master_key));
        check(&store).await;
        while store.encryption_status().await.unwrap().step != EncryptionStep::On {
            tokio::time::sleep(LOOK).await;
        }
        let people = check(&store).await;
        check_what_is_new(&*store, &people).await;
        store.close().await;
        for secret in ["of the server", "of the relay", "shared by both", "leaving"] {
            assert_eq!(holding(directory.path(), secret.as_bytes()), Vec::<String>::new(), "{secret}");
        }
    }
}

/// The files that have these octets in them.
fn holding(directory: &Path, octets: &[u8]) -> Vec<String> {
    let files = ["index.db", "index.db-wal", "bodies/00000001.seg"];
    let has = |file: &&str| {
        let read = fs::read(directory.join(file)).unwrap_or_default();
        read.windows(octets.len()).any(|window| window == octets)
    };
    files.into_iter().filter(has).map(str::to_owned).collect()
}
