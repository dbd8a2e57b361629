//! Signatures and seals of a message, and the record of their key, all by strangers. Whatever is asked of DNS is bounded,
//! and a seal that is put on what has none holds.
#![no_main]

use std::net::IpAddr;
use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use libfuzzer_sys::fuzz_target;
use posthouse_domain_policy::arc::{ArcChain, ArcOutcome, MAX_ARC_SETS};
use posthouse_domain_policy::dkim::{
    DkimAlgorithm, DkimKey, DkimSignatures, DkimSigner, MAX_VERIFIED_SIGNATURES, TagList,
};
use posthouse_domain_policy::{LookupError, MxRecord, Proof, Records, Resolver};
use posthouse_model::{Domain, UnixMillis};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

static SIGNER: LazyLock<DkimSigner> = LazyLock::new(|| DkimSigner {
    domain: Domain::parse("own.example").expect("a domain"),
    selector: "own".to_owned(),
    key: DkimKey::generate(DkimAlgorithm::Ed25519Sha256).expect("a key"),
});
static OWN_RECORD: LazyLock<String> = LazyLock::new(|| SIGNER.key.record().expect("a record"));

/// Answers everything but our own name with one record.
struct Dns {
    record: String,
    asked: AtomicUsize,
}

#[async_trait]
impl Resolver for Dns {
    async fn mx(&self, _: &Domain) -> Result<Records<MxRecord>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn addresses(&self, _: &Domain) -> Result<Records<IpAddr>, LookupError> {
        Err(LookupError::NoRecords)
    }

    async fn texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let is_own = name.as_str() == "own._domainkey.own.example";
        let record = if is_own { OWN_RECORD.clone() } else { self.record.clone() };
        Ok(Records { records: vec![record], proof: Proof::Insecure })
    }

    async fn current_texts(&self, name: &Domain) -> Result<Records<String>, LookupError> {
        self.texts(name).await
    }
}

/// Nothing here waits for anything.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing is to wait"),
    }
}

fuzz_target!(|octets: &[u8]| {
    // The record of the key, a line, then the message.
    let (record, message) = octets.split_at(octets.iter().position(|octet| *octet == b'\n').unwrap_or(0));
    let record = String::from_utf8_lossy(record).into_owned();
    if let Ok(tags) = TagList::parse(&record) {
        let inside = tags.tag("p").is_none_or(|tag| record.get(tag.place.clone()).is_some());
        assert!(inside, "a place outside of the text");
    }
    let dns = Dns { record, asked: AtomicUsize::new(0) };
    let signatures = DkimSignatures::read(&[message]);
    assert!(now(signatures.verify(&dns, NOW)).len() <= MAX_VERIFIED_SIGNATURES);
    let chain = ArcChain::read(&[message]);
    let outcome = now(chain.verify(&dns, NOW)).outcome;
    assert!(dns.asked.load(Ordering::Relaxed) <= MAX_VERIFIED_SIGNATURES + 2 * MAX_ARC_SETS);
    let sealed = chain.seal(&[message], &outcome, "mx.example; none", &SIGNER, NOW).expect("the key signs");
    // What begins with a blank would belong to the last field of the set.
    let goes_on = message.starts_with(b" ") || message.starts_with(b"\t");
    if let (ArcOutcome::None, Some(fields), false) = (outcome, sealed, goes_on) {
        let found = now(ArcChain::read(&[&fields[..], message]).verify(&dns, NOW));
        assert_eq!(found.outcome, ArcOutcome::Pass);
    }
});
