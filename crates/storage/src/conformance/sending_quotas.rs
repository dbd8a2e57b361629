//! Bounds on senders.

use std::sync::Arc;

use posthouse_model::{AccountId, DomainId, KeyId, UnixMillis};

use super::Harness;
use super::account_keys::new_key;
use super::world::{NOW, World, delivery, domain, new_account, placement};
use crate::{
    Bound, Counted, Figures, LimitHolder, LimitKind, Named, OverSendingQuota, Period, SendingLimit, SendingUnit,
    StorageError, Submission,
};

const MESSAGES_A_DAY: LimitKind = LimitKind::Sent(Period::Day, Counted::Messages);
const RECIPIENTS_AN_HOUR: LimitKind = LimitKind::Sent(Period::Hour, Counted::Recipients);
const HOUR: i64 = 3_600_000;

fn limit(holder: LimitHolder, kind: LimitKind, most: impl Into<Option<u64>>) -> SendingLimit {
    SendingLimit { holder, kind, most: most.into(), until: None }
}

impl World {
    async fn domain_id(&self) -> DomainId {
        self.storage.domain(&domain("example.org")).await.unwrap().expect("the domain was made").id
    }

    /// Hands a message in; what stands against it, if anything.
    async fn hand_in(&self, account: AccountId, recipients: u64, at: UnixMillis) -> Result<(), OverSendingQuota> {
        self.hand_in_with(account, None, recipients, at).await
    }

    /// Likewise with a key.
    async fn hand_in_with(
        &self,
        account: AccountId,
        key: Option<KeyId>,
        recipients: u64,
        at: UnixMillis,
    ) -> Result<(), OverSendingQuota> {
        match self.try_with(account, key, recipients, at).await {
            Ok(()) => Ok(()),
            Err(StorageError::OverSendingQuota(over)) => Err(over),
            Err(error) => panic!("{error}"),
        }
    }

    async fn try_with(
        &self,
        account: AccountId,
        key: Option<KeyId>,
        recipients: u64,
        at: UnixMillis,
    ) -> Result<(), StorageError> {
        let delivery = delivery("text", vec![placement(self.bob, self.bobs_inbox, "")]);
        let submission = Submission { delivery, duplicates: Vec::new(), account, key, recipients, at };
        self.storage.submit(submission).await.map(drop)
    }

    /// Makes a key.
    async fn key(&self, account: AccountId, label: &str) -> KeyId {
        self.storage.add_account_key(new_key(account, label)).await.unwrap().id
    }

    async fn set_limit(&self, limit: SendingLimit) {
        self.storage.set_sending_limit(limit).await.unwrap();
    }

    /// Messages and recipients in hour, day and month.
    async fn sent(&self, unit: SendingUnit, at: UnixMillis) -> [(u64, u64); 3] {
        let standing = self.storage.sending_standing(unit, at).await.unwrap();
        assert_eq!(standing.sent[0].0, unit);
        Period::EACH.map(|period| {
            let Figures { messages, recipients } = standing.used(unit, period);
            (messages, recipients)
        })
    }

    async fn bob_has(&self) -> u32 {
        self.storage.mailbox_by_id(self.bob, self.bobs_inbox).await.unwrap().expect("it is there").messages
    }
}

/// What is taken is counted where it belongs, and periods end.
pub async fn what_is_sent_is_counted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (ann, of_domain) = (SendingUnit::Account(world.ann), SendingUnit::Domain(world.domain_id().await));
    world.hand_in(world.ann, 3, NOW).await.unwrap();
    world.hand_in(world.ann, 1, NOW).await.unwrap();
    world.hand_in(world.bob, 5, NOW).await.unwrap();
    assert_eq!(world.sent(ann, NOW).await, [(2, 4); 3]);
    assert_eq!(world.sent(of_domain, NOW).await, [(3, 9); 3]);
    assert_eq!(world.sent(SendingUnit::Server, NOW).await, [(3, 9); 3]);
    let later = UnixMillis(NOW.0 + HOUR);
    assert_eq!(world.sent(ann, later).await, [(0, 0), (2, 4), (2, 4)]);
    world.hand_in(world.ann, 1, later).await.unwrap();
    assert_eq!(world.sent(ann, later).await, [(1, 1), (3, 5), (3, 5)]);
    assert_eq!(world.sent(SendingUnit::Account(world.bob), later).await, [(0, 0), (1, 5), (1, 5)]);
    // Mail from elsewhere is nobody's.
    world.deliver("text").await;
    assert_eq!(world.sent(SendingUnit::Server, later).await[2], (4, 10));
    let nobody = world.storage.sending_standing(SendingUnit::Account(AccountId(999_999)), NOW).await;
    assert!(matches!(nobody, Err(StorageError::NotFound(Named::Account))));
}

/// What would be too much is refused as a whole, and is not counted.
pub async fn sending_quotas_are_kept(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.set_limit(limit(LimitHolder::Account(world.ann), RECIPIENTS_AN_HOUR, 4)).await;
    world.hand_in(world.ann, 3, NOW).await.unwrap();
    let over = world.hand_in(world.ann, 2, NOW).await.unwrap_err();
    let expected = OverSendingQuota {
        unit: SendingUnit::Account(world.ann),
        period: Period::Hour,
        counted: Counted::Recipients,
        most: 4,
        used: 3,
        retry_at: Period::Hour.ends(NOW),
    };
    assert_eq!(over, expected);
    assert_eq!((world.sent(SendingUnit::Server, NOW).await[0], world.bob_has().await), ((1, 3), 1));
    world.hand_in(world.ann, 1, NOW).await.unwrap();
    world.hand_in(world.bob, 100, NOW).await.unwrap();
    assert!(world.hand_in(world.ann, 1, UnixMillis(over.retry_at.0 - 1)).await.is_err());
    world.hand_in(world.ann, 4, over.retry_at).await.unwrap();
    // Of the domain and of the server, whoever sends.
    world.set_limit(limit(LimitHolder::Domain(world.domain_id().await), MESSAGES_A_DAY, 5)).await;
    world.hand_in(world.bob, 1, over.retry_at).await.unwrap();
    let over = world.hand_in(world.bob, 1, over.retry_at).await.unwrap_err();
    assert_eq!((over.unit, over.used), (SendingUnit::Domain(world.domain_id().await), 5));
    world.set_limit(limit(LimitHolder::Server, MESSAGES_A_DAY, 0)).await;
    world
        .storage
        .clear_sending_limit(LimitHolder::Domain(world.domain_id().await), MESSAGES_A_DAY, false)
        .await
        .unwrap();
    let over = world.hand_in(world.bob, 1, UnixMillis(NOW.0 + 40 * 24 * HOUR)).await.unwrap_err();
    assert_eq!((over.unit, over.most), (SendingUnit::Server, 0));
}

/// The closest limit holds, and an exception while it lasts. What changes holds at once.
pub async fn sending_limits_have_an_order(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (ann, id) = (LimitHolder::Account(world.ann), world.domain_id().await);
    let most = async |at| {
        let standing = world.storage.sending_standing(SendingUnit::Account(world.ann), at).await.unwrap();
        let own = |bound: &&Bound| bound.unit == SendingUnit::Account(world.ann);
        standing.bounds.iter().find(own).map(|bound| bound.most)
    };
    assert_eq!(most(NOW).await, None);
    world.set_limit(limit(LimitHolder::EachAccount, MESSAGES_A_DAY, 1)).await;
    world.hand_in(world.ann, 1, NOW).await.unwrap();
    assert!(world.hand_in(world.ann, 1, NOW).await.is_err());
    world.set_limit(limit(LimitHolder::EachAccountOf(id), MESSAGES_A_DAY, 2)).await;
    world.hand_in(world.ann, 1, NOW).await.unwrap();
    assert!(world.hand_in(world.ann, 1, NOW).await.is_err());
    let until = UnixMillis(NOW.0 + HOUR);
    world.set_limit(SendingLimit { until: Some(until), ..limit(ann, MESSAGES_A_DAY, 4) }).await;
    world.set_limit(limit(ann, MESSAGES_A_DAY, 3)).await;
    world.hand_in(world.ann, 1, NOW).await.unwrap();
    world.hand_in(world.ann, 1, UnixMillis(until.0 - 1)).await.unwrap();
    assert_eq!((most(UnixMillis(until.0 - 1)).await, most(until).await), (Some(4), Some(3)));
    assert_eq!(world.hand_in(world.ann, 1, until).await.map_err(|over| (over.most, over.used)), Err((3, 4)));
    world.set_limit(limit(ann, MESSAGES_A_DAY, None)).await;
    assert_eq!(most(until).await, None);
    world.hand_in(world.ann, 1, until).await.unwrap();
    world.storage.clear_sending_limit(ann, MESSAGES_A_DAY, false).await.unwrap();
    assert_eq!(most(until).await, Some(2));
    let cleared = world.storage.clear_sending_limit(ann, MESSAGES_A_DAY, false).await;
    assert!(matches!(cleared, Err(StorageError::NotFound(Named::Rule))));
}

/// Limits are listed as they were set, and go with whom they are for.
pub async fn sending_limits_are_listed(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let storage = &*world.storage;
    let (ann, id) = (LimitHolder::Account(world.ann), world.domain_id().await);
    let until = Some(UnixMillis(NOW.0 + HOUR));
    let mut all = vec![
        limit(LimitHolder::Server, RECIPIENTS_AN_HOUR, 9),
        limit(LimitHolder::EachDomain, MESSAGES_A_DAY, 8),
        limit(LimitHolder::Domain(id), MESSAGES_A_DAY, 7),
        limit(LimitHolder::EachAccount, LimitKind::MessageBytes, u64::MAX >> 1),
        limit(LimitHolder::EachAccountOf(id), LimitKind::MessageRecipients, 5),
        limit(ann, MESSAGES_A_DAY, None),
        SendingLimit { until, ..limit(ann, MESSAGES_A_DAY, 3) },
        limit(LimitHolder::EachKey, RECIPIENTS_AN_HOUR, 4),
        limit(LimitHolder::EachKeyOf(world.ann), MESSAGES_A_DAY, 3),
        limit(LimitHolder::Key(world.key(world.ann, "desk").await), MESSAGES_A_DAY, 2),
        limit(LimitHolder::Key(world.key(world.ann, "phone").await), MESSAGES_A_DAY, 1),
    ];
    for one in all.iter().rev() {
        world.set_limit(SendingLimit { most: Some(1), ..*one }).await;
        world.set_limit(*one).await;
    }
    assert_eq!(storage.sending_limits(None).await.unwrap(), all);
    assert_eq!(storage.sending_limits(Some(ann)).await.unwrap(), all[5..7]);
    let nobody = limit(LimitHolder::Account(AccountId(999_999)), MESSAGES_A_DAY, 1);
    assert!(matches!(storage.set_sending_limit(nobody).await, Err(StorageError::NotFound(Named::Account))));
    let nowhere = limit(LimitHolder::EachAccountOf(DomainId(999_999)), MESSAGES_A_DAY, 1);
    assert!(matches!(storage.set_sending_limit(nowhere).await, Err(StorageError::NotFound(Named::Domain))));
    let no_key = storage.set_sending_limit(limit(LimitHolder::Key(KeyId(999_999)), MESSAGES_A_DAY, 1)).await;
    assert!(matches!(no_key, Err(StorageError::NotFound(Named::Key))));
    storage.remove_account_key(world.ann, "desk").await.unwrap();
    all.remove(9);
    assert_eq!(storage.sending_limits(None).await.unwrap(), all);
    storage.delete_account(world.ann).await.unwrap();
    all.truncate(8);
    all.drain(5..7);
    assert_eq!(storage.sending_limits(None).await.unwrap(), all);
    storage.delete_account(world.bob).await.unwrap();
    storage.delete_domain(&domain("example.org")).await.unwrap();
    all.retain(|one| !matches!(one.holder, LimitHolder::Domain(_) | LimitHolder::EachAccountOf(_)));
    assert_eq!(storage.sending_limits(None).await.unwrap(), all);
}

/// Of many at once exactly as many pass as may; what a full mailbox refuses is not counted.
pub async fn sending_quotas_hold_against_many_at_once(harness: &dyn Harness) {
    let world = Arc::new(World::new(harness).await);
    world.set_limit(limit(LimitHolder::EachAccount, MESSAGES_A_DAY, 10)).await;
    let each = (0..30).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.hand_in(world.ann, 2, NOW).await.is_ok() })
    });
    let mut passed = 0;
    for one in each.collect::<Vec<_>>() {
        passed += usize::from(one.await.unwrap());
    }
    assert_eq!(passed, 10);
    assert_eq!(world.sent(SendingUnit::Server, NOW).await[1], (10, 20));
    assert_eq!(world.bob_has().await, 10);
    let full = crate::AccountQuotaSettings { messages: crate::QuotaSetting::AtMost(10), ..Default::default() };
    world.storage.set_account_quota(world.bob, full).await.unwrap();
    let delivery = delivery("text", vec![placement(world.bob, world.bobs_inbox, "")]);
    let submission =
        Submission { delivery, duplicates: Vec::new(), account: world.bob, key: None, recipients: 1, at: NOW };
    assert!(matches!(world.storage.submit(submission).await, Err(StorageError::OverQuota { .. })));
    assert_eq!(world.sent(SendingUnit::Account(world.bob), NOW).await[1], (0, 0));
    assert_eq!(world.sent(SendingUnit::Server, NOW).await[1], (10, 20));
}

/// What was counted and set is there after a restart.
pub async fn sending_quotas_outlive_the_process(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.set_limit(limit(LimitHolder::EachAccount, MESSAGES_A_DAY, 2)).await;
    world.hand_in(world.ann, 1, NOW).await.unwrap();
    world.hand_in(world.ann, 1, NOW).await.unwrap();
    let World { storage, ann, bob, inbox, archive, bobs_inbox } = world;
    let Some(storage) = harness.reopen(storage).await else { return };
    let world = World { storage, ann, bob, inbox, archive, bobs_inbox };
    assert_eq!(world.hand_in(ann, 1, NOW).await.map_err(|over| (over.most, over.used)), Err((2, 2)));
    let carl = world.storage.create_account(new_account("carl@example.org")).await.unwrap().id;
    world.hand_in(carl, 1, NOW).await.unwrap();
    assert_eq!(world.sent(SendingUnit::Server, NOW).await[2], (3, 3));
}

/// What is handed in with a key counts for the key, too, and has to fit into what both may send.
pub async fn keys_have_sending_quotas(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (phone, desk) = (world.key(world.ann, "phone").await, world.key(world.ann, "desk").await);
    let bobs = world.key(world.bob, "phone").await;
    let (ann, phones) = (SendingUnit::Account(world.ann), SendingUnit::Key(phone));
    world.hand_in_with(world.ann, Some(phone), 3, NOW).await.unwrap();
    world.hand_in(world.ann, 1, NOW).await.unwrap();
    assert_eq!((world.sent(phones, NOW).await, world.sent(ann, NOW).await), ([(1, 3); 3], [(2, 4); 3]));
    assert_eq!(world.sent(SendingUnit::Key(desk), NOW).await, [(0, 0); 3]);
    assert_eq!(world.sent(SendingUnit::Server, NOW).await, [(2, 4); 3]);

    world.set_limit(limit(LimitHolder::EachKey, RECIPIENTS_AN_HOUR, 4)).await;
    let over = world.hand_in_with(world.ann, Some(phone), 2, NOW).await.unwrap_err();
    let expected = OverSendingQuota {
        unit: phones,
        period: Period::Hour,
        counted: Counted::Recipients,
        most: 4,
        used: 3,
        retry_at: Period::Hour.ends(NOW),
    };
    assert_eq!(over, expected);
    // Neither other keys nor the password are bounded by it.
    world.hand_in_with(world.ann, Some(desk), 4, NOW).await.unwrap();
    world.hand_in_with(world.bob, Some(bobs), 4, NOW).await.unwrap();
    world.hand_in(world.ann, 50, NOW).await.unwrap();
    assert!(world.hand_in_with(world.ann, Some(phone), 2, UnixMillis(over.retry_at.0 - 1)).await.is_err());
    world.hand_in_with(world.ann, Some(phone), 4, over.retry_at).await.unwrap();

    // The closest holds, and exceptions while they last.
    let now = over.retry_at;
    let most = async |at| {
        let standing = world.storage.sending_standing(phones, at).await.unwrap();
        standing.bounds.iter().find(|bound| bound.unit == phones).map(|bound| bound.most)
    };
    world.set_limit(limit(LimitHolder::EachKeyOf(world.ann), RECIPIENTS_AN_HOUR, 5)).await;
    world.hand_in_with(world.ann, Some(phone), 1, now).await.unwrap();
    assert!(world.hand_in_with(world.ann, Some(phone), 1, now).await.is_err());
    let own = LimitHolder::Key(phone);
    let until = UnixMillis(now.0 + 5);
    world.set_limit(SendingLimit { until: Some(until), ..limit(own, RECIPIENTS_AN_HOUR, 7) }).await;
    world.set_limit(limit(own, RECIPIENTS_AN_HOUR, 6)).await;
    assert_eq!((most(now).await, most(until).await), (Some(7), Some(6)));
    world.hand_in_with(world.ann, Some(phone), 2, now).await.unwrap();
    assert!(world.hand_in_with(world.ann, Some(phone), 1, now).await.is_err());
    // Whatever the key may send, the account's limit holds as well, and is the one that is told.
    world.set_limit(limit(own, RECIPIENTS_AN_HOUR, None)).await;
    world.set_limit(limit(LimitHolder::Account(world.ann), MESSAGES_A_DAY, 1)).await;
    let over = world.hand_in_with(world.ann, Some(phone), 1, until).await.unwrap_err();
    assert_eq!((over.unit, over.most), (ann, 1));
    // A frozen account sends with no key either.
    let freeze = crate::SendingFreeze {
        account: world.bob,
        cause: crate::FreezeCause::Administrator,
        words: String::new(),
        at: now,
    };
    world.storage.freeze_sending(freeze).await.unwrap();
    let frozen = world.try_with(world.bob, Some(bobs), 1, now).await;
    assert!(matches!(frozen, Err(StorageError::SendingFrozen(_))), "{frozen:?}");
    let standing = world.storage.sending_standing(SendingUnit::Key(bobs), now).await.unwrap();
    assert_eq!(standing.frozen, Some(crate::FreezeCause::Administrator));
}

/// A key that was removed, or is another's, hands in nothing, and what it sent stays counted for its account.
pub async fn a_key_that_is_gone_hands_in_nothing(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let phone = world.key(world.ann, "phone").await;
    world.set_limit(limit(LimitHolder::Key(phone), MESSAGES_A_DAY, 9)).await;
    world.hand_in_with(world.ann, Some(phone), 3, NOW).await.unwrap();
    let others = world.try_with(world.bob, Some(phone), 1, NOW).await;
    assert!(matches!(others, Err(StorageError::NotFound(Named::Key))), "{others:?}");
    world.storage.remove_account_key(world.ann, "phone").await.unwrap();
    let gone = world.try_with(world.ann, Some(phone), 1, NOW).await;
    assert!(matches!(gone, Err(StorageError::NotFound(Named::Key))), "{gone:?}");
    let standing = world.storage.sending_standing(SendingUnit::Key(phone), NOW).await;
    assert!(matches!(standing, Err(StorageError::NotFound(Named::Key))), "{standing:?}");
    assert_eq!(world.storage.sending_limits(None).await.unwrap(), []);
    assert_eq!(world.sent(SendingUnit::Account(world.ann), NOW).await, [(1, 3); 3]);
    assert_eq!(world.bob_has().await, 1);
    let again = world.key(world.ann, "phone").await;
    assert_eq!(world.sent(SendingUnit::Key(again), NOW).await, [(0, 0); 3]);
}

/// Of many at once exactly as many pass as a key may send, whatever else its account sends; and that outlives the process.
pub async fn quotas_of_keys_hold_against_many_at_once(harness: &dyn Harness) {
    let world = Arc::new(World::new(harness).await);
    let phone = world.key(world.ann, "phone").await;
    world.set_limit(limit(LimitHolder::EachKey, MESSAGES_A_DAY, 10)).await;
    let each = (0..40).map(|number| {
        let world = Arc::clone(&world);
        let key = (number % 4 > 0).then_some(phone);
        tokio::spawn(async move { (key, world.hand_in_with(world.ann, key, 1, NOW).await.is_ok()) })
    });
    let mut passed = [0, 0];
    for one in each.collect::<Vec<_>>() {
        let (key, is_ok) = one.await.unwrap();
        passed[usize::from(key.is_some())] += usize::from(is_ok);
    }
    assert_eq!(passed, [10, 10]);
    let Ok(World { storage, ann, bob, inbox, archive, bobs_inbox }) = Arc::try_unwrap(world) else {
        panic!("all have ended")
    };
    let Some(storage) = harness.reopen(storage).await else { return };
    let world = World { storage, ann, bob, inbox, archive, bobs_inbox };
    assert_eq!(world.sent(SendingUnit::Key(phone), NOW).await[1], (10, 10));
    let over = world.hand_in_with(ann, Some(phone), 1, NOW).await.unwrap_err();
    assert_eq!((over.unit, over.used), (SendingUnit::Key(phone), 10));
}
