use std::time::Duration;

use posthouse_model::Recipient;

use super::*;
use crate::{Door, MessageRefusal};

const TEXT: &str = "From: x@far.example\r\n\r\nthe text\r\n";

async fn receive(house: &House, recipients: &[&str]) -> Result<(), MessageRefusal> {
    house.receive(Door::Mx, envelope("x@far.example", recipients), TEXT).await.map(|_| ())
}

async fn counts(house: &House) -> (usize, usize, usize) {
    (house.inbox("ann").await.len(), house.inbox("bob").await.len(), house.queue().await.len())
}

#[tokio::test(start_paused = true)]
async fn everybody_gets_it_once() {
    let house = House::open().await;
    house.alias("team@ours.example", &["ann@ours.example", "bob@ours.example", "carl@far.example"]).await;
    house.alias("all@ours.example", &["team@ours.example", "ann@ours.example"]).await;
    let mut times = 0;
    for recipients in [
        &["team@ours.example"][..],
        &["all@ours.example"],
        &["ann@ours.example", "team@ours.example"],
        &["team@ours.example", "ann@ours.example", "bob@ours.example", "ANN@ours.example"],
        &["team@ours.example", "all@ours.example", "ann+x@ours.example", "ann+y@ours.example"],
    ] {
        assert_eq!(receive(&house, recipients).await, Ok(()), "{recipients:?}");
        times += 1;
        assert_eq!(counts(&house).await, (times, times, times), "{recipients:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn aliases_that_lead_nowhere() {
    let house = House::open().await;
    house.alias("a@ours.example", &["b@ours.example"]).await;
    house.alias("b@ours.example", &["a@ours.example"]).await;
    house.alias("dead@ours.example", &["nobody@ours.example"]).await;
    house.alias("half@ours.example", &["nobody@ours.example", "ann@ours.example"]).await;
    house.alias("round@ours.example", &["round@ours.example", "ann@ours.example"]).await;
    for nowhere in [&["a@ours.example"][..], &["dead@ours.example"], &["half@ours.example", "dead@ours.example"]] {
        assert_eq!(receive(&house, nowhere).await, Err(MessageRefusal::NoSuchMailbox), "{nowhere:?}");
    }
    assert_eq!(counts(&house).await, (0, 0, 0));
    assert_eq!(receive(&house, &["half@ours.example"]).await, Ok(()));
    assert_eq!(receive(&house, &["round@ours.example"]).await, Ok(()));
    assert_eq!(counts(&house).await, (2, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn expansion_is_bounded() {
    let house = House::open_with(|options| options.max_expansion = 5).await;
    let far: Vec<String> = (0..5).map(|number| format!("u{number}@far.example")).collect();
    let far: Vec<&str> = far.iter().map(String::as_str).collect();
    house.alias("four@ours.example", &far[..4]).await;
    house.alias("five@ours.example", &far).await;
    assert_eq!(receive(&house, &["four@ours.example"]).await, Ok(()));
    assert_eq!(receive(&house, &["five@ours.example"]).await, Err(MessageRefusal::TooManyRecipients));
    for depth in 0..12 {
        house.alias(&format!("d{depth}@ours.example"), &[&format!("d{}@ours.example", depth + 1)]).await;
    }
    house.alias("d12@ours.example", &["ann@ours.example"]).await;
    assert_eq!(receive(&house, &["d0@ours.example"]).await, Err(MessageRefusal::TooManyRecipients));
    assert_eq!(receive(&house, &["d9@ours.example"]).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn what_lies_behind_an_alias_knows_the_alias() {
    let house = House::open().await;
    house.alias("a=b@ours.example", &["carl@far.example"]).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    receive(&house, &["a=b@ours.example"]).await.unwrap();
    let carried = dispatching.carried_within(Duration::from_secs(1)).await;
    let original = Some("rfc822;a+3Db@ours.example".to_owned());
    let expected = Recipient { original, ..Recipient::new(address("carl@far.example")) };
    assert_eq!(carried[0].consignment.recipients, [expected]);
}
