//! Finding messages.

use posthouse_model::flag::FlagChange;
use posthouse_model::search::Query;
use posthouse_model::{MessageId, ModSeq, ThreadId, UnixDay};

use super::samples::{crlf, mixed};
use super::*;

fn day(year: i32, month: u32, day: u32) -> UnixDay {
    UnixDay::from_date(year, month, day).unwrap()
}

fn header(name: &str, text: &str) -> Query {
    Query::Header(name.to_owned(), text.to_owned())
}

fn body(text: &str) -> Query {
    Query::Body(text.to_owned())
}

fn text(text: &str) -> Query {
    Query::Text(text.to_owned())
}

fn not(query: Query) -> Query {
    Query::Not(Box::new(query))
}

fn keyword(text: &str) -> Query {
    Query::Keyword(Keyword::parse(text).unwrap())
}

/// Five messages: a plain one, the mixed sample, one in base64 and latin letters, one in HTML, one without a header.
async fn library() -> House {
    let house = House::open().await;
    let hour = |number: i64| UnixMillis(NOW.0 + number * 3_600_000);
    let plain = crlf(
        "From: Carl <carl@example.net>\nSubject: Horse shoes\nDate: Mon, 13 Nov 2023 01:00:00 +1100\n\nFour new shoes.\n",
    );
    let base64 = crlf(
        "Subject: =?iso-8859-1?B?R3L832U=?=\n =?utf-8?q?_aus_K=C3=B6ln?=\nX-Empty:\nDate: not a date\n\
         Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: base64\n\n\
         3GJlciBkZW4gRmx1\n3yBuYWNoIEv2bG4=\n",
    );
    let html = crlf(
        "Subject: Sale\nDate: Thu, 16 Nov 2023 12:00:00 +0000\nContent-Type: text/html; charset=utf-8\n\n\
         <html><head><title>hidden</title><style>b { color: red }</style></head>\
         <body class=\"offer\"><p>Ten&nbsp;<b>s</b>addles &amp; reins</p></body></html>\n",
    );
    // NOW is 2023-11-14T22:13:20Z.
    house.append_at("INBOX", plain, "\\Seen", hour(-24)).await;
    house.append_at("INBOX", mixed(), "\\Seen \\Flagged $Road", hour(0)).await;
    house.append_at("INBOX", base64, "\\Draft", hour(1)).await;
    house.append_at("INBOX", html, "\\Deleted \\Answered", hour(2)).await;
    house.append_at("INBOX", "\r\nno header, 12 oats", "", hour(48)).await;
    house
}

async fn check(mailbox: &Mailbox, query: Query, expected: &[u32]) {
    let found = mailbox.search(&query, UnixMillis(NOW.0 + 48 * 3_600_000)).await.unwrap();
    assert_eq!(found, uids(expected), "{query:?}");
}

async fn check_all(table: Vec<(Query, &[u32])>) {
    let house = library().await;
    let inbox = house.inbox().await;
    for (query, expected) in table {
        let rest: Vec<_> = (1..=5).filter(|uid| !expected.contains(uid)).collect();
        check(&inbox, query.clone(), expected).await;
        check(&inbox, not(query), &rest).await;
    }
}

#[tokio::test]
async fn by_what_is_in_memory() {
    check_all(vec![
        (Query::All, &[1, 2, 3, 4, 5]),
        (Query::Uids(uids(&[2, 4, 99])), &[2, 4]),
        (Query::Uids(UidSet::new()), &[]),
        (Query::Flag(SystemFlag::Seen), &[1, 2]),
        (Query::Flag(SystemFlag::Flagged), &[2]),
        (Query::Flag(SystemFlag::Draft), &[3]),
        (Query::Flag(SystemFlag::Deleted), &[4]),
        (Query::Flag(SystemFlag::Answered), &[4]),
        (keyword("$road"), &[2]),
        (keyword("$other"), &[]),
        (Query::Larger(20), &[1, 2, 3, 4]),
        (Query::Larger(19), &[1, 2, 3, 4, 5]),
        (Query::Smaller(20), &[]),
        (Query::Smaller(21), &[5]),
        (Query::ReceivedBefore(day(2023, 11, 14)), &[1]),
        (Query::ReceivedOn(day(2023, 11, 14)), &[2, 3]),
        (Query::ReceivedSince(day(2023, 11, 15)), &[4, 5]),
        (Query::ReceivedOn(day(1969, 12, 31)), &[]),
        (Query::Younger(48 * 3600), &[2, 3, 4, 5]),
        (Query::Younger(48 * 3600 - 1), &[3, 4, 5]),
        (Query::Older(48 * 3600), &[1, 2]),
        (Query::Older(48 * 3600 + 1), &[1]),
        (Query::ThreadId(ThreadId([0; 16])), &[]),
        (Query::EmailId(MessageId(u64::MAX)), &[]),
    ])
    .await;
}

#[tokio::test]
async fn by_the_day_it_was_sent() {
    check_all(vec![
        // The day is the sender's own: RFC 9051 §6.4.4 disregards time and zone.
        (Query::SentOn(day(2023, 11, 13)), &[1]),
        (Query::SentOn(day(2023, 11, 14)), &[2, 3]),
        (Query::SentOn(day(2023, 11, 15)), &[]),
        (Query::SentBefore(day(2023, 11, 14)), &[1]),
        (Query::SentSince(day(2023, 11, 16)), &[4, 5]),
        (Query::SentSince(day(2023, 11, 17)), &[]),
    ])
    .await;
}

#[tokio::test]
async fn by_the_header() {
    check_all(vec![
        (header("subject", "horse"), &[1]),
        (header("subject", "GRÜSSE"), &[]),
        (header("subject", "grüße from the r"), &[2]),
        (header("subject", "GRÜßE"), &[2, 3]),
        (header("subject", "grüße aus KÖLN"), &[3]),
        (header("subject", "utf-8"), &[]),
        (header("subject", ""), &[1, 2, 3, 4]),
        (header("from", "carl@"), &[1]),
        (header("to", "bob"), &[2]),
        (header("x-empty", ""), &[3]),
        (header("x-empty", "x"), &[]),
        (header("x-missing", ""), &[]),
        (header("content-type", "multipart"), &[2]),
    ])
    .await;
}

#[tokio::test]
async fn by_the_text() {
    check_all(vec![
        (body("four NEW"), &[1]),
        (body("horse"), &[2]),
        (body("café on the way home"), &[2]),
        (body("plain words"), &[2]),
        (body("bold words"), &[2]),
        (body("mystery"), &[]),
        (body("preamble"), &[]),
        (body("über den fluß"), &[3]),
        (body("köln"), &[3]),
        (body("3GJlci"), &[]),
        (body("saddles & reins"), &[4]),
        (body("saddles &amp;"), &[]),
        (body("color"), &[]),
        (body("offer"), &[]),
        (body("oats"), &[5]),
        (body(""), &[1, 2, 3, 4, 5]),
        (text("horse"), &[1, 2]),
        (text("carl"), &[1, 2]),
        (text("grüße"), &[2, 3]),
        (text("köln"), &[3]),
        (text("subject: horse"), &[1]),
        (text("oats"), &[5]),
        (text("nowhere at all"), &[]),
    ])
    .await;
}

#[tokio::test]
async fn queries_combine() {
    let seen = || Query::Flag(SystemFlag::Seen);
    check_all(vec![
        (Query::And(vec![]), &[1, 2, 3, 4, 5]),
        (Query::Or(vec![]), &[]),
        (Query::And(vec![seen(), text("horse"), header("subject", "shoes")]), &[1]),
        (Query::Or(vec![body("oats"), header("subject", "sale"), Query::Flag(SystemFlag::Draft)]), &[3, 4, 5]),
        (Query::And(vec![not(seen()), Query::Or(vec![body("köln"), body("oats")])]), &[3, 5]),
        (not(Query::Or(vec![seen(), not(body("oats"))])), &[5]),
        (not(Query::And(vec![not(header("subject", "")), not(seen())])), &[1, 2, 3, 4]),
        (Query::Or(vec![not(Query::Or(vec![not(seen()), text("café")])), body("reins")]), &[1, 4]),
        (Query::And(vec![Query::Uids(uids(&[1, 2])), Query::Uids(uids(&[2, 3])), text("horse")]), &[2]),
        (Query::Or(vec![Query::Uids(uids(&[1])), Query::Uids(uids(&[5]))]), &[1, 5]),
        (Query::And(vec![Query::Or(vec![Query::Uids(uids(&[1])), Query::Uids(uids(&[5]))]), not(seen())]), &[5]),
        ((0..50).fold(body("oats"), |query, _| not(query)), &[5]),
    ])
    .await;
}

#[tokio::test]
async fn by_modseq_and_email_id() {
    let house = library().await;
    let inbox = house.inbox().await;
    let before = inbox.snapshot().highest_modseq;
    inbox.store_flags(&uids(&[2, 5]), FlagChange::Add, &flags("$x"), None).await.unwrap();
    let after = inbox.snapshot().highest_modseq;
    check(&inbox, Query::ModSeq(after), &[2, 5]).await;
    check(&inbox, Query::ModSeq(ModSeq(after.0 + 1)), &[]).await;
    check(&inbox, Query::ModSeq(before), &[2, 5]).await;
    check(&inbox, Query::ModSeq(ModSeq(1)), &[1, 2, 3, 4, 5]).await;
    let bound = crate::BatchBound { messages: 10, size_bytes: u64::MAX };
    let records = inbox.next_rows(&mut crate::Rows::new(uids(&[3]), None), bound);
    check(&inbox, Query::EmailId(records[0].message), &[3]).await;
}

#[tokio::test]
async fn more_messages_than_are_judged_at_once() {
    let house = House::open().await;
    house.fill_inbox(600).await;
    let inbox = house.inbox().await;
    check(&inbox, body("message 599"), &[599]).await;
    check(&inbox, header("subject", "600"), &[600]).await;
    assert_eq!(inbox.search(&body("message"), NOW).await.unwrap().len(), 600);
}

/// What goes while a search is under way is not found, and is no reason to fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_go_during_a_search_are_passed_over() {
    let house = Arc::new(House::open().await);
    for _ in 0..5 {
        house.fill_inbox(300).await;
        let inbox = house.inbox().await;
        let searching = tokio::spawn({
            let inbox = inbox.clone();
            async move {
                loop {
                    let found = inbox.search(&body("message"), NOW).await.expect("a search goes on");
                    if found.is_empty() {
                        return;
                    }
                }
            }
        });
        let all = inbox.snapshot().uids;
        for uid in all.iter() {
            inbox.remove(&[uid].into_iter().collect()).await.unwrap();
            tokio::task::yield_now().await;
        }
        searching.await.unwrap();
    }
}

#[tokio::test]
async fn an_address_with_comments_is_found_as_it_is_meant() {
    let house = House::open().await;
    house.append("INBOX", crlf("From: <carl (the smith)@ (of) example.net>\n\nShoes.\n"), "").await;
    let inbox = house.inbox().await;
    for (needle, found) in [("carl@example.net", &[1][..]), ("the smith", &[1]), ("carl@example.org", &[])] {
        check(&inbox, header("from", needle), found).await;
    }
}
