use std::sync::LazyLock;

use posthouse_model::{Domain, UnixMillis};
use proptest::prelude::*;

use super::*;
use crate::LookupError;
use crate::dkim::{DkimAlgorithm, DkimKey, DkimSigner, KeyFault, SignatureFault};
use crate::test_dns::TestDns;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const MESSAGE: &str = "Received: from a by b; now\r\nDKIM-Signature: v=1; a=rsa-sha256\r\n\
                       From: Ann <ann@example.org>\r\nTo: list@example.net\r\nSubject: hi\r\n\r\nThe text.\r\n";

/// Those who hand mail on.
static SIGNERS: LazyLock<[DkimSigner; 2]> = LazyLock::new(|| {
    [(DkimAlgorithm::RsaSha256, "one.example"), (DkimAlgorithm::Ed25519Sha256, "two.example")].map(
        |(algorithm, domain)| DkimSigner {
            domain: Domain::parse(domain).unwrap(),
            selector: "s".to_owned(),
            key: DkimKey::generate(algorithm).unwrap(),
        },
    )
});

fn zone() -> TestDns {
    SIGNERS.iter().fold(TestDns::default(), |dns, signer| {
        dns.with(&format!("s._domainkey.{}", signer.domain), &signer.key.record().unwrap())
    })
}

fn verify(message: &str, dns: &TestDns) -> ArcResult {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(ArcChain::read(&[message]).verify(dns, NOW))
}

fn outcome(message: &str) -> ArcOutcome {
    verify(message, &zone()).outcome
}

/// The message when one more has handed it on.
fn sealed(message: &str) -> Option<String> {
    let chain = ArcChain::read(&[message]);
    let outcome = verify(message, &zone()).outcome;
    let signer = &SIGNERS[message.matches("ARC-Seal").count() % 2];
    let fields = chain.seal(&[message], &outcome, "mx.example;\r\n\tdkim=pass header.d=x", signer, NOW).unwrap()?;
    Some(String::from_utf8(fields).unwrap() + message)
}

fn handed_on(times: usize) -> String {
    (0..times).fold(MESSAGE.to_owned(), |message, _| sealed(&message).unwrap())
}

#[test]
fn chains_hold_from_hand_to_hand() {
    assert_eq!(verify(MESSAGE, &zone()), ArcResult { sealers: Vec::new(), outcome: ArcOutcome::None });
    let dns = zone();
    let result = verify(&handed_on(5), &dns);
    assert_eq!(result.outcome, ArcOutcome::Pass);
    let sealers: Vec<&str> = result.sealers.iter().map(Domain::as_str).collect();
    assert_eq!(sealers, ["one.example", "two.example", "one.example", "two.example", "one.example"]);
    assert_eq!(dns.asked(), 2);
}

#[test]
fn what_a_set_says() {
    let message = handed_on(2).replace("\r\n\t", "");
    let fields: Vec<&str> = message.lines().take(6).collect();
    for (field, beginning) in fields.iter().zip([
        "ARC-Seal: i=2; a=ed25519-sha256; cv=pass; d=two.example; s=s; t=1700000000; b=",
        "ARC-Message-Signature: i=2; a=ed25519-sha256; c=relaxed/relaxed; d=two.example; s=s; t=1700000000; h=from:",
        "ARC-Authentication-Results: i=2; mx.example;dkim=pass",
        "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=one.example;",
        "ARC-Message-Signature: i=1;",
        "ARC-Authentication-Results: i=1;",
    ]) {
        assert!(field.starts_with(beginning), "{field}");
    }
    assert!(fields[1].contains(":dkim-signature;"), "{}", fields[1]);
}

#[test]
fn fifty_and_no_more() {
    let last = handed_on(MAX_ARC_SETS);
    assert_eq!(outcome(&last), ArcOutcome::Pass);
    assert_eq!(sealed(&last), None);
    let more = last.replacen("i=50;", "i=51;", 3);
    assert_eq!(outcome(&more), ArcOutcome::Fail(ArcFault::NoInstance));
}

#[test]
fn what_is_changed_shows() {
    let message = handed_on(3);
    let altered = |fault| ArcOutcome::Fail(fault);
    for (from, to, expected) in [
        ("The text", "A text", altered(ArcFault::MessageAltered(3))),
        ("Subject: hi", "Subject: ho", altered(ArcFault::MessageAltered(3))),
        ("Subject: hi", "Subject: hi\r\nSubject: ho", altered(ArcFault::MessageAltered(3))),
        ("i=3; mx.example", "i=3; my.example", altered(ArcFault::SealBroken(3))),
        ("i=1; mx.example", "i=1; my.example", altered(ArcFault::SealBroken(3))),
        ("i=2; a=ed25519-sha256; cv=pass", "i=2; a=ed25519-sha256; cv=none", altered(ArcFault::Status(2))),
        ("i=1; a=rsa-sha256; cv=none", "i=1; a=rsa-sha256; cv=pass", altered(ArcFault::Status(1))),
        ("cv=none", "cv=fail", altered(ArcFault::Status(1))),
        ("cv=none; ", "", altered(ArcFault::Signature(1, SignatureFault::Missing("cv")))),
        ("cv=none;", "cv=none; h=from;", altered(ArcFault::Signature(1, SignatureFault::BadValue("h")))),
        ("ARC-Authentication-Results: i=2;", "X: i=2;", altered(ArcFault::Incomplete(2))),
        ("ARC-Authentication-Results: i=2;", "ARC-Authentication-Results: i=1;", altered(ArcFault::Twice(1))),
        ("ARC-Authentication-Results: i=2;", "ARC-Authentication-Results: i=0;", altered(ArcFault::NoInstance)),
        ("ARC-Seal: i=2;", "ARC-Seal: i=2; i=2;", altered(ArcFault::NoInstance)),
        // Case and folds of fields do not matter.
        ("ARC-Seal: i=2;", "arc-seal:\r\n\ti=2;", ArcOutcome::Pass),
    ] {
        // The earlier sets are below the later ones.
        let changed = message.replacen(from, to, 1);
        assert_ne!(changed, message, "{from}");
        assert_eq!(outcome(&changed), expected, "{from} to {to}");
    }
}

/// Only an earlier signature of the message is broken by what was changed between two hands.
#[test]
fn changes_between_hands_are_theirs() {
    let changed = handed_on(1).replace("The text", "List: the text");
    assert!(matches!(outcome(&changed), ArcOutcome::Fail(ArcFault::MessageAltered(1))));
    // Whoever changes something and seals it truly says what they found: the chain held when it came.
    let chain = ArcChain::read(&[&changed]);
    let fields =
        chain.seal(&[&changed], &ArcOutcome::Pass, "two.example; arc=pass", &SIGNERS[1], NOW).unwrap().unwrap();
    assert_eq!(outcome(&(String::from_utf8(fields).unwrap() + &changed)), ArcOutcome::Pass);
}

#[test]
fn a_chain_that_fails_ends() {
    let broken = handed_on(2).replace("The text", "A text");
    let ended = sealed(&broken).unwrap();
    assert!(ended.starts_with("ARC-Seal: i=3; a=rsa-sha256; cv=fail;"), "{ended}");
    assert_eq!(outcome(&ended), ArcOutcome::Fail(ArcFault::Ended(3)));
    assert_eq!(sealed(&ended), None);
}

#[test]
fn keys_that_cannot_be_had() {
    let message = handed_on(2);
    let lost = LookupError::Unavailable("x".to_owned());
    let dns = zone().failing("s._domainkey.one.example", lost.clone());
    let result = verify(&message, &dns);
    assert_eq!(result.outcome, ArcOutcome::KeyUnavailable(lost));
    // Nobody knows what to say of the chain: it goes on as it is.
    let chain = ArcChain::read(&[&message]);
    assert_eq!(chain.seal(&[&message], &result.outcome, "mx.example; none", &SIGNERS[0], NOW).unwrap(), None);
    let dns = zone().failing("s._domainkey.one.example", LookupError::NoSuchName);
    let expected = ArcOutcome::Fail(ArcFault::Key(1, KeyFault::None(LookupError::NoSuchName)));
    assert_eq!(verify(&message, &dns).outcome, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_sealed_holds(
        fields in prop::collection::vec(("(To|Subject|X-Y|List-Id)", "[ -~ä\t]{0,20}(\r\n [!-~]{1,5})?"), 0..5),
        body in "[ -~ä\t\r\n]{0,60}",
        times in 1usize..4,
    ) {
        let header: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let message = format!("From: a@example.org\r\n{header}\r\n{body}");
        let handed_on = (0..times).fold(message, |message, _| sealed(&message).unwrap());
        prop_assert_eq!(outcome(&handed_on), ArcOutcome::Pass);
    }

    #[test]
    fn nothing_makes_it_panic(text in "(ARC-(Seal|Message-Signature|Authentication-Results): i=[0-3];[a-z=;:/ ]{0,20}\r\n){0,8}") {
        let message = format!("{text}\r\nbody");
        let found = outcome(&message);
        prop_assert!(found == ArcOutcome::None || matches!(found, ArcOutcome::Fail(_)));
        sealed(&message);
    }
}
