use std::sync::Arc;
use std::time::Duration;

use posthouse_model::{Envelope, FutureRelease, HoldRequest, UnixMillis};
use posthouse_storage::{FreezeCause, HeldMail, Queue, QueueCounts, QueueFilter};
use tokio::sync::watch;
use tokio::time::sleep;

use super::*;
use crate::alerts::{
    ACCOUNT_FROZEN, AlertKind, AlertThresholds, Alerts, CERTIFICATE_ENDED, CERTIFICATE_ENDS, CLOCK_JUMPED,
    CertificateEnd, Conditions, DISK_LOW, DiskRoom, LISTENER_FAILS, Lookups, MAX_EVIDENCE_BYTES, MAX_OF_ONE_KIND,
    MAX_PAST, Measured, QUEUE_GROWS, QUEUE_LONG, QUEUE_OLD, RESOLVER_FAILS, STORE_FAILS,
};
use crate::{QueueAction, SystemEnvironment};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A house whose postmaster is Bob.
async fn watched() -> House {
    House::open_with(|options| options.postmaster = Some(address("bob@ours.example"))).await
}

/// Names of what stands.
fn standing(alerts: &Alerts) -> Vec<&'static str> {
    let mut names: Vec<_> = alerts.active().iter().map(|alert| alert.kind.name).collect();
    names.sort_unstable();
    names
}

fn is_standing(alerts: &Alerts, kind: &AlertKind) -> bool {
    standing(alerts).contains(&kind.name)
}

/// A condition that holds is one alert however often it is told; it is told once when it begins and once when it ends,
/// and only when it has been gone for as long as its kind says.
#[tokio::test(start_paused = true)]
async fn an_alert_begins_and_ends_once() {
    let house = watched().await;
    let alerts = Arc::clone(house.flow.alerts());
    let (over, is_over) = watch::channel(false);
    let flow = Arc::clone(&house.flow);
    let telling = tokio::spawn(async move { flow.run_alerts(is_over).await });
    for _ in 0..3 {
        alerts.raise(&DISK_LOW, "/var\r\nBcc: x", "5 of\x1b 100 MiB are free");
        sleep(MINUTE).await;
    }
    let letters = house.inbox("bob").await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    for words in
        ["critical: disk-low (/varBcc:x)", "Auto-Submitted: auto-generated", "/var  Bcc: x", "5 of  100", "what to do"]
    {
        assert!(letters[0].contains(words), "{words} in {}", letters[0]);
    }
    assert!(!letters[0].contains("\nBcc:"), "{}", letters[0]);
    // It comes and goes: that is still the same.
    for _ in 0..4 {
        alerts.clear(&DISK_LOW, "/var\r\nBcc: x");
        sleep(MINUTE * 4).await;
        alerts.raise(&DISK_LOW, "/var\r\nBcc: x", "4 of 100 MiB are free");
    }
    assert_eq!(house.inbox("bob").await.len(), 1);
    assert_eq!((alerts.active()[0].times, alerts.figures(&DISK_LOW)), (7, (1, 1)));
    alerts.clear(&DISK_LOW, "/var\r\nBcc: x");
    sleep(MINUTE * 6).await;
    assert_eq!((alerts.active(), alerts.past().len(), alerts.figures(&DISK_LOW)), (vec![], 1, (0, 1)));
    let letters = house.inbox("bob").await;
    assert_eq!(letters.len(), 2);
    assert!(letters[1].contains("over: disk-low"), "{}", letters[1]);
    over.send(true).unwrap();
    telling.await.unwrap();
}

/// However much happens, there is a letter now and then, and it has all.
#[tokio::test(start_paused = true)]
async fn letters_are_few_and_nothing_is_left_out() {
    let house = watched().await;
    let alerts = Arc::clone(house.flow.alerts());
    let (_over, is_over) = watch::channel(false);
    let flow = Arc::clone(&house.flow);
    tokio::spawn(async move { flow.run_alerts(is_over).await });
    for minute in 0..20 {
        alerts.raise(&QUEUE_OLD, "", "old");
        alerts.raise(&LISTENER_FAILS, &format!("listener-{}", minute % 4), "no descriptors");
        sleep(MINUTE / 2).await;
        alerts.clear(&QUEUE_OLD, "");
        sleep(MINUTE / 2).await;
    }
    sleep(MINUTE * 30).await;
    let letters = house.inbox("bob").await;
    assert!((3..=4).contains(&letters.len()), "{}", letters.len());
    let all = letters.concat();
    assert_eq!(all.matches("WARNING queue-old").count(), 20, "{all}");
    assert_eq!(all.matches("OVER queue-old").count(), 20, "{all}");
    assert_eq!(all.matches("CRITICAL listener-fails").count(), 4, "{all}");
    // Nobody clears these: they end when they are quiet.
    assert_eq!(all.matches("OVER listener-fails").count(), 4, "{all}");
}

/// A restart forgets none, and tells none twice.
#[tokio::test(start_paused = true)]
async fn alerts_outlive_the_process() {
    let house = watched().await;
    let (over, is_over) = watch::channel(false);
    house.flow.alerts().raise(&QUEUE_LONG, "", "much");
    house.flow.alerts().raise(&QUEUE_OLD, "", "old");
    house.flow.alerts().clear(&QUEUE_OLD, "");
    over.send(true).unwrap();
    house.flow.run_alerts(is_over.clone()).await;
    assert_eq!(house.inbox("bob").await.len(), 1);
    sleep(MINUTE * 60).await;
    let reopened = house.reopened();
    reopened.alerts().raise(&QUEUE_LONG, "", "much more");
    reopened.take_up_alerts().await.unwrap();
    reopened.run_alerts(is_over).await;
    assert_eq!(house.inbox("bob").await.len(), 1);
    let active = reopened.alerts().active();
    assert_eq!((active.len(), active[0].evidence.as_str(), active[0].times), (1, "much more", 2));
    assert_eq!(active[0].raised_at, UnixMillis(1_700_000_000_000));
    assert_eq!(reopened.alerts().past()[0].kind, &QUEUE_OLD);
}

/// Nothing grows without bound, whoever chooses the words.
#[test]
fn alerts_are_bounded() {
    let alerts = Alerts::new(Arc::new(SystemEnvironment));
    for number in 0..1000 {
        alerts.raise(&STORE_FAILS, &format!("{number}"), "ö".repeat(10_000));
    }
    assert_eq!(alerts.active().len(), MAX_OF_ONE_KIND);
    assert_eq!(alerts.passed_over(), 1000 - MAX_OF_ONE_KIND as u64);
    assert!(alerts.active().iter().all(|alert| alert.evidence.len() <= MAX_EVIDENCE_BYTES));
    for number in 0..1000 {
        alerts.raise(&QUEUE_OLD, &format!("{number}"), "x");
        alerts.clear(&QUEUE_OLD, &format!("{number}"));
    }
    assert_eq!(alerts.past().len(), MAX_PAST);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_account_is_an_alert_until_it_is_released() {
    let house = watched().await;
    let ann = house.ann().await.account();
    house.flow.freeze_sending(ann, FreezeCause::Flood, "9 recipients".to_owned()).await.unwrap();
    let active = house.flow.alerts().active();
    assert_eq!((active[0].kind, active[0].subject.as_str()), (&ACCOUNT_FROZEN, "ann@ours.example"));
    house.flow.release_sending(ann, HeldMail::GoesOn).await.unwrap();
    assert_eq!(house.flow.alerts().active(), []);
    // Whoever does it by hand knows.
    house.flow.freeze_sending(ann, FreezeCause::Administrator, String::new()).await.unwrap();
    assert_eq!(house.flow.alerts().active(), []);
}

/// Measurements a minute apart, each made of the one before, and what stands after each.
struct Rounds {
    alerts: Arc<Alerts>,
    conditions: Conditions,
    measured: Measured,
}

impl Rounds {
    fn of(house: &House) -> Self {
        let measured = Measured { now: UnixMillis(1_700_000_000_000), ..Measured::default() };
        let alerts = Arc::clone(house.flow.alerts());
        Self { alerts, conditions: Conditions::new(AlertThresholds::default()), measured }
    }

    async fn next(&mut self, change: impl FnOnce(&mut Measured)) -> Vec<&'static str> {
        sleep(MINUTE).await;
        self.measured.now = self.measured.now + MINUTE;
        self.measured.running += MINUTE;
        change(&mut self.measured);
        self.conditions.judge(&self.measured, &self.alerts);
        standing(&self.alerts)
    }

    /// So many rounds in which nothing changes.
    async fn pass(&mut self, minutes: u32) -> Vec<&'static str> {
        for _ in 0..minutes {
            self.next(|_| {}).await;
        }
        standing(&self.alerts)
    }
}

fn entries(entries: u64) -> impl FnOnce(&mut Measured) {
    move |measured| {
        measured.queue = Some(QueueCounts { entries, held: 0, leased: 0, oldest_received_at: Some(measured.now) });
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_grows_long_or_old() {
    let house = House::open().await;
    let mut rounds = Rounds::of(&house);
    assert_eq!(rounds.next(entries(9_000)).await, [""; 0]);
    assert_eq!(rounds.next(entries(9_999)).await, [""; 0]);
    assert_eq!(rounds.next(entries(10_000)).await, ["queue-long"]);
    assert_eq!(rounds.next(entries(11_000)).await, ["queue-grows", "queue-long"]);
    // An hour later it is long, but grows no more; and a little less is not enough.
    assert_eq!(rounds.pass(90).await, ["queue-long"]);
    rounds.next(entries(8_001)).await;
    assert_eq!(rounds.pass(30).await, ["queue-long"]);
    rounds.next(entries(8_000)).await;
    assert_eq!(rounds.pass(20).await, [""; 0]);
    let old = |hours: i64| {
        move |measured: &mut Measured| {
            measured.oldest_waiting = Some(UnixMillis(measured.now.0 - hours * 3_600_000));
        }
    };
    assert_eq!(rounds.next(old(47)).await, [""; 0]);
    assert_eq!(rounds.next(old(49)).await, ["queue-old"]);
    assert_eq!(rounds.alerts.active()[0].evidence, "the oldest message has been waiting for 49 hours");
    assert_eq!(rounds.next(|measured| measured.oldest_waiting = None).await, [""; 0]);
    assert_eq!(rounds.next(entries(0)).await, [""; 0]);
    assert!(!is_standing(&rounds.alerts, &QUEUE_GROWS));
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fills() {
    let house = House::open().await;
    let mut rounds = Rounds::of(&house);
    let disk = |free: u64, total: u64| {
        move |measured: &mut Measured| {
            let directory = "/d".to_owned();
            measured.disk = Some(DiskRoom { directory, free_bytes: free << 20, total_bytes: total << 20 });
        }
    };
    // A large disk: a GiB; a small one: five percent.
    assert_eq!(rounds.next(disk(1024, 1 << 20)).await, [""; 0]);
    assert_eq!(rounds.next(disk(1023, 1 << 20)).await, ["disk-low"]);
    assert_eq!(rounds.next(disk(1100, 1 << 20)).await, ["disk-low"]);
    rounds.next(disk(1300, 1 << 20)).await;
    assert_eq!(rounds.pass(5).await, [""; 0]);
    assert_eq!(rounds.next(disk(50, 1000)).await, [""; 0]);
    assert_eq!(rounds.next(disk(49, 1000)).await, ["disk-low"]);
}

#[tokio::test(start_paused = true)]
async fn certificates_that_end() {
    let house = House::open().await;
    let mut rounds = Rounds::of(&house);
    let days = |left: i64| {
        move |measured: &mut Measured| {
            let end = |name: &str, days: i64| CertificateEnd {
                name: name.to_owned(),
                not_after: measured.now.seconds() + days * 86_400,
            };
            measured.certificates = vec![end("mx", left), end("other", 90)];
        }
    };
    assert_eq!(rounds.next(days(15)).await, [""; 0]);
    assert_eq!(rounds.next(days(14)).await, [CERTIFICATE_ENDS.name]);
    assert_eq!(rounds.alerts.active()[0].subject, "mx");
    assert_eq!(rounds.next(days(-1)).await, [CERTIFICATE_ENDED.name]);
    assert_eq!(rounds.alerts.active()[0].evidence, "it ended 24 hours ago");
    assert_eq!(rounds.next(days(90)).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps() {
    let house = House::open().await;
    let mut rounds = Rounds::of(&house);
    assert_eq!(rounds.pass(3).await, [""; 0]);
    assert_eq!(rounds.next(|measured| measured.now.0 += 29_000).await, [""; 0]);
    assert_eq!(rounds.next(|measured| measured.now.0 -= 31_000).await, [CLOCK_JUMPED.name]);
    assert_eq!(rounds.alerts.active()[0].evidence, "it was set back by 31 s");
    assert_eq!(rounds.pass(61).await, [""; 0]);
    // A host that slept: both clocks stand still together, or neither.
    assert_eq!(rounds.next(|measured| measured.now.0 += 3_600_000).await, [CLOCK_JUMPED.name]);
}

#[tokio::test(start_paused = true)]
async fn dns_and_store_that_fail() {
    let house = House::open().await;
    let mut rounds = Rounds::of(&house);
    let lookups = |asked, unanswered| {
        move |measured: &mut Measured| {
            let Lookups { asked: before, unanswered: failed } = measured.lookups;
            measured.lookups = Lookups { asked: before + asked, unanswered: failed + unanswered };
        }
    };
    rounds.next(lookups(100, 0)).await;
    // Of few questions nothing can be said.
    assert_eq!(rounds.next(lookups(9, 9)).await, [""; 0]);
    assert_eq!(rounds.next(lookups(91, 0)).await, [""; 0]);
    rounds.pass(6).await;
    assert_eq!(rounds.next(lookups(10, 7)).await, [""; 0]);
    assert_eq!(rounds.next(lookups(100, 99)).await, [RESOLVER_FAILS.name]);
    rounds.next(lookups(1000, 0)).await;
    assert_eq!(rounds.pass(6).await, [""; 0]);
    assert_eq!(rounds.next(|measured| measured.store_problem = Some("read-only".to_owned())).await, [STORE_FAILS.name]);
    rounds.next(|measured| measured.store_problem = None).await;
    assert_eq!(rounds.pass(1).await, [""; 0]);
}

/// What is held, or is to go later, may be as old as it likes.
#[tokio::test(start_paused = true)]
async fn only_what_waits_to_be_delivered_grows_old() {
    let house = House::open().await;
    let oldest = async || {
        let counts = house.store.queue_counts().await.unwrap();
        let before = house.now();
        house.flow.oldest_waiting(&counts, before).await.unwrap()
    };
    assert_eq!(oldest().await, None);
    // Held from the beginning of time on, and to go in a week.
    let first = house.now();
    house.ann_writes(envelope("ann@ours.example", &["a@far.example", "b@far.example"])).await;
    house.flow.steer_queue(&QueueFilter::default(), &QueueAction::Hold, None, 10).await.unwrap();
    let release = FutureRelease { request: HoldRequest::For(7 * 86_400), at: first + 7 * 24 * HOUR };
    let later = Envelope { future_release: Some(release), ..envelope("ann@ours.example", &["c@far.example"]) };
    house.ann_writes(later).await;
    sleep(HOUR).await;
    assert_eq!(oldest().await, None);
    let second = house.now();
    house.ann_writes(envelope("ann@ours.example", &["d@far.example"])).await;
    sleep(HOUR).await;
    assert_eq!(oldest().await, Some(second));
    let counts = house.store.queue_counts().await.unwrap();
    assert_eq!(house.flow.oldest_waiting(&counts, first).await.unwrap(), None, "none is that old");
    house.flow.steer_queue(&QueueFilter::default(), &QueueAction::Release, None, 2).await.unwrap();
    assert_eq!(oldest().await, Some(first));
}
