//! The port to content filters: what examines the text of a message before it is taken.
//!
//! Filters are asked one after another at the end of data, incoming mail and outgoing mail alike, after all that can be
//! told without them and before anything is durable. What nobody can say anything against is refused sooner: a filter
//! never sees a message whose sender or recipients were refused. Mail of the house itself (reports, alerts) is not
//! examined, and neither is what waited and is let go: it was examined when it came.

mod added_field;
mod examine;
mod figures;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use posthouse_model::session::{Peer, TlsInfo};
use posthouse_model::{Address, Envelope, JourneyId};
use thiserror::Error;

pub use added_field::{AddedField, BadField};
pub(crate) use examine::Examined;
pub use figures::FilterFigure;
pub(crate) use figures::FilterFigures;

/// How long one filter may take where nothing else is said.
pub const DEFAULT_FILTER_TIME: Duration = Duration::from_secs(60);
/// How long all filters together may take where nothing else is said. A client waits ten minutes for the answer (RFC
/// 5321 §4.5.3.2.6), and part of that is ours.
pub const DEFAULT_FILTERS_TIME: Duration = Duration::from_secs(5 * 60);
/// Entries that may be held in the queue before filters can have no more held, where nothing else is said.
pub const DEFAULT_MAX_HELD_BY_FILTERS: u64 = 10_000;
/// Fields that all filters together may add to one message.
pub const MAX_ADDED_FIELDS: usize = 64;

/// Something that examines messages.
#[async_trait]
pub trait ContentFilter: Send + Sync + 'static {
    /// Its name in the trail, the figures and the log, such as `rspamd`.
    fn name(&self) -> &str;

    /// What is to become of a message. When it takes longer than it may, it is not asked any further, and what it did so
    /// far is dropped.
    ///
    /// # Errors
    /// When it cannot tell; [`FilterOptions`] says what becomes of the message then.
    async fn examine(&self, message: &FilteredMessage<'_>) -> Result<Verdict, FilterError>;
}

/// Where a message comes from and goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailDirection {
    /// From another host to recipients of ours, wherever their aliases lead.
    Incoming,
    /// From somebody who signed in, to others at least in part.
    Outgoing,
    /// From somebody who signed in, to mailboxes here only.
    Local,
}

/// A message, as a filter sees it. Nothing of it is copied.
#[derive(Clone, Copy, Debug)]
pub struct FilteredMessage<'a> {
    /// The journey it is on.
    pub journey: JourneyId,
    /// Where it comes from and goes to.
    pub direction: MailDirection,
    /// Who signed in.
    pub login: Option<&'a Address>,
    /// From where it came.
    pub peer: Peer,
    /// What the client called itself; empty if nothing.
    pub helo: &'a str,
    /// The TLS it came through.
    pub tls: Option<&'a TlsInfo>,
    /// From whom, and to whom as the client named them: those that were not refused.
    pub envelope: &'a Envelope,
    /// The octets as they are to be stored, our trace fields on top and blind copies out; [`Bytes::clone`] is cheap.
    /// While a filter has them, they count against what messages in flight may use.
    pub octets: &'a Bytes,
    /// What filters before this one add. It is not among the octets yet.
    pub added: &'a [AddedField],
}

/// What a filter says of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is to be said against it.
    Accept,
    /// The same, and these fields are put beneath our trace fields, in this order.
    AcceptWithFields(Vec<AddedField>),
    /// It is taken, and held in the queue until an administrator releases or drops it; with the reason, for people. The
    /// filters that follow are asked nevertheless.
    Hold(String),
    /// It is not taken.
    Refuse {
        /// Why, for programs.
        status: RefusalStatus,
        /// Why, for whoever sent it.
        text: String,
    },
    /// It is not taken now.
    TryLater,
}

/// `5.subject.detail` (RFC 3463 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalStatus {
    subject: u16,
    detail: u16,
}

impl RefusalStatus {
    /// 5.7.1: a rule forbids it.
    pub const POLICY: Self = Self { subject: 7, detail: 1 };
    /// Three digits are the most that either may have.
    const MAX: u16 = 999;

    /// The status of these two numbers; `None` unless each has at most three digits.
    pub fn new(subject: u16, detail: u16) -> Option<Self> {
        (subject <= Self::MAX && detail <= Self::MAX).then_some(Self { subject, detail })
    }

    /// What it is about.
    pub fn subject(self) -> u16 {
        self.subject
    }

    /// What about it.
    pub fn detail(self) -> u16 {
        self.detail
    }
}

impl fmt::Display for RefusalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "5.{}.{}", self.subject, self.detail)
    }
}

/// Why a filter cannot tell.
#[derive(Debug, Error)]
pub enum FilterError {
    /// It cannot be reached, or fails; in words for people.
    #[error("{0}")]
    Failed(String),
    /// What it wants to add is no field.
    #[error("it wants to add what it may not: {0}")]
    BadField(#[from] BadField),
}

/// What becomes of a message of which a filter fails, or takes too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUnexamined {
    /// The client is told to come again (`451 4.7.1`).
    TryLater,
    /// It is taken, and held in the queue until an administrator releases or drops it.
    Hold,
    /// It goes on as if the filter were not there.
    Accept,
}

/// Which filters there are, and what is to be done without them.
#[derive(Clone)]
pub struct FilterOptions {
    /// The filters, in the order in which they are asked.
    pub filters: Vec<Arc<dyn ContentFilter>>,
    /// How long one of them may take.
    pub time: Duration,
    /// How long all of them together may take.
    pub total_time: Duration,
    /// What becomes of incoming mail that cannot be examined: its sender has a queue of its own.
    pub incoming_unexamined: WhenUnexamined,
    /// What becomes of mail that somebody hands in who signed in, to others or here: a person waits, and mail programs
    /// have no queue.
    pub outgoing_unexamined: WhenUnexamined,
    /// How many entries may be held in the queue, for whatever reason, before filters can have no more held. What is to
    /// be held beyond that is to come later.
    pub max_held: u64,
}

impl Default for FilterOptions {
    fn default() -> Self {
        Self {
            filters: Vec::new(),
            time: DEFAULT_FILTER_TIME,
            total_time: DEFAULT_FILTERS_TIME,
            incoming_unexamined: WhenUnexamined::TryLater,
            outgoing_unexamined: WhenUnexamined::Hold,
            max_held: DEFAULT_MAX_HELD_BY_FILTERS,
        }
    }
}

impl fmt::Debug for FilterOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterOptions")
            .field("filters", &self.filters.iter().map(|filter| filter.name()).collect::<Vec<_>>())
            .field("time", &self.time)
            .field("total_time", &self.total_time)
            .field("incoming_unexamined", &self.incoming_unexamined)
            .field("outgoing_unexamined", &self.outgoing_unexamined)
            .field("max_held", &self.max_held)
            .finish()
    }
}
