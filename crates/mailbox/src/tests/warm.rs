//! Mailboxes that stay in memory, and those that leave it.

use super::*;

/// More than are kept when nobody has them open.
const MANY: usize = 1100;

#[tokio::test]
async fn an_open_mailbox_follows_however_many_others_are_opened() {
    let house = House::open().await;
    let inbox = house.inbox().await;
    for number in 0..MANY {
        let other = name(&format!("m{number}"));
        house.mailboxes.create(&house.ann, &other, None).await.unwrap();
        house.mailboxes.open(&house.ann, &other, true).await.unwrap();
    }
    house.fill_inbox(1).await;
    assert_eq!(inbox.snapshot().uids, uids(&[1]));
    // Both see one mailbox in memory, and one that had to be read again sees what came meanwhile.
    assert_eq!(house.inbox().await.snapshot(), inbox.snapshot());
    house.append("m0", "\r\nx", "").await;
    assert_eq!(house.mailbox("m0").await.snapshot().uids, uids(&[1]));
}
