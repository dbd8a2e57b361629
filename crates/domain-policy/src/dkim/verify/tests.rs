use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::dkim::Canonicalization::{Relaxed, Simple};
use crate::dkim::check::{push_field, without_signature};
use crate::dkim::tags::words;
use crate::dkim::{BodyHash, DkimAlgorithm, DkimKey, DkimSigner, MAX_TAG_LIST_BYTES, sign};
use crate::test_dns::TestDns;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const MESSAGE: &str = "From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: hi\r\n there\r\n\r\n\
                       The text.\r\n\r\nEnd\r\n";

static KEYS: LazyLock<[DkimSigner; 2]> = LazyLock::new(|| {
    [(DkimAlgorithm::RsaSha256, "r"), (DkimAlgorithm::Ed25519Sha256, "e")].map(|(algorithm, selector)| DkimSigner {
        domain: Domain::parse("example.org").unwrap(),
        selector: selector.to_owned(),
        key: DkimKey::generate(algorithm).unwrap(),
    })
});

fn zone() -> TestDns {
    KEYS.iter().fold(TestDns::default(), |dns, signer| {
        dns.with(&format!("{}._domainkey.example.org", signer.selector), &signer.key.record().unwrap())
    })
}

/// A message with a signature of each of our keys.
fn signed(message: &str) -> String {
    let fields = sign(&KEYS.each_ref(), &[message], NOW).unwrap();
    String::from_utf8(fields).unwrap() + message
}

fn verify_at(message: &[u8], dns: &TestDns, now: UnixMillis) -> Vec<DkimResult> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(DkimSignatures::read(&[message]).verify(dns, now))
}

fn outcomes(message: &str, dns: &TestDns) -> Vec<DkimOutcome> {
    verify_at(message.as_bytes(), dns, NOW).into_iter().map(|result| result.outcome).collect()
}

/// A message with a signature by the Ed25519 key, of this form, over these fields, with more tags.
fn made(form: (Canonicalization, Canonicalization), names: &str, more: &str, message: &str) -> String {
    let split = Split::of(&[message]);
    let length = more.split("l=").nth(1).map(|rest| rest.split(';').next().unwrap().parse().unwrap());
    let mut body = BodyHash::new(form.1, length);
    split.body(&[message]).for_each(|piece| body.update(piece));
    let word = |form| if form == Simple { "simple" } else { "relaxed" };
    let own = format!(
        "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=e;\r\n c={}/{}; h={names}; {more}\r\n bh={}; b=",
        word(form.0),
        word(form.1),
        STANDARD.encode(body.finish().hash)
    );
    let fields = fields(&split.header);
    let mut text = Vec::new();
    for place in FieldIndex::of(&fields).select(words(names), usize::MAX) {
        push_field(&mut text, fields[place], form.0);
    }
    text.extend(without_signature(own.as_bytes(), own.len() - 15..own.len() - 15, form.0));
    format!("{own}{}\r\n{message}", STANDARD.encode(KEYS[1].key.sign(&text).unwrap()))
}

#[test]
fn what_we_sign_verifies() {
    let results = verify_at(signed(MESSAGE).as_bytes(), &zone(), NOW);
    let facts: Vec<_> = results.iter().map(|one| (one.selector.as_deref(), one.rsa_bits, &one.outcome)).collect();
    assert_eq!(facts, [(Some("r"), Some(2048), &DkimOutcome::Pass), (Some("e"), None, &DkimOutcome::Pass)]);
    assert!(results.iter().all(|one| one.domain.as_ref().unwrap().as_str() == "example.org"));
    assert!(results.iter().all(|one| one.beginning.as_ref().unwrap().len() == BEGINNING_CHARS));
}

/// The example of RFC 8463, appendix A.
#[test]
fn what_the_standard_signed_verifies() {
    let message = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; \
        i=@football.example.com;\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : \
        message-id : from : subject : date;\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n \
        b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n\
        From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\n\
        Subject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
        Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\nHi.\r\n\r\n\
        We lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    let key = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let dns = TestDns::default().with("brisbane._domainkey.football.example.com", key);
    assert_eq!(outcomes(message, &dns), [DkimOutcome::Pass]);
}

#[test]
fn both_forms_of_both() {
    for header in [Simple, Relaxed] {
        for body in [Simple, Relaxed] {
            let message = made((header, body), "from:to:to", "t=1;", MESSAGE);
            assert_eq!(outcomes(&message, &zone()), [DkimOutcome::Pass], "{message}");
            let refolded = message.replace("To: bob", "TO:  bob");
            let expected = if header == Simple { DkimOutcome::HeaderAltered } else { DkimOutcome::Pass };
            assert_eq!(outcomes(&refolded, &zone()), [expected], "{refolded}");
            let blanks = message.replace("The text", "The  text");
            let expected = if body == Simple { DkimOutcome::BodyAltered } else { DkimOutcome::Pass };
            assert_eq!(outcomes(&blanks, &zone()), [expected], "{blanks}");
            // The attack: a field is put beside one that was signed together with the absence of others.
            let added = message.replace("To: bob", "To: eve@example.com\r\nTo: bob");
            assert_eq!(outcomes(&added, &zone()), [DkimOutcome::HeaderAltered], "{added}");
        }
    }
}

#[test]
fn a_part_of_the_body_is_not_the_body() {
    let message = made((Relaxed, Simple), "from", "l=11;", MESSAGE);
    assert_eq!(outcomes(&message, &zone()), [DkimOutcome::PartOfBody { unsigned_bytes: 7 }]);
    let longer = message.replace("End", "Pay here: https://evil.example");
    assert_eq!(outcomes(&longer, &zone()), [DkimOutcome::PartOfBody { unsigned_bytes: 34 }]);
    let all = made((Relaxed, Simple), "from", "l=18;", MESSAGE);
    assert_eq!(outcomes(&all, &zone()), [DkimOutcome::Pass]);
    let more = made((Relaxed, Simple), "from", "l=19;", MESSAGE);
    assert_eq!(outcomes(&more, &zone()), [DkimOutcome::Unusable(SignatureFault::BodyTooShort)]);
}

#[test]
fn times_and_identities() {
    for (more, expected) in [
        ("t=1700000000; x=1700000001", DkimOutcome::Pass),
        ("x=1700000000", DkimOutcome::Unusable(SignatureFault::Expired)),
        ("t=1700043200", DkimOutcome::Pass),
        ("t=1700043201", DkimOutcome::Unusable(SignatureFault::FromTheFuture)),
        ("i=ann@sub.example.org", DkimOutcome::Pass),
        ("i=ann@example.com", DkimOutcome::Unusable(SignatureFault::ForeignIdentity)),
        ("q=dns/txt:other", DkimOutcome::Pass),
        ("q=other", DkimOutcome::Unusable(SignatureFault::BadValue("q"))),
        ("new=whatever", DkimOutcome::Pass),
    ] {
        let message = made((Relaxed, Relaxed), "from", &format!("{more};"), MESSAGE);
        assert_eq!(outcomes(&message, &zone()), [expected], "{more}");
    }
    let message = made((Relaxed, Relaxed), "to:subject", "", MESSAGE);
    assert_eq!(outcomes(&message, &zone()), [DkimOutcome::Unusable(SignatureFault::FromNotSigned)]);
}

#[test]
fn what_dns_says_of_the_key() {
    let message = made((Relaxed, Relaxed), "from", "i=a@sub.example.org;", MESSAGE);
    let name = "e._domainkey.example.org";
    let record = KEYS[1].key.record().unwrap();
    let other = DkimKey::generate(DkimAlgorithm::Ed25519Sha256).unwrap().record().unwrap();
    let bad = |fault| DkimOutcome::BadKey(fault);
    for (text, expected) in [
        (record.clone(), DkimOutcome::Pass),
        (other, DkimOutcome::HeaderAltered),
        ("v=DKIM1; k=ed25519; p=".to_owned(), bad(KeyFault::Revoked)),
        (KEYS[0].key.record().unwrap(), bad(KeyFault::OtherAlgorithm)),
        (format!("{record}; t=s"), bad(KeyFault::NotForSubdomains)),
        ("hello".to_owned(), bad(KeyFault::Syntax)),
    ] {
        assert_eq!(outcomes(&message, &TestDns::default().with(name, &text)), [expected], "{text}");
    }
    let beside = TestDns::default().with(name, "v=spf1 -all").with(name, &record);
    assert_eq!(outcomes(&message, &beside), [DkimOutcome::Pass]);
    assert_eq!(outcomes(&message, &TestDns::default()), [bad(KeyFault::None(LookupError::NoSuchName))]);
    for error in [LookupError::Unavailable("x".to_owned()), LookupError::Bogus] {
        let dns = TestDns::default().failing(name, error.clone());
        assert_eq!(outcomes(&message, &dns), [DkimOutcome::KeyUnavailable(error)]);
    }
    let testing = TestDns::default().with(name, &format!("{record}; t=y"));
    assert!(verify_at(message.as_bytes(), &testing, NOW)[0].is_testing);
}

#[test]
fn hostile_messages_cost_little() {
    let dns = zone();
    // Signatures that are many: each may cost a question.
    let many = (0..100).map(|_| "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=r; h=from; bh=YQ; b=YQ\r\n");
    let message = many.collect::<String>() + MESSAGE;
    let signatures = DkimSignatures::read(&[message.as_str()]);
    assert_eq!(signatures.left_out, 100 - MAX_VERIFIED_SIGNATURES);
    assert_eq!(outcomes(&message, &dns), vec![DkimOutcome::BodyAltered; MAX_VERIFIED_SIGNATURES]);
    assert_eq!(dns.asked(), 0);
    // A list that is long, a header that is long, octets that are no text.
    let long = format!("DKIM-Signature: v=1; a={}\r\n{MESSAGE}", "x".repeat(MAX_TAG_LIST_BYTES));
    assert_eq!(outcomes(&long, &dns), [DkimOutcome::Unusable(SignatureFault::Tags(TagListError::TooLong))]);
    let header = signed(&format!("X: {}\r\n{MESSAGE}", "x".repeat(MAX_VERIFIED_HEADER_BYTES)));
    assert_eq!(outcomes(&header, &dns), vec![DkimOutcome::Unusable(SignatureFault::HeaderTooLong); 2]);
    let octets = [b"DKIM-Signature: v=\xff\r\n", MESSAGE.as_bytes()].concat();
    let result = verify_at(&octets, &dns, NOW);
    assert_eq!(result[0].outcome, DkimOutcome::Unusable(SignatureFault::Tags(TagListError::Syntax)));
    assert_eq!(outcomes(MESSAGE, &dns), []);
    assert_eq!(outcomes("", &dns), []);
}

/// Whatever the signature covers: its own field, the fields that it names, and the body.
fn is_covered(message: &str, at: usize) -> bool {
    let body = message.find("\r\n\r\n").unwrap() + 4;
    let in_field = |name: &str| {
        let begin = message.find(&format!("\n{name}:")).unwrap() + 1;
        let end = begin + message[begin..].find("\r\n").unwrap();
        (begin..end).contains(&at)
    };
    at >= body || in_field("From") || in_field("Subject")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_we_sign_verifies(
        fields in prop::collection::vec(("(From|To|Subject|X-Y|Date)", "[ -~äö\t]{0,20}(\r\n [!-~]{1,5})?"), 0..6),
        body in "[ -~ä\t\r\n]{0,60}",
    ) {
        let header: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let message = signed(&format!("From: a@example.org\r\n{header}\r\n{body}"));
        prop_assert_eq!(outcomes(&message, &zone()), vec![DkimOutcome::Pass; 2]);
    }

    #[test]
    fn any_octet_that_changes_breaks_it(at in any::<prop::sample::Index>(), to in 0x21u8..0x7f) {
        let message = made((Simple, Simple), "from:subject", "t=1;", MESSAGE);
        let covered: Vec<usize> = (0..message.len()).filter(|at| is_covered(&message, *at)).collect();
        let at = covered[at.index(covered.len())];
        let mut changed = message.clone().into_bytes();
        prop_assume!(changed[at] != to);
        changed[at] = to;
        let results = verify_at(&changed, &zone(), NOW);
        prop_assert!(results.iter().all(|one| one.outcome != DkimOutcome::Pass), "{}", String::from_utf8_lossy(&changed));
    }

    #[test]
    fn no_signature_that_changes_holds(at in 16usize..200, to in 0x21u8..0x7f) {
        let message = made((Relaxed, Relaxed), "from:subject", "t=1;", MESSAGE);
        let end = message.find("\r\nFrom").unwrap();
        let mut changed = message.into_bytes();
        let at = at.min(end - 1);
        // The names of fields may be written in capitals or not.
        prop_assume!(!changed[at].eq_ignore_ascii_case(&to) && !changed[at].is_ascii_whitespace());
        changed[at] = to;
        let results = verify_at(&changed, &zone(), NOW);
        prop_assert!(results.iter().all(|one| one.outcome != DkimOutcome::Pass), "{}", String::from_utf8_lossy(&changed));
    }

    #[test]
    fn nothing_makes_it_panic(octets in prop::collection::vec(any::<u8>(), 0..200), text in "[a-z=;:/ \r\n]{0,80}") {
        verify_at(&octets, &zone(), NOW);
        verify_at(format!("DKIM-Signature: v=1; a=rsa-sha256; {text}\r\n\r\n").as_bytes(), &zone(), NOW);
    }
}
