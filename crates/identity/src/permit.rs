//! Proof that somebody may do something. Nobody else can make one.

use posthouse_model::{AccountId, Address, KeyId, UnixMillis};

/// The key that somebody signed in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// Its number.
    pub id: KeyId,
    /// What it is called.
    pub label: String,
}

/// What somebody signed in with that can be taken from them. A certificate cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Means {
    /// This key.
    Key(KeyId),
    /// The password of the account, which was set then.
    Password(UnixMillis),
}

/// The holder signed in and may use the mailboxes of this account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    account: AccountId,
    address: Address,
    administrator: bool,
    key: Option<HeldKey>,
    password_set_at: Option<UnixMillis>,
}

impl Permit {
    pub(crate) fn new(account: AccountId, address: Address, administrator: bool) -> Self {
        Self { account, address, administrator, key: None, password_set_at: None }
    }

    /// The same, had by way of a key.
    pub(crate) fn by_key(self, id: KeyId, label: String) -> Self {
        Self { key: Some(HeldKey { id, label }), ..self }
    }

    /// The same, had by way of the password that was set then.
    pub(crate) fn by_password(self, set_at: UnixMillis) -> Self {
        Self { password_set_at: Some(set_at), ..self }
    }

    /// What it was had by; `None` if by a certificate.
    pub fn means(&self) -> Option<Means> {
        let key = self.key.as_ref().map(|key| Means::Key(key.id));
        key.or(self.password_set_at.map(Means::Password))
    }

    /// The key that it was had by; `None` if by the account's password or a certificate.
    pub fn key(&self) -> Option<&HeldKey> {
        self.key.as_ref()
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

/// An administrator may look at what an account lost, and put it back into an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryPermit {
    from: AccountId,
    to: Option<AccountId>,
}

impl RecoveryPermit {
    pub(crate) fn new(from: AccountId, to: Option<AccountId>) -> Self {
        Self { from, to }
    }

    /// What this account lost, or one of this number that was removed.
    pub fn from(&self) -> AccountId {
        self.from
    }

    /// Goes back into this account; `None` while no account has the address of the one that was removed.
    pub fn to(&self) -> Option<AccountId> {
        self.to
    }
}
