//! Quotas.

use std::sync::Arc;

use posthouse_model::AccountId;

use super::Harness;
use super::world::{World, delivery, domain, placement, set};
use crate::{AccountQuotaSettings, Allowance, DomainQuotaSettings, QuotaSetting, Settlement, StorageError, Usage};

impl World {
    /// Octets and messages of an account, which its mailboxes have to add up to, and those of the domain.
    async fn usage(&self, account: AccountId) -> (u64, u64) {
        let quota = self.storage.account_quota(account).await.unwrap();
        let boxes = self.storage.mailboxes(account).await.unwrap();
        let size_bytes = boxes.iter().map(|one| one.size_bytes).sum();
        let messages = boxes.iter().map(|one| u64::from(one.messages)).sum();
        assert_eq!(quota.used, Usage { size_bytes, messages });
        let of_domain = self.storage.domain_quota(&domain("example.org")).await.unwrap();
        assert_eq!(quota.domain, of_domain);
        (quota.used.size_bytes, quota.used.messages)
    }

    async fn domain_usage(&self) -> (u64, u64) {
        let used = self.storage.domain_quota(&domain("example.org")).await.unwrap().used;
        (used.size_bytes, used.messages)
    }

    async fn allow(&self, account: AccountId, size_bytes: QuotaSetting, messages: QuotaSetting) {
        let settings = AccountQuotaSettings { size_bytes, messages };
        self.storage.set_account_quota(account, settings).await.unwrap();
        assert_eq!(self.storage.account_quota(account).await.unwrap().settings, settings);
    }

    /// Delivers into the INBOXes of ann, bob or both; whose were full.
    async fn try_deliver(&self, text: &str, to: &[AccountId]) -> Result<(), Vec<AccountId>> {
        let inbox = |account| if account == self.ann { self.inbox } else { self.bobs_inbox };
        let placements = to.iter().map(|account| placement(*account, inbox(*account), "")).collect();
        match self.storage.deliver(delivery(text, placements)).await {
            Ok(_) => Ok(()),
            Err(StorageError::OverQuota { accounts }) => Err(accounts),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Whatever happens to mail, usage is what there is.
pub async fn usage_follows(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &*world.storage;
    world.try_deliver("12345", &[world.ann, world.bob]).await.unwrap();
    world.try_deliver("123", &[world.ann]).await.unwrap();
    assert_eq!((world.usage(world.ann).await, world.usage(world.bob).await), ((8, 2), (5, 1)));
    assert_eq!(world.domain_usage().await, (13, 3));
    storage.copy(world.ann, world.inbox, &set("1:2"), world.archive).await.unwrap();
    assert_eq!(world.usage(world.ann).await, (16, 4));
    storage.move_messages(world.ann, world.inbox, &set("1"), world.archive).await.unwrap();
    assert_eq!(world.usage(world.ann).await, (16, 4));
    storage.expunge(world.ann, world.inbox, &set("2"), false).await.unwrap();
    assert_eq!(world.usage(world.ann).await, (13, 3));
    storage.delete_mailbox(world.ann, world.archive).await.unwrap();
    assert_eq!(world.usage(world.ann).await, (0, 0));
    storage.delete_account(world.bob).await.unwrap();
    assert_eq!(world.domain_usage().await, (0, 0));
    assert!(matches!(storage.account_quota(world.bob).await, Err(StorageError::NotFound(_))));
    assert!(matches!(storage.domain_quota(&domain("example.net")).await, Err(StorageError::NotFound(_))));
}

/// What would be too much is refused as a whole; what makes no more of it is not.
pub async fn quotas_of_accounts_are_kept(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &*world.storage;
    world.allow(world.ann, QuotaSetting::AtMost(10), QuotaSetting::Inherit).await;
    world.try_deliver("123456", &[world.ann]).await.unwrap();
    assert!(!storage.account_quota(world.ann).await.unwrap().is_used_up());
    assert_eq!(world.try_deliver("12345", &[world.ann]).await, Err(vec![world.ann]));
    assert_eq!(world.try_deliver("12345", &[world.ann, world.bob]).await, Err(vec![world.ann]));
    assert_eq!((world.usage(world.ann).await, world.usage(world.bob).await), ((6, 1), (0, 0)));
    world.try_deliver("1234", &[world.ann]).await.unwrap();
    assert!(storage.account_quota(world.ann).await.unwrap().is_used_up());
    let copied = storage.copy(world.ann, world.inbox, &set("1"), world.archive).await;
    assert!(matches!(copied, Err(StorageError::OverQuota { .. })), "{copied:?}");
    storage.move_messages(world.ann, world.inbox, &set("1:2"), world.archive).await.unwrap();
    assert_eq!(world.usage(world.ann).await, (10, 2));
    // A smaller quota takes nothing away, and what there is can be moved and removed.
    world.allow(world.ann, QuotaSetting::AtMost(3), QuotaSetting::Inherit).await;
    storage.move_messages(world.ann, world.archive, &set("1:2"), world.inbox).await.unwrap();
    storage.expunge(world.ann, world.inbox, &set("3"), false).await.unwrap();
    assert_eq!(world.usage(world.ann).await, (4, 1));
    world.allow(world.ann, QuotaSetting::Unlimited, QuotaSetting::AtMost(2)).await;
    world.try_deliver("many octets", &[world.ann]).await.unwrap();
    assert_eq!(world.try_deliver("", &[world.ann]).await, Err(vec![world.ann]));
}

/// What was expunged comes back as far as there is room, all of it or none.
pub async fn what_is_put_back_needs_room(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &*world.storage;
    storage.keep_expunged(true);
    world.try_deliver("12345", &[world.ann]).await.unwrap();
    world.try_deliver("123", &[world.ann]).await.unwrap();
    storage.expunge(world.ann, world.inbox, &set("1:2"), false).await.unwrap();
    world.allow(world.ann, QuotaSetting::AtMost(7), QuotaSetting::Inherit).await;
    let lost = storage.expunged(world.ann, None, usize::MAX).await.unwrap();
    let keys: Vec<_> = lost.iter().map(|one| one.key).collect();
    let full = storage.put_back(world.ann, world.ann, keys.clone()).await;
    assert!(matches!(full, Err(StorageError::OverQuota { .. })), "{full:?}");
    assert_eq!(world.usage(world.ann).await, (0, 0));
    assert_eq!(storage.expunged(world.ann, None, usize::MAX).await.unwrap(), lost, "nothing is lost by that");
    assert_eq!(storage.put_back(world.ann, world.ann, keys[..1].to_vec()).await.unwrap().len(), 1);
    world.allow(world.ann, QuotaSetting::Unlimited, QuotaSetting::Inherit).await;
    assert_eq!(storage.put_back(world.ann, world.ann, keys).await.unwrap().len(), 1);
    assert_eq!(world.usage(world.ann).await, (8, 2));
}

/// A domain bounds the sum of its accounts, and gives each what nothing else is said about.
pub async fn quotas_of_domains_are_kept(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &*world.storage;
    let name = domain("example.org");
    let total = Allowance { size_bytes: Some(10), messages: None };
    let each_account = Allowance { size_bytes: Some(6), messages: Some(5) };
    storage.set_domain_quota(&name, DomainQuotaSettings { total, each_account }).await.unwrap();
    assert_eq!(storage.account_quota(world.ann).await.unwrap().allowed, each_account);
    assert_eq!(world.try_deliver("1234567", &[world.ann]).await, Err(vec![world.ann]));
    world.try_deliver("123456", &[world.ann]).await.unwrap();
    assert_eq!(world.try_deliver("12345", &[world.bob]).await, Err(vec![world.bob]));
    world.try_deliver("1234", &[world.bob]).await.unwrap();
    assert!(storage.account_quota(world.bob).await.unwrap().is_used_up());
    world.allow(world.ann, QuotaSetting::Unlimited, QuotaSetting::Inherit).await;
    assert_eq!(world.try_deliver("1", &[world.ann]).await, Err(vec![world.ann]), "the domain is still full");
    storage.expunge(world.bob, world.bobs_inbox, &set("1"), false).await.unwrap();
    // There is room for one of the two: one of them is named, and neither gets anything.
    let refused = world.try_deliver("123", &[world.ann, world.bob]).await.unwrap_err();
    assert_eq!(refused.len(), 1);
    assert_eq!(world.domain_usage().await, (6, 1));
    world.try_deliver("1234", &[world.ann]).await.unwrap();
}

/// Deliveries that come at once do not pass together what each alone may reach.
pub async fn quotas_hold_against_many_at_once(harness: &dyn Harness) {
    let world = Arc::new(World::new(harness).await);
    world.allow(world.ann, QuotaSetting::AtMost(3), QuotaSetting::Unlimited).await;
    let deliveries = (0..8).map(|number| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.try_deliver(&number.to_string(), &[world.ann]).await.is_ok() })
    });
    let mut taken = 0;
    for delivery in deliveries.collect::<Vec<_>>() {
        taken += u32::from(delivery.await.unwrap());
    }
    assert_eq!((taken, world.usage(world.ann).await), (3, (3, 3)));
}

/// A report about mail has nowhere else to go, and its settlement cannot wait.
pub async fn reports_pass_quotas(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.allow(world.ann, QuotaSetting::AtMost(0), QuotaSetting::AtMost(0)).await;
    let report = delivery("report", vec![placement(world.ann, world.inbox, "")]);
    let settlement = Settlement { outcomes: Vec::new(), reports: vec![report], trail: Vec::new() };
    world.storage.settle(settlement).await.unwrap();
    assert_eq!(world.usage(world.ann).await, (6, 1));
    assert_eq!(world.try_deliver("more", &[world.ann]).await, Err(vec![world.ann]));
}

/// Quotas and usage outlive the process.
pub async fn quotas_outlive_the_process(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.allow(world.ann, QuotaSetting::AtMost(7), QuotaSetting::Unlimited).await;
    world.try_deliver("1234", &[world.ann]).await.unwrap();
    let quota = world.storage.account_quota(world.ann).await.unwrap();
    let (ann, storage) = (world.ann, world.storage);
    let Some(storage) = harness.reopen(storage).await else { return };
    assert_eq!(storage.account_quota(ann).await.unwrap(), quota);
}
