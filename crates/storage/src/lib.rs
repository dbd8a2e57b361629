//! The port to the strong-room: what the house asks of a store, in the house's words.
//!
//! A backend implements [`Storage`], which is the sum of smaller ports: [`Directory`] (domains, accounts, aliases,
//! credentials), [`Mail`] (mailboxes and what is in them), [`Access`], [`Groups`] and [`SeenBy`] (mailboxes that are
//! shared), [`SortKeys`] (what was worked out for sorting), [`Queue`] (mail on its way out), [`Trail`] (what happened to
//! each message) and [`Settings`] (small facts the server keeps for itself). Every method that changes something
//! returns only when the change is durable, so that whoever gets an `Ok` may say `250`.
//! credentials), [`Mail`] (mailboxes and what is in them), [`Append`] (messages that clients hand in), [`Access`],
//! [`Groups`] and [`SeenBy`] (mailboxes that are shared), [`Queue`] (mail on its way out), [`Trail`] (what happened to
//! each message) and [`Settings`] (small facts the server keeps for itself). Every method that
//! shared), [`Annotations`] (what clients keep with mailboxes), [`Queue`] (mail on its way out), [`Trail`] (what
//! happened to each message) and [`Settings`] (small facts the server keeps for itself). Every method that
//! changes something returns only when the change is durable, so that whoever gets an `Ok` may say `250`.
//!
//! This crate knows nothing of SQL, files or the network. It also carries [`memory`], a store without a disk for
//! tests of the rooms above, and [`conformance`], the suite that every backend has to pass.

pub mod access;
pub mod append;
pub mod annotations;
pub mod conformance;
pub mod directory;
mod error;
pub mod groups;
pub mod mail;
pub mod memory;
pub mod observe;
pub mod queue;
pub mod seen_by;
pub mod settings;
pub mod sort_keys;
pub mod trail;

pub use access::{Access, AccessChange, AccessEntry, SharedArea, SharedMailbox, Subject};
pub use append::{Append, AppendWanted, Appended, NewMessage};
pub use annotations::{Annotation, AnnotationPlace, Annotations};
pub use directory::{
    AccountRecord, AccountStatus, AliasRecord, Credential, Directory, DomainRecord, NewAccount, NewDomain, Resolution,
};
pub use error::{Named, StorageError};
pub use groups::{GroupRecord, Groups};
pub use mail::{
    Body, BodyContent, BodyKey, BodySlice, Changes, CopiedUids, Delivered, Delivery, FlagsStored, FlagsWanted, Mail,
    MailboxRecord, MessageRecord, ParsedMessage, Placed, Placement,
};
pub use memory::MemoryStorage;
pub use observe::{CommitObserver, MailboxChange, MailboxDelta};
pub use queue::{
    Queue, QueueCounts, QueueEntry, QueueFilter, QueueSteering, QueueSubmission, QueuedMessage, QueuedRecipient,
    Settlement, SettlementOutcome,
};
pub use seen_by::{SeenBy, SeenFigures, SeenRecord, SeenRow, Transfer};
pub use settings::Settings;
pub use sort_keys::SortKeys;
pub use trail::{JourneySummary, Trail};

/// All that the house asks of a store.
pub trait Storage: Access + Directory + Groups + Mail + Queue + SeenBy + Settings + SortKeys + Trail {}

impl<T: Access + Directory + Groups + Mail + Queue + SeenBy + Settings + SortKeys + Trail> Storage for T {}
pub trait Storage: Access + Append + Directory + Groups + Mail + Queue + SeenBy + Settings + Trail {}
impl<T: Access + Append + Directory + Groups + Mail + Queue + SeenBy + Settings + Trail> Storage for T {}
pub trait Storage: Access + Annotations + Directory + Groups + Mail + Queue + SeenBy + Settings + Trail {}
impl<T: Access + Annotations + Directory + Groups + Mail + Queue + SeenBy + Settings + Trail> Storage for T {}
