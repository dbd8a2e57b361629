//! Why the house does not do what it was asked; becomes a response code of RFC 5530 and a text.

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Wrong user, wrong password, or both: never say which.
    AuthenticationFailed,
    /// The credentials are right, but this account may not come in here, or not act as the one asked for.
    AuthorizationFailed,
    /// The credentials are right but no longer valid.
    Expired,
    /// Too many attempts, sessions or things: come back later.
    Limit,
    /// Something that the server needs does not answer now.
    Unavailable,
    /// There is no such mailbox.
    NonExistent,
    /// There is no such mailbox; creating it would help (COPY, MOVE, APPEND).
    TryCreate,
    /// There is such a mailbox already.
    AlreadyExists,
    /// The account may not do this.
    NoPermission,
    /// This cannot be done with that mailbox at all, such as deleting INBOX.
    Cannot,
    /// The special use is not there to be had (RFC 6154 §3).
    UseAttr,
    /// There are too many annotations (RFC 5464 §4.3).
    TooManyAnnotations,
    /// There may be no annotation of that name.
    UnknownEntry,
    /// That cannot be limited (RFC 9208 §4.1.3).
    UnknownResource,
    /// There are mailboxes below it (RFC 9051 §7.1 `HASCHILDREN`).
    HasChildren,
    /// No room is left.
    OverQuota,
    /// The message is too large (`TOOBIG` of RFC 4469 §4.2, as RFC 7889 §4 asks).
    TooBig,
    /// The mailbox is open for reading only.
    ReadOnly,
    /// Someone else is at it.
    InUse,
    /// The messages are gone.
    ExpungeIssued,
    /// Stored data is damaged.
    Corruption,
    /// The server is at fault.
    ServerBug,
    /// The account has no mailboxes, so there is nothing to sign in to.
    NoMailboxes,
    /// An administrator has to help.
    ContactAdmin,
    /// The message does not hold up (APPEND).
    BadMessage,
    /// A URL names no message or part (`BADURL` of RFC 4469 §4.1, which the session completes with the URL).
    BadUrl,
    /// No account or group has this identifier (SETACL, LISTRIGHTS).
    UnknownIdentifier,
    /// What was written can be no identifier of an account or group; becomes `BAD` (RFC 4314 §3).
    BadIdentifier,
}

impl Refusal {
    /// The response code, without brackets; `None` where there is none.
    pub fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::AuthenticationFailed => "AUTHENTICATIONFAILED",
            Self::AuthorizationFailed | Self::NoMailboxes => "AUTHORIZATIONFAILED",
            Self::Expired => "EXPIRED",
            Self::Limit => "LIMIT",
            Self::Unavailable => "UNAVAILABLE",
            Self::NonExistent => "NONEXISTENT",
            Self::TryCreate => "TRYCREATE",
            Self::AlreadyExists => "ALREADYEXISTS",
            Self::NoPermission => "NOPERM",
            Self::Cannot => "CANNOT",
            Self::UseAttr => "USEATTR",
            Self::TooManyAnnotations => "METADATA TOOMANY",
            Self::UnknownEntry | Self::UnknownResource => "CANNOT",
            Self::HasChildren => "HASCHILDREN",
            Self::OverQuota => "OVERQUOTA",
            Self::TooBig => "TOOBIG",
            Self::ReadOnly => return None,
            Self::InUse => "INUSE",
            Self::ExpungeIssued => "EXPUNGEISSUED",
            Self::Corruption => "CORRUPTION",
            Self::ServerBug => "SERVERBUG",
            Self::ContactAdmin => "CONTACTADMIN",
            Self::BadMessage | Self::BadUrl | Self::UnknownIdentifier | Self::BadIdentifier => return None,
        })
    }

    /// The words for the client.
    pub fn text(self) -> &'static str {
        match self {
            Self::AuthenticationFailed => "Authentication failed",
            Self::NoMailboxes => "This account sends only, it has no mailboxes",
            Self::AuthorizationFailed => "Not allowed to use this service",
            Self::Expired => "The credentials have expired",
            Self::Limit => "Too many for now, try again later",
            Self::Unavailable => "Not available now, try again later",
            Self::NonExistent => "There is no such mailbox",
            Self::TryCreate => "There is no such mailbox, create it first",
            Self::AlreadyExists => "There is such a mailbox already",
            Self::NoPermission => "Not permitted",
            Self::Cannot => "That cannot be done with this mailbox",
            Self::UseAttr => "A mailbox cannot be made for that use",
            Self::TooManyAnnotations => "There are too many annotations",
            Self::UnknownResource => "That cannot be limited",
            Self::UnknownEntry => "That annotation cannot be set",
            Self::HasChildren => "There are mailboxes below it",
            Self::OverQuota => "No room is left",
            Self::TooBig => "The message is too large",
            Self::ReadOnly => "The mailbox is open for reading only",
            Self::InUse => "In use, try again",
            Self::ExpungeIssued => "Some of the messages no longer exist",
            Self::Corruption => "Stored data is damaged",
            Self::ServerBug => "The server made a mistake",
            Self::ContactAdmin => "Ask the administrator for help",
            Self::BadMessage => "That is no message",
            Self::BadUrl => "There is no such message or part",
            Self::UnknownIdentifier => "There is no such account or group",
            Self::BadIdentifier => "That cannot be an identifier",
        }
    }
}
