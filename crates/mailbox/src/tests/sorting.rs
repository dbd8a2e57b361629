//! Putting messages in order, and into conversations.

use posthouse_model::sort::{SortCriterion, SortKey, ThreadAlgorithm};
use posthouse_storage::{Body, Delivery, Mail, ParsedMessage, Placement};
use proptest::prelude::*;

use super::samples::crlf;
use super::*;
use crate::Progress;

fn by(key: SortKey) -> SortCriterion {
    SortCriterion { key, reverse: false }
}

fn down(key: SortKey) -> SortCriterion {
    SortCriterion { key, reverse: true }
}

async fn check(mailbox: &Mailbox, criteria: &[SortCriterion], expected: &[u32]) {
    let sorted = mailbox.sort(&UidSet::all(), criteria, &Progress::default()).await.unwrap();
    assert_eq!(sorted.iter().map(|uid| uid.value()).collect::<Vec<_>>(), expected, "{criteria:?}");
}

const LETTERS: [&str; 4] = [
    "From: \"Zoe\" <beta@x.example>\nTo: Dora <dora@x.example>\nCc: c@x.example\nSubject: Re: pears\n\
     Date: Mon, 13 Nov 2023 01:00:00 +1100\n\nlonger than the others are\n",
    "From: Alpha@x.example\nTo: emil@x.example\nSubject: Apples\nDate: Sun, 12 Nov 2023 13:00:00 +0000\n\nx\n",
    "From: =?utf-8?q?=C3=84nne?= <gamma@x.example>\nSubject: =?utf-8?q?=C3=84pfel?=\nDate: nonsense\n\nxx\n",
    "To: friends:;\nSubject: [list] PEARS (fwd)\nDate: Sun, 12 Nov 2023 15:30:00 +0000\n\nxxx\n",
];

async fn library() -> House {
    let house = House::open().await;
    for (at, letter) in LETTERS.iter().enumerate() {
        let arrival = UnixMillis(NOW.0 - 1_000 * at as i64);
        house.append_at("INBOX", crlf(letter), "", arrival).await;
    }
    house
}

#[tokio::test]
async fn each_key_sorts() {
    let house = library().await;
    let inbox = house.inbox().await;
    check(&inbox, &[by(SortKey::Arrival)], &[4, 3, 2, 1]).await;
    check(&inbox, &[down(SortKey::Arrival)], &[1, 2, 3, 4]).await;
    check(&inbox, &[by(SortKey::Cc)], &[2, 3, 4, 1]).await;
    // RFC 5256 §2.2: 1 was sent at 14:00 UTC; 3 counts by its arrival, in the night of the 14th.
    check(&inbox, &[by(SortKey::Date)], &[2, 1, 4, 3]).await;
    check(&inbox, &[by(SortKey::From)], &[4, 2, 1, 3]).await;
    check(&inbox, &[by(SortKey::DisplayFrom)], &[4, 2, 3, 1]).await;
    check(&inbox, &[by(SortKey::To)], &[3, 1, 2, 4]).await;
    check(&inbox, &[by(SortKey::DisplayTo)], &[3, 1, 2, 4]).await;
    // With its mark decomposed, Ä stands behind A and before B, whatever follows.
    check(&inbox, &[by(SortKey::Subject)], &[2, 3, 1, 4]).await;
    check(&inbox, &[down(SortKey::Subject)], &[1, 4, 3, 2]).await;
    check(&inbox, &[by(SortKey::Subject), down(SortKey::Date)], &[2, 3, 4, 1]).await;
    check(&inbox, &[by(SortKey::Cc), down(SortKey::Cc), by(SortKey::Arrival)], &[4, 3, 2, 1]).await;
    check(&inbox, &[], &[1, 2, 3, 4]).await;
    let sizes = inbox.sort(&uids(&[1, 2, 4, 9]), &[by(SortKey::Size)], &Progress::default()).await.unwrap();
    assert_eq!(sizes, [uid(4), uid(2), uid(1)]);
}

async fn threads(mailbox: &Mailbox, found: &UidSet, by: ThreadAlgorithm) -> Vec<(u32, u32)> {
    let nodes = mailbox.thread(found, by, &Progress::default()).await.unwrap();
    nodes.iter().map(|node| (node.uid.map_or(0, Uid::value), node.children)).collect()
}

#[tokio::test]
async fn conversations_are_found() {
    let house = library().await;
    let reply = "Subject: anything\nReferences: <gone@x.example> <a@x.example>\nMessage-ID: <b@x.example>\n\n\n";
    house.append_at("INBOX", crlf(reply), "", NOW).await;
    house.append_at("INBOX", crlf("Subject: other\nMessage-ID: <\"a\"@x.example>\n\n"), "", NOW).await;
    let inbox = house.inbox().await;
    // 1 and 4 are both replies to pears, which is not here; 5 replies to 6.
    let expected = [(2, 0), (0, 2), (1, 0), (4, 0), (3, 0), (6, 1), (5, 0)];
    assert_eq!(threads(&inbox, &UidSet::all(), ThreadAlgorithm::References).await, expected);
    let expected = [(2, 0), (1, 1), (4, 0), (3, 0), (5, 0), (6, 0)];
    assert_eq!(threads(&inbox, &UidSet::all(), ThreadAlgorithm::OrderedSubject).await, expected);
    assert_eq!(threads(&inbox, &uids(&[4, 5]), ThreadAlgorithm::References).await, [(4, 0), (5, 0)]);
    assert!(threads(&inbox, &UidSet::new(), ThreadAlgorithm::References).await.is_empty());
}

/// Messages that were stored before there were sort keys are sorted by their headers.
#[tokio::test]
async fn messages_without_stored_keys_are_sorted_too() {
    let house = House::open().await;
    let inbox = house.inbox().await;
    for letter in LETTERS {
        let raw = Bytes::from(crlf(letter));
        let parsed = ParsedMessage { sort_keys: Bytes::new(), ..crate::parse_message(&raw).stored };
        let placement =
            Placement { account: house.ann.account(), mailbox: inbox.id(), flags: Flags::none(), internal_date: NOW };
        let delivery = Delivery {
            body: Body::from_bytes(raw),
            parsed,
            placements: vec![placement],
            queue: None,
            trail: Vec::new(),
        };
        house.store.deliver(delivery).await.unwrap();
    }
    check(&inbox, &[by(SortKey::Subject), down(SortKey::Date)], &[2, 3, 4, 1]).await;
    check(&inbox, &[by(SortKey::DisplayFrom)], &[4, 2, 3, 1]).await;
}

#[tokio::test]
async fn more_messages_than_are_sorted_on_the_spot() {
    let house = House::open().await;
    house.fill_inbox(2_500).await;
    let inbox = house.inbox().await;
    let progress = Progress::default();
    let sorted = inbox.sort(&inbox.snapshot().uids, &[down(SortKey::Subject)], &progress).await.unwrap();
    assert_eq!((progress.done(), progress.goal()), (2_500, 2_500));
    let mut expected: Vec<u32> = (1..=2_500).collect();
    expected.sort_by_key(|number| std::cmp::Reverse(number.to_string()));
    assert_eq!(sorted.iter().map(|uid| uid.value()).collect::<Vec<_>>(), expected);
    let nodes = inbox.thread(&UidSet::all(), ThreadAlgorithm::References, &progress).await.unwrap();
    assert_eq!(nodes.len(), 2_500);
    let nodes = inbox.thread(&UidSet::all(), ThreadAlgorithm::OrderedSubject, &progress).await.unwrap();
    assert_eq!(nodes.len(), 2_500);
}

const SUBJECTS: [&str; 5] = ["", "b", "Re: B", "a b", "á"];
const SENDERS: [&str; 4] = ["", "ann@x.example", "Zed <ann@y.example>", "Bob <Carl@x.example>"];

/// A message of the model: subject, sender, date, arrival, octets of its text.
type Letter = (usize, usize, Option<i64>, i64, usize);

fn key_of(letter: &Letter, size: usize, key: SortKey) -> (i64, String) {
    let (subject, sender, sent, arrival, _) = letter;
    let text = |text: &str| (0, text.to_owned());
    match key {
        SortKey::Arrival => (*arrival, String::new()),
        SortKey::Date => (sent.map_or(*arrival, |hours| hours * 3_600), String::new()),
        SortKey::Size => (size as i64, String::new()),
        SortKey::Subject => text(["", "B", "B", "A B", "A\u{301}"][*subject]),
        SortKey::From => text(["", "ANN", "ANN", "CARL"][*sender]),
        SortKey::DisplayFrom => text(["", "ANN@X.EXAMPLE", "ZED", "BOB"][*sender]),
        SortKey::To | SortKey::Cc | SortKey::DisplayTo => text(""),
    }
}

fn any_key() -> impl Strategy<Value = SortKey> {
    prop::sample::select(vec![
        SortKey::Arrival,
        SortKey::Cc,
        SortKey::Date,
        SortKey::From,
        SortKey::Size,
        SortKey::Subject,
        SortKey::To,
        SortKey::DisplayFrom,
        SortKey::DisplayTo,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The room beside a plain stable sort, criterion by criterion.
    #[test]
    fn sorts_like_a_plain_list(
        letters in prop::collection::vec(
            (0..SUBJECTS.len(), 0..SENDERS.len(), prop::option::of(0_i64..4), 0_i64..4, 0_usize..3),
            0..24,
        ),
        criteria in prop::collection::vec((any_key(), any::<bool>()), 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let house = House::open().await;
            let mut sizes = Vec::new();
            for (subject, sender, sent, arrival, text) in &letters {
                let mut raw = format!("Subject: {}\r\nFrom: {}\r\n", SUBJECTS[*subject], SENDERS[*sender]);
                if let Some(hours) = sent {
                    raw.push_str(&format!("Date: 1 Jan 1970 0{hours}:00:00 +0000\r\n"));
                }
                raw.push_str(&format!("\r\n{}", "x".repeat(*text)));
                sizes.push(raw.len());
                house.append_at("INBOX", raw, "", UnixMillis(arrival * 1_000)).await;
            }
            let criteria: Vec<_> = criteria.iter().map(|&(key, reverse)| SortCriterion { key, reverse }).collect();
            let mut expected: Vec<usize> = (0..letters.len()).collect();
            for criterion in criteria.iter().rev() {
                expected.sort_by(|&one, &other| {
                    let key = |at: usize| key_of(&letters[at], sizes[at], criterion.key);
                    let order = key(one).cmp(&key(other));
                    if criterion.reverse { order.reverse() } else { order }
                });
            }
            let sorted = house.inbox().await.sort(&UidSet::all(), &criteria, &Progress::default()).await.unwrap();
            let sorted: Vec<usize> = sorted.iter().map(|uid| uid.value() as usize - 1).collect();
            assert_eq!(sorted, expected, "{criteria:?}");
        });
    }
}
