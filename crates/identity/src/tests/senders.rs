//! Who may send as whom.

use posthouse_storage::Directory;

use super::*;

async fn check(house: &House, permit: &Permit, sender: &str, expected: bool) {
    let may = house.identity.may_send_as(permit, &address(sender)).await.unwrap();
    assert_eq!(may, expected, "{} as {sender}", permit.address());
}

#[tokio::test]
async fn an_account_sends_as_itself_and_by_its_aliases() {
    let house = House::open().await;
    let to_ann = vec![address("far@elsewhere.example"), address("Ann@example.org")];
    house.identity.put_alias(address("sales@example.org"), to_ann, NOW).await.unwrap();
    let to_bob = vec![address("bob@example.org")];
    house.identity.put_alias(address("ann+vip@example.org"), to_bob, NOW).await.unwrap();
    let ann = house.permit("ann").await;
    for (sender, expected) in [
        ("ann@example.org", true),
        ("ANN@example.ORG", true),
        ("ann+lists@example.org", true),
        ("sales@example.org", true),
        ("sales+q3@example.org", true),
        ("ann+vip@example.org", false),
        ("bob@example.org", false),
        ("bob+ann@example.org", false),
        ("ghost@example.org", false),
        ("ann@example.net", false),
        ("ann@elsewhere.example", false),
        ("far@elsewhere.example", false),
        ("postmaster@example.org", false),
    ] {
        check(&house, &ann, sender, expected).await;
    }
    let bob = house.permit("bob").await;
    check(&house, &bob, "sales@example.org", false).await;
    check(&house, &bob, "ann+vip@example.org", true).await;
}

#[tokio::test]
async fn a_catch_all_lets_nobody_send_as_everybody() {
    let house = House::open().await;
    let mut record = house.store.domain(&domain("example.org")).await.unwrap().unwrap();
    record.catch_all = Some(address("bob@example.org"));
    house.store.update_domain(record).await.unwrap();
    check(&house, &house.permit("bob").await, "anybody@example.org", false).await;
}
