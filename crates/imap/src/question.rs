//! What a session asks of the house. Plain data; the answers are in [`crate::answer`].

use std::num::NonZeroU64;

use bytes::Bytes;
use posthouse_mime::Section;
use posthouse_model::flag::FlagChange;
use posthouse_model::search::Query;
use posthouse_model::sort::{SortCriterion, ThreadAlgorithm};
use posthouse_model::{
    EntryName, Flags, MailboxId, MailboxName, ModSeq, Rights, RightsChange, SpecialUse, Uid, UidSet, UidValidity,
    UnixMillis,
};
use posthouse_sasl::Mechanism;

/// A question; [`crate::Answer::Refused`] answers each of them, otherwise the answer named here.
#[derive(Debug)]
pub enum Question {
    /// What a SASL exchange begins with. → [`crate::Answer::SaslStart`]
    SaslStart,
    /// What the SASL exchange wants to know; LOGIN asks as PLAIN does. → [`crate::Answer::Sasl`]
    Sasl(posthouse_sasl::Question),
    /// A login succeeded: make this the session of that account, or refuse it.
    /// → [`crate::Answer::Done`]
    Enter(Entry),
    /// The client no longer wants to be who it was (RFC 8437): close what is open and forget who it is; it cannot be
    /// refused. → [`crate::Answer::Done`]
    Leave,
    /// What the client says about itself (RFC 2971), for the log only; asked at most once a session.
    /// → [`crate::Answer::Done`]
    ClientId(Vec<(String, Option<String>)>),
    /// All mailboxes of the account, and subscribed names that are no mailbox. → [`crate::Answer::Mailboxes`]
    List,
    /// Figures of mailboxes; the answer has a row for each name, in the same order. → [`crate::Answer::Statuses`]
    Status {
        /// Which.
        mailboxes: Vec<MailboxName>,
        /// What of them.
        items: StatusItems,
    },
    /// Annotations of places, which are mailboxes or (`None`) the server; the answer has rows for each place, in the
    /// same order (RFC 5464). → [`crate::Answer::Annotations`]
    Annotations {
        /// Of what.
        places: Vec<Option<MailboxName>>,
        /// Which. Without a depth the answer has a row for each.
        entries: Vec<EntryName>,
        /// What lies below them, too.
        depth: AnnotationDepth,
    },
    /// Set annotations, or (`None`) take them away, all or none (RFC 5464 §4.3). → [`crate::Answer::Done`]
    Annotate {
        /// Of a mailbox, or of the server.
        place: Option<MailboxName>,
        /// Each with its new value of at most
        /// [`MAX_ANNOTATION_BYTES`](posthouse_model::entry_name::MAX_ANNOTATION_BYTES).
        changes: Vec<(EntryName, Option<Bytes>)>,
    },
    /// The quota roots of a mailbox, which need not exist (RFC 9208 §4.1.2). → [`crate::Answer::Quotas`]
    QuotaRoots {
        /// Its name.
        mailbox: MailboxName,
    },
    /// One quota root (RFC 9208 §4.1.1). → [`crate::Answer::Quotas`]
    Quota {
        /// Its name.
        root: String,
    },
    /// Set the limits of a quota root; what is not named is limited no more (RFC 9208 §4.1.3).
    /// → [`crate::Answer::Quotas`]
    SetQuota {
        /// Its name.
        root: String,
        /// The limits, in the units of the resources.
        limits: Vec<(QuotaResource, u64)>,
    },
    /// Open a mailbox. The one that was open is closed without expunging, and stays closed when this is refused.
    /// → [`crate::Answer::Selected`]
    Select {
        /// Which.
        mailbox: MailboxName,
        /// EXAMINE instead of SELECT.
        read_only: bool,
        /// What changed since the client last looked (RFC 7162 §3.2.5).
        resync: Option<ResyncRequest>,
    },
    /// Close the open mailbox. → [`crate::Answer::Done`]
    Unselect {
        /// CLOSE: first remove what is marked `\Deleted`, without telling this session.
        expunge: bool,
    },
    /// Make a mailbox, and the levels above it that are missing. → [`crate::Answer::Created`]
    Create {
        /// Its name.
        mailbox: MailboxName,
        /// What it is to be for (RFC 6154 §3); [`Refusal::UseAttr`](crate::Refusal::UseAttr) if it cannot.
        special_use: Option<SpecialUse>,
    },
    /// Delete a mailbox. → [`crate::Answer::Done`]
    Delete {
        /// Its name.
        mailbox: MailboxName,
    },
    /// Rename a mailbox and what lies below it; INBOX gives its messages and stays (RFC 9051 §6.3.6).
    /// → [`crate::Answer::Done`]
    Rename {
        /// The name now.
        from: MailboxName,
        /// The name to be.
        to: MailboxName,
    },
    /// Add a name to the subscriptions, or take it away. → [`crate::Answer::Done`]
    Subscribe {
        /// The name, of a mailbox or not.
        mailbox: MailboxName,
        /// True to add.
        subscribed: bool,
    },
    /// Who may do what in a mailbox. → [`crate::Answer::Acl`]
    Acl {
        /// Which.
        mailbox: MailboxName,
    },
    /// Change what an identifier may do in a mailbox; one that is left without rights has no entry any more.
    /// → [`crate::Answer::Done`]
    SetAcl {
        /// Which.
        mailbox: MailboxName,
        /// As the client wrote it.
        identifier: String,
        /// In which way.
        change: RightsChange,
        /// By which rights.
        rights: Rights,
    },
    /// What can be given to an identifier in a mailbox. → [`crate::Answer::GrantableRights`]
    GrantableRights {
        /// Which.
        mailbox: MailboxName,
        /// As the client wrote it.
        identifier: String,
    },
    /// What the user may do; the answer has a row for each name, in the same order. → [`crate::Answer::MyRights`]
    MyRights {
        /// In which mailboxes.
        mailboxes: Vec<MailboxName>,
    },
    /// A message is about to be transferred: may it come? After `Done`, its octets follow as
    /// [`Step::Body`](posthouse_model::session::Step::Body), between which [`Question::AppendUrl`] and
    /// [`Question::AppendAnother`] may come, and then [`Question::Append`]. When any other question, or the end of the
    /// session, comes instead, what was transferred is dropped. → [`crate::Answer::Done`]
    AppendCheck {
        /// Where it is to go.
        mailbox: MailboxName,
        /// Octets of the message, as far as they are known: its first literal.
        size: u64,
    },
    /// The message that was transferred since [`Self::AppendCheck`] is complete, and has these; another one follows,
    /// to be stored with it (RFC 3502). → [`crate::Answer::Done`]
    AppendAnother {
        /// Its flags.
        flags: Flags,
        /// Its INTERNALDATE; now, if not given.
        internal_date: Option<UnixMillis>,
    },
    /// Octets of a message that is there are the next of the one that is being transferred (RFC 4469). `\Seen` is not
    /// set. → [`crate::Answer::AppendedPart`]; [`Refusal::BadUrl`](crate::Refusal::BadUrl) when there is no such
    /// message or part, [`Refusal::TooBig`](crate::Refusal::TooBig) when it has more than `most` octets
    AppendUrl {
        /// Which octets.
        url: MessageUrl,
        /// How many there may be.
        most: u64,
    },
    /// Store the messages that were transferred, all or none. → [`crate::Answer::Appended`]
    Append {
        /// Where they go.
        mailbox: MailboxName,
        /// The flags of the last one.
        flags: Flags,
        /// Its INTERNALDATE; now, if not given.
        internal_date: Option<UnixMillis>,
        /// The message of the open mailbox that goes at the same moment (RFC 8508); when it is gone already, the
        /// answer is [`Refusal::ExpungeIssued`](crate::Refusal::ExpungeIssued) and nothing is stored.
        replaces: Option<Uid>,
    },
    /// Look at messages. → any number of [`crate::Answer::FetchVanished`], [`crate::Answer::FetchRows`] and
    /// [`crate::Answer::FetchData`], all with the same question id, then [`crate::Answer::FetchDone`]
    Fetch(FetchQuestion),
    /// Change flags. → [`crate::Answer::Stored`]
    Store {
        /// Of which messages; those that are gone are left out of the answer.
        uids: UidSet,
        /// In which way.
        change: FlagChange,
        /// By which flags.
        flags: Flags,
        /// Only of messages not changed after this (RFC 7162 §3.1.3).
        unchanged_since: Option<ModSeq>,
    },
    /// Copy messages of the open mailbox, all or none. → [`crate::Answer::Copied`]
    Copy {
        /// Which; those that are gone are left out.
        uids: UidSet,
        /// Where to.
        mailbox: MailboxName,
    },
    /// Move messages of the open mailbox, all or none (RFC 6851). → [`crate::Answer::Copied`]
    Move {
        /// Which; those that are gone are left out.
        uids: UidSet,
        /// Where to.
        mailbox: MailboxName,
    },
    /// Remove the messages marked `\Deleted`; the session learns which went by [`Question::Sync`].
    /// → [`crate::Answer::Done`]
    Expunge {
        /// Only these (UID EXPUNGE, RFC 4315 §2.1).
        uids: Option<UidSet>,
    },
    /// Find messages of the open mailbox. → [`crate::Answer::Found`]
    Search {
        /// What to look for.
        query: Query,
        /// How much of the result is wanted.
        need: SearchNeed,
        /// Whether the answer must carry the highest modification sequence.
        modseq: bool,
    },
    /// Open a mailbox besides the one that is open, for one [`Question::SearchOpened`]. → [`crate::Answer::SearchOpened`]
    SearchOpen {
        /// Which.
        mailbox: MailboxName,
    },
    /// Find messages of the mailbox that [`Question::SearchOpen`] opened, which is closed then.
    /// → [`crate::Answer::Found`]
    SearchOpened {
        /// What to look for.
        query: Query,
        /// How much of the result is wanted.
        need: SearchNeed,
        /// Whether the answer must carry the highest modification sequence.
        modseq: bool,
    },
    /// Find messages of the open mailbox and put them in order (RFC 5256). → [`crate::Answer::Sorted`]
    Sort {
        /// What to look for.
        query: Query,
        /// In which order.
        criteria: Vec<SortCriterion>,
        /// How much of the result is wanted; the ends are those of the order.
        need: SearchNeed,
        /// Whether the answer must carry the highest modification sequence.
        modseq: bool,
    },
    /// Find messages of the open mailbox and group them into conversations (RFC 5256). → [`crate::Answer::Threaded`]
    Thread {
        /// What to look for.
        query: Query,
        /// How to group.
        algorithm: ThreadAlgorithm,
    },
    /// What happened to the open mailbox after `since`. → [`crate::Answer::Changes`]
    Sync {
        /// What the session knows already.
        since: ModSeq,
    },
    /// Watch the account's names and some mailboxes, or no longer; what was noted before stays noted. While there is an
    /// interest, call [`ImapSession::account_changed`](crate::ImapSession::account_changed) when there is news.
    /// → [`crate::Answer::Done`]
    WatchAccount {
        /// What to watch; `None` for nothing.
        interest: Option<AccountInterest>,
    },
    /// What happened in what is watched since this was asked before. → [`crate::Answer::News`]
    News,
    /// Call (or call no longer) [`ImapSession::mailbox_changed`](crate::ImapSession::mailbox_changed) when the
    /// open mailbox changes. → [`crate::Answer::Done`]
    Watch {
        /// True to begin.
        on: bool,
    },
}

/// What a quota limits (RFC 9208 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaResource {
    /// Room, in units of 1,024 octets.
    Storage,
    /// Messages.
    Message,
    /// Mailboxes.
    Mailbox,
}

/// How far below the entries asked for others are wanted too (RFC 5464 §4.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnnotationDepth {
    /// Only the entries themselves.
    #[default]
    Entry,
    /// What lies immediately below them, too.
    Children,
    /// All that lies below them.
    Everything,
}

/// What is to be watched, besides the names of the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountInterest {
    /// Mailboxes whose messages matter.
    pub messages: Vec<MailboxId>,
    /// Mailboxes whose annotations matter, as far as others change them.
    pub annotations: Vec<MailboxId>,
    /// Mailboxes of others whose names matter.
    pub names: Vec<MailboxId>,
    /// Whether the annotations of the server matter, likewise.
    pub server_annotations: bool,
}

/// Who logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose credentials were proved.
    pub authentication_id: String,
    /// As whom the client wants to act; `None` for the same.
    pub authorization_id: Option<String>,
    /// How; PLAIN for the LOGIN command.
    pub mechanism: Mechanism,
}

/// A message of this account, or a part of it (RFC 4469 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageUrl {
    /// Its mailbox; `None` for the one that is open.
    pub mailbox: Option<MailboxName>,
    /// The UIDVALIDITY that the mailbox must have.
    pub uid_validity: Option<UidValidity>,
    /// The message.
    pub uid: Uid,
    /// Which part of it.
    pub section: Section,
    /// Which octets of that; `None` for all.
    pub partial: Option<Partial>,
}

/// Which figures of a mailbox are wanted; the others need not be worked out and are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusItems {
    /// Number of messages.
    pub messages: bool,
    /// Messages that are `\Recent`, which is none (RFC 3501 §6.3.10).
    pub recent: bool,
    /// The next UID.
    pub uid_next: bool,
    /// The UIDVALIDITY.
    pub uid_validity: bool,
    /// Number of messages without `\Seen`.
    pub unseen: bool,
    /// Number of messages with `\Deleted` (RFC 9051 §6.3.11).
    pub deleted: bool,
    /// Octets of all messages (RFC 8438 §3).
    pub size: bool,
    /// The highest modification sequence (RFC 7162 §3.1.7).
    pub highest_modseq: bool,
    /// The largest message that APPEND takes there (RFC 7889 §5).
    pub append_limit: bool,
    /// The mailbox's id (RFC 8474 §4.3).
    pub mailbox_id: bool,
    /// Octets of the messages with `\Deleted` (RFC 9208 §4.1.4).
    pub deleted_storage: bool,
}

/// What a client knew of a mailbox when it last looked (RFC 7162 §3.2.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResyncRequest {
    /// If it is no longer this, nothing of the rest applies and there is no resynchronisation.
    pub uid_validity: UidValidity,
    /// The highest modification sequence it knew.
    pub since: ModSeq,
    /// The UIDs it knew; `None` for all of `1:*`.
    pub known_uids: Option<UidSet>,
    /// Pairs of sequence number and UID that it believes in, rising: a server that has forgotten the expunges since
    /// `since` need not tell of those at or below the last pair that still holds (RFC 7162 §3.2.5.2).
    pub matches: Vec<(u32, Uid)>,
}

/// A FETCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchQuestion {
    /// Of which messages; rows come in rising order. With `vanished` this reaches past what there is, up to all UIDs,
    /// and messages that the session does not know may be left out of the rows.
    pub uids: UidSet,
    /// What of them.
    pub items: FetchItems,
    /// Set `\Seen` on those that have it not; never asked where the mailbox is open for reading only.
    pub mark_seen: bool,
    /// Only messages changed after this (RFC 7162 §3.1.4.1).
    pub changed_since: Option<ModSeq>,
    /// Also tell, by [`crate::Answer::FetchVanished`] before any row, which of `uids` were expunged after
    /// `changed_since` (RFC 7162 §3.2.6).
    pub vanished: bool,
}

/// What a row of a FETCH carries. UID, flags and modification sequence are always in the row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchItems {
    /// The client asked for `UID`.
    pub uid: bool,
    /// The client asked for `FLAGS`.
    pub flags: bool,
    /// The client asked for `MODSEQ`.
    pub modseq: bool,
    /// [`FetchRow::internal_date`](crate::FetchRow::internal_date) is wanted.
    pub internal_date: bool,
    /// [`FetchRow::size`](crate::FetchRow::size) is wanted.
    pub size: bool,
    /// [`FetchRow::envelope`](crate::FetchRow::envelope) is wanted.
    pub envelope: bool,
    /// [`FetchRow::body`](crate::FetchRow::body) is wanted.
    pub body: bool,
    /// [`FetchRow::body_structure`](crate::FetchRow::body_structure) is wanted.
    pub body_structure: bool,
    /// These sections are wanted, in this order, in [`FetchRow::sections`](crate::FetchRow::sections).
    pub sections: Vec<SectionRequest>,
    /// The decoded sizes of these parts are wanted, in [`FetchRow::binary_sizes`](crate::FetchRow::binary_sizes).
    pub binary_sizes: Vec<Vec<u32>>,
    /// [`FetchRow::message`](crate::FetchRow::message) is wanted (RFC 8474 §5.1).
    pub email_id: bool,
    /// [`FetchRow::thread`](crate::FetchRow::thread) is wanted (RFC 8474 §5.2).
    pub thread_id: bool,
    /// [`FetchRow::saved_at`](crate::FetchRow::saved_at) is wanted (RFC 8514 §4.2).
    pub save_date: bool,
    /// [`FetchRow::preview`](crate::FetchRow::preview) is wanted (RFC 8970 §3).
    pub preview: Option<PreviewNeed>,
}

/// How much a preview may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewNeed {
    /// Only what is at hand; a row without one says so (RFC 8970 §4.1 `LAZY`).
    AtHand,
    /// Every row has to have one.
    Always,
}

impl FetchItems {
    /// Whether every wanted item is one that a row always carries.
    pub fn only_flags(&self) -> bool {
        let Self { uid: _, flags: _, modseq: _, internal_date, size, envelope, body, body_structure, .. } = self;
        !(*internal_date || *size || *envelope || *body || *body_structure)
            && self.sections.is_empty()
            && self.binary_sizes.is_empty()
            && !(self.email_id || self.thread_id || self.save_date)
            && self.preview.is_none()
    }
}

/// A section that a FETCH wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionRequest {
    /// Which octets of the message.
    pub section: Section,
    /// Which octets of the section; `None` for all.
    pub partial: Option<Partial>,
    /// How the client asked, which is how it is answered.
    pub form: SectionForm,
}

/// A piece of a section (RFC 9051 §6.4.5.1 `<partial>`); past the end there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial {
    /// The first octet, from zero.
    pub offset: u64,
    /// How many octets at most.
    pub length: NonZeroU64,
}

/// The ways to ask for a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionForm {
    /// `BODY[…]`.
    Body,
    /// `BINARY[…]`: the part with its Content-Transfer-Encoding undone (RFC 9051 §6.4.5); `partial` counts
    /// decoded octets.
    Binary,
    /// `RFC822` (RFC 3501 §6.4.5).
    Rfc822,
    /// `RFC822.HEADER` (RFC 3501 §6.4.5).
    Rfc822Header,
    /// `RFC822.TEXT` (RFC 3501 §6.4.5).
    Rfc822Text,
}

/// How much of a search result is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchNeed {
    /// Every message that is found.
    All,
    /// The first and the last, as far as asked: the answer's set has at most these two.
    Ends {
        /// The one with the lowest UID.
        min: bool,
        /// The one with the highest UID.
        max: bool,
    },
}
