//! What can go wrong, told apart by whose fault it is.

use posthouse_storage::StorageError;
use thiserror::Error;

use crate::password::PasswordWeakness;

/// Why somebody may not sign in. To the client all but [`Self::Unavailable`],
/// [`Self::PasswordExpired`], [`Self::SendOnly`] and [`Self::NotForAdministrators`] are one and the same "authentication failed".
#[derive(Debug, Error)]
pub enum LoginRefusal {
    /// No such user, or the wrong password.
    #[error("wrong name or password")]
    WrongCredentials,
    /// The account is suspended or its login switched off.
    #[error("the account may not sign in")]
    LoginDisabled,
    /// The password is right, but older than the policy allows.
    #[error("the password has expired")]
    PasswordExpired,
    /// The account has no mailbox, and so no use for this service.
    #[error("the account sends only")]
    SendOnly,
    /// Accounts with administrator rights do not use this service.
    #[error("accounts with administrator rights cannot use this service")]
    NotForAdministrators,
    /// The client wants to act as somebody else.
    #[error("the login may not act as another account")]
    NotAuthorized,
    /// It cannot be told now.
    #[error("credentials cannot be checked now")]
    Unavailable,
}

/// Why an account, domain, alias or password could not be made or changed.
#[derive(Debug, Error)]
pub enum AccountError {
    /// The password does not satisfy the policy.
    #[error(transparent)]
    WeakPassword(#[from] PasswordWeakness),
    /// The address belongs to a domain that is not here.
    #[error("{0} is not one of this server's domains: add it first")]
    UnknownDomain(posthouse_model::Domain),
    /// An alias that leads to nothing, or only to itself.
    #[error("an alias needs at least one target other than itself")]
    EmptyAlias,
    /// A label that cannot be one.
    #[error(
        "a credential is labelled with at most {} letters, digits, `.`, `-` and `_`, a letter or digit first",
        posthouse_storage::account_keys::MAX_KEY_LABEL_BYTES
    )]
    BadLabel,
    /// A key that could never be used.
    #[error("a credential cannot expire before it is made")]
    ExpiresInThePast,
    /// The hashing threads are overloaded or gone.
    #[error("passwords cannot be hashed now: try again")]
    HashingUnavailable,
    /// The store could not.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
