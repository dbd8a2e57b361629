//! Addresses in which the sender of a message that was led on is kept (the Sender Rewriting Scheme).
//!
//! ```text
//! SRS0=HASH=TT=DOMAIN=LOCAL@us      led on by us
//! SRS1=HASH=FIRST==HASH=TT=DOMAIN=LOCAL@us      led on by FIRST before
//! ```
//!
//! The hash is ours to check; `TT` is when, by our clock. Behind `FIRST=` stands what `FIRST` wrote behind its `SRS0`, the
//! separator included. Whoever handles mail may change the case of a local part, so neither hash nor time depends on it.

use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use posthouse_model::{Address, Domain, LocalPart, Secret, UnixMillis};
use thiserror::Error;

/// Characters of a hash: 30 bits, of which a guess costs an SMTP transaction.
const HASH_CHARS: usize = 6;
/// Characters of a time.
const TIME_CHARS: usize = 2;
/// How many times there are before they begin anew.
const TIMES: i64 = 1 << (5 * TIME_CHARS);
/// What one step of the time is, in seconds: two days.
const STEP_SECONDS: i64 = 2 * 24 * 60 * 60;
/// How many steps an address holds: three weeks at least, longer than anybody tries to deliver.
const VALID_STEPS: i64 = 11;
/// The longest that an address holds.
pub(crate) const VALID_FOR: Duration = Duration::from_secs(((VALID_STEPS + 1) * STEP_SECONDS) as u64);
/// RFC 4648 §6, in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// What may stand behind `SRS0` and `SRS1`.
const SEPARATORS: [char; 3] = ['=', '+', '-'];

/// Why a sender cannot be kept in an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum SrsError {
    /// It would be longer than addresses may be (RFC 5321 §4.5.3.1.1).
    #[error("the sender is too long to be rewritten")]
    TooLong,
}

/// Makes such addresses, and knows its own again.
pub(crate) struct SrsCodec {
    key: hmac::Key,
}

impl SrsCodec {
    /// With this key.
    pub fn new(key: &Secret) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.expose()) }
    }

    /// The address at `domain` that stands for `sender`.
    pub fn encode(&self, sender: &Address, domain: &Domain, now: UnixMillis) -> Result<Address, SrsError> {
        let local = sender.local_part.as_str();
        let rewritten = if let Some(rest) = behind_tag(local, "SRS0") {
            self.second(sender.domain.as_str(), rest)
        } else if let Some((first, rest)) = behind_tag(local, "SRS1").and_then(second_parts) {
            self.second(first, rest)
        } else {
            let kept = format!("{}={}={local}", time_word(step(now)), sender.domain);
            format!("SRS0={}={kept}", self.hash("SRS0", &kept))
        };
        address(&rewritten, domain).ok_or(SrsError::TooLong)
    }

    /// The address that one of ours stands for: where its hash is right and its time is not over.
    pub fn decode(&self, address: &Address, now: UnixMillis) -> Option<Address> {
        let local = address.local_part.as_str();
        if let Some(rest) = behind_tag(local, "SRS0") {
            let (hash, kept) = rest[1..].split_once('=')?;
            let (time, original) = kept.split_once('=')?;
            let (domain, original) = original.split_once('=')?;
            let is_ours = self.is_hash(hash, "SRS0", kept) && is_valid(time, now);
            return is_ours.then(|| self::address(original, &Domain::parse(domain).ok()?)).flatten();
        }
        let rest = behind_tag(local, "SRS1")?;
        let (hash, kept) = rest[1..].split_once('=')?;
        let (first, rest) = kept.split_once('=')?;
        let is_ours = self.is_hash(hash, "SRS1", kept) && rest.starts_with(SEPARATORS);
        is_ours.then(|| self::address(&format!("SRS0{rest}"), &Domain::parse(first).ok()?)).flatten()
    }

    /// Of a sender that `first` has rewritten; only the first and we remain, however many there were between.
    fn second(&self, first: &str, rest: &str) -> String {
        let kept = format!("{first}={rest}");
        format!("SRS1={}={kept}", self.hash("SRS1", &kept))
    }

    fn hash(&self, kind: &str, kept: &str) -> String {
        let tag = hmac::sign(&self.key, format!("{kind}={}", kept.to_lowercase()).as_bytes());
        tag.as_ref().iter().take(HASH_CHARS).map(|octet| char::from(ALPHABET[usize::from(octet & 31)])).collect()
    }

    fn is_hash(&self, hash: &str, kind: &str, kept: &str) -> bool {
        let expected = self.hash(kind, kept);
        constant_time::verify_slices_are_equal(hash.to_ascii_lowercase().as_bytes(), expected.as_bytes()).is_ok()
    }
}

/// Whether an address looks like one of these at all.
pub(crate) fn is_rewritten(address: &Address) -> bool {
    let local = address.local_part.as_str();
    behind_tag(local, "SRS0").is_some() || behind_tag(local, "SRS1").is_some()
}

/// What stands behind a tag, from its separator on.
fn behind_tag<'a>(local: &'a str, tag: &str) -> Option<&'a str> {
    let (found, rest) = local.split_at_checked(tag.len())?;
    (found.eq_ignore_ascii_case(tag) && rest.starts_with(SEPARATORS)).then_some(rest)
}

/// Who was first, and what that one wrote, of what stands behind the `SRS1` of anybody.
fn second_parts(rest: &str) -> Option<(&str, &str)> {
    let (_, kept) = rest[1..].split_once('=')?;
    kept.split_once('=').filter(|(_, rest)| rest.starts_with(SEPARATORS))
}

/// An address with this local part, which needs no quotes here.
fn address(local: &str, domain: &Domain) -> Option<Address> {
    let quoted = format!("\"{}\"", local.replace('\\', "\\\\").replace('"', "\\\""));
    let address = Address { local_part: LocalPart::parse(&quoted).ok()?, domain: domain.clone() };
    // The length of the whole is checked where addresses are read.
    Address::parse(&address.to_string()).ok()
}

fn step(now: UnixMillis) -> i64 {
    now.seconds().div_euclid(STEP_SECONDS)
}

fn time_word(step: i64) -> String {
    let step = step.rem_euclid(TIMES) as usize;
    [step >> 5, step & 31].into_iter().map(|digit| char::from(ALPHABET[digit])).collect()
}

/// Whether a time is not over, and has come.
fn is_valid(word: &str, now: UnixMillis) -> bool {
    let digit = |octet: u8| ALPHABET.iter().position(|one| *one == octet.to_ascii_lowercase());
    let [first, second] = word.as_bytes() else { return false };
    let (Some(first), Some(second)) = (digit(*first), digit(*second)) else { return false };
    let age = (step(now) - (first << 5 | second) as i64).rem_euclid(TIMES);
    age <= VALID_STEPS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;

    fn codec(key: &str) -> SrsCodec {
        SrsCodec::new(&Secret::new(key))
    }

    fn at(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn us() -> Domain {
        Domain::parse("us.example").unwrap()
    }

    fn encode(sender: &str) -> String {
        codec("key").encode(&at(sender), &us(), NOW).unwrap().to_string()
    }

    fn decode(text: &str) -> Option<String> {
        codec("key").decode(&at(text), NOW).map(|address| address.to_string())
    }

    #[test]
    fn there_and_back() {
        for sender in ["ann@far.example", "a=b=c@far.example", "\"a b\\\"\"@far.example", "ü@far.example", "-x@a.b"] {
            let rewritten = encode(sender);
            assert!(rewritten.contains("SRS0=") && rewritten.ends_with("@us.example"), "{rewritten}");
            assert_eq!(decode(&rewritten).as_deref(), Some(sender), "{rewritten}");
        }
    }

    #[test]
    fn the_form_of_it() {
        let rewritten = encode("ann@far.example");
        let (local, _) = rewritten.split_once('@').unwrap();
        let parts: Vec<&str> = local.split('=').collect();
        assert_eq!(
            (parts[0], parts[1].len(), parts[2].len(), &parts[3..]),
            ("SRS0", 6, 2, &["far.example", "ann"][..])
        );
    }

    #[test]
    fn those_who_led_it_on_before() {
        let by_another = "SRS0+abcd=ef=far.example=ann@first.example";
        let second = encode(by_another);
        assert!(second.contains("=first.example=+abcd=ef=far.example=ann@us.example"), "{second}");
        assert_eq!(decode(&second).as_deref(), Some(by_another));
        // A third one takes the place of the second: the address does not grow.
        let third = encode("SRS1=zzzz=first.example=+abcd=ef=far.example=ann@second.example");
        assert_eq!(third, second);
        // What only looks like it is an ordinary sender.
        assert!(encode("SRS1=x@second.example").starts_with("SRS0="));
    }

    #[test]
    fn case_does_not_matter() {
        let rewritten = encode("ann@far.example");
        assert_eq!(decode(&rewritten.to_uppercase()).as_deref(), Some("ANN@far.example"));
        assert_eq!(decode(&rewritten.to_lowercase()).as_deref(), Some("ann@far.example"));
    }

    #[test]
    fn what_is_forged_or_over() {
        let rewritten = encode("ann@far.example");
        for forged in [
            rewritten.replace("far.example", "victim.example"),
            rewritten.replace("=ann@", "=bob@"),
            "SRS0=aaaaaa=aa=victim.example=ann@us.example".to_owned(),
            "SRS0=aaaaaa=aa=victim.example@us.example".to_owned(),
            "SRS0=@us.example".to_owned(),
            "SRS0@us.example".to_owned(),
            "SRS1=aaaaaa=victim.example==aaaa=aa=a=b@us.example".to_owned(),
            "SRS1==@us.example".to_owned(),
            "ann@us.example".to_owned(),
        ] {
            assert_eq!(decode(&forged), None, "{forged}");
        }
        assert_eq!(codec("other").decode(&at(&rewritten), NOW), None);
        // A hash of one kind is none of the other.
        assert_eq!(decode(&rewritten.replace("SRS0", "SRS1")), None);
        let after = |days: i64| codec("key").decode(&at(&rewritten), UnixMillis(NOW.0 + days * DAY_MS)).is_some();
        assert_eq!([0, 1, 20, 21, 24, 100, 2000].map(after), [true, true, true, true, false, false, false]);
        assert!(!after(-4), "from the future");
    }

    #[test]
    fn lengths() {
        // 16 octets and the sender's domain are added: what does not fit stays as it is.
        let fits = format!("{}@far.example", "a".repeat(64 - 16 - 11));
        assert_eq!(codec("key").encode(&at(&fits), &us(), NOW).map(|one| one.local_part.as_str().len()), Ok(64));
        let longer = format!("a{fits}");
        assert_eq!(codec("key").encode(&at(&longer), &us(), NOW), Err(SrsError::TooLong));
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_comes_back(local in "[!-~äß ]{1,40}", domain in "[a-z]{1,8}\\.example") {
            let quoted = format!("\"{}\"@{domain}", local.replace('\\', "\\\\").replace('"', "\\\""));
            let sender = at(&quoted);
            if let Ok(rewritten) = codec("key").encode(&sender, &us(), NOW) {
                prop_assert!(is_rewritten(&rewritten));
                prop_assert_eq!(codec("key").decode(&rewritten, NOW), Some(sender));
            }
        }

        #[test]
        fn nothing_else_is_believed(local in "(SRS[01])?[=+-]?[a-z2-7=@.]{0,40}") {
            if let Ok(address) = Address::parse(&format!("\"{local}\"@us.example")) {
                prop_assert_eq!(codec("key").decode(&address, NOW), None);
            }
        }
    }
}
