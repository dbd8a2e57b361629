use std::time::Duration;

use posthouse_model::{Domain, Secret, TrailKind, UnixMillis};
use posthouse_storage::Transport as _;
use posthouse_storage::routes::RouteLogin;

use super::*;
use crate::{
    DestinationRate, DestinationTls, FloorMode, HopTls, Protection, RetrySchedule, Route, SmartHost, SmartHostTls,
    TlsProblemKind, day_of,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

fn to(recipients: &[&str]) -> posthouse_model::Envelope {
    envelope("ann@ours.example", recipients)
}

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_next_host_is_tried_when_one_cannot_be_used() {
    let house = House::open().await;
    let dispatching = house.dispatch(|_, carried| match carried.host() {
        "first.two.example" => Outcome::Unusable,
        _ => Outcome::Reply(250),
    });
    let received = house.ann_writes(to(&["carl@two.example"])).await;
    let carried = dispatching.carried_within(SECOND).await;
    assert_eq!(carried.iter().map(Carried::host).collect::<Vec<_>>(), ["first.two.example", "second.two.example"]);
    assert!(house.queue().await.is_empty());
    assert_eq!(house.trail(received).await, [TrailKind::Received, TrailKind::Queued, TrailKind::Relayed]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_breaks_off_within_a_message_comes_after_the_others() {
    let house = House::open().await;
    let dispatching = house.dispatch(|number, carried| match (number, carried.host()) {
        (1.., "first.two.example") => Outcome::BreakOff,
        // The second host takes one message, and then breaks off, too.
        (2, _) => Outcome::Reply(250),
        _ => Outcome::BreakOff,
    });
    house.ann_writes(to(&["carl@two.example"])).await;
    let carried = dispatching.carried_within(SECOND).await;
    assert_eq!(carried.iter().map(Carried::host).collect::<Vec<_>>(), ["first.two.example", "second.two.example"]);
    assert!(house.queue().await.is_empty());

    house.ann_writes(to(&["carl@two.example"])).await;
    let carried = dispatching.carried_within(SECOND).await;
    // Each once, and then it waits.
    assert_eq!(
        carried.iter().skip(2).map(Carried::host).collect::<Vec<_>>(),
        ["first.two.example", "second.two.example"]
    );
    let queue = house.queue().await;
    assert_eq!((queue.len(), queue[0].attempts), (1, 1));
    assert_eq!(
        queue[0].last_outcome.as_deref(),
        Some("second.two.example [192.0.2.1]: the connection was lost: it broke off")
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_not_asked_for_twice() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::Reply(450)));
    house.ann_writes(to(&["carl@two.example"])).await;
    assert_eq!(dispatching.carried_within(SECOND).await.len(), 1);
    let queue = house.queue().await;
    assert_eq!(queue[0].attempts, 1);
    let outcome = queue[0].last_outcome.clone().unwrap();
    assert_eq!(outcome, "first.two.example [192.0.2.1]: the host said: 450 4.1.1 said so");
}

#[tokio::test(start_paused = true)]
async fn attempts_grow_apart() {
    let house = House::open().await;
    let dispatching = house.dispatch(|number, _| Outcome::Reply(if number < 5 { 451 } else { 250 }));
    house.ann_writes(to(&["carl@far.example"])).await;
    let carried = dispatching.carried_within(3 * HOUR).await;
    let minutes: Vec<i64> = carried.windows(2).map(|pair| (pair[1].at.0 - pair[0].at.0) / 60_000).collect();
    assert_eq!(minutes.len(), 4);
    for (wait, around) in minutes.iter().zip([5, 10, 20, 30]) {
        assert!((around * 9 / 10 - 1..=around * 11 / 10).contains(wait), "{minutes:?}");
    }
    assert!(house.queue().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn recipients_of_one_domain_share_a_transaction() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    house.ann_writes(to(&["a@far.example", "b@far.example", "c@near.example"])).await;
    let carried = dispatching.carried_within(SECOND).await;
    let mut groups: Vec<(String, usize)> =
        carried.iter().map(|one| (one.host().to_owned(), one.consignment.recipients.len())).collect();
    groups.sort();
    assert_eq!(groups, [("far.example".to_owned(), 2), ("near.example".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn one_slow_destination_holds_up_only_itself() {
    let house = House::open_with(|options| options.max_deliveries_per_destination = 2).await;
    let dispatching = house.dispatch(|_, carried| match carried.host() {
        "slow.example" => Outcome::After(60 * SECOND),
        _ => Outcome::Reply(250),
    });
    for number in 0..6 {
        house.ann_writes(to(&[&format!("u{number}@slow.example")])).await;
        tokio::time::sleep(SECOND).await;
    }
    house.ann_writes(to(&["carl@far.example"])).await;
    let carried = dispatching.carried_within(SECOND).await;
    let hosts: Vec<&str> = carried.iter().map(Carried::host).collect();
    assert_eq!(hosts, ["slow.example", "slow.example", "far.example"]);
    assert_eq!(dispatching.carried_within(10 * 60 * SECOND).await.len(), 7);
    assert_eq!(dispatching.most_at_once(), 3);
    assert!(house.queue().await.is_empty());
}

/// A busy destination with mail that is due must not make another one wait until somebody happens to look.
#[tokio::test(start_paused = true)]
async fn a_busy_destination_does_not_hide_what_is_due_elsewhere() {
    let house = House::open_with(|options| {
        options.max_deliveries_per_destination = 1;
        options.schedule.waits = vec![10 * SECOND];
    })
    .await;
    let dispatching = house.dispatch(|number, carried| match carried.host() {
        "slow.example" => Outcome::After(HOUR),
        _ if number <= 2 => Outcome::Reply(450),
        _ => Outcome::Reply(250),
    });
    house.ann_writes(to(&["a@slow.example"])).await;
    tokio::time::sleep(SECOND).await;
    house.ann_writes(to(&["carl@far.example"])).await;
    house.ann_writes(to(&["b@slow.example"])).await;
    let carried = dispatching.carried_within(20 * SECOND).await;
    let hosts: Vec<&str> = carried.iter().map(Carried::host).collect();
    assert_eq!(hosts, ["slow.example", "far.example", "far.example"]);
}

/// How many seconds after the first each message went to `host`.
fn seconds_of(carried: &[Carried], host: &str) -> Vec<i64> {
    let times: Vec<i64> = carried.iter().filter(|one| one.host() == host).map(|one| one.at.0).collect();
    times.iter().map(|at| (at - times[0]) / 1000).collect()
}

/// A domain has a schedule of its own, and so has a smart host for what goes by way of it. What the domain says counts.
#[tokio::test(start_paused = true)]
async fn destinations_have_schedules_of_their_own() {
    let every = |wait, lifetime| RetrySchedule { waits: vec![wait], lifetime, ..RetrySchedule::default() };
    let house = House::open_with(|options| {
        options.schedule = every(100 * SECOND, 250 * SECOND);
        options.schedules.insert(domain("slow.example"), every(10 * SECOND, 35 * SECOND));
        options.schedules.insert(domain("relay.example"), every(20 * SECOND, 50 * SECOND));
        for name in ["routed.example", "both.example"] {
            let host = SmartHost {
                host: domain("relay.example"),
                port: 25,
                tls: SmartHostTls::None,
                login: None,
                certificate: None,
                route: None,
                certificate_name: None,
                max_messages: None,
            };
            options.routes.push(Route { domain: Some(domain(name)), host });
        }
        options.schedules.insert(domain("both.example"), every(60 * SECOND, 150 * SECOND));
    })
    .await;
    let dispatching = house.dispatch(answers(Outcome::Reply(450)));
    for name in ["far", "slow", "routed", "both"] {
        house.ann_writes(to(&[&format!("a@{name}.example")])).await;
    }
    let carried = dispatching.carried_within(HOUR).await;
    // Within the lifetime, each wait being moved by a tenth at most.
    for (name, attempts, wait) in [("far", 3, 100), ("slow", 4, 10), ("routed", 3, 20), ("both", 3, 60)] {
        let to = format!("a@{name}.example");
        let of = |one: &&Carried| one.consignment.recipients[0].address.to_string() == to;
        let times: Vec<i64> = carried.iter().filter(of).map(|one| one.at.0 / 1000).collect();
        assert_eq!(times.len(), attempts, "{name}: {times:?}");
        for pair in times.windows(2) {
            assert!((pair[1] - pair[0] - wait).abs() <= wait / 10 + 1, "{name}: {times:?}");
        }
    }
    assert!(house.queue().await.is_empty(), "all are given up");
}

fn rate(messages: u32) -> DestinationRate {
    DestinationRate::per_minute(messages.try_into().unwrap())
}

#[tokio::test(start_paused = true)]
async fn each_destination_has_its_pace() {
    let house = House::open_with(|options| {
        options.default_rate = Some(rate(30));
        options.destination_rates.insert(domain("slow.example"), rate(6));
        options.destination_rates.insert(domain("fast.example"), rate(DestinationRate::HIGHEST));
    })
    .await;
    for number in 0..5 {
        let user = format!("u{number}");
        let recipients = ["slow", "far", "fast"].map(|name| format!("{user}@{name}.example"));
        for recipient in &recipients {
            house.ann_writes(to(&[recipient])).await;
        }
    }
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    let carried = dispatching.carried_within(120 * SECOND).await;
    assert_eq!(seconds_of(&carried, "slow.example"), [0, 10, 20, 30, 40]);
    assert_eq!(seconds_of(&carried, "far.example"), [0, 2, 4, 6, 8]);
    assert_eq!(seconds_of(&carried, "fast.example"), [0, 0, 0, 0, 0]);
    assert!(house.queue().await.is_empty());
    // After a rest it begins at once, and not with all that it did not use.
    for number in 0..3 {
        house.ann_writes(to(&[&format!("v{number}@slow.example")])).await;
    }
    let carried = dispatching.carried_within(60 * SECOND).await;
    assert_eq!(seconds_of(&carried[15..], "slow.example"), [0, 10, 20]);
    // Nothing of it counts as an attempt.
    assert!(carried.iter().all(|one| one.consignment.recipients.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn a_message_to_many_counts_once_for_its_pace() {
    let house = House::open_with(|options| options.default_rate = Some(rate(6))).await;
    let many: Vec<String> = (0..20).map(|number| format!("u{number}@far.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    house.ann_writes(to(&many)).await;
    house.ann_writes(to(&many)).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    let carried = dispatching.carried_within(60 * SECOND).await;
    assert_eq!(seconds_of(&carried, "far.example"), [0, 10]);
    assert!(carried.iter().all(|one| one.consignment.recipients.len() == 20));
}

/// What waits for its pace is not an attempt: it comes to neither a delay report nor a bounce sooner.
#[tokio::test(start_paused = true)]
async fn waiting_for_the_pace_is_no_attempt() {
    let house = House::open_with(|options| options.default_rate = Some(rate(1))).await;
    for number in 0..3 {
        house.ann_writes(to(&[&format!("u{number}@far.example")])).await;
    }
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    assert_eq!(dispatching.carried_within(SECOND).await.len(), 1);
    let waiting = house.queue().await;
    assert_eq!(waiting.iter().map(|entry| entry.attempts).collect::<Vec<_>>(), [0, 0]);
    assert_eq!(seconds_of(&dispatching.carried_within(130 * SECOND).await, "far.example"), [0, 60, 120]);
}

#[tokio::test(start_paused = true)]
async fn no_more_deliveries_than_allowed() {
    let house = House::open_with(|options| options.max_deliveries = 3).await;
    for number in 0..10 {
        house.ann_writes(to(&[&format!("carl@d{number}.example")])).await;
    }
    let dispatching = house.dispatch(answers(Outcome::After(SECOND)));
    assert_eq!(dispatching.carried_within(60 * SECOND).await.len(), 10);
    assert!(dispatching.most_at_once() <= 3, "{}", dispatching.most_at_once());
    assert!(house.queue().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_fault_loses_nothing() {
    let house = House::open().await;
    let dispatching = house.dispatch(|number, _| match number {
        2 => Outcome::PanicAfter(Duration::ZERO),
        _ => Outcome::Reply(250),
    });
    for name in ["a", "b", "c"] {
        house.ann_writes(to(&[&format!("{name}@far.example")])).await;
    }
    let carried = dispatching.carried_within(SECOND).await;
    assert!(carried.len() >= 2);
    let left = house.queue().await.len();
    assert!((1..=2).contains(&left), "{left}");
    let carried = dispatching.carried_within(HOUR).await;
    assert!(house.queue().await.is_empty());
    let mut names: Vec<_> = carried.iter().map(|one| one.consignment.recipients[0].address.to_string()).collect();
    names.sort();
    names.dedup();
    assert_eq!((names.len(), carried.len()), (3, 4));
}

#[tokio::test(start_paused = true)]
async fn going_down_lets_what_is_under_way_end() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::After(5 * SECOND)));
    house.ann_writes(to(&["carl@far.example"])).await;
    dispatching.carried_within(SECOND).await;
    dispatching.shutdown.send(true).unwrap();
    dispatching.task.await.unwrap();
    assert!(house.queue().await.is_empty());
    // And nothing is begun any more.
    house.ann_writes(to(&["carl@far.example"])).await;
    tokio::time::sleep(HOUR).await;
    assert_eq!(house.queue().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn going_down_does_not_wait_for_ever() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::After(HOUR)));
    house.ann_writes(to(&["carl@far.example"])).await;
    dispatching.carried_within(SECOND).await;
    drop(dispatching.shutdown);
    tokio::time::timeout(60 * SECOND, dispatching.task).await.unwrap().unwrap();
    assert_eq!(house.queue().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn how_much_tls_a_destination_needs() {
    let house = House::open_with(|options| {
        options.destination_tls.insert(domain("strict.example"), DestinationTls::Verified);
        options.destination_tls.insert(domain("some.example"), DestinationTls::Required);
    })
    .await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    house.ann_writes(to(&["a@far.example", "a@some.example", "a@strict.example"])).await;
    let strict = posthouse_model::Envelope { require_tls: true, ..to(&["b@far.example"]) };
    house.ann_writes(strict).await;
    let carried = dispatching.carried_within(SECOND).await;
    let tls_of = |name: &str, strict: bool| {
        let one = carried.iter().find(|one| one.host() == name && one.consignment.require_tls == strict).unwrap();
        one.hop.tls.clone()
    };
    assert_eq!(tls_of("far.example", false), HopTls::Opportunistic);
    assert_eq!(tls_of("some.example", false), HopTls::Required);
    assert_eq!(tls_of("strict.example", false), HopTls::Verified);
    assert_eq!(tls_of("far.example", true), HopTls::Verified);
}

#[tokio::test(start_paused = true)]
async fn signed_records_are_a_demand() {
    let house = House::open().await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    // Of the first host it cannot be found out what it has to show, so it is not used.
    let received = house.ann_writes(to(&["a@half.signed.example"])).await;
    let carried = dispatching.carried_within(SECOND).await;
    assert_eq!(carried.iter().map(Carried::host).collect::<Vec<_>>(), ["second.signed.example"]);
    assert!(matches!(carried[0].hop.tls, HopTls::Dane(_)), "{:?}", carried[0].hop.tls);
    let events = posthouse_storage::Trail::trail(&*house.store, received.journey).await.unwrap();
    let facts: Vec<_> = events.iter().flat_map(|event| &event.facts).collect();
    assert!(facts.iter().any(|(name, value)| name == "tls-policy" && value == "dane"), "{facts:?}");
    // Records behind MX records that anybody may have made are none.
    house.ann_writes(to(&["a@bogus.example"])).await;
    let carried = dispatching.carried_within(SECOND).await;
    assert_eq!(carried[1].hop.tls, HopTls::Opportunistic);
}

/// Twenty verified deliveries over ten days, and then one that is not. What is told of the last, and how much TLS was
/// asked for.
///
/// Before the last, there is one with the `careless` field.
async fn after_ten_good_days(mode: FloorMode, careless: Option<&str>) -> (HopTls, Vec<(String, String)>, u64) {
    let house = House::open_with(|options| options.floor.mode = mode).await;
    let begin = house.flow.environment.now();
    let protection = move |at: UnixMillis| match at < begin + 10 * 24 * HOUR {
        true => Protection::Verified,
        false => Protection::Encrypted(Some(TlsProblemKind::SelfSigned)),
    };
    let dispatching = house.dispatch_protected(answers(Outcome::Reply(250)), protection);
    for _ in 0..20 {
        house.ann_writes(to(&["carl@far.example"])).await;
        tokio::time::sleep(12 * HOUR).await;
        house.flow.write_tls_outcomes().await.unwrap();
    }
    if let Some(field) = careless {
        let text = format!("{field}\r\nFrom: ann@ours.example\r\n\r\nhello\r\n");
        house.receive(house.submission().await, to(&["carl@far.example"]), &text).await.unwrap();
        let carried = dispatching.carried_within(SECOND).await;
        assert_eq!((carried[20].hop.tls.clone(), house.flow.tls_downgrades()), (HopTls::Opportunistic, 0));
        house.flow.write_tls_outcomes().await.unwrap();
    }
    let received = house.ann_writes(to(&["carl@far.example"])).await;
    let carried = dispatching.carried_within(SECOND).await;
    let events = posthouse_storage::Trail::trail(&*house.store, received.journey).await.unwrap();
    let facts = events.iter().flat_map(|event| event.facts.clone()).collect();
    (carried.last().unwrap().hop.tls.clone(), facts, house.flow.tls_downgrades())
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_was_always_verified_is_not_silently_served_worse() {
    let is_told = |facts: &[(String, String)]| facts.iter().any(|(name, _)| name == "tls-floor");
    let (tls, facts, downgrades) = after_ten_good_days(FloorMode::Warn, None).await;
    assert_eq!((tls, is_told(&facts), downgrades), (HopTls::Opportunistic, true, 1));
    let (tls, facts, downgrades) = after_ten_good_days(FloorMode::Off, None).await;
    assert_eq!((tls, is_told(&facts), downgrades), (HopTls::Opportunistic, false, 0));
    // The courier is asked for what the domain has always had.
    let (tls, ..) = after_ten_good_days(FloorMode::Refuse, None).await;
    assert_eq!(tls, HopTls::Verified);
}

/// Somebody on the way waits for mail that may go in clear, to have all that follows in clear as well.
#[tokio::test(start_paused = true)]
async fn mail_to_which_tls_does_not_matter_teaches_nothing() {
    let (tls, ..) = after_ten_good_days(FloorMode::Refuse, Some("TLS-Required: No")).await;
    assert_eq!(tls, HopTls::Verified);
}

#[tokio::test(start_paused = true)]
async fn sessions_are_counted_by_policy() {
    let house = House::open().await;
    let dispatching = house.dispatch_protected(answers(Outcome::Reply(250)), |_| Protection::Verified);
    house.ann_writes(to(&["a@half.signed.example"])).await;
    house.ann_writes(to(&["a@far.example"])).await;
    dispatching.carried_within(SECOND).await;
    house.flow.write_tls_outcomes().await.unwrap();
    let counts = house.store.tls_counts(day_of(house.flow.environment.now())).await.unwrap();
    let told: Vec<_> = counts
        .iter()
        .map(|(key, count)| format!("{} {} {} {} {count}", key.domain, key.policy_type, key.mx_host, key.result))
        .collect();
    assert_eq!(
        told,
        [
            "far.example no-policy-found far.example  1",
            "half.signed.example no-policy-found bogus.signed.example dnssec-invalid 1",
            "half.signed.example tlsa second.signed.example  1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_proves_nothing_gets_nothing() {
    let house = House::open_with(|options| {
        options.destination_tls.insert(domain("far.example"), DestinationTls::DaneOnly);
    })
    .await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    house.ann_writes(to(&["a@far.example"])).await;
    let strict = posthouse_model::Envelope { require_tls: true, ..to(&["b@two.example"]) };
    house.ann_writes(strict).await;
    assert_eq!(dispatching.carried_within(SECOND).await.len(), 0);
    let mut told: Vec<_> = house.queue().await.into_iter().map(|entry| entry.last_outcome.unwrap()).collect();
    told.sort();
    assert_eq!(
        told,
        [
            "far.example: TLS is required by the settings of this server, but the host has no signed TLSA records \
             that can be used [dane-required]",
            "second.two.example: TLS is required by the sender (REQUIRETLS), but neither DNSSEC nor MTA-STS \
             proves that the host is the domain's [requiretls-host]",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn routes_are_kept_apart() {
    let smart = |port, tls, login: Option<&str>| SmartHost {
        host: domain("relay.example"),
        port,
        tls,
        login: login.map(|name| RouteLogin::password(name, Secret::new("secret"))),
        certificate: None,
        route: None,
        certificate_name: None,
        max_messages: None,
    };
    let house = House::open_with(|options| {
        options.routes = vec![
            Route { domain: Some(domain("a.example")), host: smart(465, SmartHostTls::Implicit, Some("one")) },
            Route { domain: Some(domain("b.example")), host: smart(25, SmartHostTls::None, Some("two")) },
        ];
    })
    .await;
    house.ann_writes(to(&["u@relay.example", "u@a.example", "u@b.example", "v@a.example"])).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    let mut carried = dispatching.carried_within(SECOND).await;
    carried.sort_by_key(|one| one.consignment.recipients[0].address.to_string());
    let facts: Vec<_> = carried
        .iter()
        .map(|one| {
            let login = one.hop.login.as_ref().map(|login| login.name.as_str());
            let recipient = one.consignment.recipients[0].address.domain.as_str();
            (recipient, one.hop.port, one.hop.tls.clone(), login, one.consignment.recipients.len())
        })
        .collect();
    let expected = [
        ("a.example", 465, HopTls::Implicit, Some("one"), 2),
        ("b.example", 25, HopTls::None, None, 1),
        ("relay.example", 25, HopTls::Opportunistic, None, 1),
    ];
    assert_eq!(facts, expected);
}
