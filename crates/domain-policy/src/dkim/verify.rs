//! Verifying the signatures of a message that came (RFC 6376 §6).
//!
//! Nothing here judges a message: what became of each signature is a fact, for others to weigh.

#[cfg(test)]
mod tests;

use posthouse_model::{Domain, UnixMillis};

use super::canonical::Canonicalization;
use super::check::{Bodies, Check, check_times, claimed_domain};
use super::message::{FieldIndex, Split, fields, has_name, value_of};
use super::public_key::{KeyFault, KeyService, NoKey, PublishedKey};
use super::signature::{Signature, SignatureFault, speaks_for};
use super::tags::{TagList, TagListError};
use crate::resolver::{LookupError, Resolver};

/// Most signatures of a message that are looked at, from the top: those added last (RFC 6376 §6.1 leaves it to us).
/// Each may cost a question to DNS.
pub const MAX_VERIFIED_SIGNATURES: usize = 8;
/// Longest header of which signatures are looked at, in octets.
pub const MAX_VERIFIED_HEADER_BYTES: usize = 1024 * 1024;
/// Characters of a signature by which it is told from others (RFC 6008 §4 wants eight at least).
const BEGINNING_CHARS: usize = 8;

/// What became of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DkimOutcome {
    /// It holds, for the whole body and the fields that it names.
    Pass,
    /// It holds, but anything can have been added at the end of the body: so many octets.
    PartOfBody {
        /// Octets of the body, in canonical form, that are not signed.
        unsigned_bytes: u64,
    },
    /// The body is not the one that was signed.
    BodyAltered,
    /// The header is not the one that was signed, or not by this key.
    HeaderAltered,
    /// It cannot be checked, and never will be.
    Unusable(SignatureFault),
    /// Its key proves nothing.
    BadKey(KeyFault),
    /// Its key cannot be had now.
    KeyUnavailable(LookupError),
}

impl DkimOutcome {
    /// The word for it in `Authentication-Results` (RFC 8601 §2.7.1).
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::PartOfBody { .. } => "policy",
            Self::BodyAltered | Self::HeaderAltered => "fail",
            Self::Unusable(_) | Self::BadKey(_) => "permerror",
            Self::KeyUnavailable(_) => "temperror",
        }
    }
}

/// A signature, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkimResult {
    /// Who signs (`d`), if it says so readably.
    pub domain: Option<Domain>,
    /// The selector of the key (`s`).
    pub selector: Option<String>,
    /// The identity that it speaks for (`i`), if it names one.
    pub identity: Option<String>,
    /// The name of the algorithm (`a`).
    pub algorithm: Option<String>,
    /// How the signature itself begins, to tell it from others (RFC 6008).
    pub beginning: Option<String>,
    /// Bits of the key, where it is an RSA key that was found.
    pub rsa_bits: Option<u32>,
    /// Whether the domain says that it is only testing: nothing is to follow from a failure.
    pub is_testing: bool,
    /// What became of it.
    pub outcome: DkimOutcome,
}

/// The signatures of a message, ready to be verified.
pub struct DkimSignatures {
    found: Vec<Found>,
    /// Signatures beyond [`MAX_VERIFIED_SIGNATURES`], which are not looked at.
    pub left_out: usize,
}

struct Found {
    /// What is known so far.
    result: DkimResult,
    check: Result<Times, SignatureFault>,
}

struct Times {
    check: Check,
    signed_at: Option<i64>,
    expires_at: Option<i64>,
}

impl DkimSignatures {
    /// Finds the signatures of a message, and hashes what they are about. `pieces` are the message, one after the other;
    /// its lines end in CRLF. Takes its time with long messages; asks nobody.
    #[must_use]
    pub fn read<P: AsRef<[u8]>>(pieces: &[P]) -> Self {
        let split = Split::of(pieces);
        let is_too_long = split.header.len() > MAX_VERIFIED_HEADER_BYTES;
        let header = &split.header[..split.header.len().min(MAX_VERIFIED_HEADER_BYTES)];
        let fields = fields(header);
        let index = FieldIndex::of(&fields);
        let places = (0..fields.len()).filter(|place| has_name(fields[*place], "dkim-signature"));
        let (mut first, mut left_out) = (Vec::new(), 0);
        for place in places {
            match first.len() < MAX_VERIFIED_SIGNATURES {
                true => first.push(place),
                false => left_out += 1,
            }
        }
        let texts: Vec<Option<&str>> = first.iter().map(|at| std::str::from_utf8(value_of(fields[*at])).ok()).collect();
        let tags: Vec<_> = texts.iter().map(|text| text.ok_or(TagListError::Syntax).and_then(TagList::parse)).collect();
        let read: Vec<_> = tags
            .iter()
            .map(|tags| match tags {
                _ if is_too_long => Err(SignatureFault::HeaderTooLong),
                Ok(tags) => signature_of(tags),
                Err(error) => Err((*error).into()),
            })
            .collect();
        let mut bodies = Bodies::default();
        read.iter().flatten().for_each(|signature| bodies.want(signature));
        split.body(pieces).for_each(|piece| bodies.update(piece));
        let bodies = bodies.finish();
        let found = first.iter().zip(tags).zip(read).map(|((place, tags), signature)| {
            let check = signature.and_then(|signature| {
                let body = bodies[&(signature.body_form, signature.body_length)];
                let check = Check::new(&signature, &fields, &index, *place, body)?;
                Ok(Times { check, signed_at: signature.signed_at, expires_at: signature.expires_at })
            });
            Found { result: facts(tags.ok().as_ref()), check }
        });
        Self { found: found.collect(), left_out }
    }

    /// Whether the message has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Verifies each of them, from the top of the message to the bottom, by keys that are for mail.
    pub async fn verify(&self, resolver: &dyn Resolver, now: UnixMillis) -> Vec<DkimResult> {
        self.verify_for(KeyService::Mail, resolver, now).await
    }

    /// Verifies each of them, from the top of the message to the bottom, by keys that are for `service`.
    pub async fn verify_for(&self, service: KeyService, resolver: &dyn Resolver, now: UnixMillis) -> Vec<DkimResult> {
        let mut results = Vec::with_capacity(self.found.len());
        for found in &self.found {
            let mut result = found.result.clone();
            result.outcome = match &found.check {
                Ok(times) => times.verify(service, resolver, now, &mut result).await,
                Err(fault) => DkimOutcome::Unusable(fault.clone()),
            };
            results.push(result);
        }
        results
    }
}

impl Times {
    async fn verify(
        &self,
        service: KeyService,
        resolver: &dyn Resolver,
        now: UnixMillis,
        result: &mut DkimResult,
    ) -> DkimOutcome {
        let check = &self.check;
        if let Err(fault) = check_times(self.signed_at, self.expires_at, now) {
            return DkimOutcome::Unusable(fault);
        }
        // Before DNS is asked: a key would not make it hold.
        if !check.is_body_the_same() {
            return DkimOutcome::BodyAltered;
        }
        let key = match PublishedKey::look_up(resolver, &check.key.record, check.algorithm, service).await {
            Ok(key) => key,
            Err(NoKey::Unavailable(error)) => return DkimOutcome::KeyUnavailable(error),
            Err(NoKey::Fault(fault)) => return DkimOutcome::BadKey(fault),
        };
        result.rsa_bits = key.rsa_bits;
        result.is_testing = key.is_testing;
        let is_of_subdomain = |identity: &String| !speaks_for(&check.key.domain, identity, true);
        match check.unsigned_bytes {
            _ if key.is_strict && result.identity.as_ref().is_some_and(is_of_subdomain) => {
                DkimOutcome::BadKey(KeyFault::NotForSubdomains)
            }
            _ if !check.holds_by(&key) => DkimOutcome::HeaderAltered,
            0 => DkimOutcome::Pass,
            unsigned_bytes => DkimOutcome::PartOfBody { unsigned_bytes },
        }
    }
}

/// What only `DKIM-Signature` has (RFC 6376 §3.5, §6.1.1).
fn signature_of<'a>(tags: &TagList<'a>) -> Result<Signature<'a>, SignatureFault> {
    if tags.value("v") != Some("1") {
        return Err(SignatureFault::Version);
    }
    let signature = Signature::of(tags, Canonicalization::Simple)?;
    if !signature.names.iter().any(|name| name.eq_ignore_ascii_case("from")) {
        return Err(SignatureFault::FromNotSigned);
    }
    if tags.value("i").is_some_and(|identity| !speaks_for(&signature.key.domain, identity, false)) {
        return Err(SignatureFault::ForeignIdentity);
    }
    let is_known = |methods: &str| super::tags::words(methods).any(|method| method == "dns/txt");
    if !tags.value("q").is_none_or(is_known) {
        return Err(SignatureFault::BadValue("q"));
    }
    Ok(signature)
}

/// What a signature says of itself.
fn facts(tags: Option<&TagList<'_>>) -> DkimResult {
    let value = |name| tags.and_then(|tags| tags.value(name));
    let beginning = value("b").map(|text| text.chars().filter(|c| !c.is_whitespace()).take(BEGINNING_CHARS).collect());
    DkimResult {
        domain: claimed_domain(value("d")),
        selector: value("s").map(str::to_owned),
        identity: value("i").map(str::to_owned),
        algorithm: value("a").map(str::to_owned),
        beginning,
        rsa_bits: None,
        is_testing: false,
        outcome: DkimOutcome::Unusable(SignatureFault::Tags(TagListError::Syntax)),
    }
}
