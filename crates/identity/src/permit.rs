//! Proof that somebody may do something. Nobody else can make one.

use posthouse_model::{AccountId, Address};

/// The holder signed in and may use the mailboxes of this account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    account: AccountId,
    address: Address,
    administrator: bool,
}

impl Permit {
    pub(crate) fn new(account: AccountId, address: Address, administrator: bool) -> Self {
        Self { account, address, administrator }
    }

    /// Whose mailboxes.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The account's address, which is also its login.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether the account administers the server.
    pub fn is_administrator(&self) -> bool {
        self.administrator
    }
}

/// Mail may be put into this account, and nothing else may be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryPermit {
    account: AccountId,
    address: Address,
}

impl DeliveryPermit {
    pub(crate) fn new(account: AccountId, address: Address) -> Self {
        Self { account, address }
    }

    /// Into whose mailboxes.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The account's own address, whatever address the mail was sent to.
    pub fn address(&self) -> &Address {
        &self.address
    }
}
