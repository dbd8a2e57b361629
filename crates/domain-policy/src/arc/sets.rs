//! The sets of a message: collected, and whether they are what they should be before any signature is checked.

use aws_lc_rs::digest::{Context, Digest, SHA256};
use posthouse_model::Domain;
use thiserror::Error;

use super::instance;
use crate::dkim::check::{Bodies, Check, push_field, without_signature};
use crate::dkim::message::{FieldIndex, Split, fields, name_of, value_of};
use crate::dkim::signature::{KeyPlace, Signature, algorithm, number, signature};
use crate::dkim::{
    Canonicalization, DkimAlgorithm, KeyFault, MAX_VERIFIED_HEADER_BYTES, SignatureFault, TagList, TagListError,
};

/// Most sets of a message (RFC 8617 §4.2.1).
pub const MAX_ARC_SETS: usize = 50;

/// The three fields of a set, in lower case, in the order in which they are sealed (RFC 8617 §5.1.1).
const NAMES: [&[u8]; 3] = [RESULTS, MESSAGE_SIGNATURE, SEAL];
const RESULTS: &[u8] = b"arc-authentication-results";
const MESSAGE_SIGNATURE: &[u8] = b"arc-message-signature";
const SEAL: &[u8] = b"arc-seal";

/// Why a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ArcFault {
    /// The header is longer than is looked at.
    #[error("the header of the message is too long")]
    HeaderTooLong,
    /// A field does not say of which set it is.
    #[error("a field does not say of which set it is")]
    NoInstance,
    /// A set has a field twice.
    #[error("set {0} has a field twice")]
    Twice(usize),
    /// A set lacks a field, or is missing.
    #[error("set {0} is not complete")]
    Incomplete(usize),
    /// A seal says of the chain before it what cannot be (RFC 8617 §5.2 step 3).
    #[error("the seal of set {0} says what cannot be of the chain before it")]
    Status(usize),
    /// Who made the last set found that the chain did not hold.
    #[error("the chain did not hold when set {0} was made")]
    Ended(usize),
    /// A signature cannot be checked.
    #[error("set {0}: {1}")]
    Signature(usize, SignatureFault),
    /// A signature's key proves nothing.
    #[error("set {0}: {1}")]
    Key(usize, KeyFault),
    /// The message is not the one for which the last set was made.
    #[error("the message was changed after set {0}")]
    MessageAltered(usize),
    /// The sets are not those that were sealed.
    #[error("the seal of set {0} does not hold")]
    SealBroken(usize),
}

/// The sets of a message, ready to be verified.
pub struct ArcChain {
    pub(super) state: State,
}

pub(super) enum State {
    /// There are none.
    Absent,
    /// They are not what they should be; the highest number that was seen.
    Broken { fault: ArcFault, highest: usize },
    /// They are, as far as can be said without keys.
    Sound(Sound),
}

pub(super) struct Sound {
    /// The signature of the last set.
    pub message: Check,
    pub signed_at: Option<i64>,
    pub expires_at: Option<i64>,
    /// From the first to the last.
    pub seals: Vec<Seal>,
    /// All sets in canonical form.
    pub text: Vec<u8>,
}

/// A seal, and the hash of what it is over.
pub(super) struct Seal {
    pub algorithm: DkimAlgorithm,
    pub key: KeyPlace,
    pub signature: Vec<u8>,
    pub hash: Digest,
}

/// Places among the fields of the three fields of a set.
type Places = [Option<usize>; 3];

impl ArcChain {
    /// Finds the sets of a message, and hashes what they are about. `pieces` are the message, one after the other; its
    /// lines end in CRLF. Takes its time with long messages; asks nobody.
    #[must_use]
    pub fn read<P: AsRef<[u8]>>(pieces: &[P]) -> Self {
        let split = Split::of(pieces);
        let header = &split.header[..split.header.len().min(MAX_VERIFIED_HEADER_BYTES)];
        let is_too_long = header.len() < split.header.len();
        let fields = fields(header);
        let (sets, fault) = collect(&fields);
        let highest = sets.len();
        let broken = |fault| Self { state: State::Broken { fault, highest } };
        if let Some(fault) = is_too_long.then_some(ArcFault::HeaderTooLong).or(fault) {
            return broken(fault);
        }
        if sets.is_empty() {
            return Self { state: State::Absent };
        }
        match sound(pieces, &split, &fields, &sets) {
            Ok(sound) => Self { state: State::Sound(sound) },
            Err(fault) => broken(fault),
        }
    }

    /// Who made the sets, from the first to the last; none where they are not what they should be.
    pub fn sealers(&self) -> impl Iterator<Item = &Domain> {
        let seals = match &self.state {
            State::Sound(sound) => sound.seals.as_slice(),
            _ => &[],
        };
        seals.iter().map(|seal| &seal.key.domain)
    }
}

/// Puts the fields of each set together. There are as many sets as the highest number says.
fn collect(fields: &[&[u8]]) -> (Vec<Places>, Option<ArcFault>) {
    let mut sets: Vec<Places> = Vec::new();
    let mut fault = None;
    for (at, field) in fields.iter().enumerate() {
        let Some(kind) = NAMES.iter().position(|name| name_of(field).eq_ignore_ascii_case(name)) else { continue };
        let value = value_of(field);
        let number = match kind {
            0 => instance::of_results(value),
            _ => tags_of(value).ok().and_then(|tags| instance::of_tag(tags.value("i")?)),
        };
        let Some(number) = number else {
            fault = fault.or(Some(ArcFault::NoInstance));
            continue;
        };
        if sets.len() < number {
            sets.resize(number, Places::default());
        }
        if sets[number - 1][kind].replace(at).is_some() {
            fault = fault.or(Some(ArcFault::Twice(number)));
        }
    }
    (sets, fault)
}

/// RFC 8617 §5.2, steps 2 and 3, and what has to be hashed for those that follow.
fn sound<P: AsRef<[u8]>>(pieces: &[P], split: &Split, fields: &[&[u8]], sets: &[Places]) -> Result<Sound, ArcFault> {
    let last = sets.len();
    let mut complete = Vec::with_capacity(last);
    for (at, places) in sets.iter().enumerate() {
        let [Some(results), Some(message), Some(seal)] = *places else { return Err(ArcFault::Incomplete(at + 1)) };
        complete.push([results, message, seal]);
    }
    let (mut text, mut hash) = (Vec::new(), Context::new(&SHA256));
    let mut seals = Vec::with_capacity(last);
    for (at, [results, message, seal]) in complete.iter().enumerate() {
        let mut add = |place: &usize, hash: &mut Context| {
            let from = text.len();
            // RFC 8617 §4.1.3: seals are over fields in relaxed form.
            push_field(&mut text, fields[*place], Canonicalization::Relaxed);
            hash.update(&text[from..]);
        };
        add(results, &mut hash);
        add(message, &mut hash);
        seals.push(sealed(fields[*seal], at + 1, last, &hash)?);
        add(seal, &mut hash);
    }
    let own = complete[last - 1][1];
    let read = |error| ArcFault::Signature(last, error);
    let tags = tags_of(value_of(fields[own])).map_err(|error| read(error.into()))?;
    // Unlike DKIM, ARC is relaxed where nothing else is said: that is how everybody reads it.
    let signature = Signature::of(&tags, Canonicalization::Relaxed).map_err(read)?;
    // RFC 8617 §4.1.2: seals are made after the message is signed.
    if signature.names.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(SEAL)) {
        return Err(read(SignatureFault::BadValue("h")));
    }
    let mut bodies = Bodies::default();
    bodies.want(&signature);
    split.body(pieces).for_each(|piece| bodies.update(piece));
    let body = bodies.finish()[&(signature.body_form, signature.body_length)];
    let message = Check::new(&signature, fields, &FieldIndex::of(fields), own, body).map_err(read)?;
    Ok(Sound { message, signed_at: signature.signed_at, expires_at: signature.expires_at, seals, text })
}

/// Reads the seal of a set; `before` is all that stands before it, in canonical form.
fn sealed(field: &[u8], number_of_set: usize, last: usize, before: &Context) -> Result<Seal, ArcFault> {
    let fault = |fault: SignatureFault| ArcFault::Signature(number_of_set, fault);
    let tags = tags_of(value_of(field)).map_err(|error| fault(error.into()))?;
    match (tags.value("cv"), number_of_set) {
        (Some("fail"), _) if number_of_set == last => return Err(ArcFault::Ended(number_of_set)),
        (Some("none"), 1) | (Some("pass"), 2..) => {}
        (Some(_), _) => return Err(ArcFault::Status(number_of_set)),
        (None, _) => return Err(fault(SignatureFault::Missing("cv"))),
    }
    // RFC 8617 §4.1.3: a seal covers no fields but those of the sets.
    if tags.value("h").is_some() {
        return Err(fault(SignatureFault::BadValue("h")));
    }
    number(&tags, "t").map_err(fault)?;
    let (octets, place) = signature(&tags).map_err(fault)?;
    let mut hash = before.clone();
    hash.update(&without_signature(field, place, Canonicalization::Relaxed));
    Ok(Seal {
        algorithm: algorithm(&tags).map_err(fault)?,
        key: KeyPlace::of(&tags).map_err(fault)?,
        signature: octets,
        hash: hash.finish(),
    })
}

fn tags_of(value: &[u8]) -> Result<TagList<'_>, TagListError> {
    std::str::from_utf8(value).map_err(|_| TagListError::Syntax).and_then(TagList::parse)
}
