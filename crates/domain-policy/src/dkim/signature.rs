//! A signature as it stands in a message: `DKIM-Signature`, and `ARC-Message-Signature`, which differs little.

use std::ops::Range;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use posthouse_model::Domain;
use thiserror::Error;

use super::canonical::Canonicalization;
use super::key::DkimAlgorithm;
use super::tags::{TagList, TagListError, words};

/// Some leave out the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a signature cannot be checked, whatever the message and DNS say.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignatureFault {
    /// It is no list of tags.
    #[error(transparent)]
    Tags(#[from] TagListError),
    /// The version is missing or unknown.
    #[error("its version is not 1")]
    Version,
    /// A tag is missing.
    #[error("the tag {0} is missing")]
    Missing(&'static str),
    /// A tag has a value that it cannot have.
    #[error("the tag {0} has a value that it cannot have")]
    BadValue(&'static str),
    /// The algorithm is unknown, or of those that prove nothing any more (RFC 8301 §3.1).
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// The field `From` is not signed (RFC 6376 §6.1.1).
    #[error("it does not cover the field From")]
    FromNotSigned,
    /// The identity is of another domain (RFC 6376 §6.1.1).
    #[error("it speaks for an identity of another domain")]
    ForeignIdentity,
    /// Its time is over (RFC 6376 §3.5, tag `x`).
    #[error("it has expired")]
    Expired,
    /// It was made in the future.
    #[error("it was made in the future")]
    FromTheFuture,
    /// It covers more of a body than there is (RFC 6376 §3.5, tag `l`).
    #[error("it covers more octets than the body has")]
    BodyTooShort,
    /// The message's header is longer than is looked at.
    #[error("the header of the message is too long")]
    HeaderTooLong,
}

/// What a signature says.
#[derive(Clone, Debug)]
pub(crate) struct Signature<'a> {
    pub algorithm: DkimAlgorithm,
    pub signature: Vec<u8>,
    pub body_hash: Vec<u8>,
    pub header_form: Canonicalization,
    pub body_form: Canonicalization,
    pub key: KeyPlace,
    /// Names of the fields that are signed.
    pub names: Vec<&'a str>,
    /// Octets of the body that are signed, if not all.
    pub body_length: Option<u64>,
    pub signed_at: Option<i64>,
    pub expires_at: Option<i64>,
    /// Where in the field's value the signature itself stands.
    pub place: Range<usize>,
}

/// Where a key stands in DNS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyPlace {
    /// Who signs.
    pub domain: Domain,
    /// `SELECTOR._domainkey.DOMAIN` (RFC 6376 §3.6.2.1).
    pub record: Domain,
}

impl KeyPlace {
    /// By the tags `d` and `s`.
    pub fn of(tags: &TagList<'_>) -> Result<Self, SignatureFault> {
        let domain = wanted(tags, "d")?;
        let selector = wanted(tags, "s")?;
        let domain = Domain::parse(domain).ok().filter(|domain| domain.as_ip().is_none());
        let domain = domain.ok_or(SignatureFault::BadValue("d"))?;
        let record = Domain::parse(&format!("{selector}._domainkey.{domain}"));
        Ok(Self { record: record.map_err(|_| SignatureFault::BadValue("s"))?, domain })
    }
}

impl<'a> Signature<'a> {
    /// Reads what both kinds of signature have (RFC 6376 §3.5). `usual` is the form where none is named.
    pub fn of(tags: &TagList<'a>, usual: Canonicalization) -> Result<Self, SignatureFault> {
        let algorithm = algorithm(tags)?;
        let (signature, place) = signature(tags)?;
        let (header_form, body_form) = match tags.value("c") {
            Some(value) => forms(value)?,
            None => (usual, usual),
        };
        let names = tags.value("h").ok_or(SignatureFault::Missing("h"))?;
        let (signed_at, expires_at) = (number(tags, "t")?, number(tags, "x")?);
        if let (Some(signed_at), Some(expires_at)) = (signed_at, expires_at) {
            // RFC 6376 §3.5: x is greater than t.
            (expires_at > signed_at).then_some(()).ok_or(SignatureFault::BadValue("x"))?;
        }
        Ok(Self {
            algorithm,
            signature,
            body_hash: octets(wanted(tags, "bh")?).ok_or(SignatureFault::BadValue("bh"))?,
            header_form,
            body_form,
            key: KeyPlace::of(tags)?,
            names: words(names).collect(),
            body_length: number(tags, "l")?,
            signed_at: signed_at.map(seconds),
            expires_at: expires_at.map(seconds),
            place,
        })
    }
}

/// The algorithm by the tag `a`.
pub(crate) fn algorithm(tags: &TagList<'_>) -> Result<DkimAlgorithm, SignatureFault> {
    let name = wanted(tags, "a")?;
    DkimAlgorithm::ALL.into_iter().find(|one| one.name() == name).ok_or(SignatureFault::Algorithm)
}

/// The octets of the tag `b`, and where its text stands.
pub(crate) fn signature(tags: &TagList<'_>) -> Result<(Vec<u8>, Range<usize>), SignatureFault> {
    let tag = tags.tag("b").ok_or(SignatureFault::Missing("b"))?;
    let octets = octets(tag.value).filter(|octets| !octets.is_empty()).ok_or(SignatureFault::BadValue("b"))?;
    Ok((octets, tag.place.clone()))
}

/// A number in decimal digits.
pub(crate) fn number(tags: &TagList<'_>, name: &'static str) -> Result<Option<u64>, SignatureFault> {
    let Some(text) = tags.value(name) else { return Ok(None) };
    let is_digits = text.bytes().all(|octet| octet.is_ascii_digit());
    let number = is_digits.then(|| text.parse().ok()).flatten();
    number.map(Some).ok_or(SignatureFault::BadValue(name))
}

fn seconds(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The value of a tag that has to be there and not be empty.
fn wanted<'a>(tags: &TagList<'a>, name: &'static str) -> Result<&'a str, SignatureFault> {
    let value = tags.value(name).ok_or(SignatureFault::Missing(name))?;
    if value.is_empty() { Err(SignatureFault::BadValue(name)) } else { Ok(value) }
}

/// Octets in base64, folded at will.
pub(crate) fn octets(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    BASE64.decode(text).ok()
}

/// The forms of header and body by the tag `c`.
fn forms(value: &str) -> Result<(Canonicalization, Canonicalization), SignatureFault> {
    let form = |name| match name {
        "simple" => Ok(Canonicalization::Simple),
        "relaxed" => Ok(Canonicalization::Relaxed),
        _ => Err(SignatureFault::BadValue("c")),
    };
    let (header, body) = value.split_once('/').unwrap_or((value, "simple"));
    Ok((form(header)?, form(body)?))
}

/// Whether an identity of the tag `i` may be spoken for by `domain`; `is_strict` where its subdomains may not
/// (RFC 6376 §3.5, §3.6.1).
pub(crate) fn speaks_for(domain: &Domain, identity: &str, is_strict: bool) -> bool {
    let Some((_, of)) = identity.rsplit_once('@') else { return false };
    let Ok(of) = Domain::parse(of) else { return false };
    let is_below = of.as_str().strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'));
    of == *domain || (is_below && !is_strict)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: &str = "v=1; a=rsa-sha256; d=example.org; s=one; h=From : to; bh=YWJj; b=ZG\r\n\tVm";

    fn check(more: &str, expected: &Result<(), SignatureFault>) {
        // A tag that is given again takes the place of the usual one.
        let name = more.split('=').next().unwrap_or_default().trim();
        let kept = USUAL.split(';').filter(|tag| name.is_empty() || !tag.trim().starts_with(&format!("{name}=")));
        let text = kept.chain(Some(more).filter(|more| more.contains('='))).collect::<Vec<_>>().join(";");
        let tags = TagList::parse(&text).unwrap();
        assert_eq!(Signature::of(&tags, Canonicalization::Simple).map(|_| ()), *expected, "{text}");
    }

    #[test]
    fn what_it_says() {
        let tags = TagList::parse(USUAL).unwrap();
        let signature = Signature::of(&tags, Canonicalization::Simple).unwrap();
        assert_eq!(signature.names, ["From", "to"]);
        assert_eq!((&signature.signature[..], &signature.body_hash[..]), (&b"def"[..], &b"abc"[..]));
        assert_eq!(signature.key.record.as_str(), "one._domainkey.example.org");
        assert_eq!(&USUAL[signature.place], "ZG\r\n\tVm");
    }

    #[test]
    fn values() {
        for good in ["c=simple", "c=relaxed/simple", "c=relaxed", "t=1", "t=1;x=2", "l=0", "a=ed25519-sha256", "b=YQ"] {
            check(good, &Ok(()));
        }
        for (bad, tag) in [
            ("c=", "c"),
            ("c=relaxed/", "c"),
            ("c=Relaxed", "c"),
            ("t=", "t"),
            ("t=-1", "t"),
            ("t=+1", "t"),
            ("t=2;x=2", "x"),
            ("l=99999999999999999999999", "l"),
            ("d=", "d"),
            ("d=a b", "d"),
            ("d=[192.0.2.1]", "d"),
            ("d=exa%mple", "d"),
            ("s=", "s"),
            ("s=a/b", "s"),
            ("b=", "b"),
            ("b=!", "b"),
            ("bh=", "bh"),
        ] {
            check(bad, &Err(SignatureFault::BadValue(tag)));
        }
        check("a=rsa-sha1", &Err(SignatureFault::Algorithm));
        check("a=RSA-sha256", &Err(SignatureFault::Algorithm));
        for tag in ["a", "d", "s", "h", "bh", "b"] {
            check(tag, &Err(SignatureFault::Missing(tag)));
        }
    }

    #[test]
    fn identities() {
        let domain = Domain::parse("example.org").unwrap();
        for (identity, strictly, loosely) in [
            ("ann@example.org", true, true),
            ("@EXAMPLE.org", true, true),
            ("ann@sub.example.org", false, true),
            ("ann@notexample.org", false, false),
            ("ann@org", false, false),
            ("example.org", false, false),
            ("@", false, false),
        ] {
            let found = (speaks_for(&domain, identity, true), speaks_for(&domain, identity, false));
            assert_eq!(found, (strictly, loosely), "{identity}");
        }
    }
}
