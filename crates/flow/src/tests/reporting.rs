use std::sync::Arc;
use std::time::Duration;

use posthouse_model::{Domain, DsnNotify, DsnReturn, Envelope, Language};
use posthouse_storage::{Directory, Languages, Queue};

use super::*;
use crate::Door;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SUCCESS: DsnNotify = DsnNotify { success: true, failure: false, delay: false };

fn to_carl(change: impl FnOnce(&mut Envelope)) -> Envelope {
    let mut envelope = envelope("ann@ours.example", &["carl@far.example"]);
    change(&mut envelope);
    envelope
}

/// Lets Ann write to Carl, whose host does this, and gives what Ann gets within so long.
async fn reports(outcome: Outcome, time: Duration, change: impl FnOnce(&mut Envelope)) -> Vec<String> {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(outcome));
    house.ann_writes(to_carl(change)).await;
    dispatching.carried_within(time).await;
    house.inbox("ann").await
}

fn assert_has(report: &str, wanted: &[&str]) {
    for line in wanted {
        assert!(report.contains(line), "no {line:?} in {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn failure() {
    let reports = reports(Outcome::Reply(550), SECOND, |envelope| {
        envelope.envelope_id = Some("QQ+2B314".to_owned());
        envelope.recipients[0].original = Some("rfc822;c+2Barl@far.example".to_owned());
    })
    .await;
    assert_eq!(reports.len(), 1);
    assert!(reports[0].starts_with("Return-Path: <>\r\n"), "{}", reports[0]);
    let wanted = [
        "Content-Type: multipart/report; report-type=delivery-status;",
        "\r\nTo: ",
        "\r\nReporting-MTA: dns; mx.ours.example\r\n",
        "\r\nOriginal-Envelope-Id: QQ+314\r\n",
        "c+arl@far.example\r\n",
        "carl@far.example\r\n",
        "\r\nAction: failed\r\n",
        "\r\nStatus: 5.1.1\r\n",
        "\r\nRemote-MTA: dns; far.example\r\n",
        "550 5.1.1 said so",
        "\r\nIn-Reply-To: <1@x>\r\n",
        "the text",
        "the host said: 550 5.1.1 said so",
    ];
    assert_has(&reports[0], &wanted);
    assert!(!reports[0].contains("Return-Path: <ann"), "{}", reports[0]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_back() {
    let full = reports(Outcome::Reply(550), SECOND, |envelope| envelope.dsn_return = Some(DsnReturn::Full)).await;
    assert_has(&full[0], &["Subject: hi", "the text"]);
    let headers = reports(Outcome::Reply(550), SECOND, |one| one.dsn_return = Some(DsnReturn::Headers)).await;
    assert_has(&headers[0], &["Subject: hi"]);
    assert!(!headers[0].contains("the text"), "{}", headers[0]);
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_to_hear_nothing_hears_nothing() {
    let quiet = |notify| move |envelope: &mut Envelope| envelope.recipients[0].notify = Some(notify);
    assert_eq!(reports(Outcome::Reply(550), SECOND, quiet(DsnNotify::NEVER)).await.len(), 0);
    assert_eq!(reports(Outcome::Reply(450), 6 * DAY, quiet(DsnNotify::NEVER)).await.len(), 0);
    assert_eq!(reports(Outcome::Reply(550), SECOND, quiet(SUCCESS)).await.len(), 0);
    assert_eq!(reports(Outcome::Reply(250), SECOND, |_| {}).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn delay_once_and_then_the_end() {
    let reports = reports(Outcome::Reply(450), 6 * DAY, |_| {}).await;
    assert_eq!(reports.len(), 2);
    assert_has(&reports[0], &["\r\nAction: delayed\r\n", "\r\nStatus: 4.1.1\r\n", "\r\nWill-Retry-Until: "]);
    assert_has(&reports[1], &["\r\nAction: failed\r\n", "\r\nStatus: 5.", "given up"]);
}

#[tokio::test(start_paused = true)]
async fn time_runs_out_after_days_not_hours() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::Unusable));
    house.ann_writes(to_carl(|_| {})).await;
    dispatching.carried_within(4 * DAY + 12 * HOUR).await;
    assert_eq!(house.queue().await.len(), 1);
    dispatching.carried_within(DAY).await;
    assert_eq!(house.queue().await.len(), 0);
    assert_eq!(house.inbox("ann").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn success() {
    let wants = |envelope: &mut Envelope| envelope.recipients[0].notify = Some(SUCCESS);
    let relayed = reports(Outcome::Reply(250), SECOND, wants).await;
    assert_has(&relayed[0], &["\r\nAction: relayed\r\n", "\r\nStatus: 2.", "Subject: hi"]);
    assert!(!relayed[0].contains("the text"));
    // Whoever offers DSN tells the sender itself (RFC 3461 §5.2.2).
    assert_eq!(reports(Outcome::ReplyWithDsn(250), SECOND, wants).await.len(), 0);
    let house = House::open().await;
    let mut local = envelope("ann@ours.example", &["bob@ours.example"]);
    local.recipients[0].notify = Some(SUCCESS);
    house.ann_writes(local).await;
    assert_has(&house.inbox("ann").await[0], &["\r\nAction: delivered\r\n", "bob@ours.example\r\n"]);
}

#[tokio::test(start_paused = true)]
async fn domains_that_do_not_exist() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    house.ann_writes(envelope("ann@ours.example", &["carl@gone.example"])).await;
    assert_eq!(dispatching.carried_within(SECOND).await.len(), 0);
    assert_has(&house.inbox("ann").await[0], &["\r\nStatus: 5.1.2\r\n", "the domain gone.example does not exist"]);
}

#[tokio::test(start_paused = true)]
async fn reports_are_not_reported() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::Reply(550)));
    house.ann_writes(envelope("", &["carl@far.example"])).await;
    assert_eq!(dispatching.carried_within(DAY).await.len(), 1);
    assert_eq!((house.inbox("ann").await.len(), house.queue().await.len()), (0, 1));
}

/// A message from outside to an alias that leads outside: the report cannot be delivered either.
#[tokio::test(start_paused = true)]
async fn what_nobody_can_be_told_is_told_to_the_postmaster() {
    let house = House::open_with(|options| options.postmaster = Some(address("bob@ours.example"))).await;
    house.alias("away@ours.example", &["carl@far.example"]).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(550)));
    let text = "From: x@outside.example\r\n\r\nthe text\r\n";
    let from_outside = envelope("x@outside.example", &["away@ours.example"]);
    house.receive(Door::Mx, from_outside, text).await.unwrap();
    let carried = dispatching.carried_within(DAY).await;
    let hosts: Vec<&str> = carried.iter().map(Carried::host).collect();
    assert_eq!(hosts, ["far.example", "outside.example"]);
    let told = house.inbox("bob").await;
    assert_eq!(told.len(), 1);
    assert_has(&told[0], &["x@outside.example\r\n", "\r\nAction: failed\r\n"]);
}

#[tokio::test(start_paused = true)]
async fn a_postmaster_who_cannot_be_reached_is_not_told_so() {
    for postmaster in ["boss@far.example", "postmaster@ours.example"] {
        let house = House::open_with(|options| options.postmaster = Some(address(postmaster))).await;
        house.alias("postmaster@ours.example", &["boss@far.example"]).await;
        let dispatching = house.dispatch(answers(Outcome::Reply(550)));
        house.ann_writes(envelope("", &["carl@near.example"])).await;
        let carried = dispatching.carried_within(DAY).await;
        let hosts: Vec<&str> = carried.iter().map(Carried::host).collect();
        assert_eq!(hosts, ["near.example", "far.example"], "{postmaster}");
        // It is kept instead.
        let queue = house.queue().await;
        assert_eq!((queue.len(), queue[0].held, queue[0].cause.as_deref()), (1, true, Some("double-bounce")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_without_a_mailbox_does_not_make_mail_go_out_twice() {
    for is_made_anew in [true, false] {
        let house = House::open().await;
        let dispatching = house.dispatch(|_, _| Outcome::After(5 * SECOND));
        // Where Ann's INBOX is, is known from before.
        house.receive(Door::Mx, envelope("x@far.example", &["ann@ours.example"]), "A: b\r\n\r\n").await.unwrap();
        house.ann_writes(to_carl(|envelope| envelope.recipients[0].notify = Some(SUCCESS))).await;
        dispatching.carried_within(SECOND).await;
        house.delete_inbox("ann", is_made_anew).await;
        assert_eq!(dispatching.carried_within(DAY).await.len(), 1);
        assert!(house.queue().await.is_empty());
        assert_eq!(house.store.queue_counts().await.unwrap().leased, 0);
        if is_made_anew {
            assert_has(&house.inbox("ann").await[0], &["\r\nAction: relayed\r\n"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_a_while_does_not_cost_the_report() {
    let house = House::open().await;
    let store = Arc::clone(&house.store);
    let dispatching = house.dispatch(move |_, _| {
        store.set_broken(true);
        Outcome::Reply(550)
    });
    house.ann_writes(to_carl(|_| {})).await;
    assert_eq!(dispatching.carried_within(5 * SECOND).await.len(), 1);
    house.store.set_broken(false);
    assert_eq!(dispatching.carried_within(5 * SECOND).await.len(), 1);
    assert!(house.queue().await.is_empty());
    let inbox = house.inbox("ann").await;
    assert_eq!(inbox.len(), 1);
    assert_has(&inbox[0], &["\r\nAction: failed\r\n"]);
}

/// Lets Ann write to Carl, whose host knows nobody of that name, in a house that was changed first.
async fn failure_in(house: &House, change: impl FnOnce(&mut Envelope)) -> String {
    let dispatching = house.dispatch(answers(Outcome::Reply(550)));
    house.ann_writes(to_carl(change)).await;
    dispatching.carried_within(SECOND).await;
    house.inbox("ann").await.pop().unwrap()
}

#[tokio::test(start_paused = true)]
async fn reports_are_in_the_readers_language() {
    let house = House::open_with(|options| options.language = Language::French).await;
    let ours = Domain::parse("ours.example").unwrap();
    let ann = house.store.accounts(Some(&ours)).await.unwrap()[0].id;
    assert_has(&failure_in(&house, |_| {}).await, &["\r\nContent-Language: fr\r\n"]);
    house.store.set_domain_language(&ours, Some(Language::German)).await.unwrap();
    assert_has(&failure_in(&house, |_| {}).await, &["\r\nContent-Language: de\r\n"]);
    house.store.set_account_language(ann, Some(Language::English)).await.unwrap();
    let wanted = [
        "\r\nContent-Language: en\r\n",
        "Subject: Your message could not be delivered\r\n",
        "\r\nThe recipient's mail server knows nobody of this address. Please check\r\nthe address",
        "\r\nThe message will not be tried again.\r\n",
    ];
    assert_has(&failure_in(&house, |_| {}).await, &wanted);
}

/// A reader elsewhere gets what the server speaks.
#[tokio::test(start_paused = true)]
async fn strangers_are_told_in_the_servers_language() {
    let house = House::open_with(|options| options.language = Language::Swedish).await;
    house.store.set_domain_language(&Domain::parse("ours.example").unwrap(), Some(Language::German)).await.unwrap();
    house.alias("away@ours.example", &["carl@far.example"]).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(550)));
    house.receive(Door::Mx, envelope("x@outside.example", &["away@ours.example"]), "A: b\r\n\r\n").await.unwrap();
    let carried = dispatching.carried_within(SECOND).await;
    let report = carried.iter().find(|one| one.host() == "outside.example").unwrap().text();
    assert_has(&report, &["\r\nContent-Language: sv\r\n"]);
}

#[tokio::test(start_paused = true)]
async fn international_addresses_stand_as_they_are_for_who_can_read_them() {
    for (smtputf8, wanted) in [
        (true, ["Content-Type: message/global-delivery-status", "Final-Recipient: utf-8; bjürn@far.example"]),
        (false, ["Content-Type: message/delivery-status", "Original-Recipient: utf-8; bj\\x{FC}rn@far.example"]),
    ] {
        let house = House::open().await;
        let report = failure_in(&house, |envelope| {
            envelope.smtputf8 = smtputf8;
            match smtputf8 {
                true => envelope.recipients[0].address = address("bjürn@far.example"),
                false => envelope.recipients[0].original = Some("utf-8;bjürn@far.example".to_owned()),
            }
        })
        .await;
        let unfolded = report.replace("\r\n ", " ").replace("utf-8;bj", "utf-8; bj");
        assert_has(&unfolded, &wanted);
    }
}

/// The attack: messages with a forged sender to an alias whose target refuses them, so that we send reports to a victim.
#[tokio::test(start_paused = true)]
async fn a_victim_of_forgers_gets_few_reports() {
    let house = House::open().await;
    house.alias("away@ours.example", &["carl@far.example"]).await;
    let dispatching =
        house.dispatch(|_, carried| Outcome::Reply(if carried.host() == "far.example" { 550 } else { 250 }));
    for _ in 0..100 {
        let forged = envelope("victim@outside.example", &["away@ours.example"]);
        house.receive(Door::Mx, forged, "A: b\r\n\r\n").await.unwrap();
    }
    let carried = dispatching.carried_within(60 * SECOND).await;
    let reports = carried.iter().filter(|one| one.host() == "outside.example").count();
    assert_eq!((carried.len() - reports, reports), (100, 30));
    assert!(house.queue().await.is_empty());
}

/// What can be refused at the door is not reported to whom a stranger names as the sender.
#[tokio::test(start_paused = true)]
async fn nothing_is_reported_that_could_be_refused() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    let sender = envelope("v@outside.example", &[]).sender;
    for nobody in ["nobody@ours.example", "x@elsewhere.example"] {
        let verdict = house.flow.welcome_recipient(&Door::Mx, &sender, &address(nobody), None).await;
        assert_ne!(verdict, crate::RecipientVerdict::Accepted, "{nobody}");
    }
    let loops = "Received: x\r\n".repeat(60) + "\r\n";
    let refused = house.receive(Door::Mx, envelope("v@outside.example", &["ann@ours.example"]), &loops).await;
    assert_eq!(refused, Err(crate::MessageRefusal::RoutingLoop));
    assert_eq!(dispatching.carried_within(DAY).await.len(), 0);
}
