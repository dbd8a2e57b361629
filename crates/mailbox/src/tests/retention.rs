use posthouse_model::SpecialUse;
use posthouse_storage::{Keep, Mail, Retention, RetentionRule, RetentionTarget, Scope};

use super::*;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn rule(house: &House, scope: Scope, keep: Keep, keep_flagged: bool) {
    let target = RetentionTarget::Use(SpecialUse::Junk);
    house.store.put_retention_rule(RetentionRule { scope, target, keep, keep_flagged }).await.unwrap();
}

/// As if so many days had passed.
fn in_days(days: i64) -> UnixMillis {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    UnixMillis(i64::try_from(now.as_millis()).unwrap() + days * DAY_MS)
}

async fn junk(house: &House, permit: &Permit) -> Mailbox {
    let junk = name("Spam");
    house.store.create_mailbox(permit.account(), &junk, Some(SpecialUse::Junk)).await.unwrap();
    for (number, marks) in ["", "\\Flagged", ""].into_iter().enumerate() {
        let raw = format!("Subject: {number}\r\n\r\n");
        house.mailboxes.append(permit, &junk, raw.into(), flags(marks), NOW).await.unwrap();
    }
    house.mailboxes.open(permit, &junk, false).await.unwrap()
}

#[tokio::test]
async fn old_messages_go_by_the_narrowest_rule() {
    let house = House::open().await;
    let (anns, bobs) = (junk(&house, &house.ann).await, junk(&house, &house.bob).await);
    assert_eq!(house.mailboxes.apply_retention(in_days(100)).await.unwrap().expunged, 0);
    rule(&house, Scope::Everyone, Keep::Days(30), false).await;
    rule(&house, Scope::Account(house.bob.account()), Keep::Days(10), true).await;
    assert_eq!(house.mailboxes.apply_retention(in_days(9)).await.unwrap().expunged, 0);
    assert_eq!(house.mailboxes.apply_retention(in_days(11)).await.unwrap().expunged, 2);
    assert_eq!((anns.snapshot().uids.len(), bobs.snapshot().uids.len()), (3, 1));
    rule(&house, Scope::Account(house.ann.account()), Keep::ForEver, false).await;
    assert_eq!(house.mailboxes.apply_retention(in_days(100)).await.unwrap().expunged, 0);
    house
        .store
        .remove_retention_rule(Scope::Account(house.ann.account()), &RetentionTarget::Use(SpecialUse::Junk))
        .await
        .unwrap();
    let round = house.mailboxes.apply_retention(in_days(100)).await.unwrap();
    assert_eq!((round.expunged, round.is_cut_short), (3, false));
    assert_eq!((anns.snapshot().uids.len(), bobs.snapshot().uids.len()), (0, 1));
}
