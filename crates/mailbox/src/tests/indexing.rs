//! The index of words: whatever it knows, a search finds the same.

use std::sync::Arc;

use posthouse_model::search::Query;
use posthouse_storage::{BodyKey, SearchIndex, TermMatch};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::samples::{crlf, mixed};
use super::*;
use crate::{IndexWhen, Indexer, IndexerOptions};

fn indexer(house: &House) -> Arc<Indexer> {
    Arc::new(Indexer::new(&house.mailboxes, IndexerOptions { when: IndexWhen::Never }))
}

/// Which messages a query finds.
async fn found(mailbox: &Mailbox, query: &Query) -> UidSet {
    mailbox.search(query, NOW).await.unwrap()
}

/// A word of the alphabets in which tests write.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["horse", "Horse", "shoe", "shoes", "post", "posthouse", "cafe", "café", "CAFÉ"]).prop_map(str::to_owned),
        2 => prop::sample::select(vec!["cafe\u{301}", "Straße", "ΣΊΣΥΦΟΣ", "σίσυφος", "Ёлка", "日本語", "日本", "本", "ガラス", "한국어"]).prop_map(str::to_owned),
        2 => "[a-c]{1,5}",
        1 => "[a-cé日本1-3\u{301}]{1,4}",
        1 => Just("xn--12345@example.org".to_owned()),
    ]
}

fn words(separator: &'static str, count: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(word(), count).prop_map(move |words| words.join(separator))
}

/// A message whose text is in one of the ways of writing it.
fn message() -> impl Strategy<Value = String> {
    let header = (words(" ", 0..4), words(" ", 0..3), 0..3_u8).prop_map(|(subject, other, way)| {
        let subject = match way {
            0 => subject,
            1 => format!("=?utf-8?b?{}?=", base64(subject.as_bytes())),
            _ => format!("=?utf-8?q?{}?=", quoted(&subject).replace(' ', "_").replace('?', "=3F")),
        };
        format!("Subject: {subject}\r\nFrom: ann@example.org\r\nTo: {other}\r\nX-Other: {other}\r\n")
    });
    (header, words(" ", 0..12), words("\r\n", 0..5), 0..5_u8).prop_map(|(header, text, more, way)| match way {
        0 => format!("{header}\r\n{text}\r\n{more}\r\n"),
        1 => format!(
            "{header}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
            base64(format!("{text}\r\n{more}").as_bytes())
        ),
        2 => format!(
            "{header}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}=\r\n{}\r\n",
            quoted(&text),
            quoted(&more)
        ),
        3 => format!("{header}Content-Type: text/html; charset=utf-8\r\n\r\n<p>{text}</p><b>{more}</b><i>horse</i>shoe\r\n"),
        _ => format!(
            "{header}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{text}\r\n--b\r\n\
             Content-Type: text/plain; name=\"shoes.txt\"\r\nContent-Disposition: attachment\r\n\r\n{more}\r\n--b\r\n\
             Content-Type: application/octet-stream\r\n\r\nhorse\r\n--b--\r\n"
        ),
    })
}

fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let value = (0..3).fold(0_usize, |value, at| value << 8 | usize::from(*group.get(at).unwrap_or(&0)));
        let digit = move |at: usize| match at <= group.len() {
            true => char::from(DIGITS[value >> (18 - 6 * at) & 63]),
            false => '=',
        };
        [digit(0), digit(1), digit(2), digit(3)]
    };
    octets.chunks(3).flat_map(group).collect()
}

fn quoted(text: &str) -> String {
    let quote = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b' ' => char::from(octet).to_string(),
        b'\r' | b'\n' => char::from(octet).to_string(),
        _ => format!("={octet:02X}"),
    };
    text.bytes().map(quote).collect()
}

fn query() -> impl Strategy<Value = Query> {
    let needle = prop_oneof![3 => word(), 2 => words(" ", 1..3), 1 => "[a-c日é]{1,3}", 1 => "(shoe|orse|ost|fe| h|: |café|本語)"];
    let field = prop::sample::select(vec!["subject", "from", "to", "cc", "x-other", "content-type"]);
    let leaf = (needle, field, 0..4_u8).prop_map(|(needle, field, kind)| match kind {
        0 => Query::Text(needle),
        1 => Query::Body(needle),
        _ => Query::Header(field.to_owned(), needle),
    });
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Query::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Query::Or),
            inner.prop_map(|one| Query::Not(Box::new(one))),
        ]
    })
}

/// The same searches without an index, with an index of some messages, and with an index of all.
#[test]
fn an_index_changes_no_answer() {
    let strategy = (
        prop::collection::vec(message(), 4..14),
        prop::collection::vec(message(), 0..4),
        prop::collection::vec(query(), 1..12),
    );
    let mut runner = TestRunner::new(Config { cases: 60, ..Config::default() });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let outcome = runner.run(&strategy, |(first, later, queries)| {
        runtime.block_on(async {
            let house = House::open().await;
            for raw in &first {
                house.append("INBOX", raw.clone(), "").await;
            }
            let (indexer, indexed) = (indexer(&house), house.inbox().await);
            let account = house.ann.account();
            let mut without = Vec::new();
            for query in &queries {
                without.push(found(&indexed, query).await);
            }
            indexer.catch_up_now(account).await.unwrap();
            assert_eq!(indexer.check(account).await.unwrap(), Vec::<String>::new());
            for (query, without) in queries.iter().zip(&without) {
                assert_eq!(&found(&indexed, query).await, without, "{query:?}");
            }
            for raw in &later {
                house.append("INBOX", raw.clone(), "").await;
            }
            let mut half = Vec::new();
            for query in &queries {
                half.push(found(&indexed, query).await);
            }
            indexer.reindex(account).await.unwrap();
            for (query, half) in queries.iter().zip(&half) {
                assert_eq!(&found(&indexed, query).await, half, "{query:?}");
            }
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// A hundred messages, of which a few are told apart by one word each.
async fn library() -> (House, Arc<Indexer>) {
    let house = House::open().await;
    for number in 0..100 {
        let word = ["horse", "mule", "ox", "donkey"][number % 4];
        let raw = format!(
            "Subject: {word} {number}\r\nTo: bob@example.org\r\n\r\nA {word} and number {number} of the café.\r\n"
        );
        house.append("INBOX", raw, "").await;
    }
    let indexer = indexer(&house);
    (house, indexer)
}

/// What is certain is not read: bodies that are gone from under the index prove it.
#[tokio::test]
async fn what_the_index_knows_is_not_read() {
    let (house, indexer) = library().await;
    let inbox = house.inbox().await;
    indexer.catch_up_now(house.ann.account()).await.unwrap();
    house.store.lose_bodies();
    let expected: UidSet = (0..100).filter(|number| number % 4 == 1).map(|number| uid(number + 1)).collect();
    for query in [
        Query::Text("MULE".to_owned()),
        Query::Body("mule".to_owned()),
        Query::Header("subject".to_owned(), "mule".to_owned()),
        Query::And(vec![Query::Body("Mule".to_owned()), Query::Body("cafe".to_owned())]),
        Query::Or(vec![Query::Body("mul".to_owned()), Query::Body("giraffe and more".to_owned())]),
    ] {
        assert_eq!(found(&inbox, &query).await, expected, "{query:?}");
    }
}

#[tokio::test]
async fn a_message_is_found_by_the_next_command() {
    let (house, indexer) = library().await;
    indexer.catch_up_now(house.ann.account()).await.unwrap();
    let inbox = house.inbox().await;
    let new = house.append("INBOX", mixed(), "").await;
    assert_eq!(found(&inbox, &Query::Text("café on the way".to_owned())).await, uids(&[new.value()]));
    inbox.remove(&uids(&[new.value()])).await.unwrap();
    assert_eq!(found(&inbox, &Query::Text("café on the way".to_owned())).await, uids(&[]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_stay_right_while_the_index_is_made_anew() {
    let (house, indexer) = library().await;
    let account = house.ann.account();
    let inbox = house.inbox().await;
    let query = Query::Text("donkey".to_owned());
    let expected = found(&inbox, &query).await;
    assert_eq!(expected.len(), 25);
    let rebuilding = tokio::spawn({
        let indexer = Arc::clone(&indexer);
        async move {
            for _ in 0..20 {
                indexer.reindex(account).await.unwrap();
                let state = indexer.catch_up_now(account).await.unwrap();
                assert_eq!((state.waiting, state.documents), (0, 100));
            }
        }
    });
    while !rebuilding.is_finished() {
        assert_eq!(found(&inbox, &query).await, expected);
    }
    rebuilding.await.unwrap();
}

/// The indexer works by itself: for who searches, and when enough has come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_indexer_follows_the_mail() {
    for (when, searches) in [(IndexWhen::Always, false), (IndexWhen::Searched, true)] {
        let house = House::open().await;
        let indexer = Arc::new(Indexer::new(&house.mailboxes, IndexerOptions { when }));
        let (over, is_over) = tokio::sync::watch::channel(false);
        let running = tokio::spawn(Arc::clone(&indexer).run(is_over));
        house.fill_inbox(100).await;
        if searches {
            assert_eq!(found(&house.inbox().await, &Query::Body("message 77".to_owned())).await, uids(&[77]));
        }
        while indexer.state(None).await.unwrap().waiting >= 64 {
            tokio::task::yield_now().await;
        }
        assert_eq!(found(&house.inbox().await, &Query::Body("message 77".to_owned())).await, uids(&[77]));
        over.send_replace(true);
        running.await.unwrap();
    }
}

/// A part of a megabyte and more is read by itself; what is beyond the limits is passed over; nothing grows beyond
/// bounds.
#[tokio::test]
async fn hostile_messages_are_searched_within_bounds() {
    let house = House::open().await;
    let text = "lorem ipsum dolor sit amet\r\n".repeat(50_000);
    let encoded = base64(format!("{text}needle in the hay").as_bytes());
    let base64_text = format!("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}");
    let entities = format!("Content-Type: text/html\r\n\r\n{}<b>straw</b>", "&lt;&amp;&#x10FFFF;".repeat(60_000));
    let tags = format!("Content-Type: text/html\r\n\r\n{} straw", "<div><".repeat(100_000));
    let header = format!("Subject: x\r\nX-Long: {}\r\nX-Last: straw\r\n\r\nshort", "abc ".repeat(400_000));
    let mut nested = "Content-Type: text/plain\r\n\r\nstraw".to_owned();
    for depth in 0..200 {
        nested =
            format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n{nested}\r\n--b{depth}--");
    }
    let ligatures = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}straw", "\u{fdfa}".repeat(100_000));
    for raw in [base64_text, entities, tags, header, nested, ligatures] {
        house.append("INBOX", raw, "").await;
    }
    let (indexer, inbox) = (indexer(&house), house.inbox().await);
    let queries = [
        Query::Body("needle in the hay".to_owned()),
        Query::Text("straw".to_owned()),
        Query::Body("amet lorem".to_owned()),
    ];
    let mut before = Vec::new();
    for query in &queries {
        before.push(found(&inbox, query).await);
    }
    assert_eq!(before[0], uids(&[1]));
    assert_eq!(before[2], uids(&[1]));
    assert!([2, 3, 6].iter().all(|number| before[1].contains(uid(*number))), "{:?}", before[1]);
    indexer.catch_up_now(house.ann.account()).await.unwrap();
    for (query, before) in queries.iter().zip(&before) {
        assert_eq!(&found(&inbox, query).await, before, "{query:?}");
    }
    assert_eq!(indexer.check(house.ann.account()).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_index_is_told() {
    let (house, indexer) = library().await;
    let account = house.ann.account();
    indexer.catch_up_now(account).await.unwrap();
    house.append("INBOX", crlf("Subject: mule\n\nnew"), "").await;
    let next = house.store.next_unindexed(account, 1, 10).await.unwrap().unwrap();
    let document = posthouse_storage::IndexDocument { body: next.messages[0].body, terms: vec![1], is_complete: true };
    let batch =
        posthouse_storage::IndexBatch { mailbox: next.mailbox, through: next.through, documents: vec![document] };
    house.store.add_to_index(account, 1, batch).await.unwrap();
    assert_eq!(indexer.check(account).await.unwrap().len(), 1);
    let unknown = house.store.match_terms(account, 1, vec![BodyKey(9_999)], Vec::new()).await.unwrap();
    assert_eq!(unknown, [TermMatch::Unindexed]);
}
