//! What the house answers to a [`Question`](crate::Question).

use bytes::Bytes;
use posthouse_model::sort::ThreadNode;
use posthouse_model::{
    EntryName, Flags, Keyword, MailboxId, MailboxName, MessageId, ModSeq, Rights, SpecialUse, ThreadId, Uid, UidSet,
    UidValidity, UnixMillis,
};

use crate::question::QuotaResource;
use crate::refusal::Refusal;

/// An answer. One that does not fit its question ends the command with `NO [SERVERBUG]`.
#[derive(Debug)]
pub enum Answer {
    /// It was done.
    Done,
    /// It was not done.
    Refused(Refusal),
    /// To [`Question::SaslStart`](crate::Question::SaslStart).
    SaslStart {
        /// Fresh random bytes, never used before.
        nonce: [u8; posthouse_sasl::NONCE_BYTES],
        /// The time, in seconds since 1970.
        unix_time_seconds: u64,
    },
    /// To [`Question::Sasl`](crate::Question::Sasl).
    Sasl(posthouse_sasl::Answer),
    /// To [`Question::List`](crate::Question::List), in any order.
    Mailboxes(Vec<MailboxRow>),
    /// To [`Question::Status`](crate::Question::Status): a row for each name asked, in the same order.
    Statuses(Vec<Result<StatusRow, Refusal>>),
    /// To [`Question::Annotations`](crate::Question::Annotations): what each place has, in the order asked.
    Annotations(Vec<Result<Vec<AnnotationRow>, Refusal>>),
    /// To [`Question::QuotaRoots`](crate::Question::QuotaRoots), [`Question::Quota`](crate::Question::Quota) and
    /// [`Question::SetQuota`](crate::Question::SetQuota).
    Quotas(Vec<QuotaRow>),
    /// To [`Question::Select`](crate::Question::Select).
    Selected(Box<Selected>),
    /// To [`Question::Create`](crate::Question::Create).
    Created(MailboxId),
    /// To [`Question::AppendUrl`](crate::Question::AppendUrl).
    AppendedPart {
        /// How many octets that were.
        size: u64,
    },
    /// To [`Question::Acl`](crate::Question::Acl): identifiers and their rights, as they shall be told.
    Acl(Vec<(String, Rights)>),
    /// To [`Question::GrantableRights`](crate::Question::GrantableRights).
    GrantableRights {
        /// What the identifier has in any case.
        required: Rights,
        /// What can be given to it, each right by itself.
        optional: Rights,
    },
    /// To [`Question::MyRights`](crate::Question::MyRights): a row for each name asked, in the same order.
    MyRights(Vec<Result<Rights, Refusal>>),
    /// To [`Question::Append`](crate::Question::Append).
    Appended {
        /// Of the mailbox that the messages went to.
        uid_validity: UidValidity,
        /// Their UIDs there, which rise in the order in which the messages came.
        uids: UidSet,
    },
    /// To [`Question::Fetch`](crate::Question::Fetch), before any row: which of the messages asked for are gone.
    FetchVanished(UidSet),
    /// To [`Question::Fetch`](crate::Question::Fetch): some rows, in rising order. While the last row waits for
    /// streamed data, [`Answer::FetchData`] comes next.
    FetchRows(Vec<FetchRow>),
    /// To [`Question::Fetch`](crate::Question::Fetch): octets of the first section that still lacks some.
    FetchData(Bytes),
    /// To [`Question::Fetch`](crate::Question::Fetch): there is no more.
    FetchDone {
        /// Messages asked for that are gone.
        missing: UidSet,
    },
    /// To [`Question::Store`](crate::Question::Store).
    Stored {
        /// Every message that the change was applied to, whether it altered anything or not; rising.
        rows: Vec<FlagRow>,
        /// Of each row, the modification sequence of the last change to the message that was not this one.
        others: Vec<ModSeq>,
        /// Messages left alone because they changed after UNCHANGEDSINCE (RFC 7162 §3.1.3).
        modified: UidSet,
        /// Messages that are gone.
        missing: UidSet,
    },
    /// To [`Question::Copy`](crate::Question::Copy) and [`Question::Move`](crate::Question::Move).
    Copied(Copied),
    /// To [`Question::Search`](crate::Question::Search).
    Found {
        /// The messages; for [`SearchNeed::Ends`](crate::SearchNeed::Ends) only those asked for.
        uids: UidSet,
        /// The highest modification sequence among `uids`, when it was asked for and there are any.
        highest_modseq: Option<ModSeq>,
    },
    /// To any question that takes its time, before its answer, with the same question id: how far the house is.
    Progress {
        /// How much is done; never less than before.
        done: u64,
        /// How much there is to do; zero if that is not known.
        goal: u64,
    },
    /// To [`Question::SearchOpen`](crate::Question::SearchOpen).
    SearchOpened {
        /// Its UIDVALIDITY.
        uid_validity: UidValidity,
        /// Its messages.
        uids: UidSet,
    },
    /// To [`Question::Sort`](crate::Question::Sort).
    Sorted {
        /// The messages, in order; for [`SearchNeed::Ends`](crate::SearchNeed::Ends) only those asked for.
        uids: Vec<Uid>,
        /// The highest modification sequence among `uids`, when it was asked for and there are any.
        highest_modseq: Option<ModSeq>,
    },
    /// To [`Question::Thread`](crate::Question::Thread).
    Threaded(Vec<ThreadNode>),
    /// To [`Question::Sync`](crate::Question::Sync).
    Changes(Box<Changes>),
    /// To [`Question::News`](crate::Question::News).
    News(Box<News>),
}

/// An annotation: its name, and its value if there is one.
pub type AnnotationRow = (EntryName, Option<Bytes>);

/// A mailbox, or a subscribed name without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxRow {
    /// Its name.
    pub name: MailboxName,
    /// Its id; `None` if only the subscription exists.
    pub id: Option<MailboxId>,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Whether the name is subscribed.
    pub subscribed: bool,
    /// Whether it can be opened.
    pub selectable: bool,
}

/// Figures of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRow {
    /// Its id.
    pub mailbox: MailboxId,
    /// Number of messages.
    pub messages: u32,
    /// The UID that the next message will get, or more.
    pub uid_next: u32,
    /// Its UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// Number of messages without `\Seen`.
    pub unseen: u32,
    /// Number of messages with `\Deleted`.
    pub deleted: u32,
    /// Octets of all messages.
    pub size: u64,
    /// Octets of the messages with `\Deleted`.
    pub deleted_size: u64,
    /// Its highest modification sequence.
    pub highest_modseq: ModSeq,
}

/// A quota root (RFC 9208 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaRow {
    /// Its name.
    pub root: String,
    /// What is limited.
    pub figures: Vec<QuotaFigure>,
}

/// What there is and may be of a resource, in its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaFigure {
    /// Of what.
    pub resource: QuotaResource,
    /// How much there is.
    pub used: u64,
    /// How much there may be.
    pub limit: u64,
}

/// A mailbox that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Its id.
    pub mailbox: MailboxId,
    /// Its UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// The UID that the next message will get, or more.
    pub uid_next: u32,
    /// Its highest modification sequence, at the moment of which `uids` speaks.
    pub highest_modseq: ModSeq,
    /// Its messages.
    pub uids: UidSet,
    /// The first message without `\Seen`.
    pub first_unseen: Option<Uid>,
    /// Keywords in use.
    pub keywords: Vec<Keyword>,
    /// Whether it could only be opened for reading.
    pub read_only: bool,
    /// What the user may do here; all, in a mailbox of the user's own.
    pub rights: Rights,
    /// What the client missed, when it asked with a UIDVALIDITY that still holds.
    pub resync: Option<Resync>,
}

/// What a client missed (RFC 7162 §3.2.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resync {
    /// Messages, of those it knew, that are gone.
    pub vanished: UidSet,
    /// Messages, of those it knew, whose flags changed; rising.
    pub changed: Vec<FlagRow>,
}

/// The flags of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagRow {
    /// Which message.
    pub uid: Uid,
    /// Its flags.
    pub flags: Flags,
    /// When it last changed.
    pub modseq: ModSeq,
}

/// What COPY or MOVE did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Of the mailbox the messages went to.
    pub uid_validity: UidValidity,
    /// The messages that were copied or moved; empty if all were gone.
    pub from: UidSet,
    /// Their UIDs there, in the same order, as many.
    pub to: UidSet,
}

/// What happened to a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Messages that came and are still there.
    pub added: UidSet,
    /// Messages, new ones apart or not, whose flags changed; rising.
    pub changed: Vec<FlagRow>,
    /// Messages that went. Those that the session never knew may be among them.
    pub vanished: UidSet,
    /// What the session knows once it has taken this in: the next `since`.
    pub highest_modseq: ModSeq,
    /// Keywords that came into use.
    pub new_keywords: Vec<Keyword>,
    /// What the user may do here now; `None` for the same as before.
    pub rights: Option<Rights>,
}

/// What happened in what is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// In mailboxes.
    pub touched: Vec<(MailboxId, Touched)>,
    /// Annotations that others changed, of mailboxes and (`None`) of the server.
    pub annotations: Vec<(Option<MailboxId>, Vec<EntryName>)>,
    /// Mailboxes were made, renamed or deleted, names subscribed or no longer, or rights are other than before.
    pub names: bool,
    /// More happened than was noted.
    pub overflow: bool,
}

/// What happened in a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Messages came or went.
    pub messages: bool,
    /// Flags are different.
    pub flags: bool,
}

/// A message, as far as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRow {
    /// Which message.
    pub uid: Uid,
    /// When it last changed, `\Seen` set by this FETCH included.
    pub modseq: ModSeq,
    /// Its flags, `\Seen` set by this FETCH included.
    pub flags: Flags,
    /// Whether this FETCH set `\Seen`.
    pub newly_seen: bool,
    /// When it arrived.
    pub internal_date: UnixMillis,
    /// Its octets.
    pub size: u64,
    /// As IMAP writes it, parentheses included; empty if not asked for.
    pub envelope: Bytes,
    /// Likewise, without extension data.
    pub body: Bytes,
    /// Likewise.
    pub body_structure: Bytes,
    /// The sections asked for, in the same order.
    pub sections: Vec<SectionData>,
    /// Decoded sizes of the parts asked for, in the same order.
    pub binary_sizes: Vec<BinarySize>,
    /// Which message it is, in whatever mailbox.
    pub message: MessageId,
    /// The conversation it belongs to; `None` if not asked for, or not known.
    pub thread: Option<ThreadId>,
    /// When it came into this mailbox.
    pub saved_at: UnixMillis,
    /// The first words of its text, empty where there is none; `None` if not asked for, or not at hand where that was
    /// all that was asked.
    pub preview: Option<String>,
}

impl FetchRow {
    /// A row that carries nothing but what every row does.
    pub fn of(uid: Uid, modseq: ModSeq, flags: Flags) -> Self {
        Self {
            uid,
            modseq,
            flags,
            newly_seen: false,
            internal_date: UnixMillis(0),
            size: 0,
            envelope: Bytes::new(),
            body: Bytes::new(),
            body_structure: Bytes::new(),
            sections: Vec::new(),
            binary_sizes: Vec::new(),
            message: MessageId(0),
            thread: None,
            saved_at: UnixMillis(0),
            preview: None,
        }
    }
}

/// The octets of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionData {
    /// The message has no such section.
    Absent,
    /// All octets.
    Whole(Bytes),
    /// So many octets, which follow as [`Answer::FetchData`] before the next row.
    Streamed {
        /// How many, exactly.
        length: u64,
    },
    /// The part's Content-Transfer-Encoding is unknown, so that it cannot be decoded (RFC 9051 §6.4.5).
    UnknownEncoding,
}

/// The decoded size of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinarySize {
    /// So many octets; zero if the message has no such part.
    Octets(u64),
    /// The part's Content-Transfer-Encoding is unknown.
    UnknownEncoding,
}
