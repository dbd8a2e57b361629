use super::*;
use crate::MessageRefusal;

/// What Bob gets of what Ann hands in, without the fields on top of it.
async fn submitted(text: &str) -> Result<String, MessageRefusal> {
    let house = House::open().await;
    house.receive(house.submission().await, envelope("ann@ours.example", &["bob@ours.example"]), text).await?;
    let stored = house.inbox("bob").await.remove(0);
    let (_, rest) = stored.split_once(" +0000\r\n").unwrap();
    Ok(rest.to_owned())
}

async fn check(text: &str, expected: Result<&str, MessageRefusal>) {
    assert_eq!(submitted(text).await, expected.map(str::to_owned), "{text:?}");
}

const COMPLETE: &str = "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@x>\r\n";

#[tokio::test(start_paused = true)]
async fn missing_fields_are_added() {
    let stored = submitted("From: ann@ours.example\r\n\r\nthe text\r\n").await.unwrap();
    let lines: Vec<&str> = stored.split("\r\n").collect();
    assert_eq!(lines[0], "Date: Tue, 14 Nov 2023 22:13:20 +0000");
    assert!(lines[1].starts_with("Message-ID: <") && lines[1].ends_with("@mx.ours.example>"), "{}", lines[1]);
    assert_eq!(lines[2..], ["From: ann@ours.example", "", "the text", ""]);
    let complete = format!("{COMPLETE}From: ann@ours.example\r\n\r\nthe text\r\n");
    check(&complete, Ok(&complete)).await;
}

#[tokio::test(start_paused = true)]
async fn blind_copies_stay_blind() {
    let head = format!("{COMPLETE}From: ann@ours.example\r\n");
    let clean = format!("{head}To: x@far.example\r\n\r\nBcc: text\r\n");
    for bcc in
        ["Bcc: carl@far.example\r\n", "BCC: a@b.example,\r\n c@d.example\r\n", "bcc:\r\n", "bCc : x@y.example\r\n"]
    {
        check(&format!("{head}{bcc}To: x@far.example\r\n\r\nBcc: text\r\n"), Ok(&clean)).await;
        check(&format!("{bcc}{head}{bcc}To: x@far.example\r\n{bcc}\r\nBcc: text\r\n"), Ok(&clean)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn originators_belong_to_the_login() {
    let good = [
        "From: Ann <ann@ours.example>\r\n",
        "From: \"bob@ours.example\" <ann@ours.example>\r\n",
        "from: ANN@ours.example\r\n",
        "From: ann@ours.example\r\nSender: ann@ours.example\r\n",
    ];
    for header in good {
        let text = format!("{COMPLETE}{header}\r\nx\r\n");
        check(&text, Ok(&text)).await;
    }
    let bad = [
        ("From: bob@ours.example\r\n", MessageRefusal::FromNotOwned),
        ("From: ann@ours.example, bob@ours.example\r\n", MessageRefusal::FromNotOwned),
        ("From: \"ann@ours.example\" <boss@far.example>\r\n", MessageRefusal::FromNotOwned),
        ("From: ann@ours.example\r\nSender: bob@ours.example\r\n", MessageRefusal::FromNotOwned),
        ("From: ann@ours.example\r\nFrom: boss@far.example\r\n", MessageRefusal::MalformedHeader),
        ("From: boss@far.example\r\nFrom: ann@ours.example\r\n", MessageRefusal::MalformedHeader),
        ("From: ann@ours.example\r\nFrom : boss@far.example\r\n", MessageRefusal::MalformedHeader),
        (
            "From: ann@ours.example\r\nSender: ann@ours.example\r\nSender: x@far.example\r\n",
            MessageRefusal::MalformedHeader,
        ),
        ("Subject: no author\r\n", MessageRefusal::MalformedHeader),
        ("From:\r\n", MessageRefusal::MalformedHeader),
        ("From: undisclosed\r\n", MessageRefusal::MalformedHeader),
    ];
    for (header, refusal) in bad {
        check(&format!("{COMPLETE}{header}\r\nx\r\n"), Err(refusal)).await;
    }
}
