//! What a host answers, and what is told of it.

use std::time::Duration;

use posthouse_flow::{Environment, SystemEnvironment};
use posthouse_model::{ByMode, DeliverBy};

use super::*;

async fn check(manners: Manners, one: Consignment, expected: &[&str]) {
    let peer = Peer::start(manners).await;
    let told = carry_one(&courier(), &hop(&peer, HopTls::Opportunistic), one).await;
    let expected: Vec<String> = expected.iter().map(|&line| line.to_owned()).collect();
    assert_eq!(told, Ok(expected), "{:?}", peer.commands());
}

#[tokio::test]
async fn a_message_arrives_as_it_is() {
    let peer = Peer::start(Manners::default()).await;
    let results =
        courier().carry(&hop(&peer, HopTls::Opportunistic), vec![consignment(&["bob@far.example"])]).await.unwrap();
    let taken = &peer.taken()[0];
    assert_eq!((taken.text.as_str(), taken.recipients, taken.in_tls), (TEXT, 1, false));
    assert_eq!(results[0].host, "peer.example [127.0.0.1]");
    assert_eq!((results[0].tls.clone(), results[0].offers_dsn), (None, true));
    assert!(peer.has_seen("EHLO own.example"));
    let mail = format!("MAIL FROM:<ann@own.example> SIZE={}", TEXT.len());
    assert!(peer.commands().contains(&mail), "{:?}", peer.commands());
}

#[tokio::test]
async fn chunks_where_they_are_offered() {
    let manners = Manners { extensions: vec!["CHUNKING"], ..Manners::default() };
    let peer = Peer::start(manners).await;
    let told = carry_one(&courier(), &hop(&peer, HopTls::None), consignment(&["bob@far.example"])).await;
    assert_eq!(told, Ok(vec!["ok 250".to_owned()]));
    assert!(peer.has_seen("BDAT") && !peer.has_seen("DATA"));
}

#[tokio::test]
async fn each_recipient_has_its_own_answer() {
    let manners = Manners {
        answer: Box::new(|_, line| match line {
            "RCPT TO:<bad@far.example>" => Some(Deed::Say("550 5.1.1 no such user")),
            "RCPT TO:<busy@far.example>" => Some(Deed::Say("450 4.2.0 try later")),
            _ => None,
        }),
        ..Manners::default()
    };
    let one = consignment(&["bad@far.example", "bob@far.example", "busy@far.example"]);
    let expected =
        ["never the host said: 550 5.1.1 no such user", "ok 250", "later the host said: 450 4.2.0 try later"];
    check(manners, one, &expected).await;
}

#[tokio::test]
async fn what_the_final_reply_says_counts() {
    let one = || consignment(&["bob@far.example"]);
    check(at(TEXT_ENDS, Deed::Say("554 5.6.0 no")), one(), &["never the host said: 554 5.6.0 no"]).await;
    check(at(TEXT_ENDS, Deed::Say("451 wait")), one(), &["later the host said: 451 wait"]).await;
    check(at("MAIL", Deed::Say("553 5.1.8 who?")), one(), &["never the host said: 553 5.1.8 who?"]).await;
    check(at("DATA", Deed::Say("452 4.3.1 full")), one(), &["later the host said: 452 4.3.1 full"]).await;
}

/// RFC 2852 §4.1.4: what is left of the time goes with the message, and one that is to be returned otherwise goes
/// nowhere else.
#[tokio::test]
async fn the_time_of_a_message_is_passed_on() {
    let now = SystemEnvironment.now();
    let in_an_hour = |mode| {
        let deliver_by = Some(DeliverBy { at: now + Duration::from_secs(3600), mode, trace: false });
        Consignment { deliver_by, ..consignment(&["bob@far.example"]) }
    };
    let peer = Peer::start(Manners { extensions: vec!["DELIVERBY 60"], ..Manners::default() }).await;
    for mode in [ByMode::Return, ByMode::Notify] {
        let results = courier().carry(&hop(&peer, HopTls::None), vec![in_an_hour(mode)]).await.unwrap();
        assert!(results[0].offers_deliver_by);
    }
    for mode in ["R", "N"] {
        let is_said = |line: &String| {
            let seconds = line.strip_prefix("MAIL FROM:<ann@own.example> BY=")?.strip_suffix(&format!(";{mode}"))?;
            seconds.parse().ok().filter(|left| (3500..=3600).contains(left))
        };
        assert!(peer.commands().iter().find_map(is_said).is_some(), "{:?}", peer.commands());
    }
    let least = || Manners { extensions: vec!["DELIVERBY 3601"], ..Manners::default() };
    let none = || Manners { extensions: Vec::new(), ..Manners::default() };
    let refused = "never the sender wants the message returned unless it is delivered in time, and the host does not offer \
                   DELIVERBY, or not within that time";
    check(least(), in_an_hour(ByMode::Return), &[refused]).await;
    check(none(), in_an_hour(ByMode::Return), &[refused]).await;
    check(none(), in_an_hour(ByMode::Notify), &["ok 250"]).await;
}

#[tokio::test]
async fn what_a_host_cannot_take_is_not_sent_to_it() {
    let bare = || Manners { extensions: vec!["SIZE 10"], ..Manners::default() };
    let eight_bit = Consignment {
        body_type: BodyType::EightBitMime,
        content: vec![Bytes::from_static("Subject: x\r\n\r\né\r\n".as_bytes())],
        ..consignment(&["bob@far.example"])
    };
    let international = Consignment { smtputf8: true, ..consignment(&["bob@far.example"]) };
    let strict = Consignment { require_tls: true, ..consignment(&["bob@far.example"]) };
    check(bare(), eight_bit, &["never the message has 8-bit text, which the host does not support"]).await;
    check(bare(), international, &["never the message has international addresses, which the host does not support"])
        .await;
    check(bare(), strict, &["later the sender requires TLS all the way, but the host does not offer REQUIRETLS"]).await;
    check(
        bare(),
        consignment(&["bob@far.example"]),
        &["never the message is larger than the 10 octets that the host accepts"],
    )
    .await;
}

#[tokio::test]
async fn too_many_recipients_go_in_more_transactions() {
    let manners = Manners { extensions: vec!["PIPELINING", "LIMITS RCPTMAX=2"], ..Manners::default() };
    let peer = Peer::start(manners).await;
    let one = consignment(&["a@far.example", "b@far.example", "c@far.example", "d@far.example", "e@far.example"]);
    let told = carry_one(&courier(), &hop(&peer, HopTls::None), one).await;
    assert_eq!(told, Ok(vec!["ok 250".to_owned(); 5]));
    let counts: Vec<usize> = peer.taken().iter().map(|taken| taken.recipients).collect();
    assert_eq!((counts, peer.connections()), (vec![2, 2, 1], 1));
}

#[tokio::test]
async fn a_host_that_says_too_many_is_asked_again() {
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let manners = Manners {
        answer: Box::new(move |_, line| {
            let third = line.starts_with("RCPT") && seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 2;
            third.then_some(Deed::Say("452 4.5.3 too many recipients"))
        }),
        ..Manners::default()
    };
    check(manners, consignment(&["a@far.example", "b@far.example", "c@far.example"]), &["ok 250"; 3]).await;
}
