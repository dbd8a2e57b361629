//! What mail is: addresses, domains, envelopes, flags, ids, limits, search queries, trail events,
//! and the contract that every protocol session keeps with its driver.
//!
//! This crate is the vocabulary of the house. It never does I/O, never looks at a clock, and depends on
//! no other room. A value of one of its types that exists is valid: parsing happens at the edge, once.

pub mod address;
pub mod deliver_by;
pub mod entry_name;
pub mod envelope;
pub mod flag;
pub mod future_release;
pub mod group_name;
pub mod id;
mod language;
pub mod mailbox_name;
mod rfc3339;
pub mod rights;
pub mod search;
pub mod secret;
pub mod session;
pub mod sort;
pub mod special_use;
pub mod time;
mod tls_wish;
pub mod trail;
pub mod uid_set;

pub use address::{Address, AddressError, Domain, LocalPart, ReversePath};
pub use deliver_by::{ByMode, DeliverBy};
pub use entry_name::{EntryName, EntryNameError, EntryScope};
pub use envelope::{BodyType, DsnNotify, DsnReturn, Envelope, Recipient};
pub use flag::{Flags, Keyword, KeywordError, SystemFlag};
pub use future_release::{FutureRelease, HoldRequest};
pub use group_name::{BadGroupName, GroupName};
pub use id::{
    AccountId, BlobId, DomainId, GroupId, JourneyId, KeyId, MailboxId, MessageId, ModSeq, QueueId, ThreadId, Uid,
    UidValidity,
};
pub use language::Language;
pub use mailbox_name::{MailboxName, MailboxNameError};
pub use rights::{FlagScope, Right, Rights, RightsChange};
pub use secret::Secret;
pub use special_use::SpecialUse;
pub use time::{Instant, UnixDay, UnixMillis};
pub use tls_wish::TlsWish;
pub use trail::{TrailEvent, TrailKind};
pub use uid_set::UidSet;
