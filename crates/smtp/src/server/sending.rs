//! Why somebody who signed in may not send a message, or not now.

use std::time::Duration;

/// Whose mail a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuotaOwner {
    /// That of the credential that the client signed in with.
    Key,
    /// The account's.
    Account,
    /// That of all accounts of its domain.
    Domain,
    /// That of all accounts.
    Server,
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuotaUnit {
    /// Messages.
    Messages,
    /// Recipients.
    Recipients,
}

/// In which period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuotaPeriod {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
}

/// Why somebody may not send a message, or not now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendingRefusal {
    /// So much has been sent that there is no room for more.
    QuotaUsedUp {
        /// Whose quota it is.
        owner: QuotaOwner,
        /// How much there may be.
        most: u64,
        /// Of what.
        unit: QuotaUnit,
        /// In which period.
        period: QuotaPeriod,
        /// How long until the next one begins.
        wait: Duration,
    },
    /// The message is larger than this sender may send.
    MessageTooLarge {
        /// What may be, in octets.
        limit_bytes: u64,
    },
    /// The header is.
    HeaderTooLarge {
        /// What may be, in octets.
        limit_bytes: u64,
    },
    /// An attachment is.
    AttachmentTooLarge {
        /// What may be, in octets.
        limit_bytes: u64,
    },
    /// The message has more recipients than one of this sender may have.
    TooManyRecipients {
        /// How many may be.
        limit: u64,
    },
    /// An administrator does not let the account send.
    SwitchedOff,
    /// The account is not let send until an administrator has looked at what it sent.
    Suspended,
    /// It cannot be told now.
    TemporaryFailure,
}
