//! Annotations.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use posthouse_model::{AccountId, EntryName, MailboxId};

use super::Harness;
use super::world::{World, name};
use crate::annotations::{
    AnnotationPlace, MAX_ANNOTATION_BYTES, MAX_ANNOTATION_BYTES_OF_ACCOUNT, MAX_ANNOTATIONS_AT_A_PLACE,
};
use crate::{AnnotationChange, ChangeOrigin, CommitObserver, MailboxChange, Storage, StorageError};

fn entry(text: &str) -> EntryName {
    EntryName::parse(text).unwrap()
}

impl World {
    fn at(&self, id: MailboxId) -> AnnotationPlace {
        AnnotationPlace::Mailbox { owner: self.ann, id }
    }

    async fn annotate(
        &self,
        writer: AccountId,
        place: AnnotationPlace,
        changes: &[(&str, Option<&str>)],
    ) -> Result<(), StorageError> {
        let octets = |text: &str| Bytes::from(text.as_bytes().to_vec());
        let changes = changes.iter().map(|(name, value)| (entry(name), value.map(octets))).collect();
        self.storage.annotate(writer, place, changes, None).await
    }
}

/// Names and values in a line.
async fn seen(storage: &dyn Storage, reader: AccountId, place: AnnotationPlace) -> String {
    let all = storage.annotations(reader, place).await.unwrap();
    let words: Vec<_> = all.iter().map(|one| format!("{}={}", one.name, String::from_utf8_lossy(&one.value))).collect();
    words.join(" ")
}

/// What is set is there, what is taken away is not, and each account has its own private ones.
pub async fn annotations_are_kept_for_whom_they_are(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (inbox, server) = (world.at(world.inbox), AnnotationPlace::Server);
    let changes = [("/shared/comment", Some("ours")), ("/private/comment", Some("mine")), ("/private/b/c", Some(""))];
    world.annotate(world.ann, inbox, &changes).await.unwrap();
    world.annotate(world.bob, inbox, &[("/private/comment", Some("his"))]).await.unwrap();
    world.annotate(world.bob, server, &[("/private/comment", Some("server"))]).await.unwrap();
    let storage = &*world.storage;
    assert_eq!(seen(storage, world.ann, inbox).await, "/private/b/c= /private/comment=mine /shared/comment=ours");
    assert_eq!(seen(storage, world.bob, inbox).await, "/private/comment=his /shared/comment=ours");
    assert_eq!(seen(storage, world.bob, server).await, "/private/comment=server");
    assert_eq!(seen(storage, world.ann, server).await, "");
    assert_eq!(seen(storage, world.ann, world.at(world.archive)).await, "");
    let changes = [("/private/comment", None), ("/private/nothing", None), ("/shared/comment", Some("new"))];
    world.annotate(world.ann, inbox, &changes).await.unwrap();
    assert_eq!(seen(storage, world.ann, inbox).await, "/private/b/c= /shared/comment=new");
    assert_eq!(seen(storage, world.bob, inbox).await, "/private/comment=his /shared/comment=new");
}

/// They stay with a mailbox that is renamed, and go with a mailbox or an account that goes.
pub async fn annotations_share_the_fate_of_their_place(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let archive = world.at(world.archive);
    world.annotate(world.ann, archive, &[("/shared/comment", Some("x")), ("/private/a", Some("y"))]).await.unwrap();
    world.annotate(world.bob, archive, &[("/private/a", Some("z"))]).await.unwrap();
    world.annotate(world.bob, AnnotationPlace::Server, &[("/private/a", Some("s"))]).await.unwrap();
    let storage = &*world.storage;
    storage.rename_mailboxes(world.ann, vec![(world.archive, name("Old"))]).await.unwrap();
    assert_eq!(seen(storage, world.ann, archive).await, "/private/a=y /shared/comment=x");
    storage.delete_account(world.bob).await.unwrap();
    assert_eq!(seen(storage, world.bob, archive).await, "/shared/comment=x");
    assert_eq!(seen(storage, world.bob, AnnotationPlace::Server).await, "");
    storage.delete_mailbox(world.ann, world.archive).await.unwrap();
    let gone = storage.annotations(world.ann, archive).await;
    assert!(matches!(gone, Err(StorageError::NotFound(_))), "{gone:?}");
    let made = storage.create_mailbox(world.ann, &name("Old"), None).await.unwrap();
    assert_eq!(seen(storage, world.ann, world.at(made.id)).await, "");
}

/// All changes are made or none, whatever the reason.
pub async fn annotations_change_together(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let inbox = world.at(world.inbox);
    world.annotate(world.ann, inbox, &[("/private/a", Some("old"))]).await.unwrap();
    let long = "x".repeat(MAX_ANNOTATION_BYTES + 1);
    let changes = [("/private/a", Some("new")), ("/private/b", Some("b")), ("/private/c", Some(&*long))];
    let refused = world.annotate(world.ann, inbox, &changes).await;
    assert!(matches!(refused, Err(StorageError::Limit { limit, .. }) if limit == MAX_ANNOTATION_BYTES as u64));
    assert_eq!(seen(&*world.storage, world.ann, inbox).await, "/private/a=old");
    let elsewhere = AnnotationPlace::Mailbox { owner: world.bob, id: world.inbox };
    assert!(matches!(world.annotate(world.bob, elsewhere, &changes).await, Err(StorageError::NotFound(_))));
    assert!(matches!(world.annotate(AccountId(99), inbox, &changes).await, Err(StorageError::NotFound(_))));
}

/// The limits are kept, for each account by itself, and what is taken away makes room.
pub async fn annotations_are_bounded(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let inbox = world.at(world.inbox);
    for number in 0..MAX_ANNOTATIONS_AT_A_PLACE {
        world.annotate(world.ann, inbox, &[(&format!("/private/{number}"), Some("x"))]).await.unwrap();
    }
    let more = world.annotate(world.ann, inbox, &[("/private/more", Some("x"))]).await;
    assert!(matches!(more, Err(StorageError::Limit { limit, .. }) if limit == MAX_ANNOTATIONS_AT_A_PLACE as u64));
    world.annotate(world.ann, inbox, &[("/private/0", Some("y")), ("/shared/more", Some("x"))]).await.unwrap();
    world.annotate(world.bob, inbox, &[("/private/more", Some("x"))]).await.unwrap();
    world.annotate(world.ann, inbox, &[("/private/0", None), ("/private/more", Some("x"))]).await.unwrap();

    let long = "x".repeat(MAX_ANNOTATION_BYTES);
    let archive = world.at(world.archive);
    let most = MAX_ANNOTATION_BYTES_OF_ACCOUNT / MAX_ANNOTATION_BYTES as u64;
    let mut kept = 0;
    while kept < most {
        match world.annotate(world.ann, archive, &[(&format!("/shared/{kept}"), Some(&*long))]).await {
            Ok(()) => kept += 1,
            Err(StorageError::Limit { limit: MAX_ANNOTATION_BYTES_OF_ACCOUNT, .. }) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(kept, most - 1, "names and what was there before count too");
    world.annotate(world.ann, archive, &[("/shared/0", Some("short")), ("/shared/new", Some(&*long))]).await.unwrap();
    // What is shared on a mailbox is charged to its owner, whoever set it.
    let by_bob = world.annotate(world.bob, archive, &[("/shared/bob", Some(&*long))]).await;
    assert!(matches!(by_bob, Err(StorageError::Limit { .. })), "{by_bob:?}");
    world.annotate(world.bob, archive, &[("/private/bob", Some(&*long))]).await.unwrap();
    world.storage.delete_mailbox(world.ann, world.archive).await.unwrap();
    world.annotate(world.ann, inbox, &[("/shared/again", Some(&*long))]).await.unwrap();
}

/// Keeps what it is told of annotations.
#[derive(Default)]
struct Witness(Mutex<Vec<AnnotationChange>>);

impl CommitObserver for Witness {
    fn committed(&self, _: &[MailboxChange]) {}

    fn annotated(&self, changes: &[AnnotationChange]) {
        self.0.lock().extend_from_slice(changes);
    }
}

/// Who set what where, and by which origin, is told before whoever did it is answered; what failed is not told.
pub async fn annotations_are_told_of(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let witness = Arc::new(Witness::default());
    world.storage.observe(Arc::clone(&witness) as _);
    let told = || std::mem::take(&mut *witness.0.lock());
    let (inbox, server) = (world.at(world.inbox), AnnotationPlace::Server);
    let origin = Some(ChangeOrigin(7));
    let changes = vec![(entry("/shared/comment"), Some(Bytes::from_static(b"x"))), (entry("/private/a"), None)];
    world.storage.annotate(world.bob, inbox, changes, origin).await.unwrap();
    let names = vec![entry("/shared/comment"), entry("/private/a")];
    assert_eq!(told(), [AnnotationChange { place: inbox, by: world.bob, origin, names }]);
    world.annotate(world.ann, server, &[("/private/a", Some("y"))]).await.unwrap();
    let names = vec![entry("/private/a")];
    assert_eq!(told(), [AnnotationChange { place: server, by: world.ann, origin: None, names }]);
    let long = "x".repeat(MAX_ANNOTATION_BYTES + 1);
    world.annotate(world.ann, inbox, &[("/private/a", Some(&*long))]).await.unwrap_err();
    assert_eq!(told(), []);
}
