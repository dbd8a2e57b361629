//! Who has which maildrop open: only one POP3 session at a time may (RFC 1939 §4).

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use posthouse_model::AccountId;

/// The maildrops that are locked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Maildrops(Arc<Mutex<HashSet<AccountId>>>);

/// A maildrop that is locked for as long as this lives.
#[derive(Debug)]
pub(crate) struct MaildropLock {
    maildrops: Maildrops,
    account: AccountId,
}

impl Maildrops {
    /// Locks a maildrop; `None` if somebody else has it.
    pub(crate) fn lock(&self, account: AccountId) -> Option<MaildropLock> {
        let free = self.0.lock().insert(account);
        free.then(|| MaildropLock { maildrops: self.clone(), account })
    }
}

impl Drop for MaildropLock {
    fn drop(&mut self) {
        self.maildrops.0.lock().remove(&self.account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let maildrops = Maildrops::default();
        let lock = maildrops.lock(AccountId(1)).unwrap();
        assert!(maildrops.lock(AccountId(1)).is_none());
        assert!(maildrops.lock(AccountId(2)).is_some());
        drop(lock);
        assert!(maildrops.lock(AccountId(1)).is_some());
    }
}
