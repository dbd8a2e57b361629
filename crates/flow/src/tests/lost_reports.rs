//! Reports whose readers take no mail (any more).

use std::time::Duration;

use posthouse_model::{ByMode, DeliverBy, Domain, DsnNotify, Envelope, MailboxName, TrailKind};
use posthouse_storage::{AccountStatus, BodySlice, Directory, Mail, NewAccount, Queue, QueueEntry, QueueFilter, Trail};

use super::*;
use crate::{Door, FlowOptions, QueueAction, Received, TlsReportMail};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn kept() -> QueueFilter {
    QueueFilter { cause: Some("double-bounce".to_owned()), held: Some(true), ..QueueFilter::default() }
}

async fn kept_in(house: &House) -> Vec<QueueEntry> {
    house.store.queue_entries(&kept(), None, 100).await.unwrap()
}

async fn text_of(house: &House, entry: &QueueEntry) -> String {
    let slice = BodySlice { body: entry.body, range: 0..entry.message.size_bytes };
    String::from_utf8(house.store.read(&[slice]).await.unwrap().concat()).unwrap()
}

async fn suspend(house: &House, name: &str, status: AccountStatus) {
    let account = house.account_of(name).await;
    let record = house.store.account(account).await.unwrap().unwrap();
    house.store.update_account(posthouse_storage::AccountRecord { status, ..record }).await.unwrap();
}

fn postmaster(who: &'static str) -> impl FnOnce(&mut FlowOptions) {
    move |options| options.postmaster = Some(address(who))
}

/// Ann writes to somebody whose host refuses it, and has gone before that is known.
async fn ann_goes(house: &House) -> Received {
    let received = house.ann_writes(envelope("ann@ours.example", &["carl@far.example"])).await;
    let ann = house.account_of("ann").await;
    house.store.delete_account(ann).await.unwrap();
    received
}

async fn ann_comes_back(house: &House) {
    let account = NewAccount {
        address: address("ann@ours.example"),
        display_name: String::new(),
        administrator: false,
        credential: None,
        mailboxes: vec![(MailboxName::inbox(), None)],
        created_at: house.now(),
    };
    house.store.create_account(account).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_report_to_who_has_gone_is_kept_and_released() {
    let house = House::open().await;
    let received = ann_goes(&house).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(550)));
    assert_eq!(dispatching.carried_within(SECOND).await.len(), 1);
    let entries = kept_in(&house).await;
    assert_eq!((entries.len(), house.queue().await.len()), (1, 1));
    assert_eq!(entries[0].recipient.address.to_string(), "ann@ours.example");
    let told = entries[0].last_outcome.clone().unwrap();
    assert_eq!(told, "ann@ours.example does not exist any more, or takes no mail");
    let text = text_of(&house, &entries[0]).await;
    assert!(text.starts_with("Return-Path: <>\r\n") && text.contains("Final-Recipient: rfc822; carl@far.example"));
    assert_eq!((house.flow.double_bounces_kept(), house.flow.double_bounces_dropped()), (1, 0));
    let trail = house.store.trail(received.journey).await.unwrap();
    assert_eq!(trail.last().unwrap().kind, TrailKind::Reported);
    assert!(format!("{:?}", trail.last().unwrap()).contains("double-bounce"), "{trail:?}");
    // While she is away it is kept anew.
    for _ in 0..2 {
        house.flow.steer_queue(&kept(), &QueueAction::Release, None, 10).await.unwrap();
        dispatching.carried_within(SECOND).await;
        assert_eq!((kept_in(&house).await.len(), house.queue().await.len()), (1, 1));
    }
    assert_eq!(text_of(&house, &kept_in(&house).await[0]).await, text);
    ann_comes_back(&house).await;
    house.flow.steer_queue(&kept(), &QueueAction::Release, None, 10).await.unwrap();
    assert_eq!(dispatching.carried_within(SECOND).await.len(), 1, "nobody elsewhere gets it");
    assert_eq!((house.inbox("ann").await, house.queue().await.len()), (vec![text], 0));
}

#[tokio::test(start_paused = true)]
async fn the_postmaster_gets_what_its_reader_cannot() {
    let house = House::open_with(postmaster("bob@ours.example")).await;
    ann_goes(&house).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(550)));
    dispatching.carried_within(SECOND).await;
    let told = house.inbox("bob").await;
    assert_eq!((told.len(), house.queue().await.len()), (1, 0));
    assert!(told[0].contains("Final-Recipient: rfc822; carl@far.example"));
}

/// Nor does the postmaster take mail; then it is whose it was.
#[tokio::test(start_paused = true)]
async fn a_postmaster_without_a_mailbox_does_not_lose_reports() {
    for who in ["nobody@ours.example", "ann@ours.example"] {
        let house = House::open_with(postmaster(who)).await;
        ann_goes(&house).await;
        // About a message without a sender only the postmaster can be told.
        house.alias("away@ours.example", &["dora@near.example"]).await;
        house.receive(Door::Mx, envelope("", &["away@ours.example"]), "A: b\r\n\r\n").await.unwrap();
        let dispatching = house.dispatch(answers(Outcome::Reply(550)));
        dispatching.carried_within(SECOND).await;
        let readers: Vec<_> = kept_in(&house).await.iter().map(|one| one.recipient.address.to_string()).collect();
        assert_eq!(readers, ["ann@ours.example", who]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_to_a_suspended_account_or_one_without_an_inbox_is_kept() {
    for is_suspended in [true, false] {
        let house = House::open().await;
        // Where Ann's INBOX is, is known from before.
        house.receive(Door::Mx, envelope("x@far.example", &["ann@ours.example"]), "A: b\r\n\r\n").await.unwrap();
        house.ann_writes(envelope("ann@ours.example", &["carl@far.example"])).await;
        match is_suspended {
            true => suspend(&house, "ann", AccountStatus::Suspended).await,
            false => house.delete_inbox("ann", false).await,
        }
        let dispatching = house.dispatch(answers(Outcome::Reply(550)));
        assert_eq!(dispatching.carried_within(DAY).await.len(), 1);
        assert_eq!((kept_in(&house).await.len(), house.queue().await.len()), (1, 1), "{is_suspended}");
        assert_eq!(house.store.queue_counts().await.unwrap().leased, 0);
    }
}

/// Of what is late or came there is no need to keep word, but the trail tells.
#[tokio::test(start_paused = true)]
async fn what_is_no_failure_is_not_kept() {
    let house = House::open_with(postmaster("bob@ours.example")).await;
    let received = ann_goes(&house).await;
    let dispatching = house.dispatch(|_, carried| match carried.at < house::BEGIN + 6 * HOUR {
        true => Outcome::Reply(450),
        false => Outcome::Reply(250),
    });
    dispatching.carried_within(DAY).await;
    assert_eq!((house.queue().await.len(), house.inbox("bob").await.len()), (0, 0));
    let trail = house.store.trail(received.journey).await.unwrap();
    assert!(trail.iter().any(|event| format!("{event:?}").contains("left-out")), "{trail:?}");
}

/// The attack: messages that bounce, from somebody of ours whom nothing reaches.
#[tokio::test(start_paused = true)]
async fn only_so_many_are_kept() {
    let house = House::open_with(|options| options.max_double_bounces = 3).await;
    house.alias("away@ours.example", &["carl@far.example"]).await;
    for _ in 0..10 {
        house.receive(Door::Mx, envelope("gone@ours.example", &["away@ours.example"]), "A: b\r\n\r\n").await.unwrap();
    }
    let dispatching = house.dispatch(answers(Outcome::Reply(550)));
    dispatching.carried_within(SECOND).await;
    assert_eq!((kept_in(&house).await.len(), house.queue().await.len()), (3, 3));
    assert_eq!((house.flow.double_bounces_kept(), house.flow.double_bounces_dropped()), (10, 7));
    dispatching.carried_within(31 * DAY).await;
    assert_eq!((house.queue().await.len(), house.flow.double_bounces_dropped()), (0, 10));
}

#[tokio::test(start_paused = true)]
async fn what_an_administrator_returns_to_nobody_is_kept() {
    let house = House::open().await;
    ann_goes(&house).await;
    let bounce = QueueAction::Bounce("no".to_owned());
    house.flow.steer_queue(&QueueFilter::default(), &bounce, None, 10).await.unwrap();
    let entries = kept_in(&house).await;
    assert_eq!((entries.len(), house.queue().await.len()), (1, 1));
    assert!(text_of(&house, &entries[0]).await.contains("carl@far.example"));
}

/// A domain that wants reports at an address of ours where nobody is.
#[tokio::test(start_paused = true)]
async fn a_report_about_tls_that_reaches_nobody_is_kept() {
    let house = House::open().await;
    let mail = TlsReportMail {
        from: &address("postmaster@ours.example"),
        to: &address("reports@ours.example"),
        domain: &Domain::parse("far.example").unwrap(),
        report_id: "1@mx.ours.example",
        file_name: "x.json.gz",
        report: b"report",
    };
    house.flow.send_tls_report(&mail).await.unwrap();
    let entries = kept_in(&house).await;
    assert_eq!((entries.len(), house.flow.double_bounces_kept()), (1, 1));
    house.alias("reports@ours.example", &["bob@ours.example"]).await;
    let dispatching = house.dispatch(answers(Outcome::Reply(250)));
    house.flow.steer_queue(&kept(), &QueueAction::Release, None, 10).await.unwrap();
    dispatching.carried_within(SECOND).await;
    assert!(house.inbox("bob").await[0].contains("Report-ID: <1@mx.ours.example>"));
}

/// RFC 2852 §4.1.3, for a message without a sender.
#[tokio::test(start_paused = true)]
async fn what_nobody_can_be_told_to_be_overdue_is_kept() {
    for (postmaster, to, wants, is_kept, is_told) in [
        (None, "carl@far.example", None, true, false),
        (None, "carl@far.example", Some(DsnNotify::NEVER), false, false),
        (Some("bob@ours.example"), "carl@far.example", None, false, true),
        (Some("boss@far.example"), "boss@far.example", None, true, false),
    ] {
        let house = House::open_with(|options| options.postmaster = postmaster.map(address)).await;
        let deliver_by = Some(DeliverBy { at: house.now() + HOUR, mode: ByMode::Return, trace: false });
        let mut message = Envelope { deliver_by, ..envelope("", &[to]) };
        message.recipients[0].notify = wants;
        house.ann_writes(message).await;
        let dispatching = house.dispatch(answers(Outcome::Reply(450)));
        dispatching.carried_within(HOUR + SECOND).await;
        let entries = kept_in(&house).await;
        assert_eq!((entries.len(), house.queue().await.len()), (usize::from(is_kept), usize::from(is_kept)), "{to}");
        assert_eq!(house.inbox("bob").await.len(), usize::from(is_told), "{to}");
        let words = entries.iter().filter_map(|one| one.last_outcome.as_deref());
        assert!(words.into_iter().all(|words| words == "not delivered by the time its sender set"));
        assert_eq!(house.flow.double_bounces_kept(), u64::from(is_kept));
        // RFC 2852 §4.1.3: no further attempts, though it is released; it is kept as before.
        let carried = dispatching.carried_within(SECOND).await.len();
        house.flow.steer_queue(&kept(), &QueueAction::Release, None, 10).await.unwrap();
        assert_eq!(dispatching.carried_within(HOUR).await.len(), carried);
        assert_eq!(kept_in(&house).await.len(), usize::from(is_kept));
        dispatching.carried_within(31 * DAY).await;
        assert!(house.queue().await.is_empty());
    }
}
