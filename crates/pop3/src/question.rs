//! What a session asks its driver, and what it is answered.

use bytes::Bytes;
use posthouse_model::{Secret, Uid, UidValidity};
use posthouse_sasl::NONCE_BYTES;

use crate::maildrop::Entry;

/// What only the house knows or can do.
#[derive(Debug)]
pub enum Question {
    /// Fresh random bytes and the time, for a SASL exchange. Answered by [`Answer::Nonce`].
    Nonce,
    /// What a SASL exchange asks. Answered by [`Answer::Sasl`].
    Sasl(posthouse_sasl::Question),
    /// Is this the password? From USER and PASS, so only inside TLS. Answered by [`Answer::Login`].
    Login {
        /// Whose password, prepared (RFC 8265 §3.4).
        user: String,
        /// The password, prepared (RFC 8265 §4.2).
        password: Secret,
    },
    /// Lock the INBOX of the one who just proved his identity against other POP3 sessions, and list it as it is now
    /// (RFC 1939 §4). The lock is held until the session has closed, however it closes. Answered by
    /// [`Answer::Maildrop`].
    OpenMaildrop {
        /// Whose credentials were shown, prepared.
        authentication_id: String,
        /// Whose maildrop is wanted, prepared; `None` for his own. Whether he may is for the driver to decide.
        authorization_id: Option<String>,
    },
    /// Bring a message. Answered by [`Answer::Message`]; or by [`Answer::Data`] any number of times and then
    /// [`Answer::DataEnd`]; or, before any data, by [`Answer::Gone`], [`Answer::NeedsUtf8`] or [`Answer::Unavailable`].
    /// The next piece is brought when the last was written. A session that has enough ends the question by itself: see
    /// [`Session::awaits`](crate::Session::awaits).
    Retrieve {
        /// Which message.
        uid: Uid,
        /// How much of it will be used; the whole may be brought in any case.
        part: Part,
        /// Whether the client is in UTF-8 mode. If not, a message with text in UTF-8 outside its bodies needs a
        /// surrogate or the answer [`Answer::NeedsUtf8`] (RFC 6856 §2.1).
        utf8: bool,
    },
    /// QUIT after DELE: remove these messages (RFC 1939 §6). Answered by [`Answer::Committed`] or
    /// [`Answer::Unavailable`].
    Commit {
        /// The messages to remove, in the order of the maildrop; never empty.
        delete: Vec<Uid>,
    },
}

/// How much of a message the client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// The header, the empty line and this many lines of the body.
    Top(u64),
}

/// The answer to a [`Question`]. One that does not fit its question is a fault of ours and is told to the client as a
/// failure that passes.
#[derive(Debug)]
pub enum Answer {
    /// What a SASL exchange needs.
    Nonce {
        /// Fresh random bytes, never used before.
        bytes: [u8; NONCE_BYTES],
        /// Seconds since 1970-01-01T00:00:00Z.
        unix_time_seconds: u64,
    },
    /// The answer to what the exchange asked.
    Sasl(posthouse_sasl::Answer),
    /// Whether the password is right.
    Login(Result<(), LoginRefusal>),
    /// The maildrop is locked, and this is in it.
    Maildrop(Result<OpenedMaildrop, MaildropRefusal>),
    /// A piece of the message, as it is stored.
    Data(Bytes),
    /// There is no more of the message.
    DataEnd,
    /// The whole message at once.
    Message(Bytes),
    /// The message was removed by another session since the maildrop was opened.
    Gone,
    /// The message cannot be shown to a client that is not in UTF-8 mode (RFC 6856 §5).
    NeedsUtf8,
    /// What became of the messages to remove: how many of them are still there.
    Committed {
        /// Zero when all was done.
        not_removed: usize,
    },
    /// It cannot be done now.
    Unavailable,
}

/// The INBOX at the moment at which it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedMaildrop {
    /// The mailbox's UIDVALIDITY, the first part of every unique-id.
    pub uid_validity: UidValidity,
    /// The messages by rising UID.
    pub entries: Vec<Entry>,
}

/// Why a password is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// The password is wrong, or there is no such user; which of them is never told.
    InvalidCredentials,
    /// The user logged in too short a time ago (RFC 2449 §8.1.1).
    TooSoon,
    /// It cannot be told now, or too many have tried.
    Unavailable,
}

/// Why a maildrop is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaildropRefusal {
    /// Another session holds the lock (RFC 2449 §8.1.2).
    InUse,
    /// He may not act for whom he wants to act, or may not use POP3. Counts as a failed login (RFC 3206 §5).
    Denied,
    /// The password is right, but the account only sends, and has no maildrop.
    NoMaildrop,
    /// The password is right but too old.
    Expired,
    /// The user logged in too short a time ago (RFC 2449 §8.1.1).
    TooSoon,
    /// It cannot be opened now.
    Unavailable,
}
