//! The port to the strong-room: what the house asks of a store, in the house's words.
//!
//! A backend implements [`Storage`], which is the sum of smaller ports:
//!
//! - [`Directory`]: domains, accounts, aliases, credentials
//! - [`AccountKeys`]: secrets besides the password, made for one program each
//! - [`PasswordHistory`]: passwords that were
//! - [`Groups`]: groups of accounts
//! - [`Mail`]: mailboxes and what is in them
//! - [`Append`]: messages that clients hand in
//! - [`Beginnings`]: headers, of very many messages
//! - [`Imports`]: what was brought in from elsewhere
//! - [`Inventory`]: who connects with what
//! - [`Languages`]: in which the house writes to people
//! - [`Annotations`]: what clients keep with mailboxes
//! - [`Access`] and [`SeenBy`]: mailboxes that are shared
//! - [`SearchIndex`]: which words are in which messages
//! - [`SortKeys`]: what was worked out for sorting
//! - [`Quotas`]: how much mail there may be
//! - [`Queue`] and [`Routes`]: mail on its way out
//! - [`Trail`]: what happened to each message
//! - [`SendingQuotas`] and [`SendingWatch`]: how much may be sent, and who may not send for now
//! - [`SendingQuotas`]: how much may be sent
//! - [`Transport`]: how far other domains' hosts can be trusted
//! - [`ReceivedTlsReports`]: what others report about TLS towards us
//! - [`Recovery`]: what was expunged and can be put back
//! - [`Retention`]: how long mailboxes keep what is in them
//! - [`Duplicates`]: messages that come twice
//! - [`Settings`]: small facts the server keeps for itself
//!
//! Every method that changes something returns only when the change is durable, so that whoever gets an `Ok` may say
//! `250`.
//!
//! This crate knows nothing of SQL, files or the network. It also carries [`memory`], a store without a disk for
//! tests of the rooms above, and [`conformance`], the suite that every backend has to pass.

pub mod access;
pub mod account_keys;
pub mod annotations;
pub mod append;
pub mod beginnings;
pub mod conformance;
pub mod deadlines;
pub mod directory;
pub mod duplicates;
mod error;
pub mod future_releases;
pub mod groups;
pub mod imports;
pub mod inventory;
pub mod languages;
pub mod mail;
pub mod memory;
pub mod observe;
pub mod password_history;
pub mod queue;
pub mod queue_fairness;
pub mod quotas;
pub mod received_tls_reports;
pub mod recovery;
pub mod retention;
pub mod routes;
mod scope;
pub mod search_index;
pub mod seen_by;
pub mod sending_quotas;
pub mod sending_watch;
pub mod settings;
pub mod sort_keys;
pub mod trail;
pub mod transport;

pub use access::{Access, AccessChange, AccessEntry, SharedArea, SharedMailbox, Subject};
pub use account_keys::{
    AccountKey, AccountKeyRing, AccountKeys, KeyProof, KeyService, KeyServices, KeyUse, NewAccountKey,
};
pub use annotations::{Annotation, AnnotationPlace, Annotations, ChangeOrigin};
pub use append::{Append, AppendWanted, Appended, NewMessage};
pub use beginnings::{Beginning, Beginnings, Extent, Header, HeaderEnd};
pub use deadlines::{Deadlines, Overdue};
pub use directory::{
    AccountRecord, AccountStatus, AliasRecord, Credential, Directory, DomainRecord, NewAccount, NewDomain, Resolution,
};
pub use duplicates::{DeliveredOnce, DuplicateCheck, DuplicateRule, Duplicates, Fingerprint};
pub use error::{Named, StorageError};
pub use future_releases::FutureReleases;
pub use groups::{GroupRecord, Groups};
pub use imports::{ImportKey, Imports};
pub use inventory::{Inventory, Sighting, SightingFilter, SightingKey};
pub use languages::Languages;
pub use mail::{
    Body, BodyContent, BodyKey, BodySlice, BodySource, Changes, CopiedUids, Delivered, Delivery, FlagsStored,
    FlagsWanted, MIN_SHARED_BODY_BYTES, Mail, MailboxRecord, MessageRecord, ParsedMessage, Placed, Placement,
};
pub use memory::MemoryStorage;
pub use observe::{AnnotationChange, CommitObserver, Concerned, MailboxChange, MailboxDelta, QueueNews};
pub use password_history::{EarlierPassword, PasswordHistory};
pub use queue::{
    Claim, Claimed, Detour, HeldBecause, Queue, QueueCounts, QueueEntry, QueueFilter, QueueSteering, QueueSubmission,
    QueueTally, QueuedMessage, QueuedRecipient, Ripened, Settlement, SettlementOutcome, TallyBy,
};
pub use quotas::{
    AccountQuota, AccountQuotaSettings, Allowance, DomainQuota, DomainQuotaSettings, QuotaSetting, Quotas, Usage,
};
pub use received_tls_reports::{
    ReceivedTlsReport, ReceivedTlsReports, TlsReportDay, TlsReportFilter, TlsReportHeading, TlsReportKept,
};
pub use recovery::{ExpungedKey, ExpungedMessage, PutBack, Recovery, RemovedAccount};
pub use retention::{
    Keep, RetainedMailbox, Retention, RetentionRule, RetentionRules, RetentionStep, RetentionStepDone, RetentionTarget,
};
pub use routes::{Routes, StoredRoute};
pub use scope::Scope;
pub use search_index::{
    IndexBatch, IndexDocument, IndexState, SearchIndex, Term, TermMatch, TermQuery, TermRange, Unindexed,
    UnindexedMessage,
};
pub use seen_by::{SeenBy, SeenFigures, SeenRecord, SeenRow, Transfer};
pub use sending_quotas::{
    Bound, Bounds, Counted, Figures, LimitHolder, LimitKind, OverSendingQuota, Period, SendingLimit, SendingQuotas,
    SendingStanding, SendingUnit, Sent, Submission, Submitted,
};
pub use sending_watch::{FreezeCause, HeldMail, SendingFreeze, SendingWatch, Watched};
pub use settings::Settings;
pub use sort_keys::SortKeys;
pub use trail::{JourneySummary, Trail, TrailObserver};
pub use transport::{StsRecord, TlsCountKey, TlsHistory, TlsHistoryDelta, Transport};

/// All that the house asks of a store.
pub trait Storage:
    Access
    + AccountKeys
    + Annotations
    + Append
    + Beginnings
    + Deadlines
    + Directory
    + Duplicates
    + FutureReleases
    + Groups
    + Imports
    + Inventory
    + Languages
    + Mail
    + PasswordHistory
    + Queue
    + Quotas
    + ReceivedTlsReports
    + Recovery
    + Retention
    + Routes
    + SearchIndex
    + SeenBy
    + SendingQuotas
    + SendingWatch
    + Settings
    + SortKeys
    + Trail
    + Transport
{
}

impl<T> Storage for T where
    T: Access
        + AccountKeys
        + Annotations
        + Append
        + Beginnings
        + Deadlines
        + Directory
        + Duplicates
        + FutureReleases
        + Groups
        + Imports
        + Inventory
        + Languages
        + Mail
        + PasswordHistory
        + Queue
        + Quotas
        + ReceivedTlsReports
        + Recovery
        + Retention
        + Routes
        + SearchIndex
        + SeenBy
        + SendingQuotas
        + SendingWatch
        + Settings
        + SortKeys
        + Trail
        + Transport
{
}
