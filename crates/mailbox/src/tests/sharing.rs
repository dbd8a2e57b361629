//! Mailboxes of others: what rights open, what they keep shut, and what each reader sees.

mod attacks;
mod flags;
mod model;
mod naming;

use posthouse_model::flag::FlagChange;
use posthouse_model::{GroupName, ModSeq, Rights, RightsChange};

use super::*;
use crate::{BatchBound, MailboxError, Rows};

const ALL: BatchBound = BatchBound { messages: usize::MAX, size_bytes: u64::MAX };

/// What became of something, in words.
fn outcome<T>(result: Result<T, MailboxError>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(MailboxError::NoSuchMailbox) => "no such mailbox",
        Err(MailboxError::NotPermitted) => "not permitted",
        Err(MailboxError::AlreadyExists) => "exists",
        Err(MailboxError::Inbox) => "inbox",
        Err(MailboxError::AnotherOwner) => "another owner",
        Err(MailboxError::Gone) => "gone",
        Err(error) => panic!("{error}"),
    }
}

impl House {
    /// Gives Bob, or whoever is named, rights in a mailbox of Ann's.
    async fn grant(&self, mailbox: &str, identifier: &str, rights: &str) {
        let (mailbox, rights) = (name(mailbox), Rights::parse(rights).unwrap());
        let change = RightsChange::Replace;
        self.mailboxes.change_access_list(&self.ann, &mailbox, identifier, change, rights).await.unwrap();
    }

    async fn bobs(&self, mailbox: &str) -> Result<Mailbox, MailboxError> {
        self.mailboxes.open(&self.bob, &anns(mailbox), false).await
    }

    /// Makes an account's mailboxes a shared area; Ann may do everything in its INBOX.
    async fn area(&self, area: &str) {
        let at = Address::parse(&format!("{}@example.org", area.to_lowercase())).unwrap();
        self.identity.create_shared_area(&name(area), &at, NOW).await.unwrap();
        let (inbox, change) = (MailboxName::inbox(), RightsChange::Replace);
        let granted = self.identity.change_access_list_of(&at, &inbox, "ann@example.org", change, Rights::ALL).await;
        granted.unwrap();
    }

    async fn listed_by(&self, permit: &Permit) -> Vec<String> {
        let rows = self.mailboxes.list(permit).await.unwrap();
        rows.into_iter().filter(|row| row.id.is_some()).map(|row| row.name.to_string()).collect()
    }
}

/// The name by which Bob knows a mailbox of Ann's.
fn anns(mailbox: &str) -> MailboxName {
    name(&format!("Users/ann@example.org/{mailbox}"))
}

/// What somebody sees of a mailbox, such as `1 2(\Seen)`.
fn seen(mailbox: &Mailbox) -> String {
    let rows = mailbox.next_rows(&mut Rows::new(UidSet::all(), None), ALL);
    let one = |record: &posthouse_storage::MessageRecord| shown(record.uid, &record.flags);
    rows.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn shown(uid: Uid, flags: &Flags) -> String {
    let mut words: Vec<&str> = flags.system().map(SystemFlag::name).collect();
    words.extend(flags.keywords().iter().map(Keyword::as_str));
    if words.is_empty() { uid.to_string() } else { format!("{uid}({})", words.join(" ")) }
}

/// What happened to a mailbox, and up to when.
async fn news(mailbox: &Mailbox, since: ModSeq) -> (String, ModSeq) {
    let changes = mailbox.changes_since(since).await.unwrap();
    let mut words: Vec<_> = changes.changed.iter().map(|(uid, flags, _)| shown(*uid, flags)).collect();
    words.extend((!changes.added.is_empty()).then(|| format!("+{}", changes.added)));
    words.extend((!changes.vanished.is_empty()).then(|| format!("-{}", changes.vanished)));
    (words.join(" "), changes.highest_modseq)
}

async fn store(mailbox: &Mailbox, number: u32, change: FlagChange, marks: &str) -> &'static str {
    outcome(mailbox.store_flags(&uids(&[number]), change, &flags(marks), None).await)
}
