//! Annotations at rest: small values that clients keep with a mailbox or with the server (RFC 5464).

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::{AccountId, EntryName, MailboxId};

use crate::error::StorageError;

pub use posthouse_model::entry_name::MAX_ANNOTATION_BYTES;

/// Most private annotations of one account at one place, and most shared ones there; RFC 5464 §4.1 asks for ten at
/// least.
pub const MAX_ANNOTATIONS_AT_A_PLACE: usize = 100;
/// Octets of the names and values that one account is charged with, and of those shared on the server.
pub const MAX_ANNOTATION_BYTES_OF_ACCOUNT: u64 = 1 << 20;

/// What [`StorageError::Limit`] says when one value is too long.
pub const VALUE_LIMIT: &str = "octets in an annotation";
/// What [`StorageError::Limit`] says when there are too many at a place.
pub const COUNT_LIMIT: &str = "annotations in one place";
/// What [`StorageError::Limit`] says when there are too many octets of an account.
pub const ACCOUNT_LIMIT: &str = "octets of annotations";

/// To what annotations belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnnotationPlace {
    /// The server as a whole.
    Server,
    /// A mailbox. What is shared on it is charged to the account that owns it.
    Mailbox {
        /// Whose it is.
        owner: AccountId,
        /// Which.
        id: MailboxId,
    },
}

/// A number by which whoever changes something knows its own change again, when observers tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeOrigin(pub u64);

/// An annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Its name.
    pub name: EntryName,
    /// Any octets, at most [`MAX_ANNOTATION_BYTES`].
    pub value: Bytes,
}

/// Annotations at rest. They stay with a mailbox that is renamed and go with one that is deleted, and an account's
/// private ones go with the account.
#[async_trait]
pub trait Annotations: Send + Sync + 'static {
    /// What `reader` has annotated privately at a place and what is shared there, by name. Whether the reader may look
    /// at the place is the caller's to know.
    async fn annotations(&self, reader: AccountId, place: AnnotationPlace) -> Result<Vec<Annotation>, StorageError>;

    /// Sets (or with `None` takes away) annotations, all or none: private ones as those of `writer`.
    ///
    /// Fails with [`StorageError::Limit`] when a value or their sum is too long or there are too many; what makes
    /// less of what is too much is never refused. Observers hear of changes by
    /// [`annotated`](crate::CommitObserver::annotated), with `origin`.
    async fn annotate(
        &self,
        writer: AccountId,
        place: AnnotationPlace,
        changes: Vec<(EntryName, Option<Bytes>)>,
        origin: Option<ChangeOrigin>,
    ) -> Result<(), StorageError>;
}
