//! For whom a rule is.

use posthouse_model::{AccountId, DomainId};

/// For whom a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every account of the server.
    Everyone,
    /// Every account of a domain.
    Domain(DomainId),
    /// One account.
    Account(AccountId),
}
