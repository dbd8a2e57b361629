//! Verifying a chain (RFC 8617 §5.2).

use std::collections::HashMap;

use posthouse_model::{Domain, UnixMillis};

use super::sets::{ArcChain, ArcFault, Sound, State};
use crate::dkim::DkimAlgorithm;
use crate::dkim::check::check_times;
use crate::dkim::public_key::{KeyService, NoKey, PublishedKey};
use crate::dkim::signature::KeyPlace;
use crate::resolver::{LookupError, Resolver};

/// What became of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArcOutcome {
    /// There is none.
    None,
    /// It holds: each set is as its maker sealed it, and the message as it was when the last was made.
    Pass,
    /// It does not hold.
    Fail(ArcFault),
    /// A key cannot be had now.
    KeyUnavailable(LookupError),
}

impl ArcOutcome {
    /// The word for it in `Authentication-Results` and in seals (RFC 8617 §4.4).
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail(_) | Self::KeyUnavailable(_) => "fail",
        }
    }
}

/// A chain, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArcResult {
    /// Who made the sets, from the first to the last; empty unless the chain holds.
    pub sealers: Vec<Domain>,
    /// What became of it.
    pub outcome: ArcOutcome,
}

impl ArcChain {
    /// Verifies the chain. Asks DNS for each key once.
    pub async fn verify(&self, resolver: &dyn Resolver, now: UnixMillis) -> ArcResult {
        let outcome = match &self.state {
            State::Absent => ArcOutcome::None,
            State::Broken { fault, .. } => ArcOutcome::Fail(fault.clone()),
            State::Sound(sound) => match sound.verify(resolver, now).await {
                Ok(()) => ArcOutcome::Pass,
                Err(Stop::Fault(fault)) => ArcOutcome::Fail(fault),
                Err(Stop::Unavailable(error)) => ArcOutcome::KeyUnavailable(error),
            },
        };
        let sealers = if outcome == ArcOutcome::Pass { self.sealers().cloned().collect() } else { Vec::new() };
        ArcResult { sealers, outcome }
    }
}

/// Why a chain does not hold, or cannot be said to.
enum Stop {
    Fault(ArcFault),
    Unavailable(LookupError),
}

impl Sound {
    async fn verify(&self, resolver: &dyn Resolver, now: UnixMillis) -> Result<(), Stop> {
        let last = self.seals.len();
        let stop = |fault| Stop::Fault(fault);
        check_times(self.signed_at, self.expires_at, now).map_err(|fault| stop(ArcFault::Signature(last, fault)))?;
        // Step 4. Where octets were left out of a signature, they could be anything.
        if !self.message.is_body_the_same() || self.message.unsigned_bytes > 0 {
            return Err(stop(ArcFault::MessageAltered(last)));
        }
        let mut keys = Keys { resolver, known: HashMap::new() };
        if !self.message.holds_by(keys.key(&self.message.key, self.message.algorithm, last).await?) {
            return Err(stop(ArcFault::MessageAltered(last)));
        }
        // Step 6, from the last to the first.
        for (at, seal) in self.seals.iter().enumerate().rev() {
            let key = keys.key(&seal.key, seal.algorithm, at + 1).await?;
            if !key.verifies(&seal.hash, &seal.signature) {
                return Err(stop(ArcFault::SealBroken(at + 1)));
            }
        }
        Ok(())
    }
}

/// Keys that were asked for.
struct Keys<'r> {
    resolver: &'r dyn Resolver,
    known: HashMap<(Domain, DkimAlgorithm), PublishedKey>,
}

impl Keys<'_> {
    async fn key(&mut self, place: &KeyPlace, algorithm: DkimAlgorithm, set: usize) -> Result<&PublishedKey, Stop> {
        let name = (place.record.clone(), algorithm);
        if !self.known.contains_key(&name) {
            let found = PublishedKey::look_up(self.resolver, &place.record, algorithm, KeyService::Mail).await;
            let key = found.map_err(|error| match error {
                NoKey::Unavailable(error) => Stop::Unavailable(error),
                NoKey::Fault(fault) => Stop::Fault(ArcFault::Key(set, fault)),
            })?;
            self.known.insert(name.clone(), key);
        }
        Ok(&self.known[&name])
    }
}
