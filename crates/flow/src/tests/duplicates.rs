use posthouse_model::TrailKind;
use posthouse_storage::{DuplicateRule, Duplicates, Scope};

use super::*;
use crate::Door;

fn text(id: &str, subject: &str) -> String {
    format!("From: x@far.example\r\n{id}Subject: {subject}\r\n\r\nthe text\r\n")
}

async fn receive(house: &House, recipients: &[&str], id: &str, subject: &str) -> Vec<TrailKind> {
    let envelope = envelope("x@far.example", recipients);
    let received = house.receive(Door::Mx, envelope, &text(id, subject)).await.unwrap();
    house.trail(received).await
}

const ID: &str = "Message-ID: <1@far.example>\r\n";

#[tokio::test(start_paused = true)]
async fn the_second_copy_is_taken_and_not_delivered() {
    use TrailKind::{Delivered, Received, Suppressed};
    let house = House::open().await;
    let ann = ["ann@ours.example"];
    assert_eq!(receive(&house, &ann, ID, "0").await, [Received, Delivered]);
    house.store.put_duplicate_rule(DuplicateRule { scope: Scope::Everyone, window_ms: 1000 }).await.unwrap();
    assert_eq!(receive(&house, &ann, ID, "1").await, [Received, Delivered]);
    assert_eq!(receive(&house, &ann, ID, "2").await, [Received, Suppressed]);
    assert_eq!(receive(&house, &ann, "Message-ID: <2@far.example>\r\n", "3").await, [Received, Delivered]);
    for subject in ["4", "5"] {
        assert_eq!(receive(&house, &ann, "", subject).await, [Received, Delivered], "without an id each is another");
    }
    assert_eq!(house.inbox("ann").await.len(), 5);
    let both = ["ann@ours.example", "bob@ours.example"];
    assert_eq!(receive(&house, &both, ID, "6").await, [Received, Suppressed, Delivered]);
    assert_eq!((house.inbox("ann").await.len(), house.inbox("bob").await.len()), (5, 1));
}

#[tokio::test(start_paused = true)]
async fn another_recipient_of_the_envelope_is_another_message() {
    let house = House::open().await;
    house.alias("sales@ours.example", &["ann@ours.example"]).await;
    house.store.put_duplicate_rule(DuplicateRule { scope: Scope::Everyone, window_ms: 1000 }).await.unwrap();
    for recipient in ["ann@ours.example", "sales@ours.example", "ANN@ours.example", "sales@ours.example"] {
        receive(&house, &[recipient], ID, "x").await;
    }
    assert_eq!(house.inbox("ann").await.len(), 2);
}
