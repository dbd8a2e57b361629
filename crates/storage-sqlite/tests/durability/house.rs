//! The store that both processes know: one account with three mailboxes.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use posthouse_model::{
    AccountId, Address, Domain, Flags, JourneyId, MailboxId, MailboxName, Recipient, ReversePath, Secret, TrailEvent,
    TrailKind, UnixMillis,
};
use posthouse_storage::{
    Body, BodySlice, Delivery, Directory, Mail, NewAccount, NewDomain, ParsedMessage, Placement, QueueSubmission,
    QueuedMessage, QueuedRecipient,
};
use posthouse_storage_sqlite::{EncryptionStep, Limits, MasterKey, Options, SqliteStorage};

pub(crate) const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
pub(crate) const MAILBOXES: [&str; 3] = ["INBOX", "A", "B"];

/// While there is a file of this name, each opening has encryption change.
pub(crate) const CHANGES_ENCRYPTION: &str = "changes-encryption";

/// How long what moves between segments may take to come to rest, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

/// An open store, and the numbers in it.
pub(crate) struct House {
    pub(crate) store: Arc<SqliteStorage>,
    pub(crate) account: AccountId,
    pub(crate) mailboxes: Vec<MailboxId>,
}

impl House {
    /// Opens the store with segments so small that there are many, and makes the account if it is not there.
    pub(crate) async fn open(directory: &Path) -> Self {
        let limits = Limits {
            segment_bytes: 64 * 1024,
            checkpoint_pages: 50,
            log_pages: 200,
            log_reserve_pages: 100,
            ..Limits::default()
        };
        let changes_encryption = directory.join(CHANGES_ENCRYPTION).exists();
        let master_key = changes_encryption.then(|| MasterKey::parse(&Secret::new("5a".repeat(32))).unwrap());
        let store = SqliteStorage::open(directory, Options { limits, master_key, ..Options::default() }).unwrap();
        if changes_encryption {
            change_encryption(&store).await;
        }
        if store.accounts(None).await.unwrap().is_empty() {
            let name = Domain::parse("example.org").unwrap();
            let domain = NewDomain { name, catch_all: None, subaddress_separator: None, created_at: NOW };
            store.create_domain(domain).await.unwrap();
            let account = NewAccount {
                address: Address::parse("ann@example.org").unwrap(),
                display_name: String::new(),
                administrator: false,
                credential: None,
                mailboxes: MAILBOXES.map(|name| (MailboxName::parse(name).unwrap(), None)).to_vec(),
                created_at: NOW,
            };
            store.create_account(account).await.unwrap();
        }
        let account = store.accounts(None).await.unwrap()[0].id;
        let mut mailboxes = Vec::new();
        for name in MAILBOXES {
            let name = MailboxName::parse(name).unwrap();
            mailboxes.push(store.mailbox(account, &name).await.unwrap().unwrap().id);
        }
        Self { store, account, mailboxes }
    }

    /// `text` for one of the mailboxes.
    pub(crate) fn delivery(&self, text: &str, mailbox: usize) -> Delivery {
        let placement = Placement {
            account: self.account,
            mailbox: self.mailboxes[mailbox],
            flags: Flags::none(),
            internal_date: NOW,
        };
        let journey = JourneyId(text.len() as u64);
        Delivery {
            body: Body::from_bytes(text.as_bytes().to_vec()),
            parsed: ParsedMessage { structure: text.as_bytes().to_vec().into(), ..ParsedMessage::default() },
            placements: vec![placement],
            queue: None,
            trail: vec![TrailEvent::new(journey, NOW, TrailKind::Delivered)],
        }
    }

    /// A message for `local_part@elsewhere.example`, due now.
    pub(crate) fn outgoing(&self, text: &str, local_parts: &[String]) -> Delivery {
        let destination = Domain::parse("elsewhere.example").unwrap();
        let recipient = |local_part: &String| QueuedRecipient {
            recipient: Recipient::new(Address::parse(&format!("{local_part}@elsewhere.example")).unwrap()),
            destination: destination.clone(),
            due_at: NOW,
            expires_at: NOW,
            deadline: None,
            held: None,
        };
        let message = QueuedMessage {
            journey: JourneyId(1),
            sender: ReversePath::Null,
            body_type: Default::default(),
            smtputf8: false,
            tls: posthouse_model::TlsWish::None,
            may_sign: false,
            submitter: None,
            forwarded_by: None,
            dsn_return: None,
            envelope_id: None,
            size_bytes: text.len() as u64,
            received_at: NOW,
            future_release: None,
            awaits_release: false,
            deliver_by: None,
        };
        let queue = QueueSubmission { message, recipients: local_parts.iter().map(recipient).collect() };
        Delivery { placements: Vec::new(), queue: Some(queue), ..self.delivery(text, 0) }
    }

    /// UIDs and texts of one of the mailboxes.
    pub(crate) async fn messages(&self, mailbox: usize) -> Vec<(u32, String)> {
        let (_, records) = self.store.messages(self.account, self.mailboxes[mailbox]).await.unwrap();
        let slices: Vec<_> = records.iter().map(|one| BodySlice { body: one.body, range: 0..u64::MAX }).collect();
        let bodies = self.store.read(&slices).await.unwrap();
        let text = |body: &bytes::Bytes| String::from_utf8(body.to_vec()).unwrap();
        records.iter().zip(&bodies).map(|(record, body)| (record.uid.value(), text(body))).collect()
    }

    /// Checks that the store agrees with itself, and that no segment has octets which no commit knows of. Bodies may be
    /// on the move between two looks, which passes; octets of which nobody knows do not.
    pub(crate) async fn expect_sound(&self, directory: &Path) {
        let begun = Instant::now();
        loop {
            let verification = self.store.verify().await.unwrap();
            assert_eq!(verification.problems, Vec::<String>::new());
            let segments = std::fs::read_dir(directory.join("bodies")).unwrap();
            let sizes = segments.map(|entry| entry.unwrap().metadata().map_or(0, |metadata| metadata.len()));
            let in_files: u64 = sizes.sum();
            // Header, trailer, seal and the tag of the only chunk.
            let most = verification.dead_bytes + verification.body_bytes + verification.bodies * 128;
            if in_files <= most {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "segments have {in_files} octets, {most} are known");
        }
    }
}

/// Turns encryption on where it is off, and otherwise changes the data key, or turns it off.
async fn change_encryption(store: &SqliteStorage) {
    let status = store.encryption_status().await.unwrap();
    match (status.step, status.data_keys.last()) {
        (EncryptionStep::Off, _) => store.enable_encryption().await.unwrap(),
        (EncryptionStep::On, Some(newest)) if newest % 3 == 0 => store.disable_encryption().await.unwrap(),
        (EncryptionStep::On, _) => store.rotate_data_key().await.unwrap(),
        _ => {}
    }
}
