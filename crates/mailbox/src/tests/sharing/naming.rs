use super::*;

/// Everybody lists their own mailboxes and those they may look up, and nothing else.
#[tokio::test]
async fn lists_show_what_may_be_looked_up() {
    let house = House::open().await;
    house.mailboxes.create(&house.ann, &name("Team/2024"), None).await.unwrap();
    assert_eq!(house.listed_by(&house.bob).await, ["INBOX"]);
    house.grant("Team/2024", "bob", "lr").await;
    house.grant("INBOX", "bob", "r").await;
    house.grant("Team", "bob", "l").await;
    house.area("Support").await;
    let rows = house.mailboxes.list(&house.bob).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.selectable)).collect();
    let expected = [("INBOX", true), ("Users/ann@example.org/Team", false), ("Users/ann@example.org/Team/2024", true)];
    assert_eq!(rows, expected);
    assert_eq!(house.listed_by(&house.ann).await, ["INBOX", "Shared/Support", "Team", "Team/2024"]);
    house.grant("Team", "-bob", "l").await;
    assert_eq!(house.listed_by(&house.bob).await, ["INBOX", "Users/ann@example.org/Team/2024"]);
}

/// Names of others can be subscribed, whether or not anything is there, and say nothing about it.
#[tokio::test]
async fn subscriptions_are_only_names() {
    let house = House::open().await;
    for mailbox in ["INBOX", "Nothing"] {
        house.mailboxes.set_subscribed(&house.bob, &anns(mailbox), true).await.unwrap();
    }
    let rows = house.mailboxes.list(&house.bob).await.unwrap();
    let hidden: Vec<_> = rows.iter().filter(|row| row.subscribed).map(|row| (row.id, row.selectable)).collect();
    assert_eq!(hidden[1..], [(None, false), (None, false)]);
    house.grant("INBOX", "bob", "lr").await;
    let rows = house.mailboxes.list(&house.bob).await.unwrap();
    assert!(rows.iter().any(|row| row.name == anns("INBOX") && row.subscribed && row.id.is_some()));
}

/// A shared area's INBOX is the area itself; what lies at its top gets the INBOX's access list.
#[tokio::test]
async fn shared_areas_have_names() {
    let house = House::open().await;
    house.area("Support").await;
    let create = async |at: &str| outcome(house.mailboxes.create(&house.ann, &name(at), None).await);
    assert_eq!(create("Shared/Support/Cases/2024").await, "done");
    assert_eq!(create("Shared/Support/Cases").await, "exists");
    assert_eq!(create("Shared/Support").await, "exists");
    assert_eq!(create("Shared/Support/INBOX").await, "not permitted");
    assert_eq!(create("Shared/Other").await, "not permitted");
    assert_eq!(create("Shared").await, "not permitted");
    assert_eq!(create("Users/nobody@example.org/x").await, "not permitted");
    let listed = ["INBOX", "Shared/Support", "Shared/Support/Cases", "Shared/Support/Cases/2024"];
    assert_eq!(house.listed_by(&house.ann).await, listed);
    let open = async |at: &str| outcome(house.mailboxes.open(&house.ann, &name(at), false).await);
    assert_eq!(open("Shared/Support").await, "done");
    assert_eq!(open("Shared/Support/INBOX").await, "no such mailbox");
    assert_eq!(open("Users/support@example.org/INBOX").await, "no such mailbox");
    assert_eq!(open("Users/ann@example.org/INBOX").await, "no such mailbox");
    let rename = async |from: &str, to: &str| outcome(house.mailboxes.rename(&house.ann, &name(from), &name(to)).await);
    assert_eq!(rename("Shared/Support/Cases", "Shared/Support/Old/Cases").await, "done");
    assert_eq!(rename("Shared/Support/Old", "Old").await, "another owner");
    assert_eq!(rename("INBOX", "Shared/Support/Mine").await, "another owner");
    assert_eq!(rename("Shared/Support", "Shared/Support/x").await, "inbox");
    assert_eq!(outcome(house.mailboxes.delete(&house.ann, &name("Shared/Support")).await), "inbox");
    assert_eq!(outcome(house.mailboxes.delete(&house.ann, &name("Shared/Support/Old/Cases/2024")).await), "done");
    let listed = ["INBOX", "Shared/Support", "Shared/Support/Old", "Shared/Support/Old/Cases"];
    assert_eq!(house.listed_by(&house.ann).await, listed);
}

/// A mailbox that had such a name before there were namespaces stays its owner's.
#[tokio::test]
async fn old_names_stay_with_their_owners() {
    use posthouse_storage::Mail;
    let house = House::open().await;
    house.area("Support").await;
    let old = name("Shared/Support");
    house.store.create_mailbox(house.ann.account(), &old, None).await.unwrap();
    assert_eq!(house.listed_by(&house.ann).await, ["INBOX", "Shared/Support"]);
    let opened = house.mailboxes.open(&house.ann, &old, false).await.unwrap();
    assert_eq!(opened.owner(), house.ann.account());
    house.mailboxes.rename(&house.ann, &old, &name("Support")).await.unwrap();
    let opened = house.mailboxes.open(&house.ann, &old, false).await.unwrap();
    assert_ne!(opened.owner(), house.ann.account());
}

/// Addresses in names are read without regard to case, as everywhere.
#[tokio::test]
async fn addresses_have_no_case() {
    let house = House::open().await;
    house.grant("INBOX", "bob", "lr").await;
    let opened = house.mailboxes.open(&house.bob, &name("Users/ANN@Example.ORG/inbox"), false).await;
    assert_eq!(outcome(opened), "done");
}
