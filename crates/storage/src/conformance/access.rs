//! Access lists and shared areas.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use posthouse_model::{AccountId, MailboxId, Rights, RightsChange};

use super::Harness;
use super::world::{NOW, World, name, new_account};
use crate::access::MAX_ACCESS_ENTRIES;
use crate::{
    AccessChange, CommitObserver, Concerned, MailboxChange, Named, SharedArea, SharedMailbox, StorageError, Subject,
};

impl World {
    /// Changes the access list of one of ann's mailboxes, as SETACL would: `+lr`, `-r` or `lrs`.
    pub(super) async fn grant(&self, mailbox: MailboxId, subject: Subject, rights: &str) {
        self.change_access(mailbox, subject, false, rights).await.unwrap();
    }

    pub(super) async fn change_access(
        &self,
        mailbox: MailboxId,
        subject: Subject,
        negative: bool,
        rights: &str,
    ) -> Result<(), StorageError> {
        let (change, rights) = match rights.split_at(rights.len().min(1)) {
            ("+", rest) => (RightsChange::Add, rest),
            ("-", rest) => (RightsChange::Remove, rest),
            _ => (RightsChange::Replace, rights),
        };
        let rights = Rights::parse(rights).unwrap();
        let change = AccessChange { owner: self.ann, mailbox, subject, negative, change, rights };
        self.storage.change_access(change).await
    }

    /// An access list, such as `anyone lr, -2 s, $1 l`.
    pub(super) async fn access_of(&self, mailbox: MailboxId) -> String {
        let entries = self.storage.access(mailbox).await.unwrap();
        let one = |entry: &crate::AccessEntry| {
            let subject = match entry.subject {
                Subject::Anyone => "anyone".to_owned(),
                Subject::Account(account) => account.to_string(),
                Subject::Group(group) => format!("${group}"),
            };
            format!("{}{subject} {}", if entry.negative { "-" } else { "" }, entry.rights)
        };
        entries.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    async fn shared_names(&self, account: AccountId) -> Vec<String> {
        let shared = self.storage.shared_with(account).await.unwrap();
        let mut names: Vec<_> = shared.iter().map(|one| one.record.name.to_string()).collect();
        names.sort();
        names
    }
}

/// Entries are replaced, added to and taken from; one without rights is none.
pub async fn access_lists_change_entry_by_entry(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let bob = Subject::Account(world.bob);
    for (subject, negative, rights, expected) in [
        (bob, false, "lr", format!("{} lr", world.bob)),
        (bob, false, "+sr", format!("{} lrs", world.bob)),
        (bob, false, "-r", format!("{} ls", world.bob)),
        (bob, true, "s", format!("{0} ls, -{0} s", world.bob)),
        (Subject::Anyone, false, "+l", format!("anyone l, {0} ls, -{0} s", world.bob)),
        (bob, false, "", format!("anyone l, -{0} s", world.bob)),
        (bob, true, "-lrs", "anyone l".to_owned()),
        (bob, false, "-l", "anyone l".to_owned()),
    ] {
        world.change_access(world.inbox, subject, negative, rights).await.unwrap();
        assert_eq!(world.access_of(world.inbox).await, expected, "{rights}");
    }
    assert_eq!(world.access_of(world.archive).await, "");
}

/// Of a mailbox of another, for an account or a group that is not there, for too many.
pub async fn entries_that_cannot_be_are_refused(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let bob = Subject::Account(world.bob);
    let refused = world.change_access(world.bobs_inbox, bob, false, "l").await;
    assert!(matches!(refused, Err(StorageError::NotFound(Named::Mailbox))), "{refused:?}");
    let refused = world.change_access(world.inbox, Subject::Account(AccountId(999)), false, "l").await;
    assert!(matches!(refused, Err(StorageError::NotFound(Named::Account))), "{refused:?}");
    let refused = world.change_access(world.inbox, Subject::Group(posthouse_model::GroupId(999)), false, "l").await;
    assert!(matches!(refused, Err(StorageError::NotFound(Named::Group))), "{refused:?}");
    let mut last = Ok(());
    for number in 0..=MAX_ACCESS_ENTRIES / 2 {
        let group = posthouse_model::GroupName::parse(&format!("g{number}")).unwrap();
        let group = Subject::Group(world.storage.create_group(&group, NOW).await.unwrap().id);
        world.change_access(world.inbox, group, true, "l").await.unwrap_or_default();
        last = world.change_access(world.inbox, group, false, "l").await;
    }
    assert!(matches!(last, Err(StorageError::Limit { .. })), "{last:?}");
    assert_eq!(world.storage.access(world.inbox).await.unwrap().len(), MAX_ACCESS_ENTRIES);
}

/// What somebody sees of others: by name, by group, as anyone; not their own, and not what is only taken away.
pub async fn shared_mailboxes_are_found_by_subject(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let bob = Subject::Account(world.bob);
    let team = posthouse_model::GroupName::parse("team").unwrap();
    let team = world.storage.create_group(&team, NOW).await.unwrap().id;
    assert_eq!(world.shared_names(world.bob).await, [""; 0]);
    world.grant(world.archive, Subject::Anyone, "lr").await;
    world.grant(world.inbox, Subject::Group(team), "lr").await;
    world.change_access(world.inbox, bob, true, "r").await.unwrap();
    assert_eq!(world.shared_names(world.bob).await, ["Archive"]);
    assert_eq!(world.shared_names(world.ann).await, [""; 0]);
    world.storage.set_member(team, world.bob, true).await.unwrap();
    assert_eq!(world.shared_names(world.bob).await, ["Archive", "INBOX"]);
    let shared = world.storage.shared_with(world.bob).await.unwrap();
    let inbox = shared.iter().find(|one| one.record.id == world.inbox).unwrap();
    let SharedMailbox { record, owner, area, entries } = inbox;
    assert_eq!(
        (record, owner.to_string().as_str(), area),
        (&world.mailbox(world.inbox).await, "ann@example.org", &None)
    );
    let entries: Vec<_> = entries.iter().map(|entry| (entry.subject, entry.negative)).collect();
    assert_eq!(entries, [(bob, true), (Subject::Group(team), false)]);
    world.grant(world.archive, Subject::Anyone, "").await;
    world.storage.set_member(team, world.bob, false).await.unwrap();
    assert_eq!(world.shared_names(world.bob).await, [""; 0]);
}

/// A new mailbox has the access list of the one above it; afterwards each has its own.
pub async fn access_is_inherited_when_a_mailbox_is_made(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let bob = Subject::Account(world.bob);
    world.grant(world.archive, bob, "lr").await;
    world.change_access(world.archive, Subject::Anyone, true, "r").await.unwrap();
    let below = world.storage.create_mailbox(world.ann, &name("Archive/2024"), None).await.unwrap().id;
    let beside = world.storage.create_mailbox(world.ann, &name("Other"), None).await.unwrap().id;
    let expected = format!("-anyone r, {} lr", world.bob);
    assert_eq!((world.access_of(below).await, world.access_of(beside).await), (expected.clone(), String::new()));
    world.grant(world.archive, bob, "").await;
    assert_eq!(world.access_of(below).await, expected);
    let renames = vec![(below, name("Other/2024"))];
    world.storage.rename_mailboxes(world.ann, renames).await.unwrap();
    assert_eq!(world.access_of(below).await, expected);
}

/// At the top of a shared area it is the list of INBOX that a new mailbox gets.
pub async fn shared_areas_are_made_and_removed(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let area = |text: &str, account| SharedArea { name: name(text), account };
    let bob = Subject::Account(world.bob);
    world.grant(world.inbox, bob, "lrk").await;
    world.storage.create_shared_area(area("Support", world.ann)).await.unwrap();
    let top = world.storage.create_mailbox(world.ann, &name("Cases"), None).await.unwrap().id;
    assert_eq!(world.access_of(top).await, format!("{} lrkc", world.bob));
    let shared = world.storage.shared_with(world.bob).await.unwrap();
    assert!(shared.iter().all(|one| one.area == Some(name("Support"))), "{shared:?}");
    for taken in [area("Support", world.bob), area("Other", world.ann)] {
        let refused = world.storage.create_shared_area(taken).await;
        assert!(matches!(refused, Err(StorageError::AlreadyExists(Named::SharedArea))), "{refused:?}");
    }
    let refused = world.storage.create_shared_area(area("Other", AccountId(999))).await;
    assert!(matches!(refused, Err(StorageError::NotFound(Named::Account))), "{refused:?}");
    let support = Some(area("Support", world.ann));
    assert_eq!(world.storage.shared_area(&name("Support")).await.unwrap(), support);
    assert_eq!(world.storage.shared_area_of(world.ann).await.unwrap(), support);
    assert_eq!(world.storage.shared_areas().await.unwrap(), [area("Support", world.ann)]);
    assert_eq!(world.storage.shared_area_of(world.bob).await.unwrap(), None);
    world.storage.delete_shared_area(&name("Support")).await.unwrap();
    let gone = world.storage.delete_shared_area(&name("Support")).await;
    assert!(matches!(gone, Err(StorageError::NotFound(Named::SharedArea))), "{gone:?}");
    assert_eq!(world.storage.shared_areas().await.unwrap(), []);
}

/// What is said of an account or a mailbox goes with it; one that is made anew under the same name gets nothing of it.
pub async fn access_goes_with_what_it_is_about(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let bob = Subject::Account(world.bob);
    world.grant(world.inbox, bob, "lr").await;
    world.grant(world.archive, bob, "lr").await;
    world.storage.delete_mailbox(world.ann, world.archive).await.unwrap();
    let again = world.storage.create_mailbox(world.ann, &name("Archive"), None).await.unwrap().id;
    assert_eq!((world.access_of(world.archive).await, world.access_of(again).await), (String::new(), String::new()));
    world.storage.delete_account(world.bob).await.unwrap();
    assert_eq!(world.access_of(world.inbox).await, "");
    let bob = world.storage.create_account(new_account("bob@example.org")).await.unwrap().id;
    assert_eq!(world.shared_names(bob).await, [""; 0]);
    world.storage.create_shared_area(SharedArea { name: name("S"), account: world.ann }).await.unwrap();
    world.grant(world.inbox, Subject::Account(bob), "lr").await;
    world.storage.delete_account(world.ann).await.unwrap();
    assert_eq!(world.storage.shared_areas().await.unwrap(), []);
    assert_eq!(world.shared_names(bob).await, [""; 0]);
}

#[derive(Default)]
struct Listener(Mutex<BTreeSet<Concerned>>);

impl CommitObserver for Listener {
    fn committed(&self, _: &[MailboxChange]) {}

    fn rights_changed(&self, concerned: &[Concerned]) {
        self.0.lock().extend(concerned);
    }
}

/// Whoever remembers rights hears of each change before it is answered, and whom it concerns.
pub async fn observers_hear_of_rights(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &world.storage;
    let listener = Arc::new(Listener::default());
    storage.observe(Arc::<Listener>::clone(&listener));
    let heard = || -> Vec<Concerned> { std::mem::take(&mut *listener.0.lock()).into_iter().collect() };
    let bob = [Concerned::Account(world.bob)];
    let everybody = [Concerned::Everybody];
    let team = posthouse_model::GroupName::parse("team").unwrap();
    let group = storage.create_group(&team, NOW).await.unwrap().id;
    world.deliver("a").await;
    storage.create_mailbox(world.ann, &name("Plain"), None).await.unwrap();
    assert_eq!(heard(), []);
    world.grant(world.archive, Subject::Group(group), "lr").await;
    assert_eq!(heard(), [], "nobody is in the group yet");
    storage.set_member(group, world.bob, true).await.unwrap();
    assert_eq!(heard(), bob);
    storage.create_mailbox(world.ann, &name("Archive/a"), None).await.unwrap();
    assert_eq!(heard(), bob, "the list of the mailbox above is that of a new one");
    world.grant(world.archive, Subject::Group(group), "lrs").await;
    assert_eq!(heard(), bob);
    storage.set_member(group, world.bob, false).await.unwrap();
    assert_eq!(heard(), bob);
    storage.set_member(group, world.bob, true).await.unwrap();
    heard();
    storage.delete_group(&team).await.unwrap();
    assert_eq!(heard(), bob);
    world.grant(world.inbox, Subject::Account(world.bob), "lr").await;
    assert_eq!(heard(), bob);
    world.grant(world.inbox, Subject::Anyone, "lr").await;
    assert_eq!(heard(), everybody);
    storage.create_shared_area(SharedArea { name: name("S"), account: world.ann }).await.unwrap();
    assert_eq!(heard(), everybody);
    storage.delete_shared_area(&name("S")).await.unwrap();
    assert_eq!(heard(), everybody);
    storage.delete_account(world.bob).await.unwrap();
    assert_eq!(heard(), bob);
}
