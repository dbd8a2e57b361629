//! Checking one signature against the message that bears it, and then against its key.

use std::collections::HashMap;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use posthouse_model::{Domain, UnixMillis};

use super::canonical::{BodyDigest, BodyHash, Canonicalization, relaxed_field};
use super::key::DkimAlgorithm;
use super::message::FieldIndex;
use super::public_key::PublishedKey;
use super::signature::{KeyPlace, Signature, SignatureFault};

/// How far ahead of ours the clock of a signer may be, in seconds.
const MAX_CLOCK_AHEAD_SECONDS: i64 = 12 * 60 * 60;

/// Canonical forms of bodies that signatures are about, each once.
#[derive(Default)]
pub(crate) struct Bodies {
    wanted: HashMap<(Canonicalization, Option<u64>), BodyHash>,
}

impl Bodies {
    /// The body in the form that a signature is about will be hashed.
    pub fn want(&mut self, signature: &Signature<'_>) {
        let form = (signature.body_form, signature.body_length);
        self.wanted.entry(form).or_insert_with(|| BodyHash::new(form.0, form.1));
    }

    /// Adds what comes next of the body.
    pub fn update(&mut self, piece: &[u8]) {
        self.wanted.values_mut().for_each(|body| body.update(piece));
    }

    /// What was hashed.
    pub fn finish(self) -> HashMap<(Canonicalization, Option<u64>), BodyDigest> {
        self.wanted.into_iter().map(|(form, body)| (form, body.finish())).collect()
    }
}

/// All that is needed of a message to check a signature once its key is there.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub key: KeyPlace,
    pub algorithm: DkimAlgorithm,
    signature: Vec<u8>,
    /// The hash of what was signed of the header, in canonical form.
    header_hash: Digest,
    is_body_the_same: bool,
    /// Octets of the body that are not signed.
    pub unsigned_bytes: u64,
}

impl Check {
    /// Puts a signature beside the message. `own` is the field among `fields` that bears it.
    pub fn new(
        signature: &Signature<'_>,
        fields: &[&[u8]],
        index: &FieldIndex,
        own: usize,
        body: BodyDigest,
    ) -> Result<Self, SignatureFault> {
        let signed_bytes = signature.body_length.unwrap_or(body.octets);
        let unsigned_bytes = body.octets.checked_sub(signed_bytes).ok_or(SignatureFault::BodyTooShort)?;
        let mut text = Vec::new();
        for place in index.select(signature.names.iter().copied(), own) {
            push_field(&mut text, fields[place], signature.header_form);
        }
        text.extend(without_signature(fields[own], signature.place.clone(), signature.header_form));
        Ok(Self {
            key: signature.key.clone(),
            algorithm: signature.algorithm,
            signature: signature.signature.clone(),
            header_hash: digest(&SHA256, &text),
            is_body_the_same: signature.body_hash == body.hash,
            unsigned_bytes,
        })
    }

    /// Whether the body is the one that was signed.
    pub fn is_body_the_same(&self) -> bool {
        self.is_body_the_same
    }

    /// Whether the header is the one that was signed, and by this key.
    pub fn holds_by(&self, key: &PublishedKey) -> bool {
        key.verifies(&self.header_hash, &self.signature)
    }
}

/// Adds a field in canonical form, with its line end.
pub(crate) fn push_field(text: &mut Vec<u8>, field: &[u8], form: Canonicalization) {
    match form {
        Canonicalization::Simple => text.extend_from_slice(field),
        Canonicalization::Relaxed => {
            text.extend(relaxed_field(field));
            text.extend_from_slice(b"\r\n");
        }
    }
}

/// The field that bears a signature, in canonical form, without the signature and without its line end
/// (RFC 6376 §3.7). `place` is where in the field's value the signature stands.
pub(crate) fn without_signature(field: &[u8], place: std::ops::Range<usize>, form: Canonicalization) -> Vec<u8> {
    let value = field.iter().position(|octet| *octet == b':').map_or(0, |colon| colon + 1);
    let mut without = field[..value + place.start].to_vec();
    without.extend_from_slice(&field[value + place.end..]);
    match form {
        Canonicalization::Simple => without.strip_suffix(b"\r\n").unwrap_or(&without).to_vec(),
        Canonicalization::Relaxed => relaxed_field(&without),
    }
}

/// Whether a signature holds at this time (RFC 6376 §3.5, tags `t` and `x`).
pub(crate) fn check_times(
    signed_at: Option<i64>,
    expires_at: Option<i64>,
    now: UnixMillis,
) -> Result<(), SignatureFault> {
    if expires_at.is_some_and(|at| at <= now.seconds()) {
        return Err(SignatureFault::Expired);
    }
    if signed_at.is_some_and(|at| at > now.seconds().saturating_add(MAX_CLOCK_AHEAD_SECONDS)) {
        return Err(SignatureFault::FromTheFuture);
    }
    Ok(())
}

/// Who signs, as far as a list of tags says it: for telling people about signatures that cannot be checked.
pub(crate) fn claimed_domain(value: Option<&str>) -> Option<Domain> {
    Domain::parse(value?).ok().filter(|domain| domain.as_ip().is_none())
}
