//! Word of accounts that are nearly full.

use std::sync::Arc;

use parking_lot::Mutex;
use posthouse_model::{AccountId, Uid, UidSet};
use posthouse_storage::{AccountQuotaSettings, CommitObserver, Mail, MailboxChange, QuotaSetting, Quotas};

use super::world::World;

#[derive(Default)]
struct Listener(Mutex<Vec<AccountId>>);

impl CommitObserver for Listener {
    fn committed(&self, _: &[MailboxChange]) {}

    fn nearly_full(&self, accounts: &[AccountId]) {
        self.0.lock().extend_from_slice(accounts);
    }
}

/// Each time that nine tenths are reached, and not beyond.
#[tokio::test]
async fn passing_the_mark_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::new(directory.path(), 1 << 20).await;
    let settings = AccountQuotaSettings { messages: QuotaSetting::AtMost(10), ..Default::default() };
    world.store.set_account_quota(world.account, settings).await.unwrap();
    let listener = Arc::new(Listener::default());
    world.store.observe(Arc::clone(&listener) as _);
    let last: UidSet = Uid::new(9).into_iter().collect();
    for (messages, told) in [(8, 0), (1, 1), (1, 0)] {
        for at in 0..messages {
            world.deliver(&format!("{at}")).await.unwrap();
        }
        assert_eq!(std::mem::take(&mut *listener.0.lock()), vec![world.account; told]);
    }
    assert!(world.deliver("no room").await.is_err());
    world.expunge(&last).await;
    world.expunge(&Uid::new(1).into_iter().collect()).await;
    assert_eq!(*listener.0.lock(), []);
    world.deliver("again").await.unwrap();
    assert_eq!(*listener.0.lock(), [world.account]);
}
