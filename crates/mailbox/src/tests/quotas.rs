//! Quotas: who sees and sets which.

use posthouse_storage::{AccountQuotaSettings, QuotaSetting, Quotas, StorageError};

use super::*;
use crate::MailboxError;

#[tokio::test]
async fn quotas_are_for_their_owners() {
    let house = House::open().await;
    house.append("INBOX", "12345", "\\Deleted").await;
    house.append("INBOX", "123", "").await;
    let settings = AccountQuotaSettings { size_bytes: QuotaSetting::AtMost(10), messages: QuotaSetting::Inherit };
    house.store.set_account_quota(house.ann.account(), settings).await.unwrap();
    let own = house.mailboxes.quota(&house.ann, house.ann.address()).await.unwrap();
    assert_eq!((own.quota.used.size_bytes, own.quota.allowed.size_bytes, own.mailboxes), (8, Some(10), 1));
    assert_eq!(house.mailboxes.quota_of_mailbox(&house.ann, &name("not/there")).await.unwrap(), own);
    assert_eq!(house.mailboxes.deleted_bytes(&house.ann, &name("INBOX")).await.unwrap(), 5);
    let foreign = house.mailboxes.quota(&house.bob, house.ann.address()).await;
    assert!(matches!(foreign, Err(MailboxError::NotPermitted)), "{foreign:?}");
    let set = house.mailboxes.set_quota(&house.ann, house.ann.address(), AccountQuotaSettings::default()).await;
    assert!(matches!(set, Err(MailboxError::NotPermitted)), "{set:?}");
    let copied = house.inbox().await.copy_to(&house.mailboxes, &uids(&[2]), &name("INBOX")).await;
    assert!(matches!(copied, Err(MailboxError::Storage(StorageError::OverQuota { .. }))), "{copied:?}");
}
