//! Content filters, at every door.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthouse_domain_policy::dkim::{DkimAlgorithm, DkimOutcome, DkimSignatures};
use posthouse_model::{Domain, Envelope, FutureRelease, HoldRequest, JourneyId};
use posthouse_storage::{FreezeCause, HeldMail, QueueFilter, Trail};

use super::*;
use crate::queue::steering::QueueAction;
use crate::signing::KeyState;
use crate::{
    AddedField, BadField, ContentFilter, Door, FilterError, FilteredMessage, MAX_ADDED_FIELDS, MailDirection,
    MessageRefusal, RefusalStatus, Verdict, WhenUnexamined,
};

const SOON: Duration = Duration::from_secs(1);
/// What the tests' filters act on.
const MARKER: &str = "VIRUS";
const TEXT: &str = "From: ann@ours.example\r\nMessage-ID: <1@x>\r\nSubject: hi\r\n\r\nthe text\r\n";
const MARKED: &str = "From: ann@ours.example\r\nMessage-ID: <1@x>\r\nSubject: hi\r\n\r\nVIRUS\r\n";

/// What a test's filter does with what has the marker in it.
#[derive(Clone)]
enum Manner {
    Says(Verdict),
    Fails,
    AddsNonsense,
    NeverAnswers,
}

/// What a filter saw.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    direction: MailDirection,
    login: Option<String>,
    recipients: Vec<String>,
    text: String,
    added: Vec<String>,
}

struct TestFilter {
    name: &'static str,
    manner: Manner,
    seen: Mutex<Vec<Seen>>,
}

impl TestFilter {
    fn new(name: &'static str, manner: Manner) -> Arc<Self> {
        Arc::new(Self { name, manner, seen: Mutex::default() })
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }
}

#[async_trait]
impl ContentFilter for TestFilter {
    fn name(&self) -> &str {
        self.name
    }

    async fn examine(&self, message: &FilteredMessage<'_>) -> Result<Verdict, FilterError> {
        let text = String::from_utf8(message.octets.to_vec()).unwrap();
        let is_marked = text.contains(MARKER);
        self.seen.lock().push(Seen {
            direction: message.direction,
            login: message.login.map(ToString::to_string),
            recipients: message.envelope.recipients.iter().map(|one| one.address.to_string()).collect(),
            text,
            added: message.added.iter().map(|field| field.name().to_owned()).collect(),
        });
        if !is_marked {
            return Ok(Verdict::Accept);
        }
        match &self.manner {
            Manner::Says(verdict) => Ok(verdict.clone()),
            Manner::Fails => Err(FilterError::Failed("connection\r\nrefused".to_owned())),
            Manner::AddsNonsense => {
                Ok(Verdict::AcceptWithFields(vec![AddedField::new("X-A", "x\r\nBcc: y@z.example")?]))
            }
            Manner::NeverAnswers => std::future::pending().await,
        }
    }
}

async fn house_with(filters: &[&Arc<TestFilter>]) -> House {
    house_so(filters, |_| {}).await
}

async fn house_so(filters: &[&Arc<TestFilter>], change: impl FnOnce(&mut crate::FlowOptions)) -> House {
    let filters = filters.iter().map(|filter| Arc::clone(filter) as Arc<dyn ContentFilter>).collect();
    House::open_with(|options| {
        options.content_filters.filters = filters;
        change(options);
    })
    .await
}

fn field(name: &str, value: &str) -> AddedField {
    AddedField::new(name, value).unwrap()
}

fn refuses() -> Manner {
    Manner::Says(Verdict::Refuse { status: RefusalStatus::POLICY, text: "No\r\nviruses".to_owned() })
}

fn to_bob() -> Envelope {
    envelope("x@far.example", &["bob@ours.example"])
}

fn to_far() -> Envelope {
    envelope("ann@ours.example", &["x@far.example"])
}

/// What the trail says that filters said.
async fn notes(house: &House, journey: JourneyId) -> Vec<String> {
    let events = house.store.trail(journey).await.unwrap();
    let facts = events.iter().flat_map(|event| &event.facts);
    facts.filter(|(name, _)| name == "filter").map(|(_, value)| value.clone()).collect()
}

/// The same of the only journey of mail from or to an address.
async fn notes_about(house: &House, address: &str) -> Vec<String> {
    let journeys = house.store.journeys(address, 9).await.unwrap();
    assert_eq!(journeys.len(), 1);
    notes(house, journeys[0].journey).await
}

async fn steer(house: &House, action: QueueAction) -> usize {
    house.flow.steer_queue(&QueueFilter::default(), &action, None, 100).await.unwrap().done
}

fn figures(house: &House) -> Vec<String> {
    let figures = house.flow.filter_figures();
    figures.iter().map(|one| format!("{} {} {}", one.filter, one.verdict, one.count)).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_filter_refuses_is_not_taken_at_any_door() {
    let filter = TestFilter::new("virus", refuses());
    let after = TestFilter::new("after", Manner::Says(Verdict::Accept));
    let house = house_with(&[&filter, &after]).await;
    let refused = Err(MessageRefusal::Filtered { status: RefusalStatus::POLICY, text: "No viruses".to_owned() });
    let submission = house.submission().await;
    for (door, envelope) in [(Door::Mx, to_bob()), (Door::Lmtp, to_bob()), (submission.clone(), to_far())] {
        assert_eq!(house.receive(door, envelope, MARKED).await, refused);
    }
    assert!(house.inbox("bob").await.is_empty() && house.queue().await.is_empty());
    assert_eq!(after.seen(), [], "what is refused already is shown to nobody else");
    assert_eq!(notes_about(&house, "ann@ours.example").await, ["virus refuse: 5.7.1 No viruses"]);
    house.receive(Door::Mx, to_bob(), TEXT).await.unwrap();
    let received = house.receive(submission, to_far(), TEXT).await.unwrap();
    assert_eq!((house.inbox("bob").await.len(), house.queue().await.len()), (1, 1));
    assert_eq!(notes(&house, received.journey).await, ["virus accept", "after accept"]);
    assert_eq!(figures(&house), ["after accept 2", "virus accept 2", "virus refuse 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_filter_is_told_who_writes_to_whom_and_sees_what_is_stored() {
    let filter = TestFilter::new("eye", Manner::Says(Verdict::Accept));
    let house = house_with(&[&filter]).await;
    let door = house.submission().await;
    let text = "From: ann@ours.example\r\nBcc: secret@far.example\r\n\r\nx\r\n";
    house
        .receive(door.clone(), envelope("ann@ours.example", &["x@far.example", "bob@ours.example"]), text)
        .await
        .unwrap();
    house.receive(door, envelope("ann@ours.example", &["bob@ours.example"]), TEXT).await.unwrap();
    house.receive(Door::Mx, to_bob(), TEXT).await.unwrap();
    let seen = filter.seen();
    let who: Vec<_> = seen.iter().map(|one| (one.direction, one.login.as_deref())).collect();
    let ann = Some("ann@ours.example");
    let expected = [(MailDirection::Outgoing, ann), (MailDirection::Local, ann), (MailDirection::Incoming, None)];
    assert_eq!(who, expected);
    assert_eq!(seen[0].recipients, ["x@far.example", "bob@ours.example"]);
    assert!(!seen[0].text.contains("secret"), "{}", seen[0].text);
    let inbox = house.inbox("bob").await;
    assert_eq!(seen.iter().map(|one| &one.text).collect::<Vec<_>>(), inbox.iter().collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_filter_does_not_see_what_is_refused_without_it() {
    let filter = TestFilter::new("eye", Manner::Says(Verdict::Accept));
    let house = house_so(&[&filter], |options| options.max_hops = 1).await;
    let stranger = envelope("x@far.example", &["nobody@ours.example"]);
    assert_eq!(house.receive(Door::Mx, stranger, TEXT).await, Err(MessageRefusal::NoSuchMailbox));
    let circling = format!("Received: x\r\nReceived: y\r\n{TEXT}");
    assert_eq!(house.receive(Door::Mx, to_bob(), &circling).await, Err(MessageRefusal::RoutingLoop));
    let forged = TEXT.replace("ann@", "bob@");
    let refused = house.receive(house.submission().await, to_far(), &forged).await;
    assert_eq!(refused, Err(MessageRefusal::FromNotOwned));
    assert_eq!(filter.seen(), []);
    // Of two recipients one was refused at RCPT: the envelope has the other.
    house.receive(Door::Mx, to_bob(), TEXT).await.unwrap();
    assert_eq!(filter.seen()[0].recipients, ["bob@ours.example"]);
}

#[tokio::test(start_paused = true)]
async fn fields_are_added_beneath_our_own_and_shown_to_later_filters() {
    let spam = vec![field("X-Spam", "yes"), field("X-Spam-Score", "9.1")];
    let first = TestFilter::new("spam", Manner::Says(Verdict::AcceptWithFields(spam)));
    let second = TestFilter::new("seal", Manner::Says(Verdict::AcceptWithFields(vec![field("X-Seal", "1")])));
    let house = house_with(&[&first, &second]).await;
    let received = house.receive(Door::Mx, to_bob(), MARKED).await.unwrap();
    let inbox = house.inbox("bob").await;
    let (top, rest) = inbox[0].split_once("X-Spam: yes\r\n").unwrap();
    assert!(top.starts_with("Return-Path: <x@far.example>\r\nReceived: ") && top.ends_with(" +0000\r\n"), "{top}");
    assert_eq!(rest, format!("X-Spam-Score: 9.1\r\nX-Seal: 1\r\n{MARKED}"));
    assert_eq!(
        (first.seen()[0].added.len(), &second.seen()[0].added[..]),
        (0, &["X-Spam", "X-Spam-Score"].map(String::from)[..])
    );
    assert_eq!(notes(&house, received.journey).await, ["spam add: X-Spam X-Spam-Score", "seal add: X-Seal"]);
}

/// The attack: what somebody writes makes a filter add more than a field.
#[tokio::test(start_paused = true)]
async fn a_filter_that_adds_nonsense_has_failed() {
    let injects = TestFilter::new("injects", Manner::AddsNonsense);
    let many = vec![field("X-A", "x"); MAX_ADDED_FIELDS + 1];
    let floods = TestFilter::new("floods", Manner::Says(Verdict::AcceptWithFields(many)));
    for filter in [&injects, &floods] {
        let house = house_with(&[filter]).await;
        let refused = house.receive(Door::Mx, to_bob(), MARKED).await;
        assert_eq!(refused, Err(MessageRefusal::FilterWantsLater));
        assert_eq!(figures(&house), [format!("{} failed 1", filter.name)]);
    }
    assert!(matches!(AddedField::new("X-A", "x\r\nBcc: y"), Err(BadField::Value(_))));
}

#[tokio::test(start_paused = true)]
async fn what_leaves_is_signed_with_the_fields_that_were_added() {
    let added = vec![field("List-Id", "<added.ours.example>")];
    let filter = TestFilter::new("list", Manner::Says(Verdict::AcceptWithFields(added)));
    let house = house_with(&[&filter]).await;
    let domain = Domain::parse("ours.example").unwrap();
    house.flow.add_signing_key(&domain, Some("one"), DkimAlgorithm::Ed25519Sha256).await.unwrap();
    let key = house.flow.change_signing_key(&domain, "one", KeyState::Active).await.unwrap();
    house.dns.texts.lock().insert(key.record_name(&domain).to_string(), key.record.clone());
    house.receive(house.submission().await, to_far(), MARKED).await.unwrap();
    let carried = house.dispatch(answers(Outcome::Reply(250))).carried_within(SOON).await;
    let text = carried[0].text();
    let outcome = async |text: &str| {
        let pieces = [bytes::Bytes::from(text.to_owned())];
        DkimSignatures::read(&pieces).verify(&house.dns, house.now()).await.remove(0).outcome
    };
    assert!(text.contains("List-Id: <added.ours.example>\r\n"), "{text}");
    assert_eq!(outcome(&text).await, DkimOutcome::Pass);
    assert_ne!(outcome(&text.replace("<added.", "<forged.")).await, DkimOutcome::Pass);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_goes_when_an_administrator_wants_it() {
    let holds = TestFilter::new("odd", Manner::Says(Verdict::Hold("looks\r\nodd".to_owned())));
    let after = TestFilter::new("after", Manner::Says(Verdict::AcceptWithFields(vec![field("X-Seen", "1")])));
    let house = house_with(&[&holds, &after]).await;
    let both = envelope("ann@ours.example", &["x@far.example", "bob@ours.example"]);
    let received = house.receive(house.submission().await, both, MARKED).await.unwrap();
    assert_eq!(notes(&house, received.journey).await, ["odd hold: looks odd", "after add: X-Seen"]);
    let out = house.dispatch(answers(Outcome::Reply(250)));
    assert!(out.carried_within(30 * crate::options::DAY).await.is_empty());
    assert!(house.inbox("bob").await.is_empty());
    let waiting = house.queue().await;
    assert!(waiting.iter().all(|one| one.held && one.last_outcome.as_deref() == Some("held by odd: looks odd")));
    assert!(waiting.len() == 2 && waiting.iter().all(|one| one.cause.as_deref() == Some("content-filter")));
    assert_eq!(steer(&house, QueueAction::Release).await, 2);
    assert!(out.carried_within(SOON).await[0].text().contains("X-Seen: 1\r\n"));
    assert!(house.inbox("bob").await[0].contains("X-Seen: 1\r\n"));
    assert!(house.queue().await.is_empty());
    assert_eq!(holds.seen().len(), 1, "what is let go is not examined again");
}

#[tokio::test(start_paused = true)]
async fn incoming_mail_is_held_too_and_can_be_dropped() {
    let holds = TestFilter::new("odd", Manner::Says(Verdict::Hold("odd".to_owned())));
    let house = house_with(&[&holds]).await;
    let _out = house.dispatch(answers(Outcome::Reply(250)));
    house.receive(Door::Mx, to_bob(), MARKED).await.unwrap();
    assert_eq!(steer(&house, QueueAction::Release).await, 1);
    tokio::time::sleep(SOON).await;
    assert!(house.inbox("bob").await[0].starts_with("Return-Path: <x@far.example>\r\nReceived: "));
    house.receive(Door::Mx, to_bob(), MARKED).await.unwrap();
    assert_eq!(steer(&house, QueueAction::Drop).await, 1);
    assert_eq!((house.inbox("bob").await.len(), house.queue().await.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn only_so_much_is_held() {
    let holds = TestFilter::new("odd", Manner::Says(Verdict::Hold("odd".to_owned())));
    let house = house_so(&[&holds], |options| {
        options.content_filters.max_held = 3;
        options.max_held_messages = 2;
    })
    .await;
    let later = Err(MessageRefusal::FilterWantsLater);
    let door = house.submission().await;
    for _ in 0..2 {
        house.receive(door.clone(), to_far(), MARKED).await.unwrap();
    }
    assert_eq!(house.receive(door, to_far(), MARKED).await, later, "of one account");
    house.receive(Door::Mx, to_bob(), MARKED).await.unwrap();
    assert_eq!(house.receive(Door::Mx, to_bob(), MARKED).await, later, "in all");
    assert_eq!(house.queue().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn mail_for_later_is_examined_when_it_comes_and_goes_at_its_time() {
    let holds = TestFilter::new("odd", Manner::Says(Verdict::Hold("odd".to_owned())));
    let house = house_with(&[&holds]).await;
    let hour = Duration::from_secs(3600);
    let release = FutureRelease { request: HoldRequest::For(3600), at: house.now() + hour };
    let later = Envelope { future_release: Some(release), ..to_far() };
    house.receive(house.submission().await, later, MARKED).await.unwrap();
    let out = house.dispatch(answers(Outcome::Reply(250)));
    assert_eq!(steer(&house, QueueAction::Release).await, 1);
    assert!(out.carried_within(hour / 2).await.is_empty());
    assert_eq!(out.carried_within(hour).await.len(), 1);
    assert_eq!(holds.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_may_send_again_does_not_free_what_a_filter_holds() {
    let holds = TestFilter::new("odd", Manner::Says(Verdict::Hold("odd".to_owned())));
    let house = house_with(&[&holds]).await;
    let door = house.submission().await;
    house.receive(door.clone(), to_far(), MARKED).await.unwrap();
    house.receive(door, to_far(), TEXT).await.unwrap();
    let account = house.account_of("ann").await;
    house.flow.freeze_sending(account, FreezeCause::Administrator, String::new()).await.unwrap();
    assert!(house.queue().await.iter().all(|entry| entry.held));
    assert_eq!(house.flow.release_sending(account, HeldMail::GoesOn).await.unwrap(), 1);
    assert_eq!(house.queue().await.iter().map(|entry| entry.held).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test(start_paused = true)]
async fn without_its_filter_incoming_mail_comes_later_and_outgoing_mail_is_held() {
    for (manner, word, why) in
        [(Manner::Fails, "failed", "connection refused"), (Manner::NeverAnswers, "timeout", "it takes too long")]
    {
        let house = house_with(&[&TestFilter::new("away", manner)]).await;
        let began = house.now();
        let refused = house.receive(Door::Mx, to_bob(), MARKED).await;
        assert_eq!(refused, Err(MessageRefusal::FilterWantsLater));
        assert!(house.now() <= began + crate::DEFAULT_FILTER_TIME + SOON);
        let received = house.receive(house.submission().await, to_far(), MARKED).await.unwrap();
        assert_eq!(notes(&house, received.journey).await, [format!("away {word}: {why}")]);
        let waiting = house.queue().await;
        assert_eq!(waiting[0].last_outcome.as_deref(), Some(&*format!("held by away: {why}")));
        assert!(waiting[0].held && house.inbox("bob").await.is_empty());
        assert_eq!(figures(&house), [format!("away {word} 2")]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_without_a_filter_can_be_chosen() {
    let away = TestFilter::new("away", Manner::Fails);
    let house = house_so(&[&away], |options| {
        options.content_filters.incoming_unexamined = WhenUnexamined::Accept;
        options.content_filters.outgoing_unexamined = WhenUnexamined::TryLater;
    })
    .await;
    let received = house.receive(Door::Mx, to_bob(), MARKED).await.unwrap();
    assert_eq!(notes(&house, received.journey).await, ["away failed: connection refused"]);
    assert_eq!(house.inbox("bob").await.len(), 1);
    let refused = house.receive(house.submission().await, to_far(), MARKED).await;
    assert_eq!(refused, Err(MessageRefusal::FilterWantsLater));
}

#[tokio::test(start_paused = true)]
async fn all_filters_together_take_only_so_long() {
    let many: Vec<_> = (0..20).map(|_| TestFilter::new("slow", Manner::NeverAnswers)).collect();
    let house = house_so(&many.iter().collect::<Vec<_>>(), |options| {
        options.content_filters.incoming_unexamined = WhenUnexamined::Accept;
    })
    .await;
    let began = house.now();
    house.receive(Door::Mx, to_bob(), MARKED).await.unwrap();
    assert!(house.now() <= began + crate::DEFAULT_FILTERS_TIME + SOON);
    assert_eq!(figures(&house), ["slow timeout 20"]);
}

#[tokio::test(start_paused = true)]
async fn a_filter_can_put_mail_off() {
    let house = house_with(&[&TestFilter::new("grey", Manner::Says(Verdict::TryLater))]).await;
    let refused = house.receive(house.submission().await, to_far(), MARKED).await;
    assert_eq!(refused, Err(MessageRefusal::FilterWantsLater));
    assert_eq!(notes_about(&house, "ann@ours.example").await, ["grey later"]);
}
